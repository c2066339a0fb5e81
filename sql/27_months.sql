-- Months of calls that were let go. Where the calls are partitioned by month (df_partition) such a month is a table that was detached.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.retired_months (
    month       date NOT NULL PRIMARY KEY CHECK (extract(day FROM month) = 1),
    kept_in     name,
    role        name NOT NULL DEFAULT current_user,
    retired_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE dialfire.retired_months IS 'months whose calls were let go by df_detach_month: nothing up to their end is fetched, stored or missed any more; daily_stats keeps their figures';
COMMENT ON COLUMN dialfire.retired_months.month IS 'first day of the month, in each tenant''s time zone';
COMMENT ON COLUMN dialfire.retired_months.kept_in IS 'schema in which its tables stand since; null: they were dropped';
COMMENT ON COLUMN dialfire.retired_months.role IS 'role that let it go';
COMMENT ON COLUMN dialfire.retired_months.retired_at IS 'when (UTC instant)';
ALTER TABLE dialfire.retired_months ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON dialfire.retired_months FOR SELECT USING (true);
COMMENT ON POLICY everybody ON dialfire.retired_months IS 'the same months for all tenants';
GRANT SELECT ON dialfire.retired_months TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('dialfire.retired_months', '');

CREATE FUNCTION dialfire.retired_until() RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT (max(month) + interval '1 month')::date FROM dialfire.retired_months
$$;
COMMENT ON FUNCTION dialfire.retired_until() IS 'first day whose calls were not let go by df_detach_month; null where none were';

SET LOCAL search_path = @extschema@, pg_temp;
