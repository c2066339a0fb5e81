SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'monthly' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(m.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(m.month), $nothing::jsonb) AS month,
       COALESCE(to_jsonb(m.days), $nothing::jsonb) AS days, COALESCE(to_jsonb(m.attempts), $nothing::jsonb) AS attempts,
       COALESCE(to_jsonb(m.connects), $nothing::jsonb) AS connects, COALESCE(to_jsonb(m.reach), $nothing::jsonb) AS reach,
       COALESCE(to_jsonb(m.conversions), $nothing::jsonb) AS conversions,
       COALESCE(to_jsonb(m.conversion_rate), $nothing::jsonb) AS conversion_rate,
       COALESCE(to_jsonb(m.avg_talk_sec), $nothing::jsonb) AS avg_talk_sec,
       COALESCE(to_jsonb(m.avg_wait_sec), $nothing::jsonb) AS avg_wait_sec,
       COALESCE(to_jsonb(m.avg_preparation_sec), $nothing::jsonb) AS avg_preparation_sec,
       COALESCE(to_jsonb(m.avg_wrapup_sec), $nothing::jsonb) AS avg_wrapup_sec,
       COALESCE(to_jsonb(m.missing_login_rate), $nothing::jsonb) AS missing_login_rate,
       COALESCE(to_jsonb(m.connection_coverage), $nothing::jsonb) AS connection_coverage,
       COALESCE(to_jsonb(m.recording_coverage), $nothing::jsonb) AS recording_coverage,
       COALESCE(to_jsonb(m.inbound), $nothing::jsonb) AS inbound,
       COALESCE(to_jsonb(m.inbound_answered), $nothing::jsonb) AS inbound_answered
FROM dialfire.ingestion_monthly m WHERE $tenant IS NULL OR m.tenant = $tenant ORDER BY m.tenant, m.month DESC;
