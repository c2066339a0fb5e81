-- Is it right, and if not, why not and what to do.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION dialfire.scheduler_pid() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'dialfire_sync scheduler' LIMIT 1
$$;
COMMENT ON FUNCTION dialfire.scheduler_pid() IS 'process id of this database''s scheduler, null where none runs; plain roles cannot see it otherwise';

CREATE VIEW dialfire.coverage_gaps WITH (security_invoker = true) AS
SELECT t.tenant,
       c.id AS source,
       c.title,
       lower(gap) AS from_at,
       upper(gap) AS to_at,
       upper(gap) - lower(gap) AS length
FROM dialfire.tenants t
JOIN dialfire.campaigns c ON c.tenant = t.tenant AND c.api_access
LEFT JOIN dialfire.coverage v ON v.tenant = c.tenant AND v.source = c.id
-- What the vendor has forgotten is wanted only from where covering began: then it is lost, and shown for ever.
CROSS JOIN LATERAL (
    SELECT CASE WHEN t.retained_from IS NULL THEN t.wanted_from
                ELSE greatest(t.wanted_from, least(t.retained_from, lower(v.covered))) END AS at
) wanted
CROSS JOIN LATERAL unnest(
    CASE WHEN wanted.at < t.wanted_to
         THEN tstzmultirange(tstzrange(wanted.at, t.wanted_to)) - COALESCE(v.covered, '{}')
         ELSE '{}' END) AS gap;
COMMENT ON VIEW dialfire.coverage_gaps IS 'time that is wanted and not proven complete, by source; df_sync(tenant) fetches it';
COMMENT ON COLUMN dialfire.coverage_gaps.tenant IS 'name of the foreign server (from campaigns)';
COMMENT ON COLUMN dialfire.coverage_gaps.source IS 'unit of fetching: a Dialfire campaign, a Vapi organisation (from campaigns.id)';
COMMENT ON COLUMN dialfire.coverage_gaps.title IS 'title of the campaign (from campaigns)';
COMMENT ON COLUMN dialfire.coverage_gaps.from_at IS 'begin of the gap (UTC instant; from coverage, tenants)';
COMMENT ON COLUMN dialfire.coverage_gaps.to_at IS 'end of the gap (UTC instant, excluded; from coverage, tenants)';
COMMENT ON COLUMN dialfire.coverage_gaps.length IS 'length of the gap (from coverage, tenants)';

CREATE VIEW dialfire.stuck_calls WITH (security_invoker = true) AS
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
WHERE v.gone_at IS NULL AND (v.vendor_status IS NULL OR v.vendor_status NOT IN ('ended', 'deletion-failed'))
  AND v.created_at < now() - s.stuck_after
  AND (v.vendor_status IS NOT NULL OR EXISTS (
      SELECT FROM dialfire.call_statuses m WHERE m.vendor = 'vapi' AND m.tenant = '' AND m.word = lower(v.tracked_outcome)
        AND m.status IN ('queued', 'in_progress')));
COMMENT ON VIEW dialfire.stuck_calls IS 'calls that should have ended: queued or in progress for longer than tenants.stuck_after';
COMMENT ON COLUMN dialfire.stuck_calls.tenant IS 'name of the foreign server (from transactions)';
COMMENT ON COLUMN dialfire.stuck_calls.call_id IS 'id of the call in view calls (from transactions.id, voice_calls.id)';
COMMENT ON COLUMN dialfire.stuck_calls.started_at IS 'start of the leg (UTC instant; from connections.started or initiated, transactions.fired)';
COMMENT ON COLUMN dialfire.stuck_calls.open_for IS 'time since then (from connections)';
COMMENT ON COLUMN dialfire.stuck_calls.agent_login IS 'login of the agent (from transactions.user_login, agents.login)';
COMMENT ON COLUMN dialfire.stuck_calls.contact_id IS 'id of the contact (from transactions)';
COMMENT ON COLUMN dialfire.stuck_calls.campaign_id IS 'id of the campaign (from transactions)';
COMMENT ON COLUMN dialfire.stuck_calls.connection_id IS 'leg that has no end (from connections.id)';
COMMENT ON COLUMN dialfire.stuck_calls.reason IS 'why, as far as it is known (from contacts.gone_at, transactions.changed_at, voice_calls.asked_result)';

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

CREATE VIEW dialfire.sync_health WITH (security_invoker = true) AS
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
COMMENT ON VIEW dialfire.sync_health IS 'one row a tenant: is it kept up to date, and if not, what to do';
COMMENT ON COLUMN dialfire.sync_health.tenant IS 'name of the foreign server (from tenants)';
COMMENT ON COLUMN dialfire.sync_health.status IS 'ok, behind, failing, blocked (nothing runs, or nothing may be fetched) or not scheduled (from schedules, campaigns, coverage_gaps)';
COMMENT ON COLUMN dialfire.sync_health.lag IS 'age of the oldest time that is wanted and not proven complete; option settle is part of it (from coverage_gaps, tenants)';
COMMENT ON COLUMN dialfire.sync_health.gaps IS 'number of gaps in what is wanted (from coverage_gaps)';
COMMENT ON COLUMN dialfire.sync_health.rejects IS 'number of records that wait in quarantine (from rejects_open)';
COMMENT ON COLUMN dialfire.sync_health.next_run IS 'next run of job sync (UTC instant; from schedules)';
COMMENT ON COLUMN dialfire.sync_health.last_finished IS 'end of its last run (UTC instant; from schedules)';
COMMENT ON COLUMN dialfire.sync_health.last_error IS 'what went wrong last, with its hint, within a day (from schedules, runs)';
COMMENT ON COLUMN dialfire.sync_health.next_action IS 'what to type next (from status)';
COMMENT ON COLUMN dialfire.sync_health.retention_warning IS 'calls that the vendor has deleted or will delete within three days before they are covered; null while none is in danger (from coverage_gaps, tenants.retained_from)';

CREATE FUNCTION @extschema@.df_why(tenant text, call_id text)
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
        FROM named n JOIN dialfire.connections c ON c.tenant = $1 AND c.transaction_id = n.id
        JOIN dialfire.recordings r ON r.tenant = $1 AND r.connection_id = c.id
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
        SELECT n.gone_at, 'gone at the vendor: it stays, and does not count' FROM named n WHERE n.gone_at IS NOT NULL
        UNION ALL
        SELECT v.created_at, format('made at the vendor, %s', concat_ws(', ', v.call_type, v.vendor_status, v.ended_reason))
        FROM dialfire.voice_calls v WHERE v.tenant = $1 AND v.id = $2
        UNION ALL
        SELECT v.stored_at, 'stored as voice call' FROM dialfire.voice_calls v WHERE v.tenant = $1 AND v.id = $2
        UNION ALL
        SELECT v.gone_at, 'gone at the vendor: it stays, and does not count'
        FROM dialfire.voice_calls v WHERE v.tenant = $1 AND v.id = $2 AND v.gone_at IS NOT NULL
        UNION ALL
        SELECT co.gone_at, format('contact %s is gone at the vendor; its calls stay', co.id)
        FROM dialfire.contacts co WHERE co.tenant = $1 AND co.gone_at IS NOT NULL
            AND co.id IN (SELECT $2 UNION SELECT n.contact_id FROM named n)
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
COMMENT ON FUNCTION @extschema@.df_why(text, text) IS
    'the life of one call, by the id of its transaction, leg, inbound call or contact: when it happened, was stored, changed or rejected, or why it is not here (instants UTC)';

SET LOCAL search_path = @extschema@, pg_temp;
