SET nothing = (SELECT set_config('role', 'none', false));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SET closed = (SELECT CASE WHEN :csrf = dialfire.csrf_token(sqlpage.cookie('session'))
                          THEN dialfire.dashboard_close(sqlpage.cookie('session')) END);
SELECT 'status_code' AS component, 403 AS status WHERE $closed IS NULL;
SELECT 'cookie' AS component, 'session' AS name, true AS remove WHERE $closed IS NOT NULL;
SELECT 'redirect' AS component, '/login' AS link WHERE $closed IS NOT NULL;
SELECT 'text' AS component, 'This form is not from here, or its session has ended.' AS contents;
