#!/usr/bin/env bash
# install.sh [release|dev]: builds the extension and installs it into the server of PG_CONFIG.
. "$(dirname "$0")/lib.sh"

package=$(scripts/build.sh "${1:-release}")
# Only what differs, and by a new file: a running server has the old one mapped.
(cd "$package" && find . -type f -printf '%P\n') | while read -r file; do
    cmp -s "$package/$file" "/$file" || "${AS_ROOT[@]}" install -D -m 644 "$package/$file" "/$file"
done
