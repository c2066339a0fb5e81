-- Views of the user's own: who may look, who may mend, what survives, and what is refused with which words.
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_analyst;
CREATE ROLE regress_reader;
CREATE SCHEMA fragile AUTHORIZATION regress_analyst;
GRANT USAGE ON SCHEMA fragile TO regress_reader, regress_plain;
GRANT EXECUTE ON FUNCTION df_harden_view(text, boolean, jsonb, text, interval), df_unharden_view(text)
    TO regress_analyst, regress_plain;
SET ROLE regress_analyst;
CREATE TABLE fragile.transactions (id text PRIMARY KEY, contact_id text, fired text, "user_loginName" text, status text);
CREATE TABLE fragile.connections (id text PRIMARY KEY, transaction_id text, "user" text, started text, result varchar(20));
INSERT INTO fragile.transactions VALUES
    ('T1', 'C1', '2026-11-05T10:00:00Z', 'Anna', 'open'), ('T2', 'C1', '2026-11-05T10:01:00Z', 'Anna', 'open'),
    ('T3', 'C2', '2026-11-05T10:02:00Z', NULL, 'success');
INSERT INTO fragile.connections VALUES
    ('L1', 'T1', 'Anna', '2026-11-05T10:00:05Z', 'connect'), ('L2', 'T2', 'Anna', '2026-11-05T10:01:05Z', 'busy');
CREATE VIEW fragile.calls WITH (security_barrier = true, security_invoker = false) AS
SELECT t.id, t."user_loginName" AS login, c.result
FROM fragile.transactions t JOIN fragile.connections c ON c.transaction_id = t.id
WHERE c.result IN ('connect', 'transfer');
COMMENT ON VIEW fragile.calls IS 'what the dashboard reads';
COMMENT ON COLUMN fragile.calls.login IS 'of the agent';
ALTER VIEW fragile.calls ALTER COLUMN result SET DEFAULT 'none';
GRANT SELECT ON fragile.calls TO regress_reader;
CREATE VIEW fragile.dependant AS SELECT count(*) AS calls FROM fragile.calls;

-- What the audit says to the owner.
SELECT view, finding, severity, rows_lost, E'\n  ' || detail || E'\n  ' || hint FROM df_audit_views('fragile');
SELECT view, finding, severity, rows_lost, E'\n  ' || detail FROM df_audit_views('fragile', count_within => '0');
-- Nothing is written without apply.
SELECT changes, not_mended, rows_before, rows_after, applied, definition FROM df_harden_view('fragile.calls');
SELECT count(*) FROM dialfire.hardened_views;
SELECT calls FROM fragile.dependant;
-- The search path of the caller finds the view, and has no say in what is written.
SET search_path = fragile, public;
SELECT rows_before, rows_after, applied FROM df_harden_view('calls', apply => true, fallbacks => '{"result": ["c.id", "login"]}');
RESET search_path;
SELECT calls FROM fragile.dependant;
SELECT id, login, result FROM fragile.calls ORDER BY id;
-- What survives: options, owner, comments, defaults, grants; from PostgreSQL 17 on an owner may MAINTAIN, too.
CREATE VIEW fragile.survives AS
SELECT c.reloptions, c.relowner::regrole, obj_description(c.oid, 'pg_class'), col_description(c.oid, 2), replace(c.relacl::text, 'tm/', 't/'),
       (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = c.oid) AS default
FROM pg_class c WHERE c.oid = 'fragile.calls'::regclass;
SELECT * FROM fragile.survives;
SET ROLE regress_reader;
SELECT count(*) FROM fragile.calls;
SET ROLE regress_analyst;
-- Nothing more to do.
SELECT changes, rows_before, rows_after, applied FROM df_harden_view('fragile.calls', apply => true);
SELECT view, hardened_by, changes FROM dialfire.hardened_views;
-- Back: text and options are what they were.
SELECT df_unharden_view('fragile.calls');
SELECT pg_get_viewdef('fragile.calls');
SELECT * FROM fragile.survives;
SELECT calls FROM fragile.dependant;
SELECT regress.try($$SELECT df_unharden_view('fragile.calls')$$);

-- Who changed it since, keeps his change.
SELECT applied FROM df_harden_view('fragile.calls', apply => true);
CREATE OR REPLACE VIEW fragile.calls AS
SELECT t.id, t."user_loginName" AS login, NULL::varchar(20) AS result FROM fragile.transactions t;
SELECT regress.try($$SELECT df_unharden_view('fragile.calls')$$);
SELECT count(*) FROM fragile.calls;

-- Others: no number for whom the view is not, and no replacing.
CREATE OR REPLACE VIEW fragile.calls AS
SELECT t.id, t."user_loginName" AS login, c.result
FROM fragile.transactions t JOIN fragile.connections c ON c.transaction_id = t.id;
SET ROLE regress_plain;
SELECT finding, rows_lost, detail FROM df_audit_views('fragile') WHERE finding = 'inner_join';
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.calls', apply => true)$$);
SELECT regress.try($$SELECT df_unharden_view('fragile.calls')$$);
SELECT regress.try($$DELETE FROM dialfire.hardened_views$$);
RESET ROLE;
-- A superuser counts as the owner of the view, so that its functions get no rights of his.
CREATE TABLE fragile.seen (role text);
GRANT INSERT ON fragile.seen TO PUBLIC;
SET ROLE regress_analyst;
CREATE FUNCTION fragile.tell() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN INSERT INTO fragile.seen VALUES (current_user); RETURN true; END $$;
CREATE VIEW fragile.telling AS
SELECT t.id FROM fragile.transactions t JOIN fragile.connections c ON c.transaction_id = t.id WHERE fragile.tell();
RESET ROLE;
SELECT finding, rows_lost FROM df_audit_views('fragile') WHERE view = 'fragile.telling';
SELECT DISTINCT role FROM fragile.seen;
-- An owner that may not read a column of the fallback: the view stays as it is.
CREATE TABLE fragile.names (transaction_id text PRIMARY KEY, login text, secret text);
GRANT SELECT (transaction_id, login) ON fragile.names TO regress_analyst;
SET ROLE regress_analyst;
CREATE VIEW fragile.named AS SELECT t.id, n.login FROM fragile.transactions t JOIN fragile.names n ON n.transaction_id = t.id;
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.named', apply => true, fallbacks => '{"login": "n.secret"}')$$);

