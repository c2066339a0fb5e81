-- Which leg tells of a call, and which recording of a leg: decided when they are written, so that a list of calls need not look for it.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION dialfire.main_legs(tenant text, calls text[])
RETURNS TABLE (id text, day date, transaction_id text, is_main boolean, recording_id text, recording_location text, is_kept boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    -- Ids in an order that no locale changes, as crates/calls/src/main_leg.rs has them.
    RETURN QUERY
    SELECT l.id, l.day, l.transaction_id, l.rank = 1, r.id, r.location,
           (l.is_main, l.recording_id, l.recording_location) IS NOT DISTINCT FROM (l.rank = 1, r.id, r.location)
    FROM (
        SELECT c.*, row_number() OVER (
                   PARTITION BY c.transaction_id
                   ORDER BY c.parent_connection_id IS NOT NULL, c.result IS DISTINCT FROM 'connect', COALESCE(c.started, c.fired),
                            c.id COLLATE "C") AS rank
        FROM (SELECT DISTINCT unnest($2) AS id) i
        JOIN dialfire.connections c ON c.tenant = $1 AND c.transaction_id = i.id
    ) l
    LEFT JOIN LATERAL (
        SELECT s.id, s.location FROM dialfire.recordings s WHERE s.tenant = $1 AND s.connection_id = l.id
        ORDER BY s.location IS NULL, s.started, s.id COLLATE "C" LIMIT 1
    ) r ON true;
END
$$;
COMMENT ON FUNCTION dialfire.main_legs(text, text[]) IS
    'the legs of some calls: which of them tells of its call (the answered one, else the first, before third parties), the first recording of each that has an address, else the first, and whether they are stored so';

CREATE FUNCTION dialfire.keep_main_legs(tenant text, calls text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    ids text[];
    days date[];
    mains boolean[];
    recordings text[];
    locations text[];
BEGIN
    -- Of two who write legs of one call the second one waits, and then sees both.
    PERFORM FROM dialfire.transactions t WHERE t.tenant = $1 AND t.id = ANY ($2) ORDER BY t.id FOR NO KEY UPDATE;
    SELECT array_agg(f.id), array_agg(f.day), array_agg(f.is_main), array_agg(f.recording_id), array_agg(f.recording_location)
    INTO ids, days, mains, recordings, locations FROM dialfire.main_legs($1, $2) f WHERE NOT f.is_kept;
    UPDATE dialfire.connections l
    SET is_main = f.is_main, recording_id = f.recording_id, recording_location = f.recording_location
    FROM unnest(ids, days, mains, recordings, locations) AS f(id, day, is_main, recording_id, recording_location)
    WHERE l.tenant = $1 AND l.id = f.id AND l.day = f.day;
END
$$;
COMMENT ON FUNCTION dialfire.keep_main_legs(text, text[]) IS 'stores in the legs of some calls what main_legs says of them';
REVOKE ALL ON FUNCTION dialfire.keep_main_legs(text, text[]) FROM PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
