//! What the tests share: a small tenant, requests without a network, and a client over loopback.

use crate::api::{self, Call};
use crate::data::Plan;
use crate::sim::{self, Sim};
use crate::text;
use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub fn plan() -> Plan {
    Plan {
        seed: 42,
        days: 5,
        calls_per_day: 400,
        agents: 5,
        campaigns: 2,
        non_human: 0.1,
        late_recordings: 0.05,
        legs: None,
        recorded: None,
        keep_rendered: false,
        in_progress: 3,
        timezone: chrono_tz::Europe::Nicosia,
        anchor: text::parse_time("2026-10-27T12:00:00Z").unwrap(),
        tenant: "9c6d0163".into(),
        tenant_token: "tenant-secret-token".into(),
    }
}

pub fn sim() -> Sim {
    Sim::new(plan(), 0)
}

/// The status and the body of a request; the path stands after `/api/`.
pub fn ask(sim: &Sim, method: Method, path: &str, token: &str, body: &str) -> (u16, String) {
    let mut headers = HeaderMap::new();
    if !token.is_empty() {
        headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
    }
    let uri = format!("/api/{path}").parse().unwrap();
    let answer = api::answer(sim, &Call::new(method, uri, headers, body.as_bytes().to_vec()));
    (answer.status, answer.content.render(&mut sim.cursors()))
}

/// A JSON answer from the first campaign.
pub fn get(sim: &Sim, path: &str) -> Value {
    let (id, token) = first_campaign(sim);
    let (status, body) = ask(sim, Method::GET, &format!("campaigns/{id}/{path}"), &token, "");
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

pub fn post_contacts(sim: &Sim, ids: &[&str]) -> String {
    let (id, token) = first_campaign(sim);
    let body = serde_json::to_string(ids).unwrap();
    ask(sim, Method::POST, &format!("campaigns/{id}/contacts/?include_md5=true"), &token, &body).1
}

pub fn first_campaign(sim: &Sim) -> (String, String) {
    let world = sim.world();
    (world.campaigns[0].id.clone(), world.campaigns[0].token.clone())
}

/// All rows of a listing, and how many pages it took.
pub fn all(sim: &Sim, path: &str) -> (Vec<Value>, usize) {
    let join = if path.contains('?') { '&' } else { '?' };
    let (mut rows, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = get(sim, &format!("{path}{join}cursor={cursor}"));
        rows.extend(page["results"].as_array().unwrap().iter().cloned());
        cursor = page["cursor"].as_str().unwrap_or("").to_owned();
        pages += 1;
        assert!(pages < 1000, "the listing does not end");
        if cursor.is_empty() {
            return (rows, pages);
        }
    }
}

/// A simulator that listens, and ends with the value.
pub struct Server {
    pub sim: Arc<Sim>,
    pub port: u16,
    _runtime: tokio::runtime::Runtime,
}

pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Server {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let sim = Arc::new(Sim::new(plan(), port));
        runtime.spawn(sim::run(sim.clone(), listener));
        Self { sim, port, _runtime: runtime }
    }

    /// Reads until the connection ends, or nothing came for two seconds, or four have passed.
    pub fn raw(&self, method: &str, path: &str, token: &str, body: &str) -> Reply {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n", self.port);
        write!(stream, "{head}Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        let begun = Instant::now();
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
            if begun.elapsed() > Duration::from_secs(4) {
                break;
            }
        }
        let split = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
        let head = String::from_utf8_lossy(&bytes[..split]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Reply { status, head, body: bytes.get(split + 4..).unwrap_or_default().to_vec() }
    }

    /// A request to an endpoint of the first campaign.
    pub fn get(&self, path: &str) -> Reply {
        let (id, token) = first_campaign(&self.sim);
        self.raw("GET", &format!("/api/campaigns/{id}/{path}"), &token, "")
    }

    pub fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let reply = self.raw(method, &format!("/_control/{path}"), "", body);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        serde_json::from_slice(&reply.body).unwrap()
    }
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The rows of a table as they should stand in a database.
pub fn truth(sim: &Sim, table: &str) -> Vec<Value> {
    let world = sim.world();
    let Value::Array(rows) = crate::truth::rows(&world, table) else { panic!("{table}") };
    rows
}
