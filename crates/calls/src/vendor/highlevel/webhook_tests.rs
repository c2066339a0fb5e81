use base64::prelude::{Engine, BASE64_STANDARD};
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::*;
use crate::instant::parse;

const BODY: &str = include_str!("signed_webhook.json");
const LOCATION: &str = "B7TzvBb6H6QvDNdEEhlt";

fn opened(body: &str, location: &str, now: &str) -> Result<Delivery, Untrusted> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let header = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let spki = BASE64_STANDARD.encode([&header[..], pair.public_key().as_ref()].concat());
    let signature = BASE64_STANDARD.encode(pair.sign(body.as_bytes()));
    let asked = |name: &str| (name == "x-ghl-signature").then_some(signature.as_str());
    let keys = Keys::default().with(&spki).unwrap();
    open(&keys, asked, body.as_bytes(), location, Tz::UTC, parse(now).unwrap())
}

#[test]
fn the_end_of_a_call_becomes_its_rows() {
    let delivery = opened(BODY, LOCATION, "2026-06-19T13:46:20Z").unwrap();
    assert_eq!((delivery.id.as_str(), delivery.event.as_str()), ("w-1", "VoiceAiCallEnd"));
    assert_eq!(delivery.batch.transactions[0].id, "6a3547b12b6a75f640cf3e1d");
    assert_eq!(delivery.batch.transactions[0].is_test, Some(true));
    assert!(delivery.batch.rejects.is_empty());
}

#[test]
fn a_webhook_is_believed_for_five_minutes() {
    assert!(opened(BODY, LOCATION, "2026-06-19T13:51:18Z").is_ok());
    assert_eq!(opened(BODY, LOCATION, "2026-06-19T13:51:19.5Z").unwrap_err(), Untrusted::Replayed(301));
    assert_eq!(opened(BODY, LOCATION, "2026-06-19T13:41:17Z").unwrap_err(), Untrusted::Replayed(-301));
    let without = BODY.replace("\"timestamp\"", "\"time\"");
    assert!(matches!(opened(&without, LOCATION, "2026-06-19T13:46:20Z"), Err(Untrusted::Shape(_))));
}

#[test]
fn a_webhook_of_another_location_is_refused() {
    let refused = opened(BODY, "OTHER", "2026-06-19T13:46:20Z").unwrap_err();
    assert_eq!(refused, Untrusted::Location(LOCATION.to_owned()));
}

#[test]
fn an_event_that_is_no_call_is_acknowledged_without_rows() {
    let other = BODY.replace("VoiceAiCallEnd", "ContactCreate");
    let delivery = opened(&other, LOCATION, "2026-06-19T13:46:20Z").unwrap();
    assert!(delivery.batch.is_empty());
    assert_eq!(delivery.event, "ContactCreate");
}

#[test]
fn its_time_may_be_milliseconds_too() {
    let sent = BODY.split("\"timestamp\"").nth(1).and_then(|rest| rest.split('"').nth(1)).unwrap();
    let milliseconds = BODY.replace(&format!("\"{sent}\""), &parse(sent).unwrap().timestamp_millis().to_string());
    assert_ne!(milliseconds, BODY);
    assert_eq!(opened(&milliseconds, LOCATION, sent).unwrap().sent_at, parse(sent).ok());
}
