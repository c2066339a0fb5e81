-- Statements of which a distributed Postgres can tell that one node has all their rows, and the statement that distributes.

CREATE OR REPLACE VIEW dialfire.voice_events WITH (security_invoker = true) AS
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
WHERE v.is_test IS NOT TRUE AND v.day IS NOT NULL;

CREATE OR REPLACE FUNCTION dialfire.stats_of(tenant text, days date[]) RETURNS SETOF dialfire.daily_stats
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
        GROUP BY t.tenant, t.id
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

CREATE OR REPLACE FUNCTION dialfire.keep_stats(tenant text, days date[]) RETURNS bigint
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

CREATE OR REPLACE FUNCTION dialfire.add_stats(tenant text, added json) RETURNS bigint
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

CREATE OR REPLACE FUNCTION dialfire.raise_alerts(tenant text, calls text[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    raised bigint;
    -- What is older may have been told, and its alert removed since.
    since timestamptz := now() - make_interval(days => current_setting('dialfire_sync.retention_days')::int);
BEGIN
    IF NOT EXISTS (SELECT FROM dialfire.alert_rules r WHERE r.tenant = $1 AND r.enabled) THEN
        RETURN 0;
    END IF;
    INSERT INTO dialfire.alerts (tenant, rule, subject, severity, message, value)
    SELECT $1, h.name, h.id, h.severity, COALESCE(h.message, h.name), h.value
    FROM (
        SELECT r.name, s.id, r.severity, r.message, jsonb_path_query_first(s.document, r.path, '{}', true) AS value
        FROM dialfire.alert_rules r
        CROSS JOIN (
            SELECT v.id, v.stored_at, dialfire.call_document(v) AS document
            FROM dialfire.voice_calls v WHERE v.tenant = $1 AND v.id = ANY ($2)
            UNION ALL
            -- As dialfire.event_document has it, which a node of a distributed Postgres could not ask.
            SELECT t.id, t.stored_at, jsonb_strip_nulls(to_jsonb(t) || COALESCE((
                           SELECT to_jsonb(d) || jsonb_build_object('extractedData', d.analysis, 'executedCallActions', d.actions)
                           FROM dialfire.call_details d WHERE d.tenant = $1 AND d.id = t.id), '{}')
                       || jsonb_build_object('agentId', t.user_id, 'contactId', t.contact_id, 'createdAt', t.fired,
                                             'fromNumber', COALESCE(t.phone, (SELECT max(c.remote_number) FROM dialfire.connections c
                                                           WHERE c.tenant = $1 AND c.transaction_id = t.id)), 'trialCall', t.is_test,
                                             'duration', (SELECT max(c.duration_ms) / 1000.0 FROM dialfire.connections c
                                                          WHERE c.tenant = $1 AND c.transaction_id = t.id)))
                    || jsonb_build_object('connections', COALESCE((
                           SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(c)) ORDER BY c.id) FROM dialfire.connections c
                           WHERE c.tenant = $1 AND c.transaction_id = t.id), '[]'))
            FROM dialfire.transactions t WHERE t.tenant = $1 AND t.id = ANY ($2)
            UNION ALL
            SELECT i.id, i.stored_at, jsonb_strip_nulls(to_jsonb(i))
            FROM dialfire.inbound_calls i WHERE i.tenant = $1 AND i.id = ANY ($2)
        ) s
        WHERE r.tenant = $1 AND r.enabled AND s.stored_at > since
    ) h
    WHERE h.value IS NOT NULL AND h.value NOT IN ('false', 'null')
    ON CONFLICT (tenant, rule, subject) DO NOTHING;
    GET DIAGNOSTICS raised = ROW_COUNT;
    RETURN raised;
END
$$;

CREATE OR REPLACE FUNCTION dialfire.check_thresholds(tenant text) RETURNS bigint
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

