use super::super::transaction::md5;
use super::*;
use serde_json::value::to_raw_value;
use serde_json::{json, Value};

const ALL: &[Window] = &[Window::ALL];

fn read_text(json: &str, keep: &[Window], wanted: &[Wanted]) -> (Batch, u64) {
    let raw: &RawValue = serde_json::from_str(json).unwrap();
    let mut out = Batch::default();
    let take = Take { campaign_id: "CAMPAIGN", zone: chrono_tz::Europe::Nicosia, keep, wanted };
    let unannounced = read(raw, &take, &mut out);
    (out, unannounced)
}

fn read_value(contact: Value) -> Batch {
    read_text(to_raw_value(&contact).unwrap().get(), ALL, &[]).0
}

fn contact_of(transactions: Value) -> Value {
    json!({"$id": "CONTACT", "$task_log": [{"transactions": transactions}]})
}

fn wanted(fired: &str, md5: &str, place: (u32, u32)) -> Wanted {
    Wanted {
        fired: crate::instant::parse(fired).unwrap(),
        md5: md5.to_owned().into(),
        log_index: place.0,
        transaction_index: place.1,
    }
}

#[test]
fn reads_all_levels_with_their_keys() {
    let batch = read_value(json!({
        "$id": "CONTACT", "$md5": "abc", "$phone": "+491", "firma": "Müller", "empty": "",
        "$task_log": [{"transactions": [{
            "fired": "2026-11-01T22:30:00.000Z", "id": "CONTACT", "user": "u1", "user_loginName": " Jane.Doe ",
            "isHI": true, "edit_time_sec": "12.5", "novel": {"a": 1},
            "connections": [{
                "id": "C1", "started": "2026-11-01T22:29:00.000Z", "phone": 4917, "duration": 34946,
                "recordings": [{"started": "2026-11-01T22:29:01.000Z", "location": null}],
                "third_party_connections": [{"id": "C2", "technology": "transfer"}]
            }]
        }]}]
    }));
    assert_eq!(batch.rejects, []);
    let contact = &batch.contacts[0];
    assert_eq!((contact.md5.as_deref(), contact.fields.0.as_str()), (Some("abc"), r#"{"firma":"Müller"}"#));
    let t = &batch.transactions[0];
    assert_eq!(t.id, md5(&["CONTACT", "2026-11-01T22:30:00.000Z"]));
    assert_eq!(t.user_login.as_deref(), Some("Jane.Doe"));
    assert_eq!(t.day.unwrap().to_string(), "2026-11-02", "the day is Nicosia's");
    assert_eq!((t.is_human, t.edit_time_sec), (Some(true), Some(12.5)));
    assert_eq!(t.extra.as_ref().unwrap().0, r#"{"novel":{"a":1}}"#);
    assert_eq!(batch.agents[0].login, "Jane.Doe");
    let (third, first) = (&batch.connections[0], &batch.connections[1]);
    assert_eq!((third.id.as_str(), third.parent_connection_id.as_deref()), ("C2", Some("C1")));
    assert_eq!(third.is_third_party, Some(true));
    assert_eq!((first.phone.as_deref(), first.duration_ms, first.disconnected), (Some("4917"), Some(34946), None));
    assert_eq!(batch.recordings[0].id, md5(&["C1", "2026-11-01T22:29:01.000Z"]));
}

#[test]
fn the_id_of_a_recording_does_not_change_with_its_location() {
    let with = |location: Value| {
        let recordings = json!([{"started": "2026-11-01T10:00:00Z", "location": location}]);
        let leg = json!([{"id": "C", "recordings": recordings}]);
        read_value(contact_of(json!([{"fired": "2026-11-01T10:00:00Z", "connections": leg}]))).recordings[0].id.clone()
    };
    assert_eq!(with(Value::Null), with(json!("https://example.invalid/a.mp3")));
}

#[test]
fn events_of_one_instant_keep_apart_and_the_first_keeps_the_plain_id() {
    let fired = "2026-11-01T10:00:00.000Z";
    let batch = read_value(contact_of(json!([
        {"fired": fired, "sequence_nr": 8, "status": "open"},
        {"fired": fired, "sequence_nr": 7, "status": "success"},
        {"fired": fired, "sequence_nr": 7, "status": "success"},
        {"fired": fired, "status": "failed"},
    ])));
    let mut ids: Vec<_> = batch.transactions.iter().map(|t| t.id.clone()).collect();
    ids.sort();
    let mut expected = vec![md5(&["CONTACT", fired]), md5(&["CONTACT", fired, "8"]), md5(&["CONTACT", fired, "#3"])];
    expected.sort();
    assert_eq!(ids, expected);
    assert_eq!(batch.transactions.iter().find(|t| t.id == md5(&["CONTACT", fired])).unwrap().sequence_nr, Some(7));
}

#[test]
fn a_bad_record_is_rejected_alone() {
    let json = r#"{"$id":"CONTACT","notiz":"\ud800","$task_log":[{"transactions":[
        {"fired":"2026-11-01T10:00:00Z","status":"a\u0000b"},
        {"fired":"2026-11-01T10:01:00"},
        {"fired":"0000-00-00T00:00:00Z"},
        {"status":"open"},
        {"fired":"2026-11-01T10:02:00Z","pause_time_sec":"n/a"},
        "text",
        {"fired":"2026-11-01T10:03:00.1234567Z","connections":[
            {"id":"C1","code":"x"},{"id":"C2","recordings":[{"filename":"f"},{"location":"l"}]},{"nothing":1}]}
    ]}]}"#;
    let (batch, _) = read_text(json, ALL, &[]);
    let reasons: Vec<_> = batch.rejects.iter().map(|r| (r.kind, r.reason, r.field.as_str())).collect();
    assert_eq!(
        reasons,
        [
            ("contact", "bad_string", "notiz"),
            ("transaction", "nul_character", "status"),
            ("transaction", "timestamp_without_zone", "fired"),
            ("transaction", "timestamp_out_of_range", "fired"),
            ("transaction", "missing_field", "fired"),
            ("transaction", "bad_number", "pause_time_sec"),
            ("transaction", "not_an_object", "transaction"),
            ("connection", "bad_number", "code"),
            ("recording", "missing_field", "started"),
            ("connection", "missing_field", "id"),
        ]
    );
    assert_eq!(batch.transactions.len(), 1);
    assert_eq!(batch.connections.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["C2"]);
    assert_eq!(batch.recordings.len(), 1);
    assert!(batch.contacts.is_empty());
    let payload: &RawValue = serde_json::from_str(&batch.rejects[0].payload).unwrap();
    assert_eq!(payload.get(), r#"{"$id":"CONTACT","notiz":"\ud800"}"#);
}

