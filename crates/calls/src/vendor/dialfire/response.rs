//! Dialfire's answers, to rows. What cannot be trusted as a whole is an error; what is bad on its own is a reject.

use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::contact::{self, Take};
use super::event::Event;
use super::transaction;
use crate::error::Error;
use crate::field::{self, excerpt, Extra, Fault};
use crate::json::{Document, Raw, Value};
use crate::range::Window;
use crate::row::{Agent, Batch, Campaign, InboundCall, Reject};
use crate::secret::Secret;
use crate::vendor::{too_deep, Normalised, NESTING_LIMIT};

/// A payload larger than this is cut in `rejects`; the reason and the key still find it at the vendor.
const PAYLOAD_LIMIT: usize = 16 << 20;
/// Postgres reads JSON recursively; deeper payloads could meet the end of its stack.
const DEPTH_LIMIT: usize = 500;

pub fn reject(kind: &'static str, key: Option<String>, fault: Fault, payload: &str) -> Reject {
    let payload = if payload.len() > PAYLOAD_LIMIT || depth(payload) > DEPTH_LIMIT {
        serde_json::json!({ "cut": excerpt(payload), "bytes": payload.len() }).to_string()
    } else {
        payload.to_owned()
    };
    Reject {
        kind,
        key,
        campaign_id: None,
        contact_id: None,
        event_md5: None,
        fired: None,
        reason: fault.reason,
        field: fault.field,
        detail: fault.detail,
        payload,
    }
}

fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A campaign with the token that opens it; the token goes no further than the request.
pub struct Opened {
    pub campaign: Campaign,
    pub token: Option<Secret>,
}

pub fn campaigns(body: &[u8]) -> Result<Vec<Opened>, Error> {
    #[derive(Deserialize)]
    struct Listed {
        id: String,
        title: Option<String>,
        status: Option<String>,
        hidden: Option<bool>,
        #[serde(default)]
        permissions: Permissions,
    }
    #[derive(Deserialize, Default)]
    struct Permissions {
        #[serde(default)]
        roles: Vec<String>,
        token: Option<String>,
    }
    let listed: Vec<Listed> = parse("the list of campaigns", body)?;
    Ok(listed
        .into_iter()
        .map(|c| Opened {
            campaign: Campaign {
                id: c.id,
                title: c.title,
                status: c.status,
                hidden: c.hidden,
                api_access: Some(c.permissions.roles.iter().any(|role| role == "campaignAPI")),
            },
            token: c.permissions.token.filter(|t| !t.is_empty()).map(Secret::new),
        })
        .collect())
}

/// The shape of the list of users is not published; these are the names that its records carry elsewhere.
pub fn users(body: &[u8]) -> Result<Vec<Agent>, Error> {
    let list: serde_json::Value = parse("the list of users", body)?;
    let list = ["results", "users", "data"].iter().find_map(|key| list.get(key)).unwrap_or(&list);
    let Some(list) = list.as_array() else { return Err(Error::answer("the list of users is not an array")) };
    Ok(list
        .iter()
        .filter_map(|user| {
            let find = |keys: &[&str]| {
                let text = keys.iter().find_map(|key| user.get(key)?.as_str())?.trim();
                (!text.is_empty() && text.len() <= 200 && !text.contains('\0')).then(|| text.to_owned())
            };
            let name = [find(&["firstName", "first_name"]), find(&["lastName", "last_name"])];
            let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
            Some(Agent {
                id: find(&["id", "$id", "_id", "userId"])?,
                login: find(&["loginName", "user_loginName", "login"]).filter(|l| !transaction::is_internal_id(l))?,
                branch: find(&["branch", "user_branch"]),
                name: (!name.is_empty()).then_some(name),
                seen: None,
            })
        })
        .collect())
}

/// One page of a cursored list, its items still raw.
#[derive(Deserialize)]
pub struct Page<'a> {
    pub count: Option<u64>,
    #[serde(borrow)]
    pub results: Vec<&'a RawValue>,
    pub cursor: Option<String>,
}

pub fn page<'a>(what: &str, body: &'a [u8]) -> Result<Page<'a>, Error> {
    let mut page: Page = parse(what, body)?;
    page.cursor = page.cursor.filter(|cursor| !cursor.is_empty());
    Ok(page)
}

