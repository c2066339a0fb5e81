SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'alerts' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(a.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(a.id), $nothing::jsonb) AS id,
       COALESCE(to_jsonb(a.at), $nothing::jsonb) AS at, COALESCE(to_jsonb(regexp_replace(a.rule, $formula, '''')), $nothing::jsonb) AS rule,
       COALESCE(to_jsonb(a.severity), $nothing::jsonb) AS severity, COALESCE(to_jsonb(regexp_replace(a.subject, $formula, '''')), $nothing::jsonb) AS subject,
       COALESCE(to_jsonb(regexp_replace(a.message, $formula, '''')), $nothing::jsonb) AS message, COALESCE(to_jsonb(a.value), $nothing::jsonb) AS value,
       COALESCE(to_jsonb(a.ended_at), $nothing::jsonb) AS ended_at
FROM dialfire.alerts a WHERE a.tenant = $tenant ORDER BY a.at DESC;
