-- KPIs: from the rollup, so that they cost by days and agents and not by calls.

CREATE TABLE dialfire.kpi_definitions (
    kpi         text PRIMARY KEY,
    unit        text NOT NULL,
    formula     text NOT NULL,
    meaning     text NOT NULL
);
COMMENT ON TABLE dialfire.kpi_definitions IS 'what each KPI means and how it is made from daily_stats';
COMMENT ON COLUMN dialfire.kpi_definitions.kpi IS 'column in agent_daily, campaign_daily, monthly, ingestion_kpis and ingestion_monthly';
COMMENT ON COLUMN dialfire.kpi_definitions.unit IS 'unit';
COMMENT ON COLUMN dialfire.kpi_definitions.formula IS 'sums of columns of daily_stats';
COMMENT ON COLUMN dialfire.kpi_definitions.meaning IS 'in words';
INSERT INTO dialfire.kpi_definitions VALUES
    ('attempts', 'calls', 'attempts', 'outbound attempts and events'),
    ('connects', 'calls', 'connects', 'attempts that somebody answered'),
    ('reach', 'share 0 to 1', 'connects / with_leg', 'answered share of the attempts that were dialled'),
    ('conversions', 'calls', 'conversions', 'attempts with status success'),
    ('conversion_rate', 'share 0 to 1', 'conversions / connects', 'successes by answered attempts'),
    ('avg_talk_sec', 'seconds', 'talk_ms / talks / 1000', 'mean duration of an answered leg'),
    ('avg_wait_sec', 'seconds', 'wait_sec / waits', 'mean waiting for a call, where given'),
    ('avg_preparation_sec', 'seconds', 'pause_sec / pauses', 'mean preparation, where given'),
    ('avg_wrapup_sec', 'seconds', 'wrapup_sec / wrapups', 'mean after-call work, where given'),
    ('missing_login_rate', 'share 0 to 1', 'missing_login / human', 'human events without a login and without a known user; events of machines have none by right'),
    ('connection_coverage', 'share 0 to 1', 'with_leg / attempts', 'attempts with a phone leg; below 1 by right, as most events are no calls'),
    ('recording_coverage', 'share 0 to 1', 'recorded / connects', 'answered attempts with a recording'),
    ('inbound', 'calls', 'inbound', 'inbound calls'),
    ('inbound_answered', 'calls', 'inbound_answered', 'inbound calls that were answered'),
    ('lag', 'interval', 'now - first gap of coverage', 'age of the oldest wanted time that is not proven complete'),
    ('freshness', 'interval', 'now - last_at', 'age of the newest call'),
    ('errors_24h', 'errors', 'rows of error_log_view in 24 h', 'failed runs, failed requests and rejects of the last 24 hours');

CREATE VIEW dialfire.agent_daily WITH (security_invoker = true) AS
SELECT d.tenant,
       d.day,
       d.agent_id,
       COALESCE(NULLIF(d.agent_login, ''), a.login) AS agent_login,
       sum(attempts)::bigint AS attempts,
       sum(connects)::bigint AS connects,
       sum(connects)::float8 / NULLIF(sum(with_leg), 0) AS reach,
       sum(conversions)::bigint AS conversions,
       sum(conversions)::float8 / NULLIF(sum(connects), 0) AS conversion_rate,
       sum(talk_ms)::float8 / NULLIF(sum(talks), 0) / 1000 AS avg_talk_sec,
       sum(wait_sec) / NULLIF(sum(waits), 0)::float8 AS avg_wait_sec,
       sum(pause_sec) / NULLIF(sum(pauses), 0)::float8 AS avg_preparation_sec,
       sum(wrapup_sec) / NULLIF(sum(wrapups), 0)::float8 AS avg_wrapup_sec,
       sum(recorded)::float8 / NULLIF(sum(connects), 0) AS recording_coverage,
       sum(inbound)::bigint AS inbound,
       sum(inbound_answered)::bigint AS inbound_answered
