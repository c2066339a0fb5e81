#!/usr/bin/env bash
# reference.sh: writes docs/reference.md from the comments of the catalogue.
. "$(dirname "$0")/lib.sh"
scripts/install.sh dev
export CLUSTER=reference
trap 'scripts/cluster.sh remove' EXIT
scripts/cluster.sh remove
scripts/cluster.sh start
psql() { scripts/cluster.sh psql -X -q -v ON_ERROR_STOP=1 "$@"; }
psql -c 'CREATE EXTENSION dialfire_sync'
psql -o docs/reference.md -f scripts/reference.sql
say "docs/reference.md: $(wc -l <docs/reference.md) lines"
