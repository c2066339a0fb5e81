//! Records that are larger or deeper than any real one.

use crate::bad_input::{scene, two, SOUND};
use integration::record::{call, contact, transaction, with, DAY};
use serde_json::json;

#[test]
fn a_contact_of_20000_transactions_is_stored_whole() {
    let mut scene = scene();
    let one = |at: u32| {
        let clock = format!("{:02}:{:02}:{:02}.{:03}", 6 + at / 2000, at / 40 % 60, at % 60, at % 1000);
        let leg =
            json!({"id": format!("leg-{at}"), "fired": format!("{DAY}T{clock}Z"), "result": "connect", "code": 200});
        with(with(transaction(&clock), "sequence_nr", json!(at)), "connections", json!([leg]))
    };
    let json = contact("HUGE", (0..20_000).map(one).collect()).to_string();
    scene.simulator.contact(&json);
    let before = (scene.tenant.peak_memory(), scene.tenant.cpu());
    let run = scene.sync();
    // Not the time: others may have the processors meanwhile.
    let (grown, cpu) = (scene.tenant.peak_memory() - before.0, scene.tenant.cpu() - before.1);
    println!("20,000 transactions, {} KiB of JSON: {cpu:.1} s of CPU, {grown} KiB of memory", json.len() >> 10);
    run.expect("success");
    assert_eq!((scene.count("dialfire.transactions"), scene.count("dialfire.connections")), (20_000, 20_000));
    assert!(cpu < 60.0 && grown < 512 << 10, "{cpu} s, {grown} KiB");
}

#[test]
fn deep_nesting_harms_nobody() {
    let mut scene = scene();
    scene.simulator.contact(&contact("SOUND", json!([transaction(SOUND)])).to_string());
    for (id, depth) in [("DEEP", 400), ("DEEPER", 100_000)] {
        let json = contact(id, json!([with(transaction("10:00:00.000"), "abyss", json!("ABYSS"))])).to_string();
        let abyss = "[".repeat(depth) + &"]".repeat(depth);
        scene.simulator.post(
            "events",
            json!({"contact": json.replace("\"ABYSS\"", &abyss), "id": id, "derive": false,
            "events": [format!("{DAY}T10:00:00.000Z|{id}|{id}|0,0")]}),
        );
    }
    let run = scene.tenant.sync(DAY);
    println!("deep nesting: {run:?}");
    assert_eq!(scene.count("dialfire.transactions WHERE contact_id = 'SOUND'"), 1, "{run:?}");
    assert_ne!(run.status, "success", "{run:?}");
    assert_eq!(scene.tenant.one::<i32>("SELECT 1", &[]), 1);
}

#[test]
fn third_parties_of_third_parties_end_somewhere() {
    let mut scene = scene();
    let fired = format!("{DAY}T10:00:00.000Z");
    let mut leg = json!({"id": "leg-0", "fired": fired});
    for depth in 1..60 {
        leg = json!({"id": format!("leg-{depth}"), "fired": fired, "third_party_connections": [leg]});
    }
    scene.simulator.contact(&two(with(transaction("10:00:00.000"), "connections", json!([leg]))).to_string());
    scene.sync().expect("partial");
    let (kind, reason, ..) = scene.reject();
    assert_eq!((kind.as_str(), reason.as_str()), ("connection", "too_deep"));
    assert_eq!(scene.count("dialfire.transactions"), 2);
}

#[test]
fn a_huge_key_is_quarantined() {
    let mut scene = scene();
    let huge = "K".repeat(100_000);
    let leg = json!({"id": huge, "fired": format!("{DAY}T10:00:00.000Z")});
    scene.simulator.contact(&two(with(transaction("10:00:00.000"), "connections", json!([leg]))).to_string());
    scene.simulator.post("inbound", json!({"call": call(&huge, "10:00:00.000")}));
    scene.simulator.post("inbound", json!({"call": call("in-1", "10:00:00.000")}));
    scene.sync().expect("partial").expect_counts(3, 0, 0);
    let keys = "dialfire.rejects_open WHERE reason = 'key_too_long' AND kind IN ('connection', 'inbound_call')";
    assert_eq!(scene.count(keys), 2);
}
