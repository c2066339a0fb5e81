-- Statements of which a distributed Postgres can tell that one node has all their rows, and the statement that distributes.

\i sql/25_thresholds.sql dialfire.check_thresholds

-- A function that is not inlined, as a distributed Postgres lets one join its tables, but no catalogue.
\i sql/30_tenant.sql dialfire.read_tenants dialfire.all_tenants dialfire.tenants dialfire.tenant_facts dialfire.usable_tenants
GRANT SELECT ON dialfire.tenant_facts TO PUBLIC;

\i sql/40_views.sql dialfire.calls dialfire.agent_data

-- A tenant at a time, as a distributed Postgres has each on a node of its own.
\i sql/41_health.sql dialfire.stuck_calls dialfire.coverage_of dialfire.health_of dialfire.sync_health @extschema@.df_why

-- A function, as a distributed Postgres would not count it beside grouping sets.
\i sql/42_kpis.sql dialfire.errors_today

CREATE OR REPLACE VIEW dialfire.ingestion_kpis WITH (security_barrier=true) AS
 SELECT
        CASE
            WHEN GROUPING(k.tenant) = 1 THEN 'all tenants'::text
            ELSE k.tenant
        END AS tenant,
    COALESCE(sum(k.attempts), 0::numeric)::bigint AS attempts,
    COALESCE(sum(k.connects), 0::numeric)::bigint AS connects,
    sum(k.connects)::double precision / NULLIF(sum(k.with_leg), 0::numeric)::double precision AS reach,
    COALESCE(sum(k.conversions), 0::numeric)::bigint AS conversions,
    sum(k.conversions)::double precision / NULLIF(sum(k.connects), 0::numeric)::double precision AS conversion_rate,
    sum(k.talk_ms)::double precision / NULLIF(sum(k.talks), 0::numeric)::double precision / 1000::double precision AS avg_talk_sec,
    sum(k.wait_sec) / NULLIF(sum(k.waits), 0::numeric)::double precision AS avg_wait_sec,
    sum(k.pause_sec) / NULLIF(sum(k.pauses), 0::numeric)::double precision AS avg_preparation_sec,
    sum(k.wrapup_sec) / NULLIF(sum(k.wrapups), 0::numeric)::double precision AS avg_wrapup_sec,
    sum(k.missing_login)::double precision / NULLIF(sum(k.human), 0::numeric)::double precision AS missing_login_rate,
    sum(k.with_leg)::double precision / NULLIF(sum(k.attempts), 0::numeric)::double precision AS connection_coverage,
    sum(k.recorded)::double precision / NULLIF(sum(k.connects), 0::numeric)::double precision AS recording_coverage,
    COALESCE(sum(k.inbound), 0::numeric)::bigint AS inbound,
    COALESCE(sum(k.inbound_answered), 0::numeric)::bigint AS inbound_answered,
    max(g.lag) AS lag,
    now() - max(k.last_at) AS freshness,
    COALESCE(sum(e.errors), 0::numeric)::bigint AS errors_24h
   FROM dialfire.mv_ingestion_kpis k
     LEFT JOIN LATERAL ( SELECT now() - COALESCE(h.first_gap, n.wanted_to) AS lag
           FROM dialfire.tenants n
             CROSS JOIN LATERAL dialfire.coverage_of(n.tenant) h(gaps, first_gap, open)
          WHERE n.tenant = k.tenant AND n.usable AND h.open > 0) g ON true
     LEFT JOIN dialfire.errors_today() e(tenant, errors) ON e.tenant = k.tenant
  WHERE k.tenant = ANY ((( SELECT dialfire.usable_tenants() AS usable_tenants))::text[])
  GROUP BY GROUPING SETS ((k.tenant), ());

\i sql/44_verify.sql @extschema@.df_verify

CREATE FUNCTION @extschema@.df_may_see(tenant text) RETURNS boolean
STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'df_may_see_wrapper';
\i sql/60_distribute.sql
SET LOCAL search_path = pg_catalog, pg_temp;