pub fn events(items: &[&RawValue], campaign_id: &str) -> (Vec<Event>, Vec<Reject>) {
    let mut events = Vec::with_capacity(items.len());
    let mut rejects = Vec::new();
    for &raw in items {
        let line = field::text("results", raw).and_then(|line| Event::parse(line.as_deref().unwrap_or_default()));
        match line {
            Ok(event) => events.push(event),
            Err(fault) => rejects
                .push(Reject { campaign_id: Some(campaign_id.to_owned()), ..reject("event", None, fault, raw.get()) }),
        }
    }
    (events, rejects)
}

/// The list of contacts by checksum. An unreadable entry is an error: skipping it would look like a deleted contact.
pub fn entries(items: &[&RawValue]) -> Result<Vec<(String, String)>, Error> {
    #[derive(Deserialize)]
    struct Entry {
        id: String,
        md5: Option<String>,
    }
    items
        .iter()
        .map(|raw| match serde_json::from_str::<Entry>(raw.get()) {
            Ok(entry) if !entry.id.contains('\0') => Ok((entry.id, entry.md5.unwrap_or_default())),
            _ => Err(Error::answer(format!("an entry of the list of contacts cannot be read: {}", excerpt(raw.get())))),
        })
        .collect()
}

pub fn inbound_calls(items: &[&RawValue], campaign_id: &str, zone: Tz, out: &mut Batch) {
    for raw in items {
        match inbound_call(raw, campaign_id, zone) {
            Ok(call) => out.inbound_calls.push(call),
            Err(fault) => out.rejects.push(Reject {
                campaign_id: Some(campaign_id.to_owned()),
                ..reject("inbound_call", None, fault, raw.get())
            }),
        }
    }
}

pub(super) fn inbound_call(raw: &RawValue, campaign_id: &str, zone: Tz) -> Result<InboundCall, Fault> {
    let mut extra = Extra::default();
    let mut id = None;
    let mut call = InboundCall {
        id: String::new(),
        campaign_id: Some(campaign_id.to_owned()),
        line_id: None,
        contact_id: None,
        task_id: None,
        task_name: None,
        user_id: None,
        remote_number: None,
        line_number: None,
        started: None,
        day: None,
        connected: None,
        disconnected: None,
        state: None,
        disposition: None,
        connectable_time: None,
        dispatch_error: None,
        extra: None,
    };
    let text = |name: &str, raw| Ok::<_, Fault>(field::text(name, raw)?.map(|t| t.into_owned()));
    for &(ref name, raw) in &field::fields("inbound_call", raw)? {
        let name = name.as_ref();
        match name {
            "id" => id = field::key(name, raw)?,
            "campaign_id" => call.campaign_id = text(name, raw)?.or(call.campaign_id),
            "line_id" => call.line_id = text(name, raw)?,
            "contact_id" => call.contact_id = field::key(name, raw)?,
            "task_id" => call.task_id = text(name, raw)?,
            "task_name" => call.task_name = text(name, raw)?,
            "user" => call.user_id = text(name, raw)?,
            "calling_number" | "remote_number" => call.remote_number = text(name, raw)?,
            "called_number" | "line_number" => call.line_number = text(name, raw)?,
            "call_time" | "started" => call.started = field::instant(name, raw)?,
            "connect_time" | "connected" => call.connected = field::instant(name, raw)?,
            "hangup_time" | "disconnected" => call.disconnected = field::instant(name, raw)?,
            "state" => call.state = text(name, raw)?,
            "disposition" => call.disposition = text(name, raw)?,
            "connectable_time" => call.connectable_time = text(name, raw)?,
            "dispatch_error" => call.dispatch_error = field::flag(name, raw)?,
            _ => extra.add(name, raw)?,
        }
    }
    call.id = id.ok_or_else(|| Fault::new("missing_field", "id", "\"id\" is missing or empty"))?;
    let started = call.started.ok_or_else(|| Fault::new("missing_field", "call_time", "\"call_time\" is missing"))?;
    call.day = Some(transaction::local_day(started, zone));
    call.extra = extra.finish();
    Ok(call)
}

