SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Overview', 'refresh', '120')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);

SELECT 'alert' AS component, 'circle-check' AS icon, 'green' AS color, 'All is well' AS title,
       'Every wanted hour is proven complete, nothing waits in quarantine, and no alarm is on.' AS description
WHERE $tenant IS NOT NULL AND NOT EXISTS (SELECT FROM dialfire.attention);
SELECT 'list' AS component, 'What needs attention first' AS title, true AS wrap, true AS compact
WHERE EXISTS (SELECT FROM dialfire.attention);
SELECT a.tenant || ': ' || a.what AS title, a.detail AS description,
       CASE a.severity WHEN 'critical' THEN 'red' WHEN 'warning' THEN 'orange' ELSE 'azure' END AS color,
       format('/%s?tenant=%s', a.page, dialfire.in_url(a.tenant)) AS link
FROM dialfire.attention a ORDER BY a.rank, a.tenant LIMIT 8;

SELECT 'title' AS component, 'The last 7 days of ' || $tenant AS contents, 2 AS level WHERE $tenant IS NOT NULL;
SELECT 'big_number' AS component, 4 AS columns, 'kpis' AS id WHERE $tenant IS NOT NULL;
WITH week AS (
    SELECT d.day > (now() AT TIME ZONE $zone)::date - 7 AS this, sum(d.attempts) AS attempts, sum(d.connects) AS connects,
           sum(d.conversions) AS conversions, sum(d.inbound) AS inbound, sum(d.inbound_answered) AS inbound_answered,
           sum(d.avg_talk_sec * d.connects) / NULLIF(sum(d.connects) FILTER (WHERE d.avg_talk_sec IS NOT NULL), 0) AS talk,
           sum(d.recording_coverage * d.connects) / NULLIF(sum(d.connects), 0) AS recorded
    FROM dialfire.tenant_daily d
    WHERE d.tenant = $tenant AND d.day > (now() AT TIME ZONE $zone)::date - 14 AND d.day <= (now() AT TIME ZONE $zone)::date
    GROUP BY 1
), now AS (SELECT * FROM week WHERE this), before AS (SELECT * FROM week WHERE NOT this),
h AS (SELECT * FROM dialfire.sync_health WHERE tenant = $tenant),
k AS (SELECT count(*) AS errors_24h FROM dialfire.error_log_view WHERE tenant = $tenant AND "timestamp" > now() - interval '24 hours')
SELECT v.title, v.value, v.unit, v.description, v.color, l.link AS title_link, round(100.0 * (v.new - v.old) / NULLIF(v.old, 0)) AS change_percent
FROM h CROSS JOIN k LEFT JOIN now ON true LEFT JOIN before ON true CROSS JOIN LATERAL (VALUES
    (1, 'Attempts', COALESCE(dialfire.show(now.attempts), '0'), NULL, 'against last week', NULL, '/calls', now.attempts, before.attempts),
    (2, 'Answered', COALESCE(dialfire.show(now.connects), '0'), NULL, dialfire.show_share(now.connects / NULLIF(now.attempts, 0)::float8) || ' of all events', NULL, '/agents', now.connects, before.connects),
    (3, 'Conversions', COALESCE(dialfire.show(now.conversions), '0'), NULL, dialfire.show_share(now.conversions / NULLIF(now.connects, 0)::float8) || ' of the answered', NULL, '/campaigns', now.conversions, before.conversions),
    (4, 'Inbound', COALESCE(dialfire.show(now.inbound), '0'), NULL, COALESCE(dialfire.show_share(now.inbound_answered / NULLIF(now.inbound, 0)::float8), '0 %') || ' answered', NULL, '/calls', now.inbound, before.inbound),
    (5, 'Mean talk', COALESCE(round(now.talk)::text, '–'), 's', 'an answered leg', NULL, '/agents', now.talk::numeric, before.talk::numeric),
    (6, 'Recorded', COALESCE(replace(dialfire.show_share(now.recorded), ' %', ''), '–'), '%', 'of the answered', NULL, '/calls', NULL, NULL),
    (7, 'Lag', COALESCE(dialfire.show(h.lag), '–'), NULL, 'complete up to ' || dialfire.show(now() - h.lag, $zone), CASE h.status WHEN 'ok' THEN 'green' ELSE 'red' END, '/coverage', NULL, NULL),
    (8, 'Errors', COALESCE(dialfire.show(k.errors_24h), '0'), NULL, 'in 24 hours', CASE WHEN k.errors_24h > 0 THEN 'orange' ELSE 'green' END, '/ingestion', NULL, NULL)
) AS v(place, title, value, unit, description, color, path, new, old), LATERAL (SELECT v.path || '?tenant=' || dialfire.in_url($tenant)) AS l(link)
ORDER BY v.place;

SELECT 'chart' AS component, 'Calls a day' AS title, 'bar' AS type, true AS stacked, true AS time, 'calls' AS ytitle, 260 AS height,
       'green' AS color, 'orange' AS color, 'azure' AS color
WHERE EXISTS (SELECT FROM dialfire.tenant_daily WHERE tenant = $tenant);
SELECT v.series, to_char(d.day, 'YYYY-MM-DD"T00:00:00"') AS x, v.calls AS y
FROM dialfire.tenant_daily d
CROSS JOIN LATERAL (VALUES (1, 'answered', d.connects), (2, 'inbound', d.inbound), (3, 'other attempts and events', d.attempts - d.connects)) AS v(place, series, calls)
WHERE d.tenant = $tenant AND d.day > (now() AT TIME ZONE $zone)::date - 30
ORDER BY v.place, d.day;

SELECT 'title' AS component, 'Freshness by tenant' AS contents, 2 AS level WHERE $tenant IS NOT NULL;
SELECT 'table' AS component, true AS hover, 'Tenant' AS markdown, 'freshness' AS id WHERE $tenant IS NOT NULL;
SELECT format('[%s](/ingestion?tenant=%s)', regexp_replace(h.tenant, '([^[:alnum:] ])', '\\\1', 'g'), dialfire.in_url(h.tenant)) AS "Tenant",
       t.vendor AS "Vendor", h.status AS "Sync", COALESCE(dialfire.show(now() - k.last_at) || ' ago', 'no call yet') AS "Newest call",
       COALESCE(dialfire.show(h.lag), '–') AS "Lag", dialfire.show(h.rejects) AS "In quarantine",
       COALESCE(dialfire.show(h.last_finished, t.timezone), 'never') AS "Last sync", COALESCE(dialfire.show(h.next_run, t.timezone), '–') AS "Next sync",
       CASE WHEN h.status <> 'ok' THEN 'red' END AS _sqlpage_color
FROM dialfire.sync_health h JOIN dialfire.tenants t ON t.tenant = h.tenant
LEFT JOIN LATERAL (SELECT max(d.last_at) AS last_at FROM dialfire.daily_stats d WHERE d.tenant = h.tenant) k ON true
ORDER BY h.status = 'ok', h.tenant;
SELECT 'button' AS component WHERE $tenant IS NOT NULL;
SELECT v.title, v.icon, v.link FROM (VALUES ('Figures as CSV', 'file-download', '/api/kpi?format=csv'), ('JSON', 'braces', '/api/kpi'),
    ('What needs attention as CSV', 'file-download', '/api/attention?format=csv'), ('JSON', 'braces', '/api/attention')) AS v(title, icon, link)
WHERE $tenant IS NOT NULL;
