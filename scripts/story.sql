-- A database as the vendor's own client leaves it, and how its KPI becomes right. scripts/story_before.sql made it.
SET timezone = 'Europe/Nicosia';
\echo
\echo '── 1. The KPI: every dialled call was answered, and one day is not a day. Can that be? ──'
\echo
SELECT * FROM calls_per_day WHERE day >= (current_date - 3)::text ORDER BY day;
\echo '── 2. The view: which rows it drops today, and why ──'
\echo
CREATE EXTENSION dialfire_sync;
SELECT finding, rows_lost, left(detail, 84) AS detail FROM df_audit_views('public') WHERE view LIKE '%agent_calls';
\echo '── 3. The tables: taken over with their ids, typed; what cannot be read is quarantined, not lost ──'
\echo
CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'dialfire', account '9c6d0163', timezone 'Europe/Nicosia', base_url :'base_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token 'tenant-secret-token');
SELECT table_name, read, inserted, rejected, duplicates FROM df_adopt('public');
SELECT kind, reason, count(*), min(detail) AS example FROM dialfire.rejects_open GROUP BY 1, 2;
\echo '── 4. What is missing? The vendor still has everything, so it is asked; nothing is written ──'
\echo
CREATE TEMP TABLE missing AS SELECT * FROM df_compare('public', 'acme', 'last 21 days', ask_vendor => true);
SELECT side, what, count(*), count(*) FILTER (WHERE detail LIKE '%instant') AS same_instant FROM missing GROUP BY 1, 2;
SELECT to_char(fired, 'DD Mon HH24:MI') AS at, agent_login AS agent, what, left(detail, 76) AS detail
FROM (SELECT *, row_number() OVER (PARTITION BY what ORDER BY fired DESC) AS n FROM missing WHERE detail LIKE '%connect%') m
WHERE n <= 3 ORDER BY what, fired;
\echo '── 5. It is fetched, and only what was fetched whole is called covered ──'
\echo
SET client_min_messages = warning;
CALL df_backfill('acme', 'last 21 days', step => '7 days');
SELECT kind, status, windows, fetched, inserted, updated, unchanged, duration FROM dialfire.runs ORDER BY run_id;
SELECT count(*) AS still_missing FROM missing m WHERE what = 'call'
    AND NOT EXISTS (SELECT FROM dialfire.transactions t WHERE t.tenant = 'acme' AND t.id = m.call_id);
\echo '── 6. The view gets the typed tables, under the same names. Its joins still drop calls ──'
\echo
CREATE OR REPLACE VIEW agent_calls AS
SELECT t.day::text AS day, t.id::varchar(50) AS call_id, COALESCE(t.user_login, a.login)::varchar(50) AS agent,
       t.is_human AS by_person, c.id::varchar(50) AS leg_id, c.result::varchar(50), c.duration_ms::numeric AS ms,
       r.location::varchar AS recording, co.fields ->> 'firma' AS firma
FROM dialfire.transactions t
JOIN dialfire.connections c ON c.tenant = t.tenant AND c.transaction_id = t.id
JOIN dialfire.recordings r ON r.tenant = t.tenant AND r.connection_id = c.id
JOIN dialfire.contacts co ON co.tenant = t.tenant AND co.id = r.contact_id
LEFT JOIN dialfire.agents a ON a.tenant = t.tenant AND a.id = t.user_id;
SELECT * FROM calls_per_day WHERE day >= (current_date - 3)::text ORDER BY day;
\echo '── 7. The view is mended in place: same columns, and the view on top of it goes on ──'
\echo
SELECT unnest(changes) AS change, rows_before, rows_after, applied FROM df_harden_view('agent_calls', apply => true);
\echo '── 8. The KPI is right: it is what the rollup says, and the vendor ──'
\echo
SELECT k.*, t.attempts, t.connects, round(t.reach::numeric, 2) AS reach_by_rollup
FROM calls_per_day k JOIN dialfire.tenant_daily t ON t.tenant = 'acme' AND t.day::text = k.day
WHERE t.day >= current_date - 3 ORDER BY day;
SELECT check_name, value, expected, verdict FROM df_verify('acme', 'last 3 days') WHERE verdict <> 'note';
