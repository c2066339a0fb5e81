use super::*;
use serde_json::{json, Value};

const FIRED: &str = "2026-11-01T22:30:00.000Z";

struct Read {
    reader: Reader,
    out: Batch,
}

fn reader(table: Table) -> Read {
    Read { reader: Reader::new(table, chrono_tz::Europe::Nicosia), out: Batch::default() }
}

impl Read {
    fn row(mut self, id: Option<&str>, parent: Option<&str>, object: Value) -> Read {
        let json = object.to_string();
        let line = Line {
            id: id.map(str::to_owned),
            parent: parent.map(str::to_owned),
            object: serde_json::from_str(&json).unwrap(),
        };
        let known = Parent {
            campaign_id: Some("CAMPAIGN".to_owned()),
            contact_id: "CONTACT".to_owned(),
            transaction_id: "T1".to_owned(),
            fired: crate::instant::parse(FIRED).ok(),
        };
        let known = (parent != Some("nowhere")).then_some(&known);
        self.reader.read(&line, known, &mut self.out);
        self
    }

    fn reasons(&self) -> Vec<(&str, &str, Option<&str>)> {
        self.out.rejects.iter().map(|r| (r.reason, r.field.as_str(), r.key.as_deref())).collect()
    }
}

#[test]
fn a_transaction_keeps_its_id_and_gets_types() {
    let id = md5(&["CONTACT", FIRED]);
    let object = json!({"fired": FIRED, "user": "u1", "user_loginName": "Jane", "edit_time_sec": 12, "isHI": null,
        "duration_of_pause": "5"});
    let read = reader(Table::Transactions).row(Some(&id), Some("CONTACT"), object);
    assert_eq!(read.reasons(), []);
    let t = &read.out.transactions[0];
    assert!(is_derived(&t.id, "CONTACT", FIRED));
    assert_eq!(
        (t.id.as_str(), t.contact_id.as_deref(), t.campaign_id.as_deref()),
        (&*id, Some("CONTACT"), Some("CAMPAIGN"))
    );
    assert_eq!((t.day.unwrap().to_string(), t.edit_time_sec), ("2026-11-02".to_owned(), Some(12.0)));
    assert_eq!((t.is_human, t.user_login.as_deref(), t.event_md5.as_deref()), (Some(true), Some("Jane"), None));
    assert_eq!(t.extra.as_ref().unwrap().0, r#"{"duration_of_pause":"5"}"#);
    assert_eq!(read.out.agents[0].login, "Jane");
}

#[test]
fn a_bad_row_is_quarantined_and_the_next_is_read() {
    let read = reader(Table::Transactions)
        .row(Some("a"), Some("CONTACT"), json!({"fired": "yesterday"}))
        .row(Some("b"), Some("CONTACT"), json!({"fired": "2026-11-01 22:30:00"}))
        .row(Some("c"), Some("CONTACT"), json!({"fired": null}))
        .row(None, Some("CONTACT"), json!({"fired": FIRED}))
        .row(Some("d"), None, json!({"fired": FIRED}))
        .row(Some(&"x".repeat(300)), Some("CONTACT"), json!({"fired": FIRED}))
        .row(Some("e"), Some("CONTACT"), json!({"fired": FIRED}));
    assert_eq!(
        read.reasons(),
        [
            ("bad_timestamp", "fired", Some("a")),
            ("timestamp_without_zone", "fired", Some("b")),
            ("missing_field", "fired", Some("c")),
            ("missing_field", "id", None),
            ("missing_field", "contact_id", Some("d")),
            ("key_too_long", "id", None),
        ]
    );
    assert_eq!(read.out.rejects[0].payload, r#"{"fired":"yesterday"}"#);
    assert_eq!(read.out.transactions.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["e"]);
}

#[test]
fn a_leg_or_recording_waits_for_what_it_hangs_on() {
    let legs = reader(Table::Connections)
        .row(Some("L1"), Some("T1"), json!({"id": "L1", "duration": 34946, "started": FIRED}))
        .row(Some("L2"), Some("nowhere"), json!({"id": "L2"}))
        .row(None, Some("T1"), json!({"id": null, "fired": FIRED}));
    assert_eq!(legs.reasons(), [("orphan", "transaction_id", Some("nowhere")), ("missing_field", "id", Some("T1"))]);
    let leg = &legs.out.connections[0];
    assert_eq!((leg.transaction_id.as_deref(), leg.contact_id.as_deref()), (Some("T1"), Some("CONTACT")));
    assert_eq!((leg.id.as_str(), leg.duration_ms), ("L1", Some(34946)));
    let recordings = reader(Table::Recordings).row(Some("R"), Some("nowhere"), json!({"started": FIRED}));
    assert_eq!(recordings.reasons(), [("orphan", "connection_id", Some("nowhere"))]);
}

#[test]
fn a_stale_copy_of_a_recording_is_left_out_and_another_recording_is_not() {
    let at = |location: Value| json!({"started": FIRED, "location": location});
    let read = reader(Table::Recordings)
        .row(Some("1"), Some("L1"), at(json!("https://vault/1.mp3")))
        .row(Some("2"), Some("L1"), at(json!("https://vault/2.mp3")))
        .row(Some("3"), Some("L1"), at(Value::Null))
        .row(Some("4"), Some("L2"), at(Value::Null));
    let ids: Vec<_> = read.out.recordings.iter().map(|r| (r.id.clone(), r.location.as_deref())).collect();
    let (first, other) = (md5(&["L1", FIRED]), md5(&["L2", FIRED]));
    let second = md5(&[&first, "#1"]);
    assert_eq!(ids, [(first, Some("https://vault/1.mp3")), (second, Some("https://vault/2.mp3")), (other, None)]);
    assert_eq!((read.reader.duplicates, read.out.recordings[0].transaction_id.as_deref()), (1, Some("T1")));
}

#[test]
fn of_rows_with_the_same_id_the_first_is_read() {
    let read = reader(Table::Contacts).row(Some("C1"), None, json!({"$id": "C1", "$status": "open"})).row(
        Some("C1"),
        None,
        json!({"$id": "C1", "$status": "failed"}),
    );
    assert_eq!((read.out.contacts.len(), read.reader.duplicates), (1, 1));
    assert_eq!(read.out.contacts[0].status.as_deref(), Some("open"));
}

#[test]
fn a_contact_keeps_every_field_of_its_own() {
    let mut object = json!({"$id": "C1", "$campaign_id": "CAMPAIGN", "$$anrufen_user": "u1", "firma": "Müller"});
    (0..600).for_each(|n| object[format!("field{n}")] = json!(n));
    object["empty"] = Value::Null;
    let read = reader(Table::Contacts).row(Some("C1"), None, object);
    let contact = &read.out.contacts[0];
    let fields: Value = serde_json::from_str(&contact.fields.0).unwrap();
    assert_eq!((fields.as_object().unwrap().len(), &fields["field599"]), (602, &json!(599)));
    assert_eq!((contact.campaign_id.as_deref(), contact.md5.as_deref()), (Some("CAMPAIGN"), None));
}

#[test]
fn every_column_that_is_needed_or_beside_is_known() {
    for table in Table::ALL {
        let known: Vec<_> = table.columns().collect();
        assert!(table.needs().iter().all(|column| known.contains(column)), "{table:?}");
        assert!(table.parent().is_none_or(|column| table.is_beside(column)), "{table:?}");
    }
}
