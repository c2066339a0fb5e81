-- Who asks, by the cookie of a page or by a bearer token; nobody gets 401 and the page ends here.
SET nothing = (SELECT set_config('role', 'none', false));
SET me = (SELECT COALESCE(
    (SELECT row_to_json(s) FROM dialfire.dashboard_session(sqlpage.cookie('session'), 'browser') s
     WHERE COALESCE(s.name = sqlpage.user_info('email'), true)),
    (SELECT row_to_json(s) FROM dialfire.dashboard_session(regexp_replace(sqlpage.header('authorization'), '^Bearer +', ''), 'api') s)));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SELECT 'status_code' AS component, 401 AS status WHERE $me IS NULL;
SELECT 'http_header' AS component, 'Bearer' AS "WWW-Authenticate" WHERE $me IS NULL;
SELECT 'json' AS component, '{"error":"sign in, or send Authorization: Bearer with a token of df_dashboard_token"}' AS contents WHERE $me IS NULL;
SET nothing = (SELECT set_config('role', $me::json ->> 'role', false));

-- What is asked for wrongly is no answer to something else: a program would not notice.
SET wrong = (SELECT string_agg(format('%s is %s', name, wanted), '; ') FROM (VALUES
    ('from', $from, '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$', 'a day as 2026-11-05'),
    ('to', $to, '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$', 'a day as 2026-11-05'),
    ('days', $days, '^\d{1,4}$', 'a number of days'), ('limit', $limit, '^(\d{1,6}|all)$', 'a number of at most 6 digits, or all'),
    ('run', $run, '^\d{1,18}$', 'the number of a run'), ('format', $format, '^(csv|json)$', 'csv or json'), ('test', $test, '^(too|only)$', 'too or only'),
    ('before', $before, CASE sqlpage.path() WHEN '/api/runs' THEN '^\d{1,18}$'
        ELSE '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(\+00(:00)?|Z)$' END,
        CASE sqlpage.path() WHEN '/api/runs' THEN 'the number of a run' ELSE 'fired_at of the last call, in UTC' END)) AS v(name, value, fits, wanted)
    WHERE value <> '' AND value !~ fits);
SELECT 'status_code' AS component, 400 AS status WHERE $wrong IS NOT NULL;
SELECT 'json' AS component, json_build_object('error', $wrong)::text AS contents WHERE $wrong IS NOT NULL;
SET strange = (SELECT COALESCE($tenant, '') <> '' AND dialfire.tenant_or_first($tenant) IS DISTINCT FROM $tenant);
SELECT 'status_code' AS component, 404 AS status WHERE $strange = 'true';
SELECT 'json' AS component, '{"error":"there is no such tenant, or the role may not use it"}' AS contents WHERE $strange = 'true';
