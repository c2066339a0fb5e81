//! VICIdial among the vendors: a source is a table of calls. Its jobs are statements, which only a backend can run.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::call;
use super::job::{Access, Job, Lists, Outcome, Source};
use super::result::result;
use super::status::{disposition, Outcomes};
use super::walk::Walk;
use super::Table;
use crate::client::{Client, Settings};
use crate::error::Error;
use crate::field::{self, Fault};
use crate::range::Window;
use crate::row::{self, Agent, Batch, Reject};
use crate::vendor::{reject, too_deep, Check, Listed, Normalised, Reply, Vendor, NESTING_LIMIT};

pub struct Vicidial;

const NOT_HERE: &str = "the dialler's tables are read by the backend itself";

impl Vendor for Vicidial {
    type Access = Access;
    type Source = Source;
    type Job = Job;
    type Outcome = Outcome;
    type Walk = Walk;

    fn new(_: Arc<Client>, _: Access) -> Vicidial {
        Vicidial
    }

    fn run(&self, _: &Job) -> Reply<Outcome> {
        Reply { outcome: Err(Error::answer(NOT_HERE)), attempts: Vec::new(), date: None }
    }

    fn list(_: &Access) -> Option<Job> {
        Some(Job::Lists)
    }

    fn listed(access: &Access, outcome: Option<Outcome>) -> Result<Listed<Source>, Error> {
        let Some(Outcome::Lists(lists)) = outcome else {
            return Err(Error::answer("an answer does not belong to its request"));
        };
        let has = |table: &str| lists.tables.iter().any(|name| name == table);
        let outcomes = Arc::new(Outcomes::of(&lists.statuses));
        let sources: Vec<Source> = Table::ALL
            .into_iter()
            .filter(|table| has(table.name()))
            .map(|table| Source {
                table,
                has_archive: has(table.archive()),
                has_recordings: has("recording_log"),
                outcomes: outcomes.clone(),
            })
            .collect();
        if sources.is_empty() {
            let what = format!(
                "schema \"{}\" has neither vicidial_log nor vicidial_closer_log as a foreign table",
                access.schema
            );
            let hint = "SELECT df_setup_vicidial(…) makes the foreign tables; the server option \"schema\" says where they are";
            return Err(Error::Dialler { what, hint });
        }
        let mut skipped = BTreeMap::new();
        if let missing @ 1.. = sources.iter().filter(|source| !source.has_archive).count() as u64 {
            skipped.insert("table_without_archive", missing);
        }
        if !has("recording_log") {
            skipped.insert("no_recording_log", 1);
        }
        Ok(Listed {
            campaigns: campaigns(&sources, &lists),
            names: Batch {
                agents: lists.users.into_iter().filter_map(agent).collect(),
                dispositions: lists.statuses.iter().filter_map(disposition).collect(),
                ..Batch::default()
            },
            sources,
            failures: Vec::new(),
            skipped,
        })
    }

    fn id(source: &Source) -> &str {
        source.table.name()
    }

    fn prefix(source: &Source) -> Option<&'static str> {
        Some(source.table.prefix())
    }

    fn walk(access: &Access, source: Source, window: Window, _: &[Window], _: usize) -> Walk {
        Walk::new(access.clone(), source, window)
    }

    fn raw(access: Access) -> Access {
        Access { raw: true, ..access }
    }

    fn brief(access: Access) -> Access {
        Access { is_brief: true, ..access }
    }

    fn params(access: &Access) -> Map<String, Value> {
        Map::from_iter([
            ("schema".to_owned(), access.schema.as_str().into()),
            ("limit".to_owned(), access.page_size.into()),
        ])
    }

    fn check(_: &Client, _: &Access, _: &Settings) -> Vec<Check> {
        Vec::new()
    }

    fn normalise(payload: &RawValue, _: Option<&str>, zone: Tz) -> Vec<Normalised> {
        let mut batch = Batch::default();
        sort(payload, zone, 0, &mut batch);
        Normalised::all(batch)
    }

    fn reread(_: &Access, rejected: &Reject, _: Option<&str>, zone: Tz) -> Batch {
        match serde_json::from_str(&rejected.payload) {
            Ok(Value::Object(row)) => one(&row, zone),
            _ => Batch::default(),
        }
    }
}

/// A row, or an array of those.
fn sort(payload: &RawValue, zone: Tz, depth: usize, batch: &mut Batch) {
    let json = payload.get();
    if depth > NESTING_LIMIT {
        return batch.rejects.push(too_deep(json));
    }
    if json.starts_with('[') {
        return match field::items("payload", payload) {
            Ok(rows) => rows.into_iter().for_each(|row| sort(row, zone, depth + 1, batch)),
            Err(fault) => batch.rejects.push(reject("payload", None, fault, json)),
        };
    }
    match serde_json::from_str::<Map<String, Value>>(json) {
        Ok(object) => batch.append(one(&object, zone)),
        Err(error) => {
            let fault = Fault::new("not_an_object", "payload", error.to_string());
            batch.rejects.push(reject("payload", None, fault, json));
        }
    }
}

/// A row of the dialler's, or the body of a call result.
fn one(object: &Map<String, Value>, zone: Tz) -> Batch {
    if !["leadId", "disposition", "phoneNumber", "campaignId"].iter().any(|name| object.contains_key(*name)) {
        return call::normalise(object, zone);
    }
    let mut batch = Batch::default();
    match result(object, zone, &Outcomes::default()) {
        Ok(call) => batch.take(call),
        Err(reject) => batch.rejects.push(*reject),
    }
    batch
}

/// The tables, which are what is covered, and the dialler's own campaigns.
fn campaigns(sources: &[Source], lists: &Lists) -> Vec<row::Campaign> {
    let tables = sources.iter().map(|source| row::Campaign {
        id: source.table.name().to_owned(),
        title: Some(format!("{} calls", source.table.direction())),
        api_access: Some(true),
        ..row::Campaign::default()
    });
    let campaigns = lists.campaigns.iter().filter_map(|campaign| {
        Some(row::Campaign {
            id: campaign.campaign_id.clone()?,
            title: campaign.campaign_name.clone(),
            status: campaign
                .active
                .as_deref()
                .map(|active| if active == "Y" { "active" } else { "inactive" }.to_owned()),
            ..row::Campaign::default()
        })
    });
    tables.chain(campaigns).collect()
}

fn agent(user: super::record::User) -> Option<Agent> {
    let login = user.user.filter(|user| !user.is_empty())?;
    Some(Agent {
        id: login.clone(),
        login,
        branch: user.user_group,
        name: user.full_name.filter(|n| !n.is_empty()),
        seen: None,
    })
}

#[cfg(test)]
#[path = "seam_tests.rs"]
mod tests;
