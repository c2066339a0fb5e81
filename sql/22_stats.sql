-- The rollup under all KPIs, kept by each sync for the days that it touched, in the same transaction.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.daily_stats (
    tenant          text NOT NULL,
    day             date NOT NULL,
    campaign_id     text NOT NULL,
    agent_id        text NOT NULL,
    agent_login     text NOT NULL,
    attempts        bigint NOT NULL,
    human           bigint NOT NULL,
    missing_login   bigint NOT NULL,
    with_leg        bigint NOT NULL,
    connects        bigint NOT NULL,
    voicemails      bigint NOT NULL,
    conversions     bigint NOT NULL,
    recorded        bigint NOT NULL,
    talk_ms         bigint NOT NULL,
    talks           bigint NOT NULL,
    wait_sec        double precision NOT NULL,
    waits           bigint NOT NULL,
    pause_sec       double precision NOT NULL,
    pauses          bigint NOT NULL,
    wrapup_sec      double precision NOT NULL,
    wrapups         bigint NOT NULL,
    inbound         bigint NOT NULL,
    inbound_answered bigint NOT NULL,
    first_at        timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, day, campaign_id, agent_id, agent_login)
);
COMMENT ON TABLE dialfire.daily_stats IS 'counts and sums a tenant, day, campaign and agent, without test calls; kpi_definitions says what is made of them';
COMMENT ON COLUMN dialfire.daily_stats.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.daily_stats.day IS 'day in the tenant''s time zone';
COMMENT ON COLUMN dialfire.daily_stats.campaign_id IS 'id of the campaign';
COMMENT ON COLUMN dialfire.daily_stats.agent_id IS 'internal user id, empty where none';
COMMENT ON COLUMN dialfire.daily_stats.agent_login IS 'login as delivered, empty where none; views fall back to agents by agent_id';
COMMENT ON COLUMN dialfire.daily_stats.attempts IS 'transactions and calls of voice agents that are no inbound calls; so are the other counts up to recorded';
COMMENT ON COLUMN dialfire.daily_stats.human IS 'of these, done by a person';
COMMENT ON COLUMN dialfire.daily_stats.missing_login IS 'done by a person whose login was not delivered';
COMMENT ON COLUMN dialfire.daily_stats.with_leg IS 'transactions with a phone leg';
COMMENT ON COLUMN dialfire.daily_stats.connects IS 'transactions with a leg that was answered (completed in call_statuses)';
COMMENT ON COLUMN dialfire.daily_stats.voicemails IS 'transactions whose legs met a voicemail and nobody';
COMMENT ON COLUMN dialfire.daily_stats.conversions IS 'transactions with status success, and calls of voice agents that the vendor evaluates as true';
COMMENT ON COLUMN dialfire.daily_stats.recorded IS 'answered transactions with the address of a recording';
COMMENT ON COLUMN dialfire.daily_stats.talk_ms IS 'duration of answered legs, milliseconds';
COMMENT ON COLUMN dialfire.daily_stats.talks IS 'answered legs with a duration';
COMMENT ON COLUMN dialfire.daily_stats.wait_sec IS 'waiting, seconds';
COMMENT ON COLUMN dialfire.daily_stats.waits IS 'transactions with a waiting time';
COMMENT ON COLUMN dialfire.daily_stats.pause_sec IS 'preparation, seconds';
COMMENT ON COLUMN dialfire.daily_stats.pauses IS 'transactions with a preparation time';
COMMENT ON COLUMN dialfire.daily_stats.wrapup_sec IS 'after-call work, seconds';
COMMENT ON COLUMN dialfire.daily_stats.wrapups IS 'transactions with after-call work';
COMMENT ON COLUMN dialfire.daily_stats.inbound IS 'inbound calls';
COMMENT ON COLUMN dialfire.daily_stats.inbound_answered IS 'inbound calls that were answered';
COMMENT ON COLUMN dialfire.daily_stats.first_at IS 'first event of the day (UTC instant)';
COMMENT ON COLUMN dialfire.daily_stats.last_at IS 'last event of the day (UTC instant)';
COMMENT ON COLUMN dialfire.daily_stats.changed_at IS 'last changed (UTC instant)';
SELECT pg_catalog.pg_extension_config_dump('dialfire.daily_stats', '');

