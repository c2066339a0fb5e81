SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SELECT 'cookie' AS component, 'theme' AS name, CASE $to WHEN 'dark' THEN 'dark' ELSE 'light' END AS value, 31536000 AS max_age,
       'lax' AS same_site, sqlpage.protocol() = 'https' AS secure;
SELECT 'redirect' AS component, '/account' AS link;
