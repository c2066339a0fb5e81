-- docs/reference.md, from what the catalogue says of every object.
\pset format unaligned
\pset tuples_only on
SET search_path = public, pg_catalog;
CREATE TEMP VIEW relation AS
SELECT c.oid, c.relname AS name, c.relkind, obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'dialfire_sync'
WHERE c.relnamespace = 'dialfire'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm');
CREATE TEMP VIEW routine AS
SELECT p.*, obj_description(p.oid, 'pg_proc') AS comment
FROM pg_proc p
JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'dialfire_sync'
WHERE p.proname LIKE 'df\_%' AND p.prorettype <> 'trigger'::regtype AND p.oid NOT IN (SELECT fdwvalidator FROM pg_foreign_data_wrapper);
CREATE FUNCTION pg_temp.sentence(comment text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN comment ~ '^[a-z]+_' THEN left(comment, 1) ELSE upper(left(comment, 1)) END || substr(comment, 2) || CASE WHEN comment ~ '[.:!?)]$' THEN '' ELSE '.' END
$$;
CREATE FUNCTION pg_temp.cell(content text) RETURNS text LANGUAGE sql AS $$ SELECT replace(replace(content, '|', '\|'), E'\n', ' ') $$;
CREATE FUNCTION pg_temp.columns(relation oid) RETURNS text LANGUAGE sql AS $$
    SELECT E'\n\n| column | type | meaning |\n| --- | --- | --- |\n'
           || string_agg(format('| `%s` | %s | %s |', attname, format_type(atttypid, atttypmod),
                                pg_temp.cell(col_description(attrelid, attnum))), E'\n' ORDER BY attnum) || E'\n'
    FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
$$;

\qecho '# Reference'
\qecho
\qecho '<!-- Written by make reference from the comments of the catalogue; make test-docs compares. Change the COMMENT instead. -->'
\qecho
\qecho 'What `psql` tells with `\\df+`, `\\d+` and `\\dx+`, to be read without a server: [functions](#functions-and-procedures), [views](#views),'
\qecho '[materialised views](#materialised-views), [tables](#tables), [options](#options-of-tenants), [settings](#settings).'
\qecho 'Instants are `timestamptz`; every table, view and column is of the schema `dialfire`, every function of that of `CREATE EXTENSION`.'
\qecho
\qecho '## Functions and procedures'
\qecho
-- An overload for each way to write a range is one entry.
SELECT format(E'### %s\n\n```\n%s\n```\n\n%s\n\n%s%s', proname,
              string_agg(CASE prokind WHEN 'p' THEN 'CALL ' ELSE '' END || proname || '('
                         || regexp_replace(pg_get_function_arguments(oid), '\mIN |::[a-z ]+', '', 'g') || ')'
                         || CASE WHEN prokind = 'p' OR proargmodes::text ~ 't' THEN ''
                                 ELSE ' → ' || pg_get_function_result(oid) END, E'\n' ORDER BY oid::regprocedure::text COLLATE "C"),
              string_agg(DISTINCT pg_temp.sentence(comment), E'\n\n'),
              CASE WHEN bool_or(has_function_privilege('public', oid, 'EXECUTE')) THEN 'Everybody may call it.'
                   ELSE 'Who may call it: superusers, and roles to whom EXECUTE is granted.' END,
              -- The columns of overloads are the same.
              (SELECT E'\n\n| returns | type |\n| --- | --- |\n'
                      || string_agg(format('| `%s` | %s |', proargnames[n], format_type(proallargtypes[n], NULL)), E'\n' ORDER BY n)
               FROM (SELECT r.proargnames, r.proallargtypes, r.proargmodes FROM routine r
                     WHERE r.proname = routine.proname AND r.proargmodes::text ~ 't' ORDER BY r.oid::regprocedure::text COLLATE "C" LIMIT 1) one,
                    generate_subscripts(proargmodes, 1) n WHERE proargmodes[n] = 't')) || E'\n'
FROM routine GROUP BY proname ORDER BY proname COLLATE "C";
\qecho '## Views'
\qecho
SELECT format(E'### dialfire.%s\n\n%s%s', name, pg_temp.sentence(comment), pg_temp.columns(oid)) FROM relation WHERE relkind = 'v' ORDER BY name COLLATE "C";
\qecho '## Materialised views'
\qecho
SELECT format(E'### dialfire.%s\n\n%s%s', name, pg_temp.sentence(comment), pg_temp.columns(oid)) FROM relation WHERE relkind = 'm' ORDER BY name COLLATE "C";
\qecho '## Tables'
\qecho
SELECT format(E'### dialfire.%s\n\n%s%s%s', name, pg_temp.sentence(comment),
              (SELECT E'\n\nPrimary key: ' || string_agg('`' || attname || '`', ', ' ORDER BY array_position(indkey::int2[], attnum)) || '.'
               FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
               WHERE i.indrelid = relation.oid AND i.indisprimary),
              pg_temp.columns(oid))
FROM relation WHERE relkind IN ('r', 'p') ORDER BY name COLLATE "C";
\qecho '## Options of tenants'
\qecho
\qecho 'Of `CREATE SERVER`, or of `CREATE USER MAPPING`, which keeps them from other roles.'
\qecho
\qecho '| option | place | vendor | default | meaning |'
\qecho '| --- | --- | --- | --- | --- |'
SELECT format('| `%s` | %s | %s | %s | %s |', option, place, vendor, '`' || default_value || '`', pg_temp.cell(description)) FROM df_options();
\qecho
\qecho '## Settings'
\qecho
\qecho '| setting | type | default | takes effect by | meaning |'
\qecho '| --- | --- | --- | --- | --- |'
SELECT format('| `%s` | %s | `%s` | %s | %s |', name, vartype || COALESCE(' in ' || unit, ''), boot_val,
              CASE context WHEN 'sighup' THEN 'reload' WHEN 'postmaster' THEN 'restart' WHEN 'superuser' THEN 'superuser, session' ELSE context END,
              pg_temp.cell(concat_ws(' ', short_desc, extra_desc)))
FROM pg_settings WHERE name LIKE 'dialfire\_sync.%' ORDER BY name;
