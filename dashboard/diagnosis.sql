-- Asks the vendor, so it is an action: by a form of this session only. Without one it shows the form.
SET nothing = (SELECT set_config('role', 'none', false));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SET tenant = (SELECT COALESCE(:tenant, $tenant));
SET range = (SELECT COALESCE(NULLIF(COALESCE(:range, $range), ''), 'yesterday'));
SET fits = (SELECT CASE WHEN sqlpage.request_method() = 'POST' THEN COALESCE(:csrf = dialfire.csrf_token(sqlpage.cookie('session')), false) END);
SELECT 'status_code' AS component, 403 AS status WHERE $fits = 'false' AND sqlpage.cookie('session') IS NOT NULL;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Diagnosis', 'tenant', $tenant)) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);

SELECT 'alert' AS component, 'red' AS color, 'lock' AS icon, 'Not done' AS title,
       'This form is not from here, or its session has ended. Load the page again, and retry.' AS description WHERE $fits = 'false';
SELECT 'form' AS component, 'post' AS method, '/diagnosis' AS action, 'Compare with the vendor' AS validate, 'diagnose' AS id
WHERE dialfire.may_act('diagnose');
SELECT 'hidden' AS type, 'csrf' AS name, dialfire.csrf_token(sqlpage.cookie('session')) AS value WHERE dialfire.may_act('diagnose');
SELECT 'hidden' AS type, 'tenant' AS name, $tenant AS value WHERE dialfire.may_act('diagnose');
SELECT 'text' AS type, 'range' AS name, 'Range' AS label, $range AS value, true AS required,
       'yesterday, last 3 days, 2026-11-05, 2026-11-01..2026-11-15. Every call of it is asked for and compared one by one; nothing is changed.' AS description
WHERE dialfire.may_act('diagnose');
SELECT 'text' AS component, 'Your role may look and not ask the vendor; df_grant would let it.' AS contents WHERE NOT dialfire.may_act('diagnose');

SET found = (SELECT CASE WHEN $fits = 'true' THEN dialfire.dashboard_diagnosis($tenant, $range) END);
SELECT 'alert' AS component, 'red' AS color, 'alert-triangle' AS icon, $found::json ->> 'failed' AS title, $found::json ->> 'hint' AS description
WHERE $found::json ->> 'failed' IS NOT NULL;
SELECT 'alert' AS component, 'orange' AS color, 'alert-triangle' AS icon, 'The vendor did not show everything' AS title,
       (SELECT string_agg(value, '; ') FROM json_array_elements_text($found::json -> 'errors')) AS description
WHERE $found::json -> 'summary' ->> 'complete' = 'false';
SELECT 'alert' AS component, 'green' AS color, 'circle-check' AS icon, 'Nothing differs' AS title,
       'Every call that the vendor has of this time is stored and counts.' AS description
WHERE $found::jsonb -> 'summary' @> '{"complete": true, "missingInDatabase": 0, "changed": 0, "rejected": 0, "extraInDatabase": 0}';
SELECT 'big_number' AS component, 5 AS columns, 'summary' AS id WHERE $found::json -> 'summary' IS NOT NULL;
SELECT v.title, dialfire.show(($found::json -> 'summary' ->> v.key)::numeric) AS value, v.description,
       CASE WHEN v.bad AND ($found::json -> 'summary' ->> v.key)::int > 0 THEN 'orange' END AS color
FROM (VALUES (1, 'At the vendor', 'vendorTotal', 'calls', false), (2, 'The same', 'matching', 'stored and counted', false), (3, 'Missing', 'missingInDatabase', 'not stored, or not counted', true),
             (4, 'Changed', 'changed', 'another at the vendor by now', true), (5, 'Rejected', 'rejected', 'in quarantine', true)) AS v(place, title, key, description, bad)
WHERE $found::json -> 'summary' IS NOT NULL ORDER BY v.place;

SELECT 'chart' AS component, 'Reasons' AS title, 'bar' AS type, true AS horizontal, 180 AS height, 'orange' AS color
WHERE json_array_length($found::json -> 'missingCalls') > 0;
SELECT replace(c ->> 'reason', '_', ' ') AS label, count(*) AS value FROM json_array_elements($found::json -> 'missingCalls') c GROUP BY 1 ORDER BY 2 DESC;
SELECT 'table' AS component, true AS hover, 'Life' AS markdown, 'differences' AS id, 'No call differs.' AS empty_description WHERE $found::json -> 'summary' IS NOT NULL;
SELECT dialfire.show((c ->> 'callDate')::timestamptz, $zone) AS "When", c ->> 'callId' AS "Call", replace(c ->> 'status', '_', ' ') AS "Where",
       replace(c ->> 'reason', '_', ' ') AS "Why", c ->> 'detail' AS "Detail", c ->> 'fromNumber' AS "From", COALESCE(c ->> 'agentName', c ->> 'agentId') AS "Agent",
       format('[life](/call?tenant=%s&call=%s)', dialfire.in_url($tenant), dialfire.in_url(c ->> 'callId')) AS "Life"
FROM (SELECT c FROM json_array_elements($found::json -> 'missingCalls') c UNION ALL SELECT c FROM json_array_elements($found::json -> 'otherCalls') c) d
ORDER BY c ->> 'callDate' DESC LIMIT 500;

SELECT 'form' AS component, 'post' AS method, '/api/diagnosis' AS action, 'CSV of all differences' AS validate, 'secondary' AS validate_outline, '' AS validate_color, 'export' AS id
WHERE $found::json -> 'summary' IS NOT NULL;
SELECT 'hidden' AS type, v.name, v.value FROM (VALUES ('csrf', dialfire.csrf_token(sqlpage.cookie('session'))), ('tenant', $tenant), ('range', $range), ('format', 'csv')) AS v(name, value)
WHERE $found::json -> 'summary' IS NOT NULL;
SELECT 'form' AS component, 'post' AS method, '/api/diagnosis' AS action, 'JSON' AS validate, 'secondary' AS validate_outline, '' AS validate_color, 'export-json' AS id
WHERE $found::json -> 'summary' IS NOT NULL;
SELECT 'hidden' AS type, v.name, v.value FROM (VALUES ('csrf', dialfire.csrf_token(sqlpage.cookie('session'))), ('tenant', $tenant), ('range', $range)) AS v(name, value)
WHERE $found::json -> 'summary' IS NOT NULL;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/button.sql', json_object('tenant', $tenant, 'action', 'repair', 'argument', $range,
       'words', 'Fetch what is missing or changed', 'color', 'primary')) AS properties
WHERE $found::json -> 'summary' IS NOT NULL;
