-- The ledger under the names of the log that it replaces, and each run told line by line.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE VIEW dialfire.run_log WITH (security_invoker = true) AS
SELECT r.tenant, r.run_id, l.line_no, l.tag, l.at, format('[%s] %s', l.tag, l.words) AS line
FROM dialfire.runs r
CROSS JOIN LATERAL (
    SELECT 1 AS line_no, 'INIT' AS tag, r.started_at AS at, format('run %s of %s, %s, by role %s', r.run_id, r.tenant, r.kind, r.role) AS words
    UNION ALL
    SELECT 2, 'DATE', r.started_at, format('from %s to %s', lower(r.range), upper(r.range)) WHERE NOT isempty(r.range)
    UNION ALL
    SELECT 3, 'API', r.started_at, format('%s pages in %s requests, %s of them repeated, %s bytes', r.pages, r.requests, r.retries, r.bytes)
    UNION ALL
    SELECT 3 + row_number() OVER (ORDER BY h.id), 'ERROR', h.at, format('%s %s answered %s', h.method, h.url, COALESCE(h.status::text, h.error))
    FROM (SELECT * FROM dialfire.http_log h WHERE h.tenant = r.tenant AND h.run_id = r.run_id ORDER BY h.id LIMIT 100) h
    UNION ALL
    SELECT 1000 + row_number() OVER (ORDER BY s.key), CASE WHEN s.key LIKE '%agent%' THEN 'FILTER' ELSE 'SKIP' END, r.finished_at,
           format('%s %s', s.value, s.key)
    FROM jsonb_each_text(r.skip_reasons) s
    UNION ALL
    SELECT 2000, 'PROCESS', r.finished_at, format('%s records received, %s rejected', r.fetched, r.rejected)
    UNION ALL
    SELECT 2001, 'SAVE', r.finished_at, format('%s inserted, %s updated, %s unchanged', r.inserted, r.updated, r.unchanged)
    UNION ALL
    SELECT 2002, 'COMPLETE', r.finished_at, format('%s after %s ms: %s', r.status, (EXTRACT(epoch FROM r.duration) * 1000)::bigint, r.message)
    WHERE r.status <> 'in_progress'
) l;
COMMENT ON VIEW dialfire.run_log IS 'every run line by line, tagged: INIT, DATE, API, ERROR, FILTER, SKIP, PROCESS, SAVE, COMPLETE';
COMMENT ON COLUMN dialfire.run_log.tenant IS 'name of the foreign server (from runs.tenant)';
COMMENT ON COLUMN dialfire.run_log.run_id IS 'number of the run (from runs.run_id)';
COMMENT ON COLUMN dialfire.run_log.line_no IS 'order of the lines of a run (made here)';
COMMENT ON COLUMN dialfire.run_log.tag IS 'what the line is about (made here)';
COMMENT ON COLUMN dialfire.run_log.at IS 'when, as far as it is kept (UTC instant; from runs.started_at, runs.finished_at, http_log.at)';
COMMENT ON COLUMN dialfire.run_log.line IS 'the line with its tag (from runs, http_log)';

CREATE VIEW dialfire.call_sync_logs WITH (security_invoker = true) AS
SELECT r.run_id AS id,
       r.tenant AS user_id,
       r.tenant,
       CASE
           WHEN r.kind IN ('manual', 'repair') THEN 'manual'
           WHEN r.kind IN ('diagnostic', 'backfill', 'webhook') THEN r.kind
           ELSE 'auto'
       END AS sync_type,
       CASE r.status WHEN 'crashed' THEN 'failed' ELSE r.status END AS sync_status,
       r.started_at AS sync_started_at,
       r.finished_at AS sync_completed_at,
       r.params AS api_params,
       jsonb_build_object('totalFetched', r.fetched, 'pagesFetched', r.pages, 'requests', r.requests, 'retries', r.retries,
           'bytes', r.bytes, 'dateRange', jsonb_build_object('start', lower(r.range), 'end', upper(r.range)))
           AS api_response_summary,
       jsonb_build_object('saved', greatest(r.fetched - r.rejected - dialfire.skipped_calls(r.skip_reasons), 0),
           'skipped', r.skipped, 'errors', r.rejected, 'skipReasons', r.skip_reasons, 'inserted', r.inserted,
           'updated', r.updated, 'unchanged', r.unchanged) AS processing_summary,
       (SELECT COALESCE(jsonb_agg(jsonb_build_object('callId', c.call_id, 'reason', c.skip_reason, 'agentId', c.agent_id,
                                                     'callDate', c.fired_at)), '[]')
        FROM (SELECT c.call_id, c.skip_reason, c.agent_id, c.fired_at FROM dialfire.calls c
              WHERE c.tenant = r.tenant AND NOT c.counts AND r.range @> c.fired_at ORDER BY c.fired_at LIMIT 100) c) AS skipped_calls,
       CASE WHEN r.status <> 'success' THEN jsonb_build_object('message', r.message, 'hint', r.hint, 'http', (
           SELECT COALESCE(jsonb_agg(jsonb_build_object('at', h.at, 'method', h.method, 'url', h.url, 'status', h.status,
                                                        'error', h.error)), '[]')
           FROM (SELECT * FROM dialfire.http_log h WHERE h.tenant = r.tenant AND h.run_id = r.run_id ORDER BY h.id LIMIT 20) h))
       END AS error_details,
       (EXTRACT(epoch FROM r.duration) * 1000)::bigint AS duration_ms,
       (SELECT array_agg(l.line ORDER BY l.line_no) FROM dialfire.run_log l WHERE l.tenant = r.tenant AND l.run_id = r.run_id)
           AS logs,
       r.started_at AS created_at
