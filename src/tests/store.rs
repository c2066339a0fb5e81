//! What a stored row becomes when its record arrives again.

#[pgrx::pg_schema]
mod tests {
    use calls::row::{Batch, Contact, Recording, Transaction, Whole};
    use chrono::{DateTime, Utc};
    use pgrx::prelude::*;

    use crate::append::{newcomers, By};
    use crate::stats::News;
    use crate::store::{self, upsert, Changes};

    fn at(text: &str) -> Option<DateTime<Utc>> {
        text.parse().ok()
    }

    fn recording(id: &str, stopped: Option<DateTime<Utc>>, location: Option<&str>) -> Recording {
        Recording {
            id: id.to_owned(),
            connection_id: Some("L1".to_owned()),
            transaction_id: Some("T1".to_owned()),
            contact_id: Some("C1".to_owned()),
            started: at("2026-11-05T10:00:00Z"),
            stopped,
            filename: None,
            location: location.map(str::to_owned),
            extra: None,
        }
    }

    fn contact(id: &str, phone: Option<&str>, fields: &str) -> Contact {
        Contact {
            id: id.to_owned(),
            campaign_id: Some("K1".to_owned()),
            md5: None,
            ref_id: None,
            version: None,
            task_id: None,
            task: None,
            status: None,
            status_detail: None,
            phone: phone.map(str::to_owned),
            timezone: None,
            created_date: None,
            entry_date: None,
            fields: Whole(fields.to_owned()),
        }
    }

    fn counts(changes: Changes) -> (u64, u64, u64) {
        (changes.inserted, changes.updated, changes.unchanged)
    }

    fn text(sql: &str) -> String {
        Spi::get_one::<String>(sql).unwrap().unwrap_or_default()
    }

    fn everything(tenant: &str) -> String {
        let sql = "SELECT string_agg(r.id || ' ' || r.location || ' ' || r.contact_id, ', ' ORDER BY r.id)
            FROM dialfire.recordings r WHERE r.tenant = $1";
        Spi::get_one_with_args::<String>(sql, &[tenant.into()]).unwrap().unwrap_or_default()
    }

    fn arrive(tenant: &str, recordings: Vec<Recording>) -> (u64, usize) {
        let mut batch = Batch { recordings, ..Batch::default() };
        let new = newcomers(tenant, By::Contact, &mut batch, &mut News::default()).unwrap();
        let left = batch.len();
        store::batch(tenant, batch, false).unwrap();
        (new, left)
    }

    #[pg_test]
    fn what_is_new_is_appended_and_what_is_known_is_compared() {
        let of = |id: &str, contact: &str| Recording {
            contact_id: Some(contact.to_owned()),
            ..recording(id, None, Some(contact))
        };
        assert_eq!(arrive("n", vec![of("R1", "C1"), of("R2", "C2"), of("R1", "C1")]), (0, 0));
        Spi::run("INSERT INTO dialfire.contacts (tenant, id) VALUES ('n', 'C1')").unwrap();
        assert_eq!(arrive("n", vec![of("R1", "C1"), of("R3", "C3")]), (0, 1));
        assert_eq!(everything("n"), "R1 C1 C1, R2 C2 C2, R3 C3 C3");
    }

    #[pg_test]
    fn a_new_call_of_a_known_contact_is_appended() {
        let call = |id: &str| Transaction {
            id: id.to_owned(),
            campaign_id: Some("K1".to_owned()),
            contact_id: Some("C1".to_owned()),
            fired: at("2026-11-05T10:00:00Z"),
            day: at("2026-11-05T10:00:00Z").map(|at| at.date_naive()),
            is_human: Some(true),
            ..Transaction::default()
        };
        let of =
            |id: &str, call: &str| Recording { transaction_id: Some(call.to_owned()), ..recording(id, None, Some(id)) };
        let come = |calls: &[&str]| {
            let mut batch = Batch {
                transactions: calls.iter().map(|id| call(id)).collect(),
                recordings: calls.iter().map(|id| of(&format!("R {id}"), id)).collect(),
                ..Batch::default()
            };
            let new = newcomers("a", By::Contact, &mut batch, &mut News::default()).unwrap();
            (new, batch.transactions.len(), batch.recordings.len())
        };
        assert_eq!(come(&["T1"]), (1, 0, 0));
        assert_eq!(come(&["T1", "T2"]), (1, 1, 1));
        assert_eq!(come(&["T1", "T2"]), (0, 2, 2));
    }

