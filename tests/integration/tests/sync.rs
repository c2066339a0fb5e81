//! One sync, the same again, and what lies between.

use integration::rows::assert_truth;
use integration::simulator::{Simulator, ALL};
use integration::tenant::Tenant;
use integration::until;
use serde_json::json;
use std::time::Duration;

const DATA: &str = "'dialfire.contacts', 'dialfire.transactions', 'dialfire.connections', 'dialfire.recordings',
    'dialfire.inbound_calls', 'dialfire.campaigns', 'dialfire.agents', 'dialfire.coverage', 'dialfire.rejects'";
/// With indexes and toast, as relfilenodes.
const FILES: &str = "SELECT DISTINCT pg_relation_filenode(f) FROM unnest(ARRAY[DATA]::regclass[]) AS d(c)
    CROSS JOIN LATERAL (SELECT d.c UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = d.c
        UNION ALL SELECT reltoastrelid FROM pg_class WHERE oid = d.c AND reltoastrelid <> 0) AS x(f)";

#[test]
fn first_sync_stores_exactly_what_the_vendor_has() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let run = tenant.sync(ALL);
    let truth = simulator.get("truth");
    let calls = truth["transactions"].as_i64().unwrap() + truth["inbound"].as_i64().unwrap();
    run.expect("success").expect_counts(calls, 0, 0);
    assert_eq!((run.windows, run.fetched, run.rejected, run.retries), (3, calls, 0, 0), "{run:?}");
    assert!(calls > 800, "too little to prove anything: {calls}");
    assert_truth(&mut tenant, &simulator);
}

#[test]
fn asking_again_writes_nothing_and_fetches_no_contact() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.exec("CREATE EXTENSION pg_walinspect");
    let first = tenant.sync(ALL);
    first.expect("success");
    let (before, from) = (statistics(&mut tenant), wal(&mut tenant));
    simulator.forget_requests();
    let second = tenant.sync(ALL);
    let (after, to) = (statistics(&mut tenant), wal(&mut tenant));
    second.expect("success").expect_counts(0, 0, first.inserted);
    assert_eq!(second.rejected, 0, "{second:?}");
    assert_eq!(simulator.contacts_asked(), 0);
    assert_eq!(before, after, "tuples written");
    let bytes = data_wal(&mut tenant, &from, &to);
    let all: i64 = tenant.one("SELECT ($2::text::pg_lsn - $1::text::pg_lsn)::bigint", &[&from, &to]);
    println!("second sync of {} calls: {bytes} bytes of WAL for data tables, {all} in all", first.inserted);
    assert_eq!(bytes, 0);
}

fn statistics(tenant: &mut Tenant) -> Vec<(String, i64, i64, i64, i64)> {
    tenant.exec("SELECT pg_stat_force_next_flush()");
    tenant.exec("SELECT pg_stat_clear_snapshot()");
    let sql = format!(
        "SELECT relname::text, n_tup_ins, n_tup_upd, n_tup_del, n_dead_tup FROM pg_stat_user_tables
         WHERE relid = ANY (ARRAY[{DATA}]::regclass[]) ORDER BY 1"
    );
    let rows = tenant.db.query(&sql, &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect()
}

fn wal(tenant: &mut Tenant) -> String {
    // A commit of its own, so that everything before it has been flushed.
    tenant.exec("CREATE TABLE IF NOT EXISTS flush (); DROP TABLE flush");
    tenant.one("SELECT pg_current_wal_flush_lsn()::text", &[])
}

/// Bytes of WAL records that touch the data tables of this database.
fn data_wal(tenant: &mut Tenant, from: &str, to: &str) -> i64 {
    let files = FILES.replace("DATA", DATA);
    let sql = format!(
        "SELECT coalesce(sum(record_length), 0)::bigint FROM pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn)
         WHERE block_ref ~ ('rel [0-9]+/' || (SELECT oid FROM pg_database WHERE datname = current_database())
                            || '/(' || (SELECT string_agg(f::text, '|') FROM ({files}) AS q(f)) || ') ')"
    );
    tenant.one(&sql, &[&from, &to])
}

#[test]
fn the_measure_of_wal_sees_what_a_first_sync_writes() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.exec("CREATE EXTENSION pg_walinspect");
    let from = wal(&mut tenant);
    tenant.sync(ALL).expect("success");
    let to = wal(&mut tenant);
    assert!(data_wal(&mut tenant, &from, &to) > 100_000);
}

