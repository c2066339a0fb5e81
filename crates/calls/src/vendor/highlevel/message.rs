//! What the messages of the conversations say of a call.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::error::Error;
use crate::field;

/// Direction and status of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub direction: Option<&'static str>,
    /// A word that is not known yet stays: what it means is for call_statuses to say.
    pub status: Option<Cow<'static, str>>,
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
            "direction" => {
                let word = word(raw);
                told.direction = ["inbound", "outbound"].into_iter().find(|known| Some(*known) == word.as_deref());
            }
            "meta" => told.status = status(raw),
            _ => {}
        }
    }
    Ok((id.ok_or_else(unreadable)?, told))
}

fn status(meta: &RawValue) -> Option<Cow<'static, str>> {
    let word =
        |raw| word(raw).map(|word| STATUSES.iter().find(|s| **s == word).map_or(Cow::Owned(word), |s| (*s).into()));
    let fields = field::fields("meta", meta).ok()?;
    // Older messages have it one level deeper.
    let find = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, raw)| *raw);
    match find("callStatus") {
        Some(raw) => word(raw),
        None => find("call").and_then(|call| {
            let inner = field::fields("call", call).ok()?;
            inner.iter().find(|(name, _)| name == "status").and_then(|(_, raw)| word(*raw))
        }),
    }
}

fn word(raw: &RawValue) -> Option<String> {
    let text = field::key("word", raw).ok().flatten()?;
    Some(text.to_ascii_lowercase().replace(['_', ' '], "-"))
}