-- It is inlined; ATOMIC binds its names when it is made, whatever the caller's search path.
CREATE FUNCTION dialfire.read_tenants() RETURNS TABLE (
    tenant text, vendor text, account text, timezone text, wanted_from timestamptz, wanted_to timestamptz, usable boolean,
    retained_from timestamptz, stuck_after interval, count_agents text, calls_reset_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT s.srvname::text AS tenant,
       o.vendor,
       o.account,
       COALESCE(o.timezone, 'UTC') AS timezone,
       greatest(COALESCE(o.start_date::date, (now() AT TIME ZONE COALESCE(o.timezone, 'UTC'))::date - 14)::timestamp
           AT TIME ZONE COALESCE(o.timezone, 'UTC'), r.calls_reset_at) AS wanted_from,
       now() - COALESCE(o.settle, CASE o.vendor WHEN 'highlevel' THEN '20 minutes' ELSE '2 minutes' END)::interval AS wanted_to,
       pg_catalog.has_server_privilege(s.oid, 'USAGE') AS usable,
       CASE WHEN o.vendor = 'vapi' THEN now() - make_interval(days => COALESCE(o.retention_days::int, 14)) END AS retained_from,
       CASE WHEN o.vendor = 'vapi' THEN COALESCE(o.stuck_after, '1 hour')::interval ELSE interval '2 hours' END AS stuck_after,
       COALESCE(o.count_agents, CASE o.vendor WHEN 'highlevel' THEN 'assigned' ELSE 'all' END) AS count_agents,
       r.calls_reset_at
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
CROSS JOIN LATERAL (
    SELECT max(option_value) FILTER (WHERE option_name = 'vendor') AS vendor,
           max(option_value) FILTER (WHERE option_name = 'account') AS account,
           max(option_value) FILTER (WHERE option_name = 'timezone') AS timezone,
           max(option_value) FILTER (WHERE option_name = 'start_date') AS start_date,
           max(option_value) FILTER (WHERE option_name = 'settle') AS settle,
           max(option_value) FILTER (WHERE option_name = 'retention_days') AS retention_days,
           max(option_value) FILTER (WHERE option_name = 'stuck_after') AS stuck_after,
           max(option_value) FILTER (WHERE option_name = 'count_agents') AS count_agents,
           max(option_value) FILTER (WHERE option_name = 'calls_reset_at') AS calls_reset_at
    FROM pg_catalog.pg_options_to_table(s.srvoptions)
) o
CROSS JOIN LATERAL (
    SELECT CASE WHEN length(o.calls_reset_at) = 10 THEN o.calls_reset_at::timestamp AT TIME ZONE COALESCE(o.timezone, 'UTC')
                ELSE o.calls_reset_at::timestamptz END AS calls_reset_at
) r
WHERE w.fdwname = 'dialfire_sync';
END;
COMMENT ON FUNCTION dialfire.read_tenants() IS 'the foreign servers of this wrapper with their options, as dialfire.tenants shows them';

-- Not inlined: a distributed Postgres lets a function join its tables, but no catalogue.
CREATE FUNCTION dialfire.all_tenants() RETURNS TABLE (
    tenant text, vendor text, account text, timezone text, wanted_from timestamptz, wanted_to timestamptz, usable boolean,
    retained_from timestamptz, stuck_after interval, count_agents text, calls_reset_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SET search_path = pg_catalog, pg_temp AS $$ SELECT * FROM dialfire.read_tenants() $$;
COMMENT ON FUNCTION dialfire.all_tenants() IS 'the tenants, as df_distribute lets dialfire.tenants read them';

CREATE OR REPLACE VIEW dialfire.tenants WITH (security_invoker = true) AS
SELECT tenant COLLATE "C" AS tenant, vendor, account, timezone, wanted_from, wanted_to, usable, retained_from, stuck_after, count_agents, calls_reset_at
FROM dialfire.read_tenants();

CREATE OR REPLACE FUNCTION dialfire.usable_tenants() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    -- Not by dialfire.tenants: of thousands of tenants it would take the options apart.
    SELECT COALESCE(array_agg(s.srvname::text), '{}') FROM pg_foreign_server s
    WHERE s.srvfdw = (SELECT w.oid FROM pg_foreign_data_wrapper w WHERE w.fdwname = 'dialfire_sync')
      AND has_server_privilege(s.oid, 'USAGE')
$$;

CREATE OR REPLACE VIEW dialfire.calls WITH (security_invoker = true) AS
SELECT t.tenant,
       s.vendor,
       t.id AS call_id,
       COALESCE(leg.started, leg.call_initiated, leg.initiated, leg.fired, t.fired) AS started_at,
       leg.ended_at,
       CASE
           WHEN leg.id IS NOT NULL AND leg.ended_at IS NULL
                AND (leg.result IS NULL OR m.status = 'completed' OR m.status IS NULL AND s.vendor = 'vicidial') THEN 'in_progress'
           WHEN m.status IS NOT NULL THEN m.status
           WHEN talk.answered THEN 'completed'
           ELSE 'unknown'
       END AS status,
       word.vendor_status,
       COALESCE(t.direction, CASE t.event_type WHEN 'inbound' THEN 'inbound' WHEN 'voice_ai' THEN 'unknown' ELSE 'outbound' END)
           AS direction,
       COALESCE(t.is_test, false) AS is_test,
       COALESCE(t.user_login, a.login) AS agent_login,
       t.contact_id,
       t.campaign_id,
       t.user_id AS agent_id,
       t.is_human,
       t.day,
       t.fired AS fired_at,
       c.title AS campaign_title,
       t.status AS contact_status,
       t.status_detail AS disposition,
       t.task,
       COALESCE(leg.phone, leg.remote_number, t.phone) AS phone,
       leg.line_number,
       leg.id AS connection_id,
       leg.duration_ms,
       CASE WHEN talk.answered THEN
           COALESCE(leg.duration_ms, (EXTRACT(epoch FROM leg.ended_at - leg.answered_at) * 1000)::bigint)
       END AS talk_ms,
       (EXTRACT(epoch FROM CASE WHEN talk.answered THEN leg.answered_at ELSE COALESCE(leg.answered_at, leg.ended_at) END
                         - COALESCE(leg.call_initiated, leg.initiated, leg.started)) * 1000)::bigint AS ring_ms,
       t.wait_time_sec,
       t.pause_time_sec,
       t.edit_time_sec,
       t.wrapup_time_sec,
       rec.id AS recording_id,
       rec.location AS recording_location,
       why.skip_reason IS NULL AS counts,
       why.skip_reason
FROM dialfire.transactions t
LEFT JOIN dialfire.tenants s ON s.tenant = t.tenant
LEFT JOIN dialfire.campaigns c ON c.tenant = t.tenant AND c.id = t.campaign_id
LEFT JOIN dialfire.agents a ON a.tenant = t.tenant AND a.id = t.user_id
LEFT JOIN LATERAL (
    SELECT l.*, COALESCE(l.connected, l.call_connected) AS answered_at,
           COALESCE(l.disconnected, l.ended, l.call_disconnected) AS ended_at
    FROM dialfire.connections l
    WHERE l.tenant = t.tenant AND l.transaction_id = t.id
    ORDER BY l.parent_connection_id IS NOT NULL, l.result IS NOT DISTINCT FROM 'connect' DESC,
             COALESCE(l.started, l.fired), l.id
    LIMIT 1
) leg ON true
LEFT JOIN LATERAL (
    SELECT r.id, r.location FROM dialfire.recordings r
    WHERE r.tenant = t.tenant AND r.connection_id = leg.id
    ORDER BY r.location IS NULL, r.started, r.id
    LIMIT 1
) rec ON true
CROSS JOIN LATERAL (SELECT COALESCE(leg.result, t.result, t.status_detail, t.status) AS vendor_status) word
-- The tables were Dialfire's first: rows of a server that is gone are read as its.
LEFT JOIN dialfire.call_statuses everybodys ON everybodys.vendor = COALESCE(s.vendor, 'dialfire')
    AND everybodys.word = lower(word.vendor_status) AND everybodys.tenant = ''
LEFT JOIN dialfire.call_statuses tenants ON tenants.vendor = COALESCE(s.vendor, 'dialfire')
    AND tenants.word = lower(word.vendor_status) AND tenants.tenant = t.tenant AND tenants.campaign_id = ''
LEFT JOIN dialfire.call_statuses own ON own.vendor = COALESCE(s.vendor, 'dialfire')
    AND own.word = lower(word.vendor_status) AND own.tenant = t.tenant AND own.campaign_id = t.campaign_id
CROSS JOIN LATERAL (SELECT COALESCE(own.status, tenants.status, everybodys.status) AS status) m
CROSS JOIN LATERAL (SELECT m.status = 'completed' OR leg.result IS NULL AND leg.answered_at IS NOT NULL AS answered) talk
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN t.gone_at IS NOT NULL THEN 'deleted_at_vendor'
        WHEN t.is_test THEN 'test_call'
        WHEN s.count_agents IS DISTINCT FROM 'assigned' THEN NULL
        WHEN t.user_id IS NULL THEN 'no_agent_id_in_call'
        WHEN a.id IS NULL THEN 'agent_not_in_system'
        WHEN NOT a.assigned THEN 'agent_not_assigned_to_user'
    END AS skip_reason
) why
UNION ALL
SELECT i.tenant,
       s.vendor,
       i.id,
       i.started,
       i.disconnected,
       CASE
           WHEN i.connected IS NOT NULL AND i.disconnected IS NULL THEN 'in_progress'
           WHEN i.connected IS NOT NULL THEN 'completed'
           WHEN i.disconnected IS NOT NULL THEN COALESCE(m.status, 'abandoned')
           ELSE COALESCE(m.status, 'unknown')
       END,
       COALESCE(i.disposition, i.state),
       'inbound',
       false,
       a.login,
       i.contact_id,
       i.campaign_id,
       i.user_id,
       i.user_id IS NOT NULL,
       i.day,
       i.started,
       c.title,
       NULL,
       i.disposition,
       i.task_name,
       i.remote_number,
       i.line_number,
       NULL,
       (EXTRACT(epoch FROM i.disconnected - i.connected) * 1000)::bigint,
       (EXTRACT(epoch FROM i.disconnected - i.connected) * 1000)::bigint,
       (EXTRACT(epoch FROM COALESCE(i.connected, i.disconnected) - i.started) * 1000)::bigint,
       NULL, NULL, NULL, NULL, NULL, NULL,
       true,
       NULL
FROM dialfire.inbound_calls i
LEFT JOIN dialfire.tenants s ON s.tenant = i.tenant
LEFT JOIN dialfire.campaigns c ON c.tenant = i.tenant AND c.id = i.campaign_id
LEFT JOIN dialfire.agents a ON a.tenant = i.tenant AND a.id = i.user_id
LEFT JOIN dialfire.call_statuses m ON m.vendor = COALESCE(s.vendor, 'dialfire') AND m.tenant = ''
    AND m.word = lower(COALESCE(i.disposition, i.state))
UNION ALL
SELECT v.tenant,
       s.vendor,
       v.id,
       COALESCE(v.started_at, v.created_at),
       v.ended_at,
       now.status,
       word.vendor_status,
       v.direction,
       COALESCE(v.is_test, false),
       COALESCE(a.login, v.assistant_name),
       COALESCE(v.customer_id, k.id, v.customer_e164),
       v.campaign_id,
       v.assistant_id,
       false,
       v.day,
       v.created_at,
       NULL,
       NULL,
       v.ended_reason,
       v.name,
       COALESCE(v.customer_e164, v.customer_number),
       COALESCE(v.line_number, n.number),
       NULL,
       talk.ms,
       CASE WHEN now.status = 'completed' THEN talk.ms END,
       (EXTRACT(epoch FROM COALESCE(v.started_at, v.ended_at) - v.created_at) * 1000)::bigint,
       NULL, NULL, NULL, NULL, NULL,
       COALESCE(v.recording_url, v.stereo_recording_url),
       why.skip_reason IS NULL,
       why.skip_reason
FROM dialfire.voice_calls v
LEFT JOIN dialfire.tenants s ON s.tenant = v.tenant
LEFT JOIN dialfire.agents a ON a.tenant = v.tenant AND a.id = v.assistant_id
LEFT JOIN dialfire.phone_numbers n ON n.tenant = v.tenant AND n.id = v.phone_number_id
LEFT JOIN LATERAL (
    SELECT c.id FROM dialfire.contacts c WHERE c.tenant = v.tenant AND c.phone = v.customer_e164 ORDER BY c.id LIMIT 1
) k ON true
CROSS JOIN LATERAL (
    SELECT COALESCE(CASE WHEN v.vendor_status IN ('ended', 'deletion-failed') THEN v.ended_reason END, v.vendor_status,
                    v.tracked_outcome) AS vendor_status
) word
CROSS JOIN LATERAL (
    -- A look-up a row: a join would be at the mercy of the estimate of the calls.
    SELECT COALESCE((SELECT m.status FROM dialfire.call_statuses m
                     WHERE m.vendor = 'vapi' AND m.tenant = '' AND m.campaign_id = '' AND m.word = lower(word.vendor_status)),
                    -- As dialfire.status_of has it, which a node of a distributed Postgres could not ask.
                    (SELECT m.status FROM dialfire.call_statuses m
                     WHERE m.vendor = 'vapi' AND m.vendor_status LIKE '%*'
                       AND starts_with(lower(word.vendor_status), rtrim(m.vendor_status, '*'))
                     ORDER BY length(m.vendor_status) DESC LIMIT 1),
                    CASE WHEN word.vendor_status ILIKE '%error%' THEN 'failed' ELSE 'unknown' END) AS status
) now
CROSS JOIN LATERAL (SELECT (EXTRACT(epoch FROM v.ended_at - v.started_at) * 1000)::bigint AS ms) talk
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN v.is_test THEN 'test_call'
        WHEN s.count_agents IS DISTINCT FROM 'assigned' THEN NULL
        WHEN v.assistant_id IS NULL THEN 'no_agent_id_in_call'
        WHEN a.id IS NULL THEN 'agent_not_in_system'
        WHEN NOT a.assigned THEN 'agent_not_assigned_to_user'
    END AS skip_reason
) why;

