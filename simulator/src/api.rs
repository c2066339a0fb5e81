//! The vendor's endpoints.

use crate::answer::{Answer, Content};
use crate::data::{Campaign, Contact, Event, Key, World};
use crate::highlevel;
use crate::listing::{fill, page, window};
use crate::sim::Sim;
use crate::text::{self, push_quoted};
use axum::extract::Query;
use axum::http::{header, HeaderMap, Method, Uri};
use serde_json::{json, Value};
use std::collections::HashMap;

const MOST_CONTACTS: usize = 100;

/// One request as the vendor sees it.
pub struct Call {
    pub method: Method,
    /// Without the leading `/api/` and without the slash at the end.
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HeaderMap,
    pub uri: Uri,
    pub body: Vec<u8>,
}

/// Who a token belongs to.
#[derive(Clone, Copy, PartialEq)]
pub enum Scope {
    None,
    Unknown,
    Tenant,
    Campaign(usize),
}

impl Call {
    pub fn new(method: Method, uri: Uri, headers: HeaderMap, body: Vec<u8>) -> Self {
        let query = Query::try_from_uri(&uri).map(|Query(query)| query).unwrap_or_default();
        let path = uri.path().strip_prefix("/api").unwrap_or("").trim_matches('/').to_owned();
        Self { method, path, query, headers, uri, body }
    }

    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    fn token(&self) -> Option<&str> {
        let bearer = self.header(header::AUTHORIZATION).strip_prefix("Bearer ").map(str::trim);
        let in_query = || self.query.get("access_token").filter(|_| self.path.contains("/reports/"));
        bearer.or_else(|| in_query().map(String::as_str))
    }

    pub fn scope(&self, world: &World) -> Scope {
        match self.token() {
            None => Scope::None,
            Some(token) if token == world.plan.tenant_token => Scope::Tenant,
            Some(token) => match world.campaigns.iter().position(|campaign| campaign.token == token) {
                Some(index) => Scope::Campaign(index),
                None => Scope::Unknown,
            },
        }
    }

    pub fn instant(&self, name: &str) -> Result<Option<i64>, u16> {
        let Some(value) = self.query.get(name) else { return Ok(None) };
        text::parse_parameter(value).map(Some).ok_or(400)
    }
}

pub fn answer(sim: &Sim, call: &Call) -> Answer {
    if call.uri.path().starts_with(highlevel::PREFIX) {
        return highlevel::answer(sim, call);
    }
    let world = sim.world();
    let parts: Vec<&str> = call.path.split('/').collect();
    let scope = call.scope(&world);
    let answer = match parts.as_slice() {
        ["tenants", tenant, rest @ ..] => match scope == Scope::Tenant && *tenant == world.plan.tenant {
            true => tenant_answer(sim, &world, call, rest),
            false => Err(403),
        },
        ["campaigns", id, rest @ ..] => match scope {
            Scope::Campaign(index) if world.campaigns[index].id == *id && world.campaigns[index].api => {
                campaign_answer(sim, &world, &world.campaigns[index], call, rest)
            }
            _ => Err(403),
        },
        ["vapi", rest @ ..] => crate::vapi::answer(sim, call, rest),
        _ => Err(404),
    };
    answer.unwrap_or_else(Answer::refuse)
}

fn tenant_answer(sim: &Sim, world: &World, call: &Call, rest: &[&str]) -> Result<Answer, u16> {
    match (call.method.as_str(), rest) {
        ("GET", ["campaigns"]) => Ok(campaigns(world)),
        ("GET", ["users"] | ["users", "list"]) if !sim.settings().users_hidden => Ok(users(world)),
        _ => Err(404),
    }
}

