SELECT 'status_code' AS component, 404 AS status;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'No such page')) AS properties;
SELECT 'empty_state' AS component, 'map-off' AS icon, 'There is no such page' AS title,
       'The menu has all pages.' AS description, 'Overview' AS link_text, '/' AS link;
