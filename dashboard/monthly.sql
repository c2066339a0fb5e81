SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Monthly')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SELECT 'chart' AS component, 'Calls a month' AS title, 'bar' AS type, 260 AS height, 'azure' AS color, 'green' AS color
WHERE EXISTS (SELECT FROM dialfire.ingestion_monthly WHERE tenant = $tenant);
SELECT v.series, to_char(m.month, 'Mon YYYY') AS x, v.value AS y FROM dialfire.ingestion_monthly m
CROSS JOIN LATERAL (VALUES (1, 'attempts', m.attempts), (2, 'answered', m.connects)) AS v(place, series, value)
WHERE m.tenant = $tenant AND m.month > now() - interval '24 months' ORDER BY v.place, m.month;
SELECT 'table' AS component, true AS hover, 'months' AS id, 'Attempts' AS align_right, 'Answered' AS align_right, 'Conversions' AS align_right,
       'No month yet. The figures come with the first refresh, five minutes after the first sync at the latest.' AS empty_description;
SELECT to_char(month, 'FMMonth YYYY') AS "Month", dialfire.show(attempts) AS "Attempts", dialfire.show(connects) AS "Answered", COALESCE(dialfire.show_share(reach), '–') AS "Reach",
       dialfire.show(conversions) AS "Conversions", COALESCE(dialfire.show_share(conversion_rate), '–') AS "Rate",
       COALESCE(dialfire.show(make_interval(secs => avg_talk_sec)), '–') AS "Mean talk", COALESCE(dialfire.show_share(recording_coverage), '–') AS "Recorded",
       dialfire.show(inbound) AS "Inbound", dialfire.show(days) AS "Days with calls"
FROM dialfire.ingestion_monthly WHERE tenant = $tenant ORDER BY month DESC;
SELECT 'text' AS component, 'As of ' || dialfire.show(max(refreshed_at), $zone) || '.' AS contents FROM dialfire.matview_status HAVING max(refreshed_at) IS NOT NULL;
SELECT 'button' AS component;
SELECT 'CSV' AS title, 'file-download' AS icon, format('/api/monthly?tenant=%s&format=csv', dialfire.in_url($tenant)) AS link;
SELECT 'JSON' AS title, 'braces' AS icon, format('/api/monthly?tenant=%s', dialfire.in_url($tenant)) AS link;
