//! What is asked of HighLevel: one job is one request, or the whole list of agents.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::call;
use super::message::{self, Told};
use crate::client::{Client, Method, Request};
use crate::error::Error;
use crate::field;
use crate::range::Window;
use crate::row::{Agent, Batch, Record};
use crate::secret::Secret;
use crate::vendor::dialfire::parse;
use crate::vendor::{Exchange, Reply};

/// The most that the vendor gives at once.
const MESSAGES_A_PAGE: usize = 500;
const AGENTS_A_PAGE: u64 = 50;
/// A list of agents that is longer than this does not end.
const AGENT_PAGES: u64 = 200;
/// A message may be dated a little before or after its call.
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// What opens a location, and how much is asked at once.
#[derive(Clone)]
pub struct Access {
    pub location: String,
    /// Private integration token, or the access token of an app.
    pub token: Option<Secret>,
    /// The `Version` header.
    pub version: String,
    pub page_size: usize,
    /// Read the messages for direction and status.
    pub conversations: bool,
    pub zone: Tz,
    /// Keep the vendor's records as they came instead of normalising them.
    pub raw: bool,
    pub keys: super::Keys,
}

pub struct HighLevel {
    client: Arc<Client>,
    access: Access,
}

pub struct Location {
    pub id: String,
}

pub enum Job {
    Agents,
    Messages {
        window: Window,
        cursor: Option<String>,
    },
    /// `round` tells the answers of one reading of the list from those of the next.
    Calls {
        window: Window,
        page: u64,
        round: u32,
    },
}

pub enum Outcome {
    Agents(Vec<Agent>),
    Messages { told: Vec<(String, Told)>, cursor: Option<String>, records: Vec<Record> },
    Calls(Box<Page>),
}

/// A page of call logs. `messages` are the ids of the messages of its transactions, in the same order.
#[derive(Default)]
pub struct Page {
    pub batch: Batch,
    pub messages: Vec<Option<String>>,
    /// Keys of all its records, for telling whether one was seen before.
    pub keys: Vec<String>,
    pub received: u64,
    pub total: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Calls<'a> {
    #[serde(borrow)]
    call_logs: Vec<&'a RawValue>,
    total: Option<u64>,
    /// So an account without calls has it.
    total_records: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Messages<'a> {
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
    next_cursor: Option<String>,
}

impl HighLevel {
    pub fn new(client: Arc<Client>, access: Access) -> HighLevel {
        HighLevel { client, access }
    }

    pub fn run(&self, job: &Job) -> Reply<Outcome> {
        let mut exchange = Exchange::new(&self.client);
        let outcome = match job {
            Job::Agents => self.agents(&mut exchange).map(Outcome::Agents),
            Job::Messages { window, cursor } => self.messages(window, cursor.as_deref(), &mut exchange),
            Job::Calls { window, page, .. } => {
                self.calls(window, *page, &mut exchange).map(Box::new).map(Outcome::Calls)
            }
        };
        exchange.reply(outcome)
    }

    fn calls(&self, window: &Window, page: u64, exchange: &mut Exchange) -> Result<Page, Error> {
        // Whether the bounds are inclusive is not documented: a millisecond more is asked for at either end, and the walk
        // leaves out what belongs to the windows beside.
        let query = vec![
            ("startDate", (window.from.timestamp_millis() - 1).max(0).to_string()),
            ("endDate", (window.to.timestamp_millis() + 1).max(1).to_string()),
            ("sortBy", "createdAt".to_owned()),
            ("sort", "ascend".to_owned()),
            ("page", page.to_string()),
            ("pageSize", self.access.page_size.to_string()),
        ];
        let answer = exchange.send(&get(&self.access, "/voice-ai/dashboard/call-logs", query))?;
        answer.read(|body| self.page(parse("a page of call logs", body)?))
    }

