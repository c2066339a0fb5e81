//! The vendors: each speaks its own API and ends in the rows of [`crate::row`].

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::client::{Answer, Attempt, Client, Request, Settings};
use crate::error::Error;
use crate::field::Fault;
use crate::range::Window;
use crate::row::{Agent, Batch, Campaign, Reject, Row};

mod check;
pub mod dialfire;
pub mod highlevel;
pub mod vapi;
pub mod vicidial;

pub use check::{Check, Checks};
use dialfire::reject;
pub use dialfire::{Aside, Stored};

/// One vendor: what its sources are, which requests a window takes, and what its records become.
pub trait Vendor: Sized + Send + Sync + 'static {
    /// What opens a tenant, and how much is asked at once.
    type Access: Clone + Send + Sync + 'static;
    /// The unit of fetching and of coverage: a campaign, a location, an organisation.
    type Source: Clone;
    type Job: Send + 'static;
    type Outcome: Send + 'static;
    type Walk: Walk<Job = Self::Job, Outcome = Self::Outcome>;

    fn new(client: Arc<Client>, access: Self::Access) -> Self;
    /// Does one job; runs on a helper thread.
    fn run(&self, job: &Self::Job) -> Reply<Self::Outcome>;

    /// The job that lists the sources; `None` where the tenant's options name them already.
    fn list(access: &Self::Access) -> Option<Self::Job>;
    /// The sources, from the answer to `list`.
    fn listed(access: &Self::Access, outcome: Option<Self::Outcome>) -> Result<Listed<Self::Source>, Error>;
    fn id(source: &Self::Source) -> &str;
    /// How the ids of a source's calls begin, where `campaign_id` does not name the source.
    fn prefix(_: &Self::Source) -> Option<&'static str> {
        None
    }
    /// The way through a window; `covered` are windows whose calls are stored, `places` the requests in flight.
    fn walk(
        access: &Self::Access,
        source: Self::Source,
        window: Window,
        covered: &[Window],
        places: usize,
    ) -> Self::Walk;
    /// The job that lists the agents, asked where a call names one that is not known.
    fn list_agents() -> Option<Self::Job> {
        None
    }
    fn agents(_: Self::Outcome) -> Option<Vec<Agent>> {
        None
    }

    /// A walk through what has changed at a source since an instant, where the vendor can be asked so.
    fn changes(_: &Self::Access, _: Self::Source, _: DateTime<Utc>) -> Option<Self::Walk> {
        None
    }
    /// The job that asks for one call, where the vendor can be asked so; `found` reads its answer.
    fn find(_: &str) -> Option<Self::Job> {
        None
    }
    fn found(_: Self::Outcome) -> Found {
        Found::Foreign
    }

    /// Keep the vendor's records as they came instead of normalising them.
    fn raw(access: Self::Access) -> Self::Access;
    /// Keep of the vendor's records only that by which they are compared, where that is much less.
    fn brief(access: Self::Access) -> Self::Access {
        access
    }
    /// What of the requests stands in the ledger.
    fn params(access: &Self::Access) -> Map<String, Value>;
    fn check(client: &Client, access: &Self::Access, settings: &Settings) -> Vec<Check>;
    /// Any record of the vendor's, by its shape; `region` is the country of numbers without a prefix.
    fn normalise(payload: &RawValue, region: Option<&str>, zone: Tz) -> Vec<Normalised>;
    /// A quarantined record again, without asking the vendor; `transaction` is the one that it belonged to.
    fn reread(access: &Self::Access, rejected: &Reject, transaction: Option<&str>, zone: Tz) -> Batch;
}

/// What a vendor's list of sources says.
pub struct Listed<S> {
    /// All of them, as rows.
    pub campaigns: Vec<Campaign>,
    /// Those that can be fetched.
    pub sources: Vec<S>,
    /// Sources that were asked for by name and cannot be fetched.
    pub failures: Vec<(String, Error)>,
    pub skipped: BTreeMap<&'static str, u64>,
    /// Agents and phone numbers that came along.
    pub names: Batch,
}

/// What the vendor says of one call.
pub enum Found {
    Call(Box<Batch>),
    /// 404: there is no such call, or no longer.
    Gone,
    /// The id is none of the vendor's: nothing is said about it.
    Foreign,
}

impl Found {
    /// Reads the answer to a question about one call.
    fn read(answer: Result<Answer, Error>, read: impl FnOnce(&[u8]) -> Result<Batch, Error>) -> Result<Found, Error> {
        match answer {
            Ok(answer) => answer.read(read).map(Box::new).map(Found::Call),
            Err(Error::Status { status: 404, .. }) => Ok(Found::Gone),
            Err(Error::Status { status: 400 | 422, .. }) => Ok(Found::Foreign),
            Err(error) => Err(error),
        }
    }
}

