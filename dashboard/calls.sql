SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Calls')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SET from = (SELECT CASE WHEN $from ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$' THEN ((left($from, 7) || '-01')::date + right($from, 2)::int - 1)::text ELSE ((now() AT TIME ZONE $zone)::date - 6)::text END);
SET to = (SELECT CASE WHEN $to ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$' THEN ((left($to, 7) || '-01')::date + right($to, 2)::int - 1)::text ELSE (now() AT TIME ZONE $zone)::date::text END);
SET before = (SELECT CASE WHEN $before ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(\+00(:00)?|Z)$'
    THEN (((left($before, 7) || '-01')::date + substr($before, 9, 2)::int - 1 + substring($before FROM '[T ]([0-9:.]+)')::time) AT TIME ZONE 'UTC')::text END);
SET until = (SELECT COALESCE(($before::timestamptz AT TIME ZONE $zone)::date, $to::date)::text);
-- Day by day, the newest first: a day that is not needed is not read, and nothing is sorted that is longer than a day.
-- OFFSET 0 keeps the cast out of the join: row security lets only what cannot leak find rows by an index.
SET calls = (SELECT COALESCE(json_agg(c), '[]') FROM (
    SELECT c.* FROM (SELECT at::date AS day FROM generate_series($until::date, $from::date, interval '-1 day') AS at OFFSET 0) d
    CROSS JOIN LATERAL (
        SELECT * FROM dialfire.calls c
        WHERE c.tenant = $tenant AND c.day = d.day
          AND c.fired_at >= $from::timestamp AT TIME ZONE $zone AND c.fired_at < ($to::timestamp + interval '1 day') AT TIME ZONE $zone
          AND (COALESCE($status, '') = '' OR c.status = $status) AND (COALESCE($agent, '') = '' OR c.agent_login = $agent)
          AND (COALESCE($campaign, '') = '' OR c.campaign_id = $campaign)
          AND CASE $test WHEN 'too' THEN true WHEN 'only' THEN c.is_test ELSE NOT c.is_test END
          AND (COALESCE($search, '') = '' OR strpos(lower(concat_ws(' ', c.phone, c.line_number, c.agent_login, c.contact_id, c.call_id)), lower($search)) > 0
               OR $search ~ '^[0-9 +./()-]+$' AND length(regexp_replace($search, '[^0-9]|^0+', '', 'g')) >= 4
                  AND strpos(regexp_replace(c.phone, '[^0-9]', '', 'g'), regexp_replace($search, '[^0-9]|^0+', '', 'g')) > 0)
          AND ($before IS NULL OR (c.fired_at, c.call_id) < ($before::timestamptz, $before_id))
        ORDER BY c.fired_at DESC, c.call_id DESC LIMIT 50) c
    LIMIT 50
) c);
SET here = (SELECT '?' || string_agg(name || '=' || dialfire.in_url(value), '&') FROM (VALUES ('tenant', $tenant), ('from', $from), ('to', $to),
    ('search', $search), ('agent', $agent), ('campaign', $campaign), ('status', $status), ('test', $test)) AS v(name, value) WHERE value <> '');

SELECT 'form' AS component, 'get' AS method, 'Show' AS validate, 'filter' AS id WHERE $tenant IS NOT NULL;
SELECT 'hidden' AS type, 'tenant' AS name, $tenant AS value WHERE $tenant IS NOT NULL;
SELECT 'search' AS type, 'search' AS name, 'Search' AS label, 'number, agent, contact or call' AS placeholder, 4 AS width, $search AS value WHERE $tenant IS NOT NULL;
SELECT 'date' AS type, 'from' AS name, 'From' AS label, 2 AS width, $from AS value WHERE $tenant IS NOT NULL;
SELECT 'date' AS type, 'to' AS name, 'To' AS label, 2 AS width, $to AS value WHERE $tenant IS NOT NULL;
SELECT 'select' AS type, 'status' AS name, 'Status' AS label, 2 AS width, $status AS value, 'any' AS empty_option,
       (SELECT json_agg(json_build_object('label', replace(s, '_', ' '), 'value', s) ORDER BY n) FROM unnest(ARRAY['completed', 'no_answer', 'busy',
        'voicemail', 'abandoned', 'failed', 'canceled', 'queued', 'in_progress', 'unknown']) WITH ORDINALITY AS u(s, n)) AS options WHERE $tenant IS NOT NULL;
SELECT 'select' AS type, 'test' AS name, 'Test calls' AS label, 2 AS width, $test AS value, 'left out' AS empty_option,
       '[{"label":"shown too","value":"too"},{"label":"only these","value":"only"}]' AS options WHERE $tenant IS NOT NULL;
SELECT 'select' AS type, 'agent' AS name, 'Agent' AS label, 4 AS width, $agent AS value, 'any' AS empty_option,
       json_agg(json_build_object('label', login, 'value', login) ORDER BY login) AS options
FROM (SELECT DISTINCT login FROM dialfire.agents WHERE tenant = $tenant AND login IS NOT NULL) a WHERE $tenant IS NOT NULL;
SELECT 'select' AS type, 'campaign' AS name, 'Campaign' AS label, 4 AS width, $campaign AS value, 'any' AS empty_option,
       json_agg(json_build_object('label', COALESCE(title, id), 'value', id) ORDER BY title) AS options
FROM dialfire.campaigns WHERE tenant = $tenant HAVING $tenant IS NOT NULL;

SELECT 'table' AS component, true AS hover, 'Started' AS markdown, 'Recording' AS markdown, 'calls' AS id,
       'No call fits. Take a longer time or fewer filters; what is not fetched yet stands under Coverage.' AS empty_description
WHERE $tenant IS NOT NULL;
SELECT format('[%s](/call?tenant=%s&call=%s)', dialfire.show(c.started_at, $zone), dialfire.in_url(c.tenant), dialfire.in_url(c.call_id)) AS "Started",
       replace(c.direction, 'bound', '') AS "Way", replace(c.status, '_', ' ') AS "Status", n.caller_name AS "Other side",
       NULLIF(c.phone, n.caller_name) AS "Number", COALESCE(c.agent_login, CASE WHEN c.is_human THEN '?' ELSE '–' END) AS "Agent",
       COALESCE(c.campaign_title, c.campaign_id) AS "Campaign", COALESCE(dialfire.show(make_interval(secs => c.duration_ms / 1000.0)), '–') AS "Duration",
       CASE WHEN c.recording_location ~ '^https?://[^][()<>"\s]+$' THEN format('[listen](%s)', c.recording_location) END AS "Recording",
       CASE c.status WHEN 'failed' THEN 'red' WHEN 'in_progress' THEN 'azure' END AS _sqlpage_color
FROM json_populate_recordset(NULL::dialfire.calls, $calls::json) c
LEFT JOIN LATERAL (SELECT d.caller_name FROM dialfire.dashboard_calls d WHERE d.tenant = c.tenant AND d.call_id = c.call_id LIMIT 1) n ON true
ORDER BY c.fired_at DESC, c.call_id DESC;

SET next = (SELECT format('&before=%s&before_id=%s', dialfire.in_url(c.fired_at::text), dialfire.in_url(c.call_id))
    FROM json_populate_recordset(NULL::dialfire.calls, $calls::json) c ORDER BY c.fired_at DESC, c.call_id DESC OFFSET 49 LIMIT 1);
SELECT 'button' AS component WHERE $tenant IS NOT NULL;
SELECT 'Newest' AS title, 'chevrons-left' AS icon, 'secondary' AS outline, '/calls' || $here AS link WHERE $before IS NOT NULL;
SELECT 'Older' AS title, 'chevron-right' AS icon, 'secondary' AS outline, '/calls' || $here || $next AS link WHERE $next IS NOT NULL;
SELECT 'CSV' AS title, 'file-download' AS icon, '/api/calls' || $here || '&format=csv' AS link WHERE $tenant IS NOT NULL;
SELECT 'JSON' AS title, 'braces' AS icon, '/api/calls' || $here || '&limit=all' AS link WHERE $tenant IS NOT NULL;
SELECT 'A call that is not here' AS title, 'help' AS icon, '/call?tenant=' || dialfire.in_url($tenant) AS link WHERE $tenant IS NOT NULL;
