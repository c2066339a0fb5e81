SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'attention' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(a.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(a.rank), $nothing::jsonb) AS rank, COALESCE(to_jsonb(a.severity), $nothing::jsonb) AS severity,
       COALESCE(to_jsonb(regexp_replace(a.what, $formula, '''')), $nothing::jsonb) AS what, COALESCE(to_jsonb(regexp_replace(a.detail, $formula, '''')), $nothing::jsonb) AS detail, COALESCE(to_jsonb(a.page), $nothing::jsonb) AS page
FROM dialfire.attention a WHERE $tenant IS NULL OR a.tenant = $tenant ORDER BY a.rank, a.tenant;
