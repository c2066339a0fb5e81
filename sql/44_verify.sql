-- The verification queries of the runbook as one table.

CREATE FUNCTION @extschema@.df_verify(tenant text, range text)
RETURNS TABLE (check_name text, value text, expected text, verdict text, hint text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    asked tstzrange := @extschema@.df_range($1, $2);
    zone text;
    of_vendor text;
    first date;
    last date;
    let_go timestamptz;
    counted dialfire.daily_stats[];
    unkept text[];
    never_filled bigint;
    behind bigint;
BEGIN
    SELECT n.timezone, n.vendor, dialfire.retired_until()::timestamp AT TIME ZONE n.timezone INTO zone, of_vendor, let_go
    FROM dialfire.tenants n WHERE n.tenant = $1;
    IF let_go > lower(asked) THEN
        RETURN QUERY SELECT 'days whose calls were let go', EXTRACT(day FROM least(let_go, upper(asked)) - lower(asked))::text, 'any', 'note',
            'df_detach_month did it: SELECT * FROM dialfire.retired_months';
        IF let_go >= upper(asked) THEN
            RETURN;
        END IF;
        asked := tstzrange(let_go, upper(asked));
    END IF;
    first := (lower(asked) AT TIME ZONE zone)::date;
    last := ((upper(asked) - interval '1 microsecond') AT TIME ZONE zone)::date;
    counted := ARRAY(SELECT s FROM dialfire.stats_of($1, ARRAY(SELECT generate_series(first, last, '1 day')::date)) s);
    -- In two statements: a distributed Postgres takes no function beside its tables.
    unkept := ARRAY(SELECT t.id FROM dialfire.transactions t WHERE t.tenant = $1 AND t.day BETWEEN first AND last);
    unkept := ARRAY(SELECT l.transaction_id FROM dialfire.main_legs($1, unkept) l WHERE NOT l.is_kept);
    SELECT count(*) FILTER (WHERE NOT s.populated), count(*) FILTER (WHERE s.stale) INTO never_filled, behind
    FROM dialfire.matview_status s;
    RETURN QUERY
    WITH bounds AS MATERIALIZED (
        SELECT asked AS r, lower(asked) AS from_at, upper(asked) AS to_at, first AS first_day, last AS last_day,
               zone AS timezone, of_vendor AS vendor
    ), calls AS MATERIALIZED (
        SELECT t.*, COALESCE(t.user_login, a.login) AS login
        FROM bounds b
        -- A day more on both sides: another zone may have put a call there.
        JOIN dialfire.transactions t ON t.tenant = $1 AND t.day BETWEEN b.first_day - 1 AND b.last_day + 1
                                    AND t.fired >= b.from_at AND t.fired < b.to_at
        LEFT JOIN dialfire.agents a ON a.tenant = $1 AND a.id = t.user_id
    ), legs AS MATERIALIZED (
        SELECT l.transaction_id, l.id, l.duration_ms,
               (SELECT m.status FROM dialfire.call_statuses m
                WHERE m.vendor = b.vendor AND m.word = lower(l.result) AND m.tenant IN ('', $1)
                  AND m.campaign_id IN ('', c.campaign_id)
                ORDER BY m.campaign_id = '', m.tenant = '' LIMIT 1) = 'completed' AS connected,
               EXISTS (SELECT FROM dialfire.recordings r
                       WHERE r.tenant = $1 AND r.connection_id = l.id AND r.location IS NOT NULL) AS recorded,
               l.day <> c.day OR EXISTS (
                   SELECT FROM dialfire.recordings r WHERE r.tenant = $1 AND r.connection_id = l.id AND r.day <> c.day) AS is_astray
        FROM calls c CROSS JOIN bounds b JOIN dialfire.connections l ON l.tenant = $1 AND l.transaction_id = c.id
    ), fresh AS (
        SELECT s.* FROM unnest(counted) s
    ), kept AS (
        SELECT s.* FROM bounds b, dialfire.daily_stats s WHERE s.tenant = $1 AND s.day BETWEEN b.first_day AND b.last_day
    ), facts AS MATERIALIZED (
        SELECT (SELECT count(*) FROM calls) AS calls,
               (SELECT count(*) FROM calls WHERE is_human) AS human,
               (SELECT count(*) FROM calls WHERE is_human AND login IS NULL) AS nameless,
               (SELECT count(DISTINCT login) FROM calls) AS agents,
               (SELECT count(*) FROM bounds b JOIN dialfire.inbound_calls i ON i.tenant = $1
                   AND i.day BETWEEN b.first_day - 1 AND b.last_day + 1 AND i.started <@ b.r) AS inbound,
               (SELECT count(DISTINCT transaction_id) FROM legs) AS with_leg,
               (SELECT count(DISTINCT transaction_id) FROM legs WHERE recorded) AS with_recording,
               (SELECT round(avg(duration_ms) / 1000, 1) FROM legs WHERE connected) AS talk_sec,
               (SELECT count(*) FROM legs WHERE connected) AS connected,
               (SELECT count(*) FROM legs WHERE connected AND recorded) AS recorded,
               (SELECT count(*) FROM calls c, bounds b WHERE c.day <> (c.fired AT TIME ZONE b.timezone)::date) AS other_day,
               (SELECT count(DISTINCT l.transaction_id) FROM legs l WHERE l.is_astray OR l.transaction_id = ANY (unkept)) AS astray,
               (SELECT count(*) FROM dialfire.rejects_open j, bounds b
                WHERE j.tenant = $1 AND (j.fired IS NULL OR j.fired <@ b.r)) AS rejects,
               (SELECT count(*) FROM dialfire.campaigns c, bounds b
                WHERE c.tenant = $1 AND c.api_access AND NOT EXISTS (
                    SELECT FROM dialfire.coverage v WHERE v.tenant = $1 AND v.source = c.id
                       AND v.covered @> tstzrange(b.from_at, least(b.to_at, now() - interval '5 minutes')))) AS uncovered,
               (SELECT count(*) FROM dialfire.stuck_calls s, bounds b WHERE s.tenant = $1 AND s.started_at <@ b.r) AS stuck,
               (SELECT count(*) FROM fresh FULL JOIN kept USING (day, campaign_id, agent_id, agent_login)
                WHERE to_jsonb(fresh) - 'changed_at' IS DISTINCT FROM to_jsonb(kept) - 'changed_at') AS stale_stats,
               never_filled AS unpopulated,
               behind AS stale
    )
    SELECT x.check_name, x.value, x.expected, CASE WHEN x.ok IS NULL THEN 'note' WHEN x.ok THEN 'ok' ELSE 'look' END,
           CASE WHEN x.ok IS FALSE THEN x.hint END
    FROM facts f CROSS JOIN LATERAL (VALUES
        ('campaigns not fully covered', f.uncovered::text, '0', f.uncovered = 0,
            format('SELECT * FROM df_sync(%L, %L) fetches them', $1, $2)),
        ('transactions', f.calls::text, 'more than 0', f.calls > 0, 'compare with the vendor''s own report of these days'),
        ('human events without login', f.nameless::text, '0', f.nameless = 0,
            format('nobody names these: SELECT DISTINCT user_id, actor FROM dialfire.transactions WHERE tenant = %L AND is_human '
                   'AND user_login IS NULL', $1)),
        ('events of machines (no login by right)', (f.calls - f.human)::text, 'any', NULL, NULL),
        ('agents with events', f.agents::text, 'any', NULL, NULL),
        ('inbound calls', f.inbound::text, 'any', NULL, NULL),
        ('transactions with a leg', f.with_leg::text, 'any', NULL, NULL),
        ('transactions with a recording', f.with_recording::text, 'any', NULL, NULL),
        ('answered legs', f.connected::text, 'any', NULL, NULL),
        ('answered legs without recording', (f.connected - f.recorded)::text, '0, if all calls are recorded',
            CASE WHEN f.connected - f.recorded = 0 THEN true END, NULL),
        ('mean duration of answered legs, seconds', f.talk_sec::text, 'more than 0',
            CASE WHEN f.connected > 0 THEN COALESCE(f.talk_sec, 0) > 0 END,
            'the vendor delivered no durations; SELECT duration_ms, connected, disconnected FROM dialfire.connections shows them'),
        ('calls on another day than their instant', f.other_day::text, '0', f.other_day = 0,
            format('the time zone was changed; SELECT df_rebuild_stats(%L, %L)', $1, $2)),
        ('calls whose legs are not filed under them', f.astray::text, '0', f.astray = 0,
            format('views may not show these legs; SELECT df_rebuild_stats(%L, %L)', $1, $2)),
        ('rejects', f.rejects::text, '0', f.rejects = 0, format('SELECT * FROM dialfire.rejects_open WHERE tenant = %L', $1)),
        ('calls that never ended', f.stuck::text, '0', f.stuck = 0, format('SELECT * FROM dialfire.stuck_calls WHERE tenant = %L', $1)),
        ('rows of daily_stats that differ from the calls', f.stale_stats::text, '0', f.stale_stats = 0,
            format('SELECT df_rebuild_stats(%L, %L)', $1, $2)),
        ('KPI matviews that are older than the calls', f.stale::text, '0 after df_refresh()',
            CASE WHEN f.unpopulated > 0 THEN false WHEN f.stale = 0 THEN true END,
            'they cannot be read before SELECT * FROM df_refresh()')
    ) AS x(check_name, value, expected, ok, hint);
END
$$;
COMMENT ON FUNCTION @extschema@.df_verify(text, text) IS
    'the runbook''s checks of a range as rows: value, what is expected, verdict (ok, look, note), what to do; range as in df_sync';