#[test]
fn an_internal_id_is_no_login() {
    let hash = "0123456789abcdef0123456789ABCDEF";
    let batch = read_value(contact_of(json!([{"fired": "2026-11-01T10:00:00Z", "user": "u", "user_loginName": hash}])));
    assert_eq!(batch.transactions[0].user_login, None);
    assert!(batch.transactions[0].extra.as_ref().unwrap().0.contains(hash));
    assert_eq!(batch.agents, []);
}

#[test]
fn human_means_a_user_who_acted() {
    let human = |fields: Value| {
        let mut t = json!({"fired": "2026-11-01T10:00:00Z"});
        t.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        read_value(contact_of(json!([t]))).transactions[0].is_human
    };
    assert_eq!(human(json!({})), Some(false));
    assert_eq!(human(json!({"user": "u"})), Some(true));
    assert_eq!(human(json!({"user": "u", "status_detail": "$assigned"})), Some(false));
    assert_eq!(human(json!({"isHI": true})), Some(true));
}

#[test]
fn takes_what_was_announced_and_what_lies_in_the_window() {
    let fired = ["2026-11-01T10:00:00.000Z", "2026-11-02T10:00:00.000Z", "2026-11-03T10:00:00.000Z"];
    let json = contact_of(json!([{"fired": fired[0]}, {"fired": fired[1]}, {"fired": fired[2]}])).to_string();
    let window = Window {
        from: crate::instant::parse("2026-11-02T00:00:00Z").unwrap(),
        to: crate::instant::parse("2026-11-03T00:00:00Z").unwrap(),
    };
    let (batch, unannounced) = read_text(&json, &[window], &[wanted(fired[0], "m0", (5, 5))]);
    let taken: Vec<_> = batch.transactions.iter().map(|t| t.event_md5.as_deref()).collect();
    assert_eq!(taken, [Some("m0"), None]);
    assert_eq!(unannounced, 1);
}

#[test]
fn an_event_without_its_transaction_is_rejected() {
    let announced = [wanted("2026-11-01T10:00:00Z", "m", (0, 0))];
    for json in [r#"{"$id":"CONTACT"}"#, r#"{"$id":"CONTACT","$task_log":null}"#, r#"{"$id":"CONTACT","$task_log":[]}"#]
    {
        let (batch, _) = read_text(json, &[], &announced);
        assert_eq!(batch.rejects[0].reason, "event_without_transaction", "{json}");
        assert_eq!(batch.rejects[0].event_md5.as_deref(), Some("m"));
        assert_eq!(batch.contacts.len(), 1);
    }
}

#[test]
fn ties_get_their_own_events_and_a_nameless_transaction_takes_the_event_of_its_place() {
    let fired = "2026-11-01T10:00:00.000Z";
    let json = contact_of(json!([
        {"fired": fired, "sequence_nr": 1}, {"fired": fired, "sequence_nr": 2}, {"status": "open"}
    ]))
    .to_string();
    let announced = [wanted(fired, "second", (0, 1)), wanted(fired, "first", (0, 0)), wanted(fired, "third", (0, 2))];
    let (batch, unannounced) = read_text(&json, &[], &announced);
    let pairs: Vec<_> = batch.transactions.iter().map(|t| (t.sequence_nr, t.event_md5.as_deref())).collect();
    assert_eq!(pairs, [(Some(1), Some("first")), (Some(2), Some("second"))]);
    assert_eq!(batch.rejects[0].event_md5.as_deref(), Some("third"));
    assert_eq!(unannounced, 0);
}

#[test]
fn twenty_thousand_transactions_are_read_in_one_piece() {
    let base = crate::instant::parse("2026-11-01T00:00:00Z").unwrap();
    let at = |n: i64| (base + chrono::TimeDelta::seconds(n)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let transactions: Vec<Value> = (0..20_000).map(|n| json!({"fired": at(n)})).collect();
    let announced: Vec<_> = (0..20_000).map(|n| wanted(&at(n), &n.to_string(), (0, n as u32))).collect();
    let (batch, unannounced) = read_text(&contact_of(json!(transactions)).to_string(), &[], &announced);
    assert_eq!((batch.transactions.len(), batch.rejects.len(), unannounced), (20_000, 0, 0));
}
