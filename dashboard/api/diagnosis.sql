-- It asks the vendor: a browser must bring the token of its session.
SET nothing = (SELECT set_config('role', 'none', false));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SET fits = (SELECT sqlpage.request_method() = 'POST' AND (sqlpage.cookie('session') IS NULL OR COALESCE(:csrf = dialfire.csrf_token(sqlpage.cookie('session')), false)));
SELECT 'status_code' AS component, 403 AS status WHERE $fits = 'false';
SELECT 'json' AS component, '{"error":"POST tenant and range, from a form of this session or with a bearer token"}' AS contents WHERE $fits = 'false';
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE COALESCE(:format, '') WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', :format))::json -> 0 ->> 'formula');
SET found = (SELECT dialfire.dashboard_diagnosis(COALESCE(:tenant, $tenant), COALESCE(:range, $range)));
SELECT 'status_code' AS component, 422 AS status WHERE $found::json ->> 'failed' IS NOT NULL;
SELECT 'json' AS component, $found AS contents WHERE COALESCE(:format, '') <> 'csv' OR $found::json ->> 'failed' IS NOT NULL;
SELECT 'csv' AS component, 'diagnosis' AS filename;
SELECT COALESCE(c -> 'callDate', $nothing::json) AS call_date, COALESCE(regexp_replace(c ->> 'callId', $formula, ''''), '') AS call_id, COALESCE(c -> 'status', $nothing::json) AS status,
       COALESCE(regexp_replace(c ->> 'reason', $formula, ''''), '') AS reason, COALESCE(regexp_replace(c ->> 'detail', $formula, ''''), '') AS detail, COALESCE(regexp_replace(c ->> 'fromNumber', $formula, ''''), '') AS from_number,
       COALESCE(regexp_replace(c ->> 'agentId', $formula, ''''), '') AS agent_id, COALESCE(regexp_replace(c ->> 'agentName', $formula, ''''), '') AS agent_name
FROM (SELECT c FROM json_array_elements($found::json -> 'missingCalls') c UNION ALL SELECT c FROM json_array_elements($found::json -> 'otherCalls') c) d;
