//! The vendor's limits and ours: requests a second, waits, sizes of answers.

use crate::faults::{lasts, passes, Scene, CONTACTS, EVENTS};
use integration::rows::assert_truth;
use integration::simulator::{Simulator, ALL};
use integration::tenant::Tenant;
use serde_json::json;

#[test]
fn a_429_waits_as_long_as_it_says_in_seconds() {
    let (mut scene, run) = passes("retry_after_seconds", EVENTS, json!({"value": 2, "times": 1}));
    let line = &scene.tenant.http_log(&run)[0];
    assert_eq!(
        (line.get::<_, Option<i32>>("status"), line.get::<_, Option<f64>>("retry_after")),
        (Some(429), Some(2.0))
    );
    let waited: f64 = scene.tenant.one("SELECT EXTRACT(epoch FROM duration)::float8 FROM dialfire.runs", &[]);
    assert!(waited >= 2.0, "{waited} s");
}

#[test]
fn a_429_waits_as_long_as_it_says_by_a_date() {
    let (mut scene, run) = passes("retry_after_date", EVENTS, json!({"value": 3, "times": 1}));
    let line = &scene.tenant.http_log(&run)[0];
    let asked: f64 = line.get::<_, Option<f64>>("retry_after").expect("a wait");
    assert!((1.0..=3.0).contains(&asked), "{asked}");
    let waited: f64 = scene.tenant.one("SELECT EXTRACT(epoch FROM duration)::float8 FROM dialfire.runs", &[]);
    assert!(waited >= asked, "{waited} s");
}

#[test]
fn a_429_that_asks_for_more_than_the_budget_fails_at_once() {
    let (mut scene, run) = lasts("retry_after_seconds", EVENTS, json!({"value": 3600}), "asks to wait 3600 s");
    let waited: f64 =
        scene.tenant.one("SELECT EXTRACT(epoch FROM min(started_at - finished_at))::float8 FROM dialfire.runs", &[]);
    assert!(waited.abs() < 10.0, "{waited} s");
    run.says("max_requests_per_second");
}

#[test]
fn a_rate_limit_slows_down_and_loses_nothing() {
    let mut scene = Scene::new();
    scene.simulator.post("rate_limit", json!({"per_second": 15}));
    let run = scene.tenant.sync(ALL);
    run.expect("success");
    let throttled = scene.simulator.get("requests")["rate_limit_violations"].as_i64().unwrap();
    assert!(throttled > 0, "the limit was never met");
    assert_eq!(scene.statuses(&run), vec![Some(429); throttled as usize]);
    assert_truth(&mut scene.tenant, &scene.simulator);
}

#[test]
fn max_requests_per_second_keeps_below_a_rate_limit() {
    let simulator = Simulator::start();
    simulator.post("rate_limit", json!({"per_second": 20}));
    let mut tenant = Tenant::with(&simulator, "max_requests_per_second '15'");
    tenant.sync(ALL).expect("success");
    let log = simulator.get("requests");
    assert_eq!(log["rate_limit_violations"], 0, "{} a second", log["max_per_second"]);
}

#[test]
fn an_oversized_answer_is_given_up_before_it_fills_memory() {
    let mut scene = Scene::new();
    scene.tenant.exec("ALTER SERVER acme OPTIONS (ADD max_body_mb '1')");
    scene.simulator.fault("oversize", EVENTS, json!({"value": 200 << 20}));
    let before = scene.tenant.peak_memory();
    scene.tenant.sync(ALL).expect("failed").says("larger than 1048576 bytes").says("max_body_mb");
    let grown = scene.tenant.peak_memory() - before;
    assert!(grown < 64 << 10, "the backend grew by {grown} KiB");
    assert_eq!(scene.covered(), 0);
}

#[test]
fn contacts_that_are_too_large_together_are_fetched_in_smaller_batches() {
    let (mut scene, run) = passes("status", CONTACTS, json!({"status": 413, "times": 3}));
    assert_eq!(scene.statuses(&run), [Some(413); 3]);
}
