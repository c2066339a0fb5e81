//! Webhooks of HighLevel: believed by their signature, once, for five minutes, and no other than the later poll.

use std::collections::BTreeSet;

use base64::prelude::{Engine, BASE64_STANDARD};
use chrono::{SecondsFormat, TimeDelta, Utc};
use integration::simulator::Simulator;
use integration::tenant::{Tenant, LOCATION};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair, RsaKeyPair, RSA_PKCS1_SHA256};
use serde_json::{json, Value};

/// An RSA key that signs nothing but these tests, as PKCS #1.
const RSA_KEY: &str = "MIIEowIBAAKCAQEAqlWpdpQvEb93x4fCZFmnTRC9vKuHNzTzkSMyLzkSg+jEMx/DChT3iZgRHExAuvdIhEJT+lDfO636G5fFBtGtJ1CTfC3hzskjFjgB03r/EIXwVmgzqMl8sT3VRAAjMzr1hqJrHYCPJoewrStOMR60yhcvc3SEheuJI5UzSK00NRzQ7ntPBKwK7kWrnn+mgpnig3a0wCWh6+wpgDo835mUan8MOPwnmz5OHq8ICLbWE6UukyKj4dNLzoc7Fd2GzigFTauIRYzpobm/FsgacpwYXPkahYd5BKsROPu/twORBv4dTeRUb/lVFoBPMTNjw4Uje0cr1/nkqvc00t6JBbwKswIDAQABAoIBADsC/HfxdLEwZV4CQa2khdqkLyfbQTg2JyAkUnGb0zdSAA86NMccZnoL7fmgzVg47a2skQ2K0RwK9Th0BzWKlPOm7cG6351Vf8tl0fQji5R84rv809DpJUL+ihFJ/ufzyDZBtNx+upl9rw7/jtJjsfzFtZHJT1RaOqPSP/cw0oKHjUN2GqqZ6kIBzwXMg8suvDrwSN3fEi9tXYDnSci1S/Us1UdZ+DcNILXRdh2K/J0/XyEwdul/R3iffx51N5JGMsXNGqPtiN8uoXN/bry2g0aMFQq3fPAr9FFDwxvBxpIvzDm2DxoKHCNjcGvOAo9nGdqqzYcpxkY9LRvYBLpN6WkCgYEA3bPtyu0sK9Yn/LGpN2rT2h7VMWw6na24czNK19YyEZSCYCAj3+YQ8+2B1fnk7JM9JAwQi8u8ZVYzkBQ4gCb9iXuq3POkhMD7OUM1p2jbAZ6RxWS9d3sSjIgvRGHTkaM5F7fg8ETQ2/ZdMdfrvgZQwja9aubctE/51GGZ5F771D8CgYEAxK9nPFobHoRpfDEc/3CAkuZD//uleK+iUjV5XviGUXrL+F7k2Gw5RdGVsYWz89l0+Cd8QkFiLECd/vvHHxSaq33Bv9zcCfKksh0Hw3vjheGZriWY+YZWp74GA56lT5Eop6ARQBwgRjDFyw+JQ5uQTXLkyUZFZApEP23LQsTe3I0CgYEA17VaV4f940UCMQ5XG3FYYTCAtA6e1Y4SGhw85NYmbw5077w1y4JY2k0rd5sljr0PzwPiEXKQgnSlxLi35JCLPPpTW5m/Z98wUB3BlXojJGc5Y7rJ0fewK4XRn5IjPN94DEi/lmcOZAZH1NhGKeSRLPX/xISNFu99n5O7HQUBtxcCgYANPzsWx4LYFVb9dFldovgl7Lhbv1kvvbSTEOLx0I9LYZfnTIzhPrjEyQ7p+/VY0SadqBsoYzr3fAqoJ9ELeNnJ/xhTkc6IJP2OuYHSWr/CPqWZIxMgizm+5n+FMuQzbbVtRMykosBRues4d/1ovkuDy9845zC5Qi/CjeSIxLW16QKBgD15SmZPCAGiFniqF1Zv9FosmPeRnCsOXyjPGWc/cbAZuHqSVleL+nXNuuCQtLNfuwje2aFBNIZxH8s5FUVWUt5+Arskn7SqsSYBy51piPh9FEfTBQQzCRgaTpMSw4VJddYgbF0n1MpwxK8qTmWwEVxHRrNDnFKoa5LxUXBIFYk9";

/// Two pairs of keys in place of the vendor's own.
struct Signer {
    new: Ed25519KeyPair,
    old: RsaKeyPair,
}

impl Signer {
    fn make() -> Signer {
        let old = BASE64_STANDARD.decode(RSA_KEY).unwrap();
        Signer { new: Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap(), old: RsaKeyPair::from_der(&old).unwrap() }
    }

