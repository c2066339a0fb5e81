//! A bad record waits in quarantine with its payload and a reason; its siblings are stored.

use integration::record::{call, contact, transaction, with, without, DAY};
use integration::simulator::Simulator;
use integration::tenant::{Run, Tenant};
use serde_json::{json, Value};

pub struct Scene {
    pub simulator: Simulator,
    pub tenant: Tenant,
}

pub fn scene() -> Scene {
    let simulator = Simulator::with(&["--anchor", "2025-11-15T12:00:00Z", "--days", "2", "--calls-per-day", "10"]);
    let tenant = Tenant::of(&simulator);
    Scene { simulator, tenant }
}

/// A good sibling for the record that is bent.
pub const SOUND: &str = "08:00:00.000";

impl Scene {
    pub fn sync(&mut self) -> Run {
        self.tenant.sync(DAY)
    }

    pub fn count(&mut self, sql: &str) -> i64 {
        self.tenant.one(&format!("SELECT count(*) FROM {sql}"), &[])
    }

    /// The one open reject: kind, reason, field, payload as text.
    pub fn reject(&mut self) -> (String, String, Option<String>, String) {
        let sql = "SELECT kind, reason, field, payload::text FROM dialfire.rejects_open";
        let row = self.tenant.db.query_one(sql, &[]).expect("one reject");
        (row.get(0), row.get(1), row.get(2), row.get(3))
    }

    /// The contact's JSON text has one bad transaction: it is rejected for this reason, once; its sibling is stored;
    /// asking again fetches nothing; and after the mend it is stored and the reject resolved.
    fn bad_transaction(json: &str, reason: &str, mended: &Value) {
        let mut scene = scene();
        scene.simulator.contact(json);
        let run = scene.sync();
        run.expect("partial").says("1 record rejected").expect_counts(1, 0, 0);
        assert_eq!((run.rejected, run.windows), (1, 3), "{reason}: {run:?}");
        let (kind, found, field, payload) = scene.reject();
        assert_eq!((kind.as_str(), found.as_str()), ("transaction", reason));
        assert!(field.is_some() && json.contains(&payload), "{reason}: the payload is not as it came: {payload}");
        assert_eq!(scene.count("dialfire.transactions"), 1, "{reason}: the sibling");
        assert_eq!(scene.count("dialfire.coverage WHERE covered @> '2025-10-10 12:00+00'::timestamptz"), 3);
        scene.simulator.forget_requests();
        let again = scene.sync();
        again.expect("success").expect_counts(0, 0, 1);
        assert_eq!((again.rejected, scene.simulator.contacts_asked()), (0, 0), "{reason}: {again:?}");
        assert_eq!(again.reasons["rejected_before"], 1, "{reason}: {again:?}");
        scene.simulator.contact(&mended.to_string());
        scene.sync().expect("success");
        assert_eq!(scene.count("dialfire.rejects_open"), 0, "{reason}: still open after the mend");
        assert_eq!(scene.count("dialfire.rejects WHERE resolved_at IS NOT NULL"), 1, "{reason}");
        assert_eq!(scene.count("dialfire.transactions"), 2, "{reason}");
    }
}

pub fn two(bad: Value) -> Value {
    contact("BENT", json!([transaction(SOUND), bad]))
}

#[test]
fn a_transaction_with_a_bad_field_is_quarantined_and_resolved_when_mended() {
    let bad = transaction("10:00:00.000");
    let mended = two(with(bad.clone(), "status", json!("mended")));
    for (field, value, reason) in [
        ("status", json!("nul \u{0} here"), "nul_character"),
        ("anything", json!({"deep": ["nul \u{0} here"]}), "nul_character"),
        ("user", json!("u".repeat(300)), "key_too_long"),
        ("edit_time_sec", json!("a while"), "bad_number"),
        ("sequence_nr", json!(1e300), "number_out_of_range"),
        ("isHI", json!("perhaps"), "bad_boolean"),
        ("task", json!({"id": 1}), "not_a_text"),
    ] {
        Scene::bad_transaction(&two(with(bad.clone(), field, value)).to_string(), reason, &mended);
    }
}

#[test]
fn a_lone_surrogate_is_quarantined_as_it_came() {
    let json = two(with(transaction("10:00:00.000"), "status", json!("SURROGATE"))).to_string();
    let mended = two(with(transaction("10:00:00.000"), "status", json!("mended")));
    for surrogate in ["\\ud800", "\\udc00 after", "before \\ud83d!"] {
        Scene::bad_transaction(&json.replace("SURROGATE", surrogate), "bad_string", &mended);
    }
}

#[test]
fn a_pair_of_surrogates_is_a_character() {
    let mut scene = scene();
    let json = two(with(transaction("10:00:00.000"), "status", json!("SMILE"))).to_string();
    scene.simulator.contact(&json.replace("SMILE", "\\ud83d\\ude00"));
    scene.sync().expect("success");
    assert_eq!(scene.count("dialfire.transactions WHERE status = '😀'"), 1);
}

