SET nothing = (SELECT set_config('role', 'none', false));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SET closed = (SELECT CASE WHEN :csrf = dialfire.csrf_token(sqlpage.cookie('session'))
                          THEN dialfire.dashboard_close(sqlpage.cookie('session')) END);
SELECT 'status_code' AS component, 403 AS status WHERE $closed IS NULL;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SELECT 'cookie' AS component, 'session' AS name, true AS remove WHERE $closed IS NOT NULL;
SET provider = (SELECT sqlpage.oidc_logout_url('/signedout') WHERE $closed IS NOT NULL);
SELECT 'redirect' AS component, '/login' AS link WHERE $closed IS NOT NULL AND $provider IS NULL;
-- No redirect, as what comes of a form may not leave this site.
SELECT 'http_header' AS component, '0; url=' || $provider AS "Refresh" WHERE $provider IS NOT NULL;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/door.sql', json_object('title', 'Sign out')) AS properties;
SELECT 'title' AS component, 'Sign out' AS contents, 'visually-hidden' AS class;
SELECT 'empty_state' AS component, 'logout' AS icon, 'You are signed out here' AS title, 'Sign out of the identity provider' AS link_text, $provider AS link
WHERE $provider IS NOT NULL;
SELECT 'empty_state' AS component, 'lock' AS icon, 'You are still signed in' AS title, 'This form is not from here, or its session has ended.' AS description,
       'Account' AS link_text, '/account' AS link
WHERE $closed IS NULL;
