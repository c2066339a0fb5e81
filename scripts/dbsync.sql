-- A database as the vendor's own client leaves it: its tables, in the first schema of the search path, from what tenant
-- acme delivers, and then its ways of losing calls. The setting dbsync.range says which range; default the last 21 days.

CREATE TABLE contacts ("$id" varchar(50) NOT NULL PRIMARY KEY, "$ref" varchar(50), "$version" varchar(50),
    "$campaign_id" varchar(50), "$task_id" varchar(50), "$task" varchar(50), "$status" varchar(50),
    "$status_detail" varchar, "$phone" varchar(50), "$timezone" varchar(50), "$caller_id" varchar(50),
    "$created_date" varchar(50), "$entry_date" varchar(50), "$follow_up_date" varchar(50), "$call_order" varchar(50),
    "$source" varchar(50), "$comment" text, "$error" text, "$trigger" varchar(50), "$owner" varchar(50),
    "$recording_url" text, "$recording" text, "$md5" varchar(50), "$changed" varchar(50), firma text, notiz text,
    "Geprüfte_Anrede" text, "AP_Vorname" text, "AP_Nachname" text, strasse text, plz text, ort text, mitarbeiter numeric,
    newsletter text);
CREATE TABLE transactions ("id" varchar(50) NOT NULL PRIMARY KEY, "contact_id" varchar(50), "task_id" varchar(50),
    "task" varchar(50), "status" varchar(50), "status_detail" varchar, "fired" varchar(50), "pause_time_sec" numeric,
    "edit_time_sec" numeric, "wrapup_time_sec" numeric, "wait_time_sec" numeric, "user" varchar(50),
    "user_loginName" varchar(50), "user_branch" varchar(50), "user_tenantAlias" varchar(50), "actor" varchar(50),
    "type" varchar(50), "result" varchar(50), "trigger" varchar(50), "isHI" boolean, "revoked" boolean,
    "$changed" varchar(50));
CREATE TABLE connections ("id" varchar(50) NOT NULL PRIMARY KEY, "parent_connection_id" varchar(50),
    "transfer_target_address" varchar(50), "call_uuid" varchar(50), "global_call_uuid" varchar,
    "transaction_id" varchar(50), "task_id" varchar(50), "contact_id" varchar(50), "phone" varchar(50),
    "user" varchar(50), "actor" varchar(50), "hangup_party" varchar(50), "isThirdPartyConnection" varchar(50),
    "dialerdomain" varchar(50), "fired" varchar(50), "started" varchar(50), "initiated" varchar(50),
    "connected" varchar(50), "disconnected" varchar(50), "ended" varchar(50), "duration" numeric,
    "remote_number" varchar(50), "line_number" varchar(50), "technology" varchar(50), "result" varchar(50),
    "code" numeric, "call_initiated" varchar(50), "call_connected" varchar(50), "call_disconnected" varchar(50),
    "$changed" varchar(50));
CREATE TABLE recordings ("id" varchar(50) NOT NULL PRIMARY KEY, "contact_id" varchar(50), "connection_id" varchar(50),
    "started" varchar(50), "stopped" varchar(50), "filename" varchar, "location" varchar, "$changed" varchar(50));
CREATE TABLE inbound_calls ("id" varchar(50) NOT NULL PRIMARY KEY, "line_id" varchar(50), "campaign_id" varchar(50),
    "task_id" varchar(50), "task_name" varchar(50), "contact_id" varchar(50), "remote_number" varchar(50),
    "line_number" varchar(50), "started" varchar(50), "connected" varchar(50), "disconnected" varchar(50),
    "user" varchar(50), "state" varchar(50), "connectable_time" varchar(50), "disposition" varchar(50),
    "dispatch_error" boolean, "$changed" varchar(50));

