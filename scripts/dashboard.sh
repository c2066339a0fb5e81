#!/usr/bin/env bash
# dashboard.sh install|password|users|serve|demo|stop: the dashboard of web pages, which SQLPage serves out of the database.
. "$(dirname "$0")/lib.sh"

SQLPAGE=0.47.0
BINARY=$TARGET/sqlpage/bin/sqlpage

# Barely optimised, because the database does the work: it compiles in a third of the time.
install() {
    scripts/setup.sh unixodbc-dev argon2 curl
    [ "$("$BINARY" --version 2>/dev/null)" != "sqlpage $SQLPAGE" ] || return 0
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256 \
        CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_TARGET_DIR=$TARGET/sqlpage/build \
        step "compiling SQLPage $SQLPAGE (once; five to ten minutes)" \
        bounded 3000 cargo install sqlpage --version "=$SQLPAGE" --locked --quiet --root "$TARGET/sqlpage"
    rm -rf "$TARGET/sqlpage/build"
}

# password NAME ROLE: a line of the password file, for the password on standard input.
password() {
    local salt hash
    [[ ${1:-} =~ ^[^:]+$ && ${2:-} =~ ^[^:]+$ ]] || die "usage: dashboard.sh password NAME ROLE <<< PASSWORD"
    salt=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
    hash=$(tr -d '\n' | argon2 "$salt" -id -e -k 19456 -t 2 -p 1)
    printf '%s:%s:%s\n' "$1" "$2" "$hash"
}

# users FILE LOGIN: makes the users of the dashboard those of the password file; psql's environment says where.
users() {
    [ -r "${1:-}" ] && [ -n "${2:-}" ] || die "usage: dashboard.sh users FILE LOGIN"
    "$("$PG_CONFIG" --bindir)/psql" -X -q -v ON_ERROR_STOP=1 -v "login=$2" <<-END
		BEGIN;
		CREATE TEMP TABLE password_file (name text, role text, hash text) ON COMMIT DROP;
		\\copy password_file FROM '$1' (DELIMITER ':', NULL '')
		SELECT format('CALL df_dashboard_user(%L, %L, %L, %L)', name, quote_ident(role), hash, quote_ident(:'login')) FROM password_file \\gexec
		DELETE FROM dialfire.dashboard_users WHERE name NOT IN (SELECT name FROM password_file);
		COMMIT;
	END
}

# serve URL ADDRESS:PORT: in the foreground.
serve() {
    [ -x "$BINARY" ] || die "SQLPage is not there: scripts/dashboard.sh install"
    DATABASE_URL=${1:?the address of the database} LISTEN_ON=${2:-127.0.0.1:8080} \
        exec "$BINARY" --web-root dashboard --config-dir dashboard/sqlpage
}

case ${1:-} in
    install | password | users | serve) "$@" ;;
    *) die "usage: dashboard.sh install|password|users|serve" ;;
esac
