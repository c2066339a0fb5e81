-- The comparison ends the page where the password is wrong. A form of another site would sign its visitor in as somebody else.
SET nothing = (SELECT set_config('role', 'none', false));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SET next = (SELECT CASE WHEN $next ~ '^/[a-z]*(\?[A-Za-z0-9_.~%&=-]*)?$' THEN $next ELSE '/' END);
SELECT 'redirect' AS component, '/login' AS link WHERE sqlpage.header('sec-fetch-site') IN ('cross-site', 'same-site');
SET hash = (SELECT dialfire.dashboard_password(:username));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SELECT 'authentication' AS component, '/login?failed=1&next=' || sqlpage.url_encode($next) AS link, $hash AS password_hash, :password AS password;
SET token = sqlpage.random_string(43);
SET opened = (SELECT dialfire.dashboard_open(:username, $token));
SELECT 'cookie' AS component, 'session' AS name, $token AS value, 'strict' AS same_site, true AS http_only,
       sqlpage.protocol() = 'https' AS secure
WHERE $opened IS NOT NULL;
SELECT 'redirect' AS component, CASE WHEN $opened IS NULL THEN '/login?failed=1' ELSE $next END AS link;
