//! The HTTP client: one request with its retries, pauses, redirects and ledger lines, cancelable at any moment.

mod address;
mod exchange;
mod gate;
mod limit;
mod patience;
mod pursuit;
mod redact;
mod settings;

pub use address::segment;
pub use settings::Settings;

use crate::{error::Error, secret::Secret};
use address::Base;
use chrono::{DateTime, Utc};
use exchange::{exchange, Call, Fault, Reply};
use gate::{Gate, Permit};
use patience::{date, retry_after};
use redact::{is_confidential, Redactor};
use std::time::{Duration, Instant};
use ureq::http::{header, HeaderMap, HeaderName, HeaderValue};
use ureq::Agent;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    #[default]
    Get,
    Post,
}

#[derive(Clone, Default)]
pub struct Request {
    pub method: Method,
    /// Below the base address; begins with a slash; foreign text in it went through [`segment`].
    pub path: String,
    pub query: Vec<(String, String)>,
    /// Sent as Bearer.
    pub token: Option<Secret>,
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    /// The vendor's clock.
    pub date: Option<DateTime<Utc>>,
    /// Where redirects and polls ended, without secrets.
    pub url: String,
    secrets: Redactor,
}

/// The ledger line of one exchange, without secrets.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub at: DateTime<Utc>,
    pub method: &'static str,
    pub url: String,
    pub status: Option<u16>,
    /// 1 and one more for every failure and every 429 before it; redirects and polls do not count.
    pub attempt: u32,
    pub duration: Duration,
    /// Of the body, after decompression.
    pub bytes: u64,
    pub retry_after: Option<Duration>,
    /// The failure, or how the body of an answer other than 2xx begins.
    pub error: Option<String>,
}

/// Shared by all threads that talk to one vendor for one tenant. Calls belong on helper threads: they block, and the
/// threads that they start inherit the caller's signal mask.
pub struct Client {
    settings: Settings,
    base: Base,
    agent: Agent,
    gate: Gate,
    secrets: Redactor,
}

impl Client {
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let base = Base::new(&settings.base, &settings.allowed_hosts)?;
        let (agent, secrets) = settings.agent()?;
        let gate = Gate::new(settings.concurrency, settings.interval()?);
        Ok(Self { settings, base, agent, gate, secrets })
    }

    /// Asks until there is an answer, a lasting error, or no patience left.
    pub fn send(&self, request: &Request) -> (Result<Answer, Error>, Vec<Attempt>) {
        let mut lines = Vec::new();
        let answer = self.call(request).and_then(|call| self.pursue(call, &mut lines));
        (answer, lines)
    }

    /// Asks once; any status is an answer.
    pub fn probe(&self, request: &Request) -> (Result<Answer, Error>, Attempt) {
        let mut budget = self.settings.wait_budget;
        let ready = self.call(request).and_then(|call| Ok((call, self.gate.enter(&mut budget)?)));
        let (call, permit) = match ready {
            Ok(ready) => ready,
            Err(error) => {
                let line = Attempt::new(request.method, self.secrets_of(request).text(&request.path), 1);
                return (Err(error.clone()), Attempt { error: Some(error.to_string()), ..line });
            }
        };
        let (outcome, line) = self.attempt(&call, permit, 1);
        let answer = match outcome {
            Ok(reply) => Ok(reply.into_answer(&call)),
            Err(Fault::Passing(cause)) => Err(Error::Transport { attempts: 1, cause }),
            Err(Fault::Lasting(error)) => Err(error),
        };
        (answer, line)
    }

    /// Ends every call that runs or begins with [`Error::Canceled`].
    pub fn shutdown(&self) {
        self.gate.close();
        self.agent.clone().shutdown();
    }

    /// How many requests may be in flight now: half as many after a 429, one more after a run of clean answers.
    pub fn allowed_in_flight(&self) -> usize {
        self.gate.allowed()
    }

    /// One exchange and its line.
    fn attempt(&self, call: &Call, permit: Permit, nth: u32) -> (Result<Reply, Fault>, Attempt) {
        let mut line = Attempt::new(call.method, call.url(), nth);
        let start = Instant::now();
        let outcome = exchange(&self.agent, call, self.settings.max_body, || self.gate.is_closed());
        line.duration = start.elapsed();
        match &outcome {
            Ok(reply) => {
                permit.learn(reply.status);
                self.obey(&reply.headers, &permit);
                line.status = Some(reply.status);
                line.bytes = reply.body.len() as u64;
                line.retry_after = retry_after(&reply.headers);
                line.error = (!reply.is_success()).then(|| call.secrets.excerpt(&reply.body, 500));
            }
            Err(Fault::Passing(cause)) => line.error = Some(cause.clone()),
            Err(Fault::Lasting(error)) => line.error = Some(error.to_string()),
        }
        (outcome, line)
    }

    fn call(&self, request: &Request) -> Result<Call, Error> {
        let bad =
            |name: &str| Error::Setting { what: format!("header \"{name}\" is reserved or holds what no header may") };
        let mut headers = HeaderMap::new();
        if request.body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let bearer = request.token.iter().map(|token| ("authorization", format!("Bearer {}", token.expose())));
        let others = request.headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in others.chain(bearer) {
            let mut value = HeaderValue::from_str(&value).map_err(|_| bad(name))?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(name))?;
            if [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING].contains(&name) {
                return Err(bad(name.as_str()));
            }
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let uri = self.base.uri(&request.path, &request.query)?;
        let body = request.body.as_deref().unwrap_or_default().into();
        Ok(Call { method: request.method, uri, headers, body, secrets: self.secrets_of(request) })
    }

    /// Everything in the request that may not be shown, also where a token travels as a parameter or a header.
    fn secrets_of(&self, request: &Request) -> Redactor {
        let token = request.token.iter().map(|token| token.expose().to_owned());
        let named = request.query.iter().chain(&request.headers).filter(|(name, value)| is_confidential(name, value));
        self.secrets.clone().with(token.chain(named.map(|(_, value)| value.clone())))
    }
}

