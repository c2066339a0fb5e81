//! Vapi among the vendors: the only source is the organisation.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::call::Take;
use super::check;
use super::request::{Access, Job, Outcome, Source, Vapi};
use super::response::{self, SOURCE};
use super::walk::{Span, Walk};
use crate::client::{Client, Settings};
use crate::error::Error;
use crate::range::Window;
use crate::row::{Batch, Campaign, Reject};
use crate::vendor::{Check, Found, Listed, Normalised, Reply, Vendor};

impl Vendor for Vapi {
    type Access = Access;
    type Source = Arc<Source>;
    type Job = Job;
    type Outcome = Outcome;
    type Walk = Walk;

    fn new(client: Arc<Client>, access: Access) -> Vapi {
        Vapi::new(client, access)
    }

    fn run(&self, job: &Job) -> Reply<Outcome> {
        Vapi::run(self, job)
    }

    fn list(_: &Access) -> Option<Job> {
        Some(Job::Names)
    }

    fn listed(access: &Access, outcome: Option<Outcome>) -> Result<Listed<Arc<Source>>, Error> {
        let Some(Outcome::Names { batch, refused }) = outcome else {
            return Err(Error::answer("an answer does not belong to its request"));
        };
        let id = access.account.clone().unwrap_or_else(|| SOURCE.to_owned());
        let campaign = Campaign {
            id: id.clone(),
            title: Some("Vapi organisation".to_owned()),
            status: None,
            hidden: None,
            api_access: Some(true),
        };
        Ok(Listed {
            campaigns: vec![campaign],
            sources: vec![Arc::new(Source { id })],
            failures: Vec::new(),
            skipped: refused.into_iter().map(|what| (what, 1)).collect::<BTreeMap<_, _>>(),
            names: batch,
        })
    }

    fn id(source: &Arc<Source>) -> &str {
        &source.id
    }

    fn walk(access: &Access, source: Arc<Source>, window: Window, _: &[Window], places: usize) -> Walk {
        Walk::new(source, Span::Created(window), places, access.page_size)
    }

    fn changes(access: &Access, source: Arc<Source>, since: DateTime<Utc>) -> Option<Walk> {
        Some(Walk::new(source, Span::Changed(since), 1, access.page_size))
    }

    fn find(id: &str) -> Option<Job> {
        Some(Job::Call { id: id.to_owned() })
    }

    fn found(outcome: Outcome) -> Found {
        match outcome {
            Outcome::Call(found) => found,
            _ => Found::Foreign,
        }
    }

    fn raw(access: Access) -> Access {
        Access { raw: true, ..access }
    }

    fn brief(access: Access) -> Access {
        Access { is_brief: true, ..access }
    }

    fn params(access: &Access) -> Map<String, Value> {
        Map::from_iter([("limit".to_owned(), access.page_size.into())])
    }

    fn check(client: &Client, access: &Access, settings: &Settings) -> Vec<Check> {
        check::check(client, access, settings)
    }

    fn normalise(payload: &RawValue, region: Option<&str>, zone: Tz) -> Vec<Normalised> {
        response::normalise(payload, Take { zone, region, is_brief: false })
    }

    fn reread(access: &Access, rejected: &Reject, _: Option<&str>, _: Tz) -> Batch {
        response::reread(rejected, access.take())
    }
}
