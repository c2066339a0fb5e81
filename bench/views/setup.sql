-- Three tenants with what a table of calls refers to, and a ledger of the size that retention leaves.
CREATE EXTENSION dialfire_sync;
CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account '1', timezone 'Europe/Nicosia');
CREATE SERVER beta FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account '2', timezone 'Europe/Berlin');
CREATE SERVER gamma FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account '3', timezone 'America/New_York');

INSERT INTO dialfire.campaigns (tenant, id, title, api_access)
SELECT tenant, 'K' || k, 'Campaign ' || k, true FROM dialfire.tenants, generate_series(0, 4) AS k;
INSERT INTO dialfire.agents (tenant, id, login)
SELECT tenant, 'U' || u, 'Agent.' || u FROM dialfire.tenants, generate_series(0, 29) AS u;
INSERT INTO dialfire.coverage (tenant, source, covered) SELECT tenant, id, '{(,2026-11-01)}' FROM dialfire.campaigns;

-- A run a minute for 100,000 minutes, one in fifty of them partial; the refused requests and open rejects of as long.
INSERT INTO dialfire.runs (tenant, status, role, started_at, finished_at, message)
SELECT tenant, CASE WHEN m % 50 = 0 THEN 'partial' ELSE 'success' END, 'postgres', now() - m * interval '1 minute',
       now() - m * interval '1 minute', 'all windows complete'
FROM dialfire.tenants, generate_series(1, 100000) AS m;
INSERT INTO dialfire.http_log (tenant, run_id, at, method, url, status, attempt, duration_ms, bytes)
SELECT tenant, m, now() - m * interval '1 minute', 'GET', 'https://api.dialfire.com/api/campaigns/K1/contacts/transactions/', 503, 1, 20, 90
FROM dialfire.tenants, generate_series(1, 100000) AS m;
INSERT INTO dialfire.rejects (tenant, run_id, kind, reason, fingerprint, last_seen)
SELECT tenant, m, 'contact', 'bad_number', m, now() - m * interval '10 minutes'
FROM dialfire.tenants, generate_series(1, 10000) AS m;

-- A role that sees one of the three, as row security lets it.
CREATE ROLE bench_reader;
GRANT USAGE ON FOREIGN SERVER acme TO bench_reader;

-- What somebody would write who has no rollup: the sums of mv_ingestion_monthly straight from the calls.
CREATE MATERIALIZED VIEW plain_monthly AS
SELECT t.tenant, date_trunc('month', t.day::timestamp)::date AS month, count(*) AS attempts,
       count(*) FILTER (WHERE t.is_human) AS human,
       count(*) FILTER (WHERE t.is_human AND t.user_login IS NULL AND a.id IS NULL) AS missing_login,
       count(l.transaction_id) AS with_leg, count(*) FILTER (WHERE l.connected) AS connects,
       count(*) FILTER (WHERE t.status = 'success') AS conversions, count(*) FILTER (WHERE l.connected AND l.recorded) AS recorded,
       sum(l.talk_ms) AS talk_ms, sum(l.talks) AS talks, sum(t.wait_time_sec) AS wait_sec, count(t.wait_time_sec) AS waits,
       sum(t.pause_time_sec) AS pause_sec, count(t.pause_time_sec) AS pauses, sum(t.wrapup_time_sec) AS wrapup_sec,
       count(t.wrapup_time_sec) AS wrapups, count(DISTINCT t.day) AS days, min(t.fired) AS first_at, max(t.fired) AS last_at
FROM dialfire.transactions t
LEFT JOIN dialfire.agents a ON a.tenant = t.tenant AND a.id = t.user_id
LEFT JOIN (
    SELECT c.tenant, c.transaction_id, bool_or(m.status = 'completed') AS connected, bool_or(r.recorded) AS recorded,
           sum(c.duration_ms) FILTER (WHERE m.status = 'completed') AS talk_ms,
           count(c.duration_ms) FILTER (WHERE m.status = 'completed') AS talks
    FROM dialfire.connections c
    LEFT JOIN dialfire.call_statuses m ON m.vendor = 'dialfire' AND m.vendor_status = lower(c.result)
    LEFT JOIN (SELECT tenant, connection_id, true AS recorded FROM dialfire.recordings WHERE location IS NOT NULL
               GROUP BY tenant, connection_id) r ON r.tenant = c.tenant AND r.connection_id = c.id
    GROUP BY c.tenant, c.transaction_id
) l ON l.tenant = t.tenant AND l.transaction_id = t.id
GROUP BY t.tenant, date_trunc('month', t.day::timestamp)
WITH NO DATA;
