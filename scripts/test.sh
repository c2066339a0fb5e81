#!/usr/bin/env bash
# test.sh lint|unit|pg|regress|integration|docs|upgrade|pg18|package|jdbc|dashboard|bench|spot|audit|fuzz|chaos: one tier of the tests.
. "$(dirname "$0")/lib.sh"

lint() {
    cargo fmt --all --check
    step "clippy" bounded 1200 cargo clippy --quiet --workspace --all-targets \
        --no-default-features --features "pg$PG pg_test" -- -D warnings
}

unit() { step "unit tests" bounded 900 cargo test -p calls -p simulator; }

pg() {
    # A server that runs has the old library mapped, and cargo-pgrx would write into that very file.
    "${AS_ROOT[@]}" rm -f "$("$PG_CONFIG" --pkglibdir)/dialfire_sync.so"
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/dialfire_sync-pgtest.XXXXXX")
    [ "$SERVER_USER" = "$USER" ] || chown "$SERVER_USER" "$scratch"
    chmod 755 "$scratch"
    trap pg_cleanup EXIT
    # --runas also makes cargo-pgrx install by sudo, which an ordinary user needs as well.
    step "tests inside PostgreSQL $PG" \
        bounded 1800 cargo pgrx test "pg$PG" --runas "$SERVER_USER" --pgdata "$scratch"
}

# Killed tests leave their server behind.
pg_cleanup() {
    local data
    for data in "$scratch"/*/postmaster.pid; do
        [ ! -f "$data" ] || as_server "$("$PG_CONFIG" --bindir)/pg_ctl" stop -m immediate -D "${data%/*}" || true
    done
    rm -rf "$scratch"
}

# `cargo pgrx regress` starts its server as the caller, which root cannot be, and installs without sudo; the layout of
# tests/pg_regress and the settings are its own.
regress() {
    [ -d tests/pg_regress/sql ] || { say "no tests/pg_regress"; return; }
    scripts/install.sh dev
    export CLUSTER=regress
    trap 'scripts/cluster.sh remove' EXIT
    scripts/cluster.sh remove
    scripts/cluster.sh start
    eval "$(scripts/cluster.sh env)"
    scripts/cluster.sh psql -X -q -c 'CREATE DATABASE dialfire_sync_regress' \
        -c "ALTER DATABASE dialfire_sync_regress SET client_min_messages = warning"
    local tests results=$TARGET/regress
    tests=$(find tests/pg_regress/sql -name '*.sql' ! -name setup.sql -printf '%f\n' | sed 's/\.sql$//' | sort)
    [ ! -f tests/pg_regress/sql/setup.sql ] || tests="setup $tests"
    mkdir -p "$results"
    printf '#!/bin/sh\nexec "$@" -v VERBOSITY=terse\n' >"$results/psql-terse"
    chmod +x "$results/psql-terse"
    # shellcheck disable=SC2086
    step "golden files" bounded 900 "$(dirname "$("$PG_CONFIG" --pgxs)")/../../src/test/regress/pg_regress" \
        --bindir="$("$PG_CONFIG" --bindir)" --host="$PGHOST" --port="$PGPORT" --user=postgres \
        --use-existing --dbname=dialfire_sync_regress --launcher="$results/psql-terse" \
        --inputdir=tests/pg_regress --outputdir="$results" $tests || {
        cat "$results/regression.diffs"
        exit 1
    }
}

# not_run LIBRARY TESTS: those tests are left out, and named, where the server lacks what they need.
not_run() {
    [ ! -f "$("$PG_CONFIG" --pkglibdir)/$1.so" ] || return 0
    left_out+=(--skip "$2")
    cargo test --quiet -p integration -- --list "$2" 2>/dev/null | sed -n "s/^\(.*\): test\$/not run, PostgreSQL $PG has no $1: \1/p"
}

# What the tests install beside the extension, and remove: what was released, to be updated, and what stands in for Vault where
# that is not.
lent=()
lend() {
    local extension script scripts=(sql/releases/*.sql)
    extension=$("$PG_CONFIG" --sharedir)/extension
    [ -f "$("$PG_CONFIG" --pkglibdir)/supabase_vault.so" ] || scripts+=(tests/vault/*)
    for script in "${scripts[@]}"; do
        [ -e "$extension/${script##*/}" ] || lent+=("$extension/${script##*/}")
        "${AS_ROOT[@]}" install -m 644 "$script" "$extension/"
    done
    trap '"${AS_ROOT[@]}" rm -f "${lent[@]}"' EXIT
}

