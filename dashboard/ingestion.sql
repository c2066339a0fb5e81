SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Ingestion')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SET before = (SELECT CASE WHEN $before ~ '^\d{1,18}$' THEN $before END);
SET here = (SELECT '?tenant=' || dialfire.in_url($tenant) || '&kind=' || dialfire.in_url($kind) || '&status=' || dialfire.in_url($status));

SELECT 'datagrid' AS component, 'Sync of ' || $tenant AS title, 'Last error within a day: ' || h.last_error AS description FROM dialfire.sync_health h WHERE h.tenant = $tenant;
SELECT v.title, v.description, v.color FROM dialfire.sync_health h CROSS JOIN LATERAL (VALUES
    (1, 'Status', h.status, CASE h.status WHEN 'ok' THEN 'green' ELSE 'red' END),
    (2, 'Lag', COALESCE(dialfire.show(h.lag), '–'), NULL),
    (3, 'Last sync', COALESCE(dialfire.show(h.last_finished, $zone), 'never'), NULL),
    (4, 'Next sync', COALESCE(dialfire.show(h.next_run, $zone), 'not scheduled'), NULL),
    (5, 'What to do', h.next_action, NULL)) AS v(place, title, description, color)
WHERE h.tenant = $tenant ORDER BY v.place;

SELECT 'chart' AS component, 'Runs of the last 7 days' AS title, 'bar' AS type, true AS stacked, true AS time, 'runs' AS ytitle, 200 AS height,
       'green' AS color, 'orange' AS color, 'red' AS color
WHERE EXISTS (SELECT FROM dialfire.runs WHERE tenant = $tenant);
WITH since AS (SELECT date_trunc('hour', now() - interval '7 days') AS first), runs AS (
    SELECT date_bin('6 hours', r.started_at, first) AS hour, r.status, count(*) AS runs
    FROM since JOIN dialfire.ingestion_run_view r ON r.tenant = $tenant AND r.started_at >= first GROUP BY 1, 2)
SELECT s.series, to_char(hour.hour AT TIME ZONE $zone, 'YYYY-MM-DD"T"HH24:00:00') AS x, COALESCE(sum(r.runs), 0)::bigint AS y
FROM since CROSS JOIN generate_series(first, now(), '6 hours') AS hour(hour)
CROSS JOIN (VALUES (1, 'success', ARRAY['success', 'in_progress']), (2, 'partial', ARRAY['partial']), (3, 'failed', ARRAY['failed', 'crashed'])) AS s(place, series, of)
LEFT JOIN runs r ON r.hour = hour.hour AND r.status = ANY (s.of)
GROUP BY s.place, s.series, hour.hour ORDER BY s.place, hour.hour;

SELECT 'form' AS component, 'get' AS method, 'Show' AS validate, true AS auto_submit, 'filter' AS id;
SELECT 'hidden' AS type, 'tenant' AS name, $tenant AS value;
SELECT 'select' AS type, 'kind' AS name, 'Kind' AS label, 3 AS width, $kind AS value, 'any' AS empty_option,
       json_agg(json_build_object('label', kind, 'value', kind) ORDER BY kind) AS options
FROM (SELECT DISTINCT kind FROM dialfire.runs WHERE tenant = $tenant) k;
SELECT 'select' AS type, 'status' AS name, 'Status' AS label, 3 AS width, $status AS value, 'any' AS empty_option,
       '[{"label":"success","value":"success"},{"label":"partial","value":"partial"},{"label":"failed","value":"failed"},{"label":"crashed","value":"crashed"},{"label":"in progress","value":"in_progress"}]' AS options;

SELECT 'table' AS component, true AS hover, 'Run' AS markdown, 'Records' AS align_right, 'New' AS align_right, 'Changed' AS align_right,
       'Rejected' AS align_right, 'Requests' AS align_right, 'runs' AS id,
       'No run fits. df_schedule(tenant) makes the jobs; df_sync(tenant) runs once.' AS empty_description;
SELECT format('[%s](/run?tenant=%s&run=%1$s)', r.run_id, dialfire.in_url(r.tenant)) AS "Run", r.kind AS "Kind", r.status AS "Status",
       dialfire.show(r.started_at, $zone) AS "Started", COALESCE(dialfire.show(r.duration), 'still runs') AS "Took",
       dialfire.show(r.fetched) AS "Records", dialfire.show(r.inserted) AS "New", dialfire.show(r.updated) AS "Changed",
       dialfire.show(r.rejected) AS "Rejected", dialfire.show(r.requests) AS "Requests",
       (SELECT string_agg(format('%s %s', value, replace(key, '_', ' ')), ', ' ORDER BY key) FROM jsonb_each_text(r.skip_reasons)) AS "Left out",
       CASE r.status WHEN 'success' THEN NULL WHEN 'in_progress' THEN 'azure' WHEN 'partial' THEN 'orange' ELSE 'red' END AS _sqlpage_color
FROM dialfire.ingestion_run_view r
WHERE r.tenant = $tenant AND (COALESCE($kind, '') = '' OR r.kind = $kind) AND (COALESCE($status, '') = '' OR r.status = $status)
  AND ($before IS NULL OR r.run_id < $before::bigint)
ORDER BY r.run_id DESC LIMIT 30;

SET oldest = (SELECT min(run_id) FROM (
    SELECT r.run_id FROM dialfire.ingestion_run_view r
    WHERE r.tenant = $tenant AND (COALESCE($kind, '') = '' OR r.kind = $kind) AND (COALESCE($status, '') = '' OR r.status = $status)
      AND ($before IS NULL OR r.run_id < $before::bigint)
    ORDER BY r.run_id DESC LIMIT 30) p HAVING count(*) = 30);
SELECT 'button' AS component;
SELECT 'Newest' AS title, 'chevrons-left' AS icon, 'secondary' AS outline, '/ingestion' || $here AS link WHERE $before IS NOT NULL;
SELECT 'Older' AS title, 'chevron-right' AS icon, 'secondary' AS outline, '/ingestion' || $here || '&before=' || $oldest AS link WHERE $oldest IS NOT NULL;
SELECT 'CSV' AS title, 'file-download' AS icon, '/api/runs' || $here || '&format=csv' AS link;
SELECT 'JSON' AS title, 'braces' AS icon, '/api/runs' || $here || '&limit=all' AS link;
SELECT 'Quarantine' AS title, 'bug' AS icon, '/rejects?tenant=' || dialfire.in_url($tenant) AS link;
