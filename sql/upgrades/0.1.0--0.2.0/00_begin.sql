-- From 0.1.0 to 0.2.0. Its parts run in the order of their names.
\echo Use "ALTER EXTENSION dialfire_sync UPDATE TO '0.2.0'" to load this file. \quit
-- What stands here names its objects in full; nothing of the schema that it is installed into may take the place of the server's own.
SET LOCAL search_path = pg_catalog, pg_temp;