//! `/_control/highlevel`: what the location holds and how it behaves, and what it knows.

use super::generate::Generate;
use super::{Location, Log};
use crate::control::Shared;
use crate::sim::Sim;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{json, Value};
use std::sync::Arc;

pub fn router() -> Router<Arc<Sim>> {
    Router::new().route("/_control/highlevel", get(show).post(change).delete(reset))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    location: Option<String>,
    token: Option<String>,
    scopes: Option<Vec<String>>,
    generate: Option<Generate>,
    /// Records as they are given out.
    #[serde(default)]
    calls: Vec<Value>,
    #[serde(default)]
    agents: Vec<Value>,
    #[serde(default)]
    messages: Vec<Value>,
    /// Ids of logs that are gone.
    #[serde(default)]
    delete: Vec<String>,
    /// Ids of logs that only their ids find.
    #[serde(default)]
    unlisted: Vec<String>,
    strict: Option<bool>,
    page_limit: Option<usize>,
    total_records: Option<bool>,
    surprise: Option<Surprise>,
    burst: Option<usize>,
    interval_ms: Option<u64>,
    daily: Option<u64>,
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
    token_lives_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Surprise {
    after_pages: u64,
    call: Value,
}

async fn show(State(sim): Shared) -> Json<Value> {
    let location = sim.highlevel();
    Json(json!({
        "location": location.id,
        "calls": location.logs.len(),
        "agents": location.agents.len(),
        "messages": location.messages.len(),
        "pages_read": location.pages_read,
        "requests": location.limits.used,
        "refused": location.limits.refused,
        "rotations": location.oauth.rotations,
        "refresh_token": location.oauth.refresh_token,
    }))
}

async fn reset(State(sim): Shared) -> Json<Value> {
    *sim.highlevel() = Location::default();
    Json(json!({}))
}

async fn change(State(sim): Shared, body: Bytes) -> Result<Json<Value>, (StatusCode, String)> {
    let change: Change = serde_json::from_slice(&body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let mut location = sim.highlevel();
    set(&mut location.id, change.location);
    set(&mut location.token, change.token);
    set(&mut location.scopes, change.scopes);
    set(&mut location.strict, change.strict);
    set(&mut location.page_limit, change.page_limit);
    set(&mut location.total_records, change.total_records);
    set(&mut location.limits.burst, change.burst);
    set(&mut location.limits.interval_ms, change.interval_ms);
    set(&mut location.limits.daily, change.daily);
    set(&mut location.oauth.client_id, change.client_id);
    set(&mut location.oauth.client_secret, change.client_secret);
    set(&mut location.oauth.refresh_token, change.refresh_token);
    set(&mut location.oauth.lives_seconds, change.token_lives_seconds);
    if let Some(plan) = change.generate {
        location.generate(&plan).ok_or((StatusCode::BAD_REQUEST, "unreadable instant".to_owned()))?;
    }
    change.calls.iter().for_each(|call| location.insert(Log::new(call)));
    location.agents.extend(change.agents);
    location.messages.extend(change.messages);
    for id in change.delete {
        location.take(&id);
    }
    for id in change.unlisted {
        let taken = location.take(&id);
        location.unlisted.extend(taken);
    }
    if let Some(Surprise { after_pages, call }) = change.surprise {
        location.surprise = Some((location.pages_read + after_pages, Log::new(&call)));
    }
    Ok(Json(json!({"calls": location.logs.len()})))
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
