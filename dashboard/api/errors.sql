SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SET most = (SELECT CASE WHEN $format = 'csv' OR $limit = 'all' THEN NULL WHEN $limit ~ '^\d{1,6}$' THEN $limit ELSE '100' END);
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'errors' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(e.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(e."timestamp"), $nothing::jsonb) AS at,
       COALESCE(to_jsonb(regexp_replace(e.source, $formula, '''')), $nothing::jsonb) AS source, COALESCE(to_jsonb(e.run_id), $nothing::jsonb) AS run_id,
       COALESCE(to_jsonb(regexp_replace(e.code, $formula, '''')), $nothing::jsonb) AS code, COALESCE(to_jsonb(regexp_replace(e.message, $formula, '''')), $nothing::jsonb) AS message
FROM dialfire.error_log_view e WHERE e.tenant = $tenant AND (COALESCE($run, '') = '' OR e.run_id::text = $run) ORDER BY e."timestamp" DESC LIMIT $most::bigint;
