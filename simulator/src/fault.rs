//! Faults on demand: what goes wrong, for which requests, how often.

use crate::answer::{Answer, Content, Page, JSON, TEXT};
use crate::api::{self, Call};
use crate::rng::Rng;
use crate::sim::Sim;
use axum::body::{Body, Bytes};
use axum::http::{header, HeaderValue, StatusCode};
use axum::response::Response;
use chrono::{TimeDelta, Utc};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: Kind,
    /// Part of the path and query.
    #[serde(default)]
    pub path: String,
    pub method: Option<String>,
    pub status: Option<u16>,
    /// Milliseconds, seconds, bytes or rows, as the kind has it.
    pub value: Option<u64>,
    pub body: Option<String>,
    /// How many requests go untouched first.
    #[serde(default)]
    pub skip: u64,
    pub times: Option<u64>,
    pub share: Option<f64>,
    #[serde(skip_deserializing)]
    seen: u64,
    #[serde(skip_deserializing)]
    hits: u64,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Latency,
    Status,
    RetryAfterSeconds,
    RetryAfterDate,
    Cut,
    Truncate,
    HtmlLogin,
    RepeatCursor,
    EmptyPage,
    DuplicateEvents,
    ReorderEvents,
    Oversize,
    RedirectOtherHost,
    RedirectSameHost,
    Hang,
    Drip,
    #[serde(rename = "error_body_200")]
    ErrorBody200,
    ShortPage,
    NotJson,
    DropContact,
}

pub struct Faults {
    pub list: Vec<Fault>,
    rng: Rng,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        Self { list: Vec::new(), rng: Rng::new(seed ^ 0xFA17) }
    }

    /// The faults that hit this request: every latency, and the first of the others.
    pub fn choose(&mut self, call: &Call) -> Vec<Fault> {
        let mut chosen: Vec<Fault> = Vec::new();
        for fault in &mut self.list {
            let taken = fault.kind != Kind::Latency && chosen.iter().any(|other| other.kind != Kind::Latency);
            if !taken && fault.hit(call, &mut self.rng) {
                chosen.push(fault.clone());
            }
        }
        chosen
    }
}

impl Fault {
    fn hit(&mut self, call: &Call, rng: &mut Rng) -> bool {
        let path = call.uri.path_and_query().map_or("", |path| path.as_str());
        let matches = path.contains(&self.path)
            && self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(call.method.as_str()))
            && (self.kind != Kind::RepeatCursor || call.query.contains_key("cursor"));
        if !matches || self.times.is_some_and(|times| self.hits >= times) {
            return false;
        }
        self.seen += 1;
        let hit = self.seen > self.skip && self.share.is_none_or(|share| rng.chance(share));
        self.hits += u64::from(hit);
        hit
    }

    fn value_or(&self, default: u64) -> u64 {
        self.value.unwrap_or(default)
    }

    /// An answer of its own, instead of the endpoint's.
    fn replacement(&self, sim: &Sim, call: &Call) -> Option<Answer> {
        let body = |default: &str| self.body.clone().unwrap_or_else(|| default.to_owned());
        let path = call.uri.path_and_query().map_or("/", |path| path.as_str());
        let refusal = |status| match &self.body {
            Some(body) => Answer::whole(status, TEXT, body.clone()),
            None => Answer::refuse(status),
        };
        Some(match self.kind {
            Kind::Status => refusal(self.status.unwrap_or(500)),
            Kind::RetryAfterSeconds => {
                refusal(self.status.unwrap_or(429)).with("retry-after", self.value_or(1).to_string())
            }
            Kind::RetryAfterDate => {
                let until = Utc::now() + TimeDelta::seconds(self.value_or(1) as i64);
                refusal(self.status.unwrap_or(429)).with("retry-after", http_date(until, sim.settings().shift))
            }
            Kind::HtmlLogin => Answer::whole(self.status.unwrap_or(200), "text/html; charset=utf-8", body(LOGIN_PAGE)),
            Kind::ErrorBody200 => Answer::whole(200, JSON, body("{\"error\":\"quota exceeded\"}")),
            Kind::NotJson => Answer::whole(200, JSON, body("temporarily not available")),
            Kind::RedirectOtherHost => {
                let host = self.body.clone().unwrap_or_else(|| format!("http://localhost:{}", sim.port));
                Answer::refuse(self.status.unwrap_or(302)).with("location", format!("{host}{path}"))
            }
            Kind::RedirectSameHost => Answer::refuse(self.status.unwrap_or(307)).with("location", path),
            _ => return None,
        })
    }

    /// Spoils a page or a list of contacts; other answers stay as they are.
    fn spoil(&self, sim: &Sim, call: &Call, content: &mut Content) {
        match content {
            Content::Page(page) => self.spoil_page(sim, call, page),
            Content::List(items) if self.kind == Kind::DropContact => {
                let named = |id: &String| items.iter().position(|item| item.contains(&format!("\"$id\":\"{id}\"")));
                let index = self.body.as_ref().map_or(Some(self.value_or(0) as usize), named);
                if let Some(index) = index.filter(|index| *index < items.len()) {
                    items.remove(index);
                }
            }
            _ => (),
        }
    }

    fn spoil_page(&self, sim: &Sim, call: &Call, page: &mut Page) {
        let rows = page.items.len();
        match self.kind {
            Kind::RepeatCursor => page.cursor = call.query.get("cursor").cloned(),
            Kind::EmptyPage => {
                page.items.clear();
                page.cursor = Some(sim.cursors().give(&page.scope, page.begin));
            }
            Kind::ShortPage => {
                page.count = Some(rows);
                page.items.truncate(self.value.map_or(rows / 2, |rows| rows as usize));
            }
            Kind::DuplicateEvents => {
                let again = self.value_or(rows as u64).min(rows as u64) as usize;
                page.items.extend_from_within(..again);
            }
            Kind::ReorderEvents => sim.faults().rng.shuffle(&mut page.items),
            _ => (),
        }
    }
}

