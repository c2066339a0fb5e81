use super::openapi::Document;
use super::*;
use crate::api::Call;
use crate::sim::Sim;
use crate::testing::sim;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

const LOCATION: &str = "B7TzvBb6H6QvDNdEEhlt";

fn ask(sim: &Sim, method: &str, path: &str, headers: &[(&'static str, &'static str)], body: &str) -> (u16, Value) {
    let pairs = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let headers: HeaderMap = pairs.collect();
    let call = Call::new(method.parse().unwrap(), path.parse().unwrap(), headers, body.as_bytes().to_vec());
    let answer = answer(sim, &call);
    (answer.status, serde_json::from_str(&answer.content.render(&mut sim.cursors())).unwrap())
}

fn filled() -> Sim {
    let sim = sim();
    let plan =
        json!({"calls": 60, "from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z", "agents": 3, "web": 0.2});
    sim.highlevel().generate(&serde_json::from_value(plan).unwrap()).unwrap();
    sim
}

fn get(sim: &Sim, path: &str) -> (u16, Value) {
    ask(
        sim,
        "GET",
        &format!("/highlevel{path}"),
        &[("authorization", "Bearer pit-secret-token"), ("version", "2021-04-15")],
        "",
    )
}

/// Faults that real answers have too: `null` where the document knows no null.
fn unexpected(faults: Vec<String>) -> Vec<String> {
    let known = |fault: &String| fault.contains(".translation: null") || fault.contains("nextCursor: null");
    faults.into_iter().filter(|fault| !known(fault)).collect()
}

#[test]
fn every_answer_fits_the_vendors_document() {
    let sim = filled();
    let voice = Document::open("highlevel/apps/voice-ai.json");
    let conversations = Document::open("highlevel/apps/conversations.json");
    let list = "/voice-ai/dashboard/call-logs";
    let (status, page) =
        get(&sim, &format!("{list}?locationId={LOCATION}&pageSize=50&startDate=1&endDate=9999999999999"));
    assert_eq!((status, page["total"].as_u64(), page["callLogs"].as_array().unwrap().len()), (200, Some(60), 50));
    assert_eq!(unexpected(voice.faults(list, "get", 200, &page)), [""; 0]);
    let id = page["callLogs"][0]["id"].as_str().unwrap();
    let (_, single) = get(&sim, &format!("{list}/{id}?locationId={LOCATION}"));
    assert_eq!(unexpected(voice.faults(&format!("{list}/{{callId}}"), "get", 200, &single)), [""; 0]);
    let (_, agents) = get(&sim, &format!("/voice-ai/agents?locationId={LOCATION}"));
    assert_eq!(unexpected(voice.faults("/voice-ai/agents", "get", 200, &agents)), [""; 0]);
    let export = "/conversations/messages/export";
    let (_, messages) = get(&sim, &format!("{export}?locationId={LOCATION}&channel=Call&limit=10"));
    assert_eq!(messages["messages"].as_array().unwrap().len(), 10);
    assert_eq!(unexpected(conversations.faults(export, "get", 200, &messages)), [""; 0]);
}

#[test]
fn refusals_fit_the_vendors_document() {
    let sim = filled();
    let voice = Document::open("highlevel/apps/voice-ai.json");
    let list = "/voice-ai/dashboard/call-logs";
    for query in ["", &format!("?locationId={LOCATION}&startDate=1"), &format!("?locationId={LOCATION}&pageSize=51")] {
        let (status, body) = get(&sim, &format!("{list}{query}"));
        assert_eq!(status, 400, "{query}");
        assert_eq!(voice.faults(list, "get", 400, &body), [""; 0]);
    }
    sim.highlevel().scopes.clear();
    let (status, body) = get(&sim, &format!("{list}?locationId={LOCATION}"));
    assert_eq!(status, 401);
    assert_eq!(voice.faults(list, "get", 401, &body), [""; 0]);
}

#[test]
fn a_schema_that_does_not_fit_is_noticed() {
    let voice = Document::open("highlevel/apps/voice-ai.json");
    let list = "/voice-ai/dashboard/call-logs";
    let page = json!({"total": "1", "page": 1, "callLogs": [{"id": 7}]});
    let faults = voice.faults(list, "get", 200, &page);
    for expected in ["body.total", "pageSize is missing", "body.callLogs[0].id", "agentId is missing"] {
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}: {faults:?}");
    }
}

#[test]
fn a_strict_vendor_refuses_what_its_document_does_not_know() {
    let sim = filled();
    sim.highlevel().strict = true;
    let list = "/voice-ai/dashboard/call-logs";
    assert_eq!(get(&sim, &format!("{list}?locationId={LOCATION}&limit=100&skip=0")).0, 422);
    let known = Document::open("highlevel/apps/voice-ai.json").parameters(list, "get");
    let query: Vec<String> = known
        .iter()
        .filter(|name| !["locationId", "startDate", "endDate", "page", "pageSize"].contains(&name.as_str()))
        .map(|name| format!("&{name}=x"))
        .collect();
    assert_eq!(get(&sim, &format!("{list}?locationId={LOCATION}{}", query.concat())).0, 200);
}

#[test]
fn without_parameters_ten_of_the_newest_come() {
    let sim = filled();
    let (_, page) = get(&sim, &format!("/voice-ai/dashboard/call-logs?locationId={LOCATION}&limit=100&skip=20"));
    let logs = page["callLogs"].as_array().unwrap();
    assert_eq!(logs.len(), 10, "whoever asks with limit and skip believes that there are ten");
    assert!(logs[0]["createdAt"].as_str() > logs[9]["createdAt"].as_str());
}

#[test]
fn the_burst_and_the_day_are_limited_and_announced() {
    let sim = filled();
    sim.highlevel().limits.burst = 2;
    let path = format!("/voice-ai/agents?locationId={LOCATION}");
    assert_eq!([get(&sim, &path).0, get(&sim, &path).0, get(&sim, &path).0], [200, 200, 429]);
}

#[test]
fn a_refresh_token_is_good_once() {
    let sim = sim();
    {
        let mut location = sim.highlevel();
        let oauth = &mut location.oauth;
        (oauth.client_id, oauth.client_secret, oauth.refresh_token) = ("c".into(), "s".into(), "r0".into());
    }
    let refresh = |token: &str| {
        let form =
            format!("client_id=c&client_secret=s&grant_type=refresh_token&refresh_token={token}&user_type=Location");
        ask(&sim, "POST", "/highlevel/oauth/token", &[("content-type", "application/x-www-form-urlencoded")], &form)
    };
    let (status, tokens) = refresh("r0");
    assert_eq!((status, tokens["expires_in"].as_i64()), (200, Some(86_399)));
    assert_eq!(refresh("r0").0, 400);
    assert_eq!(refresh(tokens["refresh_token"].as_str().unwrap()).0, 200);
}
