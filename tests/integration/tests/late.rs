//! What the vendor changes after the fact arrives, and nothing else is asked for again.

use integration::place::{recent, Place, PATIENCE};
use integration::record::{contact, transaction, with};
use integration::rows::{assert_truth, assert_truth_in};
use integration::simulator::{Simulator, ALL};
use integration::tenant::{Run, Tenant};
use serde_json::{json, Value};

/// A tenant that has synced everything, and the counts of its rows.
fn synced() -> (Simulator, Tenant) {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync(ALL).expect("success");
    (simulator, tenant)
}

/// What changed is updated, no row is added or removed, and only contacts with a change are fetched.
fn only_changes_arrive(simulator: &Simulator, tenant: &mut Tenant, answer: &Value) -> Run {
    let changed = answer["changed"].as_i64().unwrap();
    assert!(changed > 0, "nothing changed: the test proves nothing");
    let touched: i64 = tenant.one("SELECT count(DISTINCT id) FROM dialfire.transactions", &[]);
    simulator.forget_requests();
    let run = tenant.sync(ALL);
    run.expect("success");
    assert_eq!((run.inserted, run.updated), (0, changed), "{run:?}");
    let asked = simulator.contacts_asked() as i64;
    assert!((1..=changed).contains(&asked), "{asked} contacts asked for, {changed} calls changed");
    assert_eq!(tenant.one::<i64>("SELECT count(DISTINCT id) FROM dialfire.transactions", &[]), touched);
    assert_truth(tenant, simulator);
    run
}

#[test]
fn a_call_in_progress_becomes_completed() {
    let (simulator, mut tenant) = synced();
    let open = "SELECT call_id FROM dialfire.calls WHERE status = 'in_progress' ORDER BY 1";
    let before: Vec<String> = tenant.db.query(open, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(before.len(), 3);
    let answer = simulator.post("complete", json!({}));
    assert_eq!(answer["changed"], 3);
    only_changes_arrive(&simulator, &mut tenant, &answer);
    let ended = "SELECT count(*) FROM dialfire.calls
                 WHERE call_id = ANY ($1) AND status = 'completed' AND ended_at IS NOT NULL AND duration_ms > 0";
    assert_eq!(tenant.one::<i64>(ended, &[&before]), 3);
}

#[test]
fn a_recording_that_gets_its_location_keeps_its_row() {
    let (simulator, mut tenant) = synced();
    let ids = "SELECT array_agg(id ORDER BY id) FROM dialfire.recordings WHERE location IS NULL";
    let late: Vec<String> = tenant.one(ids, &[]);
    let all = tenant.count("recordings");
    let answer = simulator.post("late", json!({}));
    only_changes_arrive(&simulator, &mut tenant, &answer);
    let located = "SELECT count(*) FROM dialfire.recordings WHERE id = ANY ($1) AND location LIKE 'https://%'";
    assert_eq!(tenant.one::<i64>(located, &[&late]), late.len() as i64);
    assert_eq!(tenant.count("recordings"), all);
}

#[test]
fn a_changed_event_is_fetched_again_and_its_siblings_are_not_written() {
    let (simulator, mut tenant) = synced();
    let answer = simulator.post("change", json!({"share": 0.05, "seed": 7}));
    let before: chrono::DateTime<chrono::Utc> = tenant.one("SELECT now()", &[]);
    let run = only_changes_arrive(&simulator, &mut tenant, &answer);
    let written = "SELECT count(*) FROM dialfire.transactions WHERE changed_at > $1";
    assert_eq!(tenant.one::<i64>(written, &[&before]), run.updated);
}

#[test]
fn new_calls_are_added_to_old_and_new_contacts() {
    let (simulator, mut tenant) = synced();
    let at = "2025-11-14T10:00:00Z";
    simulator.post("grow", json!({"calls": 40, "at": at}));
    simulator.forget_requests();
    tenant.sync(ALL).expect("success");
    assert!(simulator.contacts_asked() <= 40);
    assert_truth(&mut tenant, &simulator);
    tenant.sync(ALL).expect("success").expect_counts(
        0,
        0,
        tenant.count("transactions") + tenant.count("inbound_calls"),
    );
}

#[test]
fn every_fetched_record_is_counted_once() {
    let (simulator, mut tenant) = synced();
    simulator.post("change", json!({"share": 0.05, "seed": 11}));
    let run = tenant.sync(ALL);
    assert_eq!(run.fetched, run.inserted + run.updated + run.unchanged + run.rejected, "{run:?}");
    let calls = tenant.count("transactions") + tenant.count("inbound_calls");
    assert_eq!(run.updated + run.unchanged, calls, "a call was counted twice: {run:?}");
}

#[test]
fn a_contact_that_was_deleted_at_the_vendor_stays_here() {
    let (simulator, mut tenant) = synced();
    let contact: String = tenant.one("SELECT min(id) FROM dialfire.contacts", &[]);
    let before = tenant.count("transactions");
    simulator.post("delete", json!({"contact": contact}));
    tenant.sync(ALL).expect("success");
    assert_eq!(tenant.count("transactions"), before);
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.contacts WHERE id = $1", &[&contact]), 1);
}

#[test]
fn a_day_synced_before_the_other_days_is_not_fetched_with_them() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let first = tenant.sync("2025-11-10");
    first.expect("success");
    let rest = tenant.sync(ALL);
    rest.expect("success");
    assert_eq!(rest.updated, 0, "{rest:?}");
    assert_truth(&mut tenant, &simulator);
}

