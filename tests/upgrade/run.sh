#!/usr/bin/env bash
# An extension of every released version, updated to this one, is what a fresh installation is; its data is still there; and
# before it is updated the new library serves it. Needs the extension installed and the simulator built.
. "$(dirname "$0")/../../scripts/lib.sh"
export CLUSTER=upgrade-test
new=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
extension=$("$PG_CONFIG" --sharedir)/extension
library=$("$PG_CONFIG" --pkglibdir)/dialfire_sync.so
work=$(mktemp -d)
installed=()
trap 'rm -rf "$work"; scripts/cluster.sh remove; "${AS_ROOT[@]}" rm -f "${installed[@]}"' EXIT

psql() { scripts/cluster.sh psql -X -q -v ON_ERROR_STOP=1 "$@"; }
value() { psql -At -d "$1" -c "$2"; }
create() { psql -d postgres -c "CREATE DATABASE $1"; }
update() { psql -d "$1" -c 'ALTER EXTENSION dialfire_sync UPDATE'; }
snapshot() { psql -d "$1" -v "rows=$2" -f tests/upgrade/snapshot.sql; }
using() { bounded 300 scripts/cluster.sh psql -X -q -v ON_ERROR_STOP=1 -v "base_url=$base_url" \
    -v "highlevel_url=${base_url%/api}/highlevel" -d "$1" -o /dev/null -f "$2" 2>"$work/said" ||
    { cat "$work/said" >&2; die "$2 fails: $3"; }; }
# same WHAT FRESH UPGRADED: two snapshots.
same() {
    psql -d postgres -c 'TRUNCATE fresh, upgraded'
    psql -d postgres -c 'COPY fresh FROM STDIN' <"$2"
    psql -d postgres -c 'COPY upgraded FROM STDIN' <"$3"
    psql -d postgres -f tests/upgrade/compare.sql >"$work/differences"
    [ ! -s "$work/differences" ] || {
        cat "$work/differences" >&2
        die "$1: $(grep -cE '^-- (missing|differs|left)' "$work/differences") differences; what mends them belongs into sql/upgrades"
    }
}

# What was released stays as it was, and everything that was released is here.
sha256sum --quiet --strict -c sql/releases/SHA256SUMS || die "a released script was edited"
[ "$(find sql/releases -name '*.sql' | wc -l)" = "$(wc -l <sql/releases/SHA256SUMS)" ] || die "sql/releases/SHA256SUMS is not complete"
sed -n 's/^## \[\([0-9.]*\)\] – [0-9].*/\1/p' CHANGELOG.md | while read -r version; do
    [ -f "sql/releases/dialfire_sync--$version.sql" ] || die "$version was released and has no script: scripts/release.sh"
done
if [ -f "sql/releases/dialfire_sync--$new.sql" ]; then
    diff -q <(sed 's/^-- src.*//' "$extension/dialfire_sync--$new.sql" | sort) \
        <(sed 's/^-- src.*//' "sql/releases/dialfire_sync--$new.sql" | sort) >/dev/null ||
        die "the objects of $new have changed since it was released: begin a new version"
fi

