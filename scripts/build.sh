#!/usr/bin/env bash
# build.sh [release|dev]: builds the extension for the server of PG_CONFIG and prints the folder with what is to be
# installed, as it lies below /.
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
} >&2
# From each version that was released to the next: as released, or its parts in the order of their names.
extension=$package/$("$PG_CONFIG" --sharedir)/extension
find sql/releases -name 'dialfire_sync--*--*.sql' -exec cp {} "$extension" \;
for parts in sql/upgrades/*/; do
    awk -f scripts/upgrade.awk "$parts"*.sql >"$extension/dialfire_sync--$(basename "$parts").sql"
done
echo "$package"
