-- Who asks, by the cookie of a page or by a bearer token; nobody gets 401 and the page ends here.
SET nothing = (SELECT set_config('role', 'none', false));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SET me = (SELECT COALESCE(
    (SELECT row_to_json(s) FROM dialfire.dashboard_session(sqlpage.cookie('session'), 'browser') s),
    (SELECT row_to_json(s) FROM dialfire.dashboard_session(regexp_replace(sqlpage.header('authorization'), '^Bearer +', ''), 'api') s)));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SELECT 'status_code' AS component, 401 AS status WHERE $me IS NULL;
SELECT 'http_header' AS component, 'Bearer' AS "WWW-Authenticate" WHERE $me IS NULL;
SELECT 'json' AS component, '{"error":"sign in, or send Authorization: Bearer with a token of df_dashboard_token"}' AS contents WHERE $me IS NULL;
SET nothing = (SELECT set_config('role', $me::json ->> 'role', false));