scripts/cluster.sh remove
scripts/cluster.sh start
# Ends with this script, which holds its standard input.
coproc simulator { exec "$TARGET/debug/simulator" --port 0 --days 5 --exit-with-stdin; }
read -r -t 30 line <&"${simulator[0]}" || die "the simulator did not start"
base_url=${line#simulator listening on }

psql -d postgres -c 'CREATE TABLE fresh (rank int, object text, aspect text, value text, make text, undo text)' \
    -c 'CREATE TABLE upgraded (LIKE fresh)'
create fresh
psql -d fresh -c 'CREATE EXTENSION dialfire_sync'
[ "$(value fresh "SELECT extversion FROM pg_extension WHERE extname = 'dialfire_sync'")" = "$new" ]
snapshot fresh true >"$work/fresh"
snapshot fresh false >"$work/fresh-used"
signatures="SELECT prosrc, string_agg(pg_get_function_identity_arguments(p.oid) || ' → ' || prorettype::regtype || proretset, ', ' ORDER BY p.oid::regprocedure::text)
    FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'dialfire_sync' WHERE probin IS NOT NULL GROUP BY 1 ORDER BY 1"
value fresh "$signatures" >"$work/signatures"
nm -D --defined-only "$library" | awk '{ print $3 }' | sort >"$work/symbols"

upgrades=0
for script in $(find sql/releases -name 'dialfire_sync--*.sql' ! -name '*--*--*' | sort -V); do
    old=$(basename "$script" .sql)
    old=${old#dialfire_sync--}
    [ "$old" != "$new" ] || continue
    say "from $old to $new"
    upgrades=$((upgrades + 1))
    installed+=("$extension/dialfire_sync--$old.sql")
    "${AS_ROOT[@]}" install -m 644 "$script" "$extension/"

    create "bare$upgrades"
    psql -d "bare$upgrades" -c "CREATE EXTENSION dialfire_sync VERSION '$old'"
    value "bare$upgrades" "$signatures" >"$work/old-signatures"
    cut -d'|' -f1 "$work/old-signatures" | sort | comm -23 - "$work/symbols" >"$work/gone"
    [ ! -s "$work/gone" ] || die "functions that $old calls are not in the library: $(tr '\n' ' ' <"$work/gone")"
    join -t'|' "$work/old-signatures" "$work/signatures" | awk -F'|' '$2 != $3' >"$work/other"
    [ ! -s "$work/other" ] || { cat "$work/other" >&2; die "functions that $old calls take other arguments now: name the new ones anew"; }
    update "bare$upgrades"
    snapshot "bare$upgrades" true >"$work/bare"
    same "from $old, never used" "$work/fresh" "$work/bare"

    create "used$upgrades"
    psql -d "used$upgrades" -c "CREATE EXTENSION dialfire_sync VERSION '$old'"
    psql -d postgres -c 'DROP ROLE IF EXISTS upgrade_reader' 2>/dev/null || true
    using "used$upgrades" tests/upgrade/load.sql "objects of $old, library of $new"
    using "used$upgrades" tests/upgrade/use.sql "objects of $old, library of $new"
    contents=$(value "used$upgrades" "SELECT format('SELECT %L, count(*), md5(string_agg(t::text, '''' ORDER BY t::text)) FROM (SELECT %s FROM %s) t;', c.oid::regclass,
            string_agg(quote_ident(attname), ', ' ORDER BY attnum), c.oid::regclass)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        JOIN pg_extension e ON extname = 'dialfire_sync' AND c.oid = ANY (extconfig) WHERE relkind = 'r' GROUP BY c.oid ORDER BY c.oid")
    value "used$upgrades" "$contents" >"$work/before"
    shown="SELECT count(connection_id), count(recording_id), md5(string_agg(to_jsonb(c)::text, '' ORDER BY tenant, call_id)) FROM dialfire.calls c"
    value "used$upgrades" "$shown" >"$work/shown"
    [[ $(cat "$work/shown") != 0* ]] || die "no call has a leg"
    [ "$(awk -F'|' '$2 > 0' "$work/before" | wc -l)" -ge 12 ] || die "too few tables hold anything"
    update "used$upgrades"
    value "used$upgrades" "$contents" | diff -u "$work/before" - >&2 || die "the upgrade from $old changed what the tables held"
    value "used$upgrades" "$shown" | diff -u "$work/shown" - >&2 || die "the upgrade from $old changed what calls shows"
    snapshot "used$upgrades" false >"$work/used"
    same "from $old, used" "$work/fresh-used" "$work/used"
    [ "$(value "used$upgrades" "SELECT inserted = 0 AND updated = 0 AND unchanged > 0 FROM df_sync('acme', 'last 3 days')")" = t ] ||
        die "a sync after the upgrade does not find the calls of before"
    using "used$upgrades" tests/upgrade/use.sql "updated from $old to $new"
    tables=$(wc -l <"$work/before") rows=$(awk -F'|' '{ n += $2 } END { print n }' "$work/before")
    say "from $old: $(wc -l <"$work/old-signatures") symbols kept, $(wc -l <"$work/fresh") facts of the catalogue the same, $rows rows in $tables tables as they were"
done

# Objects that no library of today can serve: an error that says what to type.
psql -d fresh -c "UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'dialfire_sync'"
psql -d fresh -v VERBOSITY=verbose -c "SELECT df_cleanup('acme')" >"$work/said" 2>&1 && die "objects of 0.0.9 are served"
grep -q 'ERROR:  55000: the objects of dialfire_sync are of version 0.0.9' "$work/said" &&
    grep -q 'HINT:  Run ALTER EXTENSION dialfire_sync UPDATE' "$work/said" || { cat "$work/said" >&2; die "the error is another"; }
[ "$upgrades" -gt 0 ] || die "no release to upgrade from"
