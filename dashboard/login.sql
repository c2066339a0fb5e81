-- Who comes with the claims of a single sign-on is signed in by them; everybody else types a password.
SET nothing = (SELECT set_config('role', 'none', false));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SET next = (SELECT CASE WHEN $next ~ '^/[a-z]*$' AND $next <> '/login' THEN $next ELSE '/' END);
SET claimed = (SELECT CASE WHEN sqlpage.user_info('email_verified') = 'true' THEN sqlpage.user_info('email') END);
SET token = sqlpage.random_string(43);
SET opened = (SELECT dialfire.dashboard_open($claimed, $token));
SELECT 'cookie' AS component, 'session' AS name, $token AS value, 'strict' AS same_site, true AS http_only,
       sqlpage.protocol() = 'https' AS secure
WHERE $opened IS NOT NULL;
SELECT 'redirect' AS component, $next AS link WHERE $opened IS NOT NULL;

SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SELECT 'shell' AS component, 'Sign in' AS title, 'Calls' AS navbar_title, 'phone-call' AS icon, 'en' AS language, true AS norobot,
       '/style.css' AS css, '' AS footer,
       COALESCE(sqlpage.cookie('theme'), sqlpage.header('sec-ch-prefers-color-scheme'), 'light') AS theme;
SELECT 'login' AS component, '/signin?next=' || $next AS action, 'Calls' AS title, 'User' AS username, 'Password' AS password,
       'Sign in' AS validate,
       CASE WHEN $failed IS NOT NULL THEN 'User or password is wrong, or there were too many tries. After ten wait a quarter of an hour.' END
           AS error_message;
