SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'unassigned' AS filename;
SELECT COALESCE(to_jsonb(regexp_replace(u.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(regexp_replace(u.agent_id, $formula, '''')), $nothing::jsonb) AS agent_id,
       COALESCE(to_jsonb(regexp_replace(u.name, $formula, '''')), $nothing::jsonb) AS name, COALESCE(to_jsonb(u.calls), $nothing::jsonb) AS calls, COALESCE(to_jsonb(u.last_call_at), $nothing::jsonb) AS last_call_at, COALESCE(to_jsonb(u.in_system), $nothing::jsonb) AS in_system
FROM dialfire.unassigned_agents u WHERE u.tenant = $tenant ORDER BY u.calls DESC, u.agent_id;
