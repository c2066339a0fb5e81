//! Vapi's answers, to rows. What cannot be trusted as a whole is an error; what is bad on its own is a reject.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::call::{Object, Take, VoiceCall};
use super::message;
use super::request::{Access, Listed, Outcome};
use crate::error::Error;
use crate::field::{self, excerpt, Fault};
use crate::row::{Agent, Batch, PhoneNumber, Record, Reject};
use crate::vendor::dialfire::parse;
use crate::vendor::{reject, too_deep, Normalised, NESTING_LIMIT};

/// The name of the only source of an organisation that has not been told its id.
pub const SOURCE: &str = "organisation";

pub(super) fn calls(body: &[u8], access: &Access, limit: usize) -> Result<Outcome, Error> {
    let items: Vec<&RawValue> = parse("the list of calls", body)?;
    let received = items.len();
    let mut batch = Batch::default();
    let mut listed = Vec::with_capacity(received);
    for raw in items {
        let call = Object::read("call", raw);
        listed.extend(call.as_ref().ok().and_then(listed_call));
        take_call(raw, call, access, &mut batch)?;
    }
    Ok(Outcome::Calls { batch, listed, received, limit })
}

pub(super) fn call(body: &[u8], access: &Access) -> Result<Batch, Error> {
    let raw: &RawValue = parse("the call", body)?;
    let mut batch = Batch::default();
    take_call(raw, Object::read("call", raw), access, &mut batch)?;
    Ok(batch)
}

fn listed_call(call: &Object) -> Option<Listed> {
    let created_at = call.instant("createdAt").ok().flatten()?;
    Some(Listed { id: call.id().ok()?, created_at, updated_at: call.instant("updatedAt").ok().flatten() })
}

fn take_call(raw: &RawValue, call: Result<Object, Fault>, access: &Access, batch: &mut Batch) -> Result<(), Error> {
    let source = access.account.as_deref().unwrap_or(SOURCE);
    let id = call.as_ref().ok().and_then(|call| call.id().ok());
    let org = call.as_ref().ok().and_then(|call| call.text("orgId").ok().flatten());
    if let (Some(account), Some(org)) = (&access.account, org) {
        // Whoever has no id at hand writes a name.
        let is_id = account.len() == 36 && account.matches('-').count() == 4;
        if is_id && account.as_str() != org {
            return Err(Error::answer(format!(
                "the token opens organisation \"{}\", not the one of the server option \"account\"",
                excerpt(&org)
            )));
        }
    }
    if access.raw {
        let payload = raw.get().to_owned();
        batch.records.push(Record { campaign_id: source.to_owned(), kind: "call", key: id, payload });
        return Ok(());
    }
    match call.and_then(|call| VoiceCall::of_object(&call, access.take())) {
        Ok(call) if access.is_brief => batch.briefs.push(call.into_brief()),
        Ok(call) => batch.voice_calls.push(call),
        Err(fault) => batch.rejects.push(reject_call(id, source, fault, raw.get())),
    }
    Ok(())
}

fn reject_call(id: Option<String>, source: &str, fault: Fault, payload: &str) -> Reject {
    Reject { campaign_id: Some(source.to_owned()), ..reject("call", id, fault, payload) }
}

/// A message about a call with a field that cannot be read.
pub fn reject_message(call_id: &str, access: &Access, fault: Fault, body: &str) -> Reject {
    let source = access.account.as_deref().unwrap_or(SOURCE);
    Reject { campaign_id: Some(source.to_owned()), ..reject("message", Some(call_id.to_owned()), fault, body) }
}

pub(super) fn assistants(body: &[u8]) -> Result<Vec<Agent>, Error> {
    let items: Vec<&RawValue> = parse("the list of assistants", body)?;
    let read = |raw: &&RawValue| -> Option<Agent> {
        let assistant = Object::read("assistant", raw).ok()?;
        let name = assistant.text("name").ok().flatten()?.trim().to_owned();
        Some(Agent { id: assistant.id().ok()?, login: name.clone(), branch: None, name: Some(name), seen: None })
    };
    Ok(items.iter().filter_map(read).collect())
}

pub(super) fn phone_numbers(body: &[u8], take: Take) -> Result<Vec<PhoneNumber>, Error> {
    let items: Vec<&RawValue> = parse("the list of phone numbers", body)?;
    let read = |raw: &&RawValue| -> Option<PhoneNumber> {
        let line = Object::read("phoneNumber", raw).ok()?;
        let text = |name: &str| line.text(name).ok().flatten().map(Cow::into_owned);
        let number = text("number").or_else(|| text("sipUri"));
        Some(PhoneNumber {
            id: line.id().ok()?,
            e164: number.as_deref().and_then(|number| crate::phone::e164(number, take.region)),
            number,
            name: text("name"),
            provider: text("provider"),
            status: text("status"),
            assistant_id: text("assistantId"),
        })
    };
    Ok(items.iter().filter_map(read).collect())
}

/// Reads a quarantined record again, without asking the vendor.
pub fn reread(rejected: &Reject, take: Take) -> Batch {
    let mut batch = Batch::default();
    if let Ok(raw) = serde_json::from_str::<&RawValue>(&rejected.payload) {
        sort(raw, take, 0, &mut batch);
    }
    batch.rejects.clear();
    batch
}

/// Reads any record of Vapi's by its shape: a call, a message, or an array of those.
pub fn normalise(payload: &RawValue, take: Take) -> Vec<Normalised> {
    let mut batch = Batch::default();
    sort(payload, take, 0, &mut batch);
    Normalised::all(batch)
}

fn sort(payload: &RawValue, take: Take, depth: usize, batch: &mut Batch) {
    let json = payload.get();
    if depth > NESTING_LIMIT {
        return batch.rejects.push(too_deep(json));
    }
    if json.starts_with('[') {
        match field::items("payload", payload) {
            Ok(items) => items.into_iter().for_each(|item| sort(item, take, depth + 1, batch)),
            Err(fault) => batch.rejects.push(reject("payload", None, fault, json)),
        }
        return;
    }
    let read = match Object::read("payload", payload) {
        Ok(object) if object.object("message").is_ok_and(|message| message.is_some()) => {
            message::read(json, take).map(|event| event.call).map_err(|refused| match refused {
                message::Refused::Ignored { kind } => {
                    let detail =
                        format!("messages of type \"{}\" say nothing about the life of a call", excerpt(&kind));
                    ("message", None, Fault::new("ignored_message", "type", detail))
                }
                message::Refused::Unreadable { why } => ("message", None, Fault::new("bad_message", "", why)),
                message::Refused::Bad { call_id, fault } => ("message", call_id, fault),
            })
        }
        Ok(object) => VoiceCall::of_poll(payload, take).map_err(|fault| ("call", object.id().ok(), fault)),
        Err(fault) => Err(("payload", None, fault)),
    };
    match read {
        Ok(call) => batch.voice_calls.push(call),
        Err((kind, key, fault)) => batch.rejects.push(reject(kind, key, fault, json)),
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
