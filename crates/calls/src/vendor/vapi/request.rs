//! What is asked of Vapi: one job is one request.

use std::sync::Arc;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use chrono_tz::Tz;

use super::call::Take;
use super::response;
use super::signature::Auth;
use super::walk::{Span, MOST};
use crate::client::{segment, Answer, Client, Request};
use crate::error::Error;
use crate::row::Batch;
use crate::secret::Secret;
use crate::vendor::{Exchange, Found, Reply};

/// What opens an organisation, and how much is asked at once.
#[derive(Clone)]
pub struct Access {
    /// Id of the organisation, where it is told: calls of another one are an error then.
    pub account: Option<String>,
    pub token: Secret,
    pub webhooks: Auth,
    pub webhook_secret: Option<Secret>,
    pub page_size: usize,
    pub zone: Tz,
    /// ISO code of the country of numbers without a prefix.
    pub region: Option<String>,
    /// Keep the vendor's records as they came instead of normalising them.
    pub raw: bool,
    /// Keep of each call only that by which it is compared.
    pub is_brief: bool,
}

impl Access {
    pub fn take(&self) -> Take<'_> {
        Take { zone: self.zone, region: self.region.as_deref(), is_brief: self.is_brief }
    }
}

/// What is fetched as one: an organisation.
#[derive(Debug)]
pub struct Source {
    pub id: String,
}

pub struct Vapi {
    client: Arc<Client>,
    access: Access,
}

pub enum Job {
    /// One page of the list; `up_to` is the creation of the oldest call of the page before it.
    Calls { feed: usize, span: Span, up_to: Option<DateTime<Utc>>, limit: usize },
    /// One call.
    Call { id: String },
    /// Assistants and phone numbers.
    Names,
}

/// A call on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
}

pub enum Outcome {
    /// `listed` names every call of the page in its order, those without a readable row too, as far as they have an id and
    /// an instant; `limit` is what was asked for in the end.
    Calls {
        batch: Batch,
        listed: Vec<Listed>,
        received: usize,
        limit: usize,
    },
    Call(Found),
    /// Assistants and phone numbers, and what of them was refused.
    Names {
        batch: Batch,
        refused: Vec<&'static str>,
    },
}

impl Vapi {
    pub fn new(client: Arc<Client>, access: Access) -> Self {
        Vapi { client, access }
    }

    pub fn run(&self, job: &Job) -> Reply<Outcome> {
        let mut exchange = Exchange::new(&self.client);
        let outcome = match job {
            Job::Calls { span, up_to, limit, .. } => self.calls(*span, *up_to, *limit, &mut exchange),
            Job::Call { id } => self.call(id, &mut exchange),
            Job::Names => self.names(&mut exchange),
        };
        exchange.reply(outcome)
    }

    fn calls(
        &self,
        span: Span,
        up_to: Option<DateTime<Utc>>,
        asked: usize,
        exchange: &mut Exchange,
    ) -> Result<Outcome, Error> {
        let mut query = limit(asked);
        let mut put = |name: &str, at| query.push((name.to_owned(), time(at)));
        match span {
            Span::Created(window) => {
                put("createdAtGe", window.from);
                if up_to.is_none() {
                    put("createdAtLt", ceil(window.to));
                }
            }
            Span::Changed(since) => put("updatedAtGe", since),
        }
        if let Some(oldest) = up_to {
            put("createdAtLe", ceil(oldest));
        }
        let answer = match self.get("/call", query, exchange) {
            // Calls carry transcripts and prompts: fewer of them fit.
            Err(Error::TooLarge { .. }) if asked > 1 => return self.calls(span, up_to, asked / 2, exchange),
            other => other?,
        };
        answer.read(|body| response::calls(body, &self.access, asked))
    }

    fn call(&self, id: &str, exchange: &mut Exchange) -> Result<Outcome, Error> {
        let answer = self.get(&format!("/call/{}", segment(id)), Vec::new(), exchange);
        Found::read(answer, |body| response::call(body, &self.access)).map(Outcome::Call)
    }

    /// The names are not what a sync is for: where a key may not read them, its calls are fetched all the same.
    fn names(&self, exchange: &mut Exchange) -> Result<Outcome, Error> {
        let (mut batch, mut refused) = (Batch::default(), Vec::new());
        match self.get("/assistant", limit(MOST), exchange).and_then(|answer| answer.read(response::assistants)) {
            Ok(agents) => batch.agents = agents,
            Err(Error::Status { status: 403 | 404, .. }) => refused.push("assistants_refused"),
            Err(error) => return Err(error),
        }
        let read = |body: &[u8]| response::phone_numbers(body, self.access.take());
        match self.get("/phone-number", limit(MOST), exchange).and_then(|answer| answer.read(read)) {
            Ok(lines) => batch.phone_numbers = lines,
            Err(Error::Status { status: 403 | 404, .. }) => refused.push("phone_numbers_refused"),
            Err(error) => return Err(error),
        }
        Ok(Outcome::Names { batch, refused })
    }

    fn get(&self, path: &str, query: Vec<(String, String)>, exchange: &mut Exchange) -> Result<Answer, Error> {
        let token = Some(self.access.token.clone());
        exchange.send(&Request { path: path.to_owned(), query, token, ..Request::default() })
    }
}

fn limit(calls: usize) -> Vec<(String, String)> {
    vec![("limit".to_owned(), calls.to_string())]
}

/// Milliseconds and `Z`, as the vendor writes them itself.
fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// An upper bound must not be cut below what it includes.
fn ceil(at: DateTime<Utc>) -> DateTime<Utc> {
    match at.duration_trunc(TimeDelta::milliseconds(1)) {
        Ok(cut) if cut < at => cut + TimeDelta::milliseconds(1),
        _ => at,
    }
}
