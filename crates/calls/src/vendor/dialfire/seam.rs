//! Dialfire among the vendors: a source is a campaign.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{check, response, Access, Dialfire, Job, Outcome, Source, Walk};
use crate::client::{Client, Settings};
use crate::error::Error;
use crate::range::Window;
use crate::row::{Agent, Batch, Reject};
use crate::vendor::{Check, Listed, Normalised, Reply, Vendor};

impl Vendor for Dialfire {
    type Access = Access;
    type Source = Arc<Source>;
    type Job = Job;
    type Outcome = Outcome;
    type Walk = Walk;

    fn new(client: Arc<Client>, access: Access) -> Dialfire {
        Dialfire::new(client, access)
    }

    fn run(&self, job: &Job) -> Reply<Outcome> {
        Dialfire::run(self, job)
    }

    fn list(_: &Access) -> Option<Job> {
        Some(Job::Campaigns)
    }

    fn listed(access: &Access, outcome: Option<Outcome>) -> Result<Listed<Arc<Source>>, Error> {
        let Some(Outcome::Campaigns(list)) = outcome else {
            return Err(Error::answer("an answer does not belong to its request"));
        };
        let (campaigns, sources): (Vec<_>, Vec<_>) = list.into_iter().unzip();
        // A mistyped id must not look like a campaign without calls.
        let unknown = access.campaigns.iter().filter(|id| campaigns.iter().all(|c| c.id != **id));
        let what = "it is not in the tenant's list of campaigns; check the server option \"campaigns\"";
        let failures = unknown.map(|id| (id.clone(), Error::answer(what))).collect();
        let closed = campaigns.iter().filter(|c| c.api_access != Some(true)).count() as u64;
        let skipped = match closed {
            0 => BTreeMap::new(),
            closed => BTreeMap::from([("campaign_without_api", closed)]),
        };
        Ok(Listed {
            campaigns,
            sources: sources.into_iter().flatten().collect(),
            failures,
            skipped,
            names: Batch::default(),
        })
    }

    fn id(source: &Arc<Source>) -> &str {
        &source.campaign_id
    }

    fn walk(access: &Access, source: Arc<Source>, window: Window, covered: &[Window], places: usize) -> Walk {
        Walk::new(source, window, places, access.batch).keeping(covered).sharing(&access.pending)
    }

    fn list_agents() -> Option<Job> {
        Some(Job::Users)
    }

    fn agents(outcome: Outcome) -> Option<Vec<Agent>> {
        match outcome {
            Outcome::Users(agents) => Some(agents),
            _ => None,
        }
    }

    fn raw(access: Access) -> Access {
        Access { raw: true, ..access }
    }

    fn params(access: &Access) -> Map<String, Value> {
        Map::from_iter([
            ("limit".to_owned(), access.page_size.into()),
            ("contacts_per_request".to_owned(), access.batch.into()),
            ("include_md5".to_owned(), true.into()),
        ])
    }

    fn check(client: &Client, access: &Access, settings: &Settings) -> Vec<Check> {
        check::check(client, access, settings)
    }

    fn normalise(payload: &RawValue, _: Option<&str>, zone: Tz) -> Vec<Normalised> {
        response::normalise(payload, "", zone)
    }

    fn reread(_: &Access, rejected: &Reject, transaction: Option<&str>, zone: Tz) -> Batch {
        response::reread(rejected, transaction, zone)
    }
}
