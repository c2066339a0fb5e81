-- Ranges that df_sync and df_fetch refuse. Nobody listens at the vendor's address: all this is said before it is asked.
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SELECT range || E'\n' || regexp_replace(regress.try(format('SELECT df_sync(''regress_acme'', %L)', range)), 'now it is [^\n]*', 'now it is …')
FROM (VALUES ('[2026-11-15,2026-11-01)'), ('2026-11-15..2026-11-01'),
             ('[2026-11-05,2026-11-05)'), ('empty'), ('last 0 days'),
             ('(,)'), ('..2026-11-01'), ('[-infinity,2026-11-01)'), ('infinity'),
             ('2999-01-01'), ('[2999-01-01,2999-02-01)'),
             ('1969-12-31'), ('[10000-01-01,10000-01-02)'),
             (''), ('tomorrow'), ('last week but one'), ('2026-13'), ('2026-02-30'), ('01.11.2026'), ('11/05/2026'),
             ('[2026-11-01'), ('2026-11-01,2026-11-15'), ('2026-11-01 25:00'), (repeat('x', 200))) AS r(range);
-- Ranges that are typed already.
SELECT range || E'\n' || regexp_replace(regress.try(format('SELECT df_sync(''regress_acme'', %s)', range)), 'now it is [^\n]*', 'now it is …')
FROM (VALUES ($$daterange('2026-11-05', '2026-11-05')$$), ($$daterange(NULL, '2026-11-05')$$),
             ($$daterange('2999-01-01', '2999-01-02')$$), ($$daterange('infinity', NULL)$$),
             ($$tstzrange('2026-11-05 10:00+00', '2026-11-05 10:00+00')$$), ($$tstzrange(NULL, NULL)$$),
             ($$tstzrange('2999-01-01', '2999-01-02')$$), ($$'empty'::tstzrange$$)) AS r(range);
SELECT regress.try($$SELECT * FROM df_fetch('regress_acme', '[2026-11-15,2026-11-01)')$$);
SELECT regress.try($$SELECT * FROM df_fetch('regress_acme', daterange('2026-11-05', '2026-11-05'))$$);

-- Tenants that are none.
SELECT regress.try($$SELECT df_sync('nobody', 'today')$$);
SELECT regress.try($$SELECT df_sync('Some"body', 'today')$$);
SELECT regress.try($$SELECT * FROM df_check('nobody')$$);
SELECT regress.try($$SELECT * FROM df_fetch('nobody', 'today')$$);
CREATE FOREIGN DATA WRAPPER regress_other;
CREATE SERVER regress_other FOREIGN DATA WRAPPER regress_other;
SELECT regress.try($$SELECT df_sync('regress_other', 'today')$$);
DROP FOREIGN DATA WRAPPER regress_other CASCADE;

-- Tenants that cannot be asked.
CREATE SERVER regress_bare FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account 'a');
SELECT regexp_replace(regress.try($$SELECT df_sync('regress_bare', 'today')$$), current_user::text, 'postgres', 'g');
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_bare;
SELECT regress.try($$SELECT df_sync('regress_bare', 'today')$$);
ALTER USER MAPPING FOR CURRENT_USER SERVER regress_bare OPTIONS (ADD token_file '/nonexistent/token');
SELECT regress.try($$SELECT df_sync('regress_bare', 'today')$$);
ALTER USER MAPPING FOR CURRENT_USER SERVER regress_bare OPTIONS (DROP token_file, ADD token 'abc');
SET dialfire_sync.allowed_hosts = 'elsewhere.example';
SELECT regress.try($$SELECT df_sync('regress_bare', 'today')$$);
RESET dialfire_sync.allowed_hosts;
DROP SERVER regress_bare CASCADE;

-- A vendor that is not there is no error: the run says so.
SELECT status, windows, fetched, requests, message FROM df_sync('regress_acme', '[2026-11-01,2026-11-15)', dry_run => true);
SELECT status, message FROM df_sync('regress_acme', daterange('2026-11-01', '2026-11-15'), true);
SELECT status, message FROM df_sync('regress_acme', tstzrange('2026-11-01', '2026-11-15'), true);
SELECT status, message FROM df_sync('regress_acme', 'yesterday', true);
SELECT status, message FROM df_sync('regress_acme', dry_run => true);
SELECT status, message FROM df_sync('regress_acme', true);
-- df_fetch has no place to say it but an error.
SELECT regress.try($$SELECT * FROM df_fetch('regress_acme', 'yesterday')$$);
SELECT count(*) FROM dialfire.runs;