    /// What the vendor would publish: base64 of a SubjectPublicKeyInfo.
    fn public_key(&self, header: &str) -> String {
        let (prefix, key): (&[u8], &[u8]) = match header {
            "X-GHL-Signature" => (
                &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
                self.new.public_key().as_ref(),
            ),
            _ => (
                &[
                    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                    0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
                ],
                self.old.public().as_ref(),
            ),
        };
        BASE64_STANDARD.encode([prefix, key].concat())
    }

    fn sign(&self, header: &str, body: &[u8]) -> Value {
        let signature = match header {
            "X-GHL-Signature" => self.new.sign(body).as_ref().to_vec(),
            _ => {
                let mut signature = vec![0; self.old.public().modulus_len()];
                self.old.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body, &mut signature).unwrap();
                signature
            }
        };
        json!({ header: BASE64_STANDARD.encode(signature) })
    }
}

/// A location with some calls, and its tenant that believes what `header` signs.
fn location(signer: &Signer, header: &str) -> (Simulator, Tenant) {
    let simulator = Simulator::with(&["--days", "1", "--calls-per-day", "1"]);
    simulator.delete("highlevel");
    let (from, to) = (Utc::now() - TimeDelta::hours(6), Utc::now() - TimeDelta::hours(1));
    let plan = json!({"calls": 8, "from": from, "to": to, "agents": 1, "web": 0.0});
    simulator.post("highlevel", json!({ "generate": plan }));
    let tenant = Tenant::highlevel(&simulator, &format!("webhook_key '{}'", signer.public_key(header)));
    (simulator, tenant)
}

/// What the vendor sends at the end of a call, so many seconds ago: the record of its list in an envelope.
fn delivery(tenant: &mut Tenant, number: i64, webhook_id: &str, seconds: i64) -> Vec<u8> {
    let sql =
        "SELECT payload::jsonb FROM df_fetch('acme', 'last 2 days') WHERE kind = 'call' ORDER BY key OFFSET $1 LIMIT 1";
    let mut body: Value = tenant.one(sql, &[&number]);
    let sent = Utc::now() - TimeDelta::seconds(seconds);
    body["type"] = json!("VoiceAiCallEnd");
    body["locationId"] = json!(LOCATION);
    body["timestamp"] = json!(sent.to_rfc3339_opts(SecondsFormat::Millis, true));
    body["webhookId"] = json!(webhook_id);
    body.to_string().into_bytes()
}

fn ingest(tenant: &mut Tenant, body: &[u8], headers: &Value) -> (i32, String) {
    let row = tenant
        .db
        .query_one("SELECT http_status, outcome FROM df_ingest('acme', $1::bytea, $2::jsonb)", &[&body, headers])
        .unwrap();
    (row.get(0), row.get(1))
}

/// What is stored of the calls, a line a column that is known.
fn rows(tenant: &mut Tenant) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for table in ["transactions", "connections", "call_details"] {
        let sql = format!(
            "SELECT array_agg('{table} ' || id || ' ' || e) FROM dialfire.{table} t,
             jsonb_each(jsonb_strip_nulls(to_jsonb(t) - '{{stored_at,changed_at}}'::text[])) e"
        );
        all.extend(tenant.one::<Vec<String>>(&sql, &[]));
    }
    all
}

/// What only one of both has.
fn difference(a: &BTreeSet<String>, b: &BTreeSet<String>) -> Vec<String> {
    a.symmetric_difference(b).cloned().collect()
}

#[test]
fn the_end_of_a_call_is_believed_by_either_signature_over_the_bytes_of_the_body() {
    let signer = Signer::make();
    for header in ["X-GHL-Signature", "X-WH-Signature"] {
        let (_simulator, mut tenant) = location(&signer, header);
        let body = delivery(&mut tenant, 0, "w-1", 5);
        let signed = signer.sign(header, &body);
        let mut other = body.clone();
        other.push(b' ');
        assert_eq!(ingest(&mut tenant, &other, &signed), (401, "refused".to_owned()), "{header}: another body");
        assert_eq!(ingest(&mut tenant, &body, &json!({})), (401, "refused".to_owned()), "{header}: no signature");
        let foreign = json!({ header: BASE64_STANDARD.encode([1; 64]) });
        assert_eq!(ingest(&mut tenant, &body, &foreign), (401, "refused".to_owned()), "{header}: another signature");
        assert_eq!(tenant.count("transactions"), 0);
        assert_eq!(ingest(&mut tenant, &body, &signed), (200, "stored".to_owned()), "{header}");
        assert_eq!(tenant.count("transactions"), 1);
        let runs: Vec<String> =
            tenant.one("SELECT array_agg(kind || ' ' || status ORDER BY run_id) FROM dialfire.runs", &[]);
        assert_eq!(runs, ["webhook failed", "webhook failed", "webhook failed", "webhook success"]);
    }
}

