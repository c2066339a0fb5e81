\i sql/47_dashboard_users.sql
\i sql/48_dashboard_pages.sql
SET LOCAL search_path = pg_catalog, pg_temp;
