//! Every way in which other loaders lose calls without a word, by name: the vendor's client first, then the rest.
//!
//! Each ends with the vendor's truth in the database, or with a window that is not covered and a run that says why.

use integration::record::{call, contact, transaction, with, without, DAY};
use integration::rows::assert_truth;
use integration::simulator::{Simulator, ALL};
use integration::tenant::Tenant;
use serde_json::{json, Value};

const EVENTS: &str = "contacts/transactions";
const CONTACTS: &str = "contacts/?include_md5";
const OPTIONS: &str = "attempts '2', wait_budget '10 s', page_size '20'";

enum Mode {
    /// It happens at the vendor after the first sync; the next one has it.
    Later(&'static str, Value),
    /// It lasts: not covered, and the run says these words; when it is over, everything is there.
    Lasts(&'static str, &'static str, Value, &'static str),
    /// It passes without a trace.
    Passes(&'static str, &'static str, Value),
    /// A record that is bent: it is quarantined with this reason in its message, or stored as `Some` SQL says.
    Record(Value, Kept),
    Other(fn(&Simulator, &mut Tenant)),
}

enum Kept {
    Quarantined,
    /// A query over what is stored, which must be true.
    Stored(&'static str),
}

fn modes() -> Vec<(&'static str, Mode)> {
    use Kept::*;
    use Mode::*;
    let bent = |field: &str, value: Value| {
        contact("BENTCONTACT00001", json!([with(transaction("10:00:00.000"), field, value)]))
    };
    let twins = contact(
        "BENTCONTACT00001",
        json!([transaction("10:00:00.000"), with(transaction("10:00:00.000"), "sequence_nr", json!(1))]),
    );
    vec![
        // The vendor's client.
        ("1 a connection without an end is skipped", Later("complete", json!({}))),
        ("2 ten failures make a page empty", Lasts("status", EVENTS, json!({"status": 500}), "500 after 2 attempts")),
        ("3 a failed upsert drops a record and its kin", Record(bent("fired", json!("not a time")), Quarantined)),
        ("4 the watermark advances past failures", Other(a_failed_window_stays_open)),
        (
            "5 values of 51 to 100 characters fail",
            Record(
                bent("status_detail", json!("x".repeat(90))),
                Stored("SELECT length(status_detail) = 90 FROM dialfire.transactions WHERE contact_id = 'BENTCONTACT00001'"),
            ),
        ),
        (
            "6 two calls of a contact at the same instant collide",
            Record(twins, Stored("SELECT count(*) = 2 FROM dialfire.transactions WHERE contact_id = 'BENTCONTACT00001'")),
        ),
        ("7 a recording changes its id with its location", Later("late", json!({}))),
        ("8 checksums never match and all is fetched again", Other(nothing_is_fetched_twice)),
        ("9 prepared statements fail behind a pooler", Other(no_statement_stays_prepared)),
        ("10 an index is built at each start", Other(no_object_is_made_by_a_sync)),
        (
            "11 a contact without a log makes the loader fail",
            Record(without(contact("BENTCONTACT00001", json!([])), "$task_log"), Quarantined),
        ),
        ("11 a number with a fraction kills a worker for good", Other(a_fraction_is_no_end)),
        ("12 a campaign that is not set up is absent", Other(a_closed_campaign_is_told)),
        // The loaders of the rivals' chapter.
        ("a page with fewer rows than it counts is taken", Lasts("short_page", EVENTS, json!({"value": 4}), "a page is short")),
        ("an empty page in the middle is the end", Passes("empty_page", EVENTS, json!({"skip": 2, "times": 1}))),
        ("an error body with status 200 is no rows", Lasts("error_body_200", EVENTS, json!({}), "quota exceeded")),
        ("an error body with status 200 is no contacts", Lasts("error_body_200", CONTACTS, json!({}), "quota exceeded")),
        ("the same next page for ever", Lasts("repeat_cursor", EVENTS, json!({}), "a cursor that was followed before")),
        ("a number that is no number becomes null", Record(bent("pause_time_sec", json!("n/a")), Quarantined)),
        ("a date of zeros changes the column", Record(bent("fired", json!("0000-00-00 00:00:00")), Quarantined)),
        ("a time without offset is taken for UTC", Record(bent("fired", json!("2025-10-10T10:00:00")), Quarantined)),
        ("a NUL byte is removed", Record(bent("status_detail", json!("a\u{0}b")), Quarantined)),
        ("the older of two copies wins", Other(the_newer_copy_wins)),
        ("one record without id fails the load", Record(without(contact("BENTCONTACT00001", json!([])), "$id"), Quarantined)),
        ("a contact is left out of an answer", Lasts("drop_contact", CONTACTS, json!({}), "")),
        ("a call gets its duration later", Later("complete", json!({}))),
        ("a call that was deleted stays as if it were there", Other(what_is_gone_is_marked)),
        ("a call at the same instant as the last one", Other(a_call_at_the_edge_arrives)),
    ]
}

#[test]
fn no_known_way_of_losing_calls_loses_one() {
    let modes = modes();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((name, mode)) = modes.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| try_mode(mode))) {
                        Ok(how) => println!("{name}: {how}"),
                        Err(_) => failed.lock().unwrap().push(*name),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "lost: {failed:#?}");
}

fn try_mode(mode: &Mode) -> &'static str {
    let simulator = Simulator::with(&["--anchor", "2025-11-15T12:00:00Z", "--days", "14", "--calls-per-day", "20"]);
    let mut tenant = Tenant::with(&simulator, OPTIONS);
    match mode {
        Mode::Later(path, body) => {
            tenant.sync(ALL).expect("success");
            assert!(simulator.post(path, body.clone())["changed"].as_i64() > Some(0), "nothing changed");
            tenant.sync(ALL).expect("success");
            assert_truth(&mut tenant, &simulator);
            "equal to the vendor"
        }
        Mode::Passes(kind, path, more) => {
            simulator.fault(kind, path, more.clone());
            tenant.sync(ALL).expect("success");
            assert!(simulator.get("faults")[0]["hits"].as_i64() > Some(0), "the fault hit nothing");
            assert_truth(&mut tenant, &simulator);
            "equal to the vendor"
        }
        Mode::Lasts(kind, path, more, words) => {
            simulator.fault(kind, path, more.clone());
            let run = tenant.sync(ALL);
            // A contact that an answer leaves out is told record by record; everything else leaves its window open.
            if *kind == "drop_contact" {
                assert!(run.status != "success", "{run:?}");
            } else {
                run.expect("failed").says(words);
                assert_eq!(tenant.count("coverage"), 0);
            }
            simulator.heal();
            tenant.sync(ALL);
            assert_truth(&mut tenant, &simulator);
            "told and not covered; equal to the vendor afterwards"
        }
        Mode::Record(record, kept) => {
            tenant.sync(ALL).expect("success");
            simulator.contact(&contact("SOUNDCONTACT0001", json!([transaction("09:00:00.000")])).to_string());
            let id = record.get("$id").and_then(Value::as_str).unwrap_or("BENTCONTACT00001");
            // Its events are told where the record is too bent to derive them.
            let events = json!([format!("{DAY}T10:00:00.000Z|0123456789abcdef0123456789abcdef|{id}|0,0")]);
            let derived = json!({"contact": record.to_string(), "id": id});
            let explicit = json!({"contact": record.to_string(), "id": id, "derive": false, "events": events});
            let log = record["$task_log"][0]["transactions"].as_array().is_some_and(|list| {
                !list.is_empty() && list.iter().all(|t| t["fired"].as_str().is_some_and(|at| at.starts_with("20")))
            });
            simulator.post("events", if log { derived } else { explicit });
            let run = tenant.sync(DAY);
            let sound = "SELECT count(*) FROM dialfire.transactions WHERE contact_id = 'SOUNDCONTACT0001'";
            assert_eq!(tenant.one::<i64>(sound, &[]), 1, "a sibling was lost: {run:?}");
            match kept {
                Kept::Quarantined => {
                    run.expect("partial");
                    let sql = "SELECT count(*) FROM dialfire.rejects_open WHERE tenant = 'acme'";
                    assert!(tenant.one::<i64>(sql, &[]) > 0, "neither stored nor quarantined: {run:?}");
                    "quarantined with its reason, its siblings stored"
                }
                Kept::Stored(sql) => {
                    assert!(tenant.one::<bool>(sql, &[]), "{run:?}");
                    let told =
                        run.status == "success" && run.rejected == 0 || run.status == "partial" && run.rejected > 0;
                    assert!(told, "{run:?}");
                    "stored, or quarantined with its reason"
                }
            }
        }
        Mode::Other(test) => {
            test(&simulator, &mut tenant);
            "kept"
        }
    }
}

