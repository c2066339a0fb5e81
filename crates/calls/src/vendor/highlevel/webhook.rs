//! A webhook of HighLevel: believed, recognised, and read.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use md5::{Digest, Md5};
use serde_json::value::RawValue;

use super::call;
use super::signature::{Keys, Untrusted};
use crate::field;
use crate::row::Batch;

/// How far from now a webhook may have been sent, as the vendor advises.
pub const REPLAY_WINDOW: TimeDelta = TimeDelta::minutes(5);

/// A webhook that is believed.
#[derive(Debug)]
pub struct Delivery {
    /// What the vendor gave it, else a checksum of its body; a second one of the same id is a repetition.
    pub id: String,
    /// Type of the event, such as VoiceAiCallEnd.
    pub event: String,
    /// Id of the call that it is about.
    pub call_id: Option<String>,
    pub sent_at: Option<DateTime<Utc>>,
    /// Rows; empty where the event is no call.
    pub batch: Batch,
}

/// Reads a raw body with its headers, whose names are asked in lower case.
pub fn open<'a>(
    keys: &Keys,
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    location: &str,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<Delivery, Untrusted> {
    keys.verify(header, body)?;
    let shape = |what: &str| Untrusted::Shape(what.to_owned());
    let raw: &RawValue = serde_json::from_slice(body).map_err(|_| shape("it is not JSON"))?;
    let fields = field::fields("webhook", raw).map_err(|_| shape("it is no object"))?;
    let text = |wanted: &str| {
        let (_, raw) = fields.iter().find(|(name, _)| name == wanted)?;
        field::key(wanted, *raw).ok().flatten()
    };
    let timestamp = fields.iter().find(|(name, _)| name == "timestamp");
    let sent_at = timestamp.and_then(|(name, raw)| call::instant(name, raw).ok().flatten());
    // Without its time a stolen one could be sent again for ever.
    let age = now - sent_at.ok_or_else(|| shape("it has no timestamp"))?;
    if age.abs() > REPLAY_WINDOW {
        return Err(Untrusted::Replayed(age.num_seconds()));
    }
    match text("locationId") {
        Some(id) if id == location => {}
        Some(id) => return Err(Untrusted::Location(id)),
        None => return Err(shape("it has no locationId")),
    }
    let event = text("type").ok_or_else(|| shape("it has no type"))?;
    let mut batch = Batch::default();
    if event == "VoiceAiCallEnd" {
        call::read(raw, location, zone, &mut batch);
    }
    let id = text("webhookId").unwrap_or_else(|| Md5::digest(body).iter().map(|byte| format!("{byte:02x}")).collect());
    Ok(Delivery { id, event, call_id: text("id"), sent_at, batch })
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
