//! Webhooks of Vapi's ("server messages"): those that tell of a call, to its row.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::call::{Object, Take, VoiceCall};
use crate::field::Fault;

/// What a message says about a call.
#[derive(Debug)]
pub struct Event {
    /// Its type: status-update or end-of-call-report.
    pub kind: String,
    pub status: String,
    pub call: VoiceCall,
}

/// Why a message changes no row.
#[derive(Debug)]
pub enum Refused {
    /// Of a type that says nothing about the life of a call.
    Ignored { kind: String },
    /// Nothing that the vendor would send.
    Unreadable { why: String },
    /// A message about a call with a field that cannot be read.
    Bad { call_id: Option<String>, fault: Fault },
}

/// Reads the body of a delivery.
pub fn read(body: &str, take: Take) -> Result<Event, Refused> {
    let raw: &RawValue =
        serde_json::from_str(body).map_err(|error| Refused::Unreadable { why: format!("not JSON: {error}") })?;
    let unreadable = |fault: Fault| Refused::Unreadable { why: fault.detail };
    let envelope = Object::read("body", raw).map_err(unreadable)?;
    let message = envelope.object("message").map_err(unreadable)?;
    let message = message.ok_or_else(|| Refused::Unreadable { why: "\"message\" is missing".to_owned() })?;
    let kind = message.text("type").map_err(unreadable)?;
    let kind = kind.ok_or_else(|| Refused::Unreadable { why: "\"message.type\" is missing".to_owned() })?.into_owned();
    let call_id = || message.object("call").ok().flatten().and_then(|call| call.id().ok());
    let bad = |fault| Refused::Bad { call_id: call_id(), fault };
    let status = match kind.as_str() {
        "end-of-call-report" => Cow::Borrowed("ended"),
        "status-update" => message.text("status").map_err(bad)?.ok_or_else(|| {
            bad(Fault::new("missing_field", "status", "\"message.status\" is missing from a status-update"))
        })?,
        _ => return Err(Refused::Ignored { kind }),
    };
    let call = VoiceCall::of_message(&message, &status, take).map_err(bad)?;
    Ok(Event { kind, status: status.into_owned(), call })
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