#[test]
fn every_form_of_range_resolves_without_casts() {
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let simulator = Simulator::with(&["--anchor", &now, "--days", "3", "--calls-per-day", "20"]);
    let mut tenant = Tenant::of(&simulator);
    for range in [
        "'[2026-01-01,2026-01-15)'",
        "daterange('2026-01-01', '2026-01-15')",
        "daterange(current_date - 2, current_date, '[]')",
        "tstzrange('2026-01-01 00:00+00', '2026-01-02 00:00+00')",
        "tstzrange(now() - interval '1 day', now())",
        "'yesterday'",
        "'today'",
        "'last 14 days'",
        "'last 2 hours'",
        "'this month'",
        "'2026-01'",
        "'2026-01-05'",
        "'2026-01-01..2026-01-15'",
        "'2026-01-05 10:00..2026-01-05 12:00'",
        "'[2026-01-01 10:00:00+02,2026-01-01 11:00:00+02)'",
    ] {
        tenant.run(&format!("SELECT * FROM df_sync('acme', {range})"), &[]).expect("success");
        tenant.run(&format!("SELECT * FROM df_sync('acme', {range}, dry_run => true)"), &[]).expect("success");
        let fetched = tenant.db.query(&format!("SELECT * FROM df_fetch('acme', {range})"), &[]);
        assert!(fetched.is_ok(), "{range}: {fetched:?}");
    }
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    tenant.run("SELECT * FROM df_sync('acme', dry_run => true)", &[]).expect("success");
}

#[test]
fn both_ends_of_a_span_of_days_are_cut_in_the_tenants_zone() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let forms = ["'2025-11-05..2025-11-07'", "'[2025-11-05,2025-11-08)'", "daterange('2025-11-05', '2025-11-08')"];
    for form in forms {
        let run = tenant.run(&format!("SELECT * FROM df_sync('acme', {form})"), &[]);
        let sql =
            "SELECT range::text FROM (SELECT set_config('timezone', 'UTC', true)) s, dialfire.runs WHERE run_id = $1";
        let asked: String = tenant.one(sql, &[&run.id]);
        assert_eq!(asked, r#"{["2025-11-04 22:00:00+00","2025-11-07 22:00:00+00")}"#, "{form}");
    }
}

#[test]
fn dry_run_tells_the_same_counts_and_writes_nothing() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.exec("CREATE EXTENSION pg_walinspect");
    let from = wal(&mut tenant);
    let dry = tenant.run("SELECT * FROM df_sync('acme', $1::text, dry_run => true)", &[&ALL]);
    let to = wal(&mut tenant);
    assert_eq!(dry.id, None);
    dry.expect("success").says("dry run, nothing written");
    for table in ["contacts", "transactions", "connections", "recordings", "inbound_calls", "campaigns", "agents"] {
        assert_eq!(tenant.count(table), 0, "{table}");
    }
    for table in ["runs", "coverage", "rejects", "http_log"] {
        assert_eq!(tenant.count(table), 0, "{table}");
    }
    assert_eq!(data_wal(&mut tenant, &from, &to), 0);
    let wet = tenant.sync(ALL);
    assert_eq!(
        (dry.fetched, dry.inserted, dry.updated, dry.unchanged, dry.skipped, dry.rejected, dry.windows),
        (wet.fetched, wet.inserted, wet.updated, wet.unchanged, wet.skipped, wet.rejected, wet.windows)
    );
    simulator.post("change", json!({"share": 0.1, "seed": 3}));
    let dry = tenant.run("SELECT * FROM df_sync('acme', $1::text, dry_run => true)", &[&ALL]);
    let wet = tenant.sync(ALL);
    assert!(dry.updated > 0, "{dry:?}");
    assert_eq!((dry.inserted, dry.updated, dry.unchanged), (wet.inserted, wet.updated, wet.unchanged));
}

#[test]
fn only_gaps_are_fetched_and_then_there_is_nothing_to_fetch() {
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let simulator = Simulator::with(&["--anchor", &now, "--days", "5", "--calls-per-day", "60"]);
    let start = (chrono::Utc::now() - chrono::TimeDelta::days(4)).format("%Y-%m-%d").to_string();
    // Nothing is called complete before it has settled; here everything has at once.
    let mut tenant = Tenant::with(&simulator, &format!("start_date '{start}', settle '1 us'"));
    let middle = format!("daterange('{start}'::date + 1, '{start}'::date + 2)");
    tenant.run(&format!("SELECT * FROM df_sync('acme', {middle})"), &[]).expect("success");
    simulator.forget_requests();
    let gaps = tenant.run("SELECT * FROM df_sync('acme')", &[]);
    gaps.expect("success");
    assert_eq!(gaps.windows, 6, "two gaps of each of three campaigns: {gaps:?}");
    assert_eq!(gaps.unchanged, 0, "what is covered was fetched again: {gaps:?}");
    simulator.forget_requests();
    // What has happened since the last run is a gap of milliseconds; a start date of tomorrow leaves none at all.
    let again = tenant.run("SELECT * FROM df_sync('acme')", &[]);
    again.expect("success").expect_counts(0, 0, 0);
    tenant.exec("UPDATE dialfire.coverage SET covered = covered + tstzmultirange(tstzrange(now() - interval '1 hour', now() + interval '1 hour'))");
    simulator.forget_requests();
    let nothing = tenant.run("SELECT * FROM df_sync('acme')", &[]);
    nothing.expect("success").says("nothing to fetch").expect_counts(0, 0, 0);
    assert_eq!((nothing.windows, simulator.requests().len()), (0, 1), "only the list of campaigns: {nothing:?}");
}