/// Everything that came of one job.
pub struct Reply<O> {
    pub outcome: Result<O, Error>,
    pub attempts: Vec<Attempt>,
    /// The vendor's clock.
    pub date: Option<DateTime<Utc>>,
}

/// The requests of one job, with the lines that they leave in the ledger.
pub struct Exchange<'a> {
    client: &'a Client,
    attempts: Vec<Attempt>,
    date: Option<DateTime<Utc>>,
}

impl<'a> Exchange<'a> {
    pub fn new(client: &'a Client) -> Exchange<'a> {
        Exchange { client, attempts: Vec::new(), date: None }
    }

    pub fn send(&mut self, request: &Request) -> Result<Answer, Error> {
        let (answer, attempts) = self.client.send(request);
        self.attempts.extend(attempts);
        if let Ok(answer) = &answer {
            self.date = answer.date.or(self.date);
        }
        answer
    }

    /// Takes in what was asked in another way.
    pub fn with(mut self, attempt: Attempt) -> Exchange<'a> {
        self.attempts.push(attempt);
        self
    }

    pub fn reply<O>(self, outcome: Result<O, Error>) -> Reply<O> {
        Reply { outcome, attempts: self.attempts, date: self.date }
    }
}

/// A way through a vendor's data: requests to make, one after the other or several at once, until it is finished.
pub trait Path {
    type Job: Send + 'static;
    type Outcome: Send + 'static;
    /// The next request, or `None` until an outstanding one is answered.
    fn poll<S: Stored>(&mut self, stored: &mut S) -> Result<Option<Self::Job>, S::Error>;
    /// Takes the answer to one of this path's jobs; what it returns is to be stored. An error ends the path.
    fn accept<S: Stored>(
        &mut self,
        job: &Self::Job,
        outcome: Result<Self::Outcome, Error>,
        stored: &mut S,
    ) -> Result<Result<Batch, Error>, S::Error>;
    /// Every page arrived, and everything that they announce.
    fn is_finished(&self) -> bool;
}

/// A path through one window of one source.
pub trait Walk: Path {
    fn source_id(&self) -> &str;
    fn window(&self) -> Window;
    fn counts(&self) -> &Counts;
    /// The newest change among what it brought, where records tell.
    fn newest_change(&self) -> Option<DateTime<Utc>> {
        None
    }
}

/// What became of the records of a window, as far as it is decided before storing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    pub fetched: u64,
    pub unchanged: u64,
    pub skipped: BTreeMap<&'static str, u64>,
    pub pages: u64,
}

impl Counts {
    pub fn skip(&mut self, reason: &'static str) {
        *self.skipped.entry(reason).or_default() += 1;
    }
}

/// How deep arrays and pages of records may nest: each level takes from the stack, whose end is the server's.
const NESTING_LIMIT: usize = 16;

fn too_deep(payload: &str) -> Reject {
    let fault = Fault::new("too_deep", "payload", "arrays and pages of records nested too deeply");
    reject("payload", None, fault, payload)
}

/// A row or reject of one payload, for people to look at.
pub struct Normalised {
    pub kind: &'static str,
    pub id: Option<String>,
    pub row: Option<Map<String, Value>>,
    pub reject: Option<Reject>,
}

impl Normalised {
    pub fn all(batch: Batch) -> Vec<Normalised> {
        fn of<R: Row>(kind: &'static str, rows: Vec<R>) -> impl Iterator<Item = Normalised> {
            rows.into_iter().map(move |row| {
                let mut row = row.to_json();
                // A payload alone does not say which campaign delivered it.
                row.retain(|name, value| name != "campaign_id" || value.as_str() != Some(""));
                let id = row.get("id").and_then(|id| id.as_str()).map(str::to_owned);
                Normalised { kind, id, row: Some(row), reject: None }
            })
        }
        of("contact", batch.contacts)
            .chain(of("transaction", batch.transactions))
            .chain(of("connection", batch.connections))
            .chain(of("recording", batch.recordings))
            .chain(of("inbound_call", batch.inbound_calls))
            .chain(of("call_detail", batch.call_details))
            .chain(of("call", batch.voice_calls))
            .chain(batch.rejects.into_iter().map(Normalised::from))
            .collect()
    }
}

impl From<Reject> for Normalised {
    fn from(reject: Reject) -> Normalised {
        Normalised { kind: reject.kind, id: reject.key.clone(), row: None, reject: Some(reject) }
    }
}