fn a_failed_window_stays_open(simulator: &Simulator, tenant: &mut Tenant) {
    let campaign = simulator.campaigns().remove(0);
    simulator.fault("status", &format!("{campaign}/{EVENTS}"), json!({"status": 500}));
    tenant.sync(ALL).expect("partial").says("500");
    assert_eq!(tenant.count("coverage"), 2);
    let gaps = "SELECT count(*) FROM dialfire.coverage WHERE source = $1";
    assert_eq!(tenant.one::<i64>(gaps, &[&campaign]), 0);
    simulator.heal();
    tenant.exec("ALTER SERVER acme OPTIONS (ADD start_date '2025-11-01')");
    // What is wanted and not covered: the failed campaign, and of the others what is younger.
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    assert_truth(tenant, simulator);
    assert_eq!(tenant.count("coverage_gaps WHERE length > interval '5 minutes'"), 0);
}

fn nothing_is_fetched_twice(simulator: &Simulator, tenant: &mut Tenant) {
    tenant.sync(ALL).expect("success");
    simulator.forget_requests();
    tenant.sync(ALL).expect("success");
    tenant.exec("CALL df_reconcile('acme', '2025-11-01')");
    assert_eq!(simulator.contacts_asked(), 0);
}

fn no_statement_stays_prepared(simulator: &Simulator, tenant: &mut Tenant) {
    tenant.db.batch_execute(&format!("SELECT * FROM df_sync('acme', '{ALL}')")).expect("a sync");
    // The query below is itself prepared by the driver.
    assert_eq!(
        tenant.one::<i64>("SELECT count(*) FROM pg_prepared_statements WHERE NOT statement ~ 'pg_prepared'", &[]),
        0
    );
    assert_truth(tenant, simulator);
}

