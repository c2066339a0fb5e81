use crate::testing::{all, get, post_contacts, sim};
use crate::text;
use serde_json::{json, Value};
use std::collections::HashMap;

fn events(sim: &crate::sim::Sim) -> HashMap<String, String> {
    let rows = all(sim, "contacts/transactions/?limit=1000").0;
    let split = |event: &Value| {
        let parts: Vec<String> = event.as_str().unwrap().split('|').map(str::to_owned).collect();
        (format!("{}|{}|{}", parts[0], parts[2], parts[3]), parts[1].clone())
    };
    rows.iter().map(split).collect()
}

fn changed(before: &HashMap<String, String>, after: &HashMap<String, String>) -> usize {
    before.iter().filter(|(key, md5)| after.get(*key) != Some(md5)).count()
}

fn grow(value: Value) -> super::Grow {
    serde_json::from_value(value).unwrap()
}

#[test]
fn new_calls_stand_at_the_instant_that_was_asked_for() {
    let sim = sim();
    let before = events(&sim);
    let campaign = sim.world().campaigns[0].id.clone();
    let request = grow(json!({"calls": 20, "at": "2026-10-26T22:00:00Z", "campaign": campaign}));
    sim.world_mut().grow(&request, sim.now()).unwrap();
    let after = events(&sim);
    assert_eq!((after.len(), changed(&before, &after)), (before.len() + 20, 0));
    let at = "2026-10-26T22:00:00.01";
    assert_eq!(after.keys().filter(|key| key.starts_with(at) && !before.contains_key(*key)).count(), 10);
}

#[test]
fn a_contact_can_grow_very_large() {
    let sim = sim();
    let contact = sim.world().campaigns[0].contacts[3].id.clone();
    sim.world_mut().grow(&grow(json!({"calls": 2000, "contact": contact})), sim.now()).unwrap();
    let body: Value = serde_json::from_str(&post_contacts(&sim, &[&contact])).unwrap();
    let entries = body[0]["$task_log"].as_array().unwrap();
    assert!(entries.iter().map(|entry| entry["transactions"].as_array().unwrap().len()).sum::<usize>() > 2000);
    assert!(sim.world_mut().grow(&grow(json!({"calls": 1, "contact": "X"})), 0).is_none());
    assert!(sim.world_mut().grow(&grow(json!({"calls": 1, "campaign": "X"})), 0).is_none());
}

#[test]
fn calls_in_progress_end_once_and_their_events_change() {
    let sim = sim();
    let (before, mut world) = (events(&sim), sim.world_mut());
    let open = |world: &crate::data::World| {
        let contacts = world.campaigns.iter().flat_map(|campaign| &campaign.contacts);
        let connections = contacts.flat_map(|contact| &contact.transactions).flat_map(|t| &t.connections);
        connections.filter(|connection| connection.talk.is_none()).count()
    };
    assert_eq!((open(&world), world.complete(0), open(&world), world.complete(0)), (3, 3, 0, 0));
    drop(world);
    assert!((1..=3).contains(&changed(&before, &events(&sim))));
}

#[test]
fn late_recordings_get_their_location() {
    let sim = sim();
    let missing = || crate::testing::truth(&sim, "recordings").iter().filter(|row| row["location"].is_null()).count();
    assert!(missing() > 0 && sim.world_mut().publish(0) > 0);
    assert_eq!(missing(), 0);
}

#[test]
fn a_share_of_the_transactions_changes_with_their_md5s() {
    let sim = sim();
    let (before, list) = (events(&sim), get(&sim, "contacts/list?limit=1000"));
    let count = sim.world_mut().alter(0.05, 1, sim.now());
    assert!((50..150).contains(&count), "{count}");
    let after = events(&sim);
    let in_first =
        sim.world().campaigns[0].contacts.iter().flat_map(|c| &c.transactions).filter(|t| t.revision == 1).count();
    assert_eq!((changed(&before, &after), after.len()), (in_first, before.len()));
    assert_ne!(list, get(&sim, "contacts/list?limit=1000"));
}

#[test]
fn a_deleted_contact_is_gone_everywhere() {
    let sim = sim();
    let id = sim.world().campaigns[0].contacts[0].id.clone();
    assert!(sim.world_mut().delete(&id) && !sim.world_mut().delete("X"));
    assert_eq!(post_contacts(&sim, &[&id]), "[]");
    assert!(!events(&sim).keys().any(|key| key.contains(&id)));
    assert!(!all(&sim, "contacts/ids/?limit=1000").0.contains(&Value::from(id)));
}

#[test]
fn a_verbatim_contact_is_served_to_the_letter() {
    let sim = sim();
    let raw = r#"{ "$id":"RAWCONTACT000001","a":"\u0000","b":"\ud800","n":1e999, "$task_log":[{"transactions":[
        {"fired":"2026-10-26T10:00:00.1234567Z","type":"update","user":"u"},{"status":"open"},{"fired":"nonsense"}]},
        {"transactions":null},{"transactions":[{"fired":"2026-10-26T10:00:00.123","x":"\ud800"}]}]}"#;
    let body =
        format!(r#"{{"contact":{raw},"events":["2026-10-26T11:00:00.000Z0001|00|RAWCONTACT000001|9,9","garbage"]}}"#);
    let insert = || sim.world_mut().insert(serde_json::from_str(&body).unwrap(), sim.now()).unwrap();
    assert_eq!(insert(), ("RAWCONTACT000001".to_owned(), 5));
    let served = post_contacts(&sim, &["RAWCONTACT000001"]);
    assert!(served.contains(&raw[1..]), "{served}");
    assert!(served.starts_with(&format!("[{{\"$md5\":\"{}\",", text::md5(raw))));
    let found = |all: &[Value]| all.iter().filter(|event| event.as_str().unwrap().contains("RAWCONTACT000001")).count();
    let window = "contacts/transactions/?from=2026-10-26T10:00:00&to=2026-10-26T11:00:01&limit=3";
    let rows = all(&sim, window).0;
    assert_eq!((found(&rows), rows.contains(&"garbage".into())), (4, true));
    assert!(rows.iter().any(|event| event.as_str().unwrap().starts_with("2026-10-26T10:00:00.1234567Z|")));
    let again = insert();
    assert_eq!((again.1, found(&all(&sim, window).0)), (5, 5), "only what could be read is replaced");
}

#[test]
fn what_is_no_json_can_be_sent_in_a_string() {
    let sim = sim();
    let body = r#"{"id":"RAWCONTACT000002","contact":"{\"$id\":","events":[]}"#;
    sim.world_mut().insert(serde_json::from_str(body).unwrap(), 0).unwrap();
    assert!(post_contacts(&sim, &["RAWCONTACT000002"]).contains(r#""$id":]"#));
}

#[test]
fn a_verbatim_inbound_call_stands_at_its_time() {
    let sim = sim();
    let raw = serde_json::from_str::<Box<serde_json::value::RawValue>>(
        r#"{"id":"x","call_time":"2026-10-26T10:00:00Z","d":1e999}"#,
    );
    sim.world_mut().insert_inbound(None, &raw.unwrap(), 0).unwrap();
    let (id, token) = crate::testing::first_campaign(&sim);
    let path = format!("campaigns/{id}/inbound/calls/?from=2026-10-26T10:00:00&to=2026-10-26T10:00:00.001");
    assert!(crate::testing::ask(&sim, axum::http::Method::GET, &path, &token, "").1.contains("1e999"));
}
