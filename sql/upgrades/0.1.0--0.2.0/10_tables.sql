SET LOCAL search_path = pg_catalog, pg_temp;
-- Legs and recordings have the day of their call, by which views find all of a day in one go.
ALTER TABLE dialfire.connections ADD COLUMN day date NOT NULL DEFAULT 'infinity';
ALTER TABLE dialfire.recordings ADD COLUMN day date NOT NULL DEFAULT 'infinity';
UPDATE dialfire.connections r SET day = t.day FROM dialfire.transactions t WHERE t.tenant = r.tenant AND t.id = r.transaction_id;
UPDATE dialfire.recordings r SET day = t.day FROM dialfire.transactions t WHERE t.tenant = r.tenant AND t.id = r.transaction_id;
CREATE INDEX connections_day ON dialfire.connections (day, tenant);
CREATE INDEX recordings_day ON dialfire.recordings (day, tenant);
COMMENT ON COLUMN dialfire.connections.day IS 'day of its call (transactions.day), by which views find it; infinity while no such call is stored';
COMMENT ON COLUMN dialfire.recordings.day IS 'day of its call (transactions.day), by which views find it; infinity while no such call is stored';
COMMENT ON INDEX dialfire.connections_day IS 'finds the legs of the calls of a day';
COMMENT ON INDEX dialfire.recordings_day IS 'finds the recordings of the calls of a day';
