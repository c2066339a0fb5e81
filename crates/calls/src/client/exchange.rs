//! One request and its answer, on a thread of its own, so that nothing it blocks in can block the caller.

use super::{address::follow, redact::Redactor, Method};
use crate::error::Error;
use std::io::{ErrorKind, Read};
use std::sync::{mpsc, Arc};
use std::{thread, time::Duration};
use ureq::http::{self, header, HeaderMap, HeaderName, Uri};
use ureq::{Agent, Timeout};

/// Shutting the agent down wakes a thread in a socket at once; one in getaddrinfo() or connect() cannot be woken and
/// is left behind within this time. It ends at its time limit and can no longer send anything.
const SLICE: Duration = Duration::from_millis(25);
/// Enough of a body that only explains a status.
const EXPLANATION: u64 = 16 << 10;

#[derive(Clone)]
pub(super) struct Call {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Arc<[u8]>,
    pub secrets: Redactor,
}

pub(super) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

pub(super) enum Fault {
    /// The next attempt may fare better.
    Passing(String),
    Lasting(Error),
}

impl Call {
    /// The same question at another address of the same origin, asked with GET.
    pub fn moved(&self, location: &str) -> Result<Self, Error> {
        let refused = || Error::Redirect { location: self.secrets.text(location) };
        let uri = follow(&self.uri, location).ok_or_else(refused)?;
        let mut headers = self.headers.clone();
        headers.remove(header::CONTENT_TYPE);
        Ok(Self { method: Method::Get, uri, headers, body: [].into(), secrets: self.secrets.clone() })
    }

    /// The address as it may be shown.
    pub fn url(&self) -> String {
        self.secrets.text(&self.uri.to_string())
    }

    fn fault(&self, error: ureq::Error) -> Fault {
        let cause = match &error {
            ureq::Error::Timeout(Timeout::Resolve) => "the host name was not resolved in time".to_owned(),
            ureq::Error::Timeout(Timeout::Connect) => "no connection in time".to_owned(),
            ureq::Error::Timeout(_) => "no complete answer in time".to_owned(),
            ureq::Error::Io(error) => self.secrets.text(&error.to_string()),
            error => self.secrets.text(&error.to_string()),
        };
        // A certificate that does not hold, or a server without TLS, stays so.
        let is_lasting = match error {
            ureq::Error::Io(error) => error.kind() == ErrorKind::InvalidData,
            error => matches!(error, ureq::Error::Tls(_) | ureq::Error::Rustls(_)),
        };
        match is_lasting {
            true => Fault::Lasting(Error::Transport { attempts: 1, cause }),
            false => Fault::Passing(cause),
        }
    }
}

impl Reply {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Ends at the latest a moment after `is_canceled`. The thread inherits the caller's signal mask.
pub(super) fn exchange(
    agent: &Agent,
    call: &Call,
    max_body: u64,
    is_canceled: impl Fn() -> bool,
) -> Result<Reply, Fault> {
    let (sender, receiver) = mpsc::channel();
    let (agent, call) = (agent.clone(), call.clone());
    thread::Builder::new()
        .name("calls-http".to_owned())
        .spawn(move || drop(sender.send(perform(&agent, &call, max_body))))
        .map_err(|error| Fault::Passing(format!("no thread: {error}")))?;
    loop {
        let outcome = receiver.recv_timeout(SLICE);
        if is_canceled() {
            return Err(Fault::Lasting(Error::Canceled));
        }
        match outcome {
            Ok(outcome) => return outcome,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(Fault::Passing("the thread died".to_owned())),
        }
    }
}

fn perform(agent: &Agent, call: &Call, max_body: u64) -> Result<Reply, Fault> {
    let mut request = http::Request::new(&call.body[..]);
    *request.uri_mut() = call.uri.clone();
    *request.headers_mut() = call.headers.clone();
    let response = match call.method {
        Method::Get => agent.run(request.map(|_| ())),
        Method::Post => {
            *request.method_mut() = http::Method::POST;
            agent.run(request)
        }
    };
    let (head, body) = response.map_err(|error| call.fault(error))?.into_parts();
    let mut reply = Reply { status: head.status.as_u16(), headers: head.headers, body: Vec::new() };
    let limit = if reply.is_success() { max_body } else { EXPLANATION };
    if reply.is_success() && body.content_length().is_some_and(|length| length > limit) {
        return Err(Fault::Lasting(Error::TooLarge { limit }));
    }
    let read = body.into_reader().take(limit.saturating_add(1)).read_to_end(&mut reply.body);
    if !reply.is_success() {
        reply.body.truncate(limit as usize);
        return Ok(reply);
    }
    if reply.body.len() as u64 > limit {
        return Err(Fault::Lasting(Error::TooLarge { limit }));
    }
    read.map_err(|error| call.fault(error.into()))?;
    Ok(reply)
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
