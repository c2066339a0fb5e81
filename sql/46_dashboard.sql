-- What a dashboard of calls shows: callers by name, the search, figures of a range, and what happened last.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE INDEX voice_calls_assistant ON dialfire.voice_calls (tenant, assistant_id, created_at);
COMMENT ON INDEX dialfire.voice_calls_assistant IS 'finds the calls of an assistant';

CREATE FUNCTION dialfire.person(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN lower(btrim($1)) IN ('', 'inbound', 'outbound', 'inboundphonecall', 'outboundphonecall', 'webcall', 'unknown',
                                          'unknown caller') THEN NULL ELSE btrim($1) END
$$;
COMMENT ON FUNCTION dialfire.person(text) IS 'a name, or null where the text is the word of a direction or none';

CREATE VIEW dialfire.dashboard_calls WITH (security_invoker = true) AS
SELECT c.tenant,
       c.vendor,
       c.call_id,
       c.started_at,
       c.ended_at,
       c.status,
       c.vendor_status,
       c.direction,
       c.is_test,
       COALESCE(dialfire.person(v.customer_name), dialfire.person(k.fields ->> 'name'),
                dialfire.person(concat_ws(' ', k.fields ->> 'AP_Vorname', k.fields ->> 'AP_Nachname')),
                dialfire.person(k.fields ->> 'firma'), same.name, NULLIF(c.phone, ''), 'Unknown caller') AS caller_name,
       c.phone,
       c.line_number,
       c.agent_login AS agent_name,
       c.contact_id,
       c.campaign_id,
       c.duration_ms,
       COALESCE(v.cost, d.cost) AS cost,
       COALESCE(v.summary, d.summary) AS summary,
       COALESCE(v.structured_data ->> 'sentiment', v.analysis ->> 'sentiment', d.analysis ->> 'sentiment') AS sentiment,
       CASE WHEN score.value ~ '^-?[0-9]{1,9}(\.[0-9]{1,9})?$' THEN score.value::numeric END AS lead_score,
       v.success_evaluation,
       c.recording_location
FROM dialfire.calls c
LEFT JOIN dialfire.voice_calls v ON v.tenant = c.tenant AND v.id = c.call_id
LEFT JOIN dialfire.call_details d ON d.tenant = c.tenant AND d.id = c.call_id
LEFT JOIN dialfire.contacts k ON k.tenant = c.tenant AND k.id = c.contact_id
LEFT JOIN LATERAL (
    -- Whoever called before under that number.
    SELECT dialfire.person(o.customer_name) AS name FROM dialfire.voice_calls o
    WHERE o.tenant = v.tenant AND o.customer_e164 = v.customer_e164 AND dialfire.person(o.customer_name) IS NOT NULL
    ORDER BY o.created_at DESC, o.id LIMIT 1
) same ON dialfire.person(v.customer_name) IS NULL
CROSS JOIN LATERAL (SELECT COALESCE(v.structured_data ->> 'leadScore', v.structured_data ->> 'lead_score') AS value) score;
COMMENT ON VIEW dialfire.dashboard_calls IS 'the calls of view calls with the caller''s name, cost and analysis, test calls among them; df_dashboard_calls searches it';
COMMENT ON COLUMN dialfire.dashboard_calls.tenant IS 'name of the foreign server (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.vendor IS 'vendor of the tenant (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.call_id IS 'id of the call (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.started_at IS 'answered, else begun or created (UTC instant; from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.ended_at IS 'ended (UTC instant; from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.status IS 'queued, in_progress, completed, no_answer, busy, voicemail, abandoned, failed, canceled or unknown (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.vendor_status IS 'the vendor''s own word (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.direction IS 'inbound, outbound or web (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.is_test IS 'a test call (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.caller_name IS 'name of the other side, of the contact, or of an earlier call from that number, else the number; never a direction (from voice_calls.customer_name, contacts.fields)';
COMMENT ON COLUMN dialfire.dashboard_calls.phone IS 'number of the other side, E.164 where it is known to be one (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.line_number IS 'own number (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.agent_name IS 'login of the agent, or name of the assistant (from calls.agent_login)';
COMMENT ON COLUMN dialfire.dashboard_calls.contact_id IS 'id of the contact, else the number as E.164 (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.campaign_id IS 'id of the campaign (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.duration_ms IS 'duration, milliseconds (from calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.cost IS 'cost, US dollars (from voice_calls, call_details)';
COMMENT ON COLUMN dialfire.dashboard_calls.summary IS 'summary of the conversation (from voice_calls, call_details)';
COMMENT ON COLUMN dialfire.dashboard_calls.sentiment IS 'sentiment, where the analysis has one (from voice_calls.structured_data or analysis, call_details.analysis)';
COMMENT ON COLUMN dialfire.dashboard_calls.lead_score IS 'leadScore of the analysis, where it is a number (from voice_calls.structured_data)';
COMMENT ON COLUMN dialfire.dashboard_calls.success_evaluation IS 'whether the call reached its aim, as the vendor judges (from voice_calls)';
COMMENT ON COLUMN dialfire.dashboard_calls.recording_location IS 'address of the recording (from calls)';

CREATE FUNCTION @extschema@.df_dashboard_calls(
    tenant text, search text DEFAULT NULL, include_test boolean DEFAULT false, most integer DEFAULT 50, skip integer DEFAULT 0
) RETURNS SETOF dialfire.dashboard_calls
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids text[] := @extschema@.df_find_calls(tenant, search, include_test, most + skip);
BEGIN
    RETURN QUERY SELECT c.* FROM dialfire.dashboard_calls c
        WHERE c.tenant = $1 AND c.call_id = ANY (ids[skip + 1:])
        ORDER BY array_position(ids, c.call_id);
END
$$;

CREATE FUNCTION @extschema@.df_dashboard_stats(tenant text, range text DEFAULT 'last 7 days')
RETURNS TABLE (calls bigint, inbound bigint, outbound bigint, completed bigint, failed bigint, unanswered bigint, open bigint,
               answer_rate numeric, talk_minutes numeric, average_seconds numeric, cost numeric, hot_leads bigint, test_calls bigint)
-- Compiling the statements would take longer than they do.
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    span CONSTANT tstzrange := @extschema@.df_range($1, $2);
    since CONSTANT timestamptz := lower(span);
    until CONSTANT timestamptz := upper(span);
    others CONSTANT boolean := dialfire.vendor_of($1) <> 'vapi';
    -- Alerts are on the coordinator of a distributed Postgres, which joins none of its tables with those of the nodes. None is
    -- older than its call.
    hits CONSTANT text[] := ARRAY(
        SELECT a.subject FROM dialfire.alerts a WHERE a.tenant = $1 AND a.rule = 'hot_lead' AND a.at >= lower(span));
    hot bigint;
    price numeric;
    parts jsonb;
BEGIN
    IF others THEN
        SELECT count(*) INTO hot FROM dialfire.transactions t
        WHERE t.tenant = $1 AND t.id = ANY (hits) AND t.is_test IS NOT TRUE AND t.fired >= since AND t.fired < until;
        SELECT jsonb_agg(g) INTO parts FROM (
            SELECT c.status, c.direction, c.is_test, count(*) AS calls, sum(c.duration_ms) AS ms, count(c.duration_ms) AS lengths
            FROM dialfire.calls c
            WHERE c.tenant = $1 AND c.day BETWEEN (since - interval '1 day')::date AND (until + interval '1 day')::date
              AND c.fired_at >= since AND c.fired_at < until
            GROUP BY 1, 2, 3
        ) g;
        SELECT sum(d.cost) INTO price FROM dialfire.transactions t
        JOIN dialfire.call_details d ON d.tenant = t.tenant AND d.id = t.id
        WHERE t.tenant = $1 AND t.day BETWEEN (since - interval '1 day')::date AND (until + interval '1 day')::date
          AND t.fired >= since AND t.fired < until AND t.is_test IS NOT TRUE;
    ELSE
        SELECT count(*) INTO hot FROM dialfire.voice_calls v
        WHERE v.tenant = $1 AND v.id = ANY (hits) AND v.is_test IS NOT TRUE AND v.created_at >= since AND v.created_at < until;
        -- By words, from the index alone: what a word means is looked up once.
        SELECT jsonb_agg(g), sum(g.cost) FILTER (WHERE NOT g.is_test) INTO parts, price FROM (
            SELECT COALESCE(CASE WHEN v.vendor_status IN ('ended', 'deletion-failed') THEN v.ended_reason END, v.vendor_status,
                            v.tracked_outcome) AS word,
                   v.direction, v.is_test IS TRUE AS is_test, count(*) AS calls,
                   EXTRACT(epoch FROM sum(v.ended_at - v.started_at)) * 1000 AS ms,
                   count(v.ended_at - v.started_at) AS lengths, sum(v.cost) AS cost
            FROM dialfire.voice_calls v
            WHERE v.tenant = $1 AND v.created_at >= since AND v.created_at < until AND v.gone_at IS NULL
            GROUP BY 1, 2, 3
        ) g;
    END IF;
    RETURN QUERY WITH found AS (
        SELECT COALESCE(g.status, dialfire.status_of('vapi', g.word)) AS status, g.direction, g.is_test, g.calls, g.ms, g.lengths
        FROM jsonb_to_recordset(parts) g(word text, status text, direction text, is_test boolean, calls bigint, ms numeric, lengths bigint)
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
           COALESCE(price, 0),
           hot,
           (SELECT COALESCE(sum(calls), 0)::bigint FROM found WHERE is_test)
    FROM shown;
END
$$;

CREATE INDEX alerts_at ON dialfire.alerts (tenant, at);
COMMENT ON INDEX dialfire.alerts_at IS 'finds the newest alerts';

CREATE VIEW dialfire.recent_activity WITH (security_invoker = true) AS
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
COMMENT ON COLUMN dialfire.recent_activity.tenant IS 'name of the foreign server (from alerts, dashboard_calls)';
COMMENT ON COLUMN dialfire.recent_activity.at IS 'when it was noticed, or when the call ended or began (UTC instant; from alerts.at, voice_calls, transactions.fired, inbound_calls)';
COMMENT ON COLUMN dialfire.recent_activity.kind IS 'hot_lead (a hit of the rule of that name), alert (of another rule) or call (from alerts.rule)';
COMMENT ON COLUMN dialfire.recent_activity.rule IS 'name of the rule; null for a call (from alerts)';
COMMENT ON COLUMN dialfire.recent_activity.severity IS 'info, warning or critical (from alerts)';
COMMENT ON COLUMN dialfire.recent_activity.call_id IS 'id of the call (from alerts.subject, dashboard_calls)';
COMMENT ON COLUMN dialfire.recent_activity.caller_name IS 'name of the other side (from dashboard_calls)';
COMMENT ON COLUMN dialfire.recent_activity.phone IS 'number of the other side (from dashboard_calls)';
COMMENT ON COLUMN dialfire.recent_activity.agent_name IS 'agent or assistant (from dashboard_calls)';
COMMENT ON COLUMN dialfire.recent_activity.what IS 'what happened, in words (from alerts.message, dashboard_calls.status and summary)';

CREATE PROCEDURE @extschema@.df_enable_search()
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

SET LOCAL search_path = @extschema@, pg_temp;
