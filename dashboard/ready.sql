-- What /health asks. Asked first and by itself: only here SQLPage answers 429 where it gets no connection.
SELECT 'http_header' AS component, 'no-store' AS "Cache-Control", 'nosniff' AS "X-Content-Type-Options" FROM (SELECT now()) AS ready;
SET nothing = (SELECT set_config('role', 'none', false));
SET problems = (SELECT to_json(NULLIF(dialfire.dashboard_problems(), '{}')));
SELECT 'status_code' AS component, 503 AS status WHERE $problems IS NOT NULL;
SELECT 'json' AS component, CASE WHEN $problems IS NULL THEN '{"status":"ok"}'
    ELSE '{"status":"error","problems":' || $problems || '}' END AS contents;
