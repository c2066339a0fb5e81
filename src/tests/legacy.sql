-- What the vendor's own sync client leaves behind, with its gaps: T2 has no recording, T3 no login and two legs, T4 no leg,
-- T5 a contact that never came, T6 a leg without an answer.
CREATE SCHEMA legacy;
CREATE TABLE legacy.transactions ("id" varchar(50) NOT NULL PRIMARY KEY, "contact_id" varchar(50), "task_id" varchar(50), "task" varchar(50), "status" varchar(50), "status_detail" varchar, "fired" varchar(50), "pause_time_sec" numeric, "edit_time_sec" numeric, "wrapup_time_sec" numeric, "wait_time_sec" numeric, "user" varchar(50), "user_loginName" varchar(50), "user_branch" varchar(50), "user_tenantAlias" varchar(50), "actor" varchar(50), "type" varchar(50), "result" varchar(50), "trigger" varchar(50), "isHI" boolean, "revoked" boolean, "$changed" varchar(50));
CREATE TABLE legacy.connections ("id" varchar(50) NOT NULL PRIMARY KEY, "parent_connection_id" varchar(50), "transfer_target_address" varchar(50), "call_uuid" varchar(50), "global_call_uuid" varchar, "transaction_id" varchar(50), "task_id" varchar(50), "contact_id" varchar(50), "phone" varchar(50), "user" varchar(50), "actor" varchar(50), "hangup_party" varchar(50), "isThirdPartyConnection" varchar(50), "dialerdomain" varchar(50), "fired" varchar(50), "started" varchar(50), "initiated" varchar(50), "connected" varchar(50), "disconnected" varchar(50), "ended" varchar(50), "duration" numeric, "remote_number" varchar(50), "line_number" varchar(50), "technology" varchar(50), "result" varchar(50), "code" numeric, "call_initiated" varchar(50), "call_connected" varchar(50), "call_disconnected" varchar(50), "$changed" varchar(50));
CREATE TABLE legacy.recordings ("id" varchar(50) NOT NULL PRIMARY KEY, "contact_id" varchar(50), "connection_id" varchar(50), "started" varchar(50), "stopped" varchar(50), "filename" varchar, "location" varchar, "$changed" varchar(50));
CREATE TABLE legacy.contacts ("$id" varchar(50) NOT NULL PRIMARY KEY, "$campaign_id" varchar(50), firma text, notiz text, "Geprüfte_Anrede" text, "AP_Vorname" text, "AP_Nachname" text);
INSERT INTO legacy.contacts VALUES ('C1', 'K1', 'Größmann GmbH', 'Rückruf', 'Frau', 'Eva', 'Weber'),
    ('C2', 'K2', 'Klein AG', NULL, NULL, NULL, NULL);
INSERT INTO legacy.transactions (id, contact_id, status, fired, "user", "user_loginName") VALUES
    ('T1', 'C1', 'success',  '2026-11-05T10:00:00.000Z', 'U1', 'Anna.Müller'),
    ('T2', 'C1', 'open',     '2026-11-05T10:01:00.000Z', 'U1', 'Anna.Müller'),
    ('T3', 'C2', 'open',     '2026-11-05T10:02:00.000Z', 'U2', NULL),
    ('T4', 'C2', 'open',     '2026-11-05T10:03:00.000Z', NULL, NULL),
    ('T5', 'C9', 'declined', '2026-11-05T23:30:00.000Z', 'U1', 'Anna.Müller'),
    ('T6', 'C1', 'open',     '2026-11-06T10:05:00.000Z', 'U2', 'Uwe.Wolf');
INSERT INTO legacy.connections (id, transaction_id, contact_id, phone, "user", started, duration, result) VALUES
    ('L1',  'T1', 'C1', '4930111', 'Anna.Müller', '2026-11-05T10:00:05.000Z', 60000, 'connect'),
    ('L2',  'T2', 'C1', '4930111', 'Anna.Müller', '2026-11-05T10:01:05.000Z', 20000, 'connect'),
    ('L3',  'T3', 'C2', '4930222', 'Uwe.Wolf',    '2026-11-05T10:02:05.000Z', 30000, 'connect'),
    ('L3b', 'T3', 'C2', '4930223', 'Uwe.Wolf',    '2026-11-05T10:02:45.000Z', 10000, 'transfer'),
    ('L6',  'T6', 'C1', '4930111', 'Uwe.Wolf',    '2026-11-06T10:05:05.000Z', NULL,  'busy');
INSERT INTO legacy.recordings (id, contact_id, connection_id, started, stopped, location) VALUES
    ('R1', 'C1', 'L1', '2026-11-05T10:00:06.000Z', '2026-11-05T10:01:05.000Z', 'https://vault.example/1.mp3'),
    ('R3', 'C2', 'L3', '2026-11-05T10:02:06.000Z', '2026-11-05T10:02:35.000Z', 'https://vault.example/3.mp3');
-- The view of the fact sheet, as it stands in a live system.
CREATE VIEW legacy.agent_data
AS SELECT to_char(
        CASE
            WHEN t.fired::text ~ '^\d{4}-\d{2}-\d{2}'::text THEN t.fired::date
            ELSE NULL::date
        END::timestamp with time zone, 'YYYY-MM-DD'::text) AS transactions_fired_date,
    to_char(r.started::timestamp without time zone, 'HH24:MI'::text) AS recordings_start_time,
    c.duration AS connections_duration,
    t."user_loginName" AS transactions_user_login,
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
    co."$id" AS contacts_id,
    co."$campaign_id" AS contacts_campaign_id,
    co.firma AS contacts_firma,
    co.notiz AS contacts_notiz,
    concat_ws(' '::text, co."Geprüfte_Anrede", co."AP_Vorname", co."AP_Nachname") AS contacts_full_name,
    t.id AS transaction_id
   FROM legacy.transactions t
     LEFT JOIN legacy.connections c ON c.transaction_id::text = t.id::text
     LEFT JOIN legacy.recordings r ON r.connection_id::text = c.id::text
     LEFT JOIN legacy.contacts co ON co."$id"::text = r.contact_id::text
  WHERE t.fired IS NOT NULL;
-- What a row says: neither null nor empty.
CREATE FUNCTION legacy.said(line jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT COALESCE(jsonb_object_agg(key, value), '{}') FROM jsonb_each(line) WHERE value NOT IN ('null', '""')
$$;