fn campaign_answer(sim: &Sim, world: &World, campaign: &Campaign, call: &Call, rest: &[&str]) -> Result<Answer, u16> {
    match (call.method.as_str(), rest) {
        ("GET", ["contacts", "transactions"]) => events(sim, campaign, call),
        ("GET", ["contacts", "list"]) => contact_list(sim, campaign, call),
        ("GET", ["contacts", "ids"]) => contact_ids(sim, campaign, call),
        ("POST", ["contacts"]) => {
            contacts(world, campaign, call, call.query.get("include_md5").is_some_and(|v| v == "true"))
        }
        ("POST", ["contacts", "flat_view"]) => contacts(world, campaign, call, false),
        ("GET", ["contacts", id, "flat_view"]) => flat_view(world, campaign, id),
        ("GET", ["inbound", "calls"]) => inbound(sim, world, campaign, call),
        ("GET", ["tasks"]) => Ok(tasks(campaign)),
        ("GET", ["fields", "list"]) => Ok(fields()),
        ("GET", ["reports", "jobs", job]) => sim.reports().poll(&call.path, job),
        ("GET", ["reports", _, "report", _locale, ..]) => Ok(sim.reports().start(world, campaign, call, sim.now())),
        _ => Err(404),
    }
}

fn campaigns(world: &World) -> Answer {
    let one = |campaign: &Campaign| {
        let roles = if campaign.api { vec!["campaignAPI"] } else { vec![] };
        json!({"title": campaign.title, "owner": world.plan.tenant, "hidden": false, "status": "active",
            "features": ["camp_cust", "camp_script"], "id": campaign.id,
            "permissions": {"roles": roles, "token": campaign.token, "actions": {}}})
    };
    Answer::json(Value::from_iter(world.campaigns.iter().map(one)).to_string())
}

fn users(world: &World) -> Answer {
    let one = |agent: &crate::data::Agent| {
        json!({"id": agent.id, "loginName": agent.login, "firstName": agent.first, "lastName": agent.last,
            "email": format!("{}@example.com", agent.login.to_lowercase()), "teams": ["Team 1"]})
    };
    Answer::json(Value::from_iter(world.agents.iter().map(one)).to_string())
}

fn tasks(campaign: &Campaign) -> Answer {
    let one = |(index, task): (usize, &crate::data::Task)| {
        json!({"data": {"created": "2021-07-01T16:39:07.481Z", "position": index + 1, "type": "OutboundTask",
            "type_title": "outbound", "title": task.title, "name": task.name, "id": task.id}, "version": 12345 + index})
    };
    Answer::json(Value::from_iter(campaign.tasks.iter().enumerate().map(one)).to_string())
}

fn fields() -> Answer {
    let names =
        ["firma", "notiz", "Geprüfte_Anrede", "AP_Vorname", "AP_Nachname", "strasse", "plz", "ort", "mitarbeiter"];
    let one = |name: &str| {
        let kind = if name == "mitarbeiter" { "number" } else { "text" };
        json!({"type": "field", "fieldType": kind, "name": name, "state": "active", "deleted": false})
    };
    let mut all: Vec<Value> = names.into_iter().map(one).collect();
    all.push(
        json!({"type": "field", "fieldType": "checkbox", "name": "newsletter", "state": "active", "deleted": false}),
    );
    all.push(json!({"type": "field", "fieldType": "text", "name": "altes_feld", "state": "active", "deleted": true}));
    all.push(json!({"type": "label", "fieldType": "", "name": "Überschrift", "state": "", "deleted": false}));
    Answer::json(Value::Array(all).to_string())
}

