-- The typed rows and rejects of payloads: what is stored, and why something is not.
\pset format unaligned
\pset tuples_only on
\pset null (null)
-- Only the fields that hold something.
CREATE FUNCTION pg_temp.show(payload text, timezone text DEFAULT 'Europe/Nicosia') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT kind || ' ' || COALESCE(id, '-')
        || COALESCE(E'\n  ' || (SELECT string_agg(key || ': ' || value, E'\n  ' ORDER BY key)
                                FROM jsonb_each(record) WHERE value <> 'null' AND key <> 'id'), '')
        || COALESCE(E'\n  ' || NULLIF(concat_ws(' | ', reason, field, detail), ''), '')
    FROM df_normalize('dialfire', payload, timezone)
$$;

-- A contact as the vendor sends it. The transaction's own "id" is the contact's and goes nowhere.
SELECT pg_temp.show($json${"$id":"foo12345","$ref":"CIVI_DF_1","$version":"bar12345","$campaign_id":"foo12345","$task_id":"foo12345","$task":"new_contact","$status":"open","$status_detail":"$none","$phone":"+1234567890","$timezone":"Europe/Vienna","$caller_id":"","$created_date":"2021-09-02T15:34:39.960Z","$entry_date":"2021-09-02T15:34:39.960Z","$follow_up_date":"","$call_order":"","$source":"","$comment":"","$error":"","$trigger":"other","first_name":"Jane","last_name":"Doe","email1":"jdoe@example.com","email2":"j.d@example.com","phone2":"4315543213","$owner":"","ansprache":"","contact_id":"","activity_id":"","$$anrufen_task":"new_contact","$$anrufen_date":"2021-09-02T15:48:27.644Z","$$anrufen_status":"open","$$anrufen_status_detail":"$none","$recording_url":"","$recording":"","$task_log":[{"transactions":[{"type":"update","task_id":"foo12345","task":"anrufen_stufe","status":"open","status_detail":"$none","fired":"2021-09-02T15:34:39.960Z","trigger":"other","id":"foo12345","ref":"CIVI_DF_1","phone":"+1234567890","timezone":"Europe/Vienna","created_date":"2021-09-02T15:34:39.960Z","data":{"first_name":"Jane","last_name":"Doe","email1":"jdoe@example.com","email2":"j.d@example.com","phone2":"4315543213"},"sequence_nr":0,"version":"RDX7L9CT4HCQZDFQ","entry_date":"2021-09-02T15:34:39.960Z"}],"status":"open","status_detail":"$none","fired":"2021-09-02T15:48:27.644Z","campaign_id":"bar12345","task_id":"foo12345","task_name":"new_contact","task_title":"Anruf","task_type":"OutboundTask","task_hi":true}]}$json$);

-- Every level: a leg that ended, a leg in progress, a third party, recordings with and without a location.
SELECT pg_temp.show($json${"$id": "C1", "$md5": "m1", "firma": "Größmann GmbH", "staff": 12, "$task_log": [{"transactions": [
    {"fired": "2026-11-05T22:30:00.000Z", "type": "dial_result", "user": "U1", "user_loginName": "Anna.Müller",
     "user_branch": "Zentrale", "isHI": true, "status": "success", "status_detail": "Termin", "pause_time_sec": 1.5,
     "edit_time_sec": "90", "wrapup_time_sec": 30, "wait_time_sec": 0, "sequence_nr": 3, "novelty": {"kept": true},
     "connections": [
        {"id": "L1", "fired": "2026-11-05T22:30:01Z", "started": "2026-11-05T22:30:01Z", "disconnected": "2026-11-05T22:31:01Z",
         "duration": 60123, "result": "connect", "code": 200, "user": "U1", "phone": "4930123", "hangup_party": "contact",
         "recordings": [{"started": "2026-11-05T22:30:02Z", "stopped": "2026-11-05T22:31:00Z",
                         "location": "https://vault.24dial.com/vr/PR_1.mp3", "filename": "PR_1.mp3"},
                        {"started": "2026-11-05T22:30:40Z", "location": null}],
         "third_party_connections": [{"id": "L2", "technology": "transfer", "transfer_target_address": "+4930999"}]},
        {"id": "L3", "started": "2026-11-05T22:31:30Z"}]}]}]}$json$);

-- Two transactions of one instant: the first keeps the vendor's key, the second adds its sequence number.
-- The same record twice is one.
SELECT kind, id, record ->> 'sequence_nr' FROM df_normalize('dialfire', $json${"$id": "C1", "$task_log": [{"transactions": [
    {"fired": "2026-11-05T10:00:00.000Z", "sequence_nr": 2, "status": "open"},
    {"fired": "2026-11-05T10:00:00.000Z", "sequence_nr": 1, "status": "open"},
    {"fired": "2026-11-05T10:00:00.000Z", "sequence_nr": 1, "status": "open"}]}]}$json$) WHERE kind = 'transaction';
SELECT md5('C1' || '2026-11-05T10:00:00.000Z') AS first, md5('C1' || '2026-11-05T10:00:00.000Z' || '2') AS second;

