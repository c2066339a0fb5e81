//! HighLevel's API: call logs, agents, messages and tokens of one location, below `/highlevel`.
//!
//! The shapes are those of its OpenAPI documents, with the deviations that real answers showed.

mod control;
mod generate;
mod serve;

pub use control::router;
pub use serve::answer;

use serde_json::Value;
use std::collections::VecDeque;
use std::time::Instant;

/// The path below which the vendor stands.
pub const PREFIX: &str = "/highlevel/";

/// One location and its settings.
pub struct Location {
    pub id: String,
    /// Private integration token; an access token of OAuth opens the location as well.
    pub token: String,
    pub scopes: Vec<String>,
    /// In the order of their start.
    pub logs: Vec<Log>,
    /// Logs that only their ids find.
    pub unlisted: Vec<Log>,
    pub agents: Vec<Value>,
    pub messages: Vec<Value>,
    /// Refuse parameters that the specification does not know.
    pub strict: bool,
    /// Most logs a page, whatever is asked for.
    pub page_limit: usize,
    /// Say `totalRecords` in place of `total`, as an empty account does.
    pub total_records: bool,
    /// What happens to the list once so many pages of it were read.
    pub surprise: Option<(u64, Log)>,
    pub limits: Limits,
    pub oauth: OAuth,
    pages_read: u64,
}

pub struct Log {
    pub at: i64,
    pub json: String,
}

/// 100 requests in 10 seconds and 200,000 a day, unless told otherwise.
pub struct Limits {
    pub burst: usize,
    pub interval_ms: u64,
    pub daily: u64,
    pub used: u64,
    recent: VecDeque<Instant>,
    pub refused: u64,
}

#[derive(Default)]
pub struct OAuth {
    pub client_id: String,
    pub client_secret: String,
    /// The only one that is good; a used one never is again.
    pub refresh_token: String,
    pub access_token: String,
    pub rotations: u64,
    pub lives_seconds: i64,
}

impl Default for Location {
    fn default() -> Location {
        Location {
            id: "B7TzvBb6H6QvDNdEEhlt".to_owned(),
            token: "pit-secret-token".to_owned(),
            scopes: ["voice-ai-dashboard.readonly", "voice-ai-agents.readonly", "conversations/message.readonly"]
                .map(str::to_owned)
                .into(),
            logs: Vec::new(),
            unlisted: Vec::new(),
            agents: Vec::new(),
            messages: Vec::new(),
            strict: false,
            page_limit: 50,
            total_records: false,
            surprise: None,
            limits: Limits {
                burst: 100,
                interval_ms: 10_000,
                daily: 200_000,
                used: 0,
                recent: VecDeque::new(),
                refused: 0,
            },
            oauth: OAuth { lives_seconds: 86_399, ..OAuth::default() },
            pages_read: 0,
        }
    }
}

impl Location {
    pub fn insert(&mut self, log: Log) {
        let at = self.logs.partition_point(|other| other.at <= log.at);
        self.logs.insert(at, log);
    }

    /// Takes the logs of an id out of the list.
    fn take(&mut self, id: &str) -> Vec<Log> {
        let wanted = format!("\"id\":\"{id}\"");
        let (taken, kept) = std::mem::take(&mut self.logs).into_iter().partition(|log| log.json.contains(&wanted));
        self.logs = kept;
        taken
    }
}

impl Log {
    /// A record as it will be given out; one without a readable start sorts first.
    pub fn new(json: &Value) -> Log {
        let at = json["createdAt"].as_str().and_then(crate::text::parse_time).unwrap_or(0);
        Log { at, json: json.to_string() }
    }
}

#[cfg(test)]
mod openapi;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
