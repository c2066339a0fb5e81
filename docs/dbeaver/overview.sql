-- Is everything up to date, and what went wrong last? No parameter.
SELECT * FROM dialfire.sync_health ORDER BY tenant;
SELECT * FROM dialfire.ingestion_kpis ORDER BY tenant;
SELECT * FROM dialfire.matview_status ORDER BY view;
SELECT * FROM dialfire.ingestion_run_view ORDER BY started_at DESC LIMIT 5;
SELECT * FROM dialfire.error_log_view ORDER BY timestamp DESC LIMIT 10;
