#!/usr/bin/env bash
# release.sh: freezes what this version installs and how it is reached from the one before, and their checksums.
. "$(dirname "$0")/lib.sh"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
grep -q "^## \[$version\] – [0-9]" CHANGELOG.md || die "CHANGELOG.md gives $version no date"
[ ! -f "sql/releases/dialfire_sync--$version.sql" ] || die "$version was released already"
package=$(scripts/build.sh dev)
cp "$package/$("$PG_CONFIG" --sharedir)/extension"/dialfire_sync--*"$version.sql" sql/releases/
for script in sql/releases/*--*"--$version.sql"; do
    [ -f "$script" ] || continue
    parts=$(basename "$script" .sql)
    rm -rf "sql/upgrades/${parts#dialfire_sync--}"
done
sha256sum sql/releases/*.sql >sql/releases/SHA256SUMS
say "frozen in sql/releases; begin the next: its number in Cargo.toml, its parts in sql/upgrades/$version--NEXT"
