#!/usr/bin/env bash
# Runs every SQL block of README.md and docs/*.md, scripts/demo.sql and story.sql, against the simulated vendor, and compares the
# tables of options, KPIs and settings with what the extension says. Needs the extension installed and the simulator built.
. "$(dirname "$0")/../../scripts/lib.sh"
export CLUSTER=docs-test
work=$(mktemp -d)
trap 'rm -rf "$work"; scripts/cluster.sh remove' EXIT

psql() { scripts/cluster.sh psql -X -q -v ON_ERROR_STOP=1 "$@"; }
fresh() {
    psql -d postgres -c 'SET client_min_messages = warning' -c 'DROP DATABASE IF EXISTS docs WITH (FORCE)' \
        -c 'CREATE DATABASE docs'
}
# As psql prints tables with either style of lines, without the width of the day.
flat() { sed 's/│/|/g; s/[[:space:]]//g' "$@"; }

scripts/cluster.sh remove
scripts/cluster.sh start
# Ends with this script, which holds its standard input.
coproc simulator { exec "$TARGET/debug/simulator" --port 0 --days 16 --exit-with-stdin; }
read -r -t 30 line <&"${simulator[0]}" || die "the simulator did not start"
base_url=${line#simulator listening on }

blocks=0
for file in README.md docs/*.md; do
    # Its blocks need a MariaDB, and are run by the tests against one.
    [ "$file" != docs/vicidial.md ] || continue
    awk -f tests/docs/blocks.awk "$file" >"$work/script"
    count=$(grep -c "^\\\\echo $file:" "$work/script" || true)
    [ "$count" -gt 0 ] || continue
    blocks=$((blocks + count))
    fresh
    bounded 120 scripts/cluster.sh psql -X -q -v ON_ERROR_STOP=1 -v "base_url=$base_url" \
        -v "highlevel_url=${base_url%/api}/highlevel" -d docs -f "$work/script" >"$work/output" 2>&1 || {
        cat "$work/output" >&2
        die "the SQL after the last line named above fails"
    }
    flat "$work/output" >"$work/flat"
    while read -r columns; do
        grep -qxF "$columns" "$work/flat" || die "$file shows a result with the columns $columns, which no block of it has"
    done < <(LC_ALL=C.UTF-8 grep -B1 -E '^[-─]+[+┼]' "$file" | grep -vE '^(-|─)' | flat)
done
[ "$blocks" -gt 10 ] || die "only $blocks blocks of SQL were found"

# shown FILE: a script that shows the extension runs, and fits into a terminal.
shown() {
    psql -d docs -v "base_url=$base_url" -P format=wrapped -P columns=120 -P pager=off -f "$1" >"$work/output" 2>&1 || {
        cat "$work/output" >&2
        die "$1 fails"
    }
    [ "$(LC_ALL=C.UTF-8 wc -L <"$work/output")" -le 120 ] || die "the output of $1 is wider than 120 columns"
}
fresh
shown scripts/demo.sql
fresh
psql -d docs -v "base_url=$base_url" -f scripts/story_before.sql
shown scripts/story.sql

# same NAME FILE SQL: the table of that name in the file is what the extension says.
same() {
    psql -d docs -At -c "$3" >"$work/said"
    sed -n "/^<!-- $1 -->$/,/^<!-- end of $1 -->$/p" "$2" | grep '^| `' >"$work/documented" || true
    diff -u "$work/documented" "$work/said" >&2 || die "the table of $1 in $2 (-) is not what the extension says (+)"
}
fresh
psql -d docs -c 'CREATE EXTENSION dialfire_sync'
same options README.md "SELECT format('| \`%s\` | %s | %s | %s | %s |', option, place, vendor, '\`' || default_value || '\`', description)
    FROM df_options()"
same kpis docs/kpis.md "SELECT format('| \`%s\` | %s | \`%s\` | %s |', kpi, unit, formula, meaning)
    FROM dialfire.kpi_definitions ORDER BY ctid"
same settings docs/settings.md "SELECT format('| \`%s\` | \`%s\` | %s | %s %s |', name, boot_val, CASE context WHEN 'sighup' THEN 'reload'
    WHEN 'superuser' THEN 'superuser, session' ELSE context END, short_desc, extra_desc)
    FROM pg_settings WHERE name LIKE 'dialfire\_sync.%' ORDER BY name"

psql -d docs -o "$work/reference" -f scripts/reference.sql
diff -u docs/reference.md "$work/reference" >&2 ||
    die "docs/reference.md (-) is not what the catalogue says (+): make reference"

. tests/docs/monitoring.sh

for file in *.md docs/*.md; do
    while read -r link; do
        [ -e "$(dirname "$file")/$link" ] || die "$file: $link does not exist"
    done < <(grep -oE '\]\([^)#]+' "$file" | sed 's/^](//' | grep -v '^[a-z]*:')
done
# A newcomer finds every file of the extension by a question.
for file in src/*.rs sql/*.sql; do
    grep -qF "($file)" CONTRIBUTING.md || die "CONTRIBUTING.md does not say which question $file answers"
done
# Every test that the threats name is there.
while read -r name; do
    grep -rqE "(fn|def) $name\(" src tests crates || [ -f "tests/pg_regress/sql/$name" ] || die "docs/threats.md names no test: $name"
done < <(awk -F'|' '/^\|/ { print $(NF - 1) } /^security: / { print }' docs/threats.md | grep -oE '`[a-z_0-9.]+`' | tr -d '`' | sort -u)
# Every reason of a reject or a skip has a line that says what to do.
while read -r reason; do
    grep -q "\`$reason\`" docs/*.md || die "docs/*.md do not explain the reason $reason"
done < <(grep -rhoE --include='*.rs' --exclude='*_tests.rs' '(Fault::new|skip|skipped\.entry)\("[a-z_]+"' src crates/calls/src |
    grep -oE '[a-z_]+"$' | tr -d '"' | sort -u)
say "$blocks blocks of SQL, the tables and the links of the documentation hold"
