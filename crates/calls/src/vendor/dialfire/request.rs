//! What is asked of Dialfire: one job is one request, or one batch of contacts with its remainders.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicUsize;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::contact::{self, Take};
use super::event::Event;
use super::response::{self, Opened, Page};
use super::transaction::Wanted;
use crate::client::{segment, Answer, Client, Method, Request};
use crate::error::Error;
use crate::field::{self, Fault};
use crate::json::Raw;
use crate::range::Window;
use crate::row::{Agent, Batch, Campaign, Record, Reject};
use crate::secret::Secret;
use crate::vendor::{Exchange, Reply};

/// What opens a tenant, and how much is asked at once.
#[derive(Clone)]
pub struct Access {
    pub account: String,
    pub token: Option<Secret>,
    /// Tokens of single campaigns, for installations where the sync token is not the one in the list of campaigns.
    pub campaign_tokens: BTreeMap<String, Secret>,
    /// Only these campaigns; empty means all.
    pub campaigns: Vec<String>,
    pub page_size: usize,
    pub batch: usize,
    pub zone: Tz,
    /// Keep the vendor's records as they came instead of normalising them.
    pub raw: bool,
    /// Announced transactions that all walks hold together.
    pub pending: Arc<AtomicUsize>,
}

pub struct Dialfire {
    client: Arc<Client>,
    access: Access,
}

/// A campaign that can be fetched.
pub struct Source {
    pub campaign_id: String,
    token: Secret,
}

#[cfg(test)]
impl Source {
    pub fn for_tests(campaign_id: &str, token: Secret) -> Arc<Source> {
        Arc::new(Source { campaign_id: campaign_id.to_owned(), token })
    }
}

pub enum Job {
    Campaigns,
    Users,
    Events { source: Arc<Source>, window: Window, cursor: Option<String> },
    InboundCalls { source: Arc<Source>, window: Window, cursor: Option<String> },
    ContactList { source: Arc<Source>, since: NaiveDate, cursor: Option<String> },
    Contacts { source: Arc<Source>, keep: Vec<Window>, wanted: Vec<(String, Vec<Wanted>)> },
}

/// A campaign, and how to fetch it where that is possible.
pub type Listed = (Campaign, Option<Arc<Source>>);

pub enum Outcome {
    Campaigns(Vec<Listed>),
    Users(Vec<Agent>),
    Events {
        events: Vec<Event>,
        page: PageFacts,
        rejects: Vec<Reject>,
        records: Vec<Record>,
    },
    InboundCalls {
        batch: Batch,
        page: PageFacts,
    },
    /// Ids of contacts with their checksums.
    ContactList {
        entries: Vec<(String, String)>,
        page: PageFacts,
    },
    /// `unannounced` counts transactions that no event had announced; `missing` are contacts that did not come.
    Contacts {
        batch: Batch,
        unannounced: u64,
        missing: Vec<String>,
    },
}

/// What a page says about the list that it belongs to.
pub struct PageFacts {
    pub cursor: Option<String>,
    pub count: Option<u64>,
    pub received: u64,
}

impl Dialfire {
    pub fn new(client: Arc<Client>, access: Access) -> Self {
        Dialfire { client, access }
    }

    pub fn run(&self, job: &Job) -> Reply<Outcome> {
        let mut exchange = Exchange::new(&self.client);
        let outcome = match job {
            Job::Campaigns => self.campaigns(&mut exchange).map(Outcome::Campaigns),
            Job::Users => self.users(&mut exchange).map(Outcome::Users),
            Job::Events { source, window, cursor } => self.events(source, window, cursor.as_deref(), &mut exchange),
            Job::InboundCalls { source, window, cursor } => {
                self.inbound_calls(source, window, cursor.as_deref(), &mut exchange)
            }
            Job::ContactList { source, since, cursor } => {
                self.contact_list(source, *since, cursor.as_deref(), &mut exchange)
            }
            Job::Contacts { source, keep, wanted } => self.contacts(source, keep, wanted, &mut exchange),
        };
        exchange.reply(outcome)
    }

    fn campaigns(&self, exchange: &mut Exchange) -> Result<Vec<Listed>, Error> {
        let opened = match &self.access.token {
            Some(token) => {
                let account = segment(&self.access.account);
                let answer = exchange.first(
                    [format!("/tenants/{account}/campaigns/"), format!("/tenants/{account}/campaigns")],
                    token,
                )?;
                answer.read(response::campaigns)?
            }
            None => self.access.campaign_tokens.keys().map(|id| named(id)).collect(),
        };
        let wanted = |id: &str| self.access.campaigns.is_empty() || self.access.campaigns.iter().any(|c| c == id);
        Ok(opened.into_iter().filter(|o| wanted(&o.campaign.id)).map(|o| self.open(o)).collect())
    }