fn events(sim: &Sim, campaign: &Campaign, call: &Call) -> Result<Answer, u16> {
    let (limit, mut page) = page(sim, call)?;
    let rows = window(sim, call, page.begin, &campaign.events, |event| event.key)?;
    let kind = call.query.get("type");
    let interactive = call.query.get("hi").is_some_and(|hi| hi == "true");
    let tasks: Option<Vec<&str>> = call.query.get("tasks").map(|tasks| tasks.split(',').collect());
    let wanted = |event: &&Event| match &event.raw {
        Some(raw) => {
            kind.zip(raw.kind.as_ref()).is_none_or(|(kind, raw)| kind == raw)
                && (!interactive || raw.human != Some(false))
                && tasks
                    .as_ref()
                    .zip(raw.task.as_ref())
                    .is_none_or(|(tasks, raw)| tasks.iter().any(|t| raw.starts_with(t)))
        }
        None => {
            let contact = &campaign.contacts[event.key.1 as usize];
            let transaction = &contact.transactions[event.key.2 as usize];
            let task = campaign.task(event.key.2 as usize).name;
            contact.generated()
                && kind.is_none_or(|kind| kind == transaction.kind)
                && (!interactive || transaction.interactive())
                && tasks.as_ref().is_none_or(|tasks| tasks.iter().any(|t| task.starts_with(t)))
        }
    };
    fill(
        &mut page,
        limit,
        rows.iter().filter(wanted),
        |event| event.key,
        |out, event| match &event.raw {
            Some(raw) => push_quoted(out, &raw.text),
            None => {
                out.push('"');
                campaign.push_event(out, event);
                out.push('"');
            }
        },
    );
    if page.begin.is_none() {
        page.items.extend(campaign.loose.iter().map(|text| Value::from(text.as_str()).to_string()));
    }
    Ok(page.into())
}

fn live(campaign: &Campaign, begin: Option<Key>) -> impl Iterator<Item = (u32, &Contact)> {
    let skip = begin.map_or(0, |(_, contact, _)| contact + 1);
    (skip..).zip(campaign.contacts.iter().skip(skip as usize)).filter(|(_, contact)| !contact.deleted)
}

fn contact_list(sim: &Sim, campaign: &Campaign, call: &Call) -> Result<Answer, u16> {
    let since = match call.query.get("changedSince") {
        Some(day) if day.len() == 10 => call.instant("changedSince")?.unwrap_or(i64::MIN),
        Some(_) => return Err(400),
        None => i64::MIN,
    };
    let (limit, mut page) = page(sim, call)?;
    page.empty_at_end = false;
    let rows = live(campaign, page.begin).filter(|(_, contact)| contact.changed >= since);
    fill(
        &mut page,
        limit,
        rows,
        |(index, _)| (0, *index, 0),
        |out, (_, contact)| {
            out.push_str("{\"id\":");
            push_quoted(out, &contact.id);
            out.push_str(&format!(",\"md5\":\"{}\"}}", contact.md5()));
        },
    );
    Ok(page.into())
}

fn contact_ids(sim: &Sim, campaign: &Campaign, call: &Call) -> Result<Answer, u16> {
    let (limit, mut page) = page(sim, call)?;
    page.empty_at_end = false;
    let rows = live(campaign, page.begin);
    fill(&mut page, limit, rows, |(index, _)| (0, *index, 0), |out, (_, contact)| push_quoted(out, &contact.id));
    Ok(page.into())
}

fn contacts(world: &World, campaign: &Campaign, call: &Call, md5: bool) -> Result<Answer, u16> {
    let ids: Vec<String> = serde_json::from_slice(&call.body).map_err(|_| 400u16)?;
    if ids.len() > MOST_CONTACTS {
        return Err(413);
    }
    let items = ids.iter().filter_map(|id| campaign.contact(id)).map(|contact| {
        let mut item = String::with_capacity(2000 + 1200 * contact.transactions.len());
        world.push_contact(&mut item, campaign, contact, md5);
        item
    });
    Ok(Answer { status: 200, headers: Vec::new(), content: Content::List(items.collect()) })
}

fn flat_view(world: &World, campaign: &Campaign, id: &str) -> Result<Answer, u16> {
    let by_reference = || campaign.contacts.iter().find(|contact| contact.generated() && contact.reference() == id);
    let contact = campaign.contact(id).or_else(by_reference).ok_or(404u16)?;
    let mut body = String::new();
    world.push_contact(&mut body, campaign, contact, false);
    Ok(Answer::json(body))
}

fn inbound(sim: &Sim, world: &World, campaign: &Campaign, call: &Call) -> Result<Answer, u16> {
    let (limit, mut page) = page(sim, call)?;
    let rows = window(sim, call, page.begin, &campaign.inbound, |call| call.key)?;
    fill(&mut page, limit, rows.iter(), |call| call.key, |out, call| world.push_inbound(out, campaign, call));
    Ok(page.into())
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
