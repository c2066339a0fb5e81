//! One contact as Dialfire nests it: `$task_log[] → transactions[] → connections[] → recordings[]`, to rows.

use std::borrow::Cow;

use chrono_tz::Tz;
use serde_json::value::RawValue;

use super::leg::Place;
use super::response::reject;
use super::transaction::{transactions, Wanted};
use crate::field::{self, Extra, Fault};
use crate::json::{Fields, Raw};
use crate::range::Window;
use crate::row::{Batch, Contact, Reject, Whole};

/// Which of a contact's transactions to take, and how to read them.
pub struct Take<'a> {
    pub campaign_id: &'a str,
    pub zone: Tz,
    /// Transactions fired in here are taken although no event announced them.
    pub keep: &'a [Window],
    pub wanted: &'a [Wanted],
}

/// Adds the contact's rows to `out`; returns how many transactions it took that no event had announced.
pub fn read<'a>(raw: impl Raw<'a>, take: &Take, out: &mut Batch) -> u64 {
    let fields = match field::fields("contact", raw) {
        Ok(fields) => fields,
        Err(fault) => return nameless(fault, raw, take, out),
    };
    let id = fields.iter().find(|(name, _)| name == "$id").map(|(_, raw)| field::key("$id", *raw));
    let id = match id {
        Some(Ok(Some(id))) => id,
        other => {
            return nameless(other.and_then(Result::err).unwrap_or_else(|| missing("$id")), raw, take, out);
        }
    };
    match contact(&id, &fields, take) {
        Ok(contact) => out.contacts.push(contact),
        Err(fault) => {
            let payload = without_log(&fields);
            let rejected = reject("contact", Some(id.clone()), fault, &payload);
            out.rejects.push(Reject { campaign_id: owned(take.campaign_id), contact_id: Some(id.clone()), ..rejected });
        }
    }
    let log = fields.iter().find(|(name, _)| name == "$task_log").map(|(_, raw)| *raw);
    transactions(&id, log, take, out)
}

/// A contact without an id cannot hold anything up.
fn nameless<'a>(fault: Fault, raw: impl Raw<'a>, take: &Take, out: &mut Batch) -> u64 {
    let rejected = reject("contact", None, fault, raw.get());
    out.rejects.push(Reject { campaign_id: owned(take.campaign_id), ..rejected });
    0
}

pub(super) fn contact<'a, R: Raw<'a>>(id: &str, fields: &Fields<'a, R>, take: &Take) -> Result<Contact, Fault> {
    let mut own = Extra::default();
    let mut contact = Contact { id: id.to_owned(), campaign_id: owned(take.campaign_id), ..Contact::default() };
    for &(ref name, raw) in fields {
        let name = name.as_ref();
        match name {
            "$id" | "$task_log" => {}
            "$campaign_id" => contact.campaign_id = text(name, raw)?.or_else(|| owned(take.campaign_id)),
            "$md5" => contact.md5 = text(name, raw)?,
            "$ref" => contact.ref_id = text(name, raw)?,
            "$version" => contact.version = text(name, raw)?,
            "$task_id" => contact.task_id = text(name, raw)?,
            "$task" => contact.task = text(name, raw)?,
            "$status" => contact.status = text(name, raw)?,
            "$status_detail" => contact.status_detail = text(name, raw)?,
            "$phone" => contact.phone = text(name, raw)?,
            "$timezone" => contact.timezone = text(name, raw)?,
            "$created_date" => contact.created_date = field::instant(name, raw)?,
            "$entry_date" => contact.entry_date = field::instant(name, raw)?,
            _ => own.add(name, raw)?,
        }
    }
    if let Some(json) = own.finish() {
        contact.fields = Whole(json.0);
    }
    Ok(contact)
}

/// Reads a quarantined record again, as the place where it hung allows; of a recording that is its transaction.
pub fn reread(rejected: &Reject, transaction_id: Option<&str>, zone: Tz) -> Batch {
    let mut out = Batch::default();
    let (Some(contact_id), Ok(raw)) =
        (rejected.contact_id.as_deref(), serde_json::from_str::<&RawValue>(&rejected.payload))
    else {
        return out;
    };
    let campaign_id = rejected.campaign_id.as_deref().unwrap_or_default();
    let take = Take { campaign_id, zone, keep: &[Window::ALL], wanted: &[] };
    let key = rejected.key.as_deref().unwrap_or_default();
    match (rejected.kind, rejected.fired) {
        ("contact", _) => drop(read(raw, &take, &mut out)),
        ("transaction", _) => {
            let log = format!(r#"[{{"transactions":[{}]}}]"#, raw.get());
            if let Ok(log) = serde_json::from_str::<&RawValue>(&log) {
                transactions(contact_id, Some(log), &take, &mut out);
            }
            for transaction in &mut out.transactions {
                transaction.event_md5.clone_from(&rejected.event_md5);
                // Alone it cannot know that it shares its instant with another; its key can.
                if !key.is_empty() && transaction.id != key {
                    let place = std::mem::replace(&mut transaction.id, key.to_owned());
                    let legs = out.connections.iter_mut().filter_map(|c| c.transaction_id.as_mut());
                    let recordings = out.recordings.iter_mut().filter_map(|r| r.transaction_id.as_mut());
                    legs.chain(recordings).filter(|id| **id == place).for_each(|id| *id = key.to_owned());
                }
            }
        }
        ("connection", Some(fired)) => {
            let place = Place { contact_id, transaction_id: key, take: &take, fired };
            if let Err(fault) = place.connection(raw, None, 0, &mut out) {
                place.reject("connection", fault, raw, &mut out);
            }
        }
        ("recording", Some(fired)) => {
            let Some(transaction_id) = transaction_id else { return out };
            let list = if raw.get().starts_with('[') { raw.get().to_owned() } else { format!("[{}]", raw.get()) };
            if let Ok(list) = serde_json::from_str::<&RawValue>(&list) {
                Place { contact_id, transaction_id, take: &take, fired }.recordings(key, list, &mut out);
            }
        }
        _ => {}
    }
    out
}

pub(super) fn text<'a>(name: &str, raw: impl Raw<'a>) -> Result<Option<String>, Fault> {
    Ok(field::text(name, raw)?.map(Cow::into_owned))
}

pub(super) fn owned(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn missing(field: &str) -> Fault {
    Fault::new("missing_field", field, format!("\"{field}\" is missing or empty"))
}

pub(super) fn of(contact_id: &str, take: &Take, rejected: Reject) -> Reject {
    Reject { contact_id: owned(contact_id), campaign_id: owned(take.campaign_id), ..rejected }
}

fn without_log<'a, R: Raw<'a>>(fields: &Fields<'a, R>) -> String {
    let own: Vec<String> = fields
        .iter()
        .filter(|(name, _)| name != "$task_log")
        .map(|(name, raw)| format!("{}:{}", serde_json::Value::from(name.as_ref()), raw.get()))
        .collect();
    format!("{{{}}}", own.join(","))
}

#[cfg(test)]
#[path = "contact_tests.rs"]
mod tests;
