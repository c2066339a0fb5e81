-- What people look at. A missing child never hides its parent.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE VIEW dialfire.calls WITH (security_invoker = true) AS
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
       leg.recording_id,
       leg.recording_location,
       why.skip_reason IS NULL AS counts,
       why.skip_reason
FROM dialfire.transactions t
LEFT JOIN dialfire.tenant_facts s ON s.tenant = t.tenant
LEFT JOIN dialfire.campaigns c ON c.tenant = t.tenant AND c.id = t.campaign_id
LEFT JOIN dialfire.agents a ON a.tenant = t.tenant AND a.id = t.user_id
LEFT JOIN (
    SELECT l.tenant, l.day, l.transaction_id, l.id, l.result, l.phone, l.remote_number, l.line_number, l.duration_ms, l.fired,
           l.initiated, l.started, l.call_initiated, COALESCE(l.connected, l.call_connected) AS answered_at,
           COALESCE(l.disconnected, l.ended, l.call_disconnected) AS ended_at, l.recording_id, l.recording_location
    FROM dialfire.connections l WHERE l.is_main
) leg ON leg.tenant = t.tenant AND leg.day = t.day AND leg.transaction_id = t.id
-- Not CROSS, which would spell it out, and compute it, at each place that it is used.
LEFT JOIN LATERAL (SELECT COALESCE(leg.result, t.result, t.status_detail, t.status) AS vendor_status) word ON true
-- The tables were Dialfire's first: rows of a server that is gone are read as its.
LEFT JOIN dialfire.call_statuses everybodys ON everybodys.vendor = COALESCE(s.vendor, 'dialfire')
    AND everybodys.word = lower(word.vendor_status) AND everybodys.tenant = ''
