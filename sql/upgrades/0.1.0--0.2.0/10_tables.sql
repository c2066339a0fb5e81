SET LOCAL search_path = pg_catalog, pg_temp;
-- Legs and recordings have the day of their call, by which views find all of a day in one go.
ALTER TABLE dialfire.connections ADD COLUMN day date NOT NULL DEFAULT 'infinity';
ALTER TABLE dialfire.connections ADD COLUMN is_main boolean NOT NULL DEFAULT true;
ALTER TABLE dialfire.connections ADD COLUMN recording_id text;
ALTER TABLE dialfire.connections ADD COLUMN recording_location text;
ALTER TABLE dialfire.recordings ADD COLUMN day date NOT NULL DEFAULT 'infinity';
UPDATE dialfire.connections l SET day = COALESCE(f.day, 'infinity'), is_main = f.is_main, recording_id = f.recording_id, recording_location = f.location
FROM (
    SELECT c.tenant, c.id, t.day, r.id AS recording_id, r.location, row_number() OVER (
               PARTITION BY c.tenant, c.transaction_id
               ORDER BY c.parent_connection_id IS NOT NULL, c.result IS DISTINCT FROM 'connect', COALESCE(c.started, c.fired), c.id COLLATE "C") = 1 AS is_main
    FROM dialfire.connections c
    LEFT JOIN dialfire.transactions t ON t.tenant = c.tenant AND t.id = c.transaction_id
    LEFT JOIN (
        SELECT DISTINCT ON (s.tenant, s.connection_id) s.tenant, s.connection_id, s.id, s.location FROM dialfire.recordings s
        ORDER BY s.tenant, s.connection_id, s.location IS NULL, s.started, s.id COLLATE "C"
    ) r ON r.tenant = c.tenant AND r.connection_id = c.id
) f WHERE l.tenant = f.tenant AND l.id = f.id;
UPDATE dialfire.recordings r SET day = t.day FROM dialfire.transactions t WHERE t.tenant = r.tenant AND t.id = r.transaction_id;
CREATE INDEX connections_day ON dialfire.connections (day, tenant);
CREATE INDEX recordings_day ON dialfire.recordings (day, tenant);
COMMENT ON COLUMN dialfire.connections.day IS 'day of its call (transactions.day), by which views find it; infinity while no such call is stored';
COMMENT ON COLUMN dialfire.recordings.day IS 'day of its call (transactions.day), by which views find it; infinity while no such call is stored';
COMMENT ON INDEX dialfire.connections_day IS 'finds the legs of the calls of a day';
COMMENT ON INDEX dialfire.recordings_day IS 'finds the recordings of the calls of a day';
COMMENT ON COLUMN dialfire.connections.is_main IS 'it tells of its call: the answered leg, else the first, before third parties';
COMMENT ON COLUMN dialfire.connections.recording_id IS 'its first recording that has an address, else the first (recordings.id)';
COMMENT ON COLUMN dialfire.connections.recording_location IS 'address of that recording; null while the vendor has none (recordings.location)';
\i sql/15_legs.sql
SET LOCAL search_path = pg_catalog, pg_temp;