    fn open(&self, Opened { mut campaign, token }: Opened) -> Listed {
        let own = self.access.campaign_tokens.get(&campaign.id).cloned();
        let is_open = own.is_some() || campaign.api_access == Some(true);
        campaign.api_access = Some(is_open);
        let token = own.or(token).filter(|_| is_open);
        let source = token.map(|token| Arc::new(Source { campaign_id: campaign.id.clone(), token }));
        (campaign, source)
    }

    fn users(&self, exchange: &mut Exchange) -> Result<Vec<Agent>, Error> {
        let Some(token) = &self.access.token else { return Ok(Vec::new()) };
        let account = segment(&self.access.account);
        let paths = [format!("/tenants/{account}/users/"), format!("/tenants/{account}/users/list")];
        let answer = exchange.first(paths, token)?;
        answer.read(response::users)
    }

    fn events(
        &self,
        source: &Source,
        window: &Window,
        cursor: Option<&str>,
        exchange: &mut Exchange,
    ) -> Result<Outcome, Error> {
        let path = format!("/campaigns/{}/contacts/transactions/", segment(&source.campaign_id));
        let answer = exchange.get(&path, self.paging(window, cursor), &source.token)?;
        let page = answer.read(|body| response::page("a page of events", body))?;
        let facts = facts(&page);
        if self.access.raw {
            let records = page.results.iter().map(|&raw| record(source, "event", None, raw)).collect();
            let (events, _) = response::events(&page.results, &source.campaign_id);
            return Ok(Outcome::Events { events, page: facts, rejects: Vec::new(), records });
        }
        let (events, rejects) = response::events(&page.results, &source.campaign_id);
        Ok(Outcome::Events { events, page: facts, rejects, records: Vec::new() })
    }

    fn inbound_calls(
        &self,
        source: &Source,
        window: &Window,
        cursor: Option<&str>,
        exchange: &mut Exchange,
    ) -> Result<Outcome, Error> {
        let path = format!("/campaigns/{}/inbound/calls/", segment(&source.campaign_id));
        let answer = exchange.get(&path, self.paging(window, cursor), &source.token)?;
        let page = answer.read(|body| response::page("a page of inbound calls", body))?;
        let mut batch = Batch::default();
        if self.access.raw {
            batch.records = page.results.iter().map(|&raw| record(source, "inbound_call", None, raw)).collect();
        } else {
            response::inbound_calls(&page.results, &source.campaign_id, self.access.zone, &mut batch);
        }
        Ok(Outcome::InboundCalls { batch, page: facts(&page) })
    }

