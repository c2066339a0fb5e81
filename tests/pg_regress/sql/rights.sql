-- Who may do what, and whether every object says what it is.
\pset format unaligned
\pset tuples_only on
CREATE TEMP VIEW relations AS
SELECT c.* FROM pg_class c, pg_depend d, pg_extension e
WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' AND d.refobjid = e.oid
  AND e.extname = 'dialfire_sync';
CREATE TEMP VIEW functions AS
SELECT p.*, p.oid::regprocedure AS signature FROM pg_proc p, pg_depend d, pg_extension e
WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' AND d.refobjid = e.oid
  AND e.extname = 'dialfire_sync';
SELECT count(*) > 30 AS relations FROM relations;
SELECT count(*) > 30 AS functions FROM functions;

-- Without a comment: no row.
SELECT relkind, relname FROM relations
WHERE relkind IN ('r', 'v', 'm', 'f') AND obj_description(oid, 'pg_class') IS NULL ORDER BY 2;
SELECT r.relname, a.attname FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid
WHERE r.relkind IN ('r', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
  AND col_description(r.oid, a.attnum) IS NULL ORDER BY 1, 2;
SELECT signature::text FROM functions WHERE obj_description(oid, 'pg_proc') IS NULL ORDER BY 1;
-- Columns of the views for people whose comment does not say of an instant that it is UTC, of a day in which zone it is cut,
-- of a number what it counts or its unit, and of each where it comes from: no row.
SELECT r.relname, a.attname, c.comment
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
CROSS JOIN LATERAL (SELECT col_description(r.oid, a.attnum) AS comment) c
WHERE r.relname IN ('agent_data', 'calls', 'agent_daily', 'campaign_daily', 'tenant_daily', 'monthly', 'ingestion_run_view',
                    'error_log_view', 'coverage_gaps', 'sync_health', 'matview_status', 'rejects_open', 'stuck_calls',
                    'ingestion_kpis', 'ingestion_monthly', 'mv_ingestion_kpis', 'mv_ingestion_monthly')
  AND NOT (c.comment ~ '[(;] ?from ' AND CASE
      WHEN a.atttypid = 'timestamptz'::regtype THEN c.comment ~ 'UTC'
      WHEN a.atttypid = 'date'::regtype THEN c.comment ~ 'tenant''s time zone'
      WHEN a.atttypid IN ('int8'::regtype, 'int4'::regtype, 'float8'::regtype, 'numeric'::regtype)
          THEN c.comment ~ '(seconds|milliseconds|share 0 to 1|calls|attempts|transactions|legs|done by|number|bytes|errors|rows|run)'
      ELSE true END)
ORDER BY 1, 2;
SELECT p.polname, r.relname FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
WHERE obj_description(p.oid, 'pg_policy') IS NULL ORDER BY 1, 2;
SELECT i.indexrelid::regclass FROM pg_index i JOIN relations r ON r.oid = i.indrelid
WHERE NOT i.indisprimary AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
  AND obj_description(i.indexrelid, 'pg_class') IS NULL ORDER BY 1;
SELECT 'extension' WHERE (SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'dialfire_sync') IS NULL
UNION ALL SELECT 'schema' WHERE obj_description('dialfire'::regnamespace, 'pg_namespace') IS NULL
UNION ALL SELECT 'wrapper' WHERE (SELECT obj_description(oid, 'pg_foreign_data_wrapper') FROM pg_foreign_data_wrapper
                                  WHERE fdwname = 'dialfire_sync') IS NULL;

-- Tables with a column tenant and without row security, or without a policy: no row.
SELECT relname FROM relations r
WHERE relkind = 'r' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = 'tenant' AND NOT a.attisdropped)
  AND NOT (relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = r.oid)) ORDER BY 1;
-- Tables without a column tenant.
SELECT relname FROM relations r
WHERE relkind = 'r' AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = 'tenant') ORDER BY 1;
-- Primary keys that do not begin with the tenant.
SELECT r.relname, a.attname FROM relations r JOIN pg_index i ON i.indrelid = r.oid AND i.indisprimary
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = i.indkey[0] WHERE a.attname <> 'tenant' ORDER BY 1;
-- Views that read with their owner's rights: those over matviews, behind a barrier and for usable tenants only.
SELECT relname, reloptions, pg_get_viewdef(oid) LIKE '%usable_tenants%' FROM relations
WHERE relkind = 'v' AND NOT COALESCE('security_invoker=true' = ANY (reloptions), false) ORDER BY 1;
-- Functions that do.
SELECT signature::text COLLATE "C" FROM functions WHERE prosecdef ORDER BY 1;
-- Functions that are not C and whose search_path is not pinned: no row.
SELECT signature FROM functions JOIN pg_language l ON l.oid = prolang
WHERE lanname <> 'c' AND NOT EXISTS (SELECT FROM unnest(proconfig) AS c WHERE c LIKE 'search_path=pg_catalog, pg_temp%') ORDER BY 1;

