-- A tenant is a foreign server: Postgres hides its secrets, dumps its options and says who may use it.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FOREIGN DATA WRAPPER dialfire_sync NO HANDLER VALIDATOR @extschema@.df_validator;
COMMENT ON FOREIGN DATA WRAPPER dialfire_sync IS 'a server of this wrapper is a tenant of a call-centre vendor; it has no foreign tables';

-- It is inlined; ATOMIC binds its names when it is made, whatever the caller's search path.
CREATE FUNCTION dialfire.read_tenants() RETURNS TABLE (
    tenant text, vendor text, account text, timezone text, wanted_from timestamptz, wanted_to timestamptz, usable boolean,
    retained_from timestamptz, stuck_after interval, count_agents text, calls_reset_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT s.srvname::text AS tenant,
       o.vendor,
       o.account,
       COALESCE(o.timezone, 'UTC') AS timezone,
       greatest(COALESCE(o.start_date::date, (now() AT TIME ZONE COALESCE(o.timezone, 'UTC'))::date - 14)::timestamp
           AT TIME ZONE COALESCE(o.timezone, 'UTC'), r.calls_reset_at) AS wanted_from,
       now() - COALESCE(o.settle, CASE o.vendor WHEN 'highlevel' THEN '20 minutes' ELSE '2 minutes' END)::interval AS wanted_to,
       pg_catalog.has_server_privilege(s.oid, 'USAGE') AS usable,
       CASE WHEN o.vendor = 'vapi' THEN now() - make_interval(days => COALESCE(o.retention_days::int, 14)) END AS retained_from,
       CASE WHEN o.vendor = 'vapi' THEN COALESCE(o.stuck_after, '1 hour')::interval ELSE interval '2 hours' END AS stuck_after,
       COALESCE(o.count_agents, CASE o.vendor WHEN 'highlevel' THEN 'assigned' ELSE 'all' END) AS count_agents,
       r.calls_reset_at
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
CROSS JOIN LATERAL (
    SELECT max(option_value) FILTER (WHERE option_name = 'vendor') AS vendor,
           max(option_value) FILTER (WHERE option_name = 'account') AS account,
           max(option_value) FILTER (WHERE option_name = 'timezone') AS timezone,
           max(option_value) FILTER (WHERE option_name = 'start_date') AS start_date,
           max(option_value) FILTER (WHERE option_name = 'settle') AS settle,
           max(option_value) FILTER (WHERE option_name = 'retention_days') AS retention_days,
           max(option_value) FILTER (WHERE option_name = 'stuck_after') AS stuck_after,
           max(option_value) FILTER (WHERE option_name = 'count_agents') AS count_agents,
           max(option_value) FILTER (WHERE option_name = 'calls_reset_at') AS calls_reset_at
    FROM pg_catalog.pg_options_to_table(s.srvoptions)
) o
CROSS JOIN LATERAL (
    SELECT greatest(CASE WHEN length(o.calls_reset_at) = 10 THEN o.calls_reset_at::timestamp AT TIME ZONE COALESCE(o.timezone, 'UTC')
                         ELSE o.calls_reset_at::timestamptz END,
                    (SELECT max(month) + interval '1 month' FROM dialfire.retired_months) AT TIME ZONE COALESCE(o.timezone, 'UTC')) AS calls_reset_at
) r
WHERE w.fdwname = 'dialfire_sync';
END;
COMMENT ON FUNCTION dialfire.read_tenants() IS 'the foreign servers of this wrapper with their options, as dialfire.tenants shows them';

-- Not inlined: a distributed Postgres lets a function join its tables, but no catalogue.
CREATE FUNCTION dialfire.all_tenants() RETURNS TABLE (
    tenant text, vendor text, account text, timezone text, wanted_from timestamptz, wanted_to timestamptz, usable boolean,
    retained_from timestamptz, stuck_after interval, count_agents text, calls_reset_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SET search_path = pg_catalog, pg_temp AS $$ SELECT * FROM dialfire.read_tenants() $$;
COMMENT ON FUNCTION dialfire.all_tenants() IS 'the tenants, as df_distribute lets dialfire.tenants read them';

CREATE VIEW dialfire.tenants WITH (security_invoker = true) AS
SELECT tenant COLLATE "C" AS tenant, vendor, account, timezone, wanted_from, wanted_to, usable, retained_from, stuck_after, count_agents, calls_reset_at
FROM dialfire.read_tenants();
COMMENT ON VIEW dialfire.tenants IS 'tenants: the foreign servers of this wrapper';
COMMENT ON COLUMN dialfire.tenants.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.tenants.vendor IS 'vendor whose API is asked';
COMMENT ON COLUMN dialfire.tenants.account IS 'id of the tenant at the vendor';
COMMENT ON COLUMN dialfire.tenants.timezone IS 'IANA zone in which days are cut';
COMMENT ON COLUMN dialfire.tenants.wanted_from IS 'from here everything is wanted (UTC instant): option start_date, else 14 days before today';
COMMENT ON COLUMN dialfire.tenants.wanted_to IS 'up to here it could be covered by now (UTC instant): now less option settle';
COMMENT ON COLUMN dialfire.tenants.count_agents IS 'whose calls count: all, or those of assigned agents only (from option count_agents)';
COMMENT ON COLUMN dialfire.tenants.calls_reset_at IS 'sync and diagnosis begin here (UTC instant, from option calls_reset_at, or behind the months that were let go); null: no limit';
COMMENT ON COLUMN dialfire.tenants.usable IS 'the current role has USAGE on the server, and so sees its calls and may sync it';
COMMENT ON COLUMN dialfire.tenants.retained_from IS 'older calls are gone at the vendor (UTC instant): option retention_days; null where the vendor keeps them';
COMMENT ON COLUMN dialfire.tenants.stuck_after IS 'a call that has not ended after this time is in stuck_calls: option stuck_after, else 2 hours';

-- As in dialfire.tenants, but a third of its planning, which views of calls would pay for each kind of call.
CREATE VIEW dialfire.tenant_facts WITH (security_invoker = true) AS
SELECT s.srvname::text COLLATE "C" AS tenant,
       o.vendor,
       COALESCE(o.timezone, 'UTC') AS timezone,
       COALESCE(o.count_agents, CASE o.vendor WHEN 'highlevel' THEN 'assigned' ELSE 'all' END) AS count_agents
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
CROSS JOIN LATERAL (
    SELECT max(option_value) FILTER (WHERE option_name = 'vendor') AS vendor,
           max(option_value) FILTER (WHERE option_name = 'timezone') AS timezone,
           max(option_value) FILTER (WHERE option_name = 'count_agents') AS count_agents
    FROM pg_catalog.pg_options_to_table(s.srvoptions)
) o
WHERE w.fdwname = 'dialfire_sync';
COMMENT ON VIEW dialfire.tenant_facts IS 'what views of calls ask of a tenant';
COMMENT ON COLUMN dialfire.tenant_facts.tenant IS 'name of the foreign server (from pg_foreign_server)';
COMMENT ON COLUMN dialfire.tenant_facts.vendor IS 'vendor of the tenant (from option vendor)';
COMMENT ON COLUMN dialfire.tenant_facts.timezone IS 'time zone by which days are cut (from option timezone)';
COMMENT ON COLUMN dialfire.tenant_facts.count_agents IS 'whose calls count: all or assigned (from option count_agents)';

-- PL/pgSQL keeps its plan; row security asks it once a table and query.
CREATE FUNCTION dialfire.usable_tenants() RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Not by dialfire.tenants: of thousands of tenants it would take the options apart.
    RETURN (
        SELECT COALESCE(array_agg(s.srvname::text), '{}') FROM pg_foreign_server s
        WHERE s.srvfdw = (SELECT w.oid FROM pg_foreign_data_wrapper w WHERE w.fdwname = 'dialfire_sync')
          AND has_server_privilege(s.oid, 'USAGE'));
END
$$;
COMMENT ON FUNCTION dialfire.usable_tenants() IS 'tenants whose server the current role may use; row security asks it once a query';

SET LOCAL search_path = @extschema@, pg_temp;
