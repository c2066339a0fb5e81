SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Agents')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SET days = (SELECT CASE WHEN $days IN ('1', '7', '30', '90') THEN $days ELSE '7' END);

SELECT 'tab' AS component;
SELECT CASE d WHEN '1' THEN 'Today' ELSE d || ' days' END AS title, format('/agents?tenant=%s&days=%s', dialfire.in_url($tenant), d) AS link, d = $days AS active
FROM unnest(ARRAY['1', '7', '30', '90']) WITH ORDINALITY AS u(d, n) ORDER BY n;

SELECT 'alert' AS component, 'orange' AS color, 'user-question' AS icon, format('Calls of %s agents do not count', count(*)) AS title,
       'This tenant counts the calls of assigned agents only. Assign those that are yours; their stored calls count at once.' AS description
FROM dialfire.unassigned_agents WHERE tenant = $tenant AND calls > 0 HAVING count(*) > 0;
SELECT 'table' AS component, 'unassigned' AS id, 'Agent' AS description, 'Do' AS markdown
WHERE EXISTS (SELECT FROM dialfire.unassigned_agents WHERE tenant = $tenant AND calls > 0);
SELECT COALESCE(u.name, 'unknown') AS "Agent", u.agent_id AS "Id", dialfire.show(u.calls) AS "Calls", dialfire.show(u.last_call_at, $zone) AS "Last call",
       CASE WHEN u.in_system AND dialfire.may_act('assign_agent') THEN format('[assign](/assign?tenant=%s&agent=%s)', dialfire.in_url($tenant), dialfire.in_url(u.agent_id))
            WHEN u.in_system THEN 'your role may not assign' ELSE 'not known here yet: the next sync asks for him' END AS "Do"
FROM dialfire.unassigned_agents u WHERE u.tenant = $tenant AND u.calls > 0 ORDER BY u.calls DESC;

SELECT 'button' AS component WHERE EXISTS (SELECT FROM dialfire.unassigned_agents WHERE tenant = $tenant AND calls > 0);
SELECT v.title, v.icon, format('/api/unassigned?tenant=%s&format=%s', dialfire.in_url($tenant), lower(v.title)) AS link
FROM (VALUES ('CSV', 'file-download'), ('JSON', 'braces')) AS v(title, icon)
WHERE EXISTS (SELECT FROM dialfire.unassigned_agents WHERE tenant = $tenant AND calls > 0);

SELECT 'chart' AS component, 'Answered calls by agent' AS title, 'bar' AS type, true AS horizontal, 300 AS height, 'teal' AS color
WHERE EXISTS (SELECT FROM dialfire.agent_daily WHERE tenant = $tenant AND day > (now() AT TIME ZONE $zone)::date - $days::int AND connects > 0);
SELECT COALESCE(NULLIF(agent_login, ''), agent_id) AS label, sum(connects) AS value FROM dialfire.agent_daily
WHERE tenant = $tenant AND day > (now() AT TIME ZONE $zone)::date - $days::int AND COALESCE(agent_id, '') <> ''
GROUP BY 1 HAVING sum(connects) > 0 ORDER BY 2 DESC LIMIT 12;

SELECT 'table' AS component, true AS hover, 'Agent' AS markdown, 'Attempts' AS align_right, 'Answered' AS align_right, 'Conversions' AS align_right, 'agents' AS id,
       'No agent did anything in this time. Take a longer one, or look under Coverage whether it was fetched.' AS empty_description;
SELECT CASE WHEN COALESCE(a.agent_id, '') = '' THEN 'machines' ELSE format('[%s](/calls?tenant=%s&agent=%s)',
           regexp_replace(COALESCE(NULLIF(a.agent_login, ''), a.agent_id), '([^[:alnum:] ])', '\\\1', 'g'), dialfire.in_url($tenant), dialfire.in_url(a.agent_login)) END AS "Agent",
       dialfire.show(sum(a.attempts)) AS "Attempts", dialfire.show(sum(a.connects)) AS "Answered", dialfire.show(sum(a.conversions)) AS "Conversions",
       COALESCE(dialfire.show_share(sum(a.conversions) / NULLIF(sum(a.connects), 0)::float8), '–') AS "Rate",
       COALESCE(dialfire.show(make_interval(secs => sum(a.avg_talk_sec * a.connects) / NULLIF(sum(a.connects) FILTER (WHERE a.avg_talk_sec IS NOT NULL), 0))), '–') AS "Mean talk",
       COALESCE(dialfire.show(make_interval(secs => avg(a.avg_wrapup_sec))), '–') AS "Mean after-call work",
       dialfire.show(sum(a.inbound)) AS "Inbound"
FROM dialfire.agent_daily a WHERE a.tenant = $tenant AND a.day > (now() AT TIME ZONE $zone)::date - $days::int
GROUP BY a.agent_id, a.agent_login ORDER BY sum(a.connects) DESC, sum(a.attempts) DESC LIMIT 200;
SELECT 'button' AS component;
SELECT 'CSV' AS title, 'file-download' AS icon, format('/api/agents?tenant=%s&days=%s&format=csv', dialfire.in_url($tenant), $days) AS link;
SELECT 'JSON' AS title, 'braces' AS icon, format('/api/agents?tenant=%s&days=%s', dialfire.in_url($tenant), $days) AS link;
