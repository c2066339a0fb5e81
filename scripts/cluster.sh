#!/usr/bin/env bash
# cluster.sh start|stop|status|psql|env|remove: a private PostgreSQL with the extension loaded, named by $CLUSTER.
. "$(dirname "$0")/lib.sh"

BIN=$("$PG_CONFIG" --bindir)
LIBRARY=$("$PG_CONFIG" --pkglibdir)/dialfire_sync.so
DIR=${TMPDIR:-/tmp}/dialfire_sync-${CLUSTER:-demo}-$(id -u)

port() { cat "$DIR/port"; }
running() { as_server "$BIN/pg_ctl" status -D "$DIR/data" >/dev/null 2>&1; }
library() { [ -f "$LIBRARY" ] || die "the extension is not installed: make install"; sha256sum <"$LIBRARY"; }

create() {
    mkdir -m 700 "$DIR"
    [ "$SERVER_USER" = "$USER" ] || chown "$SERVER_USER" "$DIR"
    as_server mkdir "$DIR/socket"
    as_server "$BIN/initdb" -D "$DIR/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
    as_server tee -a "$DIR/data/postgresql.conf" >/dev/null <<-END
		listen_addresses = '127.0.0.1'
		unix_socket_directories = '$DIR/socket'
		shared_preload_libraries = 'dialfire_sync'
		dialfire_sync.allowed_hosts = '127.0.0.1,localhost'
	END
}

start() {
    if running; then
        if [ "$(library)" = "$(cat "$DIR/library")" ]; then return; fi
        say "restarting the server: the extension has changed"
        stop
    fi
    [ -f "$DIR/data/postgresql.conf" ] || { rm -rf "$DIR"; say "creating the private cluster $DIR"; create; }
    [ "$(stat -c %U "$DIR")" = "$SERVER_USER" ] || die "$DIR belongs to somebody else"
    if [ ! -f "$DIR/port" ] || (exec 3<>"/dev/tcp/127.0.0.1/$(port)") 2>/dev/null; then
        free_port | as_server tee "$DIR/port" >/dev/null
    fi
    library | as_server tee "$DIR/library" >/dev/null
    # With RUST_BACKTRACE every refusal of the extension would print a stack.
    as_server env -u RUST_BACKTRACE "$BIN/pg_ctl" start -w -t 60 -s -D "$DIR/data" -l "$DIR/log" -o "-p $(port)" || {
        tail -n 20 "$DIR/log" >&2
        die "the server did not start"
    }
}

stop() {
    if ! running; then return; fi
    as_server "$BIN/pg_ctl" stop -s -w -t 30 -m fast -D "$DIR/data" ||
        as_server "$BIN/pg_ctl" stop -s -w -t 30 -m immediate -D "$DIR/data"
}

environment() {
    printf 'export PGHOST=%q PGPORT=%q PGUSER=postgres PGDATABASE=postgres CLUSTER_DIR=%q\n' \
        "$DIR/socket" "$(port)" "$DIR"
}

case ${1:-} in
    start | stop) "$1" ;;
    status) if running; then echo "running: $BIN/psql -h $DIR/socket -p $(port) -U postgres"; else echo "stopped"; fi ;;
    psql) eval "$(environment)" && exec "$BIN/psql" "${@:2}" ;;
    env) environment ;;
    remove) stop && rm -rf "$DIR" ;;
    *) die "usage: cluster.sh start|stop|status|psql|env|remove" ;;
esac
