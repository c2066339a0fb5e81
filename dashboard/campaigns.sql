SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Campaigns')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SET days = (SELECT CASE WHEN $days IN ('1', '7', '30', '90') THEN $days ELSE '30' END);

SELECT 'tab' AS component;
SELECT CASE d WHEN '1' THEN 'Today' ELSE d || ' days' END AS title, format('/campaigns?tenant=%s&days=%s', dialfire.in_url($tenant), d) AS link, d = $days AS active
FROM unnest(ARRAY['1', '7', '30', '90']) WITH ORDINALITY AS u(d, n) ORDER BY n;

SELECT 'chart' AS component, 'Answered calls a day by campaign' AS title, 'line' AS type, true AS time, 280 AS height, 0 AS ymin, 'answered' AS ytitle
WHERE EXISTS (SELECT FROM dialfire.campaign_daily WHERE tenant = $tenant AND day > (now() AT TIME ZONE $zone)::date - $days::int);
SELECT COALESCE(title, NULLIF(campaign_id, ''), 'none') AS series, to_char(day, 'YYYY-MM-DD"T00:00:00"') AS x, sum(connects) AS y FROM dialfire.campaign_daily
WHERE tenant = $tenant AND day > (now() AT TIME ZONE $zone)::date - $days::int AND campaign_id IN (
    SELECT campaign_id FROM dialfire.campaign_daily WHERE tenant = $tenant AND day > (now() AT TIME ZONE $zone)::date - $days::int
    GROUP BY campaign_id ORDER BY sum(connects) DESC LIMIT 8)
GROUP BY 1, day ORDER BY 1, day;

SELECT 'table' AS component, true AS hover, 'Campaign' AS markdown, 'Attempts' AS align_right, 'Answered' AS align_right, 'Conversions' AS align_right, 'campaigns' AS id,
       'No campaign had a call in this time. Take a longer one, or look under Coverage whether it was fetched.' AS empty_description;
SELECT format('[%s](/calls?tenant=%s&campaign=%s)', regexp_replace(COALESCE(c.title, NULLIF(c.campaign_id, ''), 'none'), '([^[:alnum:] ])', '\\\1', 'g'),
              dialfire.in_url($tenant), dialfire.in_url(c.campaign_id)) AS "Campaign",
       dialfire.show(sum(c.attempts)) AS "Attempts", dialfire.show(sum(c.connects)) AS "Answered",
       COALESCE(dialfire.show_share(sum(c.connects) / NULLIF(sum(c.connects / NULLIF(c.reach, 0)), 0)), '–') AS "Reach",
       dialfire.show(sum(c.conversions)) AS "Conversions", COALESCE(dialfire.show_share(sum(c.conversions) / NULLIF(sum(c.connects), 0)::float8), '–') AS "Rate",
       COALESCE(dialfire.show_share(sum(c.recording_coverage * c.connects) / NULLIF(sum(c.connects), 0)), '–') AS "Recorded",
       dialfire.show(sum(c.inbound)) AS "Inbound", to_char(max(c.day), 'Dy DD Mon') AS "Last day"
FROM dialfire.campaign_daily c WHERE c.tenant = $tenant AND c.day > (now() AT TIME ZONE $zone)::date - $days::int
GROUP BY c.campaign_id, c.title ORDER BY sum(c.attempts) DESC LIMIT 200;
SELECT 'button' AS component;
SELECT 'CSV' AS title, 'file-download' AS icon, format('/api/campaigns?tenant=%s&days=%s&format=csv', dialfire.in_url($tenant), $days) AS link;
SELECT 'JSON' AS title, 'braces' AS icon, format('/api/campaigns?tenant=%s&days=%s', dialfire.in_url($tenant), $days) AS link;
