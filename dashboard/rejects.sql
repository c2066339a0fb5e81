SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Quarantine')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SELECT 'text' AS component, 'Records that could not be stored wait here with the reason; their neighbours were stored. When the vendor has mended a record, or a newer version can read it, it leaves.' AS contents;
SELECT 'table' AS component, true AS hover, 'rejects' AS id, 'Nothing waits. Every record that came was stored.' AS empty_description;
SELECT r.kind AS "Kind", r.key AS "Key", replace(r.reason, '_', ' ') AS "Reason", r.field AS "Field", r.detail AS "Detail", r.times AS "Times",
       dialfire.show(r.first_seen, $zone) AS "First", dialfire.show(r.last_seen, $zone) AS "Last"
FROM dialfire.rejects_open r WHERE r.tenant = $tenant ORDER BY r.last_seen DESC, r.id DESC LIMIT 100;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/button.sql', json_object('tenant', $tenant, 'action', 'retry_rejects',
       'words', 'Try all again', 'color', 'primary')) AS properties
WHERE EXISTS (SELECT FROM dialfire.rejects_open WHERE tenant = $tenant);
SELECT 'button' AS component;
SELECT 'CSV' AS title, 'file-download' AS icon, format('/api/rejects?tenant=%s&format=csv', dialfire.in_url($tenant)) AS link;
SELECT 'JSON' AS title, 'braces' AS icon, format('/api/rejects?tenant=%s', dialfire.in_url($tenant)) AS link;
