SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/headers.sql') AS properties;
SELECT 'status_code' AS component, 404 AS status;
SELECT 'json' AS component, '{"error":"there are kpi, monthly, runs, errors, calls, agents, campaigns, coverage, rejects, alerts, attention, unassigned; POST diagnosis"}' AS contents;
