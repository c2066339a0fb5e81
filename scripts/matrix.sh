#!/usr/bin/env bash
# matrix.sh: every tier that depends on PostgreSQL, on each of $MAJORS; what ran, passed and was not run, as a table.
. "$(dirname "$0")/lib.sh"
unset PG_CONFIG PGRX_HOME

logs=$TARGET/matrix
mkdir -p "$logs"
failed=0
for major in ${MAJORS:-15 16 17 18}; do
    export PG=$major
    scripts/setup.sh
    for tier in ${TIERS:-lint pg regress integration docs upgrade package jdbc}; do
        log=$logs/$major-$tier.log
        say "PostgreSQL $major: $tier"
        status=passed
        scripts/test.sh "$tier" >"$log" 2>&1 || { status=FAILED failed=1; tail -n 40 "$log"; }
        # Of libtest and of pg_regress; the other tiers say that they hold.
        awk -v major="$major" -v tier="$tier" -v status="$status" '
            /^test result:/ { passed += $4; failed += $6 }
            /^ok [0-9]/ { passed++ }
            /^not ok [0-9]/ { failed++ }
            /\.\.\. ok  +[0-9]+ ms$/ { passed++ }
            /\.\.\. FAILED  +[0-9]+ ms$/ { failed++ }
            /^not run, / { left++ }
            END { printf "%s\t%s\t%s\t%d\t%d\t%d\t%d\n", major, tier, status, passed + failed, passed, failed, left }' \
            "$log" >"$logs/$major-$tier.count"
        grep '^not run, ' "$log" || true
    done
done
echo
{
    printf 'major\ttier\t\trun\tpassed\tfailed\tnot run\n'
    for major in ${MAJORS:-15 16 17 18}; do
        for tier in ${TIERS:-lint pg regress integration docs upgrade package jdbc}; do cat "$logs/$major-$tier.count"; done
    done
} | expand -t 8,22,32,40,48,56
exit "$failed"