-- What PUBLIC may call: whatever fetches or writes is not among it.
SELECT signature::text COLLATE "C" FROM functions WHERE has_function_privilege('public', oid, 'EXECUTE') ORDER BY 1;
-- What PUBLIC may do with relations beyond reading: no row.
SELECT relname, privilege FROM relations,
    unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
WHERE relkind IN ('r', 'v', 'm') AND has_table_privilege('public', oid, privilege) ORDER BY 1, 2;
SELECT relname, privilege FROM relations, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS privilege
WHERE relkind = 'S' AND has_sequence_privilege('public', oid, privilege) ORDER BY 1, 2;
-- Materialised views know no row security: closed.
SELECT relname FROM relations WHERE relkind = 'm' AND has_table_privilege('public', oid, 'SELECT') ORDER BY 1;

-- Matviews, and what is theirs: no matview without a unique index, which lets readers go on during a refresh.
SELECT relname FROM relations r
WHERE relkind = 'm' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.oid AND i.indisunique) ORDER BY 1;

-- A role without USAGE on the server: no row, no sync. With it: both. Rows of a tenant that is gone are the owner's only.
INSERT INTO dialfire.campaigns (tenant, id) VALUES ('regress_acme', 'K1'), ('regress_gone', 'K2');
SELECT count(*) AS owner_sees FROM dialfire.campaigns;
SET ROLE regress_plain;
SELECT count(*) AS without FROM dialfire.campaigns;
SELECT tenant, usable FROM dialfire.tenants;
SELECT regress.try($$INSERT INTO dialfire.campaigns (tenant, id) VALUES ('regress_acme', 'K3')$$);
SELECT regress.try($$SELECT df_sync('regress_acme', 'yesterday')$$);
SELECT regress.try($$SELECT * FROM df_fetch('regress_acme', 'yesterday')$$);
SELECT regress.try($$SELECT * FROM df_check('regress_acme')$$);
SELECT regress.try($$CALL df_grant('regress_acme', 'regress_plain')$$);
SELECT kind FROM df_normalize('dialfire', '{"$id": "C1"}');
RESET ROLE;
-- The functions alone are not enough: the tenant says who may use it.
GRANT EXECUTE ON FUNCTION df_sync(text, text, boolean) TO regress_plain;
SET ROLE regress_plain;
SELECT regress.try($$SELECT df_sync('regress_acme', 'yesterday')$$);
RESET ROLE;
CALL df_grant('regress_acme', 'regress_plain');
-- What df_grant leaves to superusers.
SELECT signature::text COLLATE "C" FROM functions WHERE NOT has_function_privilege('regress_plain', oid, 'EXECUTE') ORDER BY 1;
SET ROLE regress_plain;
SELECT tenant, id FROM dialfire.campaigns;
SELECT tenant, usable FROM dialfire.tenants;
-- Somebody else's user mapping does not count.
SELECT regress.try($$SELECT df_sync('regress_acme', 'yesterday')$$);
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_acme OPTIONS (token 'abc');
SELECT status, message FROM df_sync('regress_acme', 'yesterday', dry_run => true);
-- Nobody reads another's token.
SELECT umoptions FROM pg_user_mappings WHERE srvname = 'regress_acme' AND usename <> current_user;
SELECT regress.try($$SELECT * FROM pg_user_mapping$$);
DROP USER MAPPING FOR CURRENT_USER SERVER regress_acme;
RESET ROLE;
-- What is taken away is gone at once.
REVOKE USAGE ON FOREIGN SERVER regress_acme FROM regress_plain;
SET ROLE regress_plain;
SELECT count(*) AS after_revoke FROM dialfire.campaigns;
RESET ROLE;
DELETE FROM dialfire.campaigns WHERE tenant LIKE 'regress%';
