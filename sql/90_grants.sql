-- Rights and comments of functions: last, as they name what the library brings.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Everybody may look, and row security shows each role the tenants whose server it may use.
-- Whatever fetches or writes is for those to whom it is granted: df_grant does it for one role.

GRANT USAGE ON SCHEMA dialfire TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA dialfire TO PUBLIC;
-- Matviews know no row security; ingestion_kpis and ingestion_monthly show them.
REVOKE ALL ON dialfire.mv_ingestion_kpis, dialfire.mv_ingestion_monthly FROM PUBLIC;
REVOKE ALL ON dialfire.dashboard_users, dialfire.dashboard_sessions FROM PUBLIC;

ALTER TABLE dialfire.campaigns ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.connections ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.recordings ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.call_details ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.alert_thresholds ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.oauth_tokens ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON dialfire.oauth_tokens FROM PUBLIC;
CREATE POLICY nobody ON dialfire.oauth_tokens FOR SELECT USING (false);
COMMENT ON POLICY nobody ON dialfire.oauth_tokens IS 'tokens are read by the extension''s owner and superusers only';
ALTER TABLE dialfire.inbound_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.voice_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.phone_numbers ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.alert_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.dispositions ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.call_statuses ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.webhook_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.coverage ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.http_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.rejects ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.daily_stats ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.schedules ENABLE ROW LEVEL SECURITY;

