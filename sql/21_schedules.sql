-- What the worker does by itself, and how it went.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.schedules (
    tenant          text NOT NULL,
    job             text NOT NULL CHECK (job IN ('sync', 'look_back', 'reconcile', 'refresh', 'clean_up')),
    every           interval NOT NULL CHECK (every >= interval '10 seconds'),
    enabled         boolean NOT NULL DEFAULT true,
    owner           text NOT NULL,
    max_runtime     interval NOT NULL DEFAULT '1 hour' CHECK (max_runtime >= interval '10 seconds'),
    next_run        timestamptz NOT NULL DEFAULT now(),
    last_started    timestamptz,
    last_finished   timestamptz,
    last_status     text,
    last_message    text,
    failures        integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, job)
);
COMMENT ON TABLE dialfire.schedules IS 'jobs of the background worker; df_schedule makes them, their owner may adjust every, enabled, max_runtime and next_run by UPDATE';
COMMENT ON COLUMN dialfire.schedules.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.schedules.job IS 'sync (what is not covered), look_back (recent calls again), reconcile (contacts changed at the vendor), refresh (KPI matviews), clean_up (retention)';
COMMENT ON COLUMN dialfire.schedules.every IS 'from the end of a run to the beginning of the next';
COMMENT ON COLUMN dialfire.schedules.enabled IS 'false: the job rests';
COMMENT ON COLUMN dialfire.schedules.owner IS 'role whose rights and user mapping count';
COMMENT ON COLUMN dialfire.schedules.max_runtime IS 'a run that takes longer is ended';
COMMENT ON COLUMN dialfire.schedules.next_run IS 'when it is due (UTC instant)';
COMMENT ON COLUMN dialfire.schedules.last_started IS 'last begun (UTC instant)';
COMMENT ON COLUMN dialfire.schedules.last_finished IS 'last ended (UTC instant); older than last_started while it runs, or after a crash';
COMMENT ON COLUMN dialfire.schedules.last_status IS 'success, partial, failed, or skipped because somebody synced by hand';
COMMENT ON COLUMN dialfire.schedules.last_message IS 'what the last run said';
COMMENT ON COLUMN dialfire.schedules.failures IS 'failures in a row; a run counts as one from its beginning until it succeeds, so that a crash counts too';
SELECT pg_catalog.pg_extension_config_dump('dialfire.schedules', '');

SET LOCAL search_path = @extschema@, pg_temp;
