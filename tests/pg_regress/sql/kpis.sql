-- KPIs, their refresh and their verification, on rows put in by hand.
\pset null (null)
\pset footer off
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
CREATE SERVER regress_beta FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account '00000002');
CREATE ROLE regress_kpi;
GRANT USAGE ON FOREIGN SERVER regress_acme TO regress_kpi;
INSERT INTO dialfire.campaigns (tenant, id, title, api_access) VALUES
    ('regress_acme', 'K1', 'Akquise', true), ('regress_acme', 'K2', 'Bestand', true), ('regress_beta', 'K3', 'Elsewhere', false);
INSERT INTO dialfire.agents (tenant, id, login) VALUES ('regress_acme', 'U2', 'Uwe.Wolf'), ('regress_beta', 'U9', 'Elsewhere');
INSERT INTO dialfire.transactions (tenant, id, campaign_id, contact_id, fired, day, is_human, user_id, user_login, status,
                                   wait_time_sec, pause_time_sec, wrapup_time_sec)
SELECT tenant, id, campaign_id, 'C1', fired, (fired AT TIME ZONE n.timezone)::date, is_human, user_id, user_login, status,
       wait, pause, wrapup
FROM (VALUES
    ('regress_acme', 'T1 recorded',    'K1', '2026-11-05 10:00+00'::timestamptz, true, 'U1', 'Anna.Müller', 'open', 10.5, 4, NULL),
    ('regress_acme', 'T2 no answer',   'K1', '2026-11-05 10:01+00', true,  'U1', 'Anna.Müller', 'open', 0, 6, 30),
    ('regress_acme', 'T3 voicemail',   'K1', '2026-11-05 10:02+00', true,  'U1', 'Anna.Müller', 'open', NULL, NULL, NULL),
    ('regress_acme', 'T4 two legs',    'K1', '2026-11-05 10:03+00', true,  'U2', NULL,          'success', NULL, NULL, NULL),
    ('regress_acme', 'T5 of nobody',   'K1', '2026-11-05 10:04+00', true,  'U9', NULL,          'open', NULL, NULL, NULL),
    ('regress_acme', 'T6 an import',   'K1', '2026-11-05 10:05+00', false, NULL, NULL,          'open', NULL, NULL, NULL),
    ('regress_acme', 'T7 after midnight there', 'K2', '2026-11-05 22:30+00', true, 'U1', 'Anna.Müller', 'open', NULL, NULL, NULL),
    ('regress_acme', 'T8 in December there', 'K2', '2026-11-30 22:30+00', true, 'U1', 'Anna.Müller', 'success', NULL, NULL, NULL),
    ('regress_beta', 'T1 an import',   'K3', '2026-11-05 10:00+00', false, NULL, NULL,          'open', NULL, NULL, NULL)
) AS t(tenant, id, campaign_id, fired, is_human, user_id, user_login, status, wait, pause, wrapup)
JOIN dialfire.tenants n USING (tenant);
INSERT INTO dialfire.connections (tenant, id, transaction_id, contact_id, started, disconnected, result, duration_ms, day)
SELECT t.tenant, l.id, t.id, 'C1', t.fired, t.fired + '1 minute', l.result, l.duration_ms, t.day
FROM (VALUES ('L1', 'T1 %', 'connect', 60000), ('L2', 'T2 %', 'NORESPONS', NULL), ('L3', 'T3 %', 'answeringmachine', NULL),
             ('L4', 'T4 %', 'connect', 20000), ('L4b', 'T4 %', 'transfer', 10000)) AS l(id, of, result, duration_ms)
JOIN dialfire.transactions t ON t.tenant = 'regress_acme' AND t.id LIKE l.of;
INSERT INTO dialfire.recordings (tenant, id, connection_id, transaction_id, contact_id, location, day)
SELECT c.tenant, r.id, c.id, c.transaction_id, 'C1', r.location, c.day
FROM (VALUES ('R1', 'L1', 'https://vault/1.mp3'), ('R2', 'L4', NULL)) AS r(id, of, location) JOIN dialfire.connections c ON c.id = r.of;
SELECT dialfire.keep_main_legs('regress_acme', ARRAY(SELECT id FROM dialfire.transactions));
INSERT INTO dialfire.inbound_calls (tenant, id, campaign_id, user_id, started, day, connected) VALUES
    ('regress_acme', 'I1 taken', 'K2', 'U2', '2026-11-05 11:00+00', '2026-11-05', '2026-11-05 11:00:10+00'),
    ('regress_acme', 'I2 given up', 'K2', NULL, '2026-11-05 11:01+00', '2026-11-05', NULL);

