use crate::testing::{all, post_contacts, sim, Server};
use crate::text;
use serde_json::Value;
use std::collections::BTreeMap;

/// The rows as someone derives them who has only the vendor's JSON: id to the fields that matter.
#[derive(Default)]
struct Derived {
    transactions: BTreeMap<String, (String, Value)>,
    connections: BTreeMap<String, (String, Value, Value)>,
    recordings: BTreeMap<String, Value>,
}

impl Derived {
    fn contact(&mut self, contact: &Value) {
        let id = contact["$id"].as_str().unwrap();
        let entries = contact["$task_log"].as_array().unwrap();
        for transaction in entries.iter().flat_map(|entry| entry["transactions"].as_array().unwrap()) {
            let fired = transaction["fired"].as_str().unwrap();
            let plain = text::md5(&format!("{id}{fired}"));
            let numbered = text::md5(&format!("{id}{fired}{}", transaction["sequence_nr"]));
            let row = if self.transactions.contains_key(&plain) { numbered } else { plain };
            self.transactions.insert(row.clone(), (fired.into(), transaction["status_detail"].clone()));
            self.connections(&row, &transaction["connections"]);
        }
    }

    fn connections(&mut self, transaction: &str, connections: &Value) {
        for connection in connections.as_array().unwrap_or(&vec![]) {
            let id = connection["id"].as_str().unwrap().to_owned();
            for recording in connection["recordings"].as_array().unwrap_or(&vec![]) {
                let row = text::md5(&format!("{id}{}", recording["started"].as_str().unwrap()));
                self.recordings.insert(row, recording["location"].clone());
            }
            self.connections(transaction, &connection["third_party_connections"]);
            let fields = (connection["duration"].clone(), connection["disconnected"].clone());
            self.connections.insert(id, (transaction.to_owned(), fields.0, fields.1));
        }
    }
}

#[test]
fn the_truth_is_what_the_json_says() {
    let sim = sim();
    sim.world_mut().alter(0.02, 7, sim.now());
    let mut derived = Derived::default();
    let ids = all(&sim, "contacts/ids/?limit=1000").0;
    for batch in ids.chunks(100) {
        let batch: Vec<&str> = batch.iter().filter_map(Value::as_str).collect();
        let contacts: Vec<Value> = serde_json::from_str(&post_contacts(&sim, &batch)).unwrap();
        contacts.iter().for_each(|contact| derived.contact(contact));
    }
    let campaign = Value::from(crate::testing::first_campaign(&sim).0);
    let rows = |table: &str| {
        let rows = crate::testing::truth(&sim, table).into_iter().filter(|row| row["campaign_id"] == campaign);
        rows.map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect::<BTreeMap<_, _>>()
    };
    let transactions = rows("transactions");
    let fields = |row: &Value| (row["fired"].as_str().unwrap().to_owned(), row["status_detail"].clone());
    assert_eq!(
        transactions.iter().map(|(id, row)| (id.clone(), fields(row))).collect::<BTreeMap<_, _>>(),
        derived.transactions
    );
    let fields = |row: &Value| {
        (row["transaction_id"].as_str().unwrap().to_owned(), row["duration"].clone(), row["disconnected"].clone())
    };
    let connections = rows("connections");
    assert_eq!(
        connections.iter().map(|(id, row)| (id.clone(), fields(row))).collect::<BTreeMap<_, _>>(),
        derived.connections
    );
    let recordings: BTreeMap<_, _> =
        rows("recordings").into_iter().map(|(id, row)| (id, row["location"].clone())).collect();
    assert_eq!(recordings, derived.recordings);
    assert!(recordings.len() > 100 && recordings.values().any(Value::is_null));
    assert_eq!(rows("contacts").len(), ids.len());
}

#[test]
fn the_counts_follow_the_range_and_the_campaign() {
    let server = Server::start();
    let whole = server.control("GET", "truth", "");
    assert_eq!((&whole["transactions"], &whole["contacts"]), (&2000.into(), &500.into()));
    let middle = "2026-10-25T22:00:00Z";
    let before = server.control("GET", &format!("truth?to={middle}"), "");
    let after = server.control("GET", &format!("truth?from={middle}"), "");
    for table in ["transactions", "connections", "recordings", "inbound"] {
        let sum = before[table].as_u64().unwrap() + after[table].as_u64().unwrap();
        assert_eq!(sum, whole[table].as_u64().unwrap(), "{table}");
        assert!(before[table].as_u64() > Some(0) && after[table].as_u64() > Some(0));
    }
    let (id, _) = crate::testing::first_campaign(&server.sim);
    let rows = server.control("GET", &format!("truth/transactions?campaign={id}&from={middle}"), "");
    assert!(rows
        .as_array()
        .unwrap()
        .iter()
        .all(|row| row["campaign_id"] == *id && row["fired"].as_str() >= Some("2026-10-25T22")));
    assert_eq!(server.raw("GET", "/_control/truth?from=nonsense", "", "").status, 400);
}
