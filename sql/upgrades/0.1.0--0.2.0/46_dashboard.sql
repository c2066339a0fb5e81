-- The dashboard's figures and news by indexes, and a search of every vendor's calls.

DROP INDEX dialfire.voice_calls_created;
CREATE INDEX voice_calls_created ON dialfire.voice_calls (tenant, created_at)
    INCLUDE (vendor_status, ended_reason, tracked_outcome, direction, is_test, started_at, ended_at, cost, gone_at);
COMMENT ON INDEX dialfire.voice_calls_created IS 'finds the newest calls, and counts those of a range by itself';

\i sql/46_dashboard.sql @extschema@.df_dashboard_stats

CREATE INDEX alerts_at ON dialfire.alerts (tenant, at);
COMMENT ON INDEX dialfire.alerts_at IS 'finds the newest alerts';

\i sql/46_dashboard.sql dialfire.recent_activity @extschema@.df_enable_search

-- Where pg_trgm is there already the indexes come with the extension.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CALL @extschema@.df_enable_search();
    END IF;
END
$$;
