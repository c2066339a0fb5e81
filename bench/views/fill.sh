# Sourced: a database of calls of any size. psql and value ask it, fill makes the calls.
# shellcheck shell=bash

psql() { scripts/cluster.sh psql -X -q -v ON_ERROR_STOP=1 -d "${database:-bench}" "$@"; }
value() { psql -At -c "$1"; }

# fill FIRST LAST: calls with these numbers of each tenant, and the rollup.
fill() {
    local at
    # In parts, as what is being made takes as much room again.
    for ((at = $1; at <= $2; at += 500000)); do
        psql -v "from=$1" -v "to=$2" -v "first=$at" -v "last=$((at + 499999 < $2 ? at + 499999 : $2))" -f bench/views/rows.sql
    done
    psql -o /dev/null -c 'VACUUM (ANALYZE)' -c "SELECT tenant, dialfire.keep_stats(tenant, ARRAY(
        SELECT generate_series('2024-10-30'::date, '2026-11-02', '1 day')::date)) FROM dialfire.tenants" -c 'VACUUM (FULL, ANALYZE) dialfire.daily_stats'
}