/// A contact with one call on a day that is covered.
fn contact_of(id: &str, detail: &str) -> String {
    let call = with(transaction("10:00:00.000"), "fired", json!("2025-11-14T10:00:00.000Z"));
    contact(id, json!([with(call, "status_detail", json!(detail))])).to_string()
}

/// Serves a contact without any event that tells of it.
fn place_silently(simulator: &Simulator, json: &str) {
    simulator.post("events", json!({"contact": json, "derive": false}));
}

fn reconcile(tenant: &mut Tenant) -> String {
    tenant.exec("CALL df_reconcile('acme', '2025-11-10')");
    let sql =
        "SELECT status || ': ' || message FROM dialfire.runs WHERE kind = 'reconcile' ORDER BY run_id DESC LIMIT 1";
    tenant.one(sql, &[])
}

#[test]
fn reconcile_finds_the_call_and_the_change_that_no_event_told_of() {
    let (simulator, mut tenant) = synced();
    let before = tenant.count("transactions");
    place_silently(&simulator, &contact_of("SILENTCONTACT001", "eins"));
    tenant.sync(ALL).expect("success");
    assert_eq!(tenant.count("transactions"), before, "the feed told of it: the test proves nothing");
    let said = reconcile(&mut tenant);
    assert!(said.starts_with("success: ") && said.contains("1 call were missing"), "{said}");
    assert_eq!(tenant.count("transactions"), before + 1);
    place_silently(&simulator, &contact_of("SILENTCONTACT001", "zwei"));
    let said = reconcile(&mut tenant);
    assert!(said.contains("1 call had changed"), "{said}");
    let detail = "SELECT status_detail FROM dialfire.transactions WHERE contact_id = 'SILENTCONTACT001'";
    assert_eq!(tenant.one::<String>(detail, &[]), "zwei");
    let said = reconcile(&mut tenant);
    assert!(said.contains("0 calls were missing, 0 calls had changed"), "{said}");
}

#[test]
fn reconcile_asks_only_for_contacts_that_differ() {
    let (simulator, mut tenant) = synced();
    simulator.forget_requests();
    reconcile(&mut tenant);
    assert_eq!(simulator.contacts_asked(), 0);
    place_silently(&simulator, &contact_of("SILENTCONTACT002", "eins"));
    simulator.forget_requests();
    reconcile(&mut tenant);
    assert_eq!(simulator.contacts_asked(), 1);
}

