//! The endpoints.

use super::Location;
use crate::answer::{Answer, JSON};
use crate::api::Call;
use crate::sim::Sim;
use axum::http::header;
use serde_json::{json, Value};
use std::collections::HashMap;
use std::time::{Duration, Instant};

const VERSIONS: [&str; 3] = ["2021-04-15", "2021-07-28", "v3"];
const LOG_PARAMETERS: [&str; 10] =
    ["locationId", "agentId", "contactId", "callType", "startDate", "endDate", "actionType", "sortBy", "sort", "page"];

pub fn answer(sim: &Sim, call: &Call) -> Answer {
    let mut location = sim.highlevel();
    let refused = location.limit();
    let answer = match refused {
        Some(refusal) => whole(refusal),
        None => route(&mut location, call).unwrap_or_else(whole),
    };
    location.announce(answer)
}

fn whole((status, body): Refusal) -> Answer {
    Answer::whole(status, JSON, body.to_string())
}

fn route(location: &mut Location, call: &Call) -> Result<Answer, Refusal> {
    let path = call.uri.path().strip_prefix(super::PREFIX).unwrap_or_default().trim_matches('/').to_owned();
    if (call.method.as_str(), path.as_str()) == ("POST", "oauth/token") {
        return token(location, call);
    }
    let parts: Vec<&str> = path.split('/').collect();
    let scope = match parts.as_slice() {
        ["voice-ai", "dashboard", ..] => "voice-ai-dashboard.readonly",
        ["voice-ai", "agents"] => "voice-ai-agents.readonly",
        ["conversations", ..] => "conversations/message.readonly",
        _ => return Err(refuse(404, json!({"statusCode": 404, "message": "Not Found"}))),
    };
    authorise(location, call, scope)?;
    match parts.as_slice() {
        ["voice-ai", "dashboard", "call-logs"] => call_logs(location, call),
        ["voice-ai", "dashboard", "call-logs", id] => call_log(location, id),
        ["voice-ai", "agents"] => agents(location, call),
        ["conversations", "messages", "export"] => messages(location, call),
        _ => Err(refuse(404, json!({"statusCode": 404, "message": "Not Found"}))),
    }
}

/// A status and its body.
type Refusal = (u16, Value);

fn refuse(status: u16, body: Value) -> Refusal {
    (status, body)
}

fn bad(message: &str) -> Refusal {
    refuse(400, json!({"statusCode": 400, "message": message}))
}

fn unauthorised(message: &str) -> Refusal {
    refuse(401, json!({"statusCode": 401, "message": message, "error": "Unauthorized"}))
}

fn authorise(location: &Location, call: &Call, scope: &str) -> Result<(), Refusal> {
    let token = call.header(header::AUTHORIZATION).strip_prefix("Bearer ").unwrap_or_default().trim();
    let access = &location.oauth.access_token;
    if token.is_empty() || token != location.token && (access.is_empty() || token != access) {
        return Err(unauthorised("Invalid token: access token is invalid"));
    }
    let version = call.headers.get("version").and_then(|version| version.to_str().ok()).unwrap_or_default();
    if !VERSIONS.contains(&version) {
        return Err(bad("version header was not found or is invalid."));
    }
    if !location.scopes.iter().any(|own| own == scope) {
        return Err(unauthorised("The token is not authorized for this scope."));
    }
    match call.query.get("locationId") {
        Some(id) if *id == location.id => Ok(()),
        Some(_) => {
            Err(refuse(403, json!({"statusCode": 403, "message": "The token does not have access to this location."})))
        }
        None => Err(bad("locationId is required")),
    }
}

fn number(query: &HashMap<String, String>, name: &str, default: i64) -> Result<i64, Refusal> {
    match query.get(name) {
        None => Ok(default),
        Some(text) => {
            text.parse().map_err(|_| bad(&format!("{name} must be a number conforming to the specified constraints")))
        }
    }
}

