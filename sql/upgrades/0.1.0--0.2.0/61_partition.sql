CREATE FUNCTION dialfire.as_extension(statements text) RETURNS void STRICT
LANGUAGE c AS 'MODULE_PATHNAME', 'as_extension_wrapper';
\i sql/61_partition.sql
SET LOCAL search_path = pg_catalog, pg_temp;
