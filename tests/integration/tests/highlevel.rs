//! HighLevel: a location's calls page by page, with what their messages tell.

use integration::simulator::Simulator;
use integration::tenant::Tenant;
use serde_json::{json, Value};

const DAY: &str = "[2025-11-05 00:00+00,2025-11-06 00:00+00)";

fn location(calls: u64) -> Simulator {
    let simulator = Simulator::with(&["--days", "1", "--calls-per-day", "1"]);
    simulator.delete("highlevel");
    simulator.post("highlevel", json!({"strict": true, "generate": generate(calls)}));
    simulator
}

fn generate(calls: u64) -> Value {
    json!({"calls": calls, "from": "2025-11-05T00:00:00Z", "to": "2025-11-06T00:00:00Z", "agents": 3, "web": 0.2})
}

fn log(id: &str, at: &str) -> Value {
    json!({"id": id, "agentId": "6a35206c88ba8e0f00000000", "isAgentDeleted": false, "createdAt": at, "duration": 60,
        "trialCall": false, "summary": "s", "transcript": "bot:a\n", "executedCallActions": []})
}

#[test]
fn every_call_of_a_location_is_stored_and_asking_again_changes_nothing() {
    let simulator = location(245);
    let mut tenant = Tenant::highlevel(&simulator, "");
    let run = tenant.sync(DAY);
    run.expect("success").expect_counts(245, 0, 0);
    assert_eq!((run.windows, run.fetched, run.rejected), (1, 245, 0), "{run:?}");
    // Five pages of fifty, one of messages, one of agents.
    assert_eq!(run.requests, 7, "{run:?}");
    for (table, rows) in
        [("transactions", 245), ("connections", 245), ("call_details", 245), ("agents", 3), ("campaigns", 1)]
    {
        assert_eq!(tenant.count(table), rows, "{table}");
    }
    tenant.sync(DAY).expect("success").expect_counts(0, 0, 245);
    let odd: i64 = tenant.one(
        "SELECT count(*) FROM dialfire.calls WHERE vendor <> 'highlevel' OR agent_login IS NULL
            OR ended_at <> started_at + duration_ms * interval '1 ms' OR status = 'unknown'
            OR (direction = 'unknown') <> is_test OR day <> (started_at AT TIME ZONE 'Europe/Nicosia')::date",
        &[],
    );
    assert_eq!(odd, 0);
    let statuses: Vec<String> =
        tenant.one("SELECT array_agg(DISTINCT status ORDER BY status) FROM dialfire.calls", &[]);
    assert_eq!(statuses, ["busy", "completed", "no_answer", "voicemail"]);
}

#[test]
fn without_the_scope_of_messages_the_calls_are_stored_and_the_hint_names_it() {
    let simulator = location(20);
    simulator.post("highlevel", json!({"scopes": ["voice-ai-dashboard.readonly", "voice-ai-agents.readonly"]}));
    let mut tenant = Tenant::highlevel(&simulator, "");
    let run = tenant.sync(DAY);
    run.expect("success").expect_counts(20, 0, 0).says("conversations/message.readonly");
    assert_eq!(run.reasons["messages_not_readable"], 1, "{run:?}");
    let known: i64 = tenant.one(
        "SELECT count(*) FROM dialfire.calls WHERE direction <> 'unknown' OR NOT is_test AND status <> 'unknown'",
        &[],
    );
    assert_eq!(known, 0);
    // With the scope the next run completes them.
    simulator.post("highlevel", json!({"scopes": ["voice-ai-dashboard.readonly", "conversations/message.readonly"]}));
    tenant.sync(DAY).expect("success");
    let unknown: i64 = tenant.one("SELECT count(*) FROM dialfire.calls WHERE status = 'unknown'", &[]);
    assert_eq!(unknown, 0);
    let check =
        tenant.db.query("SELECT step, status, hint FROM df_check('acme') WHERE step = 'scope agents'", &[]).unwrap();
    assert_eq!(check[0].get::<_, &str>("status"), "warning");
    assert!(check[0].get::<_, &str>("hint").contains("voice-ai-agents.readonly"));
}

#[test]
fn a_list_that_shifts_under_the_reader_is_read_again() {
    let simulator = location(120);
    simulator
        .post("highlevel", json!({"surprise": {"after_pages": 1, "call": log("late", "2025-11-05T00:00:00.500Z")}}));
    let mut tenant = Tenant::highlevel(&simulator, "concurrency '1'");
    let run = tenant.sync(DAY);
    run.expect("success").expect_counts(121, 0, 0);
    assert_eq!(run.reasons["list_read_again"], 1, "{run:?}");
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.calls WHERE call_id = 'late'", &[]), 1);
}

#[test]
fn a_page_that_never_comes_leaves_the_window_open() {
    let simulator = location(120);
    simulator.fault("status", "page=2", json!({"status": 500}));
    let mut tenant = Tenant::highlevel(&simulator, "attempts '2', wait_budget '1 s'");
    let run = tenant.sync(DAY);
    run.expect("failed").says("location B7TzvBb6H6QvDNdEEhlt");
    assert_eq!(tenant.count("coverage"), 0);
    simulator.heal();
    let run = tenant.sync(DAY);
    run.expect("success");
    assert_eq!(tenant.count("transactions"), 120);
}