fn call_logs(location: &mut Location, call: &Call) -> Result<Answer, Refusal> {
    let query = &call.query;
    let unknown = query.keys().find(|name| !LOG_PARAMETERS.contains(&name.as_str()) && *name != "pageSize");
    if let Some(name) = unknown.filter(|_| location.strict) {
        let message = [format!("property {name} should not exist")];
        return Err(refuse(422, json!({"statusCode": 422, "message": message, "error": "Unprocessable Entity"})));
    }
    let (from, to) = match (query.contains_key("startDate"), query.contains_key("endDate")) {
        (false, false) => (i64::MIN, i64::MAX),
        (true, true) => (number(query, "startDate", 0)?, number(query, "endDate", 0)?),
        _ => return Err(bad("Both startDate and endDate must be provided together")),
    };
    if from >= to {
        return Err(bad("startDate must be less than endDate"));
    }
    let size = number(query, "pageSize", 10)?;
    if !(1..=50).contains(&size) {
        return Err(bad("pageSize must not be greater than 50"));
    }
    let size = (size as usize).min(location.page_limit);
    let page = number(query, "page", 1)?.max(1) as usize;
    let logs = &location.logs;
    let found = &logs[logs.partition_point(|log| log.at < from)..logs.partition_point(|log| log.at <= to)];
    let total = found.len();
    let pages = || found.iter().map(|log| log.json.as_str());
    let shown: Vec<&str> = match query.get("sort").is_some_and(|sort| sort == "ascend") && query.contains_key("sortBy")
    {
        true => pages().skip((page - 1) * size).take(size).collect(),
        false => pages().rev().skip((page - 1) * size).take(size).collect(),
    };
    let trace = "\"traceId\":\"b567e92a-b68a-45d0-a92b-faa1c94961a0\"";
    let body = match location.total_records {
        true => format!("{{\"callLogs\":[{}],\"totalRecords\":{total},{trace}}}", shown.join(",")),
        false => format!(
            "{{\"callLogs\":[{}],\"total\":{total},\"page\":{page},\"pageSize\":{size},{trace}}}",
            shown.join(",")
        ),
    };
    location.pages_read += 1;
    if location.surprise.as_ref().is_some_and(|(after, _)| *after == location.pages_read) {
        if let Some((_, log)) = location.surprise.take() {
            location.insert(log);
        }
    }
    Ok(Answer::json(body))
}

fn call_log(location: &Location, id: &str) -> Result<Answer, Refusal> {
    let wanted = format!("\"id\":\"{id}\"");
    let found = location.logs.iter().chain(&location.unlisted).find(|log| log.json.contains(&wanted));
    let Some(log) = found else {
        return Err(refuse(404, json!({"statusCode": 404, "message": "Call log not found"})));
    };
    let mut log: Value = serde_json::from_str(&log.json).unwrap_or_default();
    // The single answer lacks what the list has, and has what the list lacks.
    if let Some(fields) = log.as_object_mut() {
        fields.remove("transcriptWithToolCalls");
        fields.insert("traceId".to_owned(), "b567e92a-b68a-45d0-a92b-faa1c94961a0".into());
    }
    Ok(Answer::json(log.to_string()))
}

fn agents(location: &Location, call: &Call) -> Result<Answer, Refusal> {
    let size = number(&call.query, "pageSize", 10)?;
    if !(1..=50).contains(&size) {
        return Err(bad("pageSize must not be greater than 50"));
    }
    let page = number(&call.query, "page", 1)?.max(1);
    let shown: Vec<&Value> = location.agents.iter().skip(((page - 1) * size) as usize).take(size as usize).collect();
    Ok(Answer::json(
        json!({"agents": shown, "total": location.agents.len(), "page": page, "pageSize": size}).to_string(),
    ))
}

