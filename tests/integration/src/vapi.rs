//! A tenant of Vapi's on the simulated vendor.

use crate::cluster::Cluster;
use crate::simulator::Simulator;
use crate::tenant::{words, Tenant, TOKEN};
use serde_json::{json, Value};

/// The simulator's organisation.
pub const ORG: &str = "46cf2995-2bee-44e3-838b-24151486fe4e";
/// What webhooks are signed with.
pub const WEBHOOK_SECRET: &str = "webhook-secret-of-the-tests";

/// The simulated vendor, whose time is now.
pub fn simulator() -> Simulator {
    Simulator::with(&["--days", "1", "--calls-per-day", "1"])
}

/// Tenant `acme` of an organisation without calls.
pub fn tenant(simulator: &Simulator, options: &str) -> Tenant {
    let cluster = Cluster::shared();
    let database = cluster.database();
    let mut db = cluster.connect(&database);
    create(&mut db, simulator, options);
    Tenant { db, database, cluster }
}

pub fn create(db: &mut postgres::Client, simulator: &Simulator, options: &str) {
    let comma = if options.is_empty() { "" } else { ", " };
    let sql = format!(
        "CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'vapi', account '{ORG}', region 'US',
            timezone 'America/New_York', base_url '{}/vapi'{comma}{options});
         CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token '{TOKEN}')",
        simulator.base_url
    );
    db.batch_execute(&sql).unwrap_or_else(|error| panic!("{sql}: {}", words(&error)));
}

/// Puts a call at the vendor, in the place of one with its id.
pub fn put(simulator: &Simulator, call: &Value) {
    simulator.post("vapi", json!({"calls": [call]}));
}

/// Makes calls over some days up to now.
pub fn fill(simulator: &Simulator, count: usize, days: u32) {
    simulator.post("vapi", json!({"generate": count, "days": days}));
}

/// The same; returns all calls of the organisation.
pub fn generate(simulator: &Simulator, count: usize, days: u32) -> Vec<Value> {
    fill(simulator, count, days);
    simulator.get("vapi")["calls"].as_array().expect("calls").clone()
}

/// Takes calls away at the vendor.
pub fn delete(simulator: &Simulator, ids: &[&str]) {
    simulator.post("vapi", json!({"delete": ids}));
}

/// An instant so many minutes ago, as the vendor writes it.
pub fn ago(minutes: i64) -> String {
    let at = chrono::Utc::now() - chrono::TimeDelta::minutes(minutes);
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// A call that was made so many minutes ago and has not begun.
pub fn queued(id: &str, minutes: i64) -> Value {
    json!({"id": id, "orgId": ORG, "type": "outboundPhoneCall", "status": "queued", "createdAt": ago(minutes),
        "updatedAt": ago(minutes), "customer": {"number": "+14155550123"}})
}

/// Lets `acme` believe webhooks with [`WEBHOOK_SECRET`].
pub fn believe_webhooks(tenant: &mut Tenant) {
    tenant.exec(&format!(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (ADD webhook_secret '{WEBHOOK_SECRET}')"
    ));
}

/// What `df_ingest` answers.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub http_status: i32,
    pub outcome: String,
    pub call_id: Option<String>,
    pub detail: String,
}

/// Brings a body with headers to `acme`.
pub fn ingest_with(db: &mut postgres::Client, body: &[u8], headers: &Value) -> Answer {
    let row = db
        .query_one("SELECT * FROM df_ingest('acme', $1::bytea, $2::jsonb)", &[&body, headers])
        .unwrap_or_else(|error| panic!("{}", words(&error)));
    Answer { http_status: row.get(0), outcome: row.get(1), call_id: row.get(2), detail: row.get(3) }
}

/// Brings a message with the right secret.
pub fn ingest(db: &mut postgres::Client, message: &Value) -> Answer {
    let body = json!({"message": message}).to_string();
    ingest_with(db, body.as_bytes(), &json!({"X-Vapi-Secret": WEBHOOK_SECRET}))
}

/// The copy of a call that messages carry: from when it was created.
pub fn snapshot(id: &str) -> Value {
    json!({"id": id, "orgId": ORG, "type": "outboundPhoneCall", "status": "queued", "createdAt": "2026-11-05T10:00:00.000Z",
        "updatedAt": "2026-11-05T10:00:00.000Z", "assistantId": "a0000000-0000-4000-8000-000000000001",
        "customer": {"number": "+14155550123"}})
}

/// Milliseconds since 1970 of so many seconds after the call was created.
pub fn stamp(seconds: i64) -> i64 {
    1_793_872_800_000 + seconds * 1000
}

pub fn status_update(id: &str, status: &str, seconds: i64) -> Value {
    json!({"type": "status-update", "status": status, "timestamp": stamp(seconds), "call": snapshot(id)})
}

pub fn report(id: &str, reason: &str, seconds: i64) -> Value {
    json!({"type": "end-of-call-report", "endedReason": reason, "timestamp": stamp(seconds), "call": snapshot(id),
        "startedAt": "2026-11-05T10:00:10.000Z", "endedAt": "2026-11-05T10:01:00.000Z", "cost": 0.0512,
        "customer": {"number": "+14155550123", "name": "Maria Lopez"},
        "analysis": {"summary": "She books.", "successEvaluation": "true", "structuredData": {"leadScore": 85}},
        "artifact": {"transcript": "AI: Hello.\nUser: Hi.\n", "recordingUrl": "https://storage.example.com/r.wav"}})
}
