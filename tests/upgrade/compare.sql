-- The differences of two snapshots, which run.sh loads into the tables fresh and upgraded, as a person mends them.
\pset tuples_only on
\pset format unaligned
SELECT count(*) < 500 AS too_few FROM fresh \gset
\if :too_few
\warn 'the snapshot of a fresh installation is not complete'
SELECT 1 / 0;
\endif
-- Of an object or column that one side lacks, only what its CREATE or DROP does not bring along.
CREATE FUNCTION pg_temp.brought(object text, aspect text, make text, others text[]) RETURNS boolean LANGUAGE sql AS $$
    SELECT aspect IN ('place', 'storage', 'initial rights')
           OR (aspect = 'definition' OR aspect = 'properties' AND make IS NULL OR aspect LIKE '% for postgres')
              AND EXISTS (SELECT FROM unnest(others) o WHERE object = o OR object LIKE 'column % of ' || o)
$$;
SELECT COALESCE(array_agg(object), '{}') AS new FROM fresh f WHERE aspect = 'existence'
    AND NOT EXISTS (SELECT FROM upgraded u WHERE u.object = f.object AND u.aspect = 'existence') \gset
SELECT COALESCE(array_agg(object), '{}') AS old FROM upgraded u WHERE aspect = 'existence'
    AND NOT EXISTS (SELECT FROM fresh f WHERE u.object = f.object AND f.aspect = 'existence') \gset
SELECT said FROM (
    SELECT f.rank, f.object, f.aspect, concat_ws(E'\n',
        CASE WHEN u.object IS NULL THEN format('-- missing in the upgrade script: %s, %s', f.object, f.aspect)
             ELSE format('-- differs: %s, %s', f.object, f.aspect) || regexp_replace(
                 E'\nfresh:    ' || f.value || E'\nupgraded: ' || u.value, '\n', E'\n--   ', 'g') END,
        COALESCE(f.make, '-- (no SQL is known for this)'), '') AS said
    FROM fresh f LEFT JOIN upgraded u USING (object, aspect)
    WHERE f.value IS DISTINCT FROM u.value AND NOT (u.object IS NULL AND pg_temp.brought(f.object, f.aspect, f.make, :'new'::text[]))
    UNION ALL
    SELECT 10, u.object, u.aspect, concat_ws(E'\n', format('-- left over by the upgrade: %s, %s', u.object, u.aspect),
        COALESCE(u.undo, '-- (no SQL is known for this)'), '')
    FROM upgraded u LEFT JOIN fresh f USING (object, aspect)
    WHERE f.object IS NULL AND aspect NOT IN ('place', 'storage') AND NOT EXISTS (
        SELECT FROM unnest(:'old'::text[]) o WHERE aspect <> 'existence' AND (u.object = o OR u.object LIKE '% of ' || o))
) differences ORDER BY rank, object, aspect;
