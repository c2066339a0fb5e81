-- /webhooks/TENANT: a delivery of a vendor's. The answer is written after the statement that stores it has committed.
-- Asked first and by itself: only here SQLPage answers 429 where it gets no connection.
SELECT 'http_header' AS component, 'no-store' AS "Cache-Control", 'nosniff' AS "X-Content-Type-Options" FROM (SELECT now()) AS ready;
SET nothing = (SELECT set_config('role', 'none', false));
SET as_role = (SELECT dialfire.webhook_role());
SET nothing = (SELECT set_config('role', $as_role, false));
SET answer = (SELECT CASE
    WHEN sqlpage.request_method() <> 'POST' THEN '{"status": 405, "body": {"error": "POST only"}}'
    WHEN $as_role IS NULL THEN '{"status": 404, "body": {"error": "no such tenant, or it takes no webhooks"}}'
    ELSE dialfire.dashboard_ingest(substr(sqlpage.path(), length('/webhooks/') + 1), decode(sqlpage.request_body_base64(), 'base64'), sqlpage.headers()::jsonb)
END);
SELECT 'status_code' AS component, ($answer::json ->> 'status')::int AS status;
SELECT 'http_header' AS component, $answer::json ->> 'retry_after' AS "Retry-After" WHERE $answer::json ->> 'retry_after' IS NOT NULL;
SELECT 'json' AS component, $answer::json ->> 'body' AS contents;