FROM dialfire.daily_stats d
LEFT JOIN dialfire.agents a ON a.tenant = d.tenant AND a.id = d.agent_id
GROUP BY d.tenant, d.day, d.agent_id, COALESCE(NULLIF(d.agent_login, ''), a.login);
COMMENT ON VIEW dialfire.agent_daily IS 'one row a tenant, day and agent; the row without an agent holds events of machines';

CREATE VIEW dialfire.campaign_daily WITH (security_invoker = true) AS
SELECT d.tenant,
       d.day,
       d.campaign_id,
       c.title,
       sum(attempts)::bigint AS attempts,
       sum(connects)::bigint AS connects,
       sum(connects)::float8 / NULLIF(sum(with_leg), 0) AS reach,
       sum(conversions)::bigint AS conversions,
       sum(conversions)::float8 / NULLIF(sum(connects), 0) AS conversion_rate,
       sum(talk_ms)::float8 / NULLIF(sum(talks), 0) / 1000 AS avg_talk_sec,
       sum(wait_sec) / NULLIF(sum(waits), 0)::float8 AS avg_wait_sec,
       sum(pause_sec) / NULLIF(sum(pauses), 0)::float8 AS avg_preparation_sec,
       sum(wrapup_sec) / NULLIF(sum(wrapups), 0)::float8 AS avg_wrapup_sec,
       sum(missing_login) FILTER (WHERE a.id IS NULL)::float8 / NULLIF(sum(human), 0) AS missing_login_rate,
       sum(with_leg)::float8 / NULLIF(sum(attempts), 0) AS connection_coverage,
       sum(recorded)::float8 / NULLIF(sum(connects), 0) AS recording_coverage,
       sum(inbound)::bigint AS inbound,
       sum(inbound_answered)::bigint AS inbound_answered
FROM dialfire.daily_stats d
LEFT JOIN dialfire.agents a ON a.tenant = d.tenant AND a.id = d.agent_id
LEFT JOIN dialfire.campaigns c ON c.tenant = d.tenant AND c.id = d.campaign_id
GROUP BY d.tenant, d.day, d.campaign_id, c.title;
COMMENT ON VIEW dialfire.campaign_daily IS 'one row a tenant, day and campaign';

CREATE VIEW dialfire.monthly WITH (security_invoker = true) AS
SELECT d.tenant,
       date_trunc('month', d.day)::date AS month,
       sum(attempts)::bigint AS attempts,
       sum(connects)::bigint AS connects,
       sum(connects)::float8 / NULLIF(sum(with_leg), 0) AS reach,
       sum(conversions)::bigint AS conversions,
       sum(conversions)::float8 / NULLIF(sum(connects), 0) AS conversion_rate,
       sum(talk_ms)::float8 / NULLIF(sum(talks), 0) / 1000 AS avg_talk_sec,
       sum(wait_sec) / NULLIF(sum(waits), 0)::float8 AS avg_wait_sec,
       sum(pause_sec) / NULLIF(sum(pauses), 0)::float8 AS avg_preparation_sec,
       sum(wrapup_sec) / NULLIF(sum(wrapups), 0)::float8 AS avg_wrapup_sec,
       sum(missing_login) FILTER (WHERE a.id IS NULL)::float8 / NULLIF(sum(human), 0) AS missing_login_rate,
       sum(with_leg)::float8 / NULLIF(sum(attempts), 0) AS connection_coverage,
       sum(recorded)::float8 / NULLIF(sum(connects), 0) AS recording_coverage,
       sum(inbound)::bigint AS inbound,
       sum(inbound_answered)::bigint AS inbound_answered
FROM dialfire.daily_stats d
LEFT JOIN dialfire.agents a ON a.tenant = d.tenant AND a.id = d.agent_id
GROUP BY d.tenant, date_trunc('month', d.day);
COMMENT ON VIEW dialfire.monthly IS 'one row a tenant and month';

