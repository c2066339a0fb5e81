-- The dashboard's figures and news by indexes, and a search of every vendor's calls.

DROP INDEX dialfire.voice_calls_created;
CREATE INDEX voice_calls_created ON dialfire.voice_calls (tenant, created_at)
    INCLUDE (vendor_status, ended_reason, tracked_outcome, direction, is_test, started_at, ended_at, cost);
COMMENT ON INDEX dialfire.voice_calls_created IS 'finds the newest calls, and counts those of a range by itself';

CREATE OR REPLACE FUNCTION @extschema@.df_dashboard_stats(tenant text, range text DEFAULT 'last 7 days')
RETURNS TABLE (calls bigint, inbound bigint, outbound bigint, completed bigint, failed bigint, unanswered bigint, open bigint,
               answer_rate numeric, talk_minutes numeric, average_seconds numeric, cost numeric, hot_leads bigint, test_calls bigint)
-- Compiling the statement would take longer than the statement.
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
    WITH span AS MATERIALIZED (
        SELECT lower(r) AS first, upper(r) AS last FROM @extschema@.df_range($1, $2) r
    ), voice AS (
        -- By words first, from the index alone: what a word means is looked up once.
        SELECT COALESCE(CASE WHEN v.vendor_status IN ('ended', 'deletion-failed') THEN v.ended_reason END, v.vendor_status,
                        v.tracked_outcome) AS word,
               v.direction, v.is_test IS TRUE AS is_test, count(*) AS calls, sum(v.ended_at - v.started_at) AS length,
               count(v.ended_at - v.started_at) AS lengths, sum(v.cost) AS cost
        FROM dialfire.voice_calls v
        WHERE v.tenant = $1 AND v.created_at >= (SELECT first FROM span) AND v.created_at < (SELECT last FROM span)
        GROUP BY 1, 2, 3
    ), found AS (
        SELECT dialfire.status_of('vapi', word) AS status, direction, is_test, calls,
               EXTRACT(epoch FROM length) * 1000 AS ms, lengths, cost
        FROM voice
        UNION ALL
        SELECT c.status, c.direction, c.is_test, 1, c.duration_ms, (c.duration_ms IS NOT NULL)::int, d.cost
        FROM dialfire.calls c
        LEFT JOIN dialfire.call_details d ON d.tenant = c.tenant AND d.id = c.call_id
        WHERE c.tenant = $1 AND (SELECT dialfire.vendor_of($1)) <> 'vapi'
          AND c.day BETWEEN ((SELECT first FROM span) - interval '1 day')::date AND ((SELECT last FROM span) + interval '1 day')::date
          AND c.fired_at >= (SELECT first FROM span) AND c.fired_at < (SELECT last FROM span)
    ), shown AS (
        SELECT * FROM found WHERE NOT is_test
    )
    SELECT COALESCE(sum(calls), 0)::bigint,
           COALESCE(sum(calls) FILTER (WHERE direction = 'inbound'), 0)::bigint,
           COALESCE(sum(calls) FILTER (WHERE direction = 'outbound'), 0)::bigint,
           COALESCE(sum(calls) FILTER (WHERE status = 'completed'), 0)::bigint,
           COALESCE(sum(calls) FILTER (WHERE status = 'failed'), 0)::bigint,
           COALESCE(sum(calls) FILTER (WHERE status IN ('no_answer', 'busy', 'voicemail', 'abandoned', 'canceled')), 0)::bigint,
           COALESCE(sum(calls) FILTER (WHERE status IN ('queued', 'in_progress')), 0)::bigint,
           round(100.0 * COALESCE(sum(calls) FILTER (WHERE status = 'completed'), 0)
                 / NULLIF(sum(calls) FILTER (WHERE status NOT IN ('queued', 'in_progress', 'unknown')), 0), 1),
           round(COALESCE(sum(ms) FILTER (WHERE status = 'completed'), 0) / 60000.0, 1),
           round(sum(ms) FILTER (WHERE status = 'completed') / NULLIF(sum(lengths) FILTER (WHERE status = 'completed'), 0) / 1000, 1),
           COALESCE(sum(cost), 0),
           -- An alert is never older than its call.
           (SELECT count(*) FROM dialfire.alerts a
            CROSS JOIN LATERAL (
                SELECT v.created_at AS at, v.is_test FROM dialfire.voice_calls v WHERE v.tenant = a.tenant AND v.id = a.subject
                UNION ALL
                SELECT t.fired, t.is_test FROM dialfire.transactions t WHERE t.tenant = a.tenant AND t.id = a.subject
                LIMIT 1
            ) c
            WHERE a.tenant = $1 AND a.rule = 'hot_lead' AND a.at >= (SELECT first FROM span) AND c.is_test IS NOT TRUE
              AND c.at >= (SELECT first FROM span) AND c.at < (SELECT last FROM span)),
           (SELECT COALESCE(sum(calls), 0)::bigint FROM found WHERE is_test)
    FROM shown
$$;

CREATE INDEX alerts_at ON dialfire.alerts (tenant, at);
COMMENT ON INDEX dialfire.alerts_at IS 'finds the newest alerts';

CREATE OR REPLACE VIEW dialfire.recent_activity WITH (security_invoker = true) AS
SELECT s.tenant,
       n.at,
       CASE WHEN n.rule IS NULL THEN 'call' WHEN n.rule = 'hot_lead' THEN 'hot_lead' ELSE 'alert' END AS kind,
       n.rule,
       COALESCE(n.severity, 'info') AS severity,
       n.call_id,
       d.caller_name,
       d.phone,
       d.agent_name,
       CASE WHEN n.rule IS NULL THEN concat_ws(': ', d.status, d.summary) ELSE n.message END AS what
