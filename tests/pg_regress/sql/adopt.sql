-- Tables as the vendor's own client writes them, with every fault that a table can have, and names that mean harm.
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE SERVER old_client FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'dialfire', account '9c6d0163', timezone 'Europe/Nicosia');
CREATE SCHEMA "o'ld"" ; DROP SCHEMA dialfire; --";
SET search_path = "o'ld"" ; DROP SCHEMA dialfire; --";
-- Columns differ between versions, a time may be typed by now, and a copy has no key.
CREATE TABLE contacts ("$id" varchar(50), "$campaign_id" varchar(50), "$status" varchar(50), "$md5" varchar(50),
    "$changed" varchar(50), firma text, "x'); DROP SCHEMA dialfire; --" text, "a""b" numeric);
INSERT INTO contacts VALUES
    ('C1', 'CAMPAIGN1', 'success', 'abc', '2025-10-02T00:00:00Z', 'Müller', 'harm', 1),
    ('C1', 'CAMPAIGN1', 'open', 'abb', '2025-10-01T00:00:00Z', 'Mueller', 'harm', 1),
    (NULL, 'CAMPAIGN1', 'open', NULL, NULL, NULL, NULL, NULL),
    (' ', 'CAMPAIGN1', 'open', NULL, NULL, NULL, NULL, NULL);
CREATE TABLE transactions (id varchar(50) PRIMARY KEY, contact_id varchar(50), fired varchar(50), status varchar(50),
    status_detail varchar, "user" varchar(50), "user_loginName" varchar(50), edit_time_sec text, "isHI" boolean,
    "$changed" varchar(50), reviewed_by text);
