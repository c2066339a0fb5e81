-- A dialler's set-up: foreign tables with the columns that it has, and the tenant that reads them.

CREATE FUNCTION @extschema@.df_setup_vicidial(
    tenant text,
    timezone text DEFAULT NULL,
    server text DEFAULT NULL,
    database text DEFAULT NULL,
    config text DEFAULT NULL,
    schema text DEFAULT NULL
) RETURNS TABLE (step text, status text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
    srv text := COALESCE($3, $1 || '_dialler');
    dir text := COALESCE($6, (SELECT o.option_value FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o
                              WHERE s.srvname = $1 AND o.option_name = 'schema'), $1);
    found record;
    item record;
    wanted text[];
    there text[];
BEGIN
    IF $2 IS NULL AND NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = $1) THEN
        RAISE 'timezone is missing' USING ERRCODE = 'fdw_dynamic_parameter_value_needed',
            DETAIL = 'VICIdial keeps call_date as its own clock shows it, without a zone.',
            HINT = 'Name the zone of the dialler''s clock: df_setup_vicidial(…, timezone => ''America/New_York'').';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'mysql_fdw') THEN
        CREATE EXTENSION mysql_fdw;
        RETURN QUERY SELECT 'extension', 'created', 'mysql_fdw';
    END IF;

    IF $5 IS NOT NULL THEN
        SELECT * INTO found FROM @extschema@.df_astguiclient(pg_read_file($5));
        IF found.host IS NULL OR found.username IS NULL THEN
            RAISE 'cannot set up tenant "%" from "%"', $1, $5 USING ERRCODE = 'invalid_parameter_value',
                DETAIL = 'The file names no VARDB_server or no VARDB_user.',
                HINT = 'Lines look like VARDB_server => 10.0.0.5; or make the mysql_fdw server yourself and name it by server =>.';
        END IF;
        database := COALESCE($4, found.dbname);
        IF NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = srv) THEN
            EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER mysql_fdw OPTIONS (host %L, port %L)',
                           srv, found.host, COALESCE(found.port, '3306'));
            EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER %I OPTIONS (username %L, password %L)',
                           srv, found.username, COALESCE(found.password, ''));
            RETURN QUERY SELECT 'server', 'created', format('%s on %s, as %s', srv, found.host, found.username);
        END IF;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
                   WHERE s.srvname = srv AND w.fdwname = 'mysql_fdw') THEN
        RAISE 'mysql_fdw server "%" does not exist', srv USING ERRCODE = 'undefined_object',
            HINT = format('CREATE SERVER %I FOREIGN DATA WRAPPER mysql_fdw OPTIONS (host ''…''); CREATE USER MAPPING FOR '
                       'CURRENT_USER SERVER %I OPTIONS (username ''…'', password ''…''); or config => ''/etc/astguiclient.conf''.',
                       srv, srv);
    END IF;
    -- A statement that takes long is worth less than the dialler's calls that wait for it.
    FOR item IN SELECT * FROM (VALUES ('init_command', 'SET SESSION max_statement_time = 5'),
                                      ('character_set', 'utf8mb4'), ('fetch_size', '2000')) AS o(name, value)
                WHERE NOT EXISTS (SELECT FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) g
                                  WHERE s.srvname = srv AND g.option_name = o.name) LOOP
        EXECUTE format('ALTER SERVER %I OPTIONS (ADD %I %L)', srv, item.name, item.value);
        RETURN QUERY SELECT 'server', 'altered', format('%s: %s %L', srv, item.name, item.value);
    END LOOP;

    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = dir) THEN
        EXECUTE format('CREATE SCHEMA %I', dir);
        RETURN QUERY SELECT 'schema', 'created', dir;
    END IF;
    FOR item IN SELECT * FROM (VALUES
        ('dialler_columns', 'COLUMNS', 'table_schema text, table_name text, column_name text, column_type text'),
        ('dialler_indexes', 'STATISTICS', 'table_schema text, table_name text, index_name text, seq_in_index text, column_name text'),
        ('dialler_grants', 'SCHEMA_PRIVILEGES', 'grantee text, table_schema text, privilege_type text'),
        ('system_variables', 'SYSTEM_VARIABLES', 'variable_name text, session_value text')) AS t(name, remote, columns) LOOP
        EXECUTE format('DROP FOREIGN TABLE IF EXISTS %I.%I', dir, item.name);
        EXECUTE format('CREATE FOREIGN TABLE %I.%I (%s) SERVER %I OPTIONS (dbname %L, table_name %L)',
                       dir, item.name, item.columns, srv, 'information_schema', item.remote);
        EXECUTE format('COMMENT ON FOREIGN TABLE %I.%I IS %L', dir, item.name,
                       'information_schema.' || item.remote || ' of the dialler''s MariaDB');
    END LOOP;
    database := COALESCE($4, database, 'asterisk');
    FOR item IN SELECT c.table_name, array_agg(c.column_name) AS columns
                FROM @extschema@.df_vicidial_columns() c GROUP BY 1 ORDER BY 1 LOOP
        EXECUTE format('SELECT array_agg(lower(column_name)) FROM %I.dialler_columns WHERE table_schema = %L AND table_name = %L',
                       dir, database, item.table_name) INTO there;
        wanted := ARRAY(SELECT c FROM unnest(item.columns) AS c WHERE c = ANY (there));
        EXECUTE format('DROP FOREIGN TABLE IF EXISTS %I.%I', dir, item.table_name);
        IF wanted = '{}' THEN
            RETURN QUERY SELECT item.table_name::text, 'missing', format('%s has no such table, or its user may not read it', database);
        ELSE
            -- All of them text: a zero date or a number that does not fit spoils its row and not the page.
            EXECUTE format('CREATE FOREIGN TABLE %I.%I (%s) SERVER %I OPTIONS (dbname %L, table_name %L)', dir, item.table_name,
                           (SELECT string_agg(format('%I text', c), ', ') FROM unnest(wanted) AS c), srv, database, item.table_name);
            EXECUTE format('COMMENT ON FOREIGN TABLE %I.%I IS %L', dir, item.table_name, 'the dialler''s table, as text');
            RETURN QUERY SELECT item.table_name::text, 'ready', format('%s columns', cardinality(wanted));
        END IF;
    END LOOP;

    IF NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = $1) THEN
        EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor %L, schema %L, timezone %L)',
                       $1, 'vicidial', dir, $2);
        RETURN QUERY SELECT 'tenant', 'created', $1;
    ELSIF $2 IS NOT NULL THEN
        EXECUTE format('ALTER SERVER %I OPTIONS (%s timezone %L)', $1,
            CASE WHEN EXISTS (SELECT FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o
                              WHERE s.srvname = $1 AND o.option_name = 'timezone') THEN 'SET' ELSE 'ADD' END, $2);
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.df_setup_vicidial(text, text, text, text, text, text) IS
    'makes foreign tables for the tables and columns that a dialler has, and the tenant that reads them; again after its columns have changed. server: one of mysql_fdw (default TENANT_dialler) with a user mapping; or config: path of its astguiclient.conf on this server, from which both are made. timezone: IANA zone of the dialler''s clock. database: default asterisk. schema: of the foreign tables, default the tenant''s name';
