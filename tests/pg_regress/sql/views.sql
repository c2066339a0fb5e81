-- What people look at, on rows put in by hand.
\pset null (null)
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
BEGIN;
INSERT INTO dialfire.campaigns (tenant, id, title, api_access) VALUES
    ('regress_acme', 'K1', 'Akquise', true), ('regress_acme', 'K2', 'Bestand', true);
INSERT INTO dialfire.agents (tenant, id, login) VALUES
    ('regress_acme', 'U1', 'Anna.Müller'), ('regress_acme', 'U2', 'Uwe.Wolf'), ('regress_other', 'U9', 'Elsewhere');
INSERT INTO dialfire.contacts (tenant, id, campaign_id, fields) VALUES
    ('regress_acme', 'C1', 'K2', '{"firma": "Größmann GmbH", "notiz": "Rückruf", "Geprüfte_Anrede": "Frau", "AP_Nachname": "Weber"}'),
    ('regress_acme', 'C2', NULL, '{}');
INSERT INTO dialfire.transactions (tenant, id, campaign_id, contact_id, fired, day, is_human, user_id, user_login, event_type,
                                   result, status, status_detail, edit_time_sec)
SELECT 'regress_acme', id, 'K1', contact_id, fired, (fired AT TIME ZONE 'Europe/Nicosia')::date, is_human, user_id, user_login,
       event_type, result, status, status_detail, 60
FROM (VALUES
    ('T01 talked, two recordings',  'C1', '2026-11-05 10:00+00'::timestamptz, true,  'U1', 'Anna.Müller', 'dial_result', NULL, 'success', 'Termin'),
    ('T02 in progress',             'C1', '2026-11-05 10:01+00', true,  'U1', 'Anna.Müller', 'dial_result', NULL, 'open', '$none'),
    ('T03 connected, no end yet',   'C1', '2026-11-05 10:02+00', true,  'U1', 'Anna.Müller', 'dial_result', NULL, 'open', '$none'),
    ('T04 nobody answered',         'C1', '2026-11-05 10:03+00', true,  'U1', 'Anna.Müller', 'dial_result', NULL, 'open', '$none'),
    ('T05 no answer, never ended',  'C1', '2026-11-05 10:04+00', true,  'U1', 'Anna.Müller', 'dial_result', NULL, 'open', '$none'),
    ('T06 busy',                    'C1', '2026-11-05 10:05+00', true,  'U1', 'Anna.Müller', 'dial_result', NULL, 'open', '$none'),
    ('T07 no leg, an import',       'C2', '2026-11-05 10:06+00', false, NULL, NULL,          'update',      NULL, 'open', '$none'),
    ('T08 login by user id',        'C2', '2026-11-05 10:07+00', true,  'U2', NULL,          'dial_result', NULL, 'open', '$none'),
    ('T09 login of nobody we know', 'C2', '2026-11-05 10:08+00', true,  'U9', NULL,          'dial_result', NULL, 'open', '$none'),
    ('T10 a word of nobody''s',     'C2', '2026-11-05 10:09+00', true,  'U1', 'Anna.Müller', 'dial_result', 'novel', 'open', '$none'),
    ('T11 contact not stored',      'C9', '2026-11-05 22:30+00', true,  'U1', 'Anna.Müller', 'dial_result', NULL, 'failed', '$wrong_number'),
    ('T12 ended without a result',  'C2', '2026-11-05 10:11+00', true,  'U1', 'Anna.Müller', 'dial_result', NULL, 'open', '$none')
) AS t(id, contact_id, fired, is_human, user_id, user_login, event_type, result, status, status_detail);
INSERT INTO dialfire.connections (tenant, id, transaction_id, contact_id, started, disconnected, result, duration_ms, phone,
                                  parent_connection_id, day)
