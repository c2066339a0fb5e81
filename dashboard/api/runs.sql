SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SET most = (SELECT CASE WHEN $format = 'csv' OR $limit = 'all' THEN NULL WHEN $limit ~ '^\d{1,6}$' THEN $limit ELSE '100' END);
SET before = (SELECT CASE WHEN $before ~ '^\d{1,18}$' THEN $before END);
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'runs' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(r.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(r.run_id), $nothing::jsonb) AS run_id,
       COALESCE(to_jsonb(r.kind), $nothing::jsonb) AS kind, COALESCE(to_jsonb(r.status), $nothing::jsonb) AS status,
       COALESCE(to_jsonb(regexp_replace(r.role, $formula, '''')), $nothing::jsonb) AS role, COALESCE(to_jsonb(r.started_at), $nothing::jsonb) AS started_at,
       COALESCE(to_jsonb(r.finished_at), $nothing::jsonb) AS finished_at,
       COALESCE(to_jsonb(extract(epoch FROM r.duration)), $nothing::jsonb) AS duration_seconds,
       COALESCE(to_jsonb(r.from_at), $nothing::jsonb) AS from_at, COALESCE(to_jsonb(r.to_at), $nothing::jsonb) AS to_at,
       COALESCE(to_jsonb(r.windows), $nothing::jsonb) AS windows, COALESCE(to_jsonb(r.fetched), $nothing::jsonb) AS fetched,
       COALESCE(to_jsonb(r.inserted), $nothing::jsonb) AS inserted, COALESCE(to_jsonb(r.updated), $nothing::jsonb) AS updated,
       COALESCE(to_jsonb(r.unchanged), $nothing::jsonb) AS unchanged, COALESCE(to_jsonb(r.skipped), $nothing::jsonb) AS skipped,
       COALESCE(to_jsonb(r.rejected), $nothing::jsonb) AS rejected, COALESCE(to_jsonb(r.requests), $nothing::jsonb) AS requests,
       COALESCE(to_jsonb(r.retries), $nothing::jsonb) AS retries, COALESCE(to_jsonb(r.bytes), $nothing::jsonb) AS bytes,
       COALESCE(to_jsonb(r.skip_reasons), $nothing::jsonb) AS skip_reasons, COALESCE(to_jsonb(regexp_replace(r.message, $formula, '''')), $nothing::jsonb) AS message,
       COALESCE(to_jsonb(regexp_replace(r.hint, $formula, '''')), $nothing::jsonb) AS hint
FROM dialfire.ingestion_run_view r
WHERE r.tenant = $tenant AND (COALESCE($kind, '') = '' OR r.kind = $kind) AND (COALESCE($status, '') = '' OR r.status = $status)
  AND ($before IS NULL OR r.run_id < $before::bigint)
ORDER BY r.run_id DESC LIMIT $most::bigint;