-- An internal id is no login; who is merely assigned does nothing.
SELECT record ->> 'fired', record ->> 'user_id', record ->> 'user_login', record ->> 'is_human', record -> 'extra'
FROM df_normalize('dialfire', $json${"$id": "C1", "$task_log": [{"transactions": [
    {"fired": "2026-11-05T10:00:01Z", "user": "U1", "user_loginName": "0123456789abcdef0123456789ABCDEF"},
    {"fired": "2026-11-05T10:00:02Z", "user": "U1", "user_loginName": "Anna.Müller", "status_detail": "$assigned"},
    {"fired": "2026-11-05T10:00:03Z", "user": "U1", "user_loginName": "Anna.Müller"},
    {"fired": "2026-11-05T10:00:04Z"}]}]}$json$) WHERE kind = 'transaction' ORDER BY 1;

-- Days are cut in the time zone, on the days of daylight saving time too.
SELECT timezone, record ->> 'fired', record ->> 'day'
FROM (VALUES ('UTC'), ('Europe/Nicosia'), ('America/Los_Angeles')) AS z(timezone),
     LATERAL df_normalize('dialfire', $json${"$id": "C1", "$task_log": [{"transactions": [
        {"fired": "2026-03-28T21:59:59.999Z"}, {"fired": "2026-03-28T22:00:00Z"}, {"fired": "2026-03-29T20:59:59.999Z"},
        {"fired": "2026-03-29T21:00:00Z"}, {"fired": "2026-10-24T21:00:00Z"}, {"fired": "2026-10-25T21:59:59.999Z"},
        {"fired": "2026-10-25T22:00:00Z"}]}]}$json$, timezone)
WHERE kind = 'transaction';

-- An event line with the counter after Z, a page, an array, an inbound call.
SELECT pg_temp.show('"2018-10-17T08:07:46.468Z0217|cf44c921a79577858dea5a5b89e9f219|6EU52ECUGEJPHEJV|6,166"');
SELECT pg_temp.show('{"count": 2, "cursor": "", "results": ["2026-11-05T10:00:00Z|m|C1|0,0", "nonsense"]}');
SELECT pg_temp.show('[{"$id": "C1"}, {"$id": "C2"}, 7]');
SELECT pg_temp.show($json${"id": "I1", "line_id": "LN1", "campaign_id": "K1", "calling_number": "+4930123", "called_number": "+4930999",
    "call_time": "2026-11-05T22:30:00Z", "connect_time": "2026-11-05T22:30:10Z", "hangup_time": "", "user": "U1",
    "state": "connected", "dispatch_error": "false", "novelty": 1}$json$);

-- One bad field spoils its own record only: the siblings are there.
CREATE TEMP TABLE bad (what text, transaction text);
INSERT INTO bad VALUES
    ('no fired', '{"status": "open"}'), ('empty fired', '{"fired": ""}'), ('null fired', '{"fired": null}'),
    ('fired is a number', '{"fired": 1762336800}'), ('fired is an object', '{"fired": {}}'),
    ('no zone', '{"fired": "2026-11-05T10:00:00"}'), ('a day', '{"fired": "2026-11-05"}'),
    ('year 0', '{"fired": "0000-11-05T10:00:00Z"}'), ('year 10000', '{"fired": "10000-11-05T10:00:00Z"}'),
    ('before 1970', '{"fired": "1969-12-31T23:59:59Z"}'), ('February 30', '{"fired": "2026-02-30T10:00:00Z"}'),
    ('NUL', '{"fired": "2026-11-05T10:00:01Z", "status": "a\u0000b"}'),
    ('NUL in an unknown field', '{"fired": "2026-11-05T10:00:01Z", "novelty": {"a": ["\u0000"]}}'),
    ('lone surrogate', '{"fired": "2026-11-05T10:00:01Z", "status": "\ud83d"}'),
    ('lone surrogate in an unknown field', '{"fired": "2026-11-05T10:00:01Z", "novelty": ["\udc00"]}'),
    ('a word for a number', '{"fired": "2026-11-05T10:00:01Z", "pause_time_sec": "long"}'),
    ('a word for a boolean', '{"fired": "2026-11-05T10:00:01Z", "isHI": "perhaps"}'),
    ('a text that is an object', '{"fired": "2026-11-05T10:00:01Z", "status": {"a": 1}}'),
    ('a key that is too long', format('{"fired": "2026-11-05T10:00:01Z", "user": "%s"}', repeat('x', 201))),
    ('no object', '7'), ('null', 'null');
SELECT what || ' → ' || (SELECT string_agg(concat_ws(' ', kind, reason, field), ', ' ORDER BY reason NULLS FIRST)
                        FROM df_normalize('dialfire', format('{"$id": "C1", "$task_log": [{"transactions": [%s,
                            {"fired": "2026-11-05T10:00:09Z"}]}]}', transaction)) WHERE kind <> 'contact')