#[test]
fn the_burst_that_the_vendor_announces_is_never_exceeded() {
    let simulator = location(400);
    simulator.post("highlevel", json!({"burst": 4, "interval_ms": 300}));
    let mut tenant = Tenant::highlevel(&simulator, "concurrency '4'");
    tenant.sync(DAY).expect("success").expect_counts(400, 0, 0);
    assert_eq!(simulator.get("highlevel")["refused"], 0);
    assert_eq!(tenant.count("http_log"), 0);
}

#[test]
fn a_used_up_day_ends_the_run_with_a_hint_and_without_a_429() {
    let simulator = location(400);
    simulator.post("highlevel", json!({"daily": 105}));
    let mut tenant = Tenant::highlevel(&simulator, "daily_reserve '100', concurrency '1'");
    tenant.sync(DAY).expect("failed").says("daily limit of 105 is used up").says("daily_reserve");
    let seen = simulator.get("highlevel");
    assert_eq!((&seen["refused"], &seen["requests"]), (&json!(0), &json!(5)));
    simulator.post("highlevel", json!({"daily": 200_000}));
    tenant.sync(DAY).expect("success");
    assert_eq!(tenant.count("transactions"), 400);
}

#[test]
fn one_bad_log_is_quarantined_and_its_siblings_are_stored() {
    let simulator = location(10);
    let mut bad = log("bad", "2025-11-05T10:00:00Z");
    bad["duration"] = json!("long");
    simulator.post("highlevel", json!({"calls": [bad, log("good", "2025-11-05T10:00:00Z")]}));
    let mut tenant = Tenant::highlevel(&simulator, "");
    let run = tenant.sync(DAY);
    run.expect("partial").expect_counts(11, 0, 0);
    assert_eq!((run.fetched, run.rejected), (12, 1), "{run:?}");
    let row = tenant.db.query_one("SELECT kind, key, reason, field FROM dialfire.rejects_open", &[]).unwrap();
    let row: Vec<String> = (0..4).map(|column| row.get(column)).collect();
    assert_eq!(row, ["call", "bad", "bad_number", "duration"]);
}

#[test]
fn raw_records_come_with_calls_and_messages_and_nothing_is_written() {
    let simulator = location(60);
    let mut tenant = Tenant::highlevel(&simulator, "");
    let kinds = tenant
        .db
        .query("SELECT kind, count(*) FROM df_fetch('acme', $1::text) GROUP BY 1 ORDER BY 1", &[&DAY])
        .unwrap();
    assert_eq!(kinds[0].get::<_, i64>(1), 60, "calls");
    assert_eq!(kinds[1].get::<_, &str>(0), "message");
    assert_eq!(tenant.count("transactions"), 0);
}

fn app(options: &str) -> (Simulator, Tenant) {
    let simulator = location(20);
    simulator.post("highlevel", json!({"client_id": "app-1", "client_secret": "s3cret", "refresh_token": "refresh-0"}));
    let secrets = "client_secret 's3cret', refresh_token 'refresh-0'";
    let options = format!("client_id 'app-1', {options}");
    let tenant =
        Tenant::of_vendor("highlevel", integration::tenant::LOCATION, &simulator.highlevel_url(), &options, secrets);
    (simulator, tenant)
}

fn rotations(simulator: &Simulator) -> Value {
    simulator.get("highlevel")["rotations"].clone()
}

#[test]
fn a_refresh_token_is_used_once_and_the_next_is_stored_whatever_becomes_of_the_transaction() {
    let (simulator, mut tenant) = app("attempts '1'");
    tenant.exec(&format!("BEGIN; SELECT df_sync('acme', '{DAY}'); ROLLBACK"));
    assert_eq!((rotations(&simulator), tenant.count("transactions")), (json!(1), 0));
    tenant.sync(DAY).expect("success").expect_counts(20, 0, 0);
    assert_eq!(rotations(&simulator), json!(1), "the access token is good for a day");
    tenant.exec("UPDATE dialfire.oauth_tokens SET expires_at = now()");
    tenant.sync(DAY).expect("success");
    assert_eq!(rotations(&simulator), json!(2), "the second came from the first");
    let mut other = tenant.connect_as("reader");
    let refused = integration::tenant::refusal(&mut other, "SELECT * FROM dialfire.oauth_tokens");
    assert_eq!(refused.code().code(), "42501");
}

#[test]
fn a_lost_refresh_token_is_a_state_with_a_hint() {
    let (simulator, mut tenant) = app("attempts '1'");
    simulator.fault("cut", "oauth/token", json!({"times": 1}));
    let error = tenant.refusal(&format!("SELECT df_sync('acme', '{DAY}')"));
    assert!(error.message().contains("no access token"), "{error:?}");
    let error = tenant.refusal(&format!("SELECT df_sync('acme', '{DAY}')"));
    assert_eq!((error.code().code(), error.message()), ("28000", "the refresh token of tenant \"acme\" is lost"));
    assert!(error.detail().unwrap().contains("did not arrive"), "{error:?}");
    assert!(error.hint().unwrap().contains("SET refresh_token"), "{error:?}");
    assert!(!format!("{error:?}").contains("refresh-0"));
    let check: String =
        tenant.one("SELECT detail FROM df_check('acme') WHERE step = 'token' AND status = 'failed'", &[]);
    assert!(check.contains("is lost"), "{check}");
    simulator.post("highlevel", json!({"refresh_token": "refresh-new"}));
    tenant.exec("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (SET refresh_token 'refresh-new')");
    tenant.sync(DAY).expect("success").expect_counts(20, 0, 0);
}