fn no_object_is_made_by_a_sync(_: &Simulator, tenant: &mut Tenant) {
    tenant.sync(ALL).expect("success");
    let objects =
        "SELECT md5(string_agg(oid || ' ' || relfilenode, ',' ORDER BY oid)) FROM pg_class WHERE relkind IN ('i', 'r')
        AND relnamespace = 'dialfire'::regnamespace";
    let before: String = tenant.one(objects, &[]);
    tenant.sync(ALL).expect("success");
    assert_eq!(tenant.one::<String>(objects, &[]), before);
}

fn a_fraction_is_no_end(simulator: &Simulator, tenant: &mut Tenant) {
    simulator
        .post("inbound", json!({"call": with(call("call-with-fraction", "10:00:00.000"), "duration", json!(1.5))}));
    simulator.post("inbound", json!({"call": call("call-behind-it", "11:00:00.000")}));
    tenant.sync(DAY).expect("success");
    assert_eq!(tenant.count("inbound_calls"), 2);
    tenant.sync(ALL).expect("success");
}

fn a_closed_campaign_is_told(simulator: &Simulator, tenant: &mut Tenant) {
    let run = tenant.sync(ALL);
    run.expect("success").says("without role campaignAPI");
    assert_eq!(run.reasons["campaign_without_api"], 1);
    assert_eq!(tenant.count("campaigns WHERE NOT api_access"), 1);
    assert_truth(tenant, simulator);
}

fn the_newer_copy_wins(simulator: &Simulator, tenant: &mut Tenant) {
    for detail in ["alt", "neu"] {
        let one = with(transaction("10:00:00.000"), "status_detail", json!(detail));
        simulator.contact(&contact("TWICECONTACT0001", json!([one])).to_string());
    }
    simulator.fault("duplicate_events", EVENTS, json!({}));
    tenant.sync(DAY);
    let stored =
        "SELECT string_agg(status_detail, ',') FROM dialfire.transactions WHERE contact_id = 'TWICECONTACT0001'";
    assert_eq!(tenant.one::<String>(stored, &[]), "neu");
}

fn what_is_gone_is_marked(simulator: &Simulator, tenant: &mut Tenant) {
    tenant.sync(ALL).expect("success");
    let before = tenant.count("transactions");
    let some = "SELECT contact_id FROM dialfire.transactions WHERE fired > '2025-11-12' ORDER BY fired LIMIT 1";
    let gone: String = tenant.one(some, &[]);
    simulator.post("delete", json!({"contact": gone}));
    tenant.exec("CALL df_reconcile('acme', '2025-11-01')");
    let marked = "SELECT string_agg(id, ',') FROM dialfire.contacts WHERE gone_at IS NOT NULL";
    assert_eq!((tenant.one::<String>(marked, &[]), tenant.count("transactions")), (gone, before));
}

fn a_call_at_the_edge_arrives(simulator: &Simulator, tenant: &mut Tenant) {
    tenant.sync("[2025-11-01 12:00+00,2025-11-10 12:00+00)").expect("success");
    simulator.post("grow", json!({"calls": 6, "at": "2025-11-10T11:59:59.997Z"}));
    tenant.sync("[2025-11-10 12:00+00,2025-11-15 12:00+00)").expect("success");
    // Three lie before the edge, in a window that was complete before they happened; look-back and reconcile see those.
    tenant.sync(ALL).expect("success");
    assert_truth(tenant, simulator);
}