    fn page(&self, listed: Calls) -> Result<Page, Error> {
        let mut page = Page {
            received: listed.call_logs.len() as u64,
            total: listed.total.or(listed.total_records),
            ..Page::default()
        };
        for raw in listed.call_logs {
            let before = page.batch.transactions.len();
            if self.access.raw {
                let key = id(raw);
                page.keys.push(key.clone().unwrap_or_else(|| raw.get().to_owned()));
                page.batch.records.push(self.record("call", key, raw));
                continue;
            }
            let message = call::read(raw, &self.access.location, self.access.zone, &mut page.batch);
            match page.batch.transactions.get(before) {
                Some(call) => {
                    page.keys.push(call.id.clone());
                    page.messages.push(message);
                }
                None => page.keys.push(id(raw).unwrap_or_else(|| raw.get().to_owned())),
            }
        }
        Ok(page)
    }

    fn messages(&self, window: &Window, cursor: Option<&str>, exchange: &mut Exchange) -> Result<Outcome, Error> {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut query = vec![
            ("channel", "Call".to_owned()),
            ("startDate", time(window.from - MARGIN)),
            ("endDate", time(window.to + MARGIN)),
            ("sortBy", "createdAt".to_owned()),
            ("sortOrder", "asc".to_owned()),
            ("limit", MESSAGES_A_PAGE.to_string()),
        ];
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        let answer = exchange.send(&get(&self.access, "/conversations/messages/export", query))?;
        answer.read(|body| {
            let page: Messages = parse("a page of messages", body)?;
            let cursor = page.next_cursor.filter(|cursor| !cursor.is_empty());
            let told = page.messages.iter().map(|raw| message::read(raw)).collect::<Result<Vec<_>, Error>>()?;
            let records = match self.access.raw {
                true => page.messages.iter().map(|raw| self.record("message", id(raw), raw)).collect(),
                false => Vec::new(),
            };
            Ok(Outcome::Messages { told, cursor, records })
        })
    }

    fn agents(&self, exchange: &mut Exchange) -> Result<Vec<Agent>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Listed {
            id: String,
            agent_name: Option<String>,
        }
        #[derive(Deserialize)]
        struct Page {
            agents: Vec<Listed>,
            total: Option<u64>,
        }
        let mut agents: Vec<Agent> = Vec::new();
        for number in 1..=AGENT_PAGES {
            let query = vec![("page", number.to_string()), ("pageSize", AGENTS_A_PAGE.to_string())];
            let answer = exchange.send(&get(&self.access, "/voice-ai/agents", query))?;
            let page: Page = answer.read(|body| parse("the list of agents", body))?;
            let is_empty = page.agents.is_empty();
            agents.extend(page.agents.into_iter().filter(|agent| !agent.id.contains('\0')).map(|agent| Agent {
                login: agent.agent_name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| agent.id.clone()),
                id: agent.id,
                branch: None,
                name: None,
                seen: None,
            }));
            match page.total {
                Some(total) if agents.len() as u64 >= total => return Ok(agents),
                Some(total) if is_empty => {
                    let what = format!("the list of agents is short: {total} announced, {} arrived", agents.len());
                    return Err(Error::answer(what));
                }
                None if is_empty => return Ok(agents),
                _ => {}
            }
        }
        Err(Error::answer(format!("the list of agents did not end after {AGENT_PAGES} pages")))
    }

    fn record(&self, kind: &'static str, key: Option<String>, raw: &RawValue) -> Record {
        Record { campaign_id: self.access.location.clone(), kind, key, payload: raw.get().to_owned() }
    }
}

/// A request for something of the location.
pub fn get(access: &Access, path: &str, query: Vec<(&str, String)>) -> Request {
    let location = ("locationId".to_owned(), access.location.clone());
    let others = query.into_iter().map(|(name, value)| (name.to_owned(), value));
    Request {
        method: Method::Get,
        path: path.to_owned(),
        query: std::iter::once(location).chain(others).collect(),
        token: access.token.clone(),
        headers: vec![("Version".to_owned(), access.version.clone())],
        body: None,
    }
}

fn id(raw: &RawValue) -> Option<String> {
    let fields = field::fields("record", raw).ok()?;
    let (_, id) = fields.iter().find(|(name, _)| name == "id")?;
    field::key("id", *id).ok().flatten()
}