integration() {
    scripts/install.sh dev
    step "building the simulator" bounded 900 cargo build --quiet -p simulator
    lend
    local left_out=()
    not_run mysql_fdw vicidial::
    not_run pg_cron by_pg_cron
    SIMULATOR=$TARGET/debug/simulator RUNAS=$([ "$(id -u)" != 0 ] || echo postgres) \
        step "integration tests" bounded 1800 cargo test -p integration -- --test-threads=2 "${left_out[@]}"
}

upgrade() {
    scripts/install.sh dev
    step "building the simulator" bounded 900 cargo build --quiet -p simulator
    step "upgrades" bounded 600 tests/upgrade/run.sh
}

# The newest major: what runs inside of it, and what it answers.
pg18() {
    unset PG_CONFIG
    export PG=18
    scripts/setup.sh
    scripts/test.sh pg
    scripts/test.sh regress
}

docs() {
    scripts/setup.sh curl jq prometheus-sql-exporter
    scripts/install.sh dev
    step "building the simulator" bounded 900 cargo build --quiet -p simulator
    lend
    step "documentation" bounded 600 tests/docs/run.sh
}

# Not optimised, which is no matter for what is in a package.
package() {
    scripts/setup.sh lintian
    scripts/package.sh dev
    step "building the simulator" bounded 900 cargo build --quiet -p simulator
    step "packages" bounded 600 tests/package/run.sh
}

jdbc() {
    # The compiler of single files comes with the runtime.
    scripts/setup.sh default-jre-headless libpostgresql-jdbc-java
    scripts/install.sh dev
    step "building the simulator" bounded 900 cargo build --quiet -p simulator
    step "JDBC" bounded 600 tests/jdbc/run.sh
}

# The browser is Debian's, and so is what drives it.
dashboard() {
    scripts/setup.sh chromium chromium-driver python3-selenium
    scripts/dashboard.sh install
    scripts/install.sh dev
    step "building the simulator" bounded 900 cargo build --quiet -p simulator
    step "dashboard" bounded 1200 tests/dashboard/run.sh
}

# Every part of the benchmarks that needs no more than what is there, as small as it gets: that they run, not what they say.
bench() {
    scripts/setup.sh python3-psycopg
    export BENCH_PROFILE=dev BENCH_RUNS=1 BENCH_CALLS=1400 BENCH_PATIENCE=0 BENCH_IDLE_SECONDS=1 BENCH_DLT=0
    export BENCH_DIALLER_CALLS=2000
    export BENCH_INTERPRETER=/usr/bin/python3 BENCH_RESULTS=$TARGET/bench/smoke.md
    rm -f "$BENCH_RESULTS"
    step "benchmarks, as small as it gets" \
        bounded 600 bench/run first_load resync memory latency growth tenants idle vicidial diagnose >/dev/null
    [ "$(grep -c '^| [1-7] ' "$BENCH_RESULTS")" -ge 30 ] || die "verdicts are missing in $BENCH_RESULTS"
    if grep NaN "$BENCH_RESULTS"; then die "something was not measured"; fi
}

spot() { scripts/spot.sh; }

audit() { scripts/audit.sh; }

fuzz() { scripts/fuzz.sh; }

# Optimised, because it is the number of calls that makes it hard.
chaos() {
    scripts/install.sh release
    step "building the simulator and the chaos" \
        bounded 1200 cargo build --quiet --release -p simulator -p integration --bins
    SIMULATOR=$TARGET/release/simulator RUNAS=$([ "$(id -u)" != 0 ] || echo postgres) \
        bounded $((${CHAOS_SECONDS:-300} + 1800)) "$TARGET/release/chaos"
    SIMULATOR=$TARGET/release/simulator RUNAS=$([ "$(id -u)" != 0 ] || echo postgres) \
        step "50 tenants, ten minutes" bounded 1200 "$TARGET/release/chaos" tenants
}

case ${1:-} in
    lint | unit | pg | regress | integration | docs | upgrade | pg18 | package | jdbc | dashboard | bench | spot | audit | fuzz | chaos) "$1" ;;
    *) die "usage: test.sh lint|unit|pg|regress|integration|docs|upgrade|pg18|package|jdbc|dashboard|bench|spot|audit|fuzz|chaos" ;;
esac