-- The rollup: a second time nothing changes, and what went away goes away.
SELECT tenant, dialfire.keep_stats(tenant, ARRAY(SELECT generate_series('2026-11-01'::date, '2026-12-01', '1 day')::date))
FROM (VALUES ('regress_acme'), ('regress_beta')) AS t(tenant);
SELECT dialfire.keep_stats('regress_acme', ARRAY['2026-11-05', '2026-11-06', '2026-12-01']::date[]) AS again;
SELECT day, campaign_id AS campaign, agent_id AS agent, agent_login AS login, attempts, human, missing_login AS nameless, with_leg,
       connects, voicemails, conversions AS conv, recorded, talk_ms, talks, inbound, inbound_answered AS answered
FROM dialfire.daily_stats WHERE tenant = 'regress_acme' ORDER BY 1, 2, 3;
BEGIN;
UPDATE dialfire.transactions SET user_id = 'U1', user_login = 'Anna.Müller' WHERE id LIKE 'T5%';
SELECT dialfire.keep_stats('regress_acme', ARRAY['2026-11-05']::date[]) AS one_gone_one_changed;
SELECT agent_id, attempts FROM dialfire.daily_stats WHERE tenant = 'regress_acme' AND day = '2026-11-05' AND campaign_id = 'K1' ORDER BY 1;
ROLLBACK;

-- Calls of voice agents count as well; test calls of any vendor do not.
BEGIN;
UPDATE dialfire.transactions SET is_test = true WHERE tenant = 'regress_beta';
INSERT INTO dialfire.voice_calls (tenant, id, day, created_at, started_at, ended_at, vendor_status, ended_reason, direction, assistant_id,
                                  assistant_name, is_test, success_evaluation, recording_url, seen)
SELECT 'regress_beta', id, '2026-11-05', '2026-11-05 10:00+00', '2026-11-05 10:00+00'::timestamptz + answered,
       '2026-11-05 10:01+00', status, reason, direction, 'A1', 'Nova', is_test, evaluation, recording, '{}'
FROM (VALUES ('V1 sold', '15 s'::interval, 'ended', 'customer-ended-call', 'outbound', false, 'true', 'https://vault/v.mp3'),
             ('V2 busy', NULL, 'ended', 'customer-busy', 'outbound', false, NULL, NULL),
             ('V3 queued', NULL, 'queued', NULL, 'outbound', false, NULL, NULL),
             ('V4 came in', '5 s', 'ended', 'assistant-ended-call', 'inbound', NULL, 'false', NULL),
             ('V5 a test', '5 s', 'ended', 'customer-ended-call', 'web', true, 'true', NULL))
    AS v(id, answered, status, reason, direction, is_test, evaluation, recording);
SELECT dialfire.keep_stats('regress_beta', '{2026-11-05}');
SELECT campaign_id AS campaign, agent_id AS agent, agent_login AS login, attempts, human, with_leg, connects, voicemails,
       conversions AS conv, recorded, talk_ms, talks, inbound, inbound_answered AS answered
FROM dialfire.daily_stats WHERE tenant = 'regress_beta' ORDER BY 1, 2;
ROLLBACK;

-- Every column of the views is a dimension or defined, and every definition is a column. Both: no row.
CREATE TEMP VIEW kpi_columns AS
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'dialfire'::regnamespace
  AND c.relname IN ('agent_daily', 'campaign_daily', 'tenant_daily', 'monthly', 'ingestion_kpis', 'ingestion_monthly')
  AND a.attname NOT IN ('tenant', 'day', 'days', 'month', 'agent_id', 'agent_login', 'campaign_id', 'title');
