#!/usr/bin/env bash
# demo.sh start|story|dashboard|stop|remove: the extension, a private cluster, a simulated vendor, and what a user would type.
# CLUSTER names the cluster, DEMO_PROFILE=dev builds without optimising.
. "$(dirname "$0")/lib.sh"
export CLUSTER=${CLUSTER:-demo}
PROFILE=${DEMO_PROFILE:-release}
DAYS=21

stop_simulator() {
    local pid
    pid=$(cat "$CLUSTER_DIR/simulator.pid" 2>/dev/null) || return 0
    # The id may have passed on to another process since.
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != simulator ] || kill "$pid"
    rm -f "$CLUSTER_DIR/simulator.pid"
}

start_simulator() {
    stop_simulator
    setsid nohup "$TARGET/${PROFILE/dev/debug}/simulator" --port 0 --days "$DAYS" >"$CLUSTER_DIR/simulator.log" 2>&1 </dev/null &
    echo $! >"$CLUSTER_DIR/simulator.pid"
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        base_url=$(sed -n 's/^simulator listening on //p' "$CLUSTER_DIR/simulator.log")
        [ -z "$base_url" ] || return 0
        sleep 0.1
    done
    cat "$CLUSTER_DIR/simulator.log" >&2
    die "the simulator did not start"
}

# prepare DATABASE: all that is needed for a script, and an empty database.
prepare() {
    # Until all is there: who is interrupted leaves nothing behind that runs.
    trap stop EXIT
    scripts/setup.sh
    scripts/install.sh "$PROFILE"
    step "building the simulator" bounded 1200 cargo build --quiet --profile "$PROFILE" -p simulator
    step "starting the server" scripts/cluster.sh start
    eval "$(scripts/cluster.sh env)"
    export PGDATABASE=$1 PGOPTIONS='-c client_min_messages=notice'
    say "starting the simulated vendor with $DAYS days of calls"
    start_simulator
    step "creating the database $1 afresh" scripts/cluster.sh psql -X -q -d postgres \
        -c 'SET client_min_messages = warning' -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -c "CREATE DATABASE $1"
}

# show FILE: runs a script as a user would see it.
show() {
    say "$1"
    "$("$PG_CONFIG" --bindir)/psql" -X -e -v ON_ERROR_STOP=1 -v "base_url=$base_url" -P pager=off -P columns=120 \
        -P format=wrapped -P linestyle=unicode -P null=∅ -f "$1"
    trap - EXIT
    echo
    say "the server keeps running; go on with"
    echo "    $("$PG_CONFIG" --bindir)/psql -h $PGHOST -p $PGPORT -U postgres $PGDATABASE"
    echo "    make demo-stop"
}

start() {
    prepare demo
    show scripts/demo.sql
}

story() {
    prepare story
    step "leaving the tables of the vendor's client" \
        scripts/cluster.sh psql -X -q -d story -v ON_ERROR_STOP=1 -v "base_url=$base_url" -f scripts/story_before.sql
    show scripts/story.sql
}

# kill_noted NAME WORD: ends the process that NAME.pid of the cluster tells, if it still is one of that name, and what it started.
kill_noted() {
    local pid tries signal=TERM
    pid=$(cat "$CLUSTER_DIR/$1.pid" 2>/dev/null) || return 0
    for ((tries = 0; tries < 100; tries++)); do
        grep -aq "$2" "/proc/$pid/cmdline" 2>/dev/null || break
        # SQLPage waits for browsers that hold a connection.
        [ "$tries" -lt 30 ] || signal=KILL
        kill -s "$signal" -- "-$pid" 2>/dev/null || break
        sleep 0.1
    done
    rm -f "$CLUSTER_DIR/$1.pid"
}

# What a live vendor does: a few calls twice a minute.
move() {
    while curl -sf -m 10 -o /dev/null -d '{"calls": 3}' "${base_url%/api}/_control/grow"; do sleep 30; done
}

dashboard() {
    scripts/dashboard.sh install
    prepare dashboard
    kill_noted dashboard sqlpage
    kill_noted mover demo.sh
    step "two tenants and two people" scripts/cluster.sh psql -X -q -d dashboard -v ON_ERROR_STOP=1 -v "base_url=${base_url%/api}" \
        -o /dev/null -f scripts/dashboard.sql
    local name port tries
    for name in anna ben; do scripts/dashboard.sh password "$name" "$name" <<<"$name"; done >"$CLUSTER_DIR/users"
    scripts/dashboard.sh users "$CLUSTER_DIR/users" dashboard
    port=$(free_port 8080)
    setsid nohup scripts/dashboard.sh serve "postgres://dashboard@127.0.0.1:$PGPORT/dashboard" "127.0.0.1:$port" \
        >"$CLUSTER_DIR/dashboard.log" 2>&1 </dev/null &
    echo $! >"$CLUSTER_DIR/dashboard.pid"
    for ((tries = 0; tries < 300; tries++)); do
        [ "$(curl -s -m 10 "http://127.0.0.1:$port/health" || true)" != '{"status":"ok"}' ] || break
        sleep 0.1
    done
    [ "$tries" -lt 300 ] || { cat "$CLUSTER_DIR/dashboard.log" >&2; die "SQLPage did not start"; }
    export base_url
    setsid nohup "$0" move >/dev/null 2>&1 </dev/null &
    echo $! >"$CLUSTER_DIR/mover.pid"
    trap - EXIT
    say "the dashboard is at http://127.0.0.1:$port"
    echo "    sign in as anna, password anna: a Dialfire tenant with new calls twice a minute"
    echo "    or as ben, password ben: a HighLevel tenant whose agents are not assigned yet"
    echo "    make demo-stop ends it"
}

stop() {
    if eval "$(scripts/cluster.sh env 2>/dev/null)" && [ -n "${CLUSTER_DIR:-}" ]; then
        kill_noted mover demo.sh
        kill_noted dashboard sqlpage
        stop_simulator
        scripts/cluster.sh stop
        say "the demo is stopped; make clean-demo removes its data"
    fi
}

case ${1:-} in
    start | story | dashboard | move | stop) "$1" ;;
    remove) stop && scripts/cluster.sh remove ;;
    *) die "usage: demo.sh start|story|dashboard|stop|remove" ;;
esac
