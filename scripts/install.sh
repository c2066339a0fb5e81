#!/usr/bin/env bash
# install.sh [release|dev]: builds the extension and installs it into the server of PG_CONFIG.
. "$(dirname "$0")/lib.sh"

case ${1:-release} in
    release) flags=() folder=release ;;
    dev) flags=(--debug) folder=debug ;;
    *) die "release or dev, not $1" ;;
esac

package=$TARGET/$folder/dialfire_sync-pg$PG
rm -rf "$package"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
step "building the extension (${1:-release})" \
    bounded 1800 cargo pgrx package "${flags[@]}" --pg-config "$PG_CONFIG" --out-dir "$package" >"$log" || {
    cat "$log"
    exit 1
}

# Only what differs, and by a new file: a running server has the old one mapped.
(cd "$package" && find . -type f -printf '%P\n') | while read -r file; do
    cmp -s "$package/$file" "/$file" || "${AS_ROOT[@]}" install -D -m 644 "$package/$file" "/$file"
done
