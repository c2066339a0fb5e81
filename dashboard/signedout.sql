SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/door.sql', json_object('title', 'Signed out')) AS properties;
SELECT 'title' AS component, 'Signed out' AS contents, 'visually-hidden' AS class;
SELECT 'empty_state' AS component, 'logout' AS icon, 'You are signed out' AS title, 'Sign in' AS link_text, '/' AS link;