fn messages(location: &Location, call: &Call) -> Result<Answer, Refusal> {
    let limit = number(&call.query, "limit", 100)?;
    if !(10..=500).contains(&limit) {
        return Err(bad("limit must not be greater than 500"));
    }
    let bound = |name: &str, default| match call.query.get(name) {
        None => Ok(default),
        Some(text) => crate::text::parse_time(text).ok_or_else(|| bad(&format!("{name} must be a date"))),
    };
    let (from, to) = (bound("startDate", i64::MIN)?, bound("endDate", i64::MAX)?);
    let begin = match call.query.get("cursor") {
        None => 0,
        Some(cursor) => cursor.strip_prefix('c').and_then(|n| n.parse().ok()).ok_or_else(|| bad("Invalid cursor"))?,
    };
    let at = |message: &&Value| message["dateAdded"].as_str().and_then(crate::text::parse_time).unwrap_or(0);
    let found: Vec<&Value> = location.messages.iter().filter(|message| (from..=to).contains(&at(message))).collect();
    let end = (begin + limit as usize).min(found.len());
    let shown = found.get(begin..end).unwrap_or_default();
    let mut body = json!({"messages": shown, "total": found.len()});
    body["nextCursor"] = if end < found.len() { format!("c{end}").into() } else { Value::Null };
    Ok(Answer::json(body.to_string()))
}

fn token(location: &mut Location, call: &Call) -> Result<Answer, Refusal> {
    let form: HashMap<String, String> =
        match call.header(header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded") {
            true => String::from_utf8_lossy(&call.body)
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.replace("%3D", "=").replace("%2B", "+")))
                .collect(),
            false => {
                return Err(refuse(
                    422,
                    json!({"statusCode": 422, "message": ["form expected"], "error": "Unprocessable Entity"}),
                ))
            }
        };
    let oauth = &mut location.oauth;
    let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if given("client_id") != oauth.client_id || given("client_secret") != oauth.client_secret {
        return Err(refuse(401, json!({"error": "UnAuthorized!", "error_description": "Invalid client credentials!"})));
    }
    if given("grant_type") != "refresh_token" || given("refresh_token") != oauth.refresh_token {
        return Err(refuse(
            400,
            json!({"error": "invalid_grant", "error_description": "This refresh token is invalid"}),
        ));
    }
    oauth.rotations += 1;
    oauth.access_token = format!("access-token-{}", oauth.rotations);
    oauth.refresh_token = format!("refresh-token-{}", oauth.rotations);
    Ok(Answer::json(
        json!({"access_token": oauth.access_token, "token_type": "Bearer", "expires_in": oauth.lives_seconds,
            "refresh_token": oauth.refresh_token, "scope": location.scopes.join(" "), "userType": "Location",
            "locationId": location.id, "companyId": "ve9EPM428h8vShlRW1KT", "userId": "ve9EPM428kjkvShlRW1KT"})
        .to_string(),
    ))
}

impl Location {
    /// The refusal, where the burst or the day is used up.
    fn limit(&mut self) -> Option<Refusal> {
        let limits = &mut self.limits;
        let interval = Duration::from_millis(limits.interval_ms);
        while limits.recent.front().is_some_and(|at| at.elapsed() >= interval) {
            limits.recent.pop_front();
        }
        if limits.recent.len() >= limits.burst || limits.used >= limits.daily {
            limits.refused += 1;
            return Some(refuse(429, json!({"statusCode": 429, "message": "Too Many Requests"})));
        }
        limits.recent.push_back(Instant::now());
        limits.used += 1;
        None
    }

    fn announce(&self, answer: Answer) -> Answer {
        let limits = &self.limits;
        answer
            .with("x-ratelimit-limit-daily", limits.daily.to_string())
            .with("x-ratelimit-daily-remaining", limits.daily.saturating_sub(limits.used).to_string())
            .with("x-ratelimit-interval-milliseconds", limits.interval_ms.to_string())
            .with("x-ratelimit-max", limits.burst.to_string())
            .with("x-ratelimit-remaining", limits.burst.saturating_sub(limits.recent.len()).to_string())
    }
}
