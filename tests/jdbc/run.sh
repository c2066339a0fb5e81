#!/usr/bin/env bash
# Runs Views.java, which sees the extension as DBeaver does, against a private server and the simulated vendor.
# Needs the extension installed and the simulator built.
. "$(dirname "$0")/../../scripts/lib.sh"
export CLUSTER=jdbc-test
trap 'scripts/cluster.sh remove' EXIT
scripts/cluster.sh remove
scripts/cluster.sh start
# Ends with this script, which holds its standard input.
coproc simulator { exec "$TARGET/debug/simulator" --port 0 --days 4 --exit-with-stdin; }
read -r -t 30 line <&"${simulator[0]}" || die "the simulator did not start"
eval "$(scripts/cluster.sh env)"
bounded 120 scripts/cluster.sh psql -X -q -v ON_ERROR_STOP=1 -v "base_url=${line#simulator listening on }" \
    -o /dev/null -f tests/jdbc/calls.sql
bounded 300 java -cp /usr/share/java/postgresql.jar tests/jdbc/Views.java \
    "jdbc:postgresql://127.0.0.1:$PGPORT/postgres?user=postgres" docs/dbeaver
