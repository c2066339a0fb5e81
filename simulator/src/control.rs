//! The control endpoints under `/_control/`: faults, requests, changes at the vendor, clock.

use crate::change::{Grow, Verbatim};
use crate::fault::Fault;
use crate::sim::Sim;
use crate::text;
use crate::vapi::Held;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{json, Value};
use std::sync::Arc;

pub type Shared = State<Arc<Sim>>;
type Reply = Result<Json<Value>, (StatusCode, String)>;

pub fn router() -> Router<Arc<Sim>> {
    Router::new()
        .route("/_control/faults", get(list_faults).post(add_fault).delete(clear_faults))
        .route("/_control/requests", get(list_requests).delete(reset_requests))
        .route("/_control/rate_limit", post(set_rate_limit))
        .route("/_control/grow", post(grow))
        .route("/_control/complete", post(complete))
        .route("/_control/late", post(publish))
        .route("/_control/change", post(alter))
        .route("/_control/delete", post(delete))
        .route("/_control/events", post(insert))
        .route("/_control/inbound", post(insert_inbound))
        .route("/_control/clock", post(set_clock))
        .route("/_control/bounds", post(set_bounds))
        .route("/_control/users", post(set_users))
        .route("/_control/vapi", get(show_vapi).post(set_vapi).delete(clear_vapi))
}

fn refuse(reason: impl ToString) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, reason.to_string())
}

/// The body, whatever its content type; an empty one counts as `{}`.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, (StatusCode, String)> {
    serde_json::from_slice(if body.is_empty() { b"{}" } else { body }).map_err(refuse)
}

async fn list_faults(State(sim): Shared) -> Json<Value> {
    Json(json!(sim.faults().list))
}

async fn add_fault(State(sim): Shared, body: Bytes) -> Reply {
    let fault: Fault = read(&body)?;
    let mut faults = sim.faults();
    faults.list.push(fault);
    Ok(Json(json!({"faults": faults.list.len()})))
}

async fn clear_faults(State(sim): Shared) -> Json<Value> {
    sim.faults().list.clear();
    Json(json!({"faults": 0}))
}

async fn list_requests(State(sim): Shared) -> Json<Value> {
    Json(sim.log().show())
}

async fn reset_requests(State(sim): Shared) -> Json<Value> {
    sim.log().reset();
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimit {
    per_second: Option<usize>,
}

async fn set_rate_limit(State(sim): Shared, body: Bytes) -> Reply {
    let RateLimit { per_second } = read(&body)?;
    sim.log().per_second = per_second.filter(|limit| *limit > 0);
    Ok(Json(json!({"per_second": per_second})))
}

async fn grow(State(sim): Shared, body: Bytes) -> Reply {
    let grow: Grow = read(&body)?;
    let grown = sim.world_mut().grow(&grow, sim.now());
    let (first, last) = grown.ok_or_else(|| refuse("unknown campaign or contact, or unreadable instant"))?;
    Ok(Json(json!({"added": grow.calls, "first": text::time(first), "last": text::time(last)})))
}

async fn complete(State(sim): Shared) -> Json<Value> {
    Json(json!({"changed": sim.world_mut().complete(sim.now())}))
}

async fn publish(State(sim): Shared) -> Json<Value> {
    Json(json!({"changed": sim.world_mut().publish(sim.now())}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alter {
    share: f64,
    #[serde(default)]
    seed: u64,
}

async fn alter(State(sim): Shared, body: Bytes) -> Reply {
    let Alter { share, seed } = read(&body)?;
    Ok(Json(json!({"changed": sim.world_mut().alter(share, seed, sim.now())})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    contact: String,
}

async fn delete(State(sim): Shared, body: Bytes) -> Reply {
    let Delete { contact } = read(&body)?;
    match sim.world_mut().delete(&contact) {
        true => Ok(Json(json!({"deleted": contact}))),
        false => Err(refuse("unknown contact")),
    }
}

async fn insert(State(sim): Shared, body: Bytes) -> Reply {
    let verbatim: Verbatim = read(&body)?;
    let inserted = sim.world_mut().insert(verbatim, sim.now());
    let (id, events) = inserted.ok_or_else(|| refuse("unknown campaign"))?;
    Ok(Json(json!({"contact": id, "events": events})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InboundCall {
    campaign: Option<String>,
    call: Box<RawValue>,
}

async fn insert_inbound(State(sim): Shared, body: Bytes) -> Reply {
    let InboundCall { campaign, call } = read(&body)?;
    let inserted = sim.world_mut().insert_inbound(campaign.as_ref(), &call, sim.now());
    inserted.map(|()| Json(json!({"added": 1}))).ok_or_else(|| refuse("unknown campaign"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    shift_seconds: i64,
}

async fn set_clock(State(sim): Shared, body: Bytes) -> Reply {
    let Clock { shift_seconds } = read(&body)?;
    sim.set(|settings| settings.shift = shift_seconds * 1000);
    Ok(Json(json!({"now": text::time(sim.now())})))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    Inclusive,
    Exclusive,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    from: Option<Bound>,
    to: Option<Bound>,
}

async fn set_bounds(State(sim): Shared, body: Bytes) -> Reply {
    let Bounds { from, to } = read(&body)?;
    sim.set(|settings| {
        settings.from_inclusive = from.map_or(settings.from_inclusive, |bound| matches!(bound, Bound::Inclusive));
        settings.to_inclusive = to.map_or(settings.to_inclusive, |bound| matches!(bound, Bound::Inclusive));
    });
    let now = sim.settings();
    Ok(Json(json!({"from_inclusive": now.from_inclusive, "to_inclusive": now.to_inclusive})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Users {
    hidden: bool,
}

async fn set_users(State(sim): Shared, body: Bytes) -> Reply {
    let Users { hidden } = read(&body)?;
    sim.set(|settings| settings.users_hidden = hidden);
    Ok(Json(json!({"hidden": hidden})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VapiCalls {
    /// Verbatim, each in the place of one with its id.
    #[serde(default)]
    calls: Vec<Value>,
    /// Verbatim, found by their ids only.
    #[serde(default)]
    unlisted: Vec<Value>,
    /// Ids of calls that are gone.
    #[serde(default)]
    delete: Vec<String>,
    /// How many to make from the seed.
    #[serde(default)]
    generate: usize,
    #[serde(default = "a_day")]
    days: u32,
    #[serde(default)]
    seed: u64,
    /// Make no calls from the web, which are tests.
    #[serde(default)]
    phone_only: bool,
    cap: Option<usize>,
}

fn a_day() -> u32 {
    1
}

async fn set_vapi(State(sim): Shared, body: Bytes) -> Reply {
    let VapiCalls { calls, unlisted, delete, generate, days, seed, cap, phone_only } = read(&body)?;
    let now = sim.now();
    let mut vapi = sim.vapi();
    vapi.cap = cap.or(vapi.cap);
    if generate > 0 {
        vapi.generate(generate, days, seed, now, phone_only);
    }
    if delete.len() + calls.len() > 0 {
        vapi.calls.retain(|call| !delete.iter().any(|id| call.is(id)));
        vapi.put(calls);
    }
    vapi.unlisted.extend(unlisted.iter().map(Held::new));
    Ok(Json(json!({"calls": vapi.calls.len()})))
}

async fn show_vapi(State(sim): Shared) -> Json<Value> {
    Json(json!({"calls": sim.vapi().calls.iter().map(Held::value).collect::<Vec<_>>()}))
}

async fn clear_vapi(State(sim): Shared) -> Json<Value> {
    *sim.vapi() = crate::vapi::Vapi::default();
    Json(json!({}))
}
