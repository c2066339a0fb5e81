//! What clients asked for: counts, the highest concurrency and rate, the last lines; and the rate limit.

use crate::api::{Call, Scope};
use crate::data::World;
use crate::sim::Sim;
use serde_json::{json, Value};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

const KEPT: usize = 10_000;
const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Log {
    pub connections: u64,
    pub per_second: Option<usize>,
    total: u64,
    bytes: u64,
    violations: u64,
    by_kind: BTreeMap<String, u64>,
    by_status: BTreeMap<u16, u64>,
    running: usize,
    max_running: usize,
    max_per_second: usize,
    recent: VecDeque<Instant>,
    admitted: VecDeque<Instant>,
    lines: VecDeque<Value>,
}

/// A request under way; when it is dropped without an end, its client went away (status 0).
pub struct Visit<'a> {
    sim: &'a Sim,
    line: Value,
    status: u16,
    bytes: u64,
}

impl<'a> Visit<'a> {
    pub fn begin(sim: &'a Sim, call: &Call) -> Self {
        let scope = scope(&sim.world(), call);
        let line = json!({"at": crate::text::time(sim.now()), "method": call.method.as_str(), "path": shown(call),
            "host": call.header(axum::http::header::HOST), "scope": scope, "status": 0, "body_bytes": call.body.len()});
        sim.log().enter(kind(call));
        Self { sim, line, status: 0, bytes: 0 }
    }

    pub fn end(&mut self, status: u16, bytes: u64) {
        (self.status, self.bytes) = (status, bytes);
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.line["status"] = self.status.into();
        self.sim.log().leave(self.status, self.bytes, self.line.take());
    }
}

impl Log {
    fn enter(&mut self, kind: String) {
        self.total += 1;
        *self.by_kind.entry(kind).or_default() += 1;
        self.running += 1;
        self.max_running = self.max_running.max(self.running);
        let count = count_second(&mut self.recent, Instant::now(), usize::MAX).unwrap_or(0);
        self.max_per_second = self.max_per_second.max(count);
    }

    fn leave(&mut self, status: u16, bytes: u64, line: Value) {
        self.running -= 1;
        self.bytes += bytes;
        *self.by_status.entry(status).or_default() += 1;
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Whether the rate limit lets one more request in.
    pub fn admit(&mut self) -> bool {
        let Some(most) = self.per_second else { return true };
        let admitted = count_second(&mut self.admitted, Instant::now(), most).is_some();
        self.violations += u64::from(!admitted);
        admitted
    }

    pub fn reset(&mut self) {
        *self = Self { per_second: self.per_second, running: self.running, ..Self::default() };
    }

    pub fn show(&self) -> Value {
        json!({"total": self.total, "bytes": self.bytes, "by_kind": self.by_kind, "by_status": self.by_status, "running": self.running,
            "max_concurrent": self.max_running, "max_per_second": self.max_per_second, "connections": self.connections,
            "rate_limit_violations": self.violations, "last": self.lines})
    }
}

/// Adds an instant to those of the last second unless there are already as many as allowed; returns how many.
fn count_second(instants: &mut VecDeque<Instant>, now: Instant, most: usize) -> Option<usize> {
    while instants.front().is_some_and(|at| now.duration_since(*at) >= SECOND) {
        instants.pop_front();
    }
    if instants.len() >= most {
        return None;
    }
    instants.push_back(now);
    Some(instants.len())
}

/// The endpoint without its ids.
fn kind(call: &Call) -> String {
    let parts: Vec<&str> = call.path.split('/').collect();
    let path = match parts.as_slice() {
        ["campaigns", _, "contacts", _, "flat_view"] => "contacts/{id}/flat_view".to_owned(),
        ["campaigns", _, "reports", "jobs", ..] => "reports/jobs".to_owned(),
        ["campaigns", _, "reports", ..] => "reports".to_owned(),
        ["campaigns" | "tenants", _, rest @ ..] => rest.join("/"),
        _ => "other".to_owned(),
    };
    format!("{} {path}", call.method)
}

fn scope(world: &World, call: &Call) -> String {
    match call.scope(world) {
        Scope::None if call.headers.contains_key("x-api-token") => "x-api-token".to_owned(),
        Scope::None => "none".to_owned(),
        Scope::Unknown => "unknown".to_owned(),
        Scope::Tenant => "tenant".to_owned(),
        Scope::Campaign(index) => format!("campaign {}", world.campaigns[index].id),
    }
}

/// Path and query, without a token in it.
fn shown(call: &Call) -> String {
    let Some(query) = call.uri.query() else { return call.uri.path().to_owned() };
    let hide = |part| if str::starts_with(part, "access_token=") { "access_token=***" } else { part };
    format!("{}?{}", call.uri.path(), query.split('&').map(hide).collect::<Vec<_>>().join("&"))
}
