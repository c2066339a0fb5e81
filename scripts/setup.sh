#!/usr/bin/env bash
# setup.sh [PACKAGE…]: installs what a bare Debian lacks to build and test, and these packages; registers PostgreSQL.
. "$(dirname "$0")/lib.sh"

PGRX=0.18.1

packages() {
    local wanted=(libclang-dev clang pkg-config build-essential sudo "$@") missing=()
    case $PG_CONFIG in
        /usr/lib/postgresql/15/*)
            wanted+=(postgresql-15 postgresql-server-dev-15 postgresql-15-cron postgresql-15-mysql-fdw mariadb-server)
            ;;
        # What the server is linked with, and the user that it runs as.
        "$SERVERS"/*)
            wanted+=(postgresql-common patchelf libgssapi-krb5-2 liblz4-1 libreadline8 libssl3 libxml2 libxslt1.1 libzstd1)
            python3 -m pip --version >/dev/null 2>&1 || wanted+=(python3-pip)
            ;;
    esac
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
    for package in "${wanted[@]}"; do
        grep -qx "installed $package" <<<"$installed" || missing+=("$package")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "install as root: ${missing[*]}"
        say "Debian packages: ${missing[*]}"
        "${AS_ROOT[@]}" true # asks for the password, which a command in the background cannot
        bounded 300 "${AS_ROOT[@]}" apt-get update -qq
        bounded 1200 "${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}"
    fi
    [ "$PG" = 15 ] || scripts/server.sh
    "$PG_CONFIG" --version | grep -q "^PostgreSQL $PG\b" || die "$PG_CONFIG is not of PostgreSQL $PG"
}

cargo_pgrx() {
    command -v cargo >/dev/null || die "cargo is missing: install Rust 1.95 with rustup"
    if [ "$(cargo-pgrx pgrx --version 2>/dev/null)" != "cargo-pgrx $PGRX" ]; then
        # Unoptimised it compiles in less than half the time and costs a build a second more.
        step "compiling cargo-pgrx $PGRX (once; some minutes)" \
            bounded 1800 cargo install cargo-pgrx --version "=$PGRX" --locked --debug --quiet
    fi
    if ! grep -qsF "pg$PG = \"$PG_CONFIG\"" "${PGRX_HOME:-$HOME/.pgrx}/config.toml"; then
        mkdir -p "${PGRX_HOME:-$HOME/.pgrx}"
        bounded 60 cargo pgrx init "--pg$PG=$PG_CONFIG" --no-run
    fi
}

packages "$@"
cargo_pgrx
