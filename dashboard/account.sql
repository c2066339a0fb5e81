SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Account')) AS properties;
SELECT 'datagrid' AS component, 'Account' AS title;
SELECT 'Database role' AS title, current_user AS description;
SELECT 'Tenants' AS title, COALESCE(string_agg(tenant, ', ' ORDER BY tenant), 'none') AS description FROM dialfire.tenants WHERE usable;
SELECT 'button' AS component;
SELECT 'Light' AS title, 'sun' AS icon, '/theme?to=light' AS link, 'secondary' AS outline;
SELECT 'Dark' AS title, 'moon' AS icon, '/theme?to=dark' AS link, 'secondary' AS outline;
SELECT 'form' AS component, 'post' AS method, '/signout' AS action, 'Sign out' AS validate, 'danger' AS validate_outline, '' AS validate_color;
SELECT 'hidden' AS type, 'csrf' AS name, dialfire.csrf_token(sqlpage.cookie('session')) AS value;