    fn paging(&self, window: &Window, cursor: Option<&str>) -> Vec<(String, String)> {
        // Whether the vendor's bounds are inclusive is not documented: asking a millisecond more is safe either way,
        // and the walk gives events of that millisecond to the window that they belong to.
        let from = window.from - chrono::TimeDelta::milliseconds(1);
        let mut query = vec![
            ("from".to_owned(), time(from)),
            ("to".to_owned(), time(window.to)),
            ("limit".to_owned(), self.access.page_size.to_string()),
        ];
        query.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor.to_owned())));
        query
    }

    fn contact_list(
        &self,
        source: &Source,
        since: NaiveDate,
        cursor: Option<&str>,
        exchange: &mut Exchange,
    ) -> Result<Outcome, Error> {
        let path = format!("/campaigns/{}/contacts/list", segment(&source.campaign_id));
        let mut query = vec![
            ("changedSince".to_owned(), since.to_string()),
            ("limit".to_owned(), self.access.page_size.to_string()),
        ];
        query.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor.to_owned())));
        let answer = exchange.get(&path, query, &source.token)?;
        let page = answer.read(|body| response::page("a page of the list of contacts", body))?;
        Ok(Outcome::ContactList { entries: response::entries(&page.results)?, page: facts(&page) })
    }

    fn contacts(
        &self,
        source: &Source,
        keep: &[Window],
        wanted: &[(String, Vec<Wanted>)],
        exchange: &mut Exchange,
    ) -> Result<Outcome, Error> {
        let mut batch = Batch::default();
        let mut unannounced = 0;
        let mut missing = self.ask(source, keep, wanted, exchange, &mut batch, &mut unannounced)?;
        if !missing.is_empty() {
            missing = self.ask(source, keep, &missing, exchange, &mut batch, &mut unannounced)?;
        }
        let gone = missing.iter().map(|(id, _)| id.clone()).collect();
        for (id, events) in missing {
            let fault = Fault::new("contact_not_delivered", "$id", "the event feed names it, the contacts lack it");
            let payload = serde_json::Value::from(id.as_str()).to_string();
            batch.rejects.extend(events.into_iter().map(|event| Reject {
                campaign_id: Some(source.campaign_id.clone()),
                contact_id: Some(id.clone()),
                event_md5: Some(event.md5.to_string()),
                fired: Some(event.fired),
                ..response::reject("event", Some(id.clone()), fault.clone(), &payload)
            }));
        }
        Ok(Outcome::Contacts { batch, unannounced, missing: gone })
    }

    /// Fetches contacts, in halves where an answer would be too large; returns those that did not come.
    fn ask(
        &self,
        source: &Source,
        keep: &[Window],
        wanted: &[(String, Vec<Wanted>)],
        exchange: &mut Exchange,
        batch: &mut Batch,
        unannounced: &mut u64,
    ) -> Result<Vec<(String, Vec<Wanted>)>, Error> {
        let ids: Vec<&str> = wanted.iter().map(|(id, _)| id.as_str()).collect();
        let request = Request {
            method: Method::Post,
            path: format!("/campaigns/{}/contacts/", segment(&source.campaign_id)),
            query: vec![("include_md5".to_owned(), "true".to_owned())],
            token: Some(source.token.clone()),
            headers: Vec::new(),
            body: Some(serde_json::to_vec(&ids).unwrap_or_default()),
        };
        let answer = match exchange.send(&request) {
            Err(Error::TooLarge { .. } | Error::Status { status: 413, .. }) if wanted.len() > 1 => {
                let (first, second) = wanted.split_at(wanted.len() / 2);
                let mut missing = self.ask(source, keep, first, exchange, batch, unannounced)?;
                missing.extend(self.ask(source, keep, second, exchange, batch, unannounced)?);
                return Ok(missing);
            }
            other => other?,
        };
        let mut left: HashMap<&str, &Vec<Wanted>> = wanted.iter().map(|(id, events)| (id.as_str(), events)).collect();
        let contacts = answer.read(|body| response::list("the contacts", body))?;
        for (id, raw) in response::contacts(&contacts) {
            let Some(events) = id.as_deref().and_then(|id| left.remove(id)) else { continue };
            if self.access.raw {
                batch.records.push(record(source, "contact", id, raw));
                continue;
            }
            let take =
                Take { campaign_id: &source.campaign_id, zone: self.access.zone, keep, wanted: events.as_slice() };
            *unannounced += contact::read(raw, &take, batch);
        }
        Ok(wanted.iter().filter(|(id, _)| left.contains_key(id.as_str())).cloned().collect())
    }
}

impl Exchange<'_> {
    /// Of two forms of a path that clients use, the first that the vendor knows.
    fn first(&mut self, [path, other]: [String; 2], token: &Secret) -> Result<Answer, Error> {
        match self.get(&path, Vec::new(), token) {
            Err(Error::Status { status: 404, .. }) => self.get(&other, Vec::new(), token),
            answer => answer,
        }
    }

    fn get(&mut self, path: &str, query: Vec<(String, String)>, token: &Secret) -> Result<Answer, Error> {
        self.send(&Request {
            method: Method::Get,
            path: path.to_owned(),
            query,
            token: Some(token.clone()),
            headers: Vec::new(),
            body: None,
        })
    }
}

fn named(id: &str) -> Opened {
    let campaign = Campaign { id: id.to_owned(), title: None, status: None, hidden: None, api_access: Some(true) };
    Opened { campaign, token: None }
}

fn facts(page: &Page) -> PageFacts {
    PageFacts { cursor: page.cursor.clone(), count: page.count, received: page.results.len() as u64 }
}

fn record<'a>(source: &Source, kind: &'static str, key: Option<String>, raw: impl Raw<'a>) -> Record {
    let key = key.or_else(|| match kind {
        "event" => field::text("results", raw).ok().flatten().map(|line| line.into_owned()),
        _ => {
            let fields = field::fields(kind, raw).ok()?;
            let (_, id) = fields.iter().find(|(name, _)| name == "id")?;
            field::key("id", *id).ok().flatten()
        }
    });
    Record { campaign_id: source.campaign_id.clone(), kind, key, payload: raw.get().to_owned() }
}

/// UTC without a `Z`, as the vendor's own client writes it.
fn time(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}
