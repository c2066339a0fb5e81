//! What is asked of HighLevel: one job is one request, or the whole list of agents.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::call;
use super::message::{self, Told};
use crate::client::{segment, Client, Method, Request};
use crate::error::Error;
use crate::field::{self, Fault};
use crate::range::Window;
use crate::row::{Agent, Batch, Record};
use crate::secret::Secret;
use crate::vendor::dialfire::parse;
use crate::vendor::{Exchange, Found, Reply};

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
    /// Keep of each call only that by which it is compared.
    pub is_brief: bool,
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
    /// One call.
    Call {
        id: String,
    },
}

pub enum Outcome {
    Agents(Vec<Agent>),
    Messages { told: Vec<(String, Told)>, cursor: Option<String>, records: Vec<Record> },
    Calls(Box<Page>),
    Call(Found),
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
    /// Null where there are none; an answer without it is no page.
    #[serde(borrow)]
    call_logs: &'a RawValue,
    total: Option<&'a RawValue>,
    /// So an account without calls has it.
    total_records: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Messages<'a> {
    #[serde(borrow)]
    messages: &'a RawValue,
    next_cursor: Option<&'a RawValue>,
}

/// A list of agents, in which one that cannot be read spoils no other.
#[derive(Deserialize)]
struct Agents<'a> {
    #[serde(borrow)]
    agents: &'a RawValue,
    total: Option<&'a RawValue>,
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
            Job::Call { id } => self.call(id, &mut exchange).map(Outcome::Call),
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

    fn call(&self, id: &str, exchange: &mut Exchange) -> Result<Found, Error> {
        let path = format!("/voice-ai/dashboard/call-logs/{}", segment(id));
        Found::read(exchange.send(&get(&self.access, &path, Vec::new())), |body| {
            let mut batch = Batch::default();
            call::read(parse("the call log", body)?, &self.access.location, self.access.zone, &mut batch);
            Ok(batch)
        })
    }

    fn page(&self, listed: Calls) -> Result<Page, Error> {
        let logs = items("callLogs", listed.call_logs)?;
        let total = count("total", listed.total)?.or(count("totalRecords", listed.total_records)?);
        let mut page = Page { received: logs.len() as u64, total, ..Page::default() };
        for raw in logs {
            let before = page.batch.transactions.len();
            if self.access.raw {
                let key = id(raw);
                page.keys.push(key.clone().unwrap_or_else(|| raw.get().to_owned()));
                page.batch.records.push(self.record("call", key, raw));
                continue;
            }
            let (location, zone) = (&self.access.location, self.access.zone);
            let message = match self.access.is_brief {
                true => {
                    call::read_brief(raw, location, zone, &mut page.batch);
                    None
                }
                false => call::read(raw, location, zone, &mut page.batch),
            };
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
            let cursor = match page.next_cursor {
                Some(raw) => field::text("nextCursor", raw).map_err(|fault| bad(&fault))?.map(Cow::into_owned),
                None => None,
            };
            let messages = items("messages", page.messages)?;
            let told = messages.iter().map(|raw| message::read(raw)).collect::<Result<Vec<_>, Error>>()?;
            let records = match self.access.raw {
                true => messages.iter().map(|raw| self.record("message", id(raw), raw)).collect(),
                false => Vec::new(),
            };
            Ok(Outcome::Messages { told, cursor, records })
        })
    }

    fn agents(&self, exchange: &mut Exchange) -> Result<Vec<Agent>, Error> {
        let mut agents: Vec<Agent> = Vec::new();
        let mut received = 0;
        for number in 1..=AGENT_PAGES {
            let query = vec![("page", number.to_string()), ("pageSize", AGENTS_A_PAGE.to_string())];
            let answer = exchange.send(&get(&self.access, "/voice-ai/agents", query))?;
            let (total, is_empty) = answer.read(|body| {
                let page: Agents = parse("the list of agents", body)?;
                let listed = items("agents", page.agents)?;
                received += listed.len() as u64;
                agents.extend(listed.iter().filter_map(|raw| agent(raw)));
                Ok((count("total", page.total)?, listed.is_empty()))
            })?;
            match total {
                Some(total) if received >= total => return Ok(agents),
                Some(total) if is_empty => {
                    let what = format!("the list of agents is short: {total} announced, {received} arrived");
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

fn agent(raw: &RawValue) -> Option<Agent> {
    let fields = field::fields("agent", raw).ok()?;
    let find = |wanted: &str| {
        let (_, raw) = fields.iter().find(|(name, _)| name == wanted)?;
        field::key(wanted, *raw).ok().flatten()
    };
    let id = find("id")?;
    Some(Agent { login: find("agentName").unwrap_or_else(|| id.clone()), id, branch: None, name: None, seen: None })
}

/// Elements of an array; none of a null.
fn items<'a>(name: &str, raw: &'a RawValue) -> Result<Vec<&'a RawValue>, Error> {
    field::items(name, raw).map_err(|fault| bad(&fault))
}

/// A number of records, as a text too.
fn count(name: &str, raw: Option<&RawValue>) -> Result<Option<u64>, Error> {
    let number = raw.map(|raw| field::integer(name, raw)).transpose().map_err(|fault| bad(&fault))?.flatten();
    Ok(number.and_then(|number| u64::try_from(number).ok()))
}

fn bad(fault: &Fault) -> Error {
    Error::answer(format!("\"{}\" of the page cannot be read: {}", fault.field, fault.detail))
}

fn id(raw: &RawValue) -> Option<String> {
    let fields = field::fields("record", raw).ok()?;
    let (_, id) = fields.iter().find(|(name, _)| name == "id")?;
    field::key("id", *id).ok().flatten()
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