#[test]
fn a_transaction_whose_time_is_no_instant_is_quarantined() {
    for (fired, reason) in [
        ("2025-10-10T10:00:00.000", "timestamp_without_zone"),
        ("2025-10-10 10:00:00", "timestamp_without_zone"),
        ("0000-10-10T10:00:00.000Z", "timestamp_out_of_range"),
        ("10000-10-10T10:00:00.000Z", "timestamp_out_of_range"),
        ("1969-12-31T23:59:59.000Z", "timestamp_out_of_range"),
        ("2025-02-30T10:00:00.000Z", "bad_timestamp"),
        ("soon", "bad_timestamp"),
    ] {
        let mut scene = scene();
        let bad = with(transaction(SOUND), "fired", json!(fired));
        scene.simulator.post(
            "events",
            json!({"contact": two(bad), "derive": false, "events":
            [format!("{DAY}T{SOUND}Z|aa|BENT|0,0"), format!("{DAY}T10:00:00.000Z|bb|BENT|0,1")]}),
        );
        let run = scene.sync();
        run.expect("partial").expect_counts(1, 0, 0);
        let (kind, found, field, payload) = scene.reject();
        assert_eq!(
            (kind.as_str(), found.as_str(), field.as_deref()),
            ("transaction", reason, Some("fired")),
            "{fired}"
        );
        assert!(payload.contains(fired), "{payload}");
        scene.simulator.forget_requests();
        scene.sync().expect("success");
        assert_eq!(scene.simulator.contacts_asked(), 0, "{fired}: fetched again");
    }
}

#[test]
fn seven_fractional_digits_and_offsets_are_instants() {
    let mut scene = scene();
    for (id, fired, stored) in [
        ("SEVEN", "2025-10-10T10:00:00.1234567Z", "2025-10-10 10:00:00.123456+00"),
        ("NINE", "2025-10-10T10:00:00.123456789Z", "2025-10-10 10:00:00.123456+00"),
        ("NONE", "2025-10-10T10:00:00Z", "2025-10-10 10:00:00+00"),
        ("OFFSET", "2025-10-10T13:30:00.5+03:30", "2025-10-10 10:00:00.5+00"),
    ] {
        scene.simulator.contact(&contact(id, json!([with(transaction(SOUND), "fired", json!(fired))])).to_string());
        let run = scene.sync();
        run.expect("success");
        assert_eq!(run.inserted, 1, "{id}: {run:?}");
        let found = scene.count(&format!("dialfire.transactions WHERE contact_id = '{id}' AND fired = '{stored}'"));
        assert_eq!(found, 1, "{id}");
    }
}

#[test]
fn numbers_as_strings_and_strings_as_numbers_are_read() {
    let mut scene = scene();
    let mut bent = transaction("10:00:00.000");
    for (field, value) in [
        ("edit_time_sec", json!("12.5")),
        ("pause_time_sec", json!("")),
        ("wait_time_sec", json!(7)),
        ("sequence_nr", json!("3")),
        ("isHI", json!("true")),
        ("revoked", json!(0)),
        ("status", json!(42)),
        ("task", json!(true)),
        ("user", json!(4711)),
        (
            "connections",
            json!([{"id": 815, "code": "200", "duration": "1500.4", "phone": 491234, "fired": "2025-10-10T10:00:00.000Z"}]),
        ),
    ] {
        bent = with(bent, field, value);
    }
    scene.simulator.contact(&contact("BENT", json!([bent])).to_string());
    scene.sync().expect("success");
    let transaction =
        "dialfire.transactions WHERE edit_time_sec = 12.5 AND pause_time_sec IS NULL AND wait_time_sec = 7
        AND sequence_nr = 3 AND is_hi AND NOT revoked AND status = '42' AND task = 'true' AND user_id = '4711'";
    assert_eq!(scene.count(transaction), 1);
    let leg = "dialfire.connections WHERE id = '815' AND code = 200 AND duration_ms = 1500 AND phone = '491234'";
    assert_eq!(scene.count(leg), 1);
}

#[test]
fn a_contact_without_task_log_is_stored_and_its_events_are_quarantined() {
    for bent in
        [without(contact("BENT", json!([])), "$task_log"), with(contact("BENT", json!([])), "$task_log", Value::Null)]
    {
        let mut scene = scene();
        scene.simulator.contact(&contact("SOUND", json!([transaction(SOUND)])).to_string());
        let event = format!("{DAY}T10:00:00.000Z|0123456789abcdef|BENT|0,0");
        scene.simulator.post("events", json!({"contact": bent, "events": [event]}));
        let run = scene.sync();
        run.expect("partial").expect_counts(1, 0, 0);
        let (kind, reason, _, payload) = scene.reject();
        assert_eq!((kind.as_str(), reason.as_str()), ("event", "event_without_transaction"));
        assert!(payload.contains("0123456789abcdef"), "{payload}");
        assert_eq!(scene.count("dialfire.contacts WHERE id = 'BENT'"), 1);
        scene.simulator.forget_requests();
        scene.sync().expect("success");
        assert_eq!(scene.simulator.contacts_asked(), 0);
        scene.simulator.post("events", json!({"contact": contact("BENT", json!([transaction("10:00:00.000")]))}));
        scene.sync().expect("success");
        assert_eq!(scene.count("dialfire.rejects_open"), 0, "still open after the mend");
    }
}

