-- What one call of a voice agent adds, so that a webhook is counted as it comes; statements of which a distributed Postgres can
-- tell that one node has all their rows.

\i sql/22_stats.sql dialfire.voice_events
GRANT SELECT ON dialfire.voice_events TO PUBLIC;

\i sql/22_stats.sql dialfire.stats_of dialfire.keep_stats dialfire.add_stats dialfire.stats_of_call dialfire.shift_stats
REVOKE ALL ON FUNCTION dialfire.stats_of_call(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION dialfire.shift_stats(dialfire.daily_stats, dialfire.daily_stats) FROM PUBLIC;

COMMENT ON COLUMN dialfire.marks.followed_at IS 'when the mark last moved (UTC instant)';
