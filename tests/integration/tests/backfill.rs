//! df_backfill commits as it goes, resumes where it was, and tells.

use chrono::{DateTime, TimeDelta, Utc};
use integration::place::{recent, Place, PATIENCE};
use integration::rows::{assert_truth, assert_truth_in};
use integration::simulator::{Simulator, ALL};
use integration::tenant::{refusal, words, Tenant};
use integration::until;
use serde_json::json;
use std::process::Command;
use std::sync::{Arc, Mutex};

const NOTHING_AT_ALL: &str = "SELECT (SELECT count(*) FROM dialfire.runs) + (SELECT count(*) FROM dialfire.coverage)
    + (SELECT count(*) FROM dialfire.transactions) + (SELECT count(*) FROM dialfire.campaigns)";

/// Where the events asked for begin, with the campaign's part of the path.
fn begins(simulator: &Simulator) -> Vec<(String, DateTime<Utc>)> {
    let begin = |line: &serde_json::Value| {
        let path = line["path"].as_str()?.replace("%3A", ":");
        let from = path.split_once("contacts/transactions/")?.1.split_once("from=")?.1.to_owned();
        // UTC, and a millisecond early, as the vendor may leave out the first.
        let from: DateTime<Utc> = format!("{}Z", from.split('&').next()?).parse().expect("an instant");
        Some((path, from + TimeDelta::milliseconds(1)))
    };
    simulator.requests().iter().filter_map(begin).collect()
}

/// The local days of the events asked for, in the order of asking.
fn days_asked(simulator: &Simulator) -> Vec<String> {
    let local = |(_, from): &(String, DateTime<Utc>)| (*from + TimeDelta::hours(2)).date_naive().to_string();
    let mut days: Vec<String> = begins(simulator).iter().map(local).collect();
    days.dedup();
    days
}

/// Runs a statement elsewhere and returns what it says by NOTICE and WARNING, and its error.
fn told(tenant: &Tenant, sql: &str) -> (Vec<String>, Option<String>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = lines.clone();
    let mut config = tenant.config();
    config.notice_callback(move |notice| {
        heard.lock().unwrap().push(format!("{}: {}", notice.severity(), notice.message()))
    });
    let error =
        config.connect(postgres::NoTls).expect("a connection").batch_execute(sql).err().map(|error| words(&error));
    let lines = lines.lock().unwrap().clone();
    (lines, error)
}

fn backfill(tenant: &Tenant, more: &str) -> Vec<String> {
    let (lines, error) = told(tenant, &format!("CALL df_backfill('acme', '{ALL}'{more})"));
    assert_eq!(error, None);
    lines
}

#[test]
fn each_step_is_committed_and_the_run_is_visible_meanwhile() {
    let simulator = Simulator::start();
    simulator.fault("latency", "contacts/transactions", json!({"value": 60}));
    let mut tenant = Tenant::of(&simulator);
    let mut db = tenant.connect();
    let running = std::thread::spawn(move || {
        db.batch_execute(&format!("CALL df_backfill('acme', '{ALL}')")).map_err(|e| words(&e))
    });
    let mut seen: Vec<i64> = Vec::new();
    let mut in_progress = false;
    until("the backfill has ended", PATIENCE, || {
        let now = tenant.count("transactions");
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        let shown = "SELECT count(*) FROM dialfire.runs WHERE status = 'in_progress' AND kind = 'backfill' AND message ~ '^[0-9]+/15 steps'";
        in_progress |= tenant.one::<i64>(shown, &[]) == 1;
        running.is_finished()
    });
    running.join().unwrap().expect("success");
    assert!(seen.len() > 5 && in_progress, "what another session saw: {seen:?}, run shown: {in_progress}");
    let run: String = tenant.one("SELECT status || ' ' || (finished_at IS NOT NULL) FROM dialfire.runs", &[]);
    assert_eq!(run, "success true");
    assert_truth(&mut tenant, &simulator);
}

#[test]
fn newest_first_by_default_and_oldest_first_on_demand() {
    for (more, newest_first) in [("", true), (", newest_first => false", false)] {
        let simulator = Simulator::start();
        let tenant = Tenant::of(&simulator);
        simulator.forget_requests();
        backfill(&tenant, more);
        let days = days_asked(&simulator);
        let mut sorted = days.clone();
        sorted.sort();
        if newest_first {
            sorted.reverse();
        }
        assert!(days.len() >= 14 && days == sorted, "{more}: {days:?}");
    }
}

#[test]
fn progress_is_told_with_counts_rate_and_time_left() {
    let simulator = Simulator::start();
    let tenant = Tenant::of(&simulator);
    let lines = backfill(&tenant, ", step => '2 days'");
    println!("{}", lines.join("\n"));
    let steps: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("NOTICE: backfill of acme: ") && line.contains(" steps, "))
        .collect();
    assert!(steps.len() >= 7, "{lines:?}");
    assert!(
        steps.iter().all(|line| line.contains(" call") && line.contains(" a second, ") && line.ends_with(" s left")),
        "{lines:?}"
    );
    assert!(
        steps.last().unwrap().contains(&format!("{0}/{0} steps", steps.len()))
            && lines.last().unwrap().contains("complete"),
        "{lines:?}"
    );
}

