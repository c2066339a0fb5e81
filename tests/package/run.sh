#!/usr/bin/env bash
# The package as its users have it: lintian's opinion, apt-get install, a new cluster as README.Debian says, purge; of a major whose
# server is no package of Debian's, unpacked beside that server.
# Needs the packages built and the simulator.
. "$(dirname "$0")/../../scripts/lib.sh"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
package=postgresql-$PG-dialfire-sync
deb=$TARGET/packages/${package}_$version-1_$(dpkg --print-architecture).deb
cluster=dialfire_sync_test
work=$(mktemp -d)
finish() {
    "${AS_ROOT[@]}" pg_dropcluster --stop "$PG" "$cluster" 2>/dev/null || true
    "${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq "$package" >/dev/null 2>&1 || true
    [ ! -f "$work/data/postmaster.pid" ] || as_server "$work/server/bin/pg_ctl" stop -s -m immediate -D "$work/data" || true
    rm -rf "$work"
}
trap finish EXIT

# All that names the version names this one.
python3 - "$version" META.json <<'END' || die "META.json is not what PGXN takes"
import json, os, re, sys
version, meta = sys.argv[1], json.load(open(sys.argv[2]))
for field in ("name", "abstract", "version", "maintainer", "license", "provides", "meta-spec"):
    assert meta.get(field), f"{field} is missing"
assert meta["meta-spec"]["version"] == "1.0.0" and meta["version"] == version
assert re.fullmatch(r"\d+\.\d+\.\d+", version) and meta["release_status"] in ("stable", "testing", "unstable")
for name, extension in meta["provides"].items():
    assert extension["version"] == version and os.path.exists(name + ".control")
    assert os.path.exists(extension["file"]) and os.path.exists(extension["docfile"])
for phase in meta["prereqs"].values():
    for modules in phase.values():
        assert all(re.fullmatch(r"\d+\.\d+\.\d+|0", needed) for needed in modules.values())
END
grep -q "_$version-1_" docs/install.md || die "docs/install.md names another version"
grep -q "^## \[$version\]" CHANGELOG.md || die "CHANGELOG.md does not know $version"
python3 -m zipfile -l "$TARGET/packages/dialfire_sync-$version.zip" >"$work/archive"
for file in META.json Makefile dialfire_sync.control sql/10_tables.sql src/lib.rs docs/reference.md; do
    grep -q "^dialfire_sync-$version/$file " "$work/archive" || die "the archive for PGXN lacks $file"
done

lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$deb" || die "lintian is not content"

# apt reads the package as a user of its own.
installed() {
    install -m 644 "$deb" "$work/" && chmod 755 "$work"
    "${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --reinstall --allow-downgrades "$work/$(basename "$deb")" >"$work/said" 2>&1 || {
        cat "$work/said" >&2
        die "apt-get install fails"
    }
    grep -q shared_preload_libraries "$work/said" || { cat "$work/said" >&2; die "the message does not say what is left to do"; }
    dpkg -S "/usr/lib/postgresql/$PG/lib/dialfire_sync.so" | grep -q "^$package:"

    # A new cluster, and the commands of README.Debian for it.
    "${AS_ROOT[@]}" pg_createcluster "$PG" "$cluster" -d "$work/data" --start-conf manual -- -A trust >/dev/null
    chmod 755 "$work"
    "${AS_ROOT[@]}" pg_ctlcluster "$PG" "$cluster" start
    sed -n 's/^     \(pg_.*\)/\1/p' "/usr/share/doc/$package/README.Debian" | sed "s/ main / $cluster /" >"$work/commands"
    [ "$(wc -l <"$work/commands")" = 2 ] || die "README.Debian has other commands than the test knows"
    "${AS_ROOT[@]}" sh -e "$work/commands" >/dev/null
    port=$("${AS_ROOT[@]}" pg_conftool -s "$PG" "$cluster" show port)
    socket=$("${AS_ROOT[@]}" pg_conftool -s "$PG" "$cluster" show unix_socket_directories)
    bin=/usr/lib/postgresql/$PG/bin
}

# Into a copy of the server that has never seen the extension.
unpacked() {
    local from=$work/root
    dpkg-deb -R "$deb" "$from"
    grep -q "^Depends: postgresql-$PG, " "$from/DEBIAN/control" || die "the package is not for PostgreSQL $PG"
    sh "$from/DEBIAN/postinst" configure | grep -q shared_preload_libraries || die "the message does not say what is left to do"
    cp -a "$SERVERS/$PG" "$work/server"
    find "$work/server" -name 'dialfire_sync*' -delete
    bin=$work/server/bin socket=$work port=5432
    cp "$from/usr/lib/postgresql/$PG/lib"/* "$("$bin/pg_config" --pkglibdir)/"
    cp "$from/usr/share/postgresql/$PG/extension"/* "$("$bin/pg_config" --sharedir)/extension/"
    chmod -R go+rX "$work"
    [ "$SERVER_USER" = "$USER" ] || chown "$SERVER_USER" "$work"
    as_server "$bin/initdb" -D "$work/data" -A trust -U postgres >/dev/null
    as_server tee -a "$work/data/postgresql.conf" >/dev/null <<END
listen_addresses = ''
unix_socket_directories = '$work'
shared_preload_libraries = 'dialfire_sync'
END
    as_server "$bin/pg_ctl" start -s -w -t 30 -D "$work/data" -l "$work/data/log" || { cat "$work/data/log" >&2; die "the server does not start"; }
}

case $PG_CONFIG in "$SERVERS"/*) unpacked ;; *) installed ;; esac
psql() { as_server /usr/bin/env PGHOST="$socket" PGPORT="$port" PGUSER=postgres "$bin/psql" -X -q -At -v ON_ERROR_STOP=1 "$@"; }
psql -c 'CREATE DATABASE calls' -c "ALTER SYSTEM SET dialfire_sync.allowed_hosts = '127.0.0.1'" -c 'SELECT pg_reload_conf()' >/dev/null
psql -d calls -c 'CREATE EXTENSION dialfire_sync'
[ "$(psql -d calls -c "SELECT extversion FROM pg_extension WHERE extname = 'dialfire_sync'")" = "$version" ]

coproc simulator { exec "$TARGET/debug/simulator" --port 0 --days 3 --exit-with-stdin; }
read -r -t 30 line <&"${simulator[0]}" || die "the simulator did not start"
psql -d calls -c "CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account '9c6d0163',
    timezone 'Europe/Nicosia', base_url '${line#simulator listening on }')" \
    -c "CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token 'tenant-secret-token')"
calls=$(psql -d calls -c "SELECT inserted FROM df_sync('acme', 'last 3 days')")
[ "$calls" -gt 100 ] || die "a sync on the new cluster finds only $calls rows"
[ "$(psql -d calls -c "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type LIKE 'dialfire_sync%'")" = t ] || die "no worker runs"

if [ -d "$work/server" ]; then
    say "$(basename "$deb"): lintian content, unpacked beside $("$bin/postgres" --version), $calls rows synced on a new cluster"
    exit
fi
"${AS_ROOT[@]}" pg_dropcluster --stop "$PG" "$cluster"
"${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq "$package" >"$work/said" 2>&1 || { cat "$work/said" >&2; die "apt-get purge fails"; }
left=$(find /usr/lib/postgresql/"$PG" /usr/share/postgresql/"$PG" /usr/share/doc/"$package" -name '*dialfire*' 2>/dev/null || true)
[ -z "$left" ] || die "left over after the purge: $left"
say "$(basename "$deb"): lintian content, installed, $calls rows synced on a new cluster, purged without a rest"