#[test]
fn a_contact_that_is_gone_at_the_vendor_is_marked_keeps_its_calls_and_is_unmarked_when_it_returns() {
    let (simulator, mut tenant) = synced();
    simulator.contact(&contact_of("SILENTCONTACT003", "eins"));
    tenant.sync(ALL).expect("success");
    let before = tenant.count("transactions");
    let gone = "SELECT count(*) FROM dialfire.contacts WHERE gone_at IS NOT NULL";
    simulator.post("delete", json!({"contact": "SILENTCONTACT003"}));
    let said = reconcile(&mut tenant);
    assert!(said.starts_with("success: ") && said.contains("1 contact are gone"), "{said}");
    assert_eq!((tenant.one::<i64>(gone, &[]), tenant.count("transactions")), (1, before));
    let why: String = tenant.one("SELECT string_agg(what, '; ') FROM df_why('acme', 'SILENTCONTACT003')", &[]);
    assert!(why.contains("gone at the vendor; its calls stay"), "{why}");
    place_silently(&simulator, &contact_of("SILENTCONTACT003", "zwei"));
    reconcile(&mut tenant);
    assert_eq!((tenant.one::<i64>(gone, &[]), tenant.count("transactions")), (0, before));
}

#[test]
fn a_reconcile_that_breaks_off_marks_nobody_as_gone() {
    let (simulator, mut tenant) = synced();
    tenant.exec("ALTER SERVER acme OPTIONS (ADD attempts '1', ADD page_size '20')");
    let contact: String = tenant
        .one("SELECT contact_id FROM dialfire.transactions WHERE fired > '2025-11-12' ORDER BY fired LIMIT 1", &[]);
    simulator.post("delete", json!({"contact": contact}));
    simulator.fault("status", "contacts/list", json!({"status": 500, "skip": 1}));
    let said = reconcile(&mut tenant);
    assert!(said.starts_with("failed: ") || said.starts_with("partial: "), "{said}");
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.contacts WHERE gone_at IS NOT NULL", &[]), 0);
}

#[test]
fn the_job_look_back_completes_a_call_in_progress_and_brings_a_late_recording() {
    let simulator = recent();
    let mut place = Place::shared();
    place.tenant("acme", &simulator.base_url, "look_back '23 hours'");
    place.schedule("acme", "1 hour");
    place.until_synced("acme", "success");
    let open = "SELECT count(*) FROM dialfire.calls WHERE status = 'in_progress'";
    assert!(place.one::<i64>(open, &[]) > 0, "no call in progress: the test proves nothing");
    simulator.post("complete", json!({}));
    simulator.post("late", json!({}));
    place.exec("SELECT df_schedule('acme', '10 seconds', 'look_back')");
    place.until(
        PATIENCE,
        "SELECT last_status = 'success' FROM dialfire.schedules WHERE job = 'look_back'",
        "SELECT * FROM dialfire.schedules",
    );
    assert_eq!(place.one::<i64>(open, &[]), 0);
    let from: String = place
        .one("SELECT to_char((now() - interval '20 hours') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", &[]);
    let compared = assert_truth_in(&mut place.db, "acme", &simulator, [&from, "9000-01-01T00:00:00Z"], &["contacts"]);
    assert!(compared > 0);
}

#[test]
fn a_change_of_an_old_call_is_not_lost_when_its_contact_comes_for_the_sake_of_a_new_one() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync("[2025-11-01 12:00+00,2025-11-14 00:00+00)").expect("success");
    let contact: String = tenant.one("SELECT min(contact_id) FROM dialfire.transactions", &[]);
    simulator.post("change", json!({"share": 0.5, "seed": 3}));
    simulator.post("late", json!({}));
    simulator.post("grow", json!({"calls": 1, "contact": contact, "at": "2025-11-14T10:00:00Z"}));
    // The checksums of these contacts are stored now, and the comparison below trusts them.
    tenant.sync("[2025-11-14 00:00+00,2025-11-15 12:00+00)").expect("success");
    reconcile(&mut tenant);
    assert_truth(&mut tenant, &simulator);
}
