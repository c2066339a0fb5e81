SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SET days = (SELECT CASE WHEN $days ~ '^\d{1,4}$' THEN $days ELSE '30' END);
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'campaigns' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(c.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(c.day), $nothing::jsonb) AS day,
       COALESCE(to_jsonb(regexp_replace(c.campaign_id, $formula, '''')), $nothing::jsonb) AS campaign_id, COALESCE(to_jsonb(regexp_replace(c.title, $formula, '''')), $nothing::jsonb) AS title,
       COALESCE(to_jsonb(c.attempts), $nothing::jsonb) AS attempts, COALESCE(to_jsonb(c.connects), $nothing::jsonb) AS connects,
       COALESCE(to_jsonb(c.reach), $nothing::jsonb) AS reach, COALESCE(to_jsonb(c.conversions), $nothing::jsonb) AS conversions,
       COALESCE(to_jsonb(c.conversion_rate), $nothing::jsonb) AS conversion_rate,
       COALESCE(to_jsonb(c.avg_talk_sec), $nothing::jsonb) AS avg_talk_sec,
       COALESCE(to_jsonb(c.avg_wait_sec), $nothing::jsonb) AS avg_wait_sec,
       COALESCE(to_jsonb(c.avg_preparation_sec), $nothing::jsonb) AS avg_preparation_sec,
       COALESCE(to_jsonb(c.avg_wrapup_sec), $nothing::jsonb) AS avg_wrapup_sec,
       COALESCE(to_jsonb(c.missing_login_rate), $nothing::jsonb) AS missing_login_rate,
       COALESCE(to_jsonb(c.connection_coverage), $nothing::jsonb) AS connection_coverage,
       COALESCE(to_jsonb(c.recording_coverage), $nothing::jsonb) AS recording_coverage,
       COALESCE(to_jsonb(c.inbound), $nothing::jsonb) AS inbound,
       COALESCE(to_jsonb(c.inbound_answered), $nothing::jsonb) AS inbound_answered
FROM dialfire.campaign_daily c WHERE c.tenant = $tenant AND c.day > (now() AT TIME ZONE $zone)::date - $days::int ORDER BY c.day DESC, c.title, c.campaign_id;
