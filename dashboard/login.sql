-- Who comes with the claims of an identity provider is signed in by them; everybody else types a password.
SET nothing = (SELECT set_config('role', 'none', false));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SET next = (SELECT CASE WHEN $next ~ '^/[a-z]*(\?[A-Za-z0-9_.~%&=-]*)?$' AND $next !~ '^/(login|signin|signout)' THEN $next ELSE '/' END);
-- A link from elsewhere, and the way back from a provider, bring no strict cookie; where this page leads there itself, it comes.
SET elsewhere = (SELECT sqlpage.header('sec-fetch-site') = 'cross-site' AND $next <> '/');
SET claimed = (SELECT CASE WHEN $elsewhere = 'true' THEN NULL WHEN sqlpage.user_info('email_verified') = 'true' THEN sqlpage.user_info('email') END);
SET token = sqlpage.random_string(43);
SET opened = (SELECT dialfire.dashboard_open($claimed, $token));
SELECT 'cookie' AS component, 'session' AS name, $token AS value, 'strict' AS same_site, true AS http_only,
       sqlpage.protocol() = 'https' AS secure
WHERE $opened IS NOT NULL;
SET unknown = (SELECT sqlpage.user_info('sub') IS NOT NULL AND $opened IS NULL AND $elsewhere IS DISTINCT FROM 'true');

SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SELECT 'http_header' AS component, '0; url=' || $next AS "Refresh" WHERE $opened IS NOT NULL OR $elsewhere = 'true';
SELECT 'status_code' AS component, 403 AS status WHERE $unknown = 'true';
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/door.sql', json_object('title', 'Sign in')) AS properties;
SELECT 'empty_state' AS component, 'phone-call' AS icon, 'One moment' AS title, 'Go on' AS link_text, $next AS link
WHERE $opened IS NOT NULL OR $elsewhere = 'true';
SELECT 'title' AS component, 'Sign in' AS contents, 'visually-hidden' AS class WHERE $unknown = 'true';
SELECT 'empty_state' AS component, 'user-question' AS icon, v.title, v.description,
       'Sign in as somebody else' AS link_text, sqlpage.oidc_logout_url('/signedout') AS link
FROM (SELECT sqlpage.user_info('email') AS email, sqlpage.user_info('email_verified') AS verified) u CROSS JOIN LATERAL (
    SELECT 'You have no access yet' AS title,
           format('Nobody here is called %s. Who looks after the database lets you in by CALL df_dashboard_user(%L, ''ROLE'', NULL, %L), where ROLE is the database role whose tenants you shall see.',
                  u.email, u.email, session_user) AS description
    WHERE u.verified = 'true'
    UNION ALL
    SELECT 'Who are you?', CASE WHEN u.email IS NULL THEN 'The identity provider tells no address: it must send the claim email, and OIDC_SCOPES ask for it.'
        ELSE format('The identity provider does not say that %s is yours: it must send the claim email_verified, and that must be true.', u.email) END
    WHERE u.verified IS DISTINCT FROM 'true') v
WHERE $unknown = 'true';
SELECT 'login' AS component, '/signin?next=' || sqlpage.url_encode($next) AS action, 'Calls' AS title, 'User' AS username, 'Password' AS password,
       'Sign in' AS validate,
       CASE WHEN $failed IS NOT NULL THEN 'User or password is wrong, or there were too many tries. After ten wait a quarter of an hour.' END
           AS error_message
WHERE sqlpage.user_info('sub') IS NULL AND $opened IS NULL AND $elsewhere IS DISTINCT FROM 'true';