#[test]
fn fetch_returns_every_raw_record_and_writes_nothing() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let truth = simulator.get("truth");
    for (kind, expected) in
        [("event", &truth["transactions"]), ("contact", &truth["contacts"]), ("inbound_call", &truth["inbound"])]
    {
        let sql = "SELECT count(DISTINCT payload::text) FROM df_fetch('acme', $1::text) WHERE kind = $2";
        assert_eq!(tenant.one::<i64>(sql, &[&ALL, &kind]), expected.as_i64().unwrap(), "{kind}");
    }
    assert_eq!(tenant.count("transactions") + tenant.count("runs"), 0);
}

#[test]
fn fetch_fails_where_a_page_fails_and_does_not_just_end() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::with(&simulator, "page_size '50'");
    simulator.fault("status", "contacts/transactions", json!({"status": 404, "skip": 4}));
    let error = tenant.refusal(&format!("SELECT * FROM df_fetch('acme', '{ALL}')"));
    assert_eq!(error.code().code(), "08006", "{error:?}");
    assert!(error.message().starts_with("cannot ask the vendor of tenant \"acme\""), "{error:?}");
    assert!(error.message().contains("404"), "{error:?}");
}

#[test]
fn a_limit_ends_a_fetch_early_without_harm() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let sql = format!("SELECT * FROM df_fetch('acme', '{ALL}') LIMIT 3");
    assert_eq!(tenant.db.query(&sql, &[]).unwrap().len(), 3);
    tenant.sync(ALL).expect("success");
}

#[test]
fn a_campaign_without_api_access_is_a_visible_skip() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let run = tenant.sync(ALL);
    run.expect("success").says("1 campaign without role campaignAPI skipped");
    assert_eq!((run.skipped, &run.reasons), (1, &json!({"campaign_without_api": 1})));
    let access = "SELECT count(*) FILTER (WHERE NOT api_access) FROM dialfire.campaigns";
    assert_eq!((tenant.one::<i64>(access, &[]), tenant.count("campaigns")), (1, 4));
}

#[test]
fn campaign_tokens_alone_open_their_campaigns() {
    let simulator = Simulator::start();
    let [first, second, _] = simulator.campaigns().try_into().expect("three campaigns");
    let tokens = format!("campaign_tokens '{first}=campaign-token-{first}, {second}=campaign-token-{second}'");
    let mut tenant = Tenant::at(&simulator.base_url, "", &tokens);
    let run = tenant.sync(ALL);
    run.expect("success");
    assert_eq!(run.windows, 2);
    let mut expected = 0;
    for campaign in [first, second] {
        let truth = simulator.get(&format!("truth?campaign={campaign}"));
        expected += truth["transactions"].as_i64().unwrap() + truth["inbound"].as_i64().unwrap();
    }
    assert_eq!(run.inserted, expected);
}

#[test]
fn the_second_of_two_syncs_at_once_says_who_runs() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    simulator.fault("latency", "contacts/transactions", json!({"value": 1500, "times": 3}));
    let mut other = tenant.connect();
    let pid: i32 = other.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let first = std::thread::spawn(move || {
        let row = other.query_one("SELECT * FROM df_sync('acme', $1::text)", &[&ALL]);
        row.map(|row| row.get::<_, String>("status"))
    });
    until("the first sync asks", Duration::from_secs(10), || {
        simulator.get("requests")["running"] != 0 && {
            let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = $1";
            tenant.one::<i64>(locks, &[&pid]) > 0
        }
    });
    let error = tenant.refusal("SELECT * FROM df_sync('acme', 'yesterday')");
    assert_eq!(error.code().code(), "55006", "{error:?}");
    assert!(error.detail().unwrap().contains(&pid.to_string()), "{error:?}");
    assert!(error.hint().unwrap().contains(&format!("pg_cancel_backend({pid})")), "{error:?}");
    assert_eq!(first.join().unwrap().unwrap(), "success");
    assert_truth(&mut tenant, &simulator);
}

#[test]
fn the_ledger_adds_up() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::with(&simulator, "page_size '100'");
    simulator.fault("status", "inbound/calls", json!({"status": 503, "times": 1}));
    let run = tenant.sync(ALL);
    run.expect("success");
    let ledger = "SELECT to_jsonb(r) FROM dialfire.runs r WHERE run_id = $1";
    let row: serde_json::Value = tenant.one(ledger, &[&run.id]);
    let log = simulator.get("requests");
    assert_eq!(row["requests"], log["total"], "{row:#}");
    assert_eq!((row["retries"].as_i64(), run.retries), (Some(1), 1));
    assert_eq!(row["fetched"].as_i64().unwrap(), run.inserted);
    assert_eq!(row["range"].as_str().unwrap().matches('[').count(), 1, "{row:#}");
    assert_eq!(row["params"]["limit"], 100);
    assert!(row["bytes"].as_i64().unwrap() > 1_000_000, "{row:#}");
    assert!(row["pages"].as_i64().unwrap() >= 3 + run.inserted / 100, "{row:#}");
    assert!(!row["finished_at"].is_null() && !row["duration"].is_null(), "{row:#}");
    let statuses: Vec<Option<i32>> = tenant.http_log(&run).iter().map(|line| line.get("status")).collect();
    assert_eq!(statuses, [Some(503)]);
}