LEFT JOIN (
    SELECT o.vendor, o.word, o.tenant, jsonb_object_agg(o.campaign_id, o.status) AS statuses
    FROM dialfire.call_statuses o WHERE o.tenant <> '' GROUP BY o.vendor, o.word, o.tenant
) own ON own.vendor = COALESCE(s.vendor, 'dialfire') AND own.word = lower(word.vendor_status) AND own.tenant = t.tenant
CROSS JOIN LATERAL (
    SELECT COALESCE(own.statuses ->> t.campaign_id, own.statuses ->> '', everybodys.status) AS status
) m
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
LEFT JOIN dialfire.tenant_facts s ON s.tenant = i.tenant
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
LEFT JOIN dialfire.tenant_facts s ON s.tenant = v.tenant
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
        WHEN v.gone_at IS NOT NULL THEN 'deleted_at_vendor'
        WHEN v.is_test THEN 'test_call'
        WHEN s.count_agents IS DISTINCT FROM 'assigned' THEN NULL
        WHEN v.assistant_id IS NULL THEN 'no_agent_id_in_call'
        WHEN a.id IS NULL THEN 'agent_not_in_system'
        WHEN NOT a.assigned THEN 'agent_not_assigned_to_user'
    END AS skip_reason
) why;
COMMENT ON VIEW dialfire.calls IS 'one row a call of any vendor: outbound attempts and events, inbound calls, and calls of voice agents from queued on';
COMMENT ON COLUMN dialfire.calls.tenant IS 'name of the foreign server (from transactions, inbound_calls, voice_calls)';
COMMENT ON COLUMN dialfire.calls.vendor IS 'vendor of the tenant (from tenants)';
COMMENT ON COLUMN dialfire.calls.call_id IS 'id of the transaction, or of the inbound call (from transactions.id, inbound_calls.id, voice_calls.id)';
COMMENT ON COLUMN dialfire.calls.started_at IS 'start of the first leg, else of the event (UTC instant; from connections.started, call_initiated, initiated or fired, else transactions.fired; inbound_calls.started; voice_calls.started_at, else created_at)';
COMMENT ON COLUMN dialfire.calls.ended_at IS 'end of the first leg (UTC instant); null without a leg or while in progress (from connections.disconnected, ended or call_disconnected; inbound_calls.disconnected; voice_calls.ended_at)';
COMMENT ON COLUMN dialfire.calls.status IS 'queued, in_progress, completed, no_answer, busy, voicemail, abandoned, failed, canceled or unknown; see call_statuses (from call_statuses, by the vendor''s word)';
COMMENT ON COLUMN dialfire.calls.vendor_status IS 'the vendor''s own word: result of the leg, else of the transaction, else its status (from connections.result, transactions.result, status_detail or status; inbound_calls.disposition or state; voice_calls.ended_reason, vendor_status or tracked_outcome)';
COMMENT ON COLUMN dialfire.calls.direction IS 'outbound or inbound, or another word of the vendor''s, such as web (from transactions.direction, event_type; voice_calls.direction)';
COMMENT ON COLUMN dialfire.calls.is_test IS 'the vendor marks it as a test call; Dialfire marks none (from transactions.is_test, voice_calls.is_test)';
COMMENT ON COLUMN dialfire.calls.agent_login IS 'login as delivered, else the login known for the user id, else null (from transactions.user_login, agents.login)';
COMMENT ON COLUMN dialfire.calls.contact_id IS 'id of the contact at the vendor; of a voice agent''s call else of the contact with that number, else the number itself as E.164 (from transactions, inbound_calls, voice_calls.customer_id, contacts.phone)';
COMMENT ON COLUMN dialfire.calls.campaign_id IS 'id of the campaign at the vendor (from transactions, inbound_calls)';
COMMENT ON COLUMN dialfire.calls.agent_id IS 'internal user id at the vendor (from transactions.user_id, inbound_calls.user_id)';
COMMENT ON COLUMN dialfire.calls.is_human IS 'a person did it; where false, a missing login is legitimate (from transactions.is_human; an inbound call that somebody took)';
COMMENT ON COLUMN dialfire.calls.day IS 'day of fired_at in the tenant''s time zone (from transactions.day, inbound_calls.day, voice_calls.day)';
COMMENT ON COLUMN dialfire.calls.fired_at IS 'instant of the event (UTC); decides window and day (from transactions.fired, inbound_calls.started, voice_calls.created_at)';
COMMENT ON COLUMN dialfire.calls.campaign_title IS 'title of the campaign (from campaigns.title)';
COMMENT ON COLUMN dialfire.calls.contact_status IS 'status of the contact after the call: open, success, declined, failed (from transactions.status)';
COMMENT ON COLUMN dialfire.calls.disposition IS 'status detail after the call (from transactions.status_detail, inbound_calls.disposition)';
COMMENT ON COLUMN dialfire.calls.task IS 'task in which it happened (from transactions.task, inbound_calls.task_name)';
COMMENT ON COLUMN dialfire.calls.phone IS 'number of the other side, as delivered (from connections.phone or remote_number, transactions.phone; inbound_calls.remote_number)';
COMMENT ON COLUMN dialfire.calls.line_number IS 'own number, as delivered (from connections, inbound_calls)';
COMMENT ON COLUMN dialfire.calls.connection_id IS 'leg that the call''s times come from: the answered one, else the first, before third parties (from connections.id, is_main)';
COMMENT ON COLUMN dialfire.calls.duration_ms IS 'duration of the leg as delivered, milliseconds; of an inbound call from answer to hang-up (from connections.duration_ms)';
COMMENT ON COLUMN dialfire.calls.talk_ms IS 'duration of the leg where it was answered, else from answer to hang-up, milliseconds; null where nobody answered (from connections.duration_ms, connected, disconnected)';
COMMENT ON COLUMN dialfire.calls.ring_ms IS 'from dialling to answer, or to the end where nobody answered, milliseconds; of an inbound call the caller''s waiting (from connections.call_initiated, initiated or started, connected, disconnected)';
COMMENT ON COLUMN dialfire.calls.pause_time_sec IS 'preparation, seconds (from transactions)';
COMMENT ON COLUMN dialfire.calls.edit_time_sec IS 'talk and after-call work together, seconds (from transactions)';
COMMENT ON COLUMN dialfire.calls.wrapup_time_sec IS 'after-call work, seconds (from transactions)';
COMMENT ON COLUMN dialfire.calls.wait_time_sec IS 'waiting for the call, seconds (from transactions)';
COMMENT ON COLUMN dialfire.calls.recording_id IS 'id of the first recording of the leg that has an address, else of the first (from connections.recording_id)';
COMMENT ON COLUMN dialfire.calls.counts IS 'it counts in KPIs; every call is stored and listed, whether it counts or not (from skip_reason)';
COMMENT ON COLUMN dialfire.calls.skip_reason IS 'why it does not count: deleted_at_vendor, test_call, no_agent_id_in_call, agent_not_in_system or agent_not_assigned_to_user; the last three where option count_agents is assigned (from transactions, voice_calls and agents.assigned)';
COMMENT ON COLUMN dialfire.calls.recording_location IS 'address of that recording; null while the vendor has none (from connections.recording_location)';

