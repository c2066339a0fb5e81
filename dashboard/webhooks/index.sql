SELECT 'status_code' AS component, 404 AS status;
SELECT 'json' AS component, '{"error":"the address is /webhooks/TENANT"}' AS contents;