-- The sub-select makes it an init plan: asked once a query, not once a row.
CREATE POLICY tenant_usage ON dialfire.campaigns FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.agents FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.contacts FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.transactions FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.connections FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.recordings FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.call_details FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.alert_thresholds FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.inbound_calls FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.voice_calls FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.phone_numbers FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.marks FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.alert_rules FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.webhook_events FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.alerts FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.dispositions FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.runs FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.coverage FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.http_log FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.rejects FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.daily_stats FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
CREATE POLICY tenant_usage ON dialfire.schedules FOR SELECT USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
COMMENT ON POLICY tenant_usage ON dialfire.campaigns IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.agents IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.contacts IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.transactions IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.connections IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.recordings IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.call_details IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.alert_thresholds IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.inbound_calls IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.voice_calls IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.phone_numbers IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.marks IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.alert_rules IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.webhook_events IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.alerts IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.dispositions IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.runs IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.coverage IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.http_log IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.daily_stats IS 'rows of the tenants whose server the role may use';
CREATE POLICY tenant_usage ON dialfire.call_statuses FOR SELECT
    USING (tenant = '' OR tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
COMMENT ON POLICY tenant_usage ON dialfire.call_statuses IS 'what counts for all, and rows of the tenants whose server the role may use';
CREATE POLICY tenant_adds ON dialfire.call_statuses FOR INSERT WITH CHECK (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
COMMENT ON POLICY tenant_adds ON dialfire.call_statuses IS 'who got the right by df_grant says what a word means for a tenant of his';
CREATE POLICY tenant_removes ON dialfire.call_statuses FOR DELETE USING (tenant = ANY ((SELECT dialfire.usable_tenants())::text[]));
COMMENT ON POLICY tenant_removes ON dialfire.call_statuses IS 'who got the right by df_grant takes back what a word means for a tenant of his';
CREATE POLICY owner_adjusts ON dialfire.schedules FOR UPDATE USING (owner = current_user);
COMMENT ON POLICY owner_adjusts ON dialfire.schedules IS 'a job is adjusted by its owner, who got the right by df_grant';
COMMENT ON POLICY tenant_usage ON dialfire.schedules IS 'rows of the tenants whose server the role may use';
COMMENT ON POLICY tenant_usage ON dialfire.rejects IS 'rows of the tenants whose server the role may use';

REVOKE ALL ON FUNCTION @extschema@.df_sync(text, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_sync(text, tstzrange, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_sync(text, daterange, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_sync(text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_fetch(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_fetch(text, tstzrange) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_fetch(text, daterange) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_check(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_schedule(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_unschedule(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_cleanup(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_retry_rejects(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_diagnose(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_diagnose(text, tstzrange) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_diagnose(text, daterange) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_diagnose_calls(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_diagnose_calls(text, tstzrange) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_diagnose_calls(text, daterange) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_repair(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_repair(text, tstzrange) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_repair(text, daterange) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_alert_threshold(text, text, double precision) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_fetch_agents(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_assign_agent(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_unassign_agent(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_rebuild_stats(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_adopt(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_start_worker() FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_harden_view(text, boolean, jsonb, text, interval) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_unharden_view(text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE @extschema@.df_adopt_steps(text, text, bigint, text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE @extschema@.df_backfill(text, text, text, boolean, boolean) FROM PUBLIC;
REVOKE ALL ON PROCEDURE @extschema@.df_reconcile(text, date) FROM PUBLIC;
REVOKE ALL ON PROCEDURE @extschema@.df_run_due() FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_import_tracking(text, jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_find_calls(text, text, boolean, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_dashboard_calls(text, text, boolean, integer, integer) FROM PUBLIC;
REVOKE ALL ON PROCEDURE @extschema@.df_enable_search() FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_ingest(text, bytea, jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_ingest(text, text, jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_alert_rule(text, text, text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_drop_alert_rule(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_reset_coverage(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_setup_vicidial(text, text, text, text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_validator(text[], oid) FROM PUBLIC;

CREATE PROCEDURE @extschema@.df_grant(tenant text, role regrole)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON FOREIGN SERVER %I TO %s', tenant, role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION
        @extschema@.df_sync(text, text, boolean), @extschema@.df_sync(text, tstzrange, boolean),
        @extschema@.df_sync(text, daterange, boolean), @extschema@.df_sync(text, boolean),
        @extschema@.df_fetch(text, text), @extschema@.df_fetch(text, tstzrange), @extschema@.df_fetch(text, daterange),
        @extschema@.df_import_tracking(text, jsonb), @extschema@.df_find_calls(text, text, boolean, integer),
        @extschema@.df_dashboard_calls(text, text, boolean, integer, integer),
        @extschema@.df_ingest(text, bytea, jsonb), @extschema@.df_ingest(text, text, jsonb),
        @extschema@.df_alert_rule(text, text, text, text, text), @extschema@.df_drop_alert_rule(text, text),
        @extschema@.df_check(text), @extschema@.df_schedule(text, text, text), @extschema@.df_unschedule(text, text),
        @extschema@.df_diagnose(text, text), @extschema@.df_diagnose(text, tstzrange), @extschema@.df_diagnose(text, daterange),
        @extschema@.df_diagnose_calls(text, text), @extschema@.df_diagnose_calls(text, tstzrange), @extschema@.df_diagnose_calls(text, daterange),
        @extschema@.df_repair(text, text), @extschema@.df_repair(text, tstzrange), @extschema@.df_repair(text, daterange),
        @extschema@.df_alert_threshold(text, text, double precision),
        @extschema@.df_fetch_agents(text), @extschema@.df_assign_agent(text, text, text),
        @extschema@.df_unassign_agent(text, text), @extschema@.df_cleanup(text), @extschema@.df_retry_rejects(text), @extschema@.df_rebuild_stats(text, text),
        @extschema@.df_reset_coverage(text, text),
        @extschema@.df_refresh(boolean), @extschema@.df_harden_view(text, boolean, jsonb, text, interval),
        @extschema@.df_unharden_view(text),
        @extschema@.df_adopt(text, text, text) TO %s', role);
    EXECUTE format('GRANT EXECUTE ON PROCEDURE
        @extschema@.df_backfill(text, text, text, boolean, boolean), @extschema@.df_reconcile(text, date),
        @extschema@.df_run_due(), @extschema@.df_adopt_steps(text, text, bigint, text) TO %s', role);
    EXECUTE format('GRANT UPDATE (every, enabled, max_runtime, next_run) ON dialfire.schedules TO %s', role);
    EXECUTE format('GRANT INSERT (vendor, vendor_status, status, tenant, campaign_id), DELETE ON dialfire.call_statuses TO %s', role);
END
$$;
COMMENT ON PROCEDURE @extschema@.df_grant(text, regrole) IS
    'lets a role see, check, fetch and sync one tenant; runs with the rights of the caller, who must own server and extension';
REVOKE ALL ON PROCEDURE @extschema@.df_grant(text, regrole) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.df_sync(text, text, boolean) IS
    'fetches a range and stores what is new; returns one summary row. Range: today, yesterday, last 14 days, this month, 2026-11-05, 2026-11, 2026-11-01..2026-11-15 (both ends included), 2026-11-01.., or a range literal; days are cut in the tenant''s time zone. With dry_run it fetches, compares and writes nothing. A vendor''s failure is no error: status says partial or failed, message why';
COMMENT ON FUNCTION @extschema@.df_sync(text, tstzrange, boolean) IS
    'fetches a range of instants (UTC or any offset) and stores what is new; returns one summary row';
COMMENT ON FUNCTION @extschema@.df_sync(text, daterange, boolean) IS
    'fetches a range of days, cut in the tenant''s time zone, and stores what is new; returns one summary row';
COMMENT ON FUNCTION @extschema@.df_sync(text, boolean) IS
    'fetches what is wanted (from option start_date, default 14 days before today) and not covered yet; returns one summary row';
COMMENT ON FUNCTION @extschema@.df_fetch(text, text) IS
    'the vendor''s records of a range as rows, payload as it came; writes nothing. A vendor''s failure is an error, so that a list that broke off does not look complete';
COMMENT ON FUNCTION @extschema@.df_fetch(text, tstzrange) IS 'the vendor''s records of a range of instants as rows; writes nothing';
COMMENT ON FUNCTION @extschema@.df_fetch(text, daterange) IS
    'the vendor''s records of a range of days, cut in the tenant''s time zone, as rows; writes nothing';
COMMENT ON FUNCTION @extschema@.df_check(text) IS
    'tries a tenant step by step from this server: user mapping, allowed hosts, DNS, TCP, TLS, each style of authentication with status and body, each campaign, clock; status ok, warning, failed or skipped, duration in milliseconds';
COMMENT ON FUNCTION @extschema@.df_normalize(text, text, text) IS
    'the typed rows and rejects of one payload of a vendor (contact, inbound call, event line, page or array of those); pure. Days are cut in timezone';
COMMENT ON FUNCTION @extschema@.df_normalize(text, text, text, text) IS 'the same with the region of numbers without a prefix, an ISO code such as US; errors: 22023 unknown region, and those of the other form';
COMMENT ON FUNCTION @extschema@.df_normalize(text, json, text) IS 'the typed rows and rejects of one payload of a vendor; pure';
COMMENT ON FUNCTION @extschema@.df_normalize(text, jsonb, text) IS 'the typed rows and rejects of one payload of a vendor; pure';
COMMENT ON FUNCTION @extschema@.df_options() IS
    'every option of a tenant: where it stands, default with unit, whether only a superuser may set it';
COMMENT ON FUNCTION @extschema@.df_validator(text[], oid) IS
    'checks the options of CREATE and ALTER SERVER and USER MAPPING';
COMMENT ON PROCEDURE @extschema@.df_backfill(text, text, text, boolean, boolean) IS
    'fetches what of a range is not covered yet, step by step (an interval; days are local), newest first, and commits after each; tells progress by NOTICE; called again it resumes. Cannot run in a transaction block';
COMMENT ON PROCEDURE @extschema@.df_reconcile(text, date) IS
    'compares the contacts changed since a day (default 3 days ago, UTC) by checksum: fetches those that differ, marks those that are gone at the vendor';
COMMENT ON PROCEDURE @extschema@.df_run_due() IS
    'one round of the due jobs whose owner the caller is or belongs to, for servers where no worker may run, e.g. by pg_cron';
COMMENT ON FUNCTION @extschema@.df_schedule(text, text, text) IS
    'makes or changes the jobs of a tenant (sync, look_back, reconcile, refresh, clean_up), or one of them; every is the interval of job sync, or of the named job; the caller becomes their owner';
COMMENT ON FUNCTION @extschema@.df_unschedule(text, text) IS 'ends the jobs of a tenant, or one of them; returns how many';
COMMENT ON FUNCTION @extschema@.df_start_worker() IS
    'starts the scheduler of this database until the next restart, for servers that do not preload the library';
COMMENT ON FUNCTION @extschema@.df_cleanup(text) IS
    'removes runs, HTTP log lines and resolved rejects beyond dialfire_sync.retention_days and retention_rows';
COMMENT ON FUNCTION @extschema@.df_diagnose(text, text) IS
    'vendor against database over a range as df_sync takes it, call by call, as one document: summary, missingCalls with reason, reasonBreakdown, agentAnalysis. Writes nothing but a run of kind diagnostic; a vendor''s failure stands in errors';
COMMENT ON FUNCTION @extschema@.df_diagnose_calls(text, text) IS
    'the calls on which vendor and database differ over a range as df_sync takes it, one row each, with status (only_vendor, changed, rejected, only_database) and reason';
COMMENT ON FUNCTION @extschema@.df_repair(text, text) IS
    'fetches what a diagnosis over a range as df_sync takes it finds missing or changed, and marks what is gone at the vendor; what does not count by choice is left over';
COMMENT ON FUNCTION @extschema@.df_diagnose(text, tstzrange) IS
    'vendor against database over a range of instants, call by call, as one document: summary, missingCalls with reason, reasonBreakdown, agentAnalysis. Writes nothing but a run of kind diagnostic; a vendor''s failure stands in errors';
COMMENT ON FUNCTION @extschema@.df_diagnose_calls(text, tstzrange) IS
    'the calls on which vendor and database differ over a range of instants, one row each, with status (only_vendor, changed, rejected, only_database) and reason';
COMMENT ON FUNCTION @extschema@.df_repair(text, tstzrange) IS
    'fetches what a diagnosis over a range of instants finds missing or changed, and marks what is gone at the vendor; what does not count by choice is left over';
COMMENT ON FUNCTION @extschema@.df_diagnose(text, daterange) IS
    'vendor against database over a range of days, cut in the tenant''s time zone, call by call, as one document: summary, missingCalls with reason, reasonBreakdown, agentAnalysis. Writes nothing but a run of kind diagnostic; a vendor''s failure stands in errors';
COMMENT ON FUNCTION @extschema@.df_diagnose_calls(text, daterange) IS
    'the calls on which vendor and database differ over a range of days, cut in the tenant''s time zone, one row each, with status (only_vendor, changed, rejected, only_database) and reason';
COMMENT ON FUNCTION @extschema@.df_repair(text, daterange) IS
    'fetches what a diagnosis over a range of days, cut in the tenant''s time zone finds missing or changed, and marks what is gone at the vendor; what does not count by choice is left over';
COMMENT ON FUNCTION @extschema@.df_alert_threshold(text, text, double precision) IS
    'sets a threshold of a tenant (skip_rate, success_rate, skip_spike, stale_sync), or with null its default, and checks all at once; returns how many episodes began. An unknown rule is an error';
COMMENT ON FUNCTION @extschema@.df_fetch_agents(text) IS
    'asks the vendor for its agents; returns all that are known, whether assigned, and how many calls of each are stored. A vendor''s failure is an error';
COMMENT ON FUNCTION @extschema@.df_assign_agent(text, text, text) IS
    'lets the calls of an agent (id or name) count, where option count_agents is assigned; those that are stored appear at once; returns how many. An unknown agent is an error';
COMMENT ON FUNCTION @extschema@.df_unassign_agent(text, text) IS
    'lets the calls of an agent (id or name) no longer count; they stay stored; returns how many. An unknown agent is an error';
COMMENT ON FUNCTION @extschema@.df_retry_rejects(text) IS
    'normalises the open rejects of a tenant again, without fetching; one row: tried, resolved, left. A sync of the same campaign at work is an error (55006)';
COMMENT ON FUNCTION @extschema@.df_rebuild_stats(text, text) IS
    'cuts the calls of a range into the tenant''s days again (after a change of time zone) and recomputes daily_stats; returns the rows that changed';
COMMENT ON FUNCTION @extschema@.df_adopt(text, text, text) IS
    'takes over the tables that the vendor''s own client wrote into a schema; one row a table: rows read, inserted, updated, unchanged, rejected, and duplicates left out. The tables are read with the rights of the caller and not changed; nothing is called covered; what the vendor has said is not replaced. tenant may be left out by who may use only one; prefix is that of the tables. All or nothing; again it writes only what is new. Errors: 3F000 no such schema, 42P01 no such tables, 42501 no right to read them';
COMMENT ON PROCEDURE @extschema@.df_adopt_steps(text, text, bigint, text) IS
    'df_adopt for a large schema: commits after each step of so many rows and tells progress by NOTICE; called again after an interruption it goes on there. Cannot run in a transaction block';
COMMENT ON FUNCTION @extschema@.df_compare(text, text, text, boolean, text) IS
    'calls, legs, recordings and inbound calls that only one side has: schema (tables of the vendor''s own client) or dialfire (what is stored), or, with ask_vendor, vendor (what it delivers now for the range). Writes nothing and reads both with the rights of the caller. tenant may be left out by who may use only one; without a range all time is compared; prefix is that of the tables. Errors: 3F000 no such schema, 42P01 no such tables, 42501 no right to read them';
COMMENT ON FUNCTION dialfire.instant(text) IS
    'an instant as the vendor and its client write it (ISO 8601 with an offset); null where it is none';
COMMENT ON FUNCTION @extschema@.df_range(text, text) IS
    'the instants (UTC, half open) of a range as people type it, cut in the tenant''s time zone; the upper end is at most now';
COMMENT ON FUNCTION @extschema@.df_audit_views(text, interval) IS
    'what is wrong with the views of a schema, one row a finding: inner_join, comma_join, left_join_undone, nullable_key, missing_fallback, inflated_count, text_date_cast, text_date_compare, text_timestamp; severity error (rows are missing today), warning or note; rows_lost counts them for at most count_within a view, null where they are not counted (detail says why) or not countable. Writes nothing; counts only in views whose owner the caller is or belongs to';
COMMENT ON FUNCTION @extschema@.df_harden_view(text, boolean, jsonb, text, interval) IS
    'the statement that gives a view its rows back: outer joins, conditions in ON, COALESCE; same columns, types and options. fallbacks: {"column": "alias.column"} or an array of those; keep: alias of the relation whose rows must not be lost (default: the table of events, else the first in FROM). apply => true runs it and keeps the old definition in dialfire.hardened_views; only who owns the view may. Errors: 0A000 with the reason where it cannot be mended safely, 42501 for another''s view, 42809 for no view, 42P01, 22023';
COMMENT ON FUNCTION @extschema@.df_unharden_view(text) IS
    'restores the definition that a view had before df_harden_view; returns the statement. Errors: 55000 where it was not hardened or has been changed since, 42501 for another''s view';
COMMENT ON FUNCTION @extschema@.df_alert_rule(text, text, text, text, text) IS
    'makes or changes an alert rule: an SQL/JSON path over a call as its vendor names things, a severity (info, warning, critical) and what a hit says; a path that is none is refused (42601). Calls that are stored already are checked at once; returns how many of them hit';
COMMENT ON FUNCTION @extschema@.df_drop_alert_rule(text, text) IS 'ends an alert rule of a tenant, its alerts stay; false where there was none';
COMMENT ON FUNCTION @extschema@.df_vicidial_columns() IS 'the tables and columns of a dialler that are read; never a password';
COMMENT ON FUNCTION @extschema@.df_astguiclient(text) IS
    'host, port, database, user and password in the text of a dialler''s astguiclient.conf, read as its own scripts do';
COMMENT ON FUNCTION @extschema@.df_ingest(text, bytea, jsonb) IS
    'takes a webhook: the raw bytes of its body, as signatures cover them, and its headers as an object. Believed, it is stored as a poll would store it, in any order and any number of times. Returns the HTTP status to answer with; outcome stored, unchanged, duplicate, ignored, refused or rejected; the id of the call; why; and the body to answer with, where the sender expects one. Only a tenant that cannot be used is an error';
COMMENT ON FUNCTION @extschema@.df_ingest(text, text, jsonb) IS 'takes a webhook whose body is text';
COMMENT ON FUNCTION @extschema@.df_import_tracking(text, jsonb) IS
    'makes calls of the attempts in a table of one''s own, read with the caller''s rights: mapping names the tenant, columns (id, call_id, phone, called_at, outcome, metadata, name, direction) where they differ from id, vapi_call_id, phone, called_at, call_outcome, metadata, and a filter of columns and values. Attempts are older than whatever the vendor says; again is free';
COMMENT ON FUNCTION @extschema@.df_find_calls(text, text, boolean, integer) IS
    'ids of the newest calls of a tenant whose number, caller or agent holds the text, newest first; a number in any notation';
COMMENT ON FUNCTION @extschema@.df_dashboard_calls(text, text, boolean, integer, integer) IS
    'the newest calls of a tenant as dashboard_calls shows them, newest first: those that fit the search, test calls only where include_test';
COMMENT ON FUNCTION @extschema@.df_dashboard_stats(text, text) IS
    'one row of figures of a range, days cut in the tenant''s time zone, without test calls: counts; answer_rate, per cent of the calls that ended; talk_minutes and average_seconds of completed calls; cost in US dollars; hot_leads, calls that hit the rule hot_lead';
COMMENT ON FUNCTION @extschema@.df_reset_coverage(text, text) IS
    'takes back what is covered of a range, so that df_sync(tenant) and the schedule fetch it again; one row a source: the time that was covered. No call is removed. Coverage itself stands in dialfire.coverage';

SET LOCAL search_path = @extschema@, pg_temp;
