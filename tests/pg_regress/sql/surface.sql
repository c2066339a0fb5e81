-- The names that others rely on: a change here breaks somebody's query.
\pset format unaligned
\pset tuples_only on
SELECT p.oid::regprocedure || E'\n  (' || pg_get_function_arguments(p.oid) || E')\n  '
       || COALESCE(pg_get_function_result(p.oid), 'procedure')
FROM pg_proc p
WHERE proname LIKE 'df\_%' AND proname <> 'df_validator' ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Columns in order, with their types: whole views and tables, and the beginning of calls.
SELECT c.relname || E'\n  ' || string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), E'\n  ' ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'dialfire'::regnamespace
  AND (c.relkind IN ('v', 'm') AND c.relname <> 'calls' OR c.relname = 'calls' AND a.attnum <= 12
       OR c.relname IN ('call_statuses', 'http_log', 'kpi_definitions', 'schedules')
       OR c.relname = 'coverage' AND a.attnum <= 3)
GROUP BY c.relname ORDER BY c.relname;

-- Where the promised tables of calls and ledger are missing: no row.
SELECT name FROM unnest(ARRAY['campaigns', 'agents', 'contacts', 'transactions', 'connections', 'recordings', 'inbound_calls',
                              'runs', 'coverage', 'rejects', 'http_log', 'daily_stats', 'schedules']) AS name
WHERE to_regclass('dialfire.' || name) IS NULL;
-- Units stand in the names and comments.
SELECT attrelid::regclass || '.' || attname || ': ' || col_description(attrelid, attnum)
FROM pg_attribute WHERE attrelid IN ('dialfire.transactions'::regclass, 'dialfire.connections'::regclass)
  AND attname ~ '(_sec|_ms)$' ORDER BY 1;

-- Settings.
SELECT name, vartype, context FROM pg_settings WHERE name LIKE 'dialfire\_sync.%' ORDER BY 1;
-- The vendor's words and what they mean.
SELECT status, string_agg(vendor_status, ', ' ORDER BY vendor_status COLLATE "C")
FROM dialfire.call_statuses WHERE vendor = 'dialfire' GROUP BY 1 ORDER BY 1;
-- Tables and their sequences that pg_dump leaves out: definitions come with the extension, and a restored matview is stale.
SELECT c.oid::regclass
FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'dialfire_sync'
WHERE c.relkind IN ('r', 'S') AND c.oid <> ALL (COALESCE(e.extconfig, '{}')) ORDER BY 1;
