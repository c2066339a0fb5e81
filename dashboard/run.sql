SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Run')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SET run = (SELECT run_id FROM dialfire.runs WHERE tenant = $tenant AND run_id::text = $run);

SELECT 'empty_state' AS component, 'ghost' AS icon, 'There is no such run' AS title,
       'It may have been cleaned up: runs are kept for dialfire_sync.retention_days.' AS description,
       'All runs' AS link_text, '/ingestion?tenant=' || dialfire.in_url($tenant) AS link WHERE $run IS NULL AND $tenant IS NOT NULL;

SELECT 'datagrid' AS component, format('Run %s, %s', r.run_id, r.kind) AS title, r.message AS description
FROM dialfire.ingestion_run_view r WHERE r.tenant = $tenant AND r.run_id = $run::bigint;
SELECT v.title, v.description, v.color FROM dialfire.runs r CROSS JOIN LATERAL (VALUES
    (1, 'Status', r.status, CASE r.status WHEN 'success' THEN 'green' WHEN 'in_progress' THEN 'azure' WHEN 'partial' THEN 'orange' ELSE 'red' END),
    (2, 'Started', dialfire.show(r.started_at, $zone), NULL),
    (3, 'Took', COALESCE(dialfire.show(r.duration), 'still runs'), NULL),
    (4, 'Range', CASE WHEN isempty(r.range) THEN 'none' ELSE format('%s to %s', dialfire.show(lower(r.range), $zone), dialfire.show(upper(r.range), $zone)) END, NULL),
    (5, 'Windows', dialfire.show(r.windows), NULL),
    (6, 'Records', dialfire.show(r.fetched), NULL),
    (7, 'New', dialfire.show(r.inserted), NULL),
    (8, 'Changed', dialfire.show(r.updated), NULL),
    (9, 'Known', dialfire.show(r.unchanged), NULL),
    (10, 'Rejected', dialfire.show(r.rejected), CASE WHEN r.rejected > 0 THEN 'orange' END),
    (11, 'Pages', dialfire.show(r.pages), NULL),
    (12, 'Requests', format('%s, %s repeated', dialfire.show(r.requests), dialfire.show(r.retries)), NULL),
    (13, 'Received', pg_size_pretty(r.bytes), NULL),
    (14, 'By role', r.role, NULL),
    (15, 'What to do', r.hint, NULL)) AS v(place, title, description, color)
WHERE r.tenant = $tenant AND r.run_id = $run::bigint AND v.description IS NOT NULL ORDER BY v.place;

SELECT 'table' AS component, 'Left out' AS description, 'skips' AS id, 'Number' AS align_right
FROM dialfire.runs r WHERE r.tenant = $tenant AND r.run_id = $run::bigint AND r.skip_reasons <> '{}';
SELECT replace(s.key, '_', ' ') AS "Reason", dialfire.show(s.value::numeric) AS "Number"
FROM dialfire.runs r CROSS JOIN LATERAL jsonb_each_text(r.skip_reasons) s WHERE r.tenant = $tenant AND r.run_id = $run::bigint ORDER BY 1;

SELECT 'title' AS component, 'What went wrong' AS contents, 2 AS level WHERE $run IS NOT NULL;
SELECT 'table' AS component, true AS hover, 'errors' AS id, 'Every request was answered.' AS empty_description WHERE $run IS NOT NULL;
SELECT dialfire.show(h.at, $zone) AS "When", h.method || ' ' || h.url AS "Request", COALESCE(h.status::text, 'no answer') AS "Answer",
       h.attempt AS "Attempt", round(h.duration_ms) || ' ms' AS "Took", dialfire.show(make_interval(secs => h.retry_after)) AS "Asked to wait", h.error AS "Error"
FROM dialfire.http_log h WHERE h.tenant = $tenant AND h.run_id = $run::bigint ORDER BY h.id LIMIT 200;

SELECT 'button' AS component WHERE $run IS NOT NULL;
SELECT 'CSV' AS title, 'file-download' AS icon, format('/api/errors?tenant=%s&run=%s&format=csv', dialfire.in_url($tenant), $run) AS link WHERE $run IS NOT NULL;
SELECT 'JSON' AS title, 'braces' AS icon, format('/api/errors?tenant=%s&run=%s&limit=all', dialfire.in_url($tenant), $run) AS link WHERE $run IS NOT NULL;
SELECT 'title' AS component, 'In quarantine' AS contents, 2 AS level WHERE $run IS NOT NULL;
SELECT 'table' AS component, true AS hover, 'rejects' AS id, 'No record of this run was refused.' AS empty_description WHERE $run IS NOT NULL;
SELECT j.kind AS "Kind", j.key AS "Key", j.reason AS "Reason", j.field AS "Field", j.detail AS "Detail",
       CASE WHEN j.resolved_at IS NULL THEN 'open' ELSE 'resolved ' || dialfire.show(j.resolved_at, $zone) END AS "State"
FROM dialfire.rejects j WHERE j.tenant = $tenant AND j.run_id = $run::bigint ORDER BY j.id LIMIT 200;

SELECT 'title' AS component, 'Line by line' AS contents, 2 AS level WHERE $run IS NOT NULL;
SELECT 'code' AS component WHERE $run IS NOT NULL;
SELECT string_agg(line, E'\n' ORDER BY line_no) AS contents FROM dialfire.run_log WHERE tenant = $tenant AND run_id = $run::bigint;
