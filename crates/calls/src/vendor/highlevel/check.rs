//! Whether a location can be fetched: the token, and each scope that a sync uses.

use std::time::Instant;

use super::request::{get, Access};
use crate::client::{Answer, Client, Settings};
use crate::error::Error;
use crate::vendor::check::{describe, Check, Checks};

/// What a sync reads, the scope that opens it, and whether it can do without.
const SCOPES: [(&str, &str, &str, bool); 3] = [
    ("calls", "/voice-ai/dashboard/call-logs", "voice-ai-dashboard.readonly", true),
    ("agents", "/voice-ai/agents", "voice-ai-agents.readonly", false),
    ("messages", "/conversations/messages/export", "conversations/message.readonly", false),
];

pub fn check(client: &Client, access: &Access, settings: &Settings) -> Vec<Check> {
    let mut checks = Checks::new(client, settings);
    if checks.network() {
        let mut answers = SCOPES.iter().filter_map(|scope| probe(&mut checks, access, scope)).collect::<Vec<_>>();
        if let Some(answer) = answers.pop() {
            checks.clock(&answer);
        }
    }
    checks.done
}

fn probe(checks: &mut Checks, access: &Access, scope: &(&str, &str, &str, bool)) -> Option<Answer> {
    let (what, path, scope, needed) = *scope;
    let limit = if what == "messages" { ("limit", "10") } else { ("pageSize", "1") };
    let mut query = vec![(limit.0, limit.1.to_owned())];
    if what == "messages" {
        query.push(("channel", "Call".to_owned()));
    }
    let since = Instant::now();
    let bad = if needed { "failed" } else { "warning" };
    match checks.client.probe(&get(access, path, query)).0 {
        Ok(answer) if answer.status == 200 => {
            checks.note(since, &format!("scope {what}"), "ok", format!("200, {scope}"), None);
            Some(answer)
        }
        Ok(answer) => {
            let hint = match (answer.status, needed) {
                (401 | 403, true) => {
                    format!("give the token the scope {scope}, and check \"account\", the id of the location")
                }
                (401 | 403, false) => format!("without the scope {scope} a sync works, but {}", loss(what)),
                (status, _) => {
                    let error = Error::Status { status, body: String::new() };
                    error.hint().unwrap_or("the vendor's answer says why").to_owned()
                }
            };
            checks.note(since, &format!("scope {what}"), bad, describe(&answer), Some(&hint));
            None
        }
        Err(error) => {
            checks.note(since, &format!("scope {what}"), bad, error.to_string(), error.hint());
            None
        }
    }
}

fn loss(what: &str) -> &'static str {
    match what {
        "agents" => "agents have no names",
        _ => "direction and status of calls stay unknown",
    }
}