CREATE OR REPLACE VIEW dialfire.stuck_calls WITH (security_invoker = true) AS
SELECT t.tenant,
       t.id AS call_id,
       COALESCE(c.started, c.initiated, t.fired) AS started_at,
       now() - COALESCE(c.started, c.initiated, t.fired) AS open_for,
       COALESCE(t.user_login, a.login) AS agent_login,
       t.contact_id,
       t.campaign_id,
       c.id AS connection_id,
       CASE
           WHEN co.gone_at IS NOT NULL THEN 'the contact is gone at the vendor, so the end will not be delivered'
           WHEN t.changed_at < now() - interval '1 day' THEN 'the vendor has sent no end for over a day'
           ELSE 'the vendor has sent no end yet'
       END AS reason
FROM dialfire.connections c
JOIN dialfire.transactions t ON t.tenant = c.tenant AND t.id = c.transaction_id
LEFT JOIN dialfire.tenants s ON s.tenant = t.tenant
LEFT JOIN dialfire.agents a ON a.tenant = t.tenant AND a.id = t.user_id
LEFT JOIN dialfire.contacts co ON co.tenant = t.tenant AND co.id = t.contact_id
WHERE c.disconnected IS NULL AND c.ended IS NULL AND c.call_disconnected IS NULL
  AND COALESCE(c.started, c.initiated, t.fired) < now() - interval '2 hours'
  -- A dialler's row has its word from the beginning; only its end says that it is over.
  AND (c.result IS NULL OR lower(c.result) IN ('connect', 'connected') OR s.vendor = 'vicidial')
