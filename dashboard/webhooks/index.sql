SELECT 'http_header' AS component, 'no-store' AS "Cache-Control", 'nosniff' AS "X-Content-Type-Options";
SELECT 'status_code' AS component, 404 AS status;
SELECT 'json' AS component, '{"error":"the address is /webhooks/TENANT"}' AS contents;
