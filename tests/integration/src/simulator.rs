//! The simulated vendor as a process, and its control endpoints.

use serde_json::{json, Value};
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use ureq::Agent;

pub struct Simulator {
    process: Child,
    agent: Agent,
    /// Where its API is, as option `base_url` takes it.
    pub base_url: String,
}

/// The end of all data of a simulator that is not told otherwise.
pub const ANCHOR: &str = "2025-11-15T12:00:00Z";
/// All of its time.
pub const ALL: &str = "[2025-11-01 12:00+00,2025-11-15 12:00+00)";

impl Simulator {
    /// Fourteen days that are the same in every run.
    pub fn start() -> Simulator {
        Simulator::with(&["--anchor", ANCHOR, "--days", "14", "--calls-per-day", "60"])
    }

    pub fn with(arguments: &[&str]) -> Simulator {
        let program = env::var("SIMULATOR").expect("SIMULATOR is not set: make test-integration");
        let mut process = Command::new(program)
            .args(arguments)
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the simulator starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("its first line");
        let base_url = line.trim().strip_prefix("simulator listening on ").expect("its address").to_owned();
        let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).http_status_as_error(false);
        Simulator { process, agent: config.build().into(), base_url }
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    fn url(&self, path: &str) -> String {
        format!("{}/_control/{path}", self.base_url.trim_end_matches("/api"))
    }

    /// Where its HighLevel is.
    pub fn highlevel_url(&self) -> String {
        format!("{}/highlevel", self.base_url.trim_end_matches("/api"))
    }

    pub fn get(&self, path: &str) -> Value {
        let mut answer = self.agent.get(self.url(path)).call().expect("the simulator answers");
        assert_eq!(answer.status(), 200, "{path}");
        answer.body_mut().with_config().limit(1 << 30).read_json().expect("JSON")
    }

    pub fn post(&self, path: &str, body: Value) -> Value {
        let mut answer = self.agent.post(self.url(path)).send_json(&body).expect("the simulator answers");
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        assert_eq!(answer.status(), 200, "{path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Reads one of the vendor's pages to its end.
    pub fn read(&self, path: &str, token: &str) -> Vec<u8> {
        let url = format!("{}{path}", self.base_url.trim_end_matches("/api"));
        // HighLevel answers nobody who does not name a version.
        let request =
            self.agent.get(url).header("Authorization", format!("Bearer {token}")).header("Version", "2021-04-15");
        let mut answer = request.call().expect("the simulator answers");
        assert_eq!(answer.status(), 200, "{path}");
        answer.body_mut().with_config().limit(1 << 30).read_to_vec().expect("a page")
    }

    pub fn delete(&self, path: &str) {
        let answer = self.agent.delete(self.url(path)).call().expect("the simulator answers");
        assert_eq!(answer.status(), 200, "{path}");
    }

    /// Lets something go wrong; `more` adds to or replaces the fields of the fault.
    pub fn fault(&self, kind: &str, path: &str, more: Value) {
        let mut fault = json!({"kind": kind, "path": path});
        let more = more.as_object().expect("an object").clone();
        fault.as_object_mut().expect("an object").extend(more);
        self.post("faults", fault);
    }

    pub fn heal(&self) {
        self.delete("faults");
    }

    /// Takes all calls away from Vapi's side.
    pub fn clear_vapi(&self) {
        self.delete("vapi");
    }

    pub fn forget_requests(&self) {
        self.delete("requests");
    }

    pub fn requests(&self) -> Vec<Value> {
        self.get("requests")["last"].as_array().expect("lines").clone()
    }

    /// How many contacts have been asked for since the requests were forgotten.
    pub fn contacts_asked(&self) -> u64 {
        // An id has sixteen characters, two quotes and a comma but for the last; the brackets add two bytes.
        let count = |line: &Value| (line["body_bytes"].as_u64().expect("a number") - 1) / 19;
        self.requests().iter().filter(|line| line["method"] == "POST").map(count).sum()
    }

    pub fn truth(&self, what: &str, from: &str, to: &str) -> Value {
        let slash = if what.is_empty() { "" } else { "/" };
        self.get(&format!("truth{slash}{what}?from={from}&to={to}"))
    }

    /// The ids of the campaigns that can be fetched.
    pub fn campaigns(&self) -> Vec<String> {
        let truth = self.get("truth");
        let campaigns = truth["campaigns"].as_array().expect("campaigns");
        campaigns.iter().map(|campaign| campaign["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// Puts a contact, as its JSON text, and its events into the first campaign.
    pub fn contact(&self, json: &str) {
        self.post("events", json!({"contact": json}));
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