SELECT relname, attname FROM kpi_columns WHERE attname NOT IN (SELECT kpi FROM dialfire.kpi_definitions) ORDER BY 1, 2;
SELECT kpi FROM dialfire.kpi_definitions WHERE kpi NOT IN (SELECT attname FROM kpi_columns) ORDER BY 1;
-- Every KPI of every tenant and month is what its formula says: no row.
SELECT count(*) FROM df_refresh(true);
CREATE FUNCTION pg_temp.by_formula(kpi text) RETURNS TABLE (tenant text, month date, value float8) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE (
        SELECT format('SELECT tenant, month, %s FROM dialfire.mv_ingestion_monthly',
                      regexp_replace(regexp_replace(d.formula, '/ (\w+)', '/ NULLIF(\1, 0)', 'g'), '^(\w+)', '\1::float8'))
        FROM dialfire.kpi_definitions d WHERE d.kpi = by_formula.kpi);
END
$$;
SELECT d.kpi, f.tenant, f.month, f.value AS by_formula, v.row -> d.kpi AS shown
FROM dialfire.kpi_definitions d, pg_temp.by_formula(d.kpi) f
JOIN (SELECT tenant, month, to_jsonb(m) AS row FROM dialfire.ingestion_monthly m
      UNION ALL SELECT tenant, month, to_jsonb(m) FROM dialfire.monthly m) v USING (tenant, month)
WHERE NOT d.live AND (v.row ->> d.kpi)::float8 IS DISTINCT FROM f.value;

-- What people see. Where nobody was dialled there is no reach, not one of 0.
\pset expanded on
SELECT * FROM dialfire.agent_daily WHERE day = '2026-11-05' AND tenant = 'regress_acme' ORDER BY agent_id;
SELECT * FROM dialfire.campaign_daily ORDER BY tenant, day, campaign_id;
\pset expanded off
SELECT tenant, month, attempts, connects, reach, conversions AS conv, missing_login_rate AS nameless, inbound
FROM dialfire.monthly ORDER BY 1, 2;
SELECT tenant, day, attempts, connects, reach, conversions AS conv, missing_login_rate AS nameless, inbound
FROM dialfire.tenant_daily ORDER BY 1, 2;
-- A month of matview and view are the same: no row, and as many months.
SELECT to_jsonb(m) - 'days' FROM dialfire.ingestion_monthly m EXCEPT SELECT to_jsonb(m) FROM dialfire.monthly m;
SELECT (SELECT count(*) FROM dialfire.ingestion_monthly) = (SELECT count(*) FROM dialfire.monthly) AS as_many;

-- Lag, freshness and errors are live.
INSERT INTO dialfire.runs (tenant, run_id, status, role, started_at, finished_at, message, hint) VALUES
    ('regress_acme', 1, 'failed', 'postgres', now(), now(), 'the vendor answered 403', 'df_check tells'),
    ('regress_acme', 2, 'success', 'postgres', now(), now(), 'all is well', NULL),
    ('regress_acme', 3, 'partial', 'postgres', now() - interval '2 days', now() - interval '2 days', 'long ago', NULL),
    ('regress_beta', 4, 'crashed', 'postgres', now(), now(), 'server gone', NULL);
INSERT INTO dialfire.http_log (tenant, run_id, at, method, url, status, attempt, duration_ms, bytes) VALUES
    ('regress_acme', 1, now(), 'GET', 'https://api.dialfire.com/api/tenants/9c6d0163/campaigns/', 403, 1, 12, 9);
INSERT INTO dialfire.rejects (tenant, run_id, kind, key, reason, field, fingerprint, resolved_at) VALUES
    ('regress_acme', 1, 'contact', 'C7', 'bad_number', 'pause_time_sec', 'a', NULL),
    ('regress_acme', 1, 'contact', 'C8', 'bad_number', 'pause_time_sec', 'b', now());
\pset expanded on
SELECT tenant, attempts, connects, reach, conversions, conversion_rate, avg_talk_sec, avg_wait_sec, avg_preparation_sec,
       avg_wrapup_sec, missing_login_rate, connection_coverage, recording_coverage, inbound, inbound_answered,
       lag > '13 days' AS lags, freshness IS NOT NULL AS fresh, errors_24h
