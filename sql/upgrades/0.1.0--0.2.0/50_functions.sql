-- One payload with the country of its numbers.

CREATE FUNCTION @extschema@.df_normalize(vendor text, payload text, timezone text, region text)
RETURNS TABLE (kind text, id text, record jsonb, reason text, field text, detail text)
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT AS 'MODULE_PATHNAME', 'df_normalize_in_wrapper';
COMMENT ON FUNCTION @extschema@.df_normalize(text, text, text, text) IS 'the same with the region of numbers without a prefix, an ISO code such as US; errors: 22023 unknown region, and those of the other form';
COMMENT ON FUNCTION @extschema@.df_retry_rejects(text) IS
    'normalises the open rejects of a tenant again, without fetching; one row: tried, resolved, left. A sync of the same campaign at work is an error (55006)';
