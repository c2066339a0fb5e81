-- The ways to call a function that Rust has once, with the range as text. ISO, as that text is read without a setting.
CREATE FUNCTION @extschema@.df_sync(tenant text, range tstzrange, dry_run boolean DEFAULT false)
RETURNS TABLE (run_id bigint, status text, windows bigint, fetched bigint, inserted bigint, updated bigint,
               unchanged bigint, skipped bigint, rejected bigint, requests bigint, retries bigint, duration interval,
               skip_reasons jsonb, message text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT * FROM @extschema@.df_sync($1, $2::text, $3)
$$;
CREATE FUNCTION @extschema@.df_sync(tenant text, range daterange, dry_run boolean DEFAULT false)
RETURNS TABLE (run_id bigint, status text, windows bigint, fetched bigint, inserted bigint, updated bigint,
               unchanged bigint, skipped bigint, rejected bigint, requests bigint, retries bigint, duration interval,
               skip_reasons jsonb, message text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT * FROM @extschema@.df_sync($1, $2::text, $3)
$$;
CREATE FUNCTION @extschema@.df_sync(tenant text, dry_run boolean DEFAULT false)
RETURNS TABLE (run_id bigint, status text, windows bigint, fetched bigint, inserted bigint, updated bigint,
               unchanged bigint, skipped bigint, rejected bigint, requests bigint, retries bigint, duration interval,
               skip_reasons jsonb, message text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM @extschema@.df_sync($1, NULL::text, $2)
$$;
CREATE FUNCTION @extschema@.df_fetch(tenant text, range tstzrange)
RETURNS TABLE (source text, kind text, key text, payload json)
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT * FROM @extschema@.df_fetch($1, $2::text)
$$;
CREATE FUNCTION @extschema@.df_fetch(tenant text, range daterange)
RETURNS TABLE (source text, kind text, key text, payload json)
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT * FROM @extschema@.df_fetch($1, $2::text)
$$;

-- Text takes what is no JSON and says so; these take payloads that are JSON already.
CREATE FUNCTION @extschema@.df_normalize(vendor text, payload json, timezone text DEFAULT 'UTC')
RETURNS TABLE (kind text, id text, record jsonb, reason text, field text, detail text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM @extschema@.df_normalize($1, $2::text, $3)
$$;
CREATE FUNCTION @extschema@.df_normalize(vendor text, payload jsonb, timezone text DEFAULT 'UTC')
RETURNS TABLE (kind text, id text, record jsonb, reason text, field text, detail text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM @extschema@.df_normalize($1, $2::text, $3)
$$;

-- A body as text: in a database of UTF-8 its bytes are those that were signed.
CREATE FUNCTION @extschema@.df_ingest(tenant text, body text, headers jsonb DEFAULT NULL)
RETURNS TABLE (http_status integer, outcome text, call_id text, detail text, response jsonb)
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM @extschema@.df_ingest($1, convert_to($2, 'UTF8'), $3)
$$;

-- A diagnosis and its repair take the same ranges as a sync.
CREATE FUNCTION @extschema@.df_diagnose(tenant text, range tstzrange) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT @extschema@.df_diagnose($1, $2::text)
$$;
CREATE FUNCTION @extschema@.df_diagnose(tenant text, range daterange) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT @extschema@.df_diagnose($1, $2::text)
$$;
CREATE FUNCTION @extschema@.df_diagnose_calls(tenant text, range tstzrange)
RETURNS TABLE (call_id text, status text, reason text, detail text, source text, agent_id text, agent_name text,
               agent_status text, from_number text, call_date timestamptz)
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT * FROM @extschema@.df_diagnose_calls($1, $2::text)
$$;
CREATE FUNCTION @extschema@.df_diagnose_calls(tenant text, range daterange)
RETURNS TABLE (call_id text, status text, reason text, detail text, source text, agent_id text, agent_name text,
               agent_status text, from_number text, call_date timestamptz)
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT * FROM @extschema@.df_diagnose_calls($1, $2::text)
$$;
CREATE FUNCTION @extschema@.df_repair(tenant text, range tstzrange)
RETURNS TABLE (run_id bigint, status text, found bigint, inserted bigint, updated bigint, marked_gone bigint,
               left_over bigint, message text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT * FROM @extschema@.df_repair($1, $2::text)
$$;
CREATE FUNCTION @extschema@.df_repair(tenant text, range daterange)
RETURNS TABLE (run_id bigint, status text, found bigint, inserted bigint, updated bigint, marked_gone bigint,
               left_over bigint, message text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT * FROM @extschema@.df_repair($1, $2::text)
$$;
