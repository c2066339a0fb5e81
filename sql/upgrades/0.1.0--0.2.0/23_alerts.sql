-- Rules see the calls of every vendor.

CREATE FUNCTION dialfire.event_document(event dialfire.transactions) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_strip_nulls(to_jsonb(event) || COALESCE((
               SELECT to_jsonb(d) || jsonb_build_object('extractedData', d.analysis, 'executedCallActions', d.actions)
               FROM dialfire.call_details d WHERE d.tenant = event.tenant AND d.id = event.id), '{}')
           || jsonb_build_object('agentId', event.user_id, 'contactId', event.contact_id, 'createdAt', event.fired,
                                 'fromNumber', COALESCE(event.phone, (SELECT max(c.remote_number) FROM dialfire.connections c
                                               WHERE c.tenant = event.tenant AND c.transaction_id = event.id)), 'trialCall', event.is_test,
                                 'duration', (SELECT max(c.duration_ms) / 1000.0 FROM dialfire.connections c
                                              WHERE c.tenant = event.tenant AND c.transaction_id = event.id)))
        || jsonb_build_object('connections', COALESCE((
               SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(c)) ORDER BY c.id) FROM dialfire.connections c
               WHERE c.tenant = event.tenant AND c.transaction_id = event.id), '[]'))
$$;
COMMENT ON FUNCTION dialfire.event_document(dialfire.transactions) IS 'a transaction as alert rules see it: under the names of its columns and those of call_details, its legs as connections, and under the names of HighLevel''s call logs';

CREATE OR REPLACE FUNCTION dialfire.raise_alerts(tenant text, calls text[]) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH seen AS (
        SELECT v.id, v.stored_at, dialfire.call_document(v) AS document
        FROM dialfire.voice_calls v WHERE v.tenant = $1 AND v.id = ANY ($2)
        UNION ALL
        SELECT t.id, t.stored_at, dialfire.event_document(t)
        FROM dialfire.transactions t WHERE t.tenant = $1 AND t.id = ANY ($2)
        UNION ALL
        SELECT i.id, i.stored_at, jsonb_strip_nulls(to_jsonb(i))
        FROM dialfire.inbound_calls i WHERE i.tenant = $1 AND i.id = ANY ($2)
    ), hits AS (
        SELECT r.name, s.id, r.severity, r.message, jsonb_path_query_first(s.document, r.path, '{}', true) AS value
        FROM dialfire.alert_rules r
        -- What is older may have been told, and its alert removed since.
        JOIN seen s ON s.stored_at > now() - make_interval(days => current_setting('dialfire_sync.retention_days')::int)
        WHERE r.tenant = $1 AND r.enabled
    ), raised AS (
        INSERT INTO dialfire.alerts (tenant, rule, subject, severity, message, value)
        SELECT $1, h.name, h.id, h.severity, COALESCE(h.message, h.name), h.value FROM hits h
        WHERE h.value IS NOT NULL AND h.value NOT IN ('false', 'null')
        ON CONFLICT (tenant, rule, subject) DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM raised
$$;
COMMENT ON FUNCTION dialfire.raise_alerts(text, text[]) IS 'checks the rules of a tenant on some calls of any vendor; returns how many hits are new';
COMMENT ON TABLE dialfire.alerts IS 'every hit of a rule, once; each was told on channel dialfire_sync_alerts too; kept for dialfire_sync.retention_days';