#[test]
fn a_transaction_without_fired_is_quarantined() {
    let mut scene = scene();
    let bent = two(without(transaction("10:00:00.000"), "fired"));
    scene.simulator.contact(&bent.to_string());
    scene.sync().expect("partial").expect_counts(1, 0, 0);
    let (kind, reason, field, payload) = scene.reject();
    assert_eq!((kind.as_str(), reason.as_str(), field.as_deref()), ("transaction", "missing_field", Some("fired")));
    assert!(payload.contains("Anna.Test"), "{payload}");
}

#[test]
fn two_transactions_of_one_instant_are_two_rows() {
    let mut scene = scene();
    let at = |sequence: u64, status: &str| {
        with(with(transaction(SOUND), "sequence_nr", json!(sequence)), "status", json!(status))
    };
    scene.simulator.contact(&contact("TWINS", json!([at(0, "open"), at(1, "success"), at(2, "declined")])).to_string());
    scene.sync().expect("success").expect_counts(3, 0, 0);
    scene.sync().expect("success").expect_counts(0, 0, 3);
    // Their order at the vendor is nothing to rely on.
    scene.simulator.contact(&contact("TWINS", json!([at(2, "declined"), at(0, "open"), at(1, "success")])).to_string());
    scene.sync().expect("success").expect_counts(0, 0, 3);
    let statuses: String =
        scene.tenant.one("SELECT string_agg(status, ',' ORDER BY sequence_nr) FROM dialfire.transactions", &[]);
    assert_eq!(statuses, "open,success,declined");
}

#[test]
fn unknown_fields_are_kept() {
    let mut scene = scene();
    let novelty = json!({"list": [1, {"two": 2.50}], "text": "ü"});
    let leg = json!({"id": "leg", "fired": format!("{DAY}T10:00:00.000Z"), "novelty": novelty,
        "recordings": [{"started": format!("{DAY}T10:00:01.000Z"), "novelty": novelty}]});
    let bent = with(with(transaction("10:00:00.000"), "novelty", novelty.clone()), "connections", json!([leg]));
    scene.simulator.contact(&with(contact("NEW", json!([bent])), "novelty", novelty.clone()).to_string());
    scene.simulator.post("inbound", json!({"call": with(call("in-1", "10:00:00.000"), "novelty", novelty.clone())}));
    scene.sync().expect("success").expect_counts(2, 0, 0);
    for (table, column) in [
        ("contacts", "fields"),
        ("transactions", "extra"),
        ("connections", "extra"),
        ("recordings", "extra"),
        ("inbound_calls", "extra"),
    ] {
        let kept: Value = scene.tenant.one(&format!("SELECT {column} -> 'novelty' FROM dialfire.{table}"), &[]);
        assert_eq!(kept, novelty, "{table}");
    }
}

#[test]
fn an_unreadable_event_or_inbound_call_is_quarantined() {
    let mut scene = scene();
    let events = ["garbage", "2025-10-10T10:00:00.000Z|aa|CONTACT", "2025-10-10T10:00:00.000|aa|CONTACT|0,0", "|||"];
    scene.simulator.contact(&contact("SOUND", json!([transaction(SOUND)])).to_string());
    scene.simulator.post("events", json!({"events": events}));
    for bent in [
        without(call("in-1", "10:00:00.000"), "id"),
        with(call("in-2", "10:00:00.000"), "call_time", json!("2025-10-10T10:00:00.000")),
    ] {
        scene.simulator.post("inbound", json!({"call": bent}));
    }
    let run = scene.tenant.sync("2025-10");
    run.expect("partial");
    assert_eq!(scene.count("dialfire.rejects_open WHERE kind = 'event'"), 4, "{run:?}");
    assert_eq!(scene.count("dialfire.rejects_open WHERE kind = 'inbound_call'"), 2, "{run:?}");
    assert_eq!(scene.count("dialfire.transactions WHERE contact_id = 'SOUND'"), 1);
    scene.tenant.sync("2025-10");
    let twice = "dialfire.rejects WHERE times = 2";
    assert_eq!((scene.count("dialfire.rejects"), scene.count(twice)), (6, 6), "the same reject is one row");
}

#[test]
fn a_quarantined_transaction_is_not_fetched_again_because_its_sibling_was() {
    let mut scene = scene();
    let bad = with(transaction("10:00:00.000"), "isHI", json!("perhaps"));
    scene.simulator.contact(&contact("BENT", json!([transaction(SOUND), bad])).to_string());
    scene.sync().expect("partial");
    scene
        .simulator
        .contact(&contact("BENT", json!([transaction(SOUND), bad, transaction("11:00:00.000")])).to_string());
    let run = scene.sync();
    assert_eq!((run.inserted, scene.count("dialfire.rejects_open")), (1, 1), "{run:?}");
    scene.simulator.forget_requests();
    scene.sync().expect("success").expect_counts(0, 0, 2);
    assert_eq!(scene.simulator.contacts_asked(), 0);
}