-- What came in. An empty text is null in a table.
CREATE TEMP TABLE came AS
SELECT DISTINCT ON (kind, key) kind, key, payload::jsonb AS object
FROM df_fetch('acme', COALESCE(current_setting('dbsync.range', true), 'last 21 days'))
WHERE kind <> 'event' ORDER BY kind, key;
CREATE TEMP TABLE events AS
SELECT md5(key || (t ->> 'fired')) AS id, key AS contact_id, t AS object, (t ->> 'sequence_nr')::int AS sequence_nr
FROM came, jsonb_path_query(object, '$."$task_log"[*].transactions[*]') AS t WHERE kind = 'contact';
CREATE TEMP TABLE legs AS
SELECT DISTINCT ON (id) leg ->> 'id' AS id, e.id AS transaction_id, e.contact_id, leg AS object
FROM events e, jsonb_path_query(e.object, '$.connections[*].**{0 to 2} ? (exists (@.call_uuid))') AS leg ORDER BY id;
CREATE FUNCTION pg_temp.row_of(object jsonb, keys jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(key, value) || keys
        || jsonb_build_object('$changed', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
    FROM jsonb_each(object) WHERE value NOT IN ('""', 'null')
$$;

INSERT INTO contacts SELECT r.*
FROM came, jsonb_populate_record(NULL::contacts, pg_temp.row_of(object - '$task_log')) AS r WHERE kind = 'contact';
-- Two events of a contact at the same instant have the same id: the last one that is written stays.
INSERT INTO transactions SELECT DISTINCT ON (r.id) r.* FROM events e, jsonb_populate_record(NULL::transactions,
    pg_temp.row_of(object, jsonb_build_object('id', id, 'contact_id', contact_id))) AS r ORDER BY r.id, sequence_nr DESC;
-- A call that has not ended when the client looks is left out, with its recordings, and never asked for again.
INSERT INTO connections SELECT r.* FROM legs, jsonb_populate_record(NULL::connections,
    pg_temp.row_of(object, jsonb_build_object('transaction_id', transaction_id, 'contact_id', contact_id))) AS r
WHERE object ? 'disconnected' AND NOT (md5(legs.id) < '18' AND r.duration > 30000);
INSERT INTO recordings SELECT r.* FROM legs l JOIN connections c USING (id),
    jsonb_path_query(l.object, '$.recordings[*]') AS o,
    jsonb_populate_record(NULL::recordings, pg_temp.row_of(o, jsonb_build_object('contact_id', l.contact_id,
        'connection_id', l.id, 'id', md5(l.id || COALESCE(o ->> 'location', o ->> 'started'))))) AS r;
INSERT INTO inbound_calls SELECT r.* FROM came, jsonb_populate_record(NULL::inbound_calls,
    pg_temp.row_of(object || jsonb_build_object('remote_number', object -> 'calling_number',
        'line_number', object -> 'called_number', 'started', object -> 'call_time',
        'connected', NULLIF(object -> 'connect_time', '""'), 'disconnected', object -> 'hangup_time'))) AS r
WHERE kind = 'inbound_call';

-- A recording whose location came later has a second row, which stays.
INSERT INTO recordings SELECT md5(connection_id || started), contact_id, connection_id, started, stopped, filename, NULL,
    "$changed" FROM recordings WHERE location IS NOT NULL AND md5(id) < '20' ON CONFLICT DO NOTHING;
-- A page that failed ten times counts as empty: of the largest campaign, the day before yesterday from 8 to 12 UTC.
CREATE TEMP TABLE page AS SELECT t.id FROM transactions t JOIN contacts c ON c."$id" = t.contact_id
WHERE t.fired::timestamptz - date_trunc('day', (SELECT max(fired) FROM transactions)::timestamptz - interval '2 days', 'UTC')
      BETWEEN interval '8 hours' AND interval '12 hours'
  AND c."$campaign_id" = (SELECT "$campaign_id" FROM contacts GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1);
DELETE FROM recordings r USING connections c, page p WHERE c.id = r.connection_id AND p.id = c.transaction_id;
DELETE FROM connections c USING page p WHERE p.id = c.transaction_id;
DELETE FROM transactions t USING page p WHERE p.id = t.id;
-- A failed write is dropped, and what hangs on it is not.
DELETE FROM transactions WHERE id IN (SELECT transaction_id FROM connections ORDER BY md5(id) LIMIT 5);
DELETE FROM contacts WHERE "$id" IN (SELECT contact_id FROM transactions ORDER BY md5(id) LIMIT 3);
-- Logins that are missing or no logins, and times that are no times.
UPDATE transactions SET "user_loginName" = NULL, user_branch = NULL WHERE "user" IS NOT NULL AND md5(id) < '26';
UPDATE transactions SET "user_loginName" = md5("user") WHERE "user_loginName" IS NOT NULL AND md5(id) > 'fc';
UPDATE transactions SET fired = 'Invalid date' WHERE id IN (SELECT id FROM transactions ORDER BY md5(id) DESC LIMIT 2);
DROP TABLE came, events, legs, page;
ANALYZE;