#[test]
fn a_delivery_is_believed_for_five_minutes_and_once() {
    let signer = Signer::make();
    let header = "X-GHL-Signature";
    let (_simulator, mut tenant) = location(&signer, header);
    for (seconds, expected) in [(310, (401, "refused")), (-310, (401, "refused")), (290, (200, "stored"))] {
        let body = delivery(&mut tenant, 0, "w-1", seconds);
        let signed = signer.sign(header, &body);
        let (status, outcome) = ingest(&mut tenant, &body, &signed);
        assert_eq!((status, outcome.as_str()), expected, "{seconds} s old");
    }
    let body = delivery(&mut tenant, 0, "w-1", 5);
    let signed = signer.sign(header, &body);
    assert_eq!(ingest(&mut tenant, &body, &signed).1, "duplicate", "the same webhook id");
    let body = delivery(&mut tenant, 0, "w-2", 5);
    let signed = signer.sign(header, &body);
    assert_eq!(ingest(&mut tenant, &body, &signed).1, "unchanged", "another delivery about the same call");
    let seen: Vec<String> = tenant.one(
        "SELECT array_agg(concat_ws(' ', event, status, times) ORDER BY status) FROM dialfire.webhook_events",
        &[],
    );
    assert_eq!(seen, ["VoiceAiCallEnd w-1 2", "VoiceAiCallEnd w-2 1"]);
    let elsewhere = String::from_utf8(body).unwrap().replace(LOCATION, "ve9EPM428h8vShlRW1KT").into_bytes();
    let signed = signer.sign(header, &elsewhere);
    assert_eq!(ingest(&mut tenant, &elsewhere, &signed).0, 401, "another location's");
}

#[test]
fn webhooks_before_and_after_a_poll_leave_what_the_poll_alone_leaves() {
    let signer = Signer::make();
    let header = "X-GHL-Signature";
    let (simulator, mut polled) = location(&signer, header);
    polled.sync("last 2 days").expect("success").expect_counts(8, 0, 0);
    let expected = rows(&mut polled);
    let options = format!("webhook_key '{}'", signer.public_key(header));
    let mut tenant = Tenant::highlevel(&simulator, &options);
    for number in 0..8 {
        let body = delivery(&mut tenant, number, "before", 5);
        let signed = signer.sign(header, &body);
        assert_eq!(ingest(&mut tenant, &body, &signed), (200, "stored".to_owned()));
    }
    tenant.sync("last 2 days").expect("success");
    assert_eq!(difference(&rows(&mut tenant), &expected), Vec::<String>::new());
    for number in 0..8 {
        let body = delivery(&mut tenant, number, "after", 5);
        let signed = signer.sign(header, &body);
        assert_eq!(ingest(&mut tenant, &body, &signed).0, 200);
        assert_eq!(
            difference(&rows(&mut tenant), &expected),
            Vec::<String>::new(),
            "a late webhook takes nothing back"
        );
    }
}

#[test]
fn a_rule_is_checked_on_calls_of_every_vendor_by_webhook_and_poll() {
    let signer = Signer::make();
    let header = "X-GHL-Signature";
    let (_simulator, mut tenant) = location(&signer, header);
    tenant.exec("SELECT df_alert_rule('acme', 'any', '$.duration >= 0'); SELECT df_alert_rule('acme', 'booked', '$.extractedData.booked == \"yes\"')");
    let mut body: Value = serde_json::from_slice(&delivery(&mut tenant, 0, "w", 5)).unwrap();
    body["extractedData"] = json!({"booked": "yes"});
    let body = body.to_string().into_bytes();
    let signed = signer.sign(header, &body);
    assert_eq!(ingest(&mut tenant, &body, &signed).1, "stored");
    let rules = "SELECT array_agg(rule || ' ' || n ORDER BY rule) FROM (SELECT rule, count(*) AS n FROM dialfire.alerts GROUP BY rule) r";
    assert_eq!(tenant.one::<Vec<String>>(rules, &[]), ["any 1", "booked 1"]);
    for _ in 0..2 {
        tenant.sync("last 2 days").expect("success");
        assert_eq!(tenant.one::<Vec<String>>(rules, &[]), ["any 8", "booked 1"]);
    }
    // An alert is kept as long as the ledger, and what it told is not told again.
    tenant.exec(
        "UPDATE dialfire.alerts SET at = now() - interval '91 days' WHERE rule = 'any';
         UPDATE dialfire.transactions SET stored_at = now() - interval '91 days'",
    );
    let removed: String = tenant.one("SELECT df_cleanup('acme')", &[]);
    assert!(removed.contains("8 alerts"), "{removed}");
    assert_eq!(tenant.one::<i64>("SELECT df_alert_rule('acme', 'any', '$.duration >= 0')", &[]), 0);
    assert_eq!(tenant.one::<Vec<String>>(rules, &[]), ["booked 1"]);
}
