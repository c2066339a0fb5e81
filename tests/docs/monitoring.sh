# Sourced by run.sh: what docs/grafana holds is right, as roles of few rights. Grafana is played by sed and psql.
# shellcheck shell=bash

fresh
awk -f tests/docs/blocks.awk docs/grafana.md >"$work/script"
psql -d docs -v "base_url=$base_url" -o /dev/null -f "$work/script"
# One of everything that a panel shows, and a tenant that neither role may see.
psql -d docs -o /dev/null <<-END
	SELECT df_sync('acme');
	INSERT INTO dialfire.rejects (tenant, source, kind, key, reason, field, detail, payload, fingerprint)
	SELECT tenant, 'x', 'contact', 'K' || tenant, 'bad_date', 'fired', 'no instant', '{}', 'monitoring ' || tenant
	FROM unnest(ARRAY['acme', 'hidden']) AS tenant;
	SELECT df_reset_coverage('acme', 'yesterday');
	INSERT INTO dialfire.alerts (tenant, rule, subject, severity, message, at)
	VALUES ('acme', 'lag', 'x', 'warning', 'behind', now());
	CREATE SERVER hidden FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account 'x', timezone 'UTC', base_url '$base_url');
END

campaigns=$(psql -d docs -At -c "SELECT string_agg(quote_literal(id), ',') || ',''''' FROM dialfire.campaigns WHERE tenant = 'acme'")
from="'$(date -u -d '-7 days' +%FT%TZ)'" to="'$(date -u -d '+1 hour' +%FT%TZ)'"
queries=0
while read -r panel; do
    jq -r .sql <<<"$panel" | sed -E "s/\\\$\\{tenant:sqlstring\\}/'acme','hidden'/g; s/\\\$\\{campaign:sqlstring\\}/$campaigns/g
        s/\\\$__timeFilter\\(([^)]*)\\)/\\1 BETWEEN $from AND $to/g; s/\\\$__timeFrom\\(\\)/$from/g; s/\\\$__timeTo\\(\\)/$to/g
        s/\\\$__timeGroupAlias\\(([^,]*), *\\\$__interval\\)/floor(extract(epoch from \\1)\\/3600)*3600 AS \"time\"/g" >"$work/query"
    ! grep -F "\$" "$work/query" >&2 || die "docs/grafana/calls.json: a macro that the test does not know"
    rows=$(psql -d docs -U grafana -At -c "SELECT count($(jq -r 'if .format == "time_series" then "q.time" else "*" end' <<<"$panel"))
        FROM ($(cat "$work/query")) q") || die "docs/grafana/calls.json: $(jq -r .title <<<"$panel") fails"
    [ "$rows" -gt 0 ] || die "docs/grafana/calls.json: $(jq -r .title <<<"$panel") shows nothing"
    [ "$(psql -d docs -U grafana -At -f "$work/query" | grep -c hidden)" = 0 ] ||
        die "docs/grafana/calls.json: $(jq -r .title <<<"$panel") shows a tenant of somebody else"
    queries=$((queries + 1))
done < <(jq -c '(.panels[] | {title, format: .targets[].format, sql: .targets[].rawSql}), (.templating.list[] | select(.type == "query") | {title: .label, sql: .query}),
    (.annotations.list[] | {title: .name, sql: .target.rawSql})' docs/grafana/calls.json)
[ "$queries" -gt 15 ] || die "docs/grafana/calls.json: only $queries queries were found"
[ "$(jq '[.panels[].id] | length - (unique | length)' docs/grafana/calls.json)" = 0 ] || die "docs/grafana/calls.json: two panels have one id"

eval "$(scripts/cluster.sh env)"
sed -E "s|^( *- )postgres://.*|\\1postgres://metrics@127.0.0.1:$PGPORT/docs?sslmode=disable|" docs/grafana/prometheus.yml >"$work/prometheus.yml"
for port in $(shuf -n 20 -i 20000-29999); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
done
prometheus-sql-exporter -config.file "$work/prometheus.yml" -web.listen-address "127.0.0.1:$port" >"$work/exporter.log" 2>&1 &
exporter=$!
names="lag calls runs errors"
for ((tries = 0; tries < 150; tries++)); do
    curl -sf -m 5 "http://127.0.0.1:$port/metrics" >"$work/metrics" || true
    [ "$(grep -oE '^sql_dialfire_[a-z]+' "$work/metrics" | sort -u | wc -l)" -lt "$(wc -w <<<"$names")" ] || break
    sleep 0.2
done
kill "$exporter"
# metric NAME COL LABELS SQL: it is what SQL says.
metric() {
    local measured said
    measured=$(grep "^sql_dialfire_$1{" "$work/metrics" | grep -F "col=\"$2\"" | grep -F "$3" | sed 's/.*} //' | head -1 || true)
    said=$(psql -d docs -At -c "$4")
    [ -n "$measured" ] && awk -v a="$measured" -v b="$said" 'BEGIN { exit a + 0 != b + 0 }' || {
        grep -h "^sql_dialfire_$1" "$work/metrics" "$work/exporter.log" >&2 || cat "$work/exporter.log" >&2
        die "docs/grafana/prometheus.yml: $1 $2 $3 is '$measured' and should be '$said'"
    }
}
metric lag quarantined 'tenant="acme"' "SELECT count(*) FROM dialfire.rejects_open WHERE tenant = 'acme'"
metric lag gaps 'tenant="acme"' "SELECT gaps FROM dialfire.sync_health WHERE tenant = 'acme'"
metric lag ok 'tenant="acme"' "SELECT (status = 'ok')::int FROM dialfire.sync_health WHERE tenant = 'acme'"
metric calls answered 'tenant="acme"' "SELECT sum(connects) FROM dialfire.tenant_daily WHERE tenant = 'acme'
    AND day >= (now() AT TIME ZONE 'Europe/Nicosia')::date - 1"
metric runs inserted 'status="success"' "SELECT sum(inserted) FROM dialfire.runs WHERE kind = 'manual' AND status = 'success'"
metric errors errors 'source="reject"' "SELECT count(*) FROM dialfire.error_log_view WHERE source = 'reject' AND tenant = 'acme'"
! grep -q hidden "$work/metrics" || die "docs/grafana/prometheus.yml shows a tenant of somebody else"
say "$queries queries for Grafana and the metrics for Prometheus are right"
