#!/usr/bin/env bash
# package.sh [release|dev]: a Debian package for each of $MAJORS (or that of PG), and the archive for PGXN.
. "$(dirname "$0")/lib.sh"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
out=$TARGET/packages
mkdir -p "$out"
# Only for what is packed: a crate would be built anew for it.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
maintainer="${DEBFULLNAME:-dialfire_sync developers} <${DEBEMAIL:-dialfire-sync@users.noreply.github.com}>"

# debian PROFILE: of the server of PG, whose folders a package puts where Debian has them.
debian() {
    local package=postgresql-$PG-dialfire-sync built root doc
    root=$out/$package doc=$root/usr/share/doc/$package
    rm -rf "$root"
    built=$(scripts/build.sh "$1")
    install -D -m 644 "$built/$("$PG_CONFIG" --pkglibdir)/dialfire_sync.so" "$root/usr/lib/postgresql/$PG/lib/dialfire_sync.so"
    strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/lib/postgresql/$PG/lib/dialfire_sync.so"
    install -d "$root/usr/share/postgresql/$PG/extension" "$doc/docs/dbeaver" "$root/DEBIAN"
    install -m 644 "$built/$("$PG_CONFIG" --sharedir)"/extension/dialfire_sync* "$root/usr/share/postgresql/$PG/extension/"
    install -m 644 README.md "$doc/"
    install -m 644 docs/*.md "$doc/docs/"
    install -m 644 docs/dbeaver/*.sql "$doc/docs/dbeaver/"
    install -m 644 packaging/debian/copyright "$doc/"
    sed "s/@PG@/$PG/g" packaging/debian/README.Debian >"$doc/README.Debian"
    gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
    versions | gzip -9n >"$doc/changelog.Debian.gz"
    sed "s/@PG@/$PG/g; s/@PACKAGE@/$package/g" packaging/debian/postinst >"$root/DEBIAN/postinst"
    chmod 755 "$root/DEBIAN/postinst"
    (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
    cat >"$root/DEBIAN/control" <<-END
		Package: $package
		Source: dialfire-sync
		Version: $version-1
		Architecture: $(dpkg --print-architecture)
		Maintainer: $maintainer
		Installed-Size: $(du -sk --apparent-size "$root/usr" | cut -f1)
		Depends: postgresql-$PG, $(libraries "$root/usr/lib/postgresql/$PG/lib/dialfire_sync.so")
		Section: database
		Priority: optional
		Description: calls of call-centre vendors inside PostgreSQL $PG, proven complete
		 dialfire_sync fetches calls from Dialfire, HighLevel, Vapi and VICIdial into
		 typed tables, by a background worker or by a function call. Its ledger proves
		 for every range of time that no call is missing, and tells why one is.
		 .
		 It has to be named in shared_preload_libraries; see README.Debian.
	END
    find "$root" -type d -exec chmod 755 {} +
    chmod 644 "$doc"/*.gz "$doc/README.Debian" "$root/DEBIAN/control" "$root/DEBIAN/md5sums"
    SOURCE_DATE_EPOCH=$epoch dpkg-deb --build --root-owner-group -Zxz "$root" "$out/${package}_$version-1_$(dpkg --print-architecture).deb" >/dev/null
    rm -rf "$root"
    say "${package}_$version-1_$(dpkg --print-architecture).deb: $(du -k "$out/${package}_$version-1_$(dpkg --print-architecture).deb" | cut -f1) KB"
}

# Each version of CHANGELOG.md, as Debian writes it.
versions() {
    local name day
    sed -n 's/^## \[\(.*\)\] – \(.*\)/\1 \2/p' CHANGELOG.md | while read -r name day; do
        [ "$day" != unreleased ] || day=@$epoch
        printf 'dialfire-sync (%s-1) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n\n' \
            "$name" "$maintainer" "$(LC_ALL=C date -R -u -d "$day")"
    done
}

# libraries FILE: what it is linked with, as dpkg names it.
libraries() {
    local scratch
    scratch=$(mktemp -d)
    mkdir "$scratch/debian"
    printf 'Source: x\n\nPackage: x\nArchitecture: any\nDescription: x\n' >"$scratch/debian/control"
    (cd "$scratch" && dpkg-shlibdeps -O "$1" 2>/dev/null) | sed 's/^shlibs:Depends=//'
    rm -rf "$scratch"
}

for major in ${MAJORS:-$PG}; do
    if [ "$major" = "$PG" ]; then debian "${1:-release}"; else
        (unset PG_CONFIG PGRX_HOME MAJORS && PG=$major scripts/setup.sh && PG=$major scripts/package.sh "${1:-release}")
    fi
done
# A container is built of files, not of commits.
if git rev-parse -q --verify HEAD >/dev/null 2>&1; then
    git archive --format=zip --prefix="dialfire_sync-$version/" -o "$out/dialfire_sync-$version.zip" HEAD
    say "dialfire_sync-$version.zip for PGXN"
fi
say "all in ${out#"$PWD/"}"