/// A list that is taken apart down to its innermost values.
pub fn list<'a>(what: &str, body: &'a [u8]) -> Result<Document<'a>, Error> {
    let list = Document::new(body).map_err(|error| unreadable(what, &error))?;
    list.root().items().map_err(|error| unreadable(what, &error))?;
    Ok(list)
}

/// The contacts of one answer, each with the id by which it was asked for.
pub fn contacts<'a>(list: &'a Document<'a>) -> impl Iterator<Item = (Option<String>, Value<'a>)> {
    let contacts = list.root().items().unwrap_or_default().into_iter().filter(|raw| raw.get() != "null");
    contacts.map(|raw| (raw.field("$id").and_then(|id| field::key("$id", id).ok().flatten()), raw))
}

pub fn parse<'a, T: Deserialize<'a>>(what: &str, body: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| unreadable(what, &error))
}

/// serde's own words quote values, which may be secrets.
fn unreadable(what: &str, error: &serde_json::Error) -> Error {
    let why = match error.classify() {
        Category::Eof => "it breaks off",
        Category::Data => "it has another shape",
        Category::Syntax | Category::Io => "it is not JSON",
    };
    Error::answer(format!("{what} cannot be read: {why} at line {} column {}", error.line(), error.column()))
}

/// Reads a quarantined record again, without asking the vendor. Nothing comes of records that name only another.
pub fn reread(rejected: &Reject, transaction_id: Option<&str>, zone: Tz) -> Batch {
    if rejected.kind != "inbound_call" {
        return contact::reread(rejected, transaction_id, zone);
    }
    let mut out = Batch::default();
    if let Ok(raw) = serde_json::from_str::<&RawValue>(&rejected.payload) {
        inbound_calls(&[raw], rejected.campaign_id.as_deref().unwrap_or_default(), zone, &mut out);
    }
    out
}

/// Reads any record of Dialfire's by its shape: a contact, an inbound call, an event line, a page or array of those.
pub fn normalise(payload: &RawValue, campaign_id: &str, zone: Tz) -> Vec<Normalised> {
    let mut batch = Batch::default();
    let mut lines = Vec::new();
    sort(payload, campaign_id, zone, 0, &mut batch, &mut lines);
    let rejects = std::mem::take(&mut batch.rejects);
    Normalised::all(batch).into_iter().chain(lines).chain(rejects.into_iter().map(Normalised::from)).collect()
}

fn sort(payload: &RawValue, campaign_id: &str, zone: Tz, depth: usize, batch: &mut Batch, lines: &mut Vec<Normalised>) {
    let json = payload.get();
    if depth > NESTING_LIMIT {
        batch.rejects.push(too_deep(json));
    } else if json.starts_with('[') {
        match field::items("payload", payload) {
            Ok(items) => items.into_iter().for_each(|item| sort(item, campaign_id, zone, depth + 1, batch, lines)),
            Err(fault) => batch.rejects.push(reject("payload", None, fault, json)),
        }
    } else if json.starts_with('"') {
        let (events, rejects) = events(&[payload], campaign_id);
        batch.rejects.extend(rejects);
        lines.extend(events.into_iter().map(|event| {
            let row = serde_json::json!({
                "fired": event.fired.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
                "md5": event.md5,
                "contact_id": event.contact_id,
                "task_log_index": event.log_index,
                "transaction_index": event.transaction_index,
            });
            let row = row.as_object().cloned();
            Normalised { kind: "event", id: None, row, reject: None }
        }));
    } else {
        let fields = match field::fields("payload", payload) {
            Ok(fields) => fields,
            Err(fault) => return batch.rejects.push(reject("payload", None, fault, json)),
        };
        let find = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, raw)| *raw);
        if let Some(results) = find("results") {
            sort(results, campaign_id, zone, depth + 1, batch, lines);
        } else if ["line_id", "calling_number", "call_time"].iter().any(|name| find(name).is_some()) {
            inbound_calls(&[payload], campaign_id, zone, batch);
        } else {
            let take = Take { campaign_id, zone, keep: &[Window::ALL], wanted: &[] };
            contact::read(payload, &take, batch);
        }
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
