-- What a user types after installing, against the simulated vendor at :base_url.
\echo
\echo '── 1. A tenant is a foreign server; the token stands in the user mapping, where nobody else can read it ──'
\echo
CREATE EXTENSION dialfire_sync;
CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'dialfire', account '9c6d0163', timezone 'Europe/Nicosia', base_url :'base_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token 'tenant-secret-token');
\echo
\echo '── 2. Can this server fetch it? Every step, and what to do where one fails ──'
\echo
SELECT step, status, detail, hint FROM df_check('acme');
\echo '── 3. Fetch two weeks ──'
\echo
SELECT * FROM df_sync('acme', 'last 14 days') \gx
\echo '── 4. The agent page: one agent, yesterday and today ──'
\echo
SET timezone = 'Europe/Nicosia';
SELECT transactions_fired_date AS day, recordings_start_time AS start, connections_duration AS ms,
       transactions_status AS status, transactions_status_detail AS detail, transactions_edit_time_sec AS edit_sec,
       left(contacts_firma, 34) AS firma
FROM dialfire.agent_data
WHERE transactions_user_login = 'Anna.Müller' AND transactions_fired_date >= current_date - 1
ORDER BY transactions_fired DESC LIMIT 8;
\echo '── 5. All calls by status. Without a phone leg it was an event, such as an edit; without a person it has no login ──'
\echo
SELECT direction, status, count(*) AS calls, count(connection_id) AS with_leg,
       count(*) FILTER (WHERE is_human) AS by_person, count(agent_login) AS with_login,
       count(recording_location) AS recorded, round(avg(duration_ms) / 1000) AS seconds
FROM dialfire.calls GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC;
\echo '── 6. Asking again is free: nothing inserted, nothing updated, no contact fetched ──'
\echo
SELECT status, fetched, inserted, updated, unchanged, requests, duration FROM df_sync('acme', 'last 14 days');
\echo '── 7. Without a range: only what is wanted and not covered yet ──'
\echo
SELECT status, windows, fetched, inserted, requests, duration FROM df_sync('acme');
\echo '── 8. The ledger: what each run did, and for which time every campaign is proven complete ──'
\echo
SELECT run_id, status, windows, fetched, inserted, updated, unchanged, requests, bytes, duration
FROM dialfire.runs ORDER BY run_id;
SELECT title, covered FROM dialfire.coverage c JOIN dialfire.campaigns k ON k.tenant = c.tenant AND k.id = c.source;
\echo '── 9. From here on by itself: the worker does these jobs, and the health of a tenant is one row ──'
\echo
SELECT job, every, next_run <= now() AS due FROM df_schedule('acme', every => '1 minute');
-- A new database is found within ten seconds; its jobs take less than one each.
DO $$
BEGIN
    FOR tenth IN 1..200 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM dialfire.schedules WHERE last_finished IS NULL);
        PERFORM pg_sleep(0.1);
        COMMIT;
    END LOOP;
END $$;
SELECT job, last_status, next_run, last_message FROM dialfire.schedules ORDER BY next_run;
SELECT tenant, status, lag, rejects, next_action FROM dialfire.sync_health;
\echo '── 10. KPIs, from a rollup that every sync keeps: a refresh costs by days and agents, not by calls ──'
\echo
SELECT view, way, rows, duration, reason FROM df_refresh(force => true);
SELECT tenant, attempts, connects, round(reach::numeric, 2) AS reach, round(avg_talk_sec) AS talk_sec,
       round(avg_wrapup_sec) AS wrapup_sec, missing_login_rate, lag, errors_24h FROM dialfire.ingestion_kpis;
\echo '── What to try next ──'
\echo
\echo '    SELECT * FROM df_options();                                      -- every option of a tenant'
\echo '    SELECT * FROM df_sync(''acme'', ''yesterday'', dry_run => true);     -- fetch and compare, write nothing'
\echo '    SELECT * FROM df_fetch(''acme'', ''last hour'') LIMIT 5;             -- the vendor''s records as they come'
\echo '    SELECT * FROM dialfire.calls WHERE status = ''in_progress'' \\gx    -- who is on the phone'
\echo '    SELECT * FROM df_verify(''acme'', ''yesterday'');                    -- can the day be trusted'
\echo '    CALL df_backfill(''acme'', ''last 20 days'');                        -- a longer past, step by step'
\echo '    \\d+ dialfire.agent_data                                          -- what every column means'
