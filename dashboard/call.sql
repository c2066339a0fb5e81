SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'One call')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);

SELECT 'form' AS component, 'get' AS method, 'Why?' AS validate, 'ask' AS id;
SELECT 'hidden' AS type, 'tenant' AS name, $tenant AS value;
SELECT 'search' AS type, 'call' AS name, 'Id of a call, leg or contact' AS label, $call AS value, true AS required;

SELECT 'datagrid' AS component, 'Call ' || $call AS title WHERE EXISTS (SELECT FROM dialfire.calls WHERE tenant = $tenant AND call_id = $call);
SELECT v.title, v.description, v.color FROM dialfire.dashboard_calls d
JOIN dialfire.calls c ON c.tenant = d.tenant AND c.call_id = d.call_id
CROSS JOIN LATERAL (VALUES
    (1, 'Status', replace(c.status, '_', ' ') || COALESCE(' (' || c.vendor_status || ')', ''), CASE c.status WHEN 'completed' THEN 'green' WHEN 'failed' THEN 'red' ELSE 'azure' END),
    (2, 'Started', dialfire.show(c.started_at, $zone), NULL), (3, 'Ended', dialfire.show(c.ended_at, $zone), NULL),
    (4, 'Duration', dialfire.show(make_interval(secs => c.duration_ms / 1000.0)), NULL), (5, 'Direction', c.direction, NULL),
    (6, 'Other side', d.caller_name, NULL), (7, 'Number', c.phone, NULL), (8, 'Own line', c.line_number, NULL), (9, 'Agent', c.agent_login, NULL),
    (10, 'Campaign', COALESCE(c.campaign_title, c.campaign_id), NULL), (11, 'Contact', c.contact_id, NULL), (12, 'Disposition', NULLIF(c.disposition, '$none'), NULL),
    (13, 'Counts', CASE WHEN c.counts THEN 'yes' ELSE 'no: ' || replace(c.skip_reason, '_', ' ') END, CASE WHEN NOT c.counts THEN 'orange' END),
    (14, 'Cost', '$ ' || round(d.cost, 4), NULL), (15, 'Summary', d.summary, NULL)) AS v(place, title, description, color)
WHERE d.tenant = $tenant AND d.call_id = $call AND v.description IS NOT NULL ORDER BY v.place;
SELECT 'button' AS component;
SELECT 'Listen to the recording' AS title, 'headphones' AS icon, recording_location AS link, '_blank' AS target, 'noreferrer' AS rel
FROM dialfire.calls WHERE tenant = $tenant AND call_id = $call AND recording_location ~ '^https?://[^][()<>"\s]+$';

SELECT 'title' AS component, 'Its life' AS contents, 2 AS level WHERE COALESCE($call, '') <> '';
SELECT 'timeline' AS component, true AS simple, 'life' AS id WHERE COALESCE($call, '') <> '';
SELECT dialfire.show(w.at, $zone) AS date, COALESCE(replace(w.what, t.found, dialfire.show(t.found::timestamptz, $zone)), w.what) AS title,
       CASE WHEN w.what ~ 'reject|gone|never|not ' THEN 'alert-triangle' WHEN w.what ~ 'stored' THEN 'database' ELSE 'phone' END AS icon,
       CASE WHEN w.what ~ 'reject|gone|never|not ' THEN 'orange' ELSE 'green' END AS color
FROM df_why($tenant, $call) w
CROSS JOIN LATERAL (SELECT (regexp_match(w.what, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*[+-]\d\d'))[1] AS found) t
WHERE COALESCE($call, '') <> '' AND $tenant IS NOT NULL ORDER BY w.at;