CREATE FUNCTION dialfire.vendor_of(tenant text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE((SELECT t.vendor FROM dialfire.tenants t WHERE t.tenant = $1), 'dialfire')
$$;
COMMENT ON FUNCTION dialfire.vendor_of(text) IS 'the vendor whose words a tenant''s calls are in; dialfire for one whose server is gone';

CREATE FUNCTION dialfire.counts_assigned(tenant text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM dialfire.tenants t WHERE t.tenant = $1 AND t.count_agents = 'assigned')
$$;
COMMENT ON FUNCTION dialfire.counts_assigned(text) IS 'whether only calls of assigned agents count for a tenant (option count_agents)';

CREATE VIEW dialfire.voice_events WITH (security_invoker = true) AS
SELECT v.tenant, v.id AS call_id, v.day, v.campaign_id, v.assistant_id AS agent_id, v.assistant_name AS agent_login, v.created_at AS at,
       v.direction IS NOT DISTINCT FROM 'inbound' AS is_inbound,
       v.started_at IS NOT NULL OR o.status IN ('completed', 'no_answer', 'busy', 'voicemail') AS has_leg,
       o.status = 'completed' AS connected,
       o.status = 'voicemail' AS voicemail,
       COALESCE(v.success_evaluation = 'true', false) AS converted,
       o.status = 'completed' AND COALESCE(v.recording_url, v.stereo_recording_url) IS NOT NULL AS recorded,
       CASE WHEN o.status = 'completed' THEN (EXTRACT(epoch FROM v.ended_at - v.started_at) * 1000)::bigint END AS talk_ms
FROM dialfire.voice_calls v
CROSS JOIN LATERAL (
    SELECT COALESCE((SELECT m.status FROM dialfire.call_statuses m
                     WHERE m.vendor = 'vapi' AND m.tenant = '' AND m.campaign_id = '' AND m.word = lower(w.word)),
                    -- As dialfire.status_of has it, which a node of a distributed Postgres could not ask.
                    (SELECT m.status FROM dialfire.call_statuses m
                     WHERE m.vendor = 'vapi' AND m.vendor_status LIKE '%*'
                       AND starts_with(lower(w.word), rtrim(m.vendor_status, '*'))
                     ORDER BY length(m.vendor_status) DESC LIMIT 1),
                    CASE WHEN w.word ILIKE '%error%' THEN 'failed' ELSE 'unknown' END) AS status
    FROM (SELECT COALESCE(CASE WHEN v.vendor_status IN ('ended', 'deletion-failed') THEN v.ended_reason END,
                          v.vendor_status, v.tracked_outcome) AS word) w
) o
WHERE v.is_test IS NOT TRUE AND v.gone_at IS NULL AND v.day IS NOT NULL;
COMMENT ON VIEW dialfire.voice_events IS 'what each call of a voice agent adds to daily_stats; without test calls and those that are gone at the vendor';
COMMENT ON COLUMN dialfire.voice_events.tenant IS 'name of the foreign server (from voice_calls)';
COMMENT ON COLUMN dialfire.voice_events.call_id IS 'id of the call (from voice_calls.id)';
COMMENT ON COLUMN dialfire.voice_events.day IS 'day in the tenant''s time zone (from voice_calls)';
COMMENT ON COLUMN dialfire.voice_events.campaign_id IS 'id of the campaign (from voice_calls)';
COMMENT ON COLUMN dialfire.voice_events.agent_id IS 'id of the assistant (from voice_calls.assistant_id)';
COMMENT ON COLUMN dialfire.voice_events.agent_login IS 'name of the assistant, where the call itself tells (from voice_calls.assistant_name)';
COMMENT ON COLUMN dialfire.voice_events.at IS 'created (UTC instant; from voice_calls.created_at)';
COMMENT ON COLUMN dialfire.voice_events.is_inbound IS 'an inbound call (from voice_calls.direction)';
COMMENT ON COLUMN dialfire.voice_events.has_leg IS 'it was dialled (from voice_calls.started_at, else the status)';
COMMENT ON COLUMN dialfire.voice_events.connected IS 'completed (from call_statuses)';
COMMENT ON COLUMN dialfire.voice_events.voicemail IS 'it met a voicemail (from call_statuses)';
COMMENT ON COLUMN dialfire.voice_events.converted IS 'the vendor evaluates it as true (from voice_calls.success_evaluation)';
COMMENT ON COLUMN dialfire.voice_events.recorded IS 'completed and recorded (from voice_calls.recording_url, stereo_recording_url)';
COMMENT ON COLUMN dialfire.voice_events.talk_ms IS 'length of a completed call, milliseconds (from voice_calls.started_at and ended_at)';

CREATE FUNCTION dialfire.stats_of(tenant text, days date[]) RETURNS SETOF dialfire.daily_stats
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 AS $$
#variable_conflict use_column
BEGIN
    -- Each table is asked for $1, and in PL/pgSQL, or a distributed Postgres would not know that one node has them all.
    RETURN QUERY
    -- One pass from events to legs: a join of two aggregates would be at the mercy of a fresh table's missing statistics.
    WITH events AS (
        SELECT t.id, t.day, t.campaign_id, t.user_id, t.user_login, t.fired, t.is_human, t.status, t.wait_time_sec,
               t.pause_time_sec, t.wrapup_time_sec,
               t.direction IS NOT DISTINCT FROM 'inbound' AS is_inbound,
               count(c.id) > 0 AS has_leg,
               bool_or(m.status = 'completed') AS connected,
               bool_or(m.status = 'voicemail') AS voicemail,
               bool_or(EXISTS (SELECT FROM dialfire.recordings r
                               WHERE r.tenant = $1 AND r.connection_id = c.id AND r.location IS NOT NULL)) AS recorded,
               sum(c.duration_ms) FILTER (WHERE m.status = 'completed') AS talk_ms,
               count(c.duration_ms) FILTER (WHERE m.status = 'completed') AS talks
        FROM dialfire.transactions t
        LEFT JOIN dialfire.connections c ON c.tenant = t.tenant AND c.transaction_id = t.id
        LEFT JOIN dialfire.call_statuses everybodys ON everybodys.vendor = (SELECT dialfire.vendor_of($1))
            AND everybodys.word = lower(c.result) AND everybodys.tenant = ''
        LEFT JOIN dialfire.call_statuses own ON own.vendor = (SELECT dialfire.vendor_of($1)) AND own.word = lower(c.result)
            AND own.tenant = t.tenant AND own.campaign_id = t.campaign_id
        LEFT JOIN dialfire.call_statuses tenants ON tenants.vendor = (SELECT dialfire.vendor_of($1))
            AND tenants.word = lower(c.result) AND tenants.tenant = t.tenant AND tenants.campaign_id = ''
        CROSS JOIN LATERAL (SELECT COALESCE(own.status, tenants.status, everybodys.status) AS status) m
        WHERE t.tenant = $1 AND t.day = ANY ($2)
          -- As calls.counts has it.
          AND t.gone_at IS NULL AND t.is_test IS NOT TRUE
          AND (NOT (SELECT dialfire.counts_assigned($1)) OR EXISTS (
              SELECT FROM dialfire.agents a WHERE a.tenant = $1 AND a.id = t.user_id AND a.assigned))
        GROUP BY t.tenant, t.id, t.day
    ), each AS (
        SELECT e.day, e.campaign_id, e.user_id AS agent_id, e.user_login AS agent_login, e.fired AS at, e.is_inbound, e.is_human,
               e.user_login IS NULL AS is_nameless, e.has_leg, e.connected, e.voicemail AND e.connected IS NOT TRUE AS voicemail,
               e.status = 'success' AS converted, e.connected AND e.recorded AS recorded, e.talk_ms, e.talks,
               e.wait_time_sec AS wait_sec, e.pause_time_sec AS pause_sec, e.wrapup_time_sec AS wrapup_sec
        FROM events e
        UNION ALL
        SELECT i.day, i.campaign_id, i.user_id, NULL, i.started, true, NULL, NULL, NULL, i.connected IS NOT NULL, NULL, NULL, NULL,
               NULL, NULL, NULL, NULL, NULL
        FROM dialfire.inbound_calls i WHERE i.tenant = $1 AND i.day = ANY ($2)
        UNION ALL
        SELECT v.day, v.campaign_id, v.agent_id, v.agent_login, v.at, v.is_inbound, false, NULL, v.has_leg, v.connected, v.voicemail,
               v.converted, v.recorded, v.talk_ms, (v.talk_ms IS NOT NULL)::int, NULL, NULL, NULL
        FROM dialfire.voice_events v WHERE v.tenant = $1 AND v.day = ANY ($2)
    )
    SELECT $1, day, COALESCE(campaign_id, ''), COALESCE(agent_id, ''), COALESCE(agent_login, ''),
           count(*) FILTER (WHERE NOT is_inbound),
           count(*) FILTER (WHERE NOT is_inbound AND is_human),
           count(*) FILTER (WHERE NOT is_inbound AND is_human AND is_nameless),
           count(*) FILTER (WHERE NOT is_inbound AND has_leg),
           count(*) FILTER (WHERE NOT is_inbound AND connected),
           count(*) FILTER (WHERE NOT is_inbound AND voicemail),
           count(*) FILTER (WHERE NOT is_inbound AND converted),
           count(*) FILTER (WHERE NOT is_inbound AND recorded),
           COALESCE(sum(talk_ms), 0)::bigint, COALESCE(sum(talks), 0)::bigint,
           -- Sums of whole microseconds do not depend on the order of the rows, so that recomputed always equals kept.
           COALESCE(sum(round(wait_sec * 1e6)), 0) / 1e6, count(wait_sec),
           COALESCE(sum(round(pause_sec * 1e6)), 0) / 1e6, count(pause_sec),
           COALESCE(sum(round(wrapup_sec * 1e6)), 0) / 1e6, count(wrapup_sec),
           count(*) FILTER (WHERE is_inbound), count(*) FILTER (WHERE is_inbound AND connected),
           -- Not now(): a refresh between two changes of one transaction must tell them apart.
           min(at), max(at), clock_timestamp()
    FROM each
    GROUP BY day, COALESCE(campaign_id, ''), COALESCE(agent_id, ''), COALESCE(agent_login, '');
END
$$;
COMMENT ON FUNCTION dialfire.stats_of(text, date[]) IS 'the rows of daily_stats for some days, computed from the calls';

-- Compiling the statement can take longer than the statement.
CREATE FUNCTION dialfire.keep_stats(tenant text, days date[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    counted dialfire.daily_stats[] := ARRAY(SELECT s FROM dialfire.stats_of($1, $2) s);
    deleted bigint;
    written bigint;
BEGIN
    -- Both so written that no plan goes through one of them for each row of the other.
    DELETE FROM dialfire.daily_stats d
    WHERE d.tenant = $1 AND d.day = ANY ($2) AND (d.day, d.campaign_id, d.agent_id, d.agent_login) NOT IN (
        SELECT f.day, f.campaign_id, f.agent_id, f.agent_login FROM unnest(counted) f);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    WITH kept AS (
        INSERT INTO dialfire.daily_stats AS s
        SELECT f.* FROM unnest(counted) f
        LEFT JOIN LATERAL (
            SELECT * FROM dialfire.daily_stats d
            WHERE d.tenant = $1 AND d.day = f.day AND d.campaign_id = f.campaign_id AND d.agent_id = f.agent_id
              AND d.agent_login = f.agent_login LIMIT 1
        ) d ON true
        WHERE (f.attempts, f.human, f.missing_login, f.with_leg, f.connects, f.voicemails, f.conversions, f.recorded,
               f.talk_ms, f.talks, f.wait_sec, f.waits, f.pause_sec, f.pauses, f.wrapup_sec, f.wrapups, f.inbound,
               f.inbound_answered, f.first_at, f.last_at)
            IS DISTINCT FROM
              (d.attempts, d.human, d.missing_login, d.with_leg, d.connects, d.voicemails, d.conversions, d.recorded,
               d.talk_ms, d.talks, d.wait_sec, d.waits, d.pause_sec, d.pauses, d.wrapup_sec, d.wrapups, d.inbound,
               d.inbound_answered, d.first_at, d.last_at)
        ON CONFLICT (tenant, day, campaign_id, agent_id, agent_login) DO UPDATE SET
              (attempts, human, missing_login, with_leg, connects, voicemails, conversions, recorded, talk_ms, talks,
               wait_sec, waits, pause_sec, pauses, wrapup_sec, wrapups, inbound, inbound_answered, first_at, last_at,
               changed_at) =
              (excluded.attempts, excluded.human, excluded.missing_login, excluded.with_leg, excluded.connects,
               excluded.voicemails, excluded.conversions, excluded.recorded, excluded.talk_ms, excluded.talks,
               excluded.wait_sec, excluded.waits, excluded.pause_sec, excluded.pauses, excluded.wrapup_sec,
               excluded.wrapups, excluded.inbound, excluded.inbound_answered, excluded.first_at, excluded.last_at,
               excluded.changed_at)
        RETURNING 1
    )
    SELECT count(*) FROM kept INTO written;
    RETURN deleted + written;
END
$$;
COMMENT ON FUNCTION dialfire.keep_stats(text, date[]) IS 'brings daily_stats up to date for some days; returns the rows that changed';
REVOKE ALL ON FUNCTION dialfire.keep_stats(text, date[]) FROM PUBLIC;

CREATE FUNCTION dialfire.add_stats(tenant text, added json) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    changed bigint;
BEGIN
    WITH written AS (
        INSERT INTO dialfire.daily_stats AS s
        SELECT $1, a.day, a.campaign_id, a.agent_id, a.agent_login, a.attempts, a.human, a.missing_login, a.with_leg,
               a.connects, a.voicemails, a.conversions, a.recorded, a.talk_ms, a.talks, a.wait_us / 1e6, a.waits,
               a.pause_us / 1e6, a.pauses, a.wrapup_us / 1e6, a.wrapups, a.inbound, a.inbound_answered, a.first_at,
               a.last_at, clock_timestamp()
        FROM json_to_recordset($2) AS a (
            day date, campaign_id text, agent_id text, agent_login text, attempts bigint, human bigint,
            missing_login bigint, with_leg bigint, connects bigint, voicemails bigint, conversions bigint,
            recorded bigint, talk_ms bigint, talks bigint, wait_us float8, waits bigint, pause_us float8, pauses bigint,
            wrapup_us float8, wrapups bigint, inbound bigint, inbound_answered bigint, first_at timestamptz,
            last_at timestamptz)
        ON CONFLICT (tenant, day, campaign_id, agent_id, agent_login) DO UPDATE SET
            attempts = s.attempts + excluded.attempts, human = s.human + excluded.human,
            missing_login = s.missing_login + excluded.missing_login, with_leg = s.with_leg + excluded.with_leg,
            connects = s.connects + excluded.connects, voicemails = s.voicemails + excluded.voicemails,
            conversions = s.conversions + excluded.conversions, recorded = s.recorded + excluded.recorded,
            talk_ms = s.talk_ms + excluded.talk_ms, talks = s.talks + excluded.talks,
            -- Whole microseconds add up exactly.
            wait_sec = (round(s.wait_sec * 1e6) + round(excluded.wait_sec * 1e6)) / 1e6, waits = s.waits + excluded.waits,
            pause_sec = (round(s.pause_sec * 1e6) + round(excluded.pause_sec * 1e6)) / 1e6,
            pauses = s.pauses + excluded.pauses,
            wrapup_sec = (round(s.wrapup_sec * 1e6) + round(excluded.wrapup_sec * 1e6)) / 1e6,
            wrapups = s.wrapups + excluded.wrapups,
            inbound = s.inbound + excluded.inbound, inbound_answered = s.inbound_answered + excluded.inbound_answered,
            first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at),
            changed_at = excluded.changed_at
        RETURNING 1
    )
    SELECT count(*) FROM written INTO changed;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION dialfire.add_stats(text, json) IS 'adds counts and sums of new calls to daily_stats; returns the rows that changed';
REVOKE ALL ON FUNCTION dialfire.add_stats(text, json) FROM PUBLIC;

CREATE FUNCTION dialfire.stats_of_call(tenant text, call_id text) RETURNS SETOF dialfire.daily_stats
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT tenant, day, COALESCE(campaign_id, ''), COALESCE(agent_id, ''), COALESCE(agent_login, ''),
           o, 0::bigint, 0::bigint, o * has_leg::int, o * connected::int, o * voicemail::int, o * converted::int, o * recorded::int,
           COALESCE(talk_ms, 0), (talk_ms IS NOT NULL)::int::bigint, 0::float8, 0::bigint, 0::float8, 0::bigint, 0::float8, 0::bigint,
           1 - o, (1 - o) * connected::int, at, at, clock_timestamp()
    FROM dialfire.voice_events v CROSS JOIN LATERAL (SELECT (NOT v.is_inbound)::int::bigint AS o) o
    WHERE v.tenant = $1 AND v.call_id = $2;
END
$$;
COMMENT ON FUNCTION dialfire.stats_of_call(text, text) IS 'what one call of a voice agent adds to daily_stats; none for a test call';
REVOKE ALL ON FUNCTION dialfire.stats_of_call(text, text) FROM PUBLIC;

CREATE FUNCTION dialfire.shift_stats(before dialfire.daily_stats, after dialfire.daily_stats) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    IF to_jsonb(before) - 'changed_at' = to_jsonb(after) - 'changed_at' THEN
        RETURN;
    END IF;
    PERFORM dialfire.add_stats(COALESCE(before.tenant, after.tenant), json_agg(to_json(d)))
    FROM (
        -- In the order of the key, in which everybody locks.
        SELECT s.day, s.campaign_id, s.agent_id, s.agent_login, sum(n * s.attempts) AS attempts, 0 AS human, 0 AS missing_login,
               sum(n * s.with_leg) AS with_leg, sum(n * s.connects) AS connects, sum(n * s.voicemails) AS voicemails,
               sum(n * s.conversions) AS conversions, sum(n * s.recorded) AS recorded, sum(n * s.talk_ms) AS talk_ms,
               sum(n * s.talks) AS talks, 0 AS wait_us, 0 AS waits, 0 AS pause_us, 0 AS pauses, 0 AS wrapup_us, 0 AS wrapups,
               sum(n * s.inbound) AS inbound, sum(n * s.inbound_answered) AS inbound_answered,
               min(s.first_at) AS first_at, max(s.last_at) AS last_at
        FROM (SELECT -1 AS n, (before).* UNION ALL SELECT 1, (after).*) s
        WHERE s.tenant IS NOT NULL
        GROUP BY s.day, s.campaign_id, s.agent_id, s.agent_login
        ORDER BY s.day, s.campaign_id, s.agent_id, s.agent_login
    ) d;
    IF before.tenant IS NOT NULL AND (before.day, before.campaign_id, before.agent_id, before.agent_login, before.first_at)
        IS DISTINCT FROM (after.day, after.campaign_id, after.agent_id, after.agent_login, after.first_at) THEN
        DELETE FROM dialfire.daily_stats d
        WHERE (d.tenant, d.day, d.campaign_id, d.agent_id, d.agent_login)
            = (before.tenant, before.day, before.campaign_id, before.agent_id, before.agent_login) AND d.attempts + d.inbound = 0;
        UPDATE dialfire.daily_stats d SET first_at = left_over.first_at, last_at = left_over.last_at
        FROM (
            SELECT min(v.at) AS first_at, max(v.at) AS last_at FROM dialfire.voice_events v
            WHERE (v.tenant, v.day) = (before.tenant, before.day)
              AND (COALESCE(v.campaign_id, ''), COALESCE(v.agent_id, ''), COALESCE(v.agent_login, ''))
                = (before.campaign_id, before.agent_id, before.agent_login)
        ) left_over
        WHERE (d.tenant, d.day, d.campaign_id, d.agent_id, d.agent_login)
            = (before.tenant, before.day, before.campaign_id, before.agent_id, before.agent_login)
          AND before.first_at IN (d.first_at, d.last_at) AND left_over.first_at IS NOT NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION dialfire.shift_stats(dialfire.daily_stats, dialfire.daily_stats) IS 'moves what one call adds to daily_stats from what it was to what it is; null for nothing';
REVOKE ALL ON FUNCTION dialfire.shift_stats(dialfire.daily_stats, dialfire.daily_stats) FROM PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