SELECT 'regress_acme', c.id, t.id, t.contact_id, t.fired, t.fired + c.lasted, c.result, c.duration_ms, '4930123', c.parent, t.day
FROM (VALUES
    ('L01',  'T01%', '60 s'::interval, 'connect',   60000, NULL),
    ('L01b', 'T01%', '20 s',           'transfer',  20000, 'L01'),
    ('L02',  'T02%', NULL,             NULL,        NULL,  NULL),
    ('L03',  'T03%', NULL,             'connect',   NULL,  NULL),
    ('L04',  'T04%', '30 s',           'norespons', NULL,  NULL),
    ('L05',  'T05%', NULL,             'norespons', NULL,  NULL),
    ('L06a', 'T06%', '5 s',            'BUSY',      NULL,  NULL),
    ('L12',  'T12%', '5 s',            NULL,        NULL,  NULL)
) AS c(id, of, lasted, result, duration_ms, parent) JOIN dialfire.transactions t ON t.id LIKE c.of;
INSERT INTO dialfire.recordings (tenant, id, connection_id, transaction_id, contact_id, started, stopped, location, day)
SELECT 'regress_acme', r.id, c.id, c.transaction_id, c.contact_id, c.started + '1 s', c.disconnected, r.location, c.day
FROM (VALUES ('R1', 'L01', NULL), ('R2', 'L01', 'https://vault.24dial.com/vr/PR_2.mp3')) AS r(id, of, location)
JOIN dialfire.connections c ON c.id = r.of;
SELECT dialfire.keep_main_legs('regress_acme', ARRAY(SELECT id FROM dialfire.transactions));
INSERT INTO dialfire.inbound_calls (tenant, id, campaign_id, contact_id, user_id, started, day, connected, disconnected, disposition)
SELECT 'regress_acme', id, 'K2', 'C1', user_id, '2026-11-05 23:00+00', '2026-11-06', connected::timestamptz,
       disconnected::timestamptz, disposition
FROM (VALUES ('I1 taken', 'U2', '2026-11-05 23:00:10+00', '2026-11-05 23:01:10+00', NULL),
             ('I2 being taken', 'U2', '2026-11-05 23:00:10+00', NULL, NULL),
             ('I3 given up', NULL, NULL, '2026-11-05 23:00:40+00', NULL),
             ('I4 to a machine', NULL, NULL, '2026-11-05 23:00:40+00', 'answeringmachine'),
             ('I5 waiting', NULL, NULL, NULL, NULL)) AS i(id, user_id, connected, disconnected, disposition);

-- What is said of a tenant twice is the same.
SELECT tenant, vendor, timezone, count_agents FROM dialfire.tenants EXCEPT SELECT * FROM dialfire.tenant_facts;
SELECT count(*) > 0 AS any FROM dialfire.tenant_facts;
-- agent_data: every transaction, with or without children; campaign and names from the contact, recorded or not.
SELECT count(DISTINCT transaction_id) AS transactions, count(*) AS rows FROM dialfire.agent_data;
SELECT transaction_id, transactions_fired_date AS day, recordings_start_time AS at, connections_duration AS ms,
       transactions_user_login AS login, contacts_campaign_id AS campaign, contacts_firma AS firma,
       contacts_full_name AS full_name
FROM dialfire.agent_data ORDER BY 1, connections_id, recordings_location NULLS FIRST;

-- calls: one row a call, each with a status.
SELECT call_id, status, vendor_status, direction, agent_login, is_human, campaign_title, duration_ms, talk_ms, ring_ms
FROM dialfire.calls ORDER BY call_id;
SELECT count(*) AS calls, count(DISTINCT call_id) AS distinct_calls FROM dialfire.calls;
-- The leg that talked gives times and recording, not the third party.
SELECT connection_id, started_at, ended_at, recording_location FROM dialfire.calls WHERE call_id LIKE 'T01%';
-- What a vendor says of its calls that Dialfire does not.
UPDATE dialfire.transactions SET direction = 'inbound', is_test = true WHERE id LIKE 'T12%';
SELECT call_id, direction, is_test FROM dialfire.calls WHERE is_test;
-- Without a duration the time from answer to hang-up; ringing until the answer.
UPDATE dialfire.connections SET initiated = started - interval '4 s', duration_ms = NULL,
    connected = CASE id WHEN 'L01' THEN started + interval '2 s' END WHERE id IN ('L01', 'L04');
SELECT connection_id, duration_ms, talk_ms, ring_ms FROM dialfire.calls WHERE connection_id IN ('L01', 'L04') ORDER BY 1;
-- A word of one's own.
INSERT INTO dialfire.call_statuses (vendor, vendor_status, status) VALUES ('dialfire', 'novel', 'voicemail');
SELECT call_id, status, vendor_status FROM dialfire.calls WHERE call_id LIKE 'T10%';

-- rejects_open: what waits, and no longer what was stored after all.
INSERT INTO dialfire.rejects (tenant, kind, reason, fingerprint, resolved_at) VALUES
    ('regress_acme', 'contact', 'open', 'f1', NULL), ('regress_acme', 'contact', 'stored', 'f2', now());
SELECT tenant, kind, reason FROM dialfire.rejects_open;
ROLLBACK;