CREATE MATERIALIZED VIEW dialfire.mv_ingestion_monthly AS
SELECT d.tenant,
       date_trunc('month', d.day)::date AS month,
       sum(attempts)::bigint AS attempts,
       sum(human)::bigint AS human,
       (COALESCE(sum(missing_login) FILTER (WHERE a.id IS NULL), 0))::bigint AS missing_login,
       sum(with_leg)::bigint AS with_leg,
       sum(connects)::bigint AS connects,
       sum(conversions)::bigint AS conversions,
       sum(recorded)::bigint AS recorded,
       sum(talk_ms)::bigint AS talk_ms,
       sum(talks)::bigint AS talks,
       sum(wait_sec) AS wait_sec,
       sum(waits)::bigint AS waits,
       sum(pause_sec) AS pause_sec,
       sum(pauses)::bigint AS pauses,
       sum(wrapup_sec) AS wrapup_sec,
       sum(wrapups)::bigint AS wrapups,
       sum(inbound)::bigint AS inbound,
       sum(inbound_answered)::bigint AS inbound_answered,
       count(DISTINCT d.day) AS days,
       min(first_at) AS first_at,
       max(last_at) AS last_at
FROM dialfire.daily_stats d
LEFT JOIN dialfire.agents a ON a.tenant = d.tenant AND a.id = d.agent_id
GROUP BY d.tenant, date_trunc('month', d.day)::date;
CREATE UNIQUE INDEX mv_ingestion_monthly_key ON dialfire.mv_ingestion_monthly (tenant, month);
COMMENT ON MATERIALIZED VIEW dialfire.mv_ingestion_monthly IS 'counts and sums a tenant and month; closed to PUBLIC, shown by ingestion_monthly';
COMMENT ON INDEX dialfire.mv_ingestion_monthly_key IS 'lets the refresh run without blocking readers';

CREATE MATERIALIZED VIEW dialfire.mv_ingestion_kpis AS
SELECT d.tenant,
       sum(attempts)::bigint AS attempts,
       sum(human)::bigint AS human,
       (COALESCE(sum(missing_login) FILTER (WHERE a.id IS NULL), 0))::bigint AS missing_login,
       sum(with_leg)::bigint AS with_leg,
       sum(connects)::bigint AS connects,
       sum(conversions)::bigint AS conversions,
       sum(recorded)::bigint AS recorded,
       sum(talk_ms)::bigint AS talk_ms,
       sum(talks)::bigint AS talks,
       sum(wait_sec) AS wait_sec,
       sum(waits)::bigint AS waits,
       sum(pause_sec) AS pause_sec,
       sum(pauses)::bigint AS pauses,
       sum(wrapup_sec) AS wrapup_sec,
       sum(wrapups)::bigint AS wrapups,
       sum(inbound)::bigint AS inbound,
       sum(inbound_answered)::bigint AS inbound_answered,
       count(DISTINCT d.day) AS days,
       min(first_at) AS first_at,
       max(last_at) AS last_at
FROM dialfire.daily_stats d
LEFT JOIN dialfire.agents a ON a.tenant = d.tenant AND a.id = d.agent_id
GROUP BY d.tenant;
CREATE UNIQUE INDEX mv_ingestion_kpis_key ON dialfire.mv_ingestion_kpis (tenant);
COMMENT ON MATERIALIZED VIEW dialfire.mv_ingestion_kpis IS 'counts and sums a tenant; closed to PUBLIC, shown by ingestion_kpis';
COMMENT ON INDEX dialfire.mv_ingestion_kpis_key IS 'lets the refresh run without blocking readers';

