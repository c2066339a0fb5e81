SELECT 'status_code' AS component, 404 AS status;
SELECT 'json' AS component, '{"error":"there are kpi, monthly, runs, errors, calls, agents, campaigns, coverage, rejects, alerts"}' AS contents;
