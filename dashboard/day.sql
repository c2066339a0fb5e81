SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Day')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SET day = (SELECT CASE WHEN $day ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$' THEN ((left($day, 7) || '-01')::date + right($day, 2)::int - 1)::text ELSE ((now() AT TIME ZONE $zone)::date - 1)::text END);
SET here = (SELECT 'tenant=' || dialfire.in_url($tenant));

SELECT 'title' AS component, to_char($day::date, 'FMDay, DD FMMonth YYYY') AS contents, 2 AS level;
SELECT 'big_number' AS component, 3 AS columns;
SELECT 'Stored calls' AS title, dialfire.show(COALESCE(sum(attempts + inbound), 0)) AS value, 'in days of ' || $zone AS description,
       format('/calls?%s&from=%s&to=%2$s', $here, $day) AS title_link
FROM dialfire.tenant_daily WHERE tenant = $tenant AND day = $day::date;
SELECT 'Complete campaigns' AS title, format('%s of %s', count(*) FILTER (WHERE state = 'covered'), count(*)) AS value,
       CASE WHEN count(*) = 0 THEN 'secondary' WHEN bool_and(state = 'covered') THEN 'green' WHEN bool_or(state = 'failed') THEN 'red' ELSE 'orange' END AS color,
       CASE WHEN count(*) = 0 THEN 'this day is not wanted' WHEN bool_and(state = 'covered') THEN 'nothing is missing' ELSE 'something is missing' END AS description
FROM dialfire.coverage_days WHERE tenant = $tenant AND day = $day::date;
SELECT 'In quarantine' AS title, dialfire.show(count(*)) AS value, 'records of this day' AS description, CASE WHEN count(*) > 0 THEN 'orange' END AS color, '/rejects?' || $here AS title_link
FROM dialfire.rejects_open WHERE tenant = $tenant AND (fired AT TIME ZONE $zone)::date = $day::date;

SELECT 'title' AS component, 'Missing hours' AS contents, 2 AS level;
SELECT 'table' AS component, 'missing' AS id, 'None. Every page of this day arrived.' AS empty_description;
SELECT COALESCE(g.title, g.source) AS "Campaign", to_char(greatest(g.from_at, d.begin) AT TIME ZONE $zone, 'HH24:MI:SS') AS "From",
       CASE WHEN g.to_at >= d.until THEN '24:00:00' ELSE to_char(g.to_at AT TIME ZONE $zone, 'HH24:MI:SS') END AS "To", dialfire.show(least(g.to_at, d.until) - greatest(g.from_at, d.begin)) AS "Length"
FROM (SELECT $day::timestamp AT TIME ZONE $zone AS begin, ($day::timestamp + interval '1 day') AT TIME ZONE $zone AS until) d
JOIN dialfire.coverage_gaps g ON g.tenant = $tenant AND g.from_at < d.until AND g.to_at > d.begin AND g.length > interval '1 second'
ORDER BY 1, 2;

SELECT 'title' AS component, 'Why' AS contents, 2 AS level;
SELECT 'table' AS component, true AS hover, 'Run' AS markdown, 'why' AS id, 'No run over this day failed. If it is missing, nobody has asked for it yet.' AS empty_description;
SELECT format('[%s](/run?%s&run=%1$s)', r.run_id, $here) AS "Run", dialfire.show(r.started_at, $zone) AS "Started", r.status AS "Status", r.message AS "What happened", r.hint AS "What to do",
       CASE r.status WHEN 'partial' THEN 'orange' ELSE 'red' END AS _sqlpage_color
FROM dialfire.runs r
WHERE r.tenant = $tenant AND r.status IN ('failed', 'partial', 'crashed')
  AND (COALESCE(isempty(r.range), true) AND r.finished_at > now() - interval '1 day' OR r.range && tstzrange($day::timestamp AT TIME ZONE $zone, ($day::timestamp + interval '1 day') AT TIME ZONE $zone))
ORDER BY r.run_id DESC LIMIT 10;

SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/button.sql', json_object('tenant', $tenant, 'action', 'fetch', 'argument', $day,
       'words', 'Fetch this day again', 'color', 'primary')) AS properties;
SELECT 'button' AS component;
SELECT 'Compare with the vendor' AS title, 'stethoscope' AS icon, format('/diagnosis?%s&range=%s', $here, $day) AS link;
SELECT 'Calls of this day' AS title, 'phone' AS icon, format('/calls?%s&from=%s&to=%2$s', $here, $day) AS link;
SELECT 'Coverage' AS title, 'calendar-check' AS icon, '/coverage?' || $here AS link;
