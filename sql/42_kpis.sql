-- KPIs: from the rollup, so that they cost by days and agents and not by calls.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.kpi_definitions (
    kpi         text PRIMARY KEY,
    unit        text NOT NULL,
    formula     text NOT NULL,
    meaning     text NOT NULL,
    live        boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE dialfire.kpi_definitions IS 'what each KPI means and how it is made from daily_stats';
COMMENT ON COLUMN dialfire.kpi_definitions.kpi IS 'column in the views agent_daily, campaign_daily, tenant_daily, monthly, ingestion_kpis and ingestion_monthly';
COMMENT ON COLUMN dialfire.kpi_definitions.unit IS 'unit';
COMMENT ON COLUMN dialfire.kpi_definitions.formula IS 'sums of columns of daily_stats; null where there is nothing to divide by';
COMMENT ON COLUMN dialfire.kpi_definitions.meaning IS 'in words';
COMMENT ON COLUMN dialfire.kpi_definitions.live IS 'found when it is looked at; the others are sums of daily_stats';
-- The views below are made of these formulas, so that each stands in one place.
INSERT INTO dialfire.kpi_definitions VALUES
    ('attempts', 'calls', 'attempts', 'outbound attempts and events'),
    ('connects', 'calls', 'connects', 'attempts that somebody answered'),
    ('reach', 'share 0 to 1', 'connects / with_leg', 'answered share of the attempts that were dialled'),
    ('conversions', 'calls', 'conversions', 'attempts with status success'),
    ('conversion_rate', 'share 0 to 1', 'conversions / connects', 'successes by answered attempts'),
    ('avg_talk_sec', 'seconds', 'talk_ms / talks / 1000', 'mean duration of an answered leg'),
    ('avg_wait_sec', 'seconds', 'wait_sec / waits', 'mean waiting for a call, where given'),
    ('avg_preparation_sec', 'seconds', 'pause_sec / pauses', 'mean preparation, where given'),
    ('avg_wrapup_sec', 'seconds', 'wrapup_sec / wrapups', 'mean after-call work, where given'),
    ('missing_login_rate', 'share 0 to 1', 'missing_login / human', 'human events without a login and without a known user; events of machines have none by right'),
    ('connection_coverage', 'share 0 to 1', 'with_leg / attempts', 'attempts with a phone leg; below 1 by right, as most events are no calls'),
    ('recording_coverage', 'share 0 to 1', 'recorded / connects', 'answered attempts with a recording'),
    ('inbound', 'calls', 'inbound', 'inbound calls'),
    ('inbound_answered', 'calls', 'inbound_answered', 'inbound calls that were answered');
INSERT INTO dialfire.kpi_definitions VALUES
    ('lag', 'interval', 'now - first gap of coverage', 'age of the oldest wanted time that is not proven complete', true),
    ('freshness', 'interval', 'now - last_at', 'age of the newest call', true),
    ('errors_24h', 'errors', 'rows of error_log_view in 24 h', 'failed runs, failed requests and rejects of the last 24 hours', true);

-- Filtered outside of the union: with a WHERE of its own a branch would not be read in the order of its index.
CREATE VIEW dialfire.error_log_view WITH (security_invoker = true) AS
SELECT "timestamp", tenant, source, run_id, code, message
FROM (
    SELECT finished_at AS "timestamp", tenant, 'run' AS source, run_id, status AS code,
           concat_ws('; ', message, hint) AS message, status IN ('failed', 'partial', 'crashed') AS is_error
    FROM dialfire.runs
    UNION ALL
    SELECT at, tenant, 'http', run_id, COALESCE(status::text, 'no answer'), concat_ws(' ', method, url, error), true
    FROM dialfire.http_log
    UNION ALL
    SELECT last_seen, tenant, 'reject', run_id, reason, concat_ws(' ', kind, key, field, detail), resolved_at IS NULL
    FROM dialfire.rejects
) e
WHERE is_error;
COMMENT ON VIEW dialfire.error_log_view IS 'everything that went wrong: runs, requests and rejects';
COMMENT ON COLUMN dialfire.error_log_view."timestamp" IS 'when (UTC instant; from runs.finished_at, http_log.at, rejects.last_seen)';
COMMENT ON COLUMN dialfire.error_log_view.tenant IS 'name of the foreign server (from the same)';
COMMENT ON COLUMN dialfire.error_log_view.source IS 'run, http or reject (from the table)';
COMMENT ON COLUMN dialfire.error_log_view.run_id IS 'run in which it happened (from the same)';
COMMENT ON COLUMN dialfire.error_log_view.code IS 'status of the run, HTTP status, or reason of the reject (from the same)';
COMMENT ON COLUMN dialfire.error_log_view.message IS 'what happened (from runs.message and hint; http_log.method, url and error; rejects.kind, key, field and detail)';

CREATE VIEW dialfire.ingestion_run_view WITH (security_invoker = true) AS
SELECT run_id, tenant, kind, status, role, started_at, finished_at, duration, lower(range) AS from_at, upper(range) AS to_at,
       windows, fetched, inserted, updated, unchanged, skipped, rejected, requests, retries, bytes, skip_reasons, message, hint
FROM dialfire.runs;
COMMENT ON VIEW dialfire.ingestion_run_view IS 'runs, under the name of the view that it replaces';
COMMENT ON COLUMN dialfire.ingestion_run_view.run_id IS 'number of the run (from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.tenant IS 'name of the foreign server (from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.kind IS 'manual, backfill, sync, look_back or reconcile (from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.status IS 'in_progress, success, partial, failed or crashed (from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.role IS 'role that asked for it (from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.started_at IS 'began (UTC instant; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.finished_at IS 'ended (UTC instant; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.duration IS 'from beginning to end (interval; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.from_at IS 'begin of the range asked for (UTC instant; from runs.range)';
COMMENT ON COLUMN dialfire.ingestion_run_view.to_at IS 'end of the range asked for (UTC instant, excluded; from runs.range)';
COMMENT ON COLUMN dialfire.ingestion_run_view.windows IS 'complete windows (number; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.fetched IS 'records received (number; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.inserted IS 'calls stored for the first time (number; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.updated IS 'calls that changed (number; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.unchanged IS 'calls that were stored already (number; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.skipped IS 'things left out (number; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.rejected IS 'records quarantined (number; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.requests IS 'HTTP requests (number; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.retries IS 'HTTP requests that repeated another (number; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.bytes IS 'received (bytes; from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.skip_reasons IS 'reason to count (from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.message IS 'what happened (from runs)';
COMMENT ON COLUMN dialfire.ingestion_run_view.hint IS 'what to do about it (from runs)';

-- A function, as a distributed Postgres would not count it beside grouping sets.
CREATE FUNCTION dialfire.errors_today() RETURNS TABLE (tenant text, errors bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT e.tenant, count(*) FROM dialfire.error_log_view e
        WHERE e."timestamp" > now() - interval '24 hours' GROUP BY e.tenant;
END
$$;
COMMENT ON FUNCTION dialfire.errors_today() IS 'how many errors error_log_view has of each tenant within 24 hours';

-- Under this view nobody's login counts as missing who is known by now.
CREATE VIEW dialfire.named_stats WITH (security_invoker = true) AS
SELECT d.tenant, d.day, date_trunc('month', d.day::timestamp)::date AS month, d.campaign_id, d.agent_id,
       COALESCE(NULLIF(d.agent_login, ''), a.login) AS agent_login, d.attempts, d.human,
       CASE WHEN a.id IS NULL THEN d.missing_login ELSE 0 END AS missing_login,
       d.with_leg, d.connects, d.voicemails, d.conversions, d.recorded, d.talk_ms, d.talks, d.wait_sec, d.waits, d.pause_sec,
       d.pauses, d.wrapup_sec, d.wrapups, d.inbound, d.inbound_answered, d.first_at, d.last_at
FROM dialfire.daily_stats d
LEFT JOIN dialfire.agents a ON a.tenant = d.tenant AND a.id = d.agent_id;
COMMENT ON VIEW dialfire.named_stats IS 'daily_stats with the logins that are known by now; the KPIs add these rows up';

DO $make$
DECLARE
    sums text;
    kpis text;
    of record;
BEGIN
    SELECT string_agg(format(CASE atttypid WHEN 'bigint'::regtype THEN 'sum(%1$I)::bigint AS %1$I' ELSE 'sum(%1$I) AS %1$I' END,
                             attname), ', ' ORDER BY attnum)
           || ', min(first_at) AS first_at, max(last_at) AS last_at'
    INTO sums
    FROM pg_catalog.pg_attribute
    WHERE attrelid = 'dialfire.named_stats'::regclass AND atttypid IN ('bigint'::regtype, 'double precision'::regtype);
    SELECT string_agg(CASE WHEN formula LIKE '%/%'
        THEN regexp_replace(formula, '^(\w+) / (\w+)', 'sum(\1)::float8 / NULLIF(sum(\2), 0)') || ' AS ' || kpi
        ELSE format('COALESCE(sum(%s), 0)::bigint AS %s', formula, kpi) END, ', ' ORDER BY ctid)
    INTO kpis
    FROM dialfire.kpi_definitions WHERE NOT live;

    FOR of IN SELECT * FROM (VALUES
        ('agent_daily', 'tenant, day, agent_id, agent_login', '',
            'one row a tenant, day and agent; the row without an agent holds events of machines'),
        ('campaign_daily', 'tenant, day, campaign_id, title',
            ' LEFT JOIN (SELECT tenant, id AS campaign_id, title FROM dialfire.campaigns) c USING (tenant, campaign_id)',
            'one row a tenant, day and campaign'),
        ('tenant_daily', 'tenant, day', '', 'one row a tenant and day'),
        ('monthly', 'tenant, month', '', 'one row a tenant and month')) AS v(name, keys, joined, meaning)
    LOOP
        EXECUTE format('CREATE VIEW dialfire.%I WITH (security_invoker = true) AS
            SELECT %s, %s FROM dialfire.named_stats%s GROUP BY %2$s', of.name, of.keys, kpis, of.joined);
        EXECUTE format('COMMENT ON VIEW dialfire.%I IS %L', of.name, of.meaning || ', as of now');
    END LOOP;

    -- By day first: counting distinct days of each month would sort the whole rollup.
    EXECUTE format('CREATE MATERIALIZED VIEW dialfire.mv_ingestion_monthly AS
        SELECT tenant, date_trunc(''month'', day::timestamp)::date AS month, count(*) AS days, %s
        FROM (SELECT tenant, day, %1$s FROM dialfire.named_stats GROUP BY tenant, day) d GROUP BY 1, 2', sums);
    EXECUTE format('CREATE MATERIALIZED VIEW dialfire.mv_ingestion_kpis AS SELECT tenant, sum(days)::bigint AS days, %s
        FROM dialfire.mv_ingestion_monthly GROUP BY tenant', sums);
    EXECUTE format('CREATE VIEW dialfire.ingestion_monthly WITH (security_barrier = true) AS
        SELECT tenant, month, %s, sum(days)::bigint AS days FROM dialfire.mv_ingestion_monthly
        WHERE tenant = ANY ((SELECT dialfire.usable_tenants())::text[]) GROUP BY tenant, month', kpis);
    EXECUTE format($sql$
        CREATE VIEW dialfire.ingestion_kpis WITH (security_barrier = true) AS
        SELECT CASE WHEN GROUPING(k.tenant) = 1 THEN 'all tenants' ELSE k.tenant END AS tenant, %s,
               max(g.lag) AS lag, now() - max(last_at) AS freshness, COALESCE(sum(e.errors), 0)::bigint AS errors_24h
        FROM dialfire.mv_ingestion_kpis k
        LEFT JOIN LATERAL (
            -- As in sync_health: without a gap it is what cannot be covered yet.
            SELECT now() - COALESCE(h.first_gap, n.wanted_to) AS lag
            FROM dialfire.tenants n CROSS JOIN LATERAL dialfire.coverage_of(n.tenant) h
            WHERE n.tenant = k.tenant AND n.usable AND h.open > 0
        ) g ON true
        LEFT JOIN dialfire.errors_today() e ON e.tenant = k.tenant
        WHERE k.tenant = ANY ((SELECT dialfire.usable_tenants())::text[])
        GROUP BY GROUPING SETS ((k.tenant), ())
    $sql$, kpis);

    -- What stands in their columns: a KPI, else a key, else a sum.
    FOR of IN
        SELECT a.attrelid::regclass AS name, a.attname,
               COALESCE(d.meaning, k.meaning,
                        pg_catalog.col_description('dialfire.daily_stats'::regclass, s.attnum) || ' (from daily_stats)') AS meaning
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        LEFT JOIN (
            SELECT kpi, format('%s (%s; from %s%s)', meaning, unit, formula,
                               CASE WHEN live THEN '' ELSE ' of daily_stats' END) AS meaning
            FROM dialfire.kpi_definitions
        ) d ON d.kpi = a.attname AND c.relkind = 'v' AND c.relname <> 'named_stats'
        LEFT JOIN pg_catalog.pg_attribute s ON s.attrelid = 'dialfire.daily_stats'::regclass AND s.attname = a.attname
        LEFT JOIN (VALUES
            ('tenant', 'name of the foreign server (from daily_stats)'),
            ('day', 'day in the tenant''s time zone (from daily_stats)'),
            ('days', 'days with calls (number; from daily_stats)'),
            ('month', 'first day of the month in the tenant''s time zone (from daily_stats.day)'),
            ('campaign_id', 'id of the campaign (from daily_stats)'),
            ('title', 'title of the campaign (from campaigns)'),
            ('agent_id', 'internal user id, empty where none (from daily_stats)'),
            ('agent_login', 'login as delivered, else the one known for the user id, else null (from daily_stats, agents)'),
            ('missing_login', 'done by a person whose login is not known (from daily_stats, agents)')
        ) AS k(attname, meaning) ON k.attname = a.attname
        WHERE c.relnamespace = 'dialfire'::regnamespace
          AND c.relname IN ('named_stats', 'agent_daily', 'campaign_daily', 'tenant_daily', 'monthly', 'mv_ingestion_kpis',
                            'mv_ingestion_monthly', 'ingestion_kpis', 'ingestion_monthly')
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', of.name, of.attname, of.meaning);
    END LOOP;
END
$make$;

CREATE UNIQUE INDEX mv_ingestion_monthly_key ON dialfire.mv_ingestion_monthly (tenant, month);
CREATE UNIQUE INDEX mv_ingestion_kpis_key ON dialfire.mv_ingestion_kpis (tenant);
COMMENT ON INDEX dialfire.mv_ingestion_monthly_key IS 'lets the refresh run without blocking readers';
COMMENT ON INDEX dialfire.mv_ingestion_kpis_key IS 'lets the refresh run without blocking readers';
COMMENT ON MATERIALIZED VIEW dialfire.mv_ingestion_monthly IS 'counts and sums a tenant and month; closed to PUBLIC, shown by ingestion_monthly';
COMMENT ON MATERIALIZED VIEW dialfire.mv_ingestion_kpis IS 'counts and sums a tenant, from mv_ingestion_monthly; closed to PUBLIC, shown by ingestion_kpis';
COMMENT ON VIEW dialfire.ingestion_monthly IS 'KPIs a month of each tenant that the role may use, as of the last refresh';
COMMENT ON VIEW dialfire.ingestion_kpis IS 'KPIs of each tenant that the role may use, and of all of them together, as of the last refresh; lag, freshness and errors are live';

SET LOCAL search_path = @extschema@, pg_temp;
