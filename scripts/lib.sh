# Sourced by the other scripts: where things are, as whom they run, and how long they may take.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PG=${PG:-15}
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH" USER="${USER:-$(id -un)}"
# Where rustup may not install the pinned toolchain, that of the machine has to do.
cargo --version >/dev/null || export RUSTUP_TOOLCHAIN=stable
TARGET=${CARGO_TARGET_DIR:-$PWD/target}

# A major that the machine has no package of comes from scripts/server.sh, below target/ where the server's user can
# read that, and has a configuration of cargo-pgrx of its own: a change of the other would rebuild everything for 15.
SERVERS=$TARGET/servers
[ "$(id -u)" != 0 ] || setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$PWD" ||
    SERVERS=${TMPDIR:-/tmp}/dialfire_sync-servers
if [ -z "${PG_CONFIG:-}" ]; then
    PG_CONFIG=/usr/lib/postgresql/$PG/bin/pg_config
    [ "$PG" = 15 ] || [ -x "$PG_CONFIG" ] || PG_CONFIG=$SERVERS/$PG/bin/pg_config
fi
export PG_CONFIG
[ "$PG" = 15 ] || export PGRX_HOME=$SERVERS/pgrx

# cargo-pgrx would link with a flag of its own, and so compile every dependency a second time; build.rs gives the
# same flag to the extension alone.
[ ! -f build.rs ] || export CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND=1

# PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then
    SERVER_USER=postgres AS_SERVER=(runuser -u postgres --) AS_ROOT=()
else
    SERVER_USER=$USER AS_SERVER=() AS_ROOT=(sudo)
fi

say() { if [ -t 1 ]; then printf '\033[1m==> %s\033[0m\n' "$*"; else printf '==> %s\n' "$*"; fi; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# From / because the server's user may not enter the clone.
as_server() { (cd / && "${AS_SERVER[@]}" "$@"); }

# free_port [FIRST]: a port of loopback that nobody listens on, the first where it is. The others are below the range that the
# kernel gives to outgoing connections.
free_port() {
    local port
    for port in ${1:-} $(shuf -n 100 -i 20000-29999); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
    die "no free port"
}

# bounded SECONDS COMMAND…: ends the command and all that it started when the time is over or we are told to stop.
bounded() {
    local child status=0
    timeout -k 10 "$@" &
    child=$!
    trap 'kill "$child" 2>/dev/null || true; wait "$child" || true; exit 130' INT TERM
    wait "$child" || status=$?
    trap - INT TERM
    [ "$status" != 124 ] || printf 'error: still running after %s s: %s\n' "$1" "${*:2}" >&2
    return "$status"
}

# step "what" COMMAND…: says what, runs it, and says how long it took. Not for functions: they would go on after errors.
step() {
    say "$1"
    local began=$SECONDS
    "${@:2}" || return
    [ $((SECONDS - began)) -lt 2 ] || say "$1: done in $((SECONDS - began)) s"
}