CREATE VIEW dialfire.agent_data WITH (security_invoker = true) AS
SELECT t.day AS transactions_fired_date,
       to_char(r.started AT TIME ZONE COALESCE(s.timezone, 'UTC'), 'HH24:MI') AS recordings_start_time,
       c.duration_ms AS connections_duration,
       COALESCE(t.user_login, a.login) AS transactions_user_login,
       t.status AS transactions_status,
       t.status_detail AS transactions_status_detail,
       t.pause_time_sec AS transactions_pause_time_sec,
       t.edit_time_sec AS transactions_edit_time_sec,
       t.wrapup_time_sec AS transactions_wrapup_time_sec,
       t.wait_time_sec AS transactions_wait_time_sec,
       r.started AS recordings_started,
       r.stopped AS recordings_stopped,
       r.location AS recordings_location,
       c.phone AS connections_phone,
       t.contact_id AS contacts_id,
       COALESCE(co.campaign_id, t.campaign_id) AS contacts_campaign_id,
       co.fields ->> 'firma' AS contacts_firma,
       co.fields ->> 'notiz' AS contacts_notiz,
       NULLIF(concat_ws(' ', co.fields ->> 'Geprüfte_Anrede', co.fields ->> 'AP_Vorname', co.fields ->> 'AP_Nachname'), '')
           AS contacts_full_name,
       t.id AS transaction_id,
       t.tenant,
       t.fired AS transactions_fired,
       t.is_human AS transactions_is_human,
       COALESCE(c.started, r.started, t.fired) AS call_started,
       c.id AS connections_id
FROM dialfire.transactions t
LEFT JOIN dialfire.tenant_facts s ON s.tenant = t.tenant
LEFT JOIN dialfire.agents a ON a.tenant = t.tenant AND a.id = t.user_id
LEFT JOIN dialfire.contacts co ON co.tenant = t.tenant AND co.id = t.contact_id
LEFT JOIN dialfire.connections c ON c.tenant = t.tenant AND c.day = t.day AND c.transaction_id = t.id
LEFT JOIN dialfire.recordings r ON r.tenant = c.tenant AND r.day = c.day AND r.connection_id = c.id;
COMMENT ON VIEW dialfire.agent_data IS 'the agent page, under the names of the view that it replaces: one row a transaction, leg and recording';
COMMENT ON COLUMN dialfire.agent_data.transactions_fired_date IS 'day of the transaction in the tenant''s time zone (from transactions.day)';
COMMENT ON COLUMN dialfire.agent_data.recordings_start_time IS 'start of the recording as HH24:MI in the tenant''s time zone (from recordings.started)';
COMMENT ON COLUMN dialfire.agent_data.connections_duration IS 'duration of the leg, milliseconds (from connections.duration_ms)';
COMMENT ON COLUMN dialfire.agent_data.transactions_user_login IS 'login as delivered, else the login known for the user id, else null (from transactions.user_login, agents.login)';
COMMENT ON COLUMN dialfire.agent_data.transactions_status IS 'open, success, declined, failed (from transactions)';
COMMENT ON COLUMN dialfire.agent_data.transactions_status_detail IS 'words with $ are the vendor''s, others the campaign''s (from transactions)';
COMMENT ON COLUMN dialfire.agent_data.transactions_pause_time_sec IS 'preparation, seconds (from transactions)';
COMMENT ON COLUMN dialfire.agent_data.transactions_edit_time_sec IS 'talk and after-call work together, seconds (from transactions)';
COMMENT ON COLUMN dialfire.agent_data.transactions_wrapup_time_sec IS 'after-call work, seconds (from transactions)';
COMMENT ON COLUMN dialfire.agent_data.transactions_wait_time_sec IS 'waiting for the call, seconds (from transactions)';
COMMENT ON COLUMN dialfire.agent_data.recordings_started IS 'recording began (UTC instant; from recordings)';
COMMENT ON COLUMN dialfire.agent_data.recordings_stopped IS 'recording ended (UTC instant; from recordings)';
COMMENT ON COLUMN dialfire.agent_data.recordings_location IS 'address of the audio (from recordings)';
COMMENT ON COLUMN dialfire.agent_data.connections_phone IS 'number as delivered (from connections)';
COMMENT ON COLUMN dialfire.agent_data.contacts_id IS 'id of the transaction''s contact, whether or not the call was recorded (from transactions.contact_id)';
COMMENT ON COLUMN dialfire.agent_data.contacts_campaign_id IS 'campaign of the contact, else of the transaction (from contacts.campaign_id, transactions.campaign_id)';
COMMENT ON COLUMN dialfire.agent_data.contacts_firma IS 'contact field firma (from contacts.fields)';
COMMENT ON COLUMN dialfire.agent_data.contacts_notiz IS 'contact field notiz (from contacts.fields)';
COMMENT ON COLUMN dialfire.agent_data.contacts_full_name IS 'contact fields Geprüfte_Anrede, AP_Vorname and AP_Nachname (from contacts.fields)';
COMMENT ON COLUMN dialfire.agent_data.transaction_id IS 'id of the transaction (from transactions.id)';
COMMENT ON COLUMN dialfire.agent_data.tenant IS 'name of the foreign server (from transactions)';
COMMENT ON COLUMN dialfire.agent_data.transactions_fired IS 'instant of the transaction (UTC; from transactions)';
COMMENT ON COLUMN dialfire.agent_data.transactions_is_human IS 'a person did it; where false, a missing login is legitimate (from transactions)';
COMMENT ON COLUMN dialfire.agent_data.call_started IS 'start of the leg, else of the recording, else of the transaction (UTC instant; from connections, recordings, transactions)';
COMMENT ON COLUMN dialfire.agent_data.connections_id IS 'id of the leg (from connections.id)';

