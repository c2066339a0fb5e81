-- The calls by month, for who wants to let old months go. A month's tables stand in a schema of its year, as in dialfire_2026.
-- These schemas are no part of the extension, so that a dump makes them; and behind them a server whose validator makes their
-- months, so that the rows of each have where to go, before any comes and with any number of jobs.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION dialfire.month_tables() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    -- Calls before what hangs under them.
    SELECT '{transactions,inbound_calls,connections,recordings}'::text[]
$$;
COMMENT ON FUNCTION dialfire.month_tables() IS 'the tables that df_partition parts by month';

CREATE FUNCTION dialfire.is_by_month() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT relkind = 'p' FROM pg_class WHERE oid = 'dialfire.transactions'::regclass
$$;
COMMENT ON FUNCTION dialfire.is_by_month() IS 'whether the calls are partitioned by month (df_partition)';

COMMENT ON FUNCTION dialfire.as_extension(text) IS
    'runs statements, with the rights of the caller, as if they stood in the script of the extension: what they make belongs to it';
REVOKE ALL ON FUNCTION dialfire.as_extension(text) FROM PUBLIC;

CREATE FUNCTION dialfire.make_month(month date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
    first CONSTANT date := date_trunc('month', month::timestamp);
    home CONSTANT text := to_char(first, '"dialfire_"YYYY');
    held record;
    item record;
    part text;
BEGIN
    SELECT n.nspowner, r.rolname, r.rolsuper INTO held
    FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = home;
    IF NOT FOUND THEN
        EXECUTE format('CREATE SCHEMA %I', home);
        EXECUTE format('COMMENT ON SCHEMA %I IS %L', home, 'calls of the year, a table a month: of the extension dialfire_sync');
    ELSIF NOT held.rolsuper AND held.nspowner <> current_user::regrole THEN
        -- Its owner could drop what stands in it.
        RAISE 'schema "%" belongs to role "%"', home, held.rolname USING ERRCODE = 'insufficient_privilege',
            DETAIL = 'The months of that year would stand in it.',
            HINT = format('ALTER SCHEMA %I OWNER TO %I', home, current_user);
    END IF;
    FOR item IN SELECT c.relname, c.oid, c.relreplident FROM unnest(dialfire.month_tables()) t JOIN pg_class c ON c.oid = ('dialfire.' || t)::regclass
    LOOP
        part := format('%I.%I', home, item.relname || to_char(first, '"_"YYYY"_"MM'));
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        -- Attached and not made as a partition, which would lock out readers.
        PERFORM dialfire.as_extension(format(
            'CREATE TABLE %1$s (LIKE dialfire.%2$I INCLUDING ALL);
             ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY%5$s;
             COMMENT ON TABLE %1$s IS %6$L;
             ALTER TABLE dialfire.%2$I ATTACH PARTITION %1$s FOR VALUES FROM (%3$L) TO (%4$L);
             SELECT pg_catalog.pg_extension_config_dump(%1$L, '''')',
            part, item.relname, first, (first + interval '1 month')::date,
            CASE item.relreplident WHEN 'f' THEN ', REPLICA IDENTITY FULL' WHEN 'n' THEN ', REPLICA IDENTITY NOTHING' ELSE '' END,
            to_char(first, '"rows of "YYYY"-"MM" of dialfire."') || item.relname));
    END LOOP;
END
$$;
COMMENT ON FUNCTION dialfire.make_month(date) IS 'makes the tables of a month where they are not there yet; errors: 42501 where the schema of its year is another''s';
REVOKE ALL ON FUNCTION dialfire.make_month(date) FROM PUBLIC;

CREATE FUNCTION dialfire.make_months(days date[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    missing date[];
    ahead CONSTANT date := date_trunc('month', now() + interval '1 month');
BEGIN
    missing := ARRAY(
        SELECT DISTINCT m.first FROM unnest(days || CURRENT_DATE || ahead) d
        CROSS JOIN LATERAL (SELECT date_trunc('month', d::timestamp)::date AS first) m
        -- What is said to be older or newer has a table of its own.
        WHERE d >= '2010-01-01' AND d < '2050-01-01'
          AND to_regclass(to_char(m.first, '"dialfire_"YYYY".transactions_"YYYY"_"MM')) IS NULL
        ORDER BY 1);
    IF missing = '{}' THEN
        RETURN;
    ELSIF missing = ARRAY[ahead] THEN
        -- Somebody is at it, and it is not needed yet.
        IF NOT pg_try_advisory_xact_lock(hashtextextended('dialfire_sync months', 0)) THEN
            RETURN;
        END IF;
    ELSE
        PERFORM pg_advisory_xact_lock(hashtextextended('dialfire_sync months', 0));
    END IF;
    PERFORM dialfire.make_month(m) FROM unnest(missing) m;
END
$$;
COMMENT ON FUNCTION dialfire.make_months(date[]) IS 'makes the months of these days, of today and the next one where they are not there yet';
REVOKE ALL ON FUNCTION dialfire.make_months(date[]) FROM PUBLIC;

CREATE FUNCTION dialfire.part_by_month(move_rows boolean, restored boolean)
RETURNS TABLE (object text, state text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
#variable_conflict use_column
DECLARE
    few CONSTANT bigint := 10000;
    tables CONSTANT regclass[] := ARRAY(SELECT ('dialfire.' || t)::regclass FROM unnest(dialfire.month_tables()) t);
    row_types oid[];
    extension CONSTANT oid := (SELECT e.oid FROM pg_extension e WHERE e.extname = 'dialfire_sync');
    years CONSTANT name[] := ARRAY(SELECT n.nspname FROM pg_namespace n WHERE n.nspname ~ '^dialfire_20[1-4][0-9]$' ORDER BY 1);
    in_the_way text;
    stored bigint;
    functions jsonb;
    views jsonb;
    item record;
    statement text;
    made text;
    aside text;
    columns text;
BEGIN
    IF NOT pg_has_role((SELECT e.extowner FROM pg_extension e WHERE e.oid = extension), 'USAGE') THEN
        RAISE 'permission denied to partition the tables of dialfire_sync' USING ERRCODE = 'insufficient_privilege',
            HINT = 'The owner of the extension, or a superuser, does it.';
    END IF;
    IF dialfire.is_by_month() THEN
        PERFORM dialfire.make_months('{}');
        RETURN QUERY SELECT t::text, 'as it should be', (SELECT count(*) FROM pg_inherits i WHERE i.inhparent = t) || ' partitions' FROM unnest(tables) t;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'citus') THEN
        RAISE 'the tables are to be either on the nodes of Citus or partitioned by month' USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'Citus is in this database.', HINT = 'SELECT * FROM df_distribute() parts them by tenant.';
    END IF;
    LOCK TABLE dialfire.transactions, dialfire.inbound_calls, dialfire.connections, dialfire.recordings IN ACCESS EXCLUSIVE MODE;
    SELECT array_agg(y.oid) INTO row_types FROM pg_type y JOIN pg_class c ON y.oid = c.reltype OR y.typelem = c.reltype WHERE c.oid = ANY (tables);

    SELECT string_agg(DISTINCT COALESCE(pg_describe_object('pg_class'::regclass, v.oid, 0), pg_describe_object(d.classid, d.objid, 0)), ', ') INTO in_the_way
    FROM pg_depend d
    LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
    LEFT JOIN pg_class v ON v.oid = w.ev_class
    WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (tables) OR d.refclassid = 'pg_type'::regclass AND d.refobjid = ANY (row_types))
      AND d.deptype = 'n' AND v.relkind IS DISTINCT FROM 'v'
      AND d.classid NOT IN ('pg_proc'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_attrdef'::regclass)
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid AND k.conrelid = ANY (tables));
    SELECT concat_ws(', ', in_the_way, string_agg('publication ' || p.pubname, ', ')) INTO in_the_way
    FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = ANY (tables);
    IF in_the_way <> '' THEN
        RAISE 'other objects stand on the tables that are to be partitioned' USING ERRCODE = 'dependent_objects_still_exist',
            DETAIL = in_the_way || '.', HINT = 'Drop them, call df_partition, and make them again.';
    END IF;
    SELECT sum(c) INTO stored FROM (
        SELECT count(*) FROM (SELECT FROM dialfire.transactions LIMIT few + 1) r UNION ALL
        SELECT count(*) FROM (SELECT FROM dialfire.inbound_calls LIMIT few + 1) r UNION ALL
        SELECT count(*) FROM (SELECT FROM dialfire.connections LIMIT few + 1) r UNION ALL
        SELECT count(*) FROM (SELECT FROM dialfire.recordings LIMIT few + 1) r) s (c);
    IF stored > few AND NOT move_rows THEN
        RAISE 'the tables hold more than % rows', few USING ERRCODE = 'object_in_use',
            DETAIL = 'All of them would be written again, in one transaction that locks everybody out.',
            HINT = 'SELECT * FROM df_partition(move_rows => true) does it.';
    END IF;

    -- What stands on the tables and is made again: views in their place, functions that take a row anew.
    SELECT jsonb_agg(jsonb_build_object('id', p.oid, 'name', p.oid::regprocedure, 'made', pg_get_functiondef(p.oid), 'is_ours', m.objid IS NOT NULL,
               'more', format('COMMENT ON FUNCTION %s IS %L; ALTER FUNCTION %1$s OWNER TO %3$s;', p.oid::regprocedure, obj_description(p.oid, 'pg_proc'),
                              p.proowner::regrole)
                   || CASE WHEN p.proacl IS NULL THEN '' ELSE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC;', p.oid::regprocedure) || (
                          SELECT string_agg(format('GRANT EXECUTE ON FUNCTION %s TO %s;', p.oid::regprocedure, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END), '')
                          FROM aclexplode(p.proacl) a) END))
    INTO functions
    FROM pg_proc p LEFT JOIN pg_depend m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid AND m.deptype = 'e' AND m.refobjid = extension
    WHERE EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'n'
                  AND (d.refclassid = 'pg_type'::regclass AND d.refobjid = ANY (row_types) OR d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (tables)));
    SELECT jsonb_agg(jsonb_build_object('name', v.oid::regclass, 'made', rtrim(pg_get_viewdef(v.oid), ';'), 'owner', v.relowner::regrole,
               'options', COALESCE(' WITH (' || array_to_string(v.reloptions, ', ') || ')', ''),
               'is_ours', EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_class'::regclass AND m.objid = v.oid AND m.deptype = 'e' AND m.refobjid = extension)))
    INTO views
    FROM pg_class v WHERE v.relkind = 'v' AND EXISTS (
        SELECT FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
        WHERE w.ev_class = v.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (tables));

    CREATE SCHEMA dialfire_aside;
    FOR item IN
        SELECT c.oid, c.relname, c.relowner, c.relacl, c.relreplident
        FROM unnest(tables) WITH ORDINALITY t (id, n) JOIN pg_class c ON c.oid = t.id ORDER BY t.n
    LOOP
        object := 'dialfire.' || item.relname;
        aside := 'dialfire_aside.' || item.relname;
        -- All that is said of it, while it still has its name.
        SELECT format('COMMENT ON TABLE %s IS %L;', object, obj_description(item.oid, 'pg_class'))
            || COALESCE(string_agg(s.line, ' ' ORDER BY s.rank), '') INTO made
        FROM (
            SELECT 1, format('%s; COMMENT ON INDEX dialfire.%I IS %L;', pg_get_indexdef(i.indexrelid), x.relname, obj_description(x.oid, 'pg_class'))
            FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = item.oid AND NOT i.indisprimary
            UNION ALL
            SELECT 2, format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s; COMMENT ON POLICY %1$I ON %2$s IS %8$L;', p.polname, object,
                             CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                             CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                             CASE WHEN p.polroles = '{0}' THEN 'PUBLIC' ELSE (SELECT string_agg(r::regrole::text, ', ') FROM unnest(p.polroles) r) END,
                             ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')',
                             obj_description(p.oid, 'pg_policy'))
            FROM pg_policy p WHERE p.polrelid = item.oid
            UNION ALL
            SELECT 3, format('GRANT %s ON %s TO %s%s;', a.privilege_type, object,
                             CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
            FROM aclexplode(item.relacl) a WHERE a.grantee <> item.relowner
            UNION ALL
            SELECT 4, pg_get_triggerdef(g.oid) || ';' FROM pg_trigger g WHERE g.tgrelid = item.oid AND NOT g.tgisinternal
            UNION ALL
            SELECT 5, format('ALTER TABLE %s REPLICA IDENTITY %s;', object, CASE item.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END)
            WHERE item.relreplident IN ('f', 'n')
        ) s (rank, line);
        EXECUTE format('ALTER EXTENSION dialfire_sync DROP TABLE %s', object);
        EXECUTE format('ALTER TABLE %s SET SCHEMA dialfire_aside', object);
        -- The day decides the month, so it belongs to every key; who writes sees to it that an id has only one.
        statement := format('CREATE TABLE %1$s (LIKE %2$s INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (day); '
            'ALTER TABLE %1$s ADD CONSTRAINT %3$I PRIMARY KEY (tenant, id, day), ENABLE ROW LEVEL SECURITY; ALTER TABLE %1$s OWNER TO %4$s;',
            object, aside, item.relname || '_pkey', item.relowner::regrole);
        PERFORM dialfire.as_extension(statement || made);
        PERFORM dialfire.as_extension(format(
            'CREATE TABLE %1$s_to_2009 PARTITION OF %1$s FOR VALUES FROM (MINVALUE) TO (''2010-01-01'');
             CREATE TABLE %1$s_from_2050 PARTITION OF %1$s FOR VALUES FROM (''2050-01-01'') TO (MAXVALUE);
             ALTER TABLE %1$s_to_2009 ENABLE ROW LEVEL SECURITY; ALTER TABLE %1$s_from_2050 ENABLE ROW LEVEL SECURITY;
             COMMENT ON TABLE %1$s_to_2009 IS ''rows that are said to be older than 2010''; COMMENT ON TABLE %1$s_from_2050 IS ''rows that are said to be of 2050 or later, and those whose call is not stored'';
             SELECT pg_catalog.pg_extension_config_dump(%1$L || ''_to_2009'', '''');
             SELECT pg_catalog.pg_extension_config_dump(%1$L || ''_from_2050'', '''')', object));
    END LOOP;

    FOR item IN SELECT * FROM jsonb_to_recordset(functions) f (id oid, made text, more text, is_ours boolean)
    LOOP
        statement := format('DROP FUNCTION %s; %s; %s', item.id::regprocedure, item.made, item.more);
        IF item.is_ours THEN
            PERFORM dialfire.as_extension(statement);
        ELSE
            EXECUTE statement;
        END IF;
    END LOOP;
    FOR item IN SELECT * FROM jsonb_to_recordset(views) v (name text, made text, owner text, options text, is_ours boolean)
    LOOP
        statement := format('CREATE OR REPLACE VIEW %s%s AS %s', item.name, item.options, item.made);
        IF item.is_ours THEN
            PERFORM dialfire.as_extension(statement);
        ELSE
            EXECUTE statement;
        END IF;
    END LOOP;

    IF restored THEN
        -- The dump has made the schemas, and its rows come next.
        PERFORM dialfire.make_month(m::date) FROM unnest(years) y, generate_series((right(y, 4) || '-01-01')::timestamp, (right(y, 4) || '-12-01')::timestamp, '1 month') m;
    ELSE
        PERFORM dialfire.make_months(ARRAY(SELECT day FROM dialfire_aside.transactions UNION SELECT day FROM dialfire_aside.inbound_calls
                                           UNION SELECT day FROM dialfire_aside.connections UNION SELECT day FROM dialfire_aside.recordings));
    END IF;
    FOR object IN SELECT t FROM unnest(dialfire.month_tables()) t
    LOOP
        SELECT string_agg(format('%I', a.attname), ', ') INTO columns FROM pg_attribute a
        WHERE a.attrelid = ('dialfire_aside.' || object)::regclass AND a.attnum > 0 AND NOT a.attisdropped;
        EXECUTE format('INSERT INTO dialfire.%1$I (%2$s) SELECT %2$s FROM dialfire_aside.%1$I', object, columns);
        GET DIAGNOSTICS stored = ROW_COUNT;
        state := 'partitioned by month';
        detail := format('%s rows moved', stored);
        object := 'dialfire.' || object;
        RETURN NEXT;
    END LOOP;
    DROP TABLE dialfire_aside.recordings, dialfire_aside.connections, dialfire_aside.inbound_calls, dialfire_aside.transactions;
    DROP SCHEMA dialfire_aside;
    IF NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = 'dialfire_months') AND NOT restored THEN
        CREATE SERVER dialfire_months FOREIGN DATA WRAPPER dialfire_months;
        COMMENT ON SERVER dialfire_months IS 'makes the months again when a dump is restored; drop it with the extension only';
    END IF;
END
$$;
COMMENT ON FUNCTION dialfire.part_by_month(boolean, boolean) IS 'what df_partition does; restored: a dump makes the server behind it by itself';
REVOKE ALL ON FUNCTION dialfire.part_by_month(boolean, boolean) FROM PUBLIC;

CREATE FUNCTION @extschema@.df_partition(move_rows boolean DEFAULT false)
RETURNS TABLE (object text, state text, detail text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$ SELECT * FROM dialfire.part_by_month(move_rows, false) $$;
COMMENT ON FUNCTION @extschema@.df_partition(boolean) IS
    'parts transactions, inbound calls, legs and recordings by the month of their call, for who wants to let old months go (df_detach_month); best right after CREATE EXTENSION, with move_rows at any time. Again it makes the months that are missing. Errors: 55006 where the tables hold more than 10,000 rows and move_rows is not set, 55000 where Citus is in the database, 2BP01 where other objects stand on the tables, 42501 for others than the extension''s owner';
REVOKE ALL ON FUNCTION @extschema@.df_partition(boolean) FROM PUBLIC;

CREATE FUNCTION dialfire.show_by_tenant(schema name, name name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', schema, name);
    EXECUTE format('CREATE POLICY tenant_usage ON %I.%I FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]))', schema, name);
    EXECUTE format('COMMENT ON POLICY tenant_usage ON %I.%I IS %L', schema, name, 'rows of the tenants whose server the role may use');
END
$$;
COMMENT ON FUNCTION dialfire.show_by_tenant(name, name) IS 'gives a table that was detached the row security of the one that it belonged to, for whoever gets a right to it';
REVOKE ALL ON FUNCTION dialfire.show_by_tenant(name, name) FROM PUBLIC;

CREATE FUNCTION @extschema@.df_detach_month(month date, schema name DEFAULT NULL, drop boolean DEFAULT false, force boolean DEFAULT false)
RETURNS TABLE (object text, state text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
#variable_conflict use_column
DECLARE
    first CONSTANT date := date_trunc('month', $1::timestamp);
    next CONSTANT date := first + interval '1 month';
    home CONSTANT name := to_char(first, '"dialfire_"YYYY');
    suffix CONSTANT text := to_char(first, '"_"YYYY"_"MM');
    earlier text;
    gaps text;
    item record;
    has_rows boolean;
    part text;
    rows bigint;
BEGIN
    IF NOT pg_has_role((SELECT e.extowner FROM pg_extension e WHERE e.extname = 'dialfire_sync'), 'USAGE') THEN
        RAISE 'permission denied to let go months of dialfire_sync' USING ERRCODE = 'insufficient_privilege',
            HINT = 'The owner of the extension, or a superuser, does it.';
    ELSIF NOT dialfire.is_by_month() THEN
        RAISE 'the calls are not partitioned by month' USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'SELECT * FROM df_partition() does it.';
    ELSIF $3 IS NOT DISTINCT FROM ($2 IS NOT NULL) THEN
        RAISE 'what is to become of the month?' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'schema => ''…'' keeps its tables there; drop => true drops them.';
    ELSIF first IS NULL OR next > CURRENT_DATE THEN
        RAISE 'the month % is not over', to_char(first, 'YYYY-MM') USING ERRCODE = 'invalid_parameter_value';
    ELSIF $2 IS NOT NULL AND to_regnamespace(quote_ident($2)) IS NULL THEN
        RAISE 'schema "%" does not exist', $2 USING ERRCODE = 'invalid_schema_name', HINT = format('CREATE SCHEMA %I', $2);
    ELSIF $2 ~ '^(dialfire(_20[1-4][0-9])?|pg_.*)$' THEN
        RAISE 'schema "%" is not for months that are let go', $2 USING ERRCODE = 'invalid_parameter_value', HINT = 'Make a schema of your own.';
    ELSIF to_regclass(format('%I.%I', home, 'transactions' || suffix)) IS NULL THEN
        RAISE 'there is no month %', to_char(first, 'YYYY-MM') USING ERRCODE = 'undefined_table',
            DETAIL = COALESCE((SELECT format('It was let go at %s.', date_trunc('second', r.retired_at)) FROM dialfire.retired_months r WHERE r.month = first),
                              'No call of it was ever stored.');
    END IF;
    -- From here on nobody reads or writes calls.
    LOCK TABLE dialfire.transactions, dialfire.inbound_calls, dialfire.connections, dialfire.recordings IN ACCESS EXCLUSIVE MODE;
    -- What lies before a month that was let go is not fetched either, so months go from the oldest on.
    FOR item IN
        SELECT p.oid::regclass AS name, i.inhparent::regclass AS parent, right(c.relname, 7) AS of_month
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = c.oid
        WHERE i.inhparent = ANY (ARRAY(SELECT ('dialfire.' || t)::regclass FROM unnest(dialfire.month_tables()) t))
          AND c.relname ~ '_20[1-4][0-9]_[01][0-9]$' AND right(c.relname, 7) < to_char(first, 'YYYY"_"MM') ORDER BY 3, 1
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', item.name) INTO has_rows;
        IF has_rows THEN
            earlier := replace(item.of_month, '_', '-');
            RAISE 'the month % is older and has to go first', earlier USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = format('SELECT * FROM df_detach_month(%L, …)', earlier || '-01');
        END IF;
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', item.parent, item.name);
        EXECUTE format('ALTER EXTENSION dialfire_sync DROP TABLE %s', item.name);
        EXECUTE format('DROP TABLE %s', item.name);
    END LOOP;
    SELECT string_agg(format('%s of %s', c.id, c.tenant), ', ' ORDER BY c.tenant, c.id) INTO gaps
    FROM dialfire.tenants t JOIN dialfire.campaigns c ON c.tenant = t.tenant AND c.api_access
    LEFT JOIN dialfire.coverage v ON v.tenant = c.tenant AND v.source = c.id
    WHERE NOT isempty(tstzmultirange(tstzrange(first::timestamp AT TIME ZONE t.timezone, next::timestamp AT TIME ZONE t.timezone)
                                     -- It is wanted from where covering began.
                                     * tstzrange(least(t.wanted_from, lower(v.covered)), NULL)) - COALESCE(v.covered, '{}'));
    IF gaps IS NOT NULL AND NOT $4 THEN
        RAISE 'the month % is not wholly covered', to_char(first, 'YYYY-MM') USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'Calls may be missing in: ' || left(gaps, 1000) || '.',
            HINT = format('SELECT * FROM df_sync(tenant, %L) fetches them; force => true lets the month go as it is.', to_char(first, 'YYYY-MM'));
    END IF;
    FOR item IN SELECT t AS name FROM unnest(dialfire.month_tables()) WITH ORDINALITY t (t, n) ORDER BY n
    LOOP
        part := format('%I.%I', home, item.name || suffix);
        EXECUTE 'SELECT count(*) FROM ' || part INTO rows;
        EXECUTE format('ALTER TABLE dialfire.%I DETACH PARTITION %s', item.name, part);
        EXECUTE format('ALTER EXTENSION dialfire_sync DROP TABLE %s', part);
        IF item.name = 'transactions' THEN
            -- What a voice AI said of these calls hangs under no month.
            IF NOT $3 THEN
                EXECUTE format('CREATE TABLE %I.%I (LIKE dialfire.call_details INCLUDING ALL)', $2, 'call_details' || suffix);
                EXECUTE format('INSERT INTO %I.%I SELECT d.* FROM dialfire.call_details d JOIN %s t ON t.tenant = d.tenant AND t.id = d.id',
                               $2, 'call_details' || suffix, part);
                EXECUTE format('COMMENT ON TABLE %I.%I IS %L', $2, 'call_details' || suffix, to_char(first, '"rows of "YYYY"-"MM" of dialfire.call_details"'));
                PERFORM dialfire.show_by_tenant($2, 'call_details' || suffix);
            END IF;
            EXECUTE format('DELETE FROM dialfire.call_details d USING %s t WHERE t.tenant = d.tenant AND t.id = d.id', part);
        END IF;
        IF $3 THEN
            EXECUTE 'DROP TABLE ' || part;
        ELSE
            EXECUTE format('ALTER TABLE %s SET SCHEMA %I', part, $2);
            PERFORM dialfire.show_by_tenant($2, item.name || suffix);
        END IF;
        object := CASE WHEN $3 THEN part ELSE format('%I.%I', $2, item.name || suffix) END;
        state := CASE WHEN $3 THEN 'dropped' ELSE 'detached' END;
        detail := rows || ' rows';
        RETURN NEXT;
    END LOOP;
    INSERT INTO dialfire.retired_months AS r (month, kept_in, role) VALUES (first, $2, session_user)
    ON CONFLICT ON CONSTRAINT retired_months_pkey DO UPDATE SET kept_in = excluded.kept_in, role = excluded.role, retired_at = excluded.retired_at;
    IF NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = to_regnamespace(home)) THEN
        EXECUTE format('DROP SCHEMA %I', home);
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.df_detach_month(date, name, boolean, boolean) IS
    'lets go of a month of calls (any day of it) with their legs and recordings, the oldest first: its tables go into a schema, or with drop => true for good. daily_stats keeps its figures; the days up to its end are neither fetched nor missed any more. Errors: 55000 where an older month has rows or, without force, where the month is not wholly covered, 22023 where it is not over, or neither or both of schema and drop are given, 3F000 no such schema, 42P01 no such month, 42501 for others than the extension''s owner';
REVOKE ALL ON FUNCTION @extschema@.df_detach_month(date, name, boolean, boolean) FROM PUBLIC;

CREATE FUNCTION @extschema@.df_retain(months integer, schema name DEFAULT NULL, drop boolean DEFAULT false, force boolean DEFAULT false)
RETURNS TABLE (object text, state text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    old date;
BEGIN
    IF $1 IS NULL OR $1 < 1 THEN
        RAISE 'at least one whole month is kept' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR old IN
        SELECT to_date(right(c.relname, 7), 'YYYY_MM') AS first FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'dialfire.transactions'::regclass AND c.relname ~ '_20[1-4][0-9]_[01][0-9]$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') < date_trunc('month', now()) - make_interval(months => $1)
          -- A restore has made these again, empty.
          AND NOT EXISTS (SELECT FROM dialfire.retired_months r WHERE r.month = to_date(right(c.relname, 7), 'YYYY_MM'))
        ORDER BY 1
    LOOP
        RETURN QUERY SELECT * FROM @extschema@.df_detach_month(old, $2, $3, $4);
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.df_retain(integer, name, boolean, boolean) IS
    'lets go of all months but the current one and so many before it, as df_detach_month does, in one transaction; errors as there';
REVOKE ALL ON FUNCTION @extschema@.df_retain(integer, name, boolean, boolean) FROM PUBLIC;

CREATE FUNCTION dialfire.months_validator(options text[], catalog oid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF options <> '{}' THEN
        RAISE 'there are no options for dialfire_months' USING ERRCODE = 'fdw_invalid_option_name';
    END IF;
    -- Not in pg_upgrade, which brings the tables as they are.
    IF catalog = 'pg_foreign_server'::regclass AND to_regclass('dialfire.transactions') IS NOT NULL AND NOT dialfire.is_by_month() THEN
        PERFORM dialfire.part_by_month(false, true);
    END IF;
END
$$;
COMMENT ON FUNCTION dialfire.months_validator(text[], oid) IS 'parts the tables by month when the server dialfire_months is made, as by a dump that is restored; errors: HV00D for any option, and those of df_partition';
REVOKE ALL ON FUNCTION dialfire.months_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER dialfire_months NO HANDLER VALIDATOR dialfire.months_validator;
COMMENT ON FOREIGN DATA WRAPPER dialfire_months IS 'its only server says in a dump that the calls are partitioned by month; see df_partition';

SET LOCAL search_path = @extschema@, pg_temp;