CREATE VIEW dialfire.error_log_view WITH (security_invoker = true) AS
SELECT finished_at AS "timestamp", tenant, 'run' AS source, run_id, status AS code, concat_ws('; ', message, hint) AS message
FROM dialfire.runs WHERE status IN ('failed', 'partial', 'crashed')
UNION ALL
SELECT at, tenant, 'http', run_id, COALESCE(status::text, 'no answer'), concat_ws(' ', method, url, error)
FROM dialfire.http_log
UNION ALL
SELECT last_seen, tenant, 'reject', run_id, reason, concat_ws(' ', kind, key, field, detail)
FROM dialfire.rejects WHERE resolved_at IS NULL;
COMMENT ON VIEW dialfire.error_log_view IS 'everything that went wrong: runs, requests and rejects';
COMMENT ON COLUMN dialfire.error_log_view."timestamp" IS 'when (UTC instant)';
COMMENT ON COLUMN dialfire.error_log_view.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.error_log_view.source IS 'run, http or reject';
COMMENT ON COLUMN dialfire.error_log_view.run_id IS 'run in which it happened';
COMMENT ON COLUMN dialfire.error_log_view.code IS 'status of the run, HTTP status, or reason of the reject';
COMMENT ON COLUMN dialfire.error_log_view.message IS 'what happened';

CREATE VIEW dialfire.ingestion_run_view WITH (security_invoker = true) AS
SELECT run_id, tenant, kind, status, role, started_at, finished_at, duration, lower(range) AS from_at, upper(range) AS to_at,
       windows, fetched, inserted, updated, unchanged, skipped, rejected, requests, retries, bytes, skip_reasons, message, hint
FROM dialfire.runs;
COMMENT ON VIEW dialfire.ingestion_run_view IS 'runs, under the name of the view that it replaces';

CREATE VIEW dialfire.ingestion_kpis WITH (security_barrier = true) AS
SELECT CASE WHEN GROUPING(k.tenant) = 1 THEN 'all tenants' ELSE k.tenant END AS tenant,
       sum(attempts)::bigint AS attempts,
       sum(connects)::bigint AS connects,
       sum(connects)::float8 / NULLIF(sum(with_leg), 0) AS reach,
       sum(conversions)::bigint AS conversions,
       sum(conversions)::float8 / NULLIF(sum(connects), 0) AS conversion_rate,
       sum(talk_ms)::float8 / NULLIF(sum(talks), 0) / 1000 AS avg_talk_sec,
       sum(wait_sec) / NULLIF(sum(waits), 0)::float8 AS avg_wait_sec,
       sum(pause_sec) / NULLIF(sum(pauses), 0)::float8 AS avg_preparation_sec,
       sum(wrapup_sec) / NULLIF(sum(wrapups), 0)::float8 AS avg_wrapup_sec,
       sum(missing_login)::float8 / NULLIF(sum(human), 0) AS missing_login_rate,
       sum(with_leg)::float8 / NULLIF(sum(attempts), 0) AS connection_coverage,
       sum(recorded)::float8 / NULLIF(sum(connects), 0) AS recording_coverage,
       sum(inbound)::bigint AS inbound,
       sum(inbound_answered)::bigint AS inbound_answered,
       max(g.lag) AS lag,
       now() - max(last_at) AS freshness,
       sum(e.errors)::bigint AS errors_24h
FROM dialfire.mv_ingestion_kpis k
LEFT JOIN LATERAL (
    -- As in sync_health: without a gap it is what cannot be covered yet.
    SELECT now() - COALESCE(min(x.from_at), n.wanted_to) AS lag
    FROM dialfire.tenants n
    LEFT JOIN dialfire.coverage_gaps x ON x.tenant = n.tenant AND x.length > interval '1 second'
    WHERE n.tenant = k.tenant AND EXISTS (SELECT FROM dialfire.campaigns c WHERE c.tenant = n.tenant AND c.api_access)
    GROUP BY n.wanted_to
) g ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS errors FROM dialfire.error_log_view x
    WHERE x.tenant = k.tenant AND x."timestamp" > now() - interval '24 hours'
) e ON true
WHERE k.tenant = ANY ((SELECT dialfire.usable_tenants())::text[])
GROUP BY GROUPING SETS ((k.tenant), ());
COMMENT ON VIEW dialfire.ingestion_kpis IS 'KPIs of each tenant that the role may use, and of all of them together, as of the last refresh; lag, freshness and errors are live';

