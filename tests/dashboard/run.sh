#!/usr/bin/env bash
# Starts a private server, the simulated vendor, SQLPage and chromedriver, and lets walk.py use the dashboard as people do.
# Needs the extension installed, the simulator and SQLPage built. WALK="csv two" runs the tests whose names hold one of the words.
. "$(dirname "$0")/../../scripts/lib.sh"
export CLUSTER=dashboard-test TEST_OUTPUT=$TARGET/dashboard
pages=
end() {
    [ -z "$pages" ] || kill "$pages" 2>/dev/null || true
    scripts/cluster.sh remove
}
trap end EXIT

# A page that is not preceded by whose role it runs as would run as the login role, or worse; so each one begins with that, and
# those that ask the database nothing need none.
while read -r page; do
    awk '/^(SELECT|SET)/ { n++ } n <= 4' "$page" | grep -qE "run_sql\('sqlpage/(shell|api).sql'|set_config\('role', 'none'" ||
        ! grep -qwE 'FROM|dialfire|df_[a-z]+' "$page" || die "$page does not begin with the role of who asks"
done < <(find dashboard -name '*.sql' ! -path 'dashboard/sqlpage/*')
[ "$(sed -n '/WHERE c.tenant/,/before_id/p' dashboard/calls.sql | sort -u)" = "$(sed -n '/WHERE c.tenant/,/before_id/p' dashboard/api/calls.sql | sort -u)" ] ||
    die "the list of calls and its export have different filters"

rm -rf "$TEST_OUTPUT"
mkdir -p "$TEST_OUTPUT"
scripts/cluster.sh remove
scripts/cluster.sh start
# Ends with this script, which holds its standard input.
coproc simulator { exec "$TARGET/debug/simulator" --port 0 --days 6 --calls-per-day 60 --exit-with-stdin; }
read -r -t 30 line <&"${simulator[0]}" || die "the simulator did not start"
export VENDOR=${line#simulator listening on }
VENDOR=${VENDOR%/api}
eval "$(scripts/cluster.sh env)"
"$("$PG_CONFIG" --bindir)/psql" -X -q -v ON_ERROR_STOP=1 -v "base_url=$VENDOR" -o /dev/null -f tests/dashboard/world.sql
for name in anna ben cleo lock; do echo "secret of $name" | scripts/dashboard.sh password "$name" "$name"; done >"$TEST_OUTPUT/users"
echo 'webhooks:webhooks:' >>"$TEST_OUTPUT/users"
scripts/dashboard.sh users "$TEST_OUTPUT/users" dashboard

# Two connections, so that people share them.
port=$(free_port)
MAX_DATABASE_POOL_CONNECTIONS=2 scripts/dashboard.sh serve "postgres://dashboard@127.0.0.1:$PGPORT/postgres" "127.0.0.1:$port" \
    >"$TEST_OUTPUT/sqlpage.log" 2>&1 &
pages=$!
export BASE=http://127.0.0.1:$port
for ((tries = 0; tries < 200; tries++)); do
    ! curl -s -o /dev/null "$BASE/health" || break
    sleep 0.1
done
[ "$tries" -lt 200 ] || { cat "$TEST_OUTPUT/sqlpage.log" >&2; die "SQLPage did not start"; }
PSQL=$("$PG_CONFIG" --bindir)/psql bounded 1100 /usr/bin/python3 -B tests/dashboard/walk.py
