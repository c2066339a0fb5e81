-- All tables spread over the nodes of Citus, each tenant's together on one of them.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION @extschema@.df_distribute(apply boolean DEFAULT false)
RETURNS TABLE (object text, kind text, state text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
    -- The worker's own state and what must not leave this node: a NOTIFY of an alert, a token.
    at_home CONSTANT text[] := '{schedules,alerts,oauth_tokens,refreshes,hardened_views,dashboard_users,dashboard_sessions,retired_months}';
    everywhere CONSTANT text[] := '{call_statuses,kpi_definitions}';
    anchor CONSTANT text := 'dialfire.campaigns';
    version text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'dialfire_sync');
    node record;
    item record;
    is_there boolean;
    statement text;
    texts jsonb := '{}';
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'citus') THEN
        RAISE 'Citus is not in this database' USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = CASE WHEN EXISTS (SELECT FROM pg_available_extensions a WHERE a.name = 'citus')
                THEN 'It is installed on this server, but not created here.' ELSE 'It is not installed on this server.' END,
            HINT = 'Put citus first into shared_preload_libraries of every node, CREATE EXTENSION citus on each, and make them '
                   'known here: SELECT citus_set_coordinator_host(…), citus_add_node(…).';
    END IF;
    IF NOT pg_has_role((SELECT e.extowner FROM pg_extension e WHERE e.extname = 'dialfire_sync'), 'USAGE') THEN
        RAISE 'permission denied to distribute the tables of dialfire_sync' USING ERRCODE = 'insufficient_privilege',
            HINT = 'The owner of the extension, or a superuser, does it.';
    END IF;
    IF (SELECT c.relkind FROM pg_class c WHERE c.oid = 'dialfire.transactions'::regclass) = 'p' THEN
        RAISE 'the tables are to be either on the nodes of Citus or partitioned by month' USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'df_partition has been called here.', HINT = 'Take a database in which it has not.';
    END IF;
    EXECUTE 'SELECT citus_is_coordinator()' INTO is_there;
    IF NOT is_there THEN
        RAISE 'this node is not the coordinator' USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Call df_distribute on the node on which citus_add_node was called.';
    END IF;
    EXECUTE $q$SELECT EXISTS (SELECT FROM pg_dist_node WHERE groupid = 0) AND EXISTS (
        SELECT FROM pg_dist_node WHERE groupid <> 0 AND noderole = 'primary' AND isactive AND shouldhaveshards)$q$ INTO is_there;
    IF NOT is_there THEN
        RAISE 'Citus knows no workers, or not how they reach this node' USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'SELECT citus_set_coordinator_host(''host of this node'', port); SELECT citus_add_node(''host'', port) for each worker.';
    END IF;
    FOR node IN EXECUTE $q$SELECT nodename, nodeport, success, result FROM run_command_on_workers(
        $w$SELECT COALESCE((SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'dialfire_sync'),
                    (SELECT 'not created; can be: ' || default_version FROM pg_catalog.pg_available_extensions WHERE name = 'dialfire_sync'),
                    'not installed')$w$)$q$
    LOOP
        IF NOT node.success OR node.result IS DISTINCT FROM version
            AND node.result IS DISTINCT FROM 'not created; can be: ' || version THEN
            RAISE 'node %:% has not the same dialfire_sync', node.nodename, node.nodeport
                USING ERRCODE = 'object_not_in_prerequisite_state',
                DETAIL = format('Here it is %s, there: %s.', version, node.result),
                HINT = 'Install the same package on every node, and put dialfire_sync into its shared_preload_libraries.';
        END IF;
    END LOOP;

    object := 'dialfire.tenants'; kind := 'view'; detail := 'reads a function instead of the catalogue';
    state := CASE WHEN pg_get_viewdef('dialfire.tenants'::regclass) LIKE '%all_tenants%' THEN 'as it should be'
                  WHEN apply THEN 'done' ELSE 'to do' END;
    RETURN NEXT;
    IF apply THEN
        CREATE OR REPLACE VIEW dialfire.tenants WITH (security_invoker = true) AS
        SELECT tenant COLLATE "C" AS tenant, vendor, account, timezone, wanted_from, wanted_to, usable, retained_from, stuck_after, count_agents, calls_reset_at
        FROM dialfire.all_tenants();
        CREATE OR REPLACE VIEW dialfire.tenant_facts WITH (security_invoker = true) AS
        SELECT tenant COLLATE "C" AS tenant, vendor, timezone, count_agents FROM dialfire.all_tenants();
        -- One connection a node: what one statement has done the next one must see.
        PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true);
        EXECUTE $q$SELECT count(*) FROM run_command_on_workers('CREATE EXTENSION IF NOT EXISTS dialfire_sync')$q$;
    END IF;

    -- Row security works on the nodes: there, too, a role has to exist and a tenant to be its.
    FOR item IN
        SELECT s.srvname, s.srvacl, format('CREATE SERVER IF NOT EXISTS %I FOREIGN DATA WRAPPER dialfire_sync%s', s.srvname,
               COALESCE((SELECT ' OPTIONS (' || string_agg(format('%I %L', o.option_name, o.option_value), ', ') || ')'
                         FROM pg_options_to_table(s.srvoptions) o), '')) AS made
        FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE w.fdwname = 'dialfire_sync'
    LOOP
        FOR node IN EXECUTE $q$SELECT nodename, nodeport FROM run_command_on_workers($1)
            WHERE result = 'f' OR NOT success$q$
            USING format('SELECT EXISTS (SELECT FROM pg_catalog.pg_foreign_server WHERE srvname = %L)', item.srvname)
        LOOP
            object := item.srvname; kind := 'tenant'; state := 'to do'; detail := format('is not known at %s:%s', node.nodename, node.nodeport);
            IF apply THEN
                EXECUTE 'SELECT count(*) FROM run_command_on_workers($1)' USING item.made;
                state := 'done';
            END IF;
            RETURN NEXT;
        END LOOP;
        FOR node IN
            SELECT g.rolname FROM aclexplode(item.srvacl) a JOIN pg_roles g ON g.oid = a.grantee WHERE a.privilege_type = 'USAGE'
        LOOP
            statement := format('GRANT USAGE ON FOREIGN SERVER %I TO %I', item.srvname, node.rolname);
            FOR detail IN EXECUTE $q$SELECT format('%s:%s: %s', nodename, nodeport, result) FROM run_command_on_workers($1)
                WHERE result IS DISTINCT FROM 't'$q$
                USING format('SELECT COALESCE((SELECT pg_catalog.has_server_privilege(r.oid, s.oid, ''USAGE'') '
                             'FROM pg_catalog.pg_roles r, pg_catalog.pg_foreign_server s WHERE r.rolname = %L AND s.srvname = %L), false)',
                             node.rolname, item.srvname)
            LOOP
                object := node.rolname; kind := 'grant'; state := 'to do'; detail := statement || ' at ' || detail;
                IF apply THEN
                    EXECUTE 'SELECT string_agg(result, ''; '') FILTER (WHERE NOT success) FROM run_command_on_workers($1)' INTO detail USING statement;
                    state := CASE WHEN detail IS NULL THEN 'done' ELSE 'failed' END;
                    detail := COALESCE(detail, statement);
                END IF;
                RETURN NEXT;
            END LOOP;
        END LOOP;
    END LOOP;

    FOR item IN
        SELECT c.relname, format('dialfire.%I', c.relname) AS name,
               CASE WHEN c.relname = ANY (at_home) THEN 'here only' WHEN c.relname = ANY (everywhere) THEN 'reference table'
                    ELSE 'distributed by tenant' END AS wanted
        FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
        WHERE e.extname = 'dialfire_sync' AND c.relkind IN ('r', 'p') AND c.relnamespace = 'dialfire'::regnamespace
        ORDER BY c.relname <> ALL (everywhere), c.relname <> 'campaigns', c.relname
    LOOP
        object := item.name; kind := item.wanted; detail := NULL;
        EXECUTE 'SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = $1::regclass)' INTO is_there USING item.name;
        IF is_there OR item.wanted = 'here only' THEN
            state := 'as it should be';
            RETURN NEXT;
            CONTINUE;
        END IF;
        state := 'to do';
        detail := CASE item.wanted WHEN 'reference table' THEN format('SELECT create_reference_table(%L)', item.name)
            ELSE format('SELECT create_distributed_table(%L, ''tenant'', colocate_with => %L)', item.name,
                        CASE WHEN item.name = anchor THEN 'none' ELSE anchor END) END;
        IF apply THEN
            -- No sub-select may stand in a policy of such a table.
            FOR statement IN
                SELECT format('ALTER POLICY %I ON %s %s (%s@extschema@.df_may_see(tenant))', p.polname, item.name,
                              CASE p.polcmd WHEN 'a' THEN 'WITH CHECK' ELSE 'USING' END,
                              CASE WHEN item.relname = 'call_statuses' AND p.polcmd = 'r' THEN 'tenant = '''' OR ' ELSE '' END)
                FROM pg_policy p WHERE p.polrelid = item.name::regclass
                  AND concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) LIKE '%usable_tenants%'
            LOOP
                EXECUTE statement;
                EXECUTE 'SELECT count(*) FROM run_command_on_workers($1)' USING statement;
            END LOOP;
            EXECUTE detail;
            EXECUTE 'SELECT truncate_local_data_after_distributing_table($1::regclass)' USING item.name;
            state := 'done';
        END IF;
        RETURN NEXT;
    END LOOP;

    -- Views whose look-ups carry a tenant only from row to row are asked a tenant at a time.
    FOR item IN
        SELECT v.name, format('dialfire.%I', v.name || '_of') AS asked,
               to_regprocedure(format('dialfire.%I(text)', v.name || '_of')) AS made,
               pg_get_viewdef(format('dialfire.%I', v.name)::regclass) LIKE '%dialfire.' || v.name || '_of(%' AS asks
        FROM unnest('{calls,run_log,dashboard_calls,call_sync_logs,recent_activity}'::text[]) WITH ORDINALITY AS v(name, n)
    LOOP
        object := 'dialfire.' || item.name; kind := 'view'; detail := 'asks tenant by tenant';
        state := CASE WHEN item.asks THEN 'as it should be' WHEN apply THEN 'done' ELSE 'to do' END;
        RETURN NEXT;
        IF item.asks THEN
            -- What it was made of, for the views in which it stands.
            texts := texts || jsonb_build_object(item.name, (
                SELECT substring(p.prosrc FROM 'of_one_tenant \*/ \((.*)\) x; END$') FROM pg_proc p WHERE p.oid = item.made));
        END IF;
        CONTINUE WHEN NOT apply OR item.asks;
        -- An update of the extension has restored the view.
        IF item.made IS NOT NULL THEN
            EXECUTE format('ALTER EXTENSION dialfire_sync DROP FUNCTION %s(text)', item.asked);
            EXECUTE format('DROP FUNCTION %s(text)', item.asked);
        END IF;
        statement := rtrim(pg_get_viewdef(object::regclass), ';');
        texts := texts || jsonb_build_object(item.name, statement);
        -- The views in it first, as they may stand in each other; then the tables.
        FOR node IN
            SELECT t.key AS name, '(' || t.value || ')' AS text FROM jsonb_each_text(texts) t WHERE t.key <> item.name AND t.value IS NOT NULL
            UNION ALL
            SELECT * FROM (
                SELECT c.relname, '(SELECT * FROM dialfire .' || quote_ident(c.relname) || ' WHERE tenant = $1)' FROM pg_class c
                WHERE c.relnamespace = 'dialfire'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> ALL (everywhere)
                  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped)
                ORDER BY c.relname) x
        LOOP
            statement := regexp_replace(statement, format('dialfire\.%s (?!(ON|USING|WHERE|LEFT|JOIN|CROSS|GROUP|ORDER|LIMIT|UNION)\M)(\w+)', node.name),
                                        replace(node.text, '\', '\\') || ' \1', 'g');
            statement := regexp_replace(statement, format('dialfire\.%s\M(?!\()', node.name),
                                        replace(node.text, '\', '\\') || ' ' || node.name, 'g');
        END LOOP;
        texts := texts || jsonb_build_object(item.name, statement);
        EXECUTE format('CREATE FUNCTION %s(tenant text) RETURNS TABLE (%s) LANGUAGE plpgsql STABLE '
                       'SET search_path = pg_catalog, pg_temp AS %L', item.asked,
                       (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
                        FROM pg_attribute a WHERE a.attrelid = object::regclass AND a.attnum > 0 AND a.attname <> 'tenant'),
                       format('#variable_conflict use_column' || chr(10) || 'BEGIN RETURN QUERY SELECT %s FROM /* of_one_tenant */ (%s) x; END',
                              (SELECT string_agg(format('x.%I', a.attname), ', ' ORDER BY a.attnum)
                               FROM pg_attribute a WHERE a.attrelid = object::regclass AND a.attnum > 0 AND a.attname <> 'tenant'),
                              statement));
        EXECUTE format('COMMENT ON FUNCTION %s(text) IS %L', item.asked, object || ' of one tenant');
        EXECUTE format('ALTER EXTENSION dialfire_sync ADD FUNCTION %s(text)', item.asked);
        EXECUTE format('CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS SELECT %s FROM dialfire.tenants of_tenant '
                       'CROSS JOIN LATERAL %s(of_tenant.tenant) x WHERE of_tenant.usable', object,
                       (SELECT string_agg(CASE a.attname WHEN 'tenant' THEN 'of_tenant.tenant COLLATE "default" AS tenant' ELSE format('x.%I', a.attname) END, ', ' ORDER BY a.attnum)
                        FROM pg_attribute a WHERE a.attrelid = object::regclass AND a.attnum > 0),
                       item.asked);
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.df_distribute(boolean) IS
    'puts the tables on the nodes of Citus: distributed by tenant and co-located, small ones everywhere as reference tables, the worker''s own here; says what it would do, and with apply => true does it, data included, in one transaction. Again it does what is still to do. Errors: 55000 where Citus, its nodes or the same dialfire_sync there is missing, 42501 for others than the extension''s owner';
COMMENT ON FUNCTION @extschema@.df_may_see(text) IS
    'whether the current role may use a tenant''s server; what row security asks on a distributed Postgres';
REVOKE ALL ON FUNCTION @extschema@.df_distribute(boolean) FROM PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