UNION ALL
SELECT v.tenant,
       v.id,
       COALESCE(v.started_at, v.created_at),
       now() - COALESCE(v.started_at, v.created_at),
       COALESCE(a.login, v.assistant_name),
       COALESCE(v.customer_id, v.customer_e164),
       v.campaign_id,
       NULL,
       COALESCE(CASE WHEN v.id LIKE 'tracking:%' THEN 'the attempt has no id of a call: the vendor has not accepted it' END,
                v.asked_result, format('%s; the vendor has not been asked yet, SELECT * FROM df_sync(%L) does',
                                       COALESCE(v.vendor_status, v.tracked_outcome), v.tenant))
FROM dialfire.voice_calls v
JOIN dialfire.tenants s ON s.tenant = v.tenant
LEFT JOIN dialfire.agents a ON a.tenant = v.tenant AND a.id = v.assistant_id
WHERE (v.vendor_status IS NULL OR v.vendor_status NOT IN ('ended', 'deletion-failed'))
  AND v.created_at < now() - s.stuck_after
  AND (v.vendor_status IS NOT NULL OR EXISTS (
      SELECT FROM dialfire.call_statuses m WHERE m.vendor = 'vapi' AND m.tenant = '' AND m.word = lower(v.tracked_outcome)
        AND m.status IN ('queued', 'in_progress')));

