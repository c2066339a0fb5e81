SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Coverage')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SET days = (SELECT CASE WHEN $days IN ('28', '60', '90') THEN $days ELSE '28' END);

SELECT 'text' AS component,
       'A day is covered (✓) when every page of it arrived and each record was stored or quarantined. It is missing (?) when nobody has fetched all of it yet, and failed (!) when somebody tried in vain. Choose a day to see what is missing.' AS contents;
SELECT 'tab' AS component;
SELECT d || ' days' AS title, format('/coverage?tenant=%s&days=%s', dialfire.in_url($tenant), d) AS link, d = $days AS active
FROM unnest(ARRAY['28', '60', '90']) WITH ORDINALITY AS u(d, n) ORDER BY n;

SELECT 'coverage' AS component, format('Coverage of %s, last %s days', $tenant, $days) AS title WHERE $tenant IS NOT NULL;
SELECT COALESCE(c.title, c.source) AS name, json_agg(json_build_object(
           'head', to_char(c.day, CASE WHEN extract(day FROM c.day) = 1 OR c.first THEN 'FMDD Mon' ELSE 'FMDD' END), 'state', c.state,
           'sign', CASE c.state WHEN 'covered' THEN '✓' WHEN 'failed' THEN '!' ELSE '?' END,
           'words', format('%s, %s: %s%s, %s calls', COALESCE(c.title, c.source), to_char(c.day, 'Dy DD Mon'), c.state,
                           CASE WHEN c.state <> 'covered' THEN ' (' || dialfire.show(c.missing) || ')' END, dialfire.show(c.calls)),
           'link', format('/day?tenant=%s&day=%s', dialfire.in_url($tenant), c.day)) ORDER BY c.day) AS days
FROM (SELECT d.*, d.day = min(d.day) OVER () AS first FROM dialfire.coverage_days d
      WHERE d.tenant = $tenant AND d.day > (now() AT TIME ZONE $zone)::date - $days::int) c
GROUP BY c.source, c.title ORDER BY 1;

SELECT 'title' AS component, 'What is missing' AS contents, 2 AS level WHERE $tenant IS NOT NULL;
SELECT 'table' AS component, true AS hover, 'Day' AS markdown, 'gaps' AS id, 'Nothing: every wanted day is proven complete.' AS empty_description WHERE $tenant IS NOT NULL;
SELECT format('[%s](/day?tenant=%s&day=%s)', to_char(d.day, 'Dy DD Mon'), dialfire.in_url($tenant), d.day) AS "Day", COALESCE(d.title, d.source) AS "Campaign",
       d.state AS "State", dialfire.show(d.missing) AS "Missing", dialfire.show(d.calls) AS "Stored calls",
       CASE d.state WHEN 'failed' THEN 'red' ELSE 'orange' END AS _sqlpage_color
FROM dialfire.coverage_days d WHERE d.tenant = $tenant AND d.state <> 'covered' ORDER BY d.day DESC, 2 LIMIT 200;
SELECT 'button' AS component;
SELECT 'CSV' AS title, 'file-download' AS icon, format('/api/coverage?tenant=%s&format=csv', dialfire.in_url($tenant)) AS link;
SELECT 'JSON' AS title, 'braces' AS icon, format('/api/coverage?tenant=%s', dialfire.in_url($tenant)) AS link;