-- Counting takes only so long, and a table that cannot be read is no error.
CREATE VIEW fragile.slow AS
SELECT t.id FROM fragile.transactions t JOIN generate_series(1, 4000000000) g ON g::text = t.id;
SELECT set_config('regress.began', clock_timestamp()::text, false) IS NOT NULL AS began;
SELECT finding, rows_lost, detail FROM df_audit_views('fragile', count_within => '300 ms') WHERE view = 'fragile.slow';
SELECT clock_timestamp() - current_setting('regress.began')::timestamptz < '30 s' AS soon;
-- The caller's own timeout is none of the audit's.
SET statement_timeout = '400 ms';
SELECT regress.try($$SELECT * FROM df_audit_views('fragile', count_within => '1 minute')$$);
RESET statement_timeout;
DROP VIEW fragile.slow;
RESET ROLE;
CREATE TABLE fragile.closed (id text);
SET ROLE regress_analyst;
CREATE VIEW fragile.blind AS SELECT t.id FROM fragile.transactions t JOIN fragile.closed k ON k.id = t.id;
SELECT finding, rows_lost, detail FROM df_audit_views('fragile') WHERE view = 'fragile.blind';

-- Names that are statements are names.
CREATE TABLE fragile."x""; DROP TABLE fragile.closed; --" (id text PRIMARY KEY, "a'; DROP TABLE fragile.closed; --" text);
INSERT INTO fragile."x""; DROP TABLE fragile.closed; --" VALUES ('T1', 'a');
CREATE VIEW fragile."v'); DROP TABLE fragile.closed; --" AS
SELECT t.id, "y""".id AS "select", "y"""."a'; DROP TABLE fragile.closed; --"
FROM fragile.transactions t JOIN fragile."x""; DROP TABLE fragile.closed; --" AS "y""" ON "y""".id = t.id
WHERE "y"""."a'; DROP TABLE fragile.closed; --" <> '''; DROP TABLE fragile.closed; --';
SELECT view, finding, rows_lost, detail, hint FROM df_audit_views('fragile') WHERE view LIKE '%DROP%';
SELECT changes, rows_before, rows_after, definition FROM df_audit_views('fragile') a, df_harden_view(a.view, apply => true)
WHERE a.view LIKE '%DROP%';
SELECT left(df_unharden_view(view), 30) FROM dialfire.hardened_views WHERE view LIKE '%DROP%';
SELECT to_regclass('fragile.closed');

-- Columns that were renamed keep their names; a matview is audited and left alone.
CREATE VIEW fragile.renamed AS SELECT t.id, c.result FROM fragile.transactions t JOIN fragile.connections c ON c.transaction_id = t.id;
ALTER VIEW fragile.renamed RENAME COLUMN result TO "Ergebnis";
SELECT definition FROM df_harden_view('fragile.renamed', apply => true);
SELECT df_unharden_view('fragile.renamed');
CREATE MATERIALIZED VIEW fragile.stored AS SELECT t.id FROM fragile.transactions t JOIN fragile.connections c ON c.transaction_id = t.id;
SELECT finding, rows_lost, detail, hint FROM df_audit_views('fragile') WHERE view = 'fragile.stored';
-- A view below, in another schema, is looked into.
RESET ROLE;
CREATE SCHEMA above AUTHORIZATION regress_analyst;
SET ROLE regress_analyst;
CREATE VIEW above.calls AS SELECT id FROM fragile.renamed;
SELECT view, finding, rows_lost, detail, hint FROM df_audit_views('above');

-- Refusals.
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.stored')$$);
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.transactions')$$);
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.nothing')$$);
SELECT regress.try($$SELECT * FROM df_harden_view('dialfire.calls')$$);
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.calls', keep => 'x')$$);
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.calls', fallbacks => '{"nothing": "c.id"}')$$);
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.calls', fallbacks => '{"login": "c.nothing"}')$$);
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.calls', fallbacks => '{"login": 1}')$$);
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.calls', fallbacks => '["login"]')$$);
SELECT regress.try($$SELECT * FROM df_audit_views('nothing')$$);
CREATE VIEW fragile.checked WITH (check_option = local) AS SELECT id, status FROM fragile.transactions WHERE status <> 'x';
SELECT regress.try($$SELECT * FROM df_harden_view('fragile.checked', fallbacks => '{"status": "transactions.id"}')$$);
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA fragile, above CASCADE;
DELETE FROM dialfire.hardened_views;
REVOKE ALL ON FUNCTION df_harden_view(text, boolean, jsonb, text, interval), df_unharden_view(text)
    FROM regress_analyst, regress_plain;
DROP ROLE regress_analyst, regress_reader;