#[test]
fn steps_may_be_days_or_hours_and_end_at_the_same_truth() {
    for step in ["1 day", "3 days", "12 hours", "1 week"] {
        let simulator = Simulator::start();
        let mut tenant = Tenant::of(&simulator);
        backfill(&tenant, &format!(", step => '{step}'"));
        assert_truth(&mut tenant, &simulator);
        let gaps: i64 = tenant.one(
            "SELECT count(*) FROM dialfire.coverage WHERE covered <> tstzmultirange($1::text::tstzrange)",
            &[&ALL],
        );
        assert_eq!(gaps, 0, "{step}");
    }
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    for bad in ["0", "1 second", "-1 day", "soon"] {
        let error = refusal(&mut tenant.db, &format!("CALL df_backfill('acme', 'today', step => '{bad}')"));
        assert_eq!(error.code().code(), "22023", "{bad}: {error:?}");
    }
}

#[test]
fn dry_run_tells_and_writes_nothing() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let lines = backfill(&tenant, ", dry_run => true");
    assert!(lines.last().unwrap().contains("dry run"), "{lines:?}");
    assert_eq!(tenant.one::<i64>(NOTHING_AT_ALL, &[]), 0);
}

#[test]
fn inside_a_transaction_block_or_a_function_it_is_refused() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    for sql in [
        "BEGIN; CALL df_backfill('acme', 'today')",
        "DO $$ BEGIN BEGIN CALL df_backfill('acme', 'today'); EXCEPTION WHEN division_by_zero THEN NULL; END; END $$",
    ] {
        let error = refusal(&mut tenant.connect(), sql);
        assert_eq!(error.code().code(), "2D000", "{sql}: {error:?}");
        assert!(error.hint().is_some_and(|hint| hint.contains("autocommit")), "{error:?}");
    }
    assert_eq!(tenant.one::<i64>(NOTHING_AT_ALL, &[]), 0);
}

#[test]
fn what_is_covered_is_not_asked_for_again() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync("2025-11-05").expect("success");
    simulator.forget_requests();
    backfill(&tenant, "");
    assert!(!days_asked(&simulator).iter().any(|day| day == "2025-11-05"), "{:?}", days_asked(&simulator));
    assert_truth(&mut tenant, &simulator);
    simulator.forget_requests();
    backfill(&tenant, "");
    assert!(days_asked(&simulator).is_empty());
}

#[test]
fn a_vendor_that_is_away_ends_it_early_with_a_warning_and_the_next_call_resumes() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::with(&simulator, "attempts '1'");
    simulator.fault("status", "contacts/transactions", json!({"status": 503, "skip": 60}));
    let lines = backfill(&tenant, "");
    assert!(lines.last().unwrap().starts_with("WARNING: ") && lines.last().unwrap().contains("503"), "{lines:?}");
    let steps = lines.iter().filter(|line| line.contains(" steps, ")).count();
    assert!(steps < 12, "it went on in vain: {lines:?}");
    let before = tenant.count("transactions");
    assert!(before > 0);
    simulator.heal();
    simulator.forget_requests();
    backfill(&tenant, "");
    assert!(days_asked(&simulator).len() < 14, "it began again: {:?}", days_asked(&simulator));
    assert_truth(&mut tenant, &simulator);
}

#[test]
fn killed_in_the_middle_it_resumes_without_fetching_the_covered_steps_again() {
    let simulator = recent();
    simulator.fault("latency", "contacts/transactions", json!({"value": 150}));
    let mut place = Place::lent();
    place.tenant("acme", &simulator.base_url, "");
    let mut db = place.connect();
    let pid: i32 = db.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let call = "CALL df_backfill('acme', 'last 4 days', step => '6 hours')";
    let running = std::thread::spawn(move || db.batch_execute(call).is_err());
    place.until(PATIENCE, "SELECT message ~ '^[4-9]/' FROM dialfire.runs", "SELECT * FROM dialfire.runs");
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    assert!(running.join().unwrap(), "the backfill was done before the kill");
    until("the connection is lost", PATIENCE, || place.db.simple_query("SELECT 1").is_err());
    place.reconnect();
    place.until(
        PATIENCE,
        "SELECT count(*) = 1 FROM dialfire.runs WHERE status = 'crashed'",
        "SELECT * FROM dialfire.runs",
    );
    let covered = "SELECT source, lower(r), upper(r) FROM dialfire.coverage, unnest(covered) r";
    let covered: Vec<(String, DateTime<Utc>, DateTime<Utc>)> =
        place.db.query(covered, &[]).unwrap().iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert!(!covered.is_empty(), "nothing was committed before the kill");
    simulator.heal();
    simulator.forget_requests();
    place.exec(call);
    for (path, from) in begins(&simulator) {
        let again = covered.iter().find(|(source, begin, end)| path.contains(source) && *begin <= from && from < *end);
        assert!(again.is_none(), "covered and asked for again: {path}");
    }
    assert_truth_in(&mut place.db, "acme", &simulator, ["1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z"], &[]);
}