CREATE VIEW dialfire.rejects_open WITH (security_invoker = true) AS
SELECT tenant, id, source, kind, key, contact_id, fired, reason, field, detail, times, first_seen, last_seen, payload
FROM dialfire.rejects WHERE resolved_at IS NULL;
COMMENT ON VIEW dialfire.rejects_open IS 'records that wait in quarantine';
COMMENT ON COLUMN dialfire.rejects_open.tenant IS 'name of the foreign server (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.id IS 'number of the reject (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.source IS 'campaign that delivered it (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.kind IS 'event, contact, transaction, connection, recording or inbound_call (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.key IS 'key of the record, where it could be read (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.contact_id IS 'id of the contact (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.fired IS 'when it happened (UTC instant), where known (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.reason IS 'one word for why (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.field IS 'field that is to blame (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.detail IS 'what is wrong with it (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.times IS 'number of times that it was seen (from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.first_seen IS 'first seen (UTC instant; from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.last_seen IS 'last seen (UTC instant; from rejects)';
COMMENT ON COLUMN dialfire.rejects_open.payload IS 'the record as it came (from rejects)';

CREATE VIEW dialfire.unassigned_agents WITH (security_invoker = true) AS
SELECT tenant,
       agent_id,
       a.login AS name,
       a.login IS NOT NULL AS in_system,
       COALESCE(c.calls, 0) AS calls,
       c.first_call_at,
       c.last_call_at,
       CASE WHEN a.login IS NULL THEN format('SELECT * FROM df_fetch_agents(%L)', tenant)
            ELSE format('SELECT df_assign_agent(%L, %L)', tenant, agent_id) END AS hint
FROM (
    SELECT t.tenant, t.user_id AS agent_id, count(*) AS calls, min(t.fired) AS first_call_at, max(t.fired) AS last_call_at
    FROM dialfire.tenants s JOIN dialfire.transactions t ON t.tenant = s.tenant
    WHERE s.count_agents = 'assigned' AND t.user_id IS NOT NULL GROUP BY t.tenant, t.user_id
) c
FULL JOIN (SELECT a.tenant, a.id AS agent_id, a.login, a.assigned FROM dialfire.agents a) a USING (tenant, agent_id)
WHERE a.assigned IS NOT TRUE
  AND tenant IN (SELECT s.tenant FROM dialfire.tenants s WHERE s.count_agents = 'assigned');
COMMENT ON VIEW dialfire.unassigned_agents IS 'agents whose calls do not count, for tenants that count assigned agents only';
COMMENT ON COLUMN dialfire.unassigned_agents.tenant IS 'name of the foreign server (from tenants.tenant)';
COMMENT ON COLUMN dialfire.unassigned_agents.agent_id IS 'id of the agent at the vendor (from agents.id, else transactions.user_id)';
COMMENT ON COLUMN dialfire.unassigned_agents.name IS 'name of the agent; null where he is not known (from agents.login)';
COMMENT ON COLUMN dialfire.unassigned_agents.in_system IS 'the agent is known here; otherwise df_fetch_agents asks the vendor for him (from agents.id)';
COMMENT ON COLUMN dialfire.unassigned_agents.calls IS 'calls that are stored and do not count (count of transactions)';
COMMENT ON COLUMN dialfire.unassigned_agents.first_call_at IS 'first of them (UTC instant, from transactions.fired)';
COMMENT ON COLUMN dialfire.unassigned_agents.last_call_at IS 'last of them (UTC instant, from transactions.fired)';
COMMENT ON COLUMN dialfire.unassigned_agents.hint IS 'what to type (made from tenant and agent_id)';

SET LOCAL search_path = @extschema@, pg_temp;
