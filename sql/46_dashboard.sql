-- What a dashboard of calls shows: callers by name, the search, figures of a range, and what happened last.

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
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH span AS MATERIALIZED (
        SELECT @extschema@.df_range($1, $2) AS of
    ), found AS MATERIALIZED (
        SELECT c.call_id, c.status, c.direction, c.is_test, c.duration_ms
        FROM dialfire.calls c
        WHERE c.tenant = $1 AND c.fired_at >= (SELECT lower(of) FROM span) AND c.fired_at < (SELECT upper(of) FROM span)
    ), shown AS (
        SELECT f.*, COALESCE(v.cost, d.cost) AS cost, EXISTS (
            SELECT FROM dialfire.alerts a WHERE a.tenant = $1 AND a.rule = 'hot_lead' AND a.subject = f.call_id) AS is_hot
        FROM found f
        LEFT JOIN dialfire.voice_calls v ON v.tenant = $1 AND v.id = f.call_id
        LEFT JOIN dialfire.call_details d ON d.tenant = $1 AND d.id = f.call_id
        WHERE NOT f.is_test
    )
    SELECT count(*),
           count(*) FILTER (WHERE direction = 'inbound'),
           count(*) FILTER (WHERE direction = 'outbound'),
           count(*) FILTER (WHERE status = 'completed'),
           count(*) FILTER (WHERE status = 'failed'),
           count(*) FILTER (WHERE status IN ('no_answer', 'busy', 'voicemail', 'abandoned', 'canceled')),
           count(*) FILTER (WHERE status IN ('queued', 'in_progress')),
           round(100.0 * count(*) FILTER (WHERE status = 'completed')
                 / NULLIF(count(*) FILTER (WHERE status NOT IN ('queued', 'in_progress', 'unknown')), 0), 1),
           round(COALESCE(sum(duration_ms) FILTER (WHERE status = 'completed'), 0) / 60000.0, 1),
           round(avg(duration_ms) FILTER (WHERE status = 'completed') / 1000.0, 1),
           COALESCE(sum(cost), 0),
           count(*) FILTER (WHERE is_hot),
           (SELECT count(*) FROM found WHERE is_test)
    FROM shown
$$;

CREATE VIEW dialfire.recent_activity WITH (security_invoker = true) AS
SELECT a.tenant,
       a.at,
       CASE a.rule WHEN 'hot_lead' THEN 'hot_lead' ELSE 'alert' END AS kind,
       a.rule,
       a.severity,
       a.subject AS call_id,
       c.caller_name,
       c.phone,
       c.agent_name,
       a.message AS what
FROM dialfire.alerts a
LEFT JOIN LATERAL (
    SELECT d.caller_name, d.phone, d.agent_name FROM dialfire.dashboard_calls d
    WHERE d.tenant = a.tenant AND d.call_id = a.subject LIMIT 1
) c ON true
WHERE a.at > now() - interval '7 days'
UNION ALL
SELECT d.tenant, COALESCE(d.ended_at, d.started_at), 'call', NULL, 'info', d.call_id, d.caller_name, d.phone, d.agent_name,
       concat_ws(': ', d.status, d.summary)
FROM dialfire.dashboard_calls d
WHERE d.started_at > now() - interval '7 days' AND NOT d.is_test;
COMMENT ON VIEW dialfire.recent_activity IS 'hits of alert rules and calls of the last seven days, without test calls; ORDER BY at DESC LIMIT 10 is what a dashboard shows';
COMMENT ON COLUMN dialfire.recent_activity.tenant IS 'name of the foreign server (from alerts, dashboard_calls)';
COMMENT ON COLUMN dialfire.recent_activity.at IS 'when it was noticed, or when the call ended or began (UTC instant; from alerts.at, dashboard_calls)';
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
END
$$;
COMMENT ON PROCEDURE @extschema@.df_enable_search() IS
    'makes the index by which calls are found by part of a number or name, and the extension pg_trgm that it needs; for the owner of the extension, once. Without it the search reads all calls of a tenant';

-- Where pg_trgm is there already the index comes with the extension.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CALL @extschema@.df_enable_search();
    END IF;
END
$$;
