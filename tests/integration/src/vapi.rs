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
    let comma = if options.is_empty() { "" } else { ", " };
    let sql = format!(
        "CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'vapi', account '{ORG}', region 'US',
            timezone 'America/New_York', base_url '{}/vapi'{comma}{options});
         CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token '{TOKEN}')",
        simulator.base_url
    );
    db.batch_execute(&sql).unwrap_or_else(|error| panic!("{sql}: {}", words(&error)));
    Tenant { db, database, cluster }
}

/// Puts a call at the vendor, in the place of one with its id.
pub fn put(simulator: &Simulator, call: &Value) {
    simulator.post("vapi", json!({"calls": [call]}));
}

/// Makes calls over some days up to now; returns all calls of the organisation.
pub fn generate(simulator: &Simulator, count: usize, days: u32) -> Vec<Value> {
    simulator.post("vapi", json!({"generate": count, "days": days}))["calls"].as_array().expect("calls").clone()
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