-- Names of servers are compared as bytes, and the indexes are not in that order.
FROM (SELECT t.tenant COLLATE "default" AS tenant FROM dialfire.tenants t) s
CROSS JOIN LATERAL (
    -- Each source is read from its newest end; whose calls and names they are is looked up for what is left.
    SELECT * FROM (
        (SELECT a.at, a.rule, a.severity, a.subject AS call_id, a.message FROM dialfire.alerts a
         WHERE a.tenant = s.tenant AND a.at > now() - interval '7 days' ORDER BY a.at DESC LIMIT 100)
        UNION ALL
        (SELECT COALESCE(v.ended_at, v.started_at, v.created_at), NULL, NULL, v.id, NULL FROM dialfire.voice_calls v
         WHERE v.tenant = s.tenant AND v.created_at > now() - interval '7 days' AND v.is_test IS NOT TRUE
         ORDER BY v.created_at DESC LIMIT 100)
        UNION ALL
        (SELECT t.fired, NULL, NULL, t.id, NULL FROM dialfire.transactions t
         WHERE t.tenant = s.tenant AND t.day >= current_date - 8 AND t.fired > now() - interval '7 days' AND t.is_test IS NOT TRUE
         ORDER BY t.day DESC, t.fired DESC LIMIT 100)
        UNION ALL
        (SELECT COALESCE(i.disconnected, i.started), NULL, NULL, i.id, NULL FROM dialfire.inbound_calls i
         WHERE i.tenant = s.tenant AND i.day >= current_date - 8 AND i.started > now() - interval '7 days'
         ORDER BY i.day DESC, i.started DESC LIMIT 100)
    ) each ORDER BY at DESC LIMIT 100
) n
LEFT JOIN LATERAL (
    SELECT c.caller_name, c.phone, c.agent_name, c.status, c.summary FROM dialfire.dashboard_calls c
    WHERE c.tenant = s.tenant AND c.call_id = n.call_id LIMIT 1
) d ON true;
COMMENT ON VIEW dialfire.recent_activity IS 'the last hundred hits of alert rules and calls of each tenant in the last seven days, without test calls; ORDER BY at DESC LIMIT 10 is what a dashboard shows';
COMMENT ON COLUMN dialfire.recent_activity.at IS 'when it was noticed, or when the call ended or began (UTC instant; from alerts.at, voice_calls, transactions.fired, inbound_calls)';

CREATE OR REPLACE PROCEDURE @extschema@.df_enable_search()
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    home name;
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    SELECT n.nspname INTO home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
    IF to_regclass('dialfire.voice_calls_search') IS NULL THEN
        EXECUTE format('CREATE INDEX voice_calls_search ON dialfire.voice_calls USING gin (search %I.gin_trgm_ops)', home);
        COMMENT ON INDEX dialfire.voice_calls_search IS 'finds calls by any part of a number or name';
    END IF;
    IF to_regclass('dialfire.contacts_search') IS NULL THEN
        EXECUTE format('CREATE INDEX contacts_search ON dialfire.contacts
            USING gin (lower(COALESCE(fields ->> ''name'', '''') || '' '' || COALESCE(fields ->> ''AP_Vorname'', '''') || '' ''
                || COALESCE(fields ->> ''AP_Nachname'', '''') || '' '' || COALESCE(fields ->> ''firma'', '''')) %I.gin_trgm_ops)', home);
        COMMENT ON INDEX dialfire.contacts_search IS 'finds contacts by any part of their name';
    END IF;
    IF to_regclass('dialfire.transactions_search') IS NULL THEN
        EXECUTE format('CREATE INDEX transactions_search ON dialfire.transactions
            USING gin (regexp_replace(phone, ''[^0-9]'', '''', ''g'') %I.gin_trgm_ops) WHERE phone IS NOT NULL', home);
        COMMENT ON INDEX dialfire.transactions_search IS 'finds calls by any part of a number';
    END IF;
    IF to_regclass('dialfire.connections_search') IS NULL THEN
        EXECUTE format('CREATE INDEX connections_search ON dialfire.connections
            USING gin (regexp_replace(COALESCE(phone, remote_number), ''[^0-9]'', '''', ''g'') %I.gin_trgm_ops)
            WHERE COALESCE(phone, remote_number) IS NOT NULL', home);
        COMMENT ON INDEX dialfire.connections_search IS 'finds legs by any part of a number';
    END IF;
    IF to_regclass('dialfire.inbound_calls_search') IS NULL THEN
        EXECUTE format('CREATE INDEX inbound_calls_search ON dialfire.inbound_calls
            USING gin (regexp_replace(remote_number, ''[^0-9]'', '''', ''g'') %I.gin_trgm_ops) WHERE remote_number IS NOT NULL', home);
        COMMENT ON INDEX dialfire.inbound_calls_search IS 'finds inbound calls by any part of a number';
    END IF;
END
$$;
COMMENT ON PROCEDURE @extschema@.df_enable_search() IS
    'makes the indexes by which calls are found by part of a number or name, and the extension pg_trgm that they need; for the owner of the extension, once. Without it the search reads all calls of a tenant';

-- Where pg_trgm is there already the indexes come with the extension.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CALL @extschema@.df_enable_search();
    END IF;
END
$$;
