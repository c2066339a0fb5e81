-- Refreshing the matviews without anybody waiting for it.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.refreshes (
    view            text PRIMARY KEY,
    refreshed_at    timestamptz NOT NULL,
    way             text NOT NULL,
    rows            bigint NOT NULL,
    duration        interval NOT NULL,
    signature       text NOT NULL
);
COMMENT ON TABLE dialfire.refreshes IS 'the last refresh of each matview';
COMMENT ON COLUMN dialfire.refreshes.view IS 'name of the matview';
COMMENT ON COLUMN dialfire.refreshes.refreshed_at IS 'when it began (UTC instant)';
COMMENT ON COLUMN dialfire.refreshes.way IS 'concurrently or plain';
COMMENT ON COLUMN dialfire.refreshes.rows IS 'rows afterwards';
COMMENT ON COLUMN dialfire.refreshes.duration IS 'how long it took';
COMMENT ON COLUMN dialfire.refreshes.signature IS 'state of daily_stats and agents that was refreshed to';

-- A state and not a time: a sync that began before a refresh may commit after it. A login that is learned names old events.
-- Microseconds are whole numbers, whose sum is cheap and the same in any order.
CREATE FUNCTION dialfire.stats_signature() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT (SELECT count(*) || ':' || COALESCE(sum((date_part('epoch', changed_at) * 1e6)::bigint), 0) FROM dialfire.daily_stats)
        || ' ' || (SELECT count(*) || ':' || COALESCE(sum((date_part('epoch', changed_at) * 1e6)::bigint), 0) FROM dialfire.agents)
$$;
COMMENT ON FUNCTION dialfire.stats_signature() IS 'changes whenever daily_stats or agents do; tells nothing of their rows';

CREATE VIEW dialfire.matview_status WITH (security_invoker = true) AS
SELECT c.relname::text AS view,
       m.ispopulated AS populated,
       r.refreshed_at,
       now() - r.refreshed_at AS age,
       r.way,
       r.rows,
       r.duration,
       NOT m.ispopulated OR r.signature IS DISTINCT FROM (SELECT dialfire.stats_signature()) AS stale
FROM pg_catalog.pg_matviews m
JOIN pg_catalog.pg_class c ON c.relname = m.matviewname AND c.relnamespace = 'dialfire'::regnamespace
LEFT JOIN dialfire.refreshes r ON r.view = c.relname
WHERE m.schemaname = 'dialfire';
COMMENT ON VIEW dialfire.matview_status IS 'when each matview was refreshed, and whether calls have changed since';
COMMENT ON COLUMN dialfire.matview_status.view IS 'name of the matview (from pg_matviews)';
COMMENT ON COLUMN dialfire.matview_status.populated IS 'false: it cannot be read before a refresh (from pg_matviews)';
COMMENT ON COLUMN dialfire.matview_status.refreshed_at IS 'last refresh by df_refresh (UTC instant; from refreshes)';
COMMENT ON COLUMN dialfire.matview_status.age IS 'time since then (from refreshes)';
COMMENT ON COLUMN dialfire.matview_status.way IS 'concurrently or plain (from refreshes)';
COMMENT ON COLUMN dialfire.matview_status.rows IS 'rows afterwards (from refreshes)';
COMMENT ON COLUMN dialfire.matview_status.duration IS 'how long it took (from refreshes)';
COMMENT ON COLUMN dialfire.matview_status.stale IS 'daily_stats or agents have changed since (from refreshes, daily_stats, agents)';

-- The owner of the matviews has to do it; nothing of the caller's is read but the flag.
CREATE FUNCTION @extschema@.df_refresh(force boolean DEFAULT false)
RETURNS TABLE (view text, way text, rows bigint, duration interval, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    name text;
    readers_go_on boolean;
    populated boolean;
    began timestamptz;
    state text := dialfire.stats_signature();
    failed text;
BEGIN
    -- In this order: the second sums up the first.
    FOREACH name IN ARRAY ARRAY['mv_ingestion_monthly', 'mv_ingestion_kpis'] LOOP
        view := name; way := NULL; rows := NULL; duration := NULL; reason := NULL;
        SELECT m.ispopulated INTO populated FROM pg_matviews m WHERE m.schemaname = 'dialfire' AND m.matviewname = name;
        IF populated AND NOT force AND EXISTS (
            SELECT FROM dialfire.refreshes r WHERE r.view = name AND r.signature = state) THEN
            way := 'skipped';
            reason := 'nothing has changed since the last refresh';
            RETURN NEXT;
            CONTINUE;
        END IF;
        IF failed IS NOT NULL THEN
            way := 'failed';
            reason := format('it is made of %s, which could not be refreshed', failed);
            RETURN NEXT;
            CONTINUE;
        END IF;
        readers_go_on := populated AND EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = format('dialfire.%I', name)::regclass
               AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL);
        way := CASE WHEN readers_go_on THEN 'concurrently' ELSE 'plain' END;
        reason := CASE WHEN readers_go_on THEN 'a unique index over all rows lets readers go on'
                       WHEN NOT populated THEN 'it was not populated' ELSE 'it has no unique index over all rows' END;
        began := clock_timestamp();
        BEGIN
            EXECUTE format('REFRESH MATERIALIZED VIEW %s dialfire.%I',
                           CASE WHEN readers_go_on THEN 'CONCURRENTLY' ELSE '' END, name);
            duration := clock_timestamp() - began;
            EXECUTE format('SELECT count(*) FROM dialfire.%I', name) INTO rows;
            -- The state was read before: what changed in between makes the view stale again, never fresh by mistake.
            INSERT INTO dialfire.refreshes AS r VALUES (name, began, way, rows, duration, state)
            ON CONFLICT ON CONSTRAINT refreshes_pkey DO UPDATE SET refreshed_at = excluded.refreshed_at,
                way = excluded.way, rows = excluded.rows, duration = excluded.duration, signature = excluded.signature;
        EXCEPTION WHEN lock_not_available THEN
            failed := name;
            way := 'failed';
            reason := 'another session holds a lock on it; the next refresh will do it';
            duration := clock_timestamp() - began;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.df_refresh(boolean) IS
    'refreshes the KPI matviews: concurrently where the catalogue allows it, not at all where nothing changed; waits at most 2 s for a lock';
REVOKE ALL ON FUNCTION @extschema@.df_refresh(boolean) FROM PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