impl Reply {
    fn into_answer(self, call: &Call) -> Answer {
        Answer {
            status: self.status,
            content_type: self.header(header::CONTENT_TYPE).map(str::to_owned),
            date: date(&self.headers, header::DATE),
            body: self.body,
            url: call.url(),
            secrets: call.secrets.clone(),
        }
    }
}

impl Answer {
    /// The body, unless it cannot be JSON: portals and proxies answer 200 with a login page.
    pub fn json_bytes(&self) -> Result<&[u8], Error> {
        let is_html = |kind: &String| kind.to_ascii_lowercase().starts_with("text/html");
        let what = match self.body.trim_ascii_start().first() {
            None => "an empty body",
            Some(b'<') => "an HTML page",
            _ if self.content_type.as_ref().is_some_and(is_html) => "an HTML page",
            _ => return Ok(&self.body),
        };
        Err(Error::answer(format!("the vendor answered {} with {what}, not JSON", self.status)))
    }

    /// Reads the body; where that fails, the error tells how the body begins, unless it may hold tokens of others.
    pub fn read<'a, T>(&'a self, read: impl FnOnce(&'a [u8]) -> Result<T, Error>) -> Result<T, Error> {
        let body = self.json_bytes()?;
        let holds_tokens = || body.windows(5).any(|word| word.eq_ignore_ascii_case(b"token"));
        read(body).map_err(|error| match holds_tokens() {
            true => error,
            false => Error::answer(format!("{error}; the answer begins: {}", self.excerpt())),
        })
    }

    /// How the body begins, without secrets. Redacts before it cuts, so that no half of one is left.
    pub fn excerpt(&self) -> String {
        self.secrets.excerpt(&self.body[..self.body.len().min(4096)], 100)
    }
}

impl Attempt {
    fn new(method: Method, url: String, attempt: u32) -> Self {
        Self {
            at: Utc::now(),
            method: match method {
                Method::Get => "GET",
                Method::Post => "POST",
            },
            url,
            status: None,
            attempt,
            duration: Duration::ZERO,
            bytes: 0,
            retry_after: None,
            error: None,
        }
    }
}

#[cfg(test)]
pub(crate) mod stub;

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
