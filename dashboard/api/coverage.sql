SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'coverage' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(d.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(regexp_replace(d.source, $formula, '''')), $nothing::jsonb) AS source,
       COALESCE(to_jsonb(regexp_replace(d.title, $formula, '''')), $nothing::jsonb) AS title, COALESCE(to_jsonb(d.day), $nothing::jsonb) AS day,
       COALESCE(to_jsonb(d.state), $nothing::jsonb) AS state,
       COALESCE(to_jsonb(extract(epoch FROM d.missing)), $nothing::jsonb) AS missing_seconds,
       COALESCE(to_jsonb(d.calls), $nothing::jsonb) AS calls
FROM dialfire.coverage_days d WHERE d.tenant = $tenant ORDER BY d.day DESC, d.title, d.source;