FROM dialfire.runs r;
COMMENT ON VIEW dialfire.call_sync_logs IS 'the ledger under the names of the log that it replaces';
COMMENT ON COLUMN dialfire.call_sync_logs.id IS 'number of the run (from runs.run_id)';
COMMENT ON COLUMN dialfire.call_sync_logs.user_id IS 'name of the tenant, which is what a user was (from runs.tenant)';
COMMENT ON COLUMN dialfire.call_sync_logs.tenant IS 'name of the foreign server (from runs.tenant)';
COMMENT ON COLUMN dialfire.call_sync_logs.sync_type IS 'manual, auto, diagnostic, backfill or webhook (from runs.kind)';
COMMENT ON COLUMN dialfire.call_sync_logs.sync_status IS 'in_progress, success, partial or failed (from runs.status)';
COMMENT ON COLUMN dialfire.call_sync_logs.sync_started_at IS 'began (UTC instant; from runs.started_at)';
COMMENT ON COLUMN dialfire.call_sync_logs.sync_completed_at IS 'ended (UTC instant; from runs.finished_at)';
COMMENT ON COLUMN dialfire.call_sync_logs.api_params IS 'parameters sent to the vendor, without secrets (from runs.params)';
COMMENT ON COLUMN dialfire.call_sync_logs.api_response_summary IS 'what came: records, pages, requests, bytes, time asked for (from runs)';
COMMENT ON COLUMN dialfire.call_sync_logs.processing_summary IS 'what became of it; saved are the calls that count (from runs)';
COMMENT ON COLUMN dialfire.call_sync_logs.skipped_calls IS 'up to 100 calls of its range that do not count by now, with the reason (from calls.skip_reason)';
COMMENT ON COLUMN dialfire.call_sync_logs.error_details IS 'message, hint and failed requests; null after a success (from runs, http_log)';
COMMENT ON COLUMN dialfire.call_sync_logs.duration_ms IS 'from beginning to end, milliseconds (from runs.duration)';
COMMENT ON COLUMN dialfire.call_sync_logs.logs IS 'tagged lines (from run_log.line)';
COMMENT ON COLUMN dialfire.call_sync_logs.created_at IS 'when the run began (UTC instant; from runs.started_at)';

-- The old log's own names, so that its queries run unchanged; whoever has that log still keeps it.
DO $do$
BEGIN
    IF to_regclass('@extschema@.call_sync_logs') IS NULL THEN
        CREATE VIEW @extschema@.call_sync_logs WITH (security_invoker = true) AS SELECT * FROM dialfire.call_sync_logs;
        COMMENT ON VIEW @extschema@.call_sync_logs IS 'dialfire.call_sync_logs, found without a schema';
        EXECUTE (SELECT string_agg(format('COMMENT ON COLUMN @extschema@.call_sync_logs.%I IS %L', a.attname,
                                          col_description(a.attrelid, a.attnum)), '; ')
                 FROM pg_catalog.pg_attribute a WHERE a.attrelid = 'dialfire.call_sync_logs'::regclass AND a.attnum > 0);
        GRANT SELECT ON @extschema@.call_sync_logs TO PUBLIC;
    END IF;
    IF to_regprocedure('@extschema@.cleanup_old_sync_logs()') IS NULL THEN
        CREATE FUNCTION @extschema@.cleanup_old_sync_logs() RETURNS text
        LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
            SELECT string_agg(format('%s: %s', tenant, @extschema@.df_cleanup(tenant)), '; ' ORDER BY tenant)
            FROM dialfire.tenants WHERE usable
        $$;
        COMMENT ON FUNCTION @extschema@.cleanup_old_sync_logs() IS 'df_cleanup for every tenant that the role may use';
        REVOKE ALL ON FUNCTION @extschema@.cleanup_old_sync_logs() FROM PUBLIC;
    END IF;
END
$do$;

SET LOCAL search_path = @extschema@, pg_temp;
