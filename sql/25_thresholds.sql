-- What the ledger itself gives cause for alarm: shares and silences, told once an episode.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.alert_thresholds (
    tenant      text NOT NULL,
    rule        text NOT NULL CHECK (rule IN ('skip_rate', 'success_rate', 'skip_spike', 'stale_sync')),
    threshold   double precision NOT NULL,
    PRIMARY KEY (tenant, rule)
);
COMMENT ON TABLE dialfire.alert_thresholds IS 'thresholds of a tenant that differ from the defaults; df_alert_threshold sets them';
COMMENT ON COLUMN dialfire.alert_thresholds.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.alert_thresholds.rule IS 'skip_rate, success_rate, skip_spike or stale_sync';
COMMENT ON COLUMN dialfire.alert_thresholds.threshold IS 'skip_rate: share of a run''s calls (default 0.5); success_rate: share of the last 20 runs (0.95); skip_spike: standard deviations above the mean of the last 30 runs (3); stale_sync: hours since the last success (2, and at least three intervals of job sync)';
SELECT pg_catalog.pg_extension_config_dump('dialfire.alert_thresholds', '');

CREATE FUNCTION dialfire.skipped_calls(reasons jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(sum((reasons ->> k)::numeric), 0) FROM unnest(
        '{agent_not_assigned_to_user,agent_not_in_system,no_agent_id_in_call,test_call}'::text[]) AS k
$$;
COMMENT ON FUNCTION dialfire.skipped_calls(jsonb) IS 'how many calls of a run do not count, of its skip_reasons';

CREATE FUNCTION dialfire.check_thresholds(tenant text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    every interval := (SELECT s.every FROM dialfire.schedules s WHERE s.tenant = $1 AND s.job = 'sync' AND s.enabled);
    figure record;
    begun bigint := 0;
BEGIN
    FOR figure IN
    WITH limits AS (
        SELECT d.rule, COALESCE(t.threshold, d.threshold) AS threshold
        FROM (VALUES ('skip_rate', 0.5), ('success_rate', 0.95), ('skip_spike', 3), ('stale_sync', 2)) AS d(rule, threshold)
        LEFT JOIN dialfire.alert_thresholds t ON t.tenant = $1 AND t.rule = d.rule
    ), past AS (
        SELECT r.status, r.fetched, r.finished_at, dialfire.skipped_calls(r.skip_reasons) / NULLIF(r.fetched, 0) AS share,
               row_number() OVER (ORDER BY r.run_id DESC) AS n
        FROM (SELECT * FROM dialfire.runs WHERE runs.tenant = $1 ORDER BY run_id DESC LIMIT 100) r
        WHERE r.status <> 'in_progress' AND r.kind NOT IN ('diagnostic', 'webhook')
    ), calls AS (
        -- Runs that brought enough to speak of a share.
        SELECT share, row_number() OVER (ORDER BY n) AS n FROM past WHERE fetched >= 20
    ), figures AS (
        SELECT 'skip_rate' AS rule, (SELECT share FROM calls WHERE n = 1)::float8 AS value,
               (SELECT share FROM calls WHERE n = 1) > l.threshold AS is_on,
               'share of calls that do not count' AS what, l.threshold
        FROM limits l WHERE l.rule = 'skip_rate'
        UNION ALL
        SELECT l.rule, s.share, s.share < l.threshold, 'share of the last runs that succeeded', l.threshold
        FROM limits l, (SELECT avg((status = 'success')::int)::float8 AS share FROM past WHERE n <= 20 HAVING count(*) >= 5) s
        WHERE l.rule = 'success_rate'
        UNION ALL
        SELECT l.rule, c.share::float8, c.share > h.mean + l.threshold * h.deviation AND c.share > h.mean + 0.1,
               'share of calls that do not count, against the tenant''s own history', l.threshold
        FROM limits l, (SELECT share FROM calls WHERE n = 1) c,
             (SELECT avg(share)::float8 AS mean, stddev_pop(share)::float8 AS deviation FROM calls WHERE n BETWEEN 2 AND 31
              HAVING count(*) >= 10) h
        WHERE l.rule = 'skip_spike'
        UNION ALL
        SELECT l.rule, EXTRACT(epoch FROM a.age)::float8 / 3600,
               a.age > greatest(make_interval(secs => l.threshold * 3600), 3 * every), 'hours since the last success', l.threshold
        FROM limits l
        CROSS JOIN LATERAL (SELECT now() - COALESCE(max(finished_at) FILTER (WHERE status = 'success'),
                                                    (SELECT min(started_at) FROM dialfire.runs WHERE runs.tenant = $1)) AS age
                            FROM past) a
        WHERE l.rule = 'stale_sync' AND every IS NOT NULL
    )
    SELECT * FROM figures WHERE is_on IS NOT NULL
    LOOP
        IF NOT figure.is_on THEN
            UPDATE dialfire.alerts a SET ended_at = clock_timestamp()
            WHERE a.tenant = $1 AND a.rule = figure.rule AND a.ended_at IS NULL;
        ELSIF NOT EXISTS (
            SELECT FROM dialfire.alerts a WHERE a.tenant = $1 AND a.rule = figure.rule AND a.ended_at IS NULL) THEN
            INSERT INTO dialfire.alerts (tenant, rule, subject, severity, message, value)
            VALUES ($1, figure.rule, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'warning',
                    format('%s: %s is %s, the threshold %s', $1, figure.what, round(figure.value::numeric, 3), figure.threshold),
                    jsonb_build_object('value', figure.value, 'threshold', figure.threshold));
            begun := begun + 1;
        END IF;
    END LOOP;
    RETURN begun;
END
$$;
COMMENT ON FUNCTION dialfire.check_thresholds(text) IS 'begins and ends the episodes of a tenant''s thresholds in alerts; returns how many began. Called at the end of each run, and every half minute by the scheduler';
REVOKE ALL ON FUNCTION dialfire.check_thresholds(text) FROM PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