FROM bad;
-- Values of another type that still mean something: a number as text, a text as number, seven digits of a second.
SELECT pg_temp.show($json${"$id": 42, "$ref": 7, "$task_log": [{"transactions": [
    {"fired": "2026-11-05T10:00:00.1234567Z", "status": 5, "pause_time_sec": "12", "isHI": "1", "sequence_nr": "3"}]}]}$json$);
-- Below a transaction.
SELECT pg_temp.show($json${"$id": "C1", "$task_log": [{"transactions": [{"fired": "2026-11-05T10:00:00Z", "connections": [
    {"id": "L1", "started": "2026-11-05T10:00:00"}, {"duration": 5}, {"id": "L2", "duration": "many"},
    {"id": "L3", "recordings": [{"stopped": "2026-11-05T10:00:00Z"}, {"started": "2026-11-05T10:00:00Z"}]}, 7]},
    {"fired": "2026-11-05T10:00:01Z", "connections": {"id": "L4"}}]}]}$json$);
-- Contacts.
SELECT pg_temp.show('{"$phone": "+4930123"}');
SELECT pg_temp.show('{"$id": "C1"}');
SELECT pg_temp.show('{"$id": "C1", "$task_log": 7}');
SELECT pg_temp.show('{"$id": "C1", "$task_log": [{"transactions": 7}, {"transactions": [{"fired": "2026-11-05T10:00:00Z"}]}]}');
SELECT pg_temp.show('{"$id": "C1", "$entry_date": "yesterday", "$task_log": [{"transactions": [{"fired": "2026-11-05T10:00:00Z"}]}]}');
-- Inbound calls.
SELECT pg_temp.show('[{"line_id": "LN1", "call_time": "2026-11-05T10:00:00Z"}, {"id": "I1", "line_id": "LN1"},
                      {"id": "I2", "call_time": "2026-11-05T10:00:00Z", "hangup_time": "later"}]');

-- json, jsonb and text mean the same.
SELECT count(*), count(DISTINCT md5(r::text)) FROM (
    SELECT t AS r FROM df_normalize('dialfire', '{"$id": "C1", "firma": "A"}'::text, 'UTC') t
    UNION ALL SELECT t FROM df_normalize('dialfire', '{"$id": "C1", "firma": "A"}'::json, 'UTC') t
    UNION ALL SELECT t FROM df_normalize('dialfire', '{"$id": "C1", "firma": "A"}'::jsonb, 'UTC') t
    UNION ALL SELECT t FROM df_normalize('dialfire', '{"$id": "C1", "firma": "A"}') t) AS all_of_them;
-- What it refuses.
SELECT regress.try($$SELECT * FROM df_normalize('dialfire', 'not json')$$);
SELECT regress.try($$SELECT * FROM df_normalize('dialfire', '')$$);
SELECT regress.try($$SELECT * FROM df_normalize('dialfire', '{"$id": "C1"} trailing')$$);
SELECT regress.try($$SELECT * FROM df_normalize('fax', '{}')$$);
SELECT regress.try($$SELECT * FROM df_normalize('dialfire', '{}', 'Mars/Olympus')$$);
SELECT count(*) FROM df_normalize('dialfire', NULL::text);
-- VICIdial: rows of its tables, told by their keys, and the body of a call result.
SELECT kind, id, record - 'event_md5' AS record, reason, field FROM df_normalize('vicidial', '[
    {"uniqueid": "1763300000.42", "lead_id": 77, "campaign_id": "TEST", "call_date": "2025-11-16 08:33:20", "start_epoch": 1763300000,
     "end_epoch": 1763300060, "length_in_sec": -5, "status": "SALE", "phone_number": "5551234567", "user": "6666", "term_reason": ""},
    {"closecallid": 912, "lead_id": 77, "campaign_id": "INGROUP", "call_date": "2025-11-16 08:33:20", "start_epoch": 1763300000,
     "end_epoch": 1763300060, "length_in_sec": 60, "queue_seconds": 12.5, "status": "DROP", "user": "VDCL"},
    {"recording_id": 5, "vicidial_id": "912", "lead_id": 77, "start_epoch": 1763300001, "filename": "x", "location": "http://10.0.0.9/x.mp3"},
    {"uniqueid": "1.1", "lead_id": 77, "call_date": "0000-00-00 00:00:00"}]', 'America/New_York');
SELECT kind, id, record ->> 'fired' AS fired, record ->> 'status_detail' AS code FROM df_normalize('vicidial', '{"uniqueid": "1634567890.123",
    "leadId": "12345", "campaignId": "CAMPAIGN001", "phoneNumber": "5551234567", "disposition": "SALE", "duration": 45,
    "agentId": "agent001", "timestamp": 1634567890}');
-- The region of numbers without a prefix.
SELECT record ->> 'customer_e164' AS e164 FROM df_normalize('vapi', '{"id": "c", "createdAt": "2026-11-05T10:00:00Z",
    "customer": {"number": "(415) 555-2671"}}', 'UTC', 'US');
SELECT regress.try($$SELECT * FROM df_normalize('vapi', '{}', 'UTC', 'Mars')$$);
