-- Does what a button says. Only a form of this very session is believed.
SET nothing = (SELECT set_config('role', 'none', false));
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SET fits = (SELECT sqlpage.request_method() = 'POST' AND :csrf = dialfire.csrf_token(sqlpage.cookie('session')));
SELECT 'status_code' AS component, 403 AS status WHERE $fits IS DISTINCT FROM 'true' AND sqlpage.cookie('session') IS NOT NULL;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Done', 'tenant', :tenant)) AS properties;
SET done = (SELECT CASE WHEN $fits = 'true' THEN dialfire.dashboard_act(:action, :tenant, :argument) END);
SELECT 'alert' AS component, 'red' AS color, 'lock' AS icon, 'Not done' AS title,
       'This form is not from here, or its session has ended. Go back, load the page again, and retry.' AS description
WHERE $done IS NULL;
SELECT 'alert' AS component, CASE $done::json ->> 'ok' WHEN 'true' THEN 'green' ELSE 'orange' END AS color,
       CASE $done::json ->> 'ok' WHEN 'true' THEN 'circle-check' ELSE 'alert-triangle' END AS icon,
       $done::json ->> 'title' AS title, concat_ws('. ', $done::json ->> 'message', 'What to do: ' || ($done::json ->> 'hint')) AS description
WHERE $done IS NOT NULL;
SELECT 'button' AS component;
SELECT v.title, v.icon, v.link || '?tenant=' || dialfire.in_url(:tenant) AS link FROM (VALUES
    (1, 'Coverage', 'calendar-check', '/coverage', ARRAY['fetch', 'repair']),
    (2, 'Calls', 'phone', '/calls', ARRAY['fetch', 'repair', 'assign_agent', 'retry_rejects']),
    (3, 'Agents', 'users', '/agents', ARRAY['assign_agent']),
    (4, 'Quarantine', 'bug', '/rejects', ARRAY['retry_rejects'])) AS v(place, title, icon, link, after)
WHERE $done IS NOT NULL AND :action = ANY (v.after) ORDER BY v.place;
SELECT 'Overview' AS title, 'home' AS icon, '/?tenant=' || dialfire.in_url(:tenant) AS link;
