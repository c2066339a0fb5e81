SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'rejects' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(r.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(r.id), $nothing::jsonb) AS id,
       COALESCE(to_jsonb(regexp_replace(r.source, $formula, '''')), $nothing::jsonb) AS source, COALESCE(to_jsonb(r.kind), $nothing::jsonb) AS kind,
       COALESCE(to_jsonb(regexp_replace(r.key, $formula, '''')), $nothing::jsonb) AS key, COALESCE(to_jsonb(regexp_replace(r.contact_id, $formula, '''')), $nothing::jsonb) AS contact_id,
       COALESCE(to_jsonb(r.fired), $nothing::jsonb) AS fired, COALESCE(to_jsonb(regexp_replace(r.reason, $formula, '''')), $nothing::jsonb) AS reason,
       COALESCE(to_jsonb(regexp_replace(r.field, $formula, '''')), $nothing::jsonb) AS field, COALESCE(to_jsonb(regexp_replace(r.detail, $formula, '''')), $nothing::jsonb) AS detail,
       COALESCE(to_jsonb(r.times), $nothing::jsonb) AS times, COALESCE(to_jsonb(r.first_seen), $nothing::jsonb) AS first_seen,
       COALESCE(to_jsonb(r.last_seen), $nothing::jsonb) AS last_seen
FROM dialfire.rejects_open r WHERE r.tenant = $tenant ORDER BY r.last_seen DESC, r.id DESC;
