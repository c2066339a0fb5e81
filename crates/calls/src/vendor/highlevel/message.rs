//! What the messages of the conversations say of a call.

use serde_json::value::RawValue;

use crate::error::Error;
use crate::field;

/// Direction and status of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub direction: Option<&'static str>,
    pub status: Option<&'static str>,
}

/// The vendor's words for how a call ended.
const STATUSES: [&str; 8] =
    ["pending", "completed", "answered", "busy", "no-answer", "failed", "canceled", "voicemail"];

/// The id of a message and what it tells. An unreadable one is an error: skipping it would look like a call without.
pub fn read(raw: &RawValue) -> Result<(String, Told), Error> {
    let unreadable = || Error::answer(format!("a message cannot be read: {}", field::excerpt(raw.get())));
    let fields = field::fields("message", raw).map_err(|_| unreadable())?;
    let (mut id, mut told) = (None, Told { direction: None, status: None });
    for &(ref name, raw) in &fields {
        match name.as_ref() {
            "id" => id = field::key(name, raw).map_err(|_| unreadable())?,
            "direction" => told.direction = word(raw, &["inbound", "outbound"]),
            "meta" => told.status = status(raw),
            _ => {}
        }
    }
    Ok((id.ok_or_else(unreadable)?, told))
}

fn status(meta: &RawValue) -> Option<&'static str> {
    let fields = field::fields("meta", meta).ok()?;
    // Older messages have it one level deeper.
    let find = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, raw)| *raw);
    match find("callStatus") {
        Some(raw) => word(raw, &STATUSES),
        None => find("call").and_then(|call| {
            let inner = field::fields("call", call).ok()?;
            inner.iter().find(|(name, _)| name == "status").and_then(|(_, raw)| word(raw, &STATUSES))
        }),
    }
}

fn word(raw: &RawValue, known: &[&'static str]) -> Option<&'static str> {
    let text = field::text("word", raw).ok().flatten()?;
    let text = text.trim().to_ascii_lowercase().replace('_', "-");
    known.iter().find(|word| **word == text).copied()
}