INSERT INTO transactions VALUES
    (md5('C12025-10-10T21:30:00.000Z'), 'C1', '2025-10-10T21:30:00.000Z', 'success', 'Termin', 'U1', 'Jane.Doe', '12.5', true, NULL, 'Bob'),
    (md5('C12025-10-10T22:30:00.000Z'), 'C1', '2025-10-10T22:30:00.000Z', 'open', '$none', 'U2', md5('U2'), NULL, true, NULL, NULL),
    ('no-contact', 'C9', '2025-10-11T08:00:00.000Z0217', 'open', '$assigned', NULL, NULL, NULL, NULL, NULL, NULL),
    ('local', 'C1', '2025-10-11 08:00:00', 'open', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('zero', 'C1', '0000-00-00', 'open', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('february', 'C1', '2025-02-30T08:00:00.000Z', 'open', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('empty', 'C1', '', 'open', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('nobody', NULL, '2025-10-11T08:00:00.000Z', 'open', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('number', 'C1', '2025-10-11T09:00:00.000Z', 'open', NULL, NULL, NULL, 'a while', NULL, NULL, NULL),
    ('; DROP', 'C1', '2025-10-11T10:00:00.000Z', 'o''pen', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE connections (id varchar(50), transaction_id varchar(50), contact_id varchar(50), duration numeric,
    result varchar(50), started timestamp, disconnected timestamptz);
INSERT INTO connections VALUES
    ('L1', md5('C12025-10-10T21:30:00.000Z'), 'C1', 34946, 'connect', '2025-10-10 21:30:01', '2025-10-10 23:30:36+02'),
    ('L2', 'lost', 'C1', 1000, 'connect', NULL, NULL),
    ('L3', 'zero', 'C1', 1000, 'connect', NULL, NULL),
    (NULL, md5('C12025-10-10T21:30:00.000Z'), 'C1', 1000, 'connect', NULL, NULL),
    ('L4', md5('C12025-10-10T22:30:00.000Z'), 'C1', 'NaN', 'connect', NULL, NULL);
CREATE TABLE recordings (id varchar(50) PRIMARY KEY, contact_id varchar(50), connection_id varchar(50),
    started varchar(50), stopped varchar(50), location varchar);
INSERT INTO recordings VALUES
    ('1', 'C1', 'L1', '2025-10-10T21:30:01.000Z', NULL, NULL),
    ('2', 'C1', 'L1', '2025-10-10T21:30:01.000Z', NULL, 'https://vault/1.mp3'),
    ('3', 'C1', 'L1', '2025-10-10T21:30:20.000Z', NULL, 'https://vault/2.mp3'),
    ('4', 'C1', 'L2', '2025-10-10T21:30:01.000Z', NULL, 'https://vault/3.mp3'),
    ('5', 'C1', NULL, '2025-10-10T21:30:01.000Z', NULL, NULL);
RESET search_path;
\set old '\'o\'\'ld" ; DROP SCHEMA dialfire; --\''

SELECT * FROM df_adopt(:old, 'old_client');
SELECT kind, reason, field, key, contact_id, detail FROM dialfire.rejects_open WHERE tenant = 'old_client'
ORDER BY kind COLLATE "C", reason COLLATE "C", field COLLATE "C", key COLLATE "C";
SELECT payload FROM dialfire.rejects_open WHERE tenant = 'old_client' AND key IN ('number', 'lost') ORDER BY key;
SELECT id, campaign_id, status, md5, fields FROM dialfire.contacts WHERE tenant = 'old_client';
SELECT id, campaign_id, fired, day, status, user_login, edit_time_sec, is_human, event_md5, extra
FROM dialfire.transactions WHERE tenant = 'old_client' ORDER BY fired;
SELECT id, contact_id, duration_ms, started, disconnected FROM dialfire.connections WHERE tenant = 'old_client';
SELECT id = md5('L1' || '2025-10-10T21:30:01.000Z') AS as_a_sync, started, location, transaction_id = md5('C12025-10-10T21:30:00.000Z') AS of_call
FROM dialfire.recordings WHERE tenant = 'old_client' ORDER BY started;
-- Nothing is proven complete, the rollup is right, the run is in the ledger.
SELECT count(*) FROM dialfire.coverage WHERE tenant = 'old_client';
SELECT day, campaign_id, agent_login, attempts, connects, recorded, talk_ms FROM dialfire.daily_stats WHERE tenant = 'old_client'
ORDER BY day, campaign_id, agent_login;
SELECT kind, status, fetched, inserted, rejected, skip_reasons, params, message, hint FROM dialfire.runs WHERE tenant = 'old_client';

-- Again: nothing is written.
SELECT table_name, read, inserted, updated, unchanged, rejected, duplicates FROM df_adopt(:old, 'old_client');
SELECT count(*) FROM dialfire.rejects WHERE tenant = 'old_client';

-- The old client goes on: what it wrote is taken, what it says no more is kept, and what was mended leaves quarantine.
UPDATE "o'ld"" ; DROP SCHEMA dialfire; --".transactions SET status = 'declined', status_detail = NULL WHERE id = '; DROP';
UPDATE "o'ld"" ; DROP SCHEMA dialfire; --".transactions SET edit_time_sec = NULL WHERE id = md5('C12025-10-10T21:30:00.000Z');
UPDATE "o'ld"" ; DROP SCHEMA dialfire; --".transactions SET edit_time_sec = '7' WHERE id = 'number';
SELECT table_name, read, inserted, updated, unchanged, rejected FROM df_adopt(:old, 'old_client') WHERE table_name = 'transactions';
SELECT id, status, edit_time_sec FROM dialfire.transactions
WHERE tenant = 'old_client' AND (id IN ('; DROP', 'number') OR fired = '2025-10-10 21:30+00') ORDER BY fired;
SELECT reason, resolved_at IS NULL AS open FROM dialfire.rejects WHERE tenant = 'old_client' AND key = 'number';

-- What the vendor has said stays as it is.
UPDATE dialfire.transactions SET status = 'the vendor''s', edit_time_sec = NULL, adopted_at = NULL WHERE tenant = 'old_client' AND id = '; DROP';
UPDATE dialfire.contacts SET fields = '{"firma": "the vendor''s"}', adopted_at = NULL WHERE tenant = 'old_client';
UPDATE "o'ld"" ; DROP SCHEMA dialfire; --".transactions SET edit_time_sec = '9', status = 'old' WHERE id = '; DROP';
SELECT table_name, inserted, updated FROM df_adopt(:old, 'old_client') WHERE updated > 0;
SELECT status, edit_time_sec FROM dialfire.transactions WHERE tenant = 'old_client' AND id = '; DROP';
SELECT fields FROM dialfire.contacts WHERE tenant = 'old_client';

-- Who has what. A call that only we have, one that only the old tables have, and what hangs on neither.
INSERT INTO dialfire.transactions (tenant, id, campaign_id, contact_id, fired, day, is_human)
VALUES ('old_client', 'twin', 'CAMPAIGN1', 'C1', '2025-10-10 21:30+00', '2025-10-11', true),
       ('old_client', 'page', 'CAMPAIGN1', 'C2', '2025-10-10 23:30+00', '2025-10-11', true);
INSERT INTO dialfire.connections (tenant, id, transaction_id, contact_id, duration_ms, result, day)
VALUES ('old_client', 'L5', 'page', 'C2', 61000, 'connect', '2025-10-11'),
       ('old_client', 'L6', md5('C12025-10-10T22:30:00.000Z'), 'C1', 5000, 'connect', '2025-10-11');
SELECT side, what, call_id, fired, campaign_id, agent_login, detail FROM df_compare(:old, 'old_client');
SELECT side, what, call_id, detail FROM df_compare(:old, 'old_client', '2025-10-11');
SELECT * FROM df_compare(:old, 'old_client', ask_vendor => true);

-- In steps that commit, and not inside a block.
CALL df_adopt_steps(:old, 'old_client', step => 2);
SELECT params ->> 'table' AS "table", status, inserted, updated, unchanged FROM dialfire.runs
WHERE tenant = 'old_client' ORDER BY run_id DESC LIMIT 1;
BEGIN;
CALL df_adopt_steps(:old, 'old_client');
ROLLBACK;
CALL df_adopt_steps(:old, 'old_client', step => 0);

-- What is not there, or not allowed, is said with what to do.
CREATE SCHEMA nothing_here;
CREATE SCHEMA shop;
CREATE TABLE shop.transactions (id bigint, amount numeric);
\set VERBOSITY default
SELECT * FROM df_adopt('nothing_here', 'old_client');
SELECT * FROM df_adopt('shop', 'old_client');
SELECT * FROM df_adopt('no such schema', 'old_client');
SELECT * FROM df_adopt('dialfire', 'old_client');
SELECT * FROM df_adopt(:old, 'no such tenant');
CREATE ROLE migrator;
CALL df_grant('old_client', 'migrator');
SET ROLE migrator;
SELECT * FROM df_adopt(:old);
RESET ROLE;
GRANT USAGE ON SCHEMA "o'ld"" ; DROP SCHEMA dialfire; --" TO migrator;
GRANT SELECT ON "o'ld"" ; DROP SCHEMA dialfire; --".contacts TO migrator;
SET ROLE migrator;
SELECT * FROM df_adopt(:old);
SELECT * FROM df_compare(:old);
RESET ROLE;
\set VERBOSITY terse
-- Rights of the caller only, no token, the only tenant that the role may use.
GRANT SELECT ON ALL TABLES IN SCHEMA "o'ld"" ; DROP SCHEMA dialfire; --" TO migrator;
SET ROLE migrator;
SELECT table_name, read, inserted, updated FROM df_adopt(:old);
SELECT count(*) FROM df_compare(:old);
RESET ROLE;
REVOKE ALL ON FOREIGN SERVER old_client FROM migrator;
SET ROLE migrator;
SELECT * FROM df_adopt(:old, 'old_client');
SELECT * FROM df_adopt(:old);
RESET ROLE;
-- A prefix, views instead of tables, and 600 columns.
CREATE SCHEMA wide;
DO $$ BEGIN
    EXECUTE (SELECT format('CREATE TABLE wide.df_contacts ("$id" text PRIMARY KEY, "$campaign_id" text, %s)',
        string_agg(format('field%s text', n), ', ')) FROM generate_series(1, 600) n);
    EXECUTE (SELECT format('INSERT INTO wide.df_contacts SELECT ''W'' || i, ''CAMPAIGN1'', %s FROM generate_series(1, 20) i',
        string_agg(format('''value %s''', n), ', ')) FROM generate_series(1, 600) n);
END $$;
CREATE VIEW wide.df_transactions AS SELECT md5("$id" || f) AS id, "$id" AS contact_id, f AS fired
FROM wide.df_contacts, (VALUES ('2025-10-12T08:00:00.000Z')) AS v(f);
SELECT table_name, read, inserted, rejected, message FROM df_adopt('wide', 'old_client', prefix => 'df_');
SELECT count(*), min((SELECT count(*) FROM jsonb_object_keys(fields))) FROM dialfire.contacts WHERE tenant = 'old_client' AND id LIKE 'W%';
-- The old tables are as they were.
SELECT count(*) FROM "o'ld"" ; DROP SCHEMA dialfire; --".transactions;

DROP SCHEMA "o'ld"" ; DROP SCHEMA dialfire; --", wide, shop, nothing_here CASCADE;
DROP OWNED BY migrator;
DROP ROLE migrator;
DELETE FROM dialfire.transactions WHERE tenant = 'old_client';
DELETE FROM dialfire.contacts WHERE tenant = 'old_client';
DELETE FROM dialfire.connections WHERE tenant = 'old_client';
DELETE FROM dialfire.recordings WHERE tenant = 'old_client';
DELETE FROM dialfire.daily_stats WHERE tenant = 'old_client';
DELETE FROM dialfire.rejects WHERE tenant = 'old_client';
DELETE FROM dialfire.runs WHERE tenant = 'old_client';
DELETE FROM dialfire.agents WHERE tenant = 'old_client';
DROP SERVER old_client;
