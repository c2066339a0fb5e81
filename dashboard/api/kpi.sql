SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'kpi' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(k.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(k.attempts), $nothing::jsonb) AS attempts,
       COALESCE(to_jsonb(k.connects), $nothing::jsonb) AS connects, COALESCE(to_jsonb(k.reach), $nothing::jsonb) AS reach,
       COALESCE(to_jsonb(k.conversions), $nothing::jsonb) AS conversions,
       COALESCE(to_jsonb(k.conversion_rate), $nothing::jsonb) AS conversion_rate,
       COALESCE(to_jsonb(k.avg_talk_sec), $nothing::jsonb) AS avg_talk_sec,
       COALESCE(to_jsonb(k.avg_wait_sec), $nothing::jsonb) AS avg_wait_sec,
       COALESCE(to_jsonb(k.avg_preparation_sec), $nothing::jsonb) AS avg_preparation_sec,
       COALESCE(to_jsonb(k.avg_wrapup_sec), $nothing::jsonb) AS avg_wrapup_sec,
       COALESCE(to_jsonb(k.missing_login_rate), $nothing::jsonb) AS missing_login_rate,
       COALESCE(to_jsonb(k.connection_coverage), $nothing::jsonb) AS connection_coverage,
       COALESCE(to_jsonb(k.recording_coverage), $nothing::jsonb) AS recording_coverage,
       COALESCE(to_jsonb(k.inbound), $nothing::jsonb) AS inbound,
       COALESCE(to_jsonb(k.inbound_answered), $nothing::jsonb) AS inbound_answered,
       COALESCE(to_jsonb(extract(epoch FROM k.lag)), $nothing::jsonb) AS lag_seconds,
       COALESCE(to_jsonb(extract(epoch FROM k.freshness)), $nothing::jsonb) AS freshness_seconds,
       COALESCE(to_jsonb(k.errors_24h), $nothing::jsonb) AS errors_24h
FROM dialfire.ingestion_kpis k WHERE $tenant IS NULL OR k.tenant = $tenant ORDER BY k.tenant;