FROM dialfire.ingestion_kpis ORDER BY tenant = 'all tenants', tenant;
\pset expanded off
-- Without a gap the lag is what the option settle leaves out, and the same as in sync_health.
BEGIN;
INSERT INTO dialfire.coverage (tenant, source, covered) VALUES ('regress_acme', 'K1', '{(,)}'), ('regress_acme', 'K2', '{(,)}');
SELECT k.tenant, k.lag, k.lag = h.lag AS as_in_health
FROM dialfire.ingestion_kpis k LEFT JOIN dialfire.sync_health h USING (tenant) ORDER BY 1;
ROLLBACK;
-- A role that may use one of the two; its total is that of its tenants.
SET ROLE regress_kpi;
SELECT tenant, attempts, connects, reach, errors_24h FROM dialfire.ingestion_kpis ORDER BY tenant = 'all tenants', tenant;
SELECT tenant, month FROM dialfire.ingestion_monthly ORDER BY 1, 2;
SELECT DISTINCT tenant FROM dialfire.monthly UNION SELECT DISTINCT tenant FROM dialfire.agent_daily
UNION SELECT DISTINCT tenant FROM dialfire.campaign_daily UNION SELECT DISTINCT tenant FROM dialfire.tenant_daily
UNION SELECT DISTINCT tenant FROM dialfire.daily_stats;
SELECT regress.try('SELECT * FROM dialfire.mv_ingestion_kpis');
SELECT regress.try('SELECT * FROM df_refresh()');
SELECT regress.try($$SELECT df_verify('regress_beta', '2026-11-05')$$);
SELECT regress.try($$SELECT dialfire.keep_stats('regress_acme', '{2026-11-05}')$$);
-- Another's days computed by it are empty.
SELECT count(*) FROM dialfire.stats_of('regress_beta', '{2026-11-05}');
RESET ROLE;
-- And one that may use none sees no tenant, and a total of nothing.
SET ROLE regress_plain;
SELECT tenant, attempts, reach, errors_24h FROM dialfire.ingestion_kpis;
SELECT count(*) FROM dialfire.ingestion_monthly;
RESET ROLE;

-- The queries of the runbook, as they stand there.
SET search_path = public, dialfire;
SELECT matviewname FROM pg_matviews
WHERE matviewname IN ('mv_ingestion_kpis', 'mv_ingestion_monthly') ORDER BY 1;
SELECT tenant, attempts FROM mv_ingestion_kpis ORDER BY 1;
\pset expanded on
SELECT source, tenant, run_id, code, message FROM (SELECT * FROM error_log_view ORDER BY timestamp DESC LIMIT 10) e ORDER BY 1, 2, 3;
\pset expanded off
SELECT run_id, tenant, status, message FROM (SELECT * FROM ingestion_run_view ORDER BY started_at DESC LIMIT 5) r ORDER BY 1;
RESET search_path;