    #[pg_test]
    fn a_key_that_another_contact_has_stored_fails_nothing() {
        let of = |id: &str, contact: &str| Recording {
            contact_id: Some(contact.to_owned()),
            ..recording(id, None, Some(contact))
        };
        arrive("k", vec![of("R1", "C1")]);
        assert_eq!(arrive("k", vec![of("R1", "C2"), of("R2", "C2")]), (0, 2));
        assert_eq!(everything("k"), "R1 C2 C2, R2 C2 C2");
    }

    #[pg_test]
    fn a_known_value_outlives_an_absent_one() {
        let known = recording("R1", None, Some("https://vault/1.mp3"));
        assert_eq!(counts(upsert("t", vec![known], false).unwrap()), (1, 0, 0));
        let later = recording("R1", at("2026-11-05T10:01:00Z"), None);
        assert_eq!(counts(upsert("t", vec![later], false).unwrap()), (0, 1, 0));
        let row =
            text("SELECT location || ' ' || EXTRACT(minute FROM stopped) FROM dialfire.recordings WHERE id = 'R1'");
        assert_eq!(row, "https://vault/1.mp3 1");
    }

    #[pg_test]
    fn a_value_that_arrives_late_finds_its_row() {
        upsert("t", vec![recording("R1", None, None)], false).unwrap();
        upsert("t", vec![recording("R1", None, Some("https://vault/1.mp3"))], false).unwrap();
        assert_eq!(text("SELECT string_agg(location, ',') FROM dialfire.recordings"), "https://vault/1.mp3");
    }

    #[pg_test]
    fn the_fields_of_a_contact_are_replaced_as_a_whole() {
        upsert("t", vec![contact("C1", Some("+4930"), r#"{"firma": "A", "notiz": "B"}"#)], false).unwrap();
        upsert("t", vec![contact("C1", None, r#"{"firma": "C"}"#)], false).unwrap();
        assert_eq!(text("SELECT phone || fields FROM dialfire.contacts"), r#"+4930{"firma": "C"}"#);
    }

    #[pg_test]
    fn an_unchanged_row_is_neither_written_nor_locked() {
        let place = "SELECT ctid || ' ' || xmax || ' ' || changed_at FROM dialfire.contacts WHERE id = 'C1'";
        upsert("t", vec![contact("C1", None, r#"{"a": 1, "b": 2}"#)], false).unwrap();
        let before = text(place);
        assert!(before.contains(" 0 "), "{before}");
        let again = vec![contact("C1", None, r#"{"b":2,"a":1}"#), contact("C2", None, "{}")];
        assert_eq!(counts(upsert("t", again, false).unwrap()), (1, 0, 1));
        assert_eq!(text(place), before);
    }

    #[pg_test]
    fn of_the_same_id_twice_the_last_counts() {
        let rows = vec![
            recording("R1", None, Some("first")),
            recording("R2", None, Some("other")),
            recording("R1", None, Some("last")),
        ];
        assert_eq!(counts(upsert("t", rows, false).unwrap()), (2, 0, 0));
        assert_eq!(text("SELECT string_agg(location, ',' ORDER BY id) FROM dialfire.recordings"), "last,other");
    }

    #[pg_test]
    fn tenants_keep_their_rows_apart() {
        upsert("t", vec![recording("R1", None, Some("one"))], false).unwrap();
        assert_eq!(counts(upsert("u", vec![recording("R1", None, Some("two"))], false).unwrap()), (1, 0, 0));
        assert_eq!(text("SELECT string_agg(location, ',' ORDER BY tenant) FROM dialfire.recordings"), "one,two");
    }

    #[pg_test]
    fn a_dry_run_compares_and_writes_nothing() {
        upsert("t", vec![recording("R1", None, Some("known")), recording("R2", None, None)], false).unwrap();
        let place = "SELECT string_agg(ctid || ' ' || xmax, ',' ORDER BY id) FROM dialfire.recordings";
        let before = text(place);
        let rows = vec![recording("R1", None, None), recording("R2", None, Some("new")), recording("R3", None, None)];
        assert_eq!(counts(upsert("t", rows, true).unwrap()), (1, 1, 1));
        assert_eq!(text(place), before);
    }
}
