\i sql/27_months.sql
SET LOCAL search_path = pg_catalog, pg_temp;