-- Refreshing: plain where nothing can be read, then without blocking readers, then not at all.
CREATE TEMP VIEW status AS SELECT view, populated, way, rows, stale, age >= '0' AND duration >= '0' AS timed FROM dialfire.matview_status ORDER BY 1;
REFRESH MATERIALIZED VIEW dialfire.mv_ingestion_kpis WITH NO DATA;
REFRESH MATERIALIZED VIEW dialfire.mv_ingestion_monthly WITH NO DATA;
TABLE status;
SELECT regress.try('SELECT * FROM dialfire.ingestion_kpis');
SELECT view, way, rows, duration >= '0' AS timed, reason FROM df_refresh();
TABLE status;
SELECT view, way, rows, duration, reason FROM df_refresh();
SELECT view, way, rows, reason FROM df_refresh(force => true);
UPDATE dialfire.transactions SET status = 'success' WHERE tenant = 'regress_beta';
SELECT dialfire.keep_stats('regress_beta', '{2026-11-05}');
TABLE status;
SELECT view, way, rows, reason FROM df_refresh();
TABLE status;
-- A login that is learned changes a KPI too.
INSERT INTO dialfire.agents (tenant, id, login) VALUES ('regress_acme', 'U9', 'Nora.Neu');
SELECT view, way FROM df_refresh();
SELECT tenant, missing_login_rate FROM dialfire.ingestion_kpis ORDER BY 1;
DELETE FROM dialfire.agents WHERE id = 'U9' AND tenant = 'regress_acme';
-- In one transaction as well, where now() stands still.
BEGIN;
UPDATE dialfire.transactions SET status = 'open' WHERE tenant = 'regress_beta';
SELECT dialfire.keep_stats('regress_beta', '{2026-11-05}');
SELECT view, way FROM df_refresh();
UPDATE dialfire.transactions SET status = 'success' WHERE tenant = 'regress_beta';
SELECT dialfire.keep_stats('regress_beta', '{2026-11-05}');
SELECT view, way FROM df_refresh();
ROLLBACK;
-- Without its index a matview is refreshed plainly.
BEGIN;
ALTER EXTENSION dialfire_sync DROP MATERIALIZED VIEW dialfire.mv_ingestion_monthly;
DROP INDEX dialfire.mv_ingestion_monthly_key;
SELECT view, way, reason FROM df_refresh(true);
ROLLBACK;

-- Verifying a range: the checks in order, and what is to be done.
SELECT check_name, value, expected, verdict, hint FROM df_verify('regress_acme', '2026-11-05') \gx
INSERT INTO dialfire.coverage (tenant, source, covered) VALUES
    ('regress_acme', 'K1', '{[2026-11-04 22:00+00,2026-11-05 22:00+00)}'),
    ('regress_acme', 'K2', '{[2026-11-04 22:00+00,2026-11-05 21:59+00)}');
SELECT value, verdict FROM df_verify('regress_acme', '2026-11-05') WHERE check_name LIKE 'campaigns%';
-- Mended, all is well; broken again, each check sees its own.
BEGIN;
UPDATE dialfire.coverage SET covered = '{[2026-11-01,2026-11-10)}';
UPDATE dialfire.transactions SET user_id = 'U1', user_login = 'Anna.Müller' WHERE id LIKE 'T5%';
SELECT dialfire.keep_stats('regress_acme', '{2026-11-05}');
UPDATE dialfire.rejects SET resolved_at = now();
SELECT check_name, value, verdict FROM df_verify('regress_acme', '2026-11-05');
UPDATE dialfire.transactions SET day = '2026-11-04' WHERE id LIKE 'T1%';
UPDATE dialfire.connections SET disconnected = NULL WHERE id = 'L1';
SELECT check_name, value, verdict, hint FROM df_verify('regress_acme', '2026-11-05') WHERE verdict = 'look';
-- A row of the rollup that no call is behind, and one column that is off.
UPDATE dialfire.daily_stats SET conversions = 7 WHERE tenant = 'regress_acme' AND day = '2026-11-06';
INSERT INTO dialfire.daily_stats SELECT (jsonb_populate_record(d, '{"agent_id": "U0"}')).* FROM dialfire.daily_stats d
WHERE tenant = 'regress_acme' AND day = '2026-11-06';
SELECT value, verdict FROM df_verify('regress_acme', '2026-11-06') WHERE check_name LIKE 'rows of daily_stats%';
ROLLBACK;
-- A day without calls is looked at, not passed.
SELECT check_name, value, verdict FROM df_verify('regress_acme', '2026-10-05') WHERE verdict = 'look';

DELETE FROM dialfire.campaigns;
DELETE FROM dialfire.agents;
DELETE FROM dialfire.transactions;
DELETE FROM dialfire.connections;
DELETE FROM dialfire.recordings;
DELETE FROM dialfire.inbound_calls;
DELETE FROM dialfire.runs;
DELETE FROM dialfire.http_log;
DELETE FROM dialfire.rejects;
DELETE FROM dialfire.coverage;
DELETE FROM dialfire.daily_stats;
DROP SERVER regress_beta;
REVOKE USAGE ON FOREIGN SERVER regress_acme FROM regress_kpi;
DROP ROLE regress_kpi;
