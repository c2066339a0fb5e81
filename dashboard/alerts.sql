SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Alerts')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SELECT 'title' AS component, 'Alerts' AS contents, 2 AS level;
SELECT 'table' AS component, true AS hover, 'alerts' AS id, 'No alarm. df_alert_rule makes rules of your own; the thresholds stand in alert_thresholds.' AS empty_description;
SELECT dialfire.show(a.at, $zone) AS "When", a.severity AS "Severity", replace(a.rule, '_', ' ') AS "Rule", a.message AS "What",
       CASE WHEN a.ended_at IS NOT NULL THEN 'over since ' || dialfire.show(a.ended_at, $zone) WHEN t.rule IS NOT NULL THEN 'goes on' END AS "State",
       CASE WHEN a.ended_at IS NOT NULL THEN NULL WHEN a.severity = 'critical' THEN 'red' WHEN a.severity = 'warning' THEN 'orange' END AS _sqlpage_color
FROM dialfire.alerts a LEFT JOIN (VALUES ('skip_rate'), ('success_rate'), ('skip_spike'), ('stale_sync')) AS t(rule) ON t.rule = a.rule
WHERE a.tenant = $tenant ORDER BY a.ended_at IS NULL DESC, a.at DESC LIMIT 50;
SELECT 'button' AS component;
SELECT 'CSV' AS title, 'file-download' AS icon, format('/api/alerts?tenant=%s&format=csv', dialfire.in_url($tenant)) AS link;
SELECT 'JSON' AS title, 'braces' AS icon, format('/api/alerts?tenant=%s', dialfire.in_url($tenant)) AS link;
SELECT 'list' AS component, 'Recent activity' AS title, true AS compact, true AS wrap, 'No call in the last seven days' AS empty_title,
       'Look under Coverage whether they were fetched.' AS empty_description, '/coverage?tenant=' || dialfire.in_url($tenant) AS empty_link;
SELECT concat_ws(' · ', dialfire.show(r.at, $zone), r.caller_name, NULLIF(r.phone, r.caller_name), r.agent_name) AS title, CASE r.kind WHEN 'call' THEN replace(r.what, '_', ' ') ELSE r.what END AS description,
       CASE r.kind WHEN 'call' THEN 'phone' WHEN 'hot_lead' THEN 'flame' ELSE 'bell' END AS icon,
       CASE WHEN r.kind = 'call' THEN format('/call?tenant=%s&call=%s', dialfire.in_url(r.tenant), dialfire.in_url(r.call_id)) END AS link
FROM dialfire.recent_activity r WHERE r.tenant = $tenant ORDER BY r.at DESC NULLS LAST LIMIT 15;
