-- What the pages of the dashboard show beyond the views for people, and what their buttons do.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION dialfire.tenant_or_first(tenant text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.tenant FROM dialfire.tenants t WHERE t.usable ORDER BY t.tenant IS NOT DISTINCT FROM $1 DESC, t.tenant LIMIT 1
$$;
COMMENT ON FUNCTION dialfire.tenant_or_first(text) IS 'the tenant, where the role may use it, else its first; null where it has none';

CREATE FUNCTION dialfire.show(at timestamptz, zone text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE (now() AT TIME ZONE $2)::date - ($1 AT TIME ZONE $2)::date
        WHEN 0 THEN to_char($1 AT TIME ZONE $2, '"today" HH24:MI')
        WHEN 1 THEN to_char($1 AT TIME ZONE $2, '"yesterday" HH24:MI')
        ELSE to_char($1 AT TIME ZONE $2, CASE WHEN $1 > now() - interval '180 days' THEN 'Dy DD Mon HH24:MI' ELSE 'DD Mon YYYY HH24:MI' END)
    END
$$;
COMMENT ON FUNCTION dialfire.show(timestamptz, text) IS 'an instant as people read it, in a time zone';

CREATE FUNCTION dialfire.show(length interval) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN s IS NULL THEN NULL
        WHEN s < 10 THEN to_char(s, 'FM990.0') || ' s'
        WHEN s < 60 THEN round(s) || ' s'
        WHEN s < 3600 THEN format('%s min %s s', floor(s / 60), floor(s % 60))
        WHEN s < 86400 THEN format('%s h %s min', floor(s / 3600), floor(s % 3600 / 60))
        ELSE format('%s d %s h', floor(s / 86400), floor(s % 86400 / 3600))
    END
    FROM (SELECT extract(epoch FROM $1) AS s) l
$$;
COMMENT ON FUNCTION dialfire.show(interval) IS 'a length of time as people read it: its two largest units';

CREATE FUNCTION dialfire.show(number numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_char($1, 'FM999,999,999,999,990')
$$;
COMMENT ON FUNCTION dialfire.show(numeric) IS 'a number with thousands set apart';

CREATE FUNCTION dialfire.show_share(share double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_char(100 * $1, 'FM990.0') || ' %'
$$;
COMMENT ON FUNCTION dialfire.show_share(double precision) IS 'a share of 0 to 1 as per cent';

CREATE FUNCTION dialfire.in_url(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(string_agg(CASE WHEN b < 128 AND chr(b) ~ '[A-Za-z0-9_.~-]' THEN chr(b) ELSE '%' || upper(lpad(to_hex(b), 2, '0')) END,
                               '' ORDER BY n), '')
    FROM convert_to($1, 'UTF8') AS v(bytes), generate_series(0, length(bytes) - 1) AS n, LATERAL (SELECT NULLIF(get_byte(bytes, n), 0) AS b) c
$$;
COMMENT ON FUNCTION dialfire.in_url(text) IS 'a value as it stands in a query string; empty for null';

CREATE VIEW dialfire.coverage_days WITH (security_invoker = true) AS
-- Apart from each other, as a distributed Postgres could not join them before they are grouped.
WITH g AS (
    -- What has just happened is no gap yet.
    SELECT g.tenant, g.source, range_agg(tstzrange(g.from_at, g.to_at)) AS gaps
    FROM dialfire.coverage_gaps g JOIN dialfire.tenants n ON n.tenant = g.tenant
    WHERE g.length > interval '1 second' AND g.from_at < n.wanted_to - interval '15 minutes' GROUP BY g.tenant, g.source
), f AS (
    SELECT r.tenant, range_agg(part) AS failed FROM dialfire.runs r, unnest(r.range) AS part
    WHERE r.status IN ('failed', 'partial', 'crashed') AND r.finished_at > now() - interval '90 days' GROUP BY r.tenant
), b AS (
    -- It came to no range at all.
    SELECT DISTINCT ON (r.tenant) r.tenant, r.status = 'failed' AND COALESCE(isempty(r.range), true) AS broken FROM dialfire.runs r
    WHERE r.finished_at IS NOT NULL AND r.kind NOT IN ('webhook', 'diagnostic') ORDER BY r.tenant, r.run_id DESC
), k AS (
    -- Only Dialfire is fetched campaign by campaign.
    SELECT s.tenant, CASE WHEN n.vendor = 'dialfire' THEN s.campaign_id END AS source, s.day, sum(s.attempts + s.inbound)::bigint AS calls
    FROM dialfire.daily_stats s JOIN dialfire.tenants n ON n.tenant = s.tenant GROUP BY 1, 2, 3
)
SELECT t.tenant,
       c.id AS source,
       c.title,
       d.day::date AS day,
       CASE WHEN m.missing IS NULL OR isempty(m.missing) THEN 'covered' WHEN m.missing && f.failed OR b.broken THEN 'failed'
            ELSE 'missing' END
           AS state,
       (SELECT sum(upper(gap) - lower(gap)) FROM unnest(m.missing) AS gap) AS missing,
       COALESCE(k.calls, 0) AS calls
FROM dialfire.tenants t
JOIN dialfire.campaigns c ON c.tenant = t.tenant AND c.api_access
LEFT JOIN g ON g.tenant = t.tenant AND g.source = c.id
LEFT JOIN f ON f.tenant = t.tenant
LEFT JOIN b ON b.tenant = t.tenant
CROSS JOIN LATERAL generate_series(
    date_trunc('day', greatest(t.wanted_from, now() - interval '90 days') AT TIME ZONE t.timezone),
    date_trunc('day', now() AT TIME ZONE t.timezone), '1 day') AS d(day)
CROSS JOIN LATERAL (
    SELECT g.gaps * tstzmultirange(tstzrange(d.day AT TIME ZONE t.timezone, (d.day + interval '1 day') AT TIME ZONE t.timezone))
        AS missing
) m
LEFT JOIN k ON k.tenant = t.tenant AND COALESCE(k.source, c.id) = c.id AND k.day = d.day::date
WHERE t.usable;
COMMENT ON VIEW dialfire.coverage_days IS 'the wanted days of the last 90, by source: is each proven complete';
COMMENT ON COLUMN dialfire.coverage_days.tenant IS 'name of the foreign server (from tenants)';
COMMENT ON COLUMN dialfire.coverage_days.source IS 'unit of fetching: a Dialfire campaign, a Vapi organisation (from campaigns.id)';
COMMENT ON COLUMN dialfire.coverage_days.title IS 'title of the campaign (from campaigns)';
COMMENT ON COLUMN dialfire.coverage_days.day IS 'day in the tenant''s time zone (from tenants)';
COMMENT ON COLUMN dialfire.coverage_days.state IS 'covered; failed (not covered, and a run over it failed, or the newest run before it came to any time); missing (not covered, and not tried). The last quarter of an hour is not missed yet (from coverage_gaps, runs)';
COMMENT ON COLUMN dialfire.coverage_days.missing IS 'length of what is not covered (from coverage_gaps)';
COMMENT ON COLUMN dialfire.coverage_days.calls IS 'attempts and inbound calls that are stored (calls; from daily_stats)';

CREATE VIEW dialfire.attention WITH (security_invoker = true) AS
SELECT h.tenant, 1 AS rank, 'critical' AS severity, 'sync is ' || h.status AS what,
       concat_ws('; ', h.last_error, 'next: ' || h.next_action) AS detail, 'ingestion' AS page
FROM dialfire.sync_health h WHERE h.status <> 'ok'
UNION ALL
SELECT h.tenant, 2, 'critical', 'the vendor is about to delete calls', h.retention_warning, 'coverage'
FROM dialfire.sync_health h WHERE h.retention_warning IS NOT NULL
UNION ALL
SELECT d.tenant, CASE d.state WHEN 'failed' THEN 3 ELSE 4 END, 'warning',
       format('%s %s %s', count(DISTINCT d.day), CASE count(DISTINCT d.day) WHEN 1 THEN 'day' ELSE 'days' END, d.state),
       format('%s to %s, in %s %s', to_char(min(d.day), 'DD Mon'), to_char(max(d.day), 'DD Mon'), count(DISTINCT d.source),
              CASE count(DISTINCT d.source) WHEN 1 THEN 'campaign' ELSE 'campaigns' END), 'coverage'
FROM dialfire.coverage_days d WHERE d.state <> 'covered' GROUP BY d.tenant, d.state
UNION ALL
SELECT r.tenant, 5, 'warning', format('%s %s in quarantine', count(*), CASE count(*) WHEN 1 THEN 'record' ELSE 'records' END),
       format('newest: %s', (array_agg(concat_ws(' ', r.kind, r.reason, r.field) ORDER BY r.last_seen DESC))[1]), 'rejects'
FROM dialfire.rejects_open r GROUP BY r.tenant
UNION ALL
SELECT a.tenant, CASE a.severity WHEN 'critical' THEN 3 ELSE 6 END, a.severity, a.rule, a.message, 'alerts'
FROM dialfire.alerts a
WHERE a.severity <> 'info' AND a.ended_at IS NULL AND a.at > now() - interval '7 days'
UNION ALL
SELECT u.tenant, 7, 'warning', format('calls of %s %s do not count', count(*), CASE count(*) WHEN 1 THEN 'agent' ELSE 'agents' END),
       format('%s calls; assign who is yours', sum(u.calls)), 'agents'
FROM dialfire.unassigned_agents u WHERE u.calls > 0 GROUP BY u.tenant
UNION ALL
SELECT s.tenant, 8, 'info', format('%s %s without an end', count(*), CASE count(*) WHEN 1 THEN 'call' ELSE 'calls' END),
       format('the oldest is open since %s', dialfire.show(max(s.open_for))), 'calls'
FROM dialfire.stuck_calls s GROUP BY s.tenant;
COMMENT ON VIEW dialfire.attention IS 'what needs somebody, most urgent first by rank; no row where all is well';
COMMENT ON COLUMN dialfire.attention.tenant IS 'name of the foreign server (from sync_health, coverage_days, rejects_open, alerts, unassigned_agents, stuck_calls)';
COMMENT ON COLUMN dialfire.attention.rank IS 'order of urgency (number, 1 is first)';
COMMENT ON COLUMN dialfire.attention.severity IS 'critical, warning or info';
COMMENT ON COLUMN dialfire.attention.what IS 'what it is, in words';
COMMENT ON COLUMN dialfire.attention.detail IS 'more of it, in words';
COMMENT ON COLUMN dialfire.attention.page IS 'page of the dashboard that shows it';

CREATE FUNCTION dialfire.may_act(action text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(has_function_privilege(CASE $1
        WHEN 'fetch' THEN '@extschema@.df_sync(text, text, boolean)'
        WHEN 'repair' THEN '@extschema@.df_repair(text, text)'
        WHEN 'diagnose' THEN '@extschema@.df_diagnose(text, text)'
        WHEN 'retry_rejects' THEN '@extschema@.df_retry_rejects(text)'
        WHEN 'assign_agent' THEN '@extschema@.df_assign_agent(text, text, text)' END, 'EXECUTE'), false)
$$;
COMMENT ON FUNCTION dialfire.may_act(text) IS 'whether the role may do what a button of the dashboard says';

CREATE FUNCTION dialfire.dashboard_act(action text, tenant text, argument text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said text;
    hint text;
    did record;
BEGIN
    CASE action
        WHEN 'fetch' THEN
            SELECT * INTO did FROM @extschema@.df_sync(tenant, argument);
            RETURN jsonb_build_object('ok', did.status = 'success', 'title', format('%s fetched: %s', argument, did.status),
                'message', concat_ws('; ', format('%s records read, %s new, %s changed, %s known, %s rejected', did.fetched, did.inserted,
                    did.updated, did.unchanged, did.rejected), did.message));
        WHEN 'repair' THEN
            SELECT * INTO did FROM @extschema@.df_repair(tenant, argument);
            RETURN jsonb_build_object('ok', did.status = 'success', 'title', format('%s mended: %s', argument, did.status),
                'message', concat_ws('; ', format('%s differences, %s new, %s changed, %s gone at the vendor, %s left', did.found, did.inserted,
                    did.updated, did.marked_gone, did.left_over), did.message));
        WHEN 'retry_rejects' THEN
            SELECT * INTO did FROM @extschema@.df_retry_rejects(tenant);
            RETURN jsonb_build_object('ok', did.left_over = 0, 'title', format('%s of %s records left quarantine', did.resolved, did.tried),
                'message', CASE WHEN did.left_over = 0 THEN 'nothing is left' ELSE format('%s are still refused, for the reasons below', did.left_over) END);
        WHEN 'assign_agent' THEN
            RETURN jsonb_build_object('ok', true, 'title', format('%s is assigned', argument),
                'message', format('%s calls count now that did not', @extschema@.df_assign_agent(tenant, argument)));
        ELSE
            RAISE EXCEPTION 'there is no action %', quote_literal(action) USING ERRCODE = 'invalid_parameter_value';
    END CASE;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN jsonb_build_object('ok', false, 'title', 'nothing was done', 'message', said, 'hint', NULLIF(hint, ''));
END
$$;
COMMENT ON FUNCTION dialfire.dashboard_act(text, text, text) IS
    'does what a button of the dashboard says, with the caller''s rights: fetch and repair (argument: a range), retry_rejects, assign_agent (argument: who); ok, title, message and hint of what came of it. An error is an answer too, and leaves nothing behind';

CREATE FUNCTION dialfire.dashboard_diagnosis(tenant text, range text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said text;
    hint text;
BEGIN
    RETURN @extschema@.df_diagnose(tenant, range);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN jsonb_build_object('failed', said, 'hint', NULLIF(hint, ''));
END
$$;
COMMENT ON FUNCTION dialfire.dashboard_diagnosis(text, text) IS 'df_diagnose, or what it failed at in failed and hint';

CREATE FUNCTION dialfire.dashboard_ingest(tenant text, body bytea, headers jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said text;
    state text;
    answer record;
BEGIN
    IF body IS NULL THEN
        RETURN jsonb_build_object('status', 400, 'body', jsonb_build_object('error', 'the body is empty, or a form'));
    END IF;
    SELECT * INTO answer FROM @extschema@.df_ingest(tenant, body, headers);
    RETURN jsonb_build_object('status', answer.http_status, 'body', COALESCE(answer.response,
        jsonb_build_object('outcome', answer.outcome, 'call_id', answer.call_id, 'detail', answer.detail)));
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, state = RETURNED_SQLSTATE;
    RAISE LOG 'a webhook of % failed: % (%)', quote_literal(tenant), said, state;
    -- Who does not know a tenant shall not learn from us which ones there are. What passes by itself is asked for again: 429 is
    -- the one status that every vendor repeats.
    RETURN CASE
        WHEN state IN ('0A000', '28000', '42501', '42704', '42809') OR state LIKE 'HV%' THEN
            jsonb_build_object('status', 404, 'body', jsonb_build_object('error', 'no such tenant, or it takes no webhooks'))
        WHEN state LIKE '40%' OR state LIKE '53%' OR state LIKE '55%' OR state LIKE '57%' OR state LIKE '25%' THEN
            jsonb_build_object('status', 429, 'retry_after', 30, 'body', jsonb_build_object('error', 'not now'))
        ELSE jsonb_build_object('status', 500, 'body', jsonb_build_object('error', 'the delivery was not stored'))
    END;
END
$$;
COMMENT ON FUNCTION dialfire.dashboard_ingest(text, bytea, jsonb) IS
    'df_ingest for a web front: status and body to answer with, and retry_after (seconds). 404 where the tenant cannot be used, 429 where it is worth repeating, 500 otherwise; an error leaves nothing behind';

-- Here and not with the other grants, so that who updates gets them too.
GRANT SELECT ON dialfire.coverage_days, dialfire.attention TO PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