-- A tenant at a time, as a distributed Postgres has each on a node of its own.
CREATE FUNCTION dialfire.coverage_of(tenant text) RETURNS TABLE (gaps bigint, first_gap timestamptz, open bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    SELECT count(*) FILTER (WHERE g.length > interval '1 second'), min(g.from_at) FILTER (WHERE g.length > interval '1 second')
    INTO gaps, first_gap FROM dialfire.coverage_gaps g WHERE g.tenant = $1;
    SELECT count(*) INTO open FROM dialfire.campaigns c WHERE c.tenant = $1 AND c.api_access;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION dialfire.coverage_of(text) IS
    'how a tenant is covered: gaps longer than a second, begin of the first (UTC instant), open sources';

CREATE FUNCTION dialfire.health_of(tenant text)
RETURNS TABLE (gaps bigint, first_gap timestamptz, open bigint, rejects bigint, last_error text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    SELECT c.gaps, c.first_gap, c.open INTO gaps, first_gap, open FROM dialfire.coverage_of($1) c;
    SELECT count(*) INTO rejects FROM dialfire.rejects_open o WHERE o.tenant = $1;
    SELECT concat_ws('; ', r.message, r.hint) INTO last_error FROM dialfire.runs r
    WHERE r.tenant = $1 AND r.status IN ('failed', 'partial', 'crashed') AND r.started_at > now() - interval '1 day'
    ORDER BY r.run_id DESC LIMIT 1;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION dialfire.health_of(text) IS
    'what sync_health says of a tenant from its tables: gaps of coverage longer than a second, begin of the first (UTC instant), open sources, open rejects, last error of a day';

CREATE OR REPLACE VIEW dialfire.sync_health WITH (security_invoker = true) AS
SELECT t.tenant,
       h.status,
       now() - COALESCE(g.first_gap, CASE WHEN g.open > 0 THEN t.wanted_to END) AS lag,
       g.gaps,
       g.rejects,
       s.next_run,
       s.last_finished,
       CASE WHEN s.last_status <> 'success' THEN s.last_message ELSE g.last_error END AS last_error,
       CASE h.status
           WHEN 'not scheduled' THEN format('SELECT df_schedule(%L)', t.tenant)
           WHEN 'blocked' THEN CASE
               WHEN dialfire.scheduler_pid() IS NULL THEN
                   'SELECT df_start_worker(), and put dialfire_sync into shared_preload_libraries; or CALL df_run_due() by pg_cron'
               ELSE format('SELECT * FROM df_check(%L)', t.tenant) END
           WHEN 'failing' THEN format('SELECT * FROM df_check(%L)', t.tenant)
           WHEN 'behind' THEN format('SELECT * FROM dialfire.coverage_gaps WHERE tenant = %L', t.tenant)
           WHEN 'ok' THEN CASE WHEN g.rejects > 0 THEN format('SELECT * FROM dialfire.rejects_open WHERE tenant = %L', t.tenant)
               ELSE 'nothing' END
       END AS next_action,
       CASE
           WHEN g.first_gap < t.retained_from THEN format('calls from %s on were not fetched in time, and the vendor has deleted them up to %s',
               date_trunc('second', g.first_gap), date_trunc('second', t.retained_from))
           WHEN g.first_gap < t.retained_from + interval '3 days' THEN format('calls from %s on are not fetched yet, and the vendor deletes them from %s on',
               date_trunc('second', g.first_gap), date_trunc('second', g.first_gap + (now() - t.retained_from)))
       END AS retention_warning
FROM dialfire.tenants t
LEFT JOIN dialfire.schedules s ON s.tenant = t.tenant AND s.job = 'sync' AND s.enabled
CROSS JOIN LATERAL dialfire.health_of(t.tenant) g
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN s.tenant IS NULL THEN 'not scheduled'
        WHEN dialfire.scheduler_pid() IS NULL AND s.next_run < now() - greatest(s.every, interval '1 minute') THEN 'blocked'
        WHEN g.open = 0 AND s.last_status = 'success' THEN 'blocked'
        WHEN s.failures > 1 OR s.last_status IN ('failed', 'partial') AND (s.failures > 0 OR g.gaps > 0) THEN 'failing'
        WHEN g.open = 0 OR t.wanted_to - g.first_gap > greatest(s.every * 3, interval '5 minutes') THEN 'behind'
        ELSE 'ok'
    END AS status
) h
WHERE t.usable;

CREATE OR REPLACE FUNCTION @extschema@.df_why(tenant text, call_id text)
RETURNS TABLE (at timestamptz, what text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH named AS (
        SELECT t.* FROM dialfire.transactions t WHERE t.tenant = $1 AND t.id = $2
        UNION
        SELECT t.* FROM dialfire.connections c JOIN dialfire.transactions t ON t.tenant = c.tenant AND t.id = c.transaction_id
        WHERE c.tenant = $1 AND c.id = $2
        UNION
        SELECT t.* FROM dialfire.transactions t WHERE t.tenant = $1 AND t.contact_id = $2
    ), story AS (
        SELECT n.fired AS at, format('happened in campaign %s, contact %s, status %s', n.campaign_id, n.contact_id,
                                     COALESCE(concat_ws('/', n.status, n.status_detail), 'unknown')) AS what FROM named n
        UNION ALL
        SELECT n.stored_at, format('stored as transaction %s', n.id) FROM named n
        UNION ALL
        SELECT n.changed_at, format('transaction %s changed at the vendor and was updated', n.id) FROM named n
        WHERE n.changed_at > n.stored_at
        UNION ALL
        SELECT c.stored_at, format('leg %s stored, %s', c.id,
            CASE WHEN c.disconnected IS NULL THEN 'still without an end' ELSE format('ended at %s', c.disconnected) END)
        FROM dialfire.connections c JOIN named n ON c.tenant = $1 AND n.id = c.transaction_id
        UNION ALL
        SELECT r.stored_at, format('recording %s stored, %s', r.id,
            CASE WHEN r.location IS NULL THEN 'the vendor has no location yet' ELSE 'with its location' END)
        FROM dialfire.recordings r JOIN named n ON r.tenant = $1 AND n.id = r.transaction_id
        UNION ALL
        SELECT i.started, format('came in on line %s in campaign %s', COALESCE(i.line_id, 'unknown'), i.campaign_id)
        FROM dialfire.inbound_calls i WHERE i.tenant = $1 AND i.id = $2
        UNION ALL
        SELECT i.stored_at, 'stored as inbound call' FROM dialfire.inbound_calls i WHERE i.tenant = $1 AND i.id = $2
        UNION ALL
        SELECT j.first_seen, format('%s rejected: %s in field "%s" (%s), seen %s times%s', j.kind, j.reason,
            COALESCE(j.field, ''), COALESCE(j.detail, ''), j.times,
            CASE WHEN j.resolved_at IS NOT NULL THEN format(', resolved at %s', j.resolved_at) ELSE ', open' END)
        FROM dialfire.rejects j
        WHERE j.tenant = $1 AND (j.key = $2 OR j.contact_id = $2 OR j.contact_id IN (SELECT n.contact_id FROM named n)
            AND j.fired IN (SELECT n.fired FROM named n))
        UNION ALL
        SELECT co.gone_at, format('contact %s is gone at the vendor; its calls stay', co.id)
        FROM dialfire.contacts co WHERE co.tenant = $1 AND co.gone_at IS NOT NULL
            AND (co.id = $2 OR co.id IN (SELECT n.contact_id FROM named n))
    )
    SELECT s.at, s.what FROM story s ORDER BY 1;
    IF NOT FOUND THEN
        RETURN QUERY SELECT now(), CASE
        WHEN NOT EXISTS (SELECT FROM dialfire.tenants t WHERE t.tenant = $1)
            THEN format('there is no tenant %L; SELECT * FROM dialfire.tenants lists them', $1)
        WHEN NOT EXISTS (SELECT FROM dialfire.tenants t WHERE t.tenant = $1 AND t.usable)
            THEN format('role %I may not see tenant %L; it needs USAGE on the foreign server', current_user, $1)
        WHEN EXISTS (SELECT FROM dialfire.coverage_gaps g WHERE g.tenant = $1 AND g.length > interval '10 minutes')
            THEN format('not delivered so far; %s of time are not covered yet, df_sync(%L) fetches them',
                (SELECT sum(g.length) FROM dialfire.coverage_gaps g WHERE g.tenant = $1), $1)
        ELSE 'never delivered: all time that is wanted is covered, and no page and no reject held it'
    END;
    END IF;
END
$$;

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

CREATE OR REPLACE VIEW dialfire.ingestion_kpis WITH (security_barrier=true) AS
 SELECT
        CASE
            WHEN GROUPING(k.tenant) = 1 THEN 'all tenants'::text
            ELSE k.tenant
        END AS tenant,
    COALESCE(sum(k.attempts), 0::numeric)::bigint AS attempts,
    COALESCE(sum(k.connects), 0::numeric)::bigint AS connects,
    sum(k.connects)::double precision / NULLIF(sum(k.with_leg), 0::numeric)::double precision AS reach,
    COALESCE(sum(k.conversions), 0::numeric)::bigint AS conversions,
    sum(k.conversions)::double precision / NULLIF(sum(k.connects), 0::numeric)::double precision AS conversion_rate,
    sum(k.talk_ms)::double precision / NULLIF(sum(k.talks), 0::numeric)::double precision / 1000::double precision AS avg_talk_sec,
    sum(k.wait_sec) / NULLIF(sum(k.waits), 0::numeric)::double precision AS avg_wait_sec,
    sum(k.pause_sec) / NULLIF(sum(k.pauses), 0::numeric)::double precision AS avg_preparation_sec,
    sum(k.wrapup_sec) / NULLIF(sum(k.wrapups), 0::numeric)::double precision AS avg_wrapup_sec,
    sum(k.missing_login)::double precision / NULLIF(sum(k.human), 0::numeric)::double precision AS missing_login_rate,
    sum(k.with_leg)::double precision / NULLIF(sum(k.attempts), 0::numeric)::double precision AS connection_coverage,
    sum(k.recorded)::double precision / NULLIF(sum(k.connects), 0::numeric)::double precision AS recording_coverage,
    COALESCE(sum(k.inbound), 0::numeric)::bigint AS inbound,
    COALESCE(sum(k.inbound_answered), 0::numeric)::bigint AS inbound_answered,
    max(g.lag) AS lag,
    now() - max(k.last_at) AS freshness,
    COALESCE(sum(e.errors), 0::numeric)::bigint AS errors_24h
   FROM dialfire.mv_ingestion_kpis k
     LEFT JOIN LATERAL ( SELECT now() - COALESCE(h.first_gap, n.wanted_to) AS lag
           FROM dialfire.tenants n
             CROSS JOIN LATERAL dialfire.coverage_of(n.tenant) h(gaps, first_gap, open)
          WHERE n.tenant = k.tenant AND h.open > 0) g ON true
     LEFT JOIN dialfire.errors_today() e(tenant, errors) ON e.tenant = k.tenant
  WHERE k.tenant = ANY ((( SELECT dialfire.usable_tenants() AS usable_tenants))::text[])
  GROUP BY GROUPING SETS ((k.tenant), ());

CREATE OR REPLACE FUNCTION @extschema@.df_verify(tenant text, range text)
RETURNS TABLE (check_name text, value text, expected text, verdict text, hint text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    asked tstzrange := @extschema@.df_range($1, $2);
    zone text;
    of_vendor text;
    first date;
    last date;
    counted dialfire.daily_stats[];
    never_filled bigint;
    behind bigint;
BEGIN
    SELECT n.timezone, n.vendor, (lower(asked) AT TIME ZONE n.timezone)::date,
           ((upper(asked) - interval '1 microsecond') AT TIME ZONE n.timezone)::date
    INTO zone, of_vendor, first, last
    FROM dialfire.tenants n WHERE n.tenant = $1;
    counted := ARRAY(SELECT s FROM dialfire.stats_of($1, ARRAY(SELECT generate_series(first, last, '1 day')::date)) s);
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
                       WHERE r.tenant = $1 AND r.connection_id = l.id AND r.location IS NOT NULL) AS recorded
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


CREATE FUNCTION @extschema@.df_may_see(tenant text) RETURNS boolean
STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'df_may_see_wrapper';
\i sql/60_distribute.sql
SET LOCAL search_path = pg_catalog, pg_temp;
