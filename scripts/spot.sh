#!/usr/bin/env bash
# spot.sh: pgspot over what an installation and an update run as the administrator.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh python3-venv
# With the version of the parser that it was tried with.
cat >"$TARGET/spot.requirements" <<'END'
pgspot==0.9.4
pglast==7.21
END
if ! cmp -s "$TARGET/spot.requirements" "$TARGET/spot/requirements"; then
    rm -rf "$TARGET/spot"
    python3 -m venv "$TARGET/spot"
    step "fetching pgspot" bounded 300 "$TARGET/spot/bin/pip" install --quiet --disable-pip-version-check \
        -r "$TARGET/spot.requirements"
    cp "$TARGET/spot.requirements" "$TARGET/spot/requirements"
fi

package=$(scripts/build.sh dev)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# spot SCRIPT [IGNORED…]: nothing is found in it, and all of it was read.
spot() {
    local script=$1
    shift
    # pgspot gives up a file at a body that is parsed when it is made; a view is parsed alike.
    perl -0pe 's/CREATE (?:OR REPLACE )?FUNCTION \S+?\([^;]*?\nBEGIN ATOMIC\n(.*?)\nEND;/CREATE VIEW dialfire.atomic AS\n$1/sg' \
        "$script" >"$work/script.sql"
    "$TARGET/spot/bin/pgspot" "$@" "$work/script.sql" >"$work/found" 2>&1 || {
        cat "$work/found" >&2
        die "pgspot finds something in $(basename "$script"): does its file of sql/ set search_path?"
    }
    say "$(basename "$script"):$(grep 'Errors:' "$work/found")${*:+(ignored: ${*#--ignore=})}"
}
extension=$package/$("$PG_CONFIG" --sharedir)/extension
# PS015, a view that is replaced: df_distribute does it, to the extension's own and as its owner.
spot "$extension/dialfire_sync--$version.sql" --ignore=PS015
# PS002 and PS015, a function or view that is replaced: an update is there to do it, and PostgreSQL itself refuses in an
# extension's script to replace what the extension did not make.
for script in sql/upgrades/*; do
    spot "$extension/dialfire_sync--$(basename "$script").sql" --ignore=PS002 --ignore=PS015
done
