-- The beginning of every page: who asks becomes the role of this connection until the request ends, then the frame.
SET nothing = (SELECT set_config('role', 'none', false));
-- Whom an identity provider has signed in by now is not the one who was before.
SET me = (SELECT row_to_json(s) FROM dialfire.dashboard_session(sqlpage.cookie('session'), 'browser') s
          WHERE COALESCE(s.name = sqlpage.user_info('email'), true));

SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SET next = (SELECT CASE WHEN sqlpage.request_method() = 'GET' THEN sqlpage.path() || COALESCE(
    (SELECT '?' || string_agg(dialfire.in_url(key) || '=' || dialfire.in_url(value), '&') FROM json_each_text(sqlpage.variables('get')::json)), '') END);
SELECT 'redirect' AS component, '/login?next=' || COALESCE(dialfire.in_url($next), '') AS link WHERE $me IS NULL;

SET nothing = (SELECT set_config('role', $me::json ->> 'role', false));
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET query = (SELECT '?tenant=' || dialfire.in_url($tenant));

SELECT 'shell' AS component,
       concat_ws(' · ', $title, $tenant) AS title,
       'Calls' AS navbar_title,
       'phone-call' AS icon,
       '/logo.svg' AS favicon,
       '/' || COALESCE($query, '') AS link,
       'en' AS language,
       true AS norobot,
       true AS sidebar,
       16 AS font_size,
       $refresh AS refresh,
       COALESCE(sqlpage.cookie('theme'), sqlpage.header('sec-ch-prefers-color-scheme'), 'light') AS theme,
       '/style.css' AS css,
       '' AS footer,
       (SELECT json_agg(item ORDER BY place) FROM (
            SELECT place, json_build_object('title', title, 'icon', icon, 'link', link || COALESCE($query, ''), 'active', link = sqlpage.path()) AS item
            FROM (VALUES (1, 'Overview', 'home', '/'), (2, 'Ingestion', 'download', '/ingestion'), (3, 'Coverage', 'calendar-check', '/coverage'),
                         (4, 'Calls', 'phone', '/calls'), (5, 'Agents', 'users', '/agents'), (6, 'Campaigns', 'target', '/campaigns'),
                         (7, 'Monthly', 'chart-bar', '/monthly'), (8, 'Diagnosis', 'stethoscope', '/diagnosis'), (9, 'Alerts', 'bell', '/alerts'))
                AS page(place, title, icon, link)
            UNION ALL
            SELECT 10, json_build_object('title', $tenant, 'icon', 'building', 'submenu', json_agg(json_build_object(
                       'title', tenant, 'link', sqlpage.path() || '?tenant=' || dialfire.in_url(tenant), 'active', tenant = $tenant) ORDER BY tenant))
            FROM dialfire.tenants WHERE usable
            HAVING count(*) > 1
            UNION ALL
            SELECT 11, json_build_object('title', $me::json ->> 'name', 'icon', 'user-circle', 'link', '/account' || COALESCE($query, ''),
                                         'active', sqlpage.path() = '/account')
       ) items) AS menu_item;

SELECT 'title' AS component, concat_ws(' of ', $title, $tenant) AS contents, 'visually-hidden' AS class;
SELECT 'empty_state' AS component, 'database-off' AS icon, 'No tenant yet' AS title,
       format('Role %s may use no tenant. The owner of the database lets it see one by CALL df_grant(''acme'', %L), or GRANT USAGE ON FOREIGN SERVER acme TO %I to look only.',
              current_user, current_user, current_user) AS description
WHERE $tenant IS NULL;
