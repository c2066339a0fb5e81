//! HighLevel among the vendors: a source is a location, and a tenant has one.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{call, check, Access, HighLevel, Job, Location, Outcome, Walk};
use crate::client::{Client, Settings};
use crate::error::Error;
use crate::field;
use crate::range::Window;
use crate::row::{Agent, Batch, Campaign, Reject};
use crate::vendor::{too_deep, Check, Found, Listed, Normalised, Reply, Vendor, NESTING_LIMIT};

impl Vendor for HighLevel {
    type Access = Access;
    type Source = Arc<Location>;
    type Job = Job;
    type Outcome = Outcome;
    type Walk = Walk;

    fn new(client: Arc<Client>, access: Access) -> HighLevel {
        HighLevel::new(client, access)
    }

    fn run(&self, job: &Job) -> Reply<Outcome> {
        HighLevel::run(self, job)
    }

    fn list(_: &Access) -> Option<Job> {
        None
    }

    fn listed(access: &Access, _: Option<Outcome>) -> Result<Listed<Arc<Location>>, Error> {
        let id = access.location.clone();
        let campaign = Campaign { id: id.clone(), title: None, status: None, hidden: None, api_access: Some(true) };
        Ok(Listed {
            campaigns: vec![campaign],
            sources: vec![Arc::new(Location { id })],
            failures: Vec::new(),
            skipped: BTreeMap::new(),
            names: Batch::default(),
        })
    }

    fn id(source: &Arc<Location>) -> &str {
        &source.id
    }

    fn walk(access: &Access, source: Arc<Location>, window: Window, _: &[Window], _: usize) -> Walk {
        Walk::new(source, window, access.page_size, access.conversations)
    }

    fn list_agents() -> Option<Job> {
        Some(Job::Agents)
    }

    fn agents(outcome: Outcome) -> Option<Vec<Agent>> {
        match outcome {
            Outcome::Agents(agents) => Some(agents),
            _ => None,
        }
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

    /// What messages tell is no part of the checksum.
    fn brief(access: Access) -> Access {
        Access { conversations: false, is_brief: true, ..access }
    }

    fn params(access: &Access) -> Map<String, Value> {
        Map::from_iter([
            ("locationId".to_owned(), access.location.as_str().into()),
            ("pageSize".to_owned(), access.page_size.into()),
            ("sortBy".to_owned(), "createdAt".into()),
            ("sort".to_owned(), "ascend".into()),
            ("version".to_owned(), access.version.as_str().into()),
        ])
    }

    fn check(client: &Client, access: &Access, settings: &Settings) -> Vec<Check> {
        check::check(client, access, settings)
    }

    fn normalise(payload: &RawValue, _: Option<&str>, zone: Tz) -> Vec<Normalised> {
        let mut batch = Batch::default();
        sort(payload, "", zone, 0, &mut batch);
        Normalised::all(batch)
    }

    fn reread(_: &Access, rejected: &Reject, _: Option<&str>, zone: Tz) -> Batch {
        let mut batch = Batch::default();
        if let (Ok(raw), "call") = (serde_json::from_str::<&RawValue>(&rejected.payload), rejected.kind) {
            call::read(raw, rejected.campaign_id.as_deref().unwrap_or_default(), zone, &mut batch);
        }
        batch
    }
}

/// A call log, a page or an array of those, or a webhook.
fn sort(payload: &RawValue, source: &str, zone: Tz, depth: usize, batch: &mut Batch) {
    let json = payload.get();
    if depth > NESTING_LIMIT {
        return batch.rejects.push(too_deep(json));
    }
    if json.starts_with('[') {
        return field::items("payload", payload)
            .unwrap_or_default()
            .into_iter()
            .for_each(|item| sort(item, source, zone, depth + 1, batch));
    }
    let logs = field::fields("payload", payload).ok().and_then(|fields| {
        let logs = fields.iter().find(|(name, _)| name == "callLogs").map(|(_, raw)| *raw);
        logs.and_then(|raw| field::items("callLogs", raw).ok())
    });
    match logs {
        Some(logs) => logs.into_iter().for_each(|log| drop(call::read(log, source, zone, batch))),
        None => drop(call::read(payload, source, zone, batch)),
    }
}