pub async fn respond(sim: &Sim, call: &Call, chosen: Vec<Fault>) -> Response {
    for latency in chosen.iter().filter(|fault| fault.kind == Kind::Latency) {
        tokio::time::sleep(Duration::from_millis(latency.value_or(100))).await;
    }
    let Some(fault) = chosen.into_iter().find(|fault| fault.kind != Kind::Latency) else {
        return send(sim, api::answer(sim, call));
    };
    if fault.kind == Kind::Hang {
        return std::future::pending().await;
    }
    if let Some(answer) = fault.replacement(sim, call) {
        return send(sim, answer);
    }
    let mut answer = api::answer(sim, call);
    fault.spoil(sim, call, &mut answer.content);
    let (status, headers, kind) = (answer.status, answer.headers, answer.content.kind());
    let whole = answer.content.render(&mut sim.cursors()).into_bytes();
    let size = whole.len();
    let (length, body) = match fault.kind {
        Kind::Cut => (Some(size), cut(whole, fault.value_or(size as u64 / 2) as usize)),
        Kind::Truncate => {
            let kept = (fault.value_or(size as u64 / 2) as usize).min(size);
            (None, Body::from(Bytes::from(whole).slice(..kept)))
        }
        Kind::Drip => (Some(size), drip(whole, Duration::from_millis(fault.value_or(1000)))),
        Kind::Oversize => (None, padded(whole, fault.value_or(64 << 20) as usize)),
        _ => (None, Body::from(whole)),
    };
    let mut response = build(sim, status, headers, kind, body);
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

pub fn send(sim: &Sim, answer: Answer) -> Response {
    let (status, headers, kind) = (answer.status, answer.headers, answer.content.kind());
    let body = answer.content.render(&mut sim.cursors());
    build(sim, status, headers, kind, Body::from(body))
}

fn build(sim: &Sim, status: u16, headers: Vec<(&'static str, String)>, kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    let shift = sim.settings().shift;
    if let Some(date) =
        (shift != 0).then(|| http_date(Utc::now(), shift)).and_then(|date| HeaderValue::from_str(&date).ok())
    {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

fn http_date(at: chrono::DateTime<Utc>, shift: i64) -> String {
    (at + TimeDelta::milliseconds(shift)).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Some bytes, then the connection breaks.
fn cut(whole: Vec<u8>, at: usize) -> Body {
    let size = whole.len();
    let first = Bytes::from(whole).split_to(at.min(size));
    Body::from_stream(stream::unfold(Some(first), |first| async move {
        match first {
            Some(first) => Some((Ok(first), None)),
            None => {
                // The bytes before it must have left before the connection breaks.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Err(io::Error::other("cut")), None))
            }
        }
    }))
}

fn drip(whole: Vec<u8>, pause: Duration) -> Body {
    Body::from_stream(stream::unfold(Bytes::from(whole), move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        Some((Ok::<_, io::Error>(left.split_to(1)), left))
    }))
}

/// The answer, and after it blanks until it has so many bytes.
fn padded(whole: Vec<u8>, size: usize) -> Body {
    let blanks = Bytes::from(vec![b' '; 64 << 10]);
    let missing = size.saturating_sub(whole.len());
    Body::from_stream(stream::unfold((Some(Bytes::from(whole)), missing), move |(first, missing)| {
        let next = match first {
            Some(first) => Some((Ok::<_, io::Error>(first), (None, missing))),
            None if missing == 0 => None,
            None => {
                let blank = blanks.slice(..missing.min(blanks.len()));
                let left = missing - blank.len();
                Some((Ok(blank), (None, left)))
            }
        };
        std::future::ready(next)
    }))
}

const LOGIN_PAGE: &str =
    "<!DOCTYPE html><html><head><title>Login</title></head><body><form method=\"post\" action=\"/login\">\
    <input name=\"user\"><input name=\"password\" type=\"password\"></form></body></html>";

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