CREATE VIEW dialfire.ingestion_monthly WITH (security_barrier = true) AS
SELECT k.tenant,
       k.month,
       attempts,
       connects,
       connects::float8 / NULLIF(with_leg, 0) AS reach,
       conversions,
       conversions::float8 / NULLIF(connects, 0) AS conversion_rate,
       talk_ms::float8 / NULLIF(talks, 0) / 1000 AS avg_talk_sec,
       wait_sec / NULLIF(waits, 0)::float8 AS avg_wait_sec,
       pause_sec / NULLIF(pauses, 0)::float8 AS avg_preparation_sec,
       wrapup_sec / NULLIF(wrapups, 0)::float8 AS avg_wrapup_sec,
       missing_login::float8 / NULLIF(human, 0) AS missing_login_rate,
       with_leg::float8 / NULLIF(attempts, 0) AS connection_coverage,
       recorded::float8 / NULLIF(connects, 0) AS recording_coverage,
       inbound,
       inbound_answered,
       days
FROM dialfire.mv_ingestion_monthly k
WHERE k.tenant = ANY ((SELECT dialfire.usable_tenants())::text[]);
COMMENT ON VIEW dialfire.ingestion_monthly IS 'KPIs a month of each tenant that the role may use, as of the last refresh';

-- What stands in the columns; kpi_definitions has the formulas.
COMMENT ON COLUMN dialfire.agent_daily.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.agent_daily.day IS 'day in the tenant''s time zone';
COMMENT ON COLUMN dialfire.agent_daily.agent_id IS 'internal user id, empty where none';
COMMENT ON COLUMN dialfire.agent_daily.agent_login IS 'login, null where none is known';
COMMENT ON COLUMN dialfire.agent_daily.attempts IS 'outbound attempts and events';
COMMENT ON COLUMN dialfire.agent_daily.connects IS 'attempts that somebody answered';
COMMENT ON COLUMN dialfire.agent_daily.reach IS 'answered share of dialled attempts, 0 to 1; null without any';
COMMENT ON COLUMN dialfire.agent_daily.conversions IS 'attempts with status success';
COMMENT ON COLUMN dialfire.agent_daily.conversion_rate IS 'conversions by connects, 0 to 1';
COMMENT ON COLUMN dialfire.agent_daily.avg_talk_sec IS 'mean duration of an answered leg, seconds; null without any';
COMMENT ON COLUMN dialfire.agent_daily.avg_wait_sec IS 'mean waiting, seconds';
COMMENT ON COLUMN dialfire.agent_daily.avg_preparation_sec IS 'mean preparation, seconds';
COMMENT ON COLUMN dialfire.agent_daily.avg_wrapup_sec IS 'mean after-call work, seconds';
COMMENT ON COLUMN dialfire.agent_daily.recording_coverage IS 'share of answered attempts with a recording, 0 to 1';
COMMENT ON COLUMN dialfire.agent_daily.inbound IS 'inbound calls';
COMMENT ON COLUMN dialfire.agent_daily.inbound_answered IS 'inbound calls that were answered';
COMMENT ON COLUMN dialfire.campaign_daily.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.campaign_daily.day IS 'day in the tenant''s time zone';
COMMENT ON COLUMN dialfire.campaign_daily.campaign_id IS 'id of the campaign';
COMMENT ON COLUMN dialfire.campaign_daily.title IS 'title of the campaign';
COMMENT ON COLUMN dialfire.campaign_daily.attempts IS 'outbound attempts and events';
COMMENT ON COLUMN dialfire.campaign_daily.connects IS 'attempts that somebody answered';
COMMENT ON COLUMN dialfire.campaign_daily.reach IS 'answered share of dialled attempts, 0 to 1; null without any';
COMMENT ON COLUMN dialfire.campaign_daily.conversions IS 'attempts with status success';
COMMENT ON COLUMN dialfire.campaign_daily.conversion_rate IS 'conversions by connects, 0 to 1';
COMMENT ON COLUMN dialfire.campaign_daily.avg_talk_sec IS 'mean duration of an answered leg, seconds; null without any';
COMMENT ON COLUMN dialfire.campaign_daily.avg_wait_sec IS 'mean waiting, seconds';
COMMENT ON COLUMN dialfire.campaign_daily.avg_preparation_sec IS 'mean preparation, seconds';
COMMENT ON COLUMN dialfire.campaign_daily.avg_wrapup_sec IS 'mean after-call work, seconds';
COMMENT ON COLUMN dialfire.campaign_daily.missing_login_rate IS 'share of human events whose login nobody knows, 0 to 1';
COMMENT ON COLUMN dialfire.campaign_daily.connection_coverage IS 'share of attempts with a phone leg, 0 to 1';
COMMENT ON COLUMN dialfire.campaign_daily.recording_coverage IS 'share of answered attempts with a recording, 0 to 1';
COMMENT ON COLUMN dialfire.campaign_daily.inbound IS 'inbound calls';
COMMENT ON COLUMN dialfire.campaign_daily.inbound_answered IS 'inbound calls that were answered';
COMMENT ON COLUMN dialfire.monthly.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.monthly.month IS 'first day of the month in the tenant''s time zone';
COMMENT ON COLUMN dialfire.monthly.attempts IS 'outbound attempts and events';
COMMENT ON COLUMN dialfire.monthly.connects IS 'attempts that somebody answered';
COMMENT ON COLUMN dialfire.monthly.reach IS 'answered share of dialled attempts, 0 to 1; null without any';
COMMENT ON COLUMN dialfire.monthly.conversions IS 'attempts with status success';
COMMENT ON COLUMN dialfire.monthly.conversion_rate IS 'conversions by connects, 0 to 1';
COMMENT ON COLUMN dialfire.monthly.avg_talk_sec IS 'mean duration of an answered leg, seconds; null without any';
COMMENT ON COLUMN dialfire.monthly.avg_wait_sec IS 'mean waiting, seconds';
COMMENT ON COLUMN dialfire.monthly.avg_preparation_sec IS 'mean preparation, seconds';
COMMENT ON COLUMN dialfire.monthly.avg_wrapup_sec IS 'mean after-call work, seconds';
COMMENT ON COLUMN dialfire.monthly.missing_login_rate IS 'share of human events whose login nobody knows, 0 to 1';
COMMENT ON COLUMN dialfire.monthly.connection_coverage IS 'share of attempts with a phone leg, 0 to 1';
COMMENT ON COLUMN dialfire.monthly.recording_coverage IS 'share of answered attempts with a recording, 0 to 1';
COMMENT ON COLUMN dialfire.monthly.inbound IS 'inbound calls';
COMMENT ON COLUMN dialfire.monthly.inbound_answered IS 'inbound calls that were answered';
COMMENT ON COLUMN dialfire.ingestion_kpis.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.ingestion_kpis.attempts IS 'outbound attempts and events';
COMMENT ON COLUMN dialfire.ingestion_kpis.connects IS 'attempts that somebody answered';
COMMENT ON COLUMN dialfire.ingestion_kpis.reach IS 'answered share of dialled attempts, 0 to 1; null without any';
COMMENT ON COLUMN dialfire.ingestion_kpis.conversions IS 'attempts with status success';
COMMENT ON COLUMN dialfire.ingestion_kpis.conversion_rate IS 'conversions by connects, 0 to 1';
COMMENT ON COLUMN dialfire.ingestion_kpis.avg_talk_sec IS 'mean duration of an answered leg, seconds; null without any';
COMMENT ON COLUMN dialfire.ingestion_kpis.avg_wait_sec IS 'mean waiting, seconds';
COMMENT ON COLUMN dialfire.ingestion_kpis.avg_preparation_sec IS 'mean preparation, seconds';
COMMENT ON COLUMN dialfire.ingestion_kpis.avg_wrapup_sec IS 'mean after-call work, seconds';
COMMENT ON COLUMN dialfire.ingestion_kpis.missing_login_rate IS 'share of human events whose login nobody knows, 0 to 1';
COMMENT ON COLUMN dialfire.ingestion_kpis.connection_coverage IS 'share of attempts with a phone leg, 0 to 1';
COMMENT ON COLUMN dialfire.ingestion_kpis.recording_coverage IS 'share of answered attempts with a recording, 0 to 1';
COMMENT ON COLUMN dialfire.ingestion_kpis.inbound IS 'inbound calls';
COMMENT ON COLUMN dialfire.ingestion_kpis.inbound_answered IS 'inbound calls that were answered';
COMMENT ON COLUMN dialfire.ingestion_kpis.lag IS 'age of the oldest wanted time that is not proven complete';
COMMENT ON COLUMN dialfire.ingestion_kpis.freshness IS 'age of the newest call';
COMMENT ON COLUMN dialfire.ingestion_kpis.errors_24h IS 'failed runs, failed requests and rejects of the last 24 hours';
COMMENT ON COLUMN dialfire.ingestion_monthly.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.ingestion_monthly.month IS 'first day of the month in the tenant''s time zone';
COMMENT ON COLUMN dialfire.ingestion_monthly.attempts IS 'outbound attempts and events';
COMMENT ON COLUMN dialfire.ingestion_monthly.connects IS 'attempts that somebody answered';
COMMENT ON COLUMN dialfire.ingestion_monthly.reach IS 'answered share of dialled attempts, 0 to 1; null without any';
COMMENT ON COLUMN dialfire.ingestion_monthly.conversions IS 'attempts with status success';
COMMENT ON COLUMN dialfire.ingestion_monthly.conversion_rate IS 'conversions by connects, 0 to 1';
COMMENT ON COLUMN dialfire.ingestion_monthly.avg_talk_sec IS 'mean duration of an answered leg, seconds; null without any';
COMMENT ON COLUMN dialfire.ingestion_monthly.avg_wait_sec IS 'mean waiting, seconds';
COMMENT ON COLUMN dialfire.ingestion_monthly.avg_preparation_sec IS 'mean preparation, seconds';
COMMENT ON COLUMN dialfire.ingestion_monthly.avg_wrapup_sec IS 'mean after-call work, seconds';
COMMENT ON COLUMN dialfire.ingestion_monthly.missing_login_rate IS 'share of human events whose login nobody knows, 0 to 1';
COMMENT ON COLUMN dialfire.ingestion_monthly.connection_coverage IS 'share of attempts with a phone leg, 0 to 1';
COMMENT ON COLUMN dialfire.ingestion_monthly.recording_coverage IS 'share of answered attempts with a recording, 0 to 1';
COMMENT ON COLUMN dialfire.ingestion_monthly.inbound IS 'inbound calls';
COMMENT ON COLUMN dialfire.ingestion_monthly.inbound_answered IS 'inbound calls that were answered';
COMMENT ON COLUMN dialfire.ingestion_monthly.days IS 'days with calls';
COMMENT ON COLUMN dialfire.ingestion_run_view.run_id IS 'number of the run';
COMMENT ON COLUMN dialfire.ingestion_run_view.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.ingestion_run_view.kind IS 'manual, backfill, sync, look_back or reconcile';
COMMENT ON COLUMN dialfire.ingestion_run_view.status IS 'in_progress, success, partial, failed or crashed';
COMMENT ON COLUMN dialfire.ingestion_run_view.role IS 'role that asked for it';
COMMENT ON COLUMN dialfire.ingestion_run_view.started_at IS 'began (UTC instant)';
COMMENT ON COLUMN dialfire.ingestion_run_view.finished_at IS 'ended (UTC instant)';
COMMENT ON COLUMN dialfire.ingestion_run_view.duration IS 'from beginning to end';
COMMENT ON COLUMN dialfire.ingestion_run_view.from_at IS 'begin of the range asked for (UTC instant)';
COMMENT ON COLUMN dialfire.ingestion_run_view.to_at IS 'end of the range asked for (UTC instant, excluded)';
COMMENT ON COLUMN dialfire.ingestion_run_view.windows IS 'complete windows';
COMMENT ON COLUMN dialfire.ingestion_run_view.fetched IS 'records received';
COMMENT ON COLUMN dialfire.ingestion_run_view.inserted IS 'calls stored for the first time';
COMMENT ON COLUMN dialfire.ingestion_run_view.updated IS 'calls that changed';
COMMENT ON COLUMN dialfire.ingestion_run_view.unchanged IS 'calls that were stored already';
COMMENT ON COLUMN dialfire.ingestion_run_view.skipped IS 'things left out';
COMMENT ON COLUMN dialfire.ingestion_run_view.rejected IS 'records quarantined';
COMMENT ON COLUMN dialfire.ingestion_run_view.requests IS 'HTTP requests';
COMMENT ON COLUMN dialfire.ingestion_run_view.retries IS 'HTTP requests that repeated another';
COMMENT ON COLUMN dialfire.ingestion_run_view.bytes IS 'bytes received';
COMMENT ON COLUMN dialfire.ingestion_run_view.skip_reasons IS 'reason to count';
COMMENT ON COLUMN dialfire.ingestion_run_view.message IS 'what happened';
COMMENT ON COLUMN dialfire.ingestion_run_view.hint IS 'what to do about it';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.attempts IS 'outbound attempts and events';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.human IS 'events done by a person';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.missing_login IS 'of these, without any known login';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.with_leg IS 'attempts with a phone leg';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.connects IS 'attempts that somebody answered';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.conversions IS 'attempts with status success';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.recorded IS 'answered attempts with a recording';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.talk_ms IS 'duration of answered legs, milliseconds';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.talks IS 'answered legs with a duration';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.wait_sec IS 'waiting, seconds';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.waits IS 'attempts with a waiting time';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.pause_sec IS 'preparation, seconds';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.pauses IS 'attempts with a preparation time';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.wrapup_sec IS 'after-call work, seconds';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.wrapups IS 'attempts with after-call work';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.inbound IS 'inbound calls';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.inbound_answered IS 'inbound calls that were answered';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.days IS 'days with calls';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.first_at IS 'first event (UTC instant)';
COMMENT ON COLUMN dialfire.mv_ingestion_kpis.last_at IS 'last event (UTC instant)';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.month IS 'first day of the month in the tenant''s time zone';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.attempts IS 'outbound attempts and events';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.human IS 'events done by a person';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.missing_login IS 'of these, without any known login';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.with_leg IS 'attempts with a phone leg';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.connects IS 'attempts that somebody answered';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.conversions IS 'attempts with status success';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.recorded IS 'answered attempts with a recording';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.talk_ms IS 'duration of answered legs, milliseconds';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.talks IS 'answered legs with a duration';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.wait_sec IS 'waiting, seconds';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.waits IS 'attempts with a waiting time';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.pause_sec IS 'preparation, seconds';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.pauses IS 'attempts with a preparation time';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.wrapup_sec IS 'after-call work, seconds';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.wrapups IS 'attempts with after-call work';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.inbound IS 'inbound calls';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.inbound_answered IS 'inbound calls that were answered';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.days IS 'days with calls';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.first_at IS 'first event (UTC instant)';
COMMENT ON COLUMN dialfire.mv_ingestion_monthly.last_at IS 'last event (UTC instant)';
