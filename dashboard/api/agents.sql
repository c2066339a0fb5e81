SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SET days = (SELECT CASE WHEN $days ~ '^\d{1,4}$' THEN $days ELSE '30' END);
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'agents' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(a.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(a.day), $nothing::jsonb) AS day,
       COALESCE(to_jsonb(regexp_replace(a.agent_id, $formula, '''')), $nothing::jsonb) AS agent_id, COALESCE(to_jsonb(regexp_replace(a.agent_login, $formula, '''')), $nothing::jsonb) AS agent_login,
       COALESCE(to_jsonb(a.attempts), $nothing::jsonb) AS attempts, COALESCE(to_jsonb(a.connects), $nothing::jsonb) AS connects,
       COALESCE(to_jsonb(a.reach), $nothing::jsonb) AS reach, COALESCE(to_jsonb(a.conversions), $nothing::jsonb) AS conversions,
       COALESCE(to_jsonb(a.conversion_rate), $nothing::jsonb) AS conversion_rate,
       COALESCE(to_jsonb(a.avg_talk_sec), $nothing::jsonb) AS avg_talk_sec,
       COALESCE(to_jsonb(a.avg_wait_sec), $nothing::jsonb) AS avg_wait_sec,
       COALESCE(to_jsonb(a.avg_preparation_sec), $nothing::jsonb) AS avg_preparation_sec,
       COALESCE(to_jsonb(a.avg_wrapup_sec), $nothing::jsonb) AS avg_wrapup_sec,
       COALESCE(to_jsonb(a.missing_login_rate), $nothing::jsonb) AS missing_login_rate,
       COALESCE(to_jsonb(a.connection_coverage), $nothing::jsonb) AS connection_coverage,
       COALESCE(to_jsonb(a.recording_coverage), $nothing::jsonb) AS recording_coverage,
       COALESCE(to_jsonb(a.inbound), $nothing::jsonb) AS inbound,
       COALESCE(to_jsonb(a.inbound_answered), $nothing::jsonb) AS inbound_answered
FROM dialfire.agent_daily a WHERE a.tenant = $tenant AND a.day > (now() AT TIME ZONE $zone)::date - $days::int ORDER BY a.day DESC, a.agent_login, a.agent_id;
