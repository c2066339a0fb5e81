//! One call log, to a transaction, its leg and its details.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;
use md5::{Digest, Md5};
use serde_json::value::RawValue;

use super::message::Told;
use crate::field::{self, Extra, Fault};
use crate::row::{Batch, CallDetail, Connection, Json, Reject, Transaction};
use crate::vendor::dialfire::reject;

/// A day; no call of the vendor's lasts longer than 15 minutes.
const LONGEST_SECONDS: f64 = 86_400.0;

/// Reads a log of the list, of a single answer or of a webhook; returns the id of its message.
pub fn read(raw: &RawValue, location: &str, zone: Tz, out: &mut Batch) -> Option<String> {
    take(raw, location, out, |log, out| log.store(location, zone, out))
}

/// Reads no more of it than tells whether it is what is stored; faults are found all the same.
pub fn read_brief(raw: &RawValue, location: &str, zone: Tz, out: &mut Batch) {
    take(raw, location, out, |log, out| out.transactions.extend(log.transaction(location, zone)));
}

fn take<'a>(
    raw: &'a RawValue,
    location: &str,
    out: &mut Batch,
    store: impl FnOnce(Log<'a>, &mut Batch),
) -> Option<String> {
    let mut log = Log::default();
    match log.read(raw) {
        Ok(()) => {
            let message = log.message_id.clone();
            store(log, out);
            message
        }
        Err(fault) => {
            out.rejects.push(Reject {
                campaign_id: Some(location.to_owned()),
                contact_id: log.contact_id,
                fired: log.created_at,
                ..reject("call", log.id, fault, raw.get())
            });
            None
        }
    }
}

#[derive(Default)]
struct Log<'a> {
    id: Option<String>,
    contact_id: Option<String>,
    agent_id: Option<String>,
    from_number: Option<String>,
    created_at: Option<DateTime<Utc>>,
    duration: Option<f64>,
    is_test: Option<bool>,
    summary: Option<Cow<'a, str>>,
    transcript: Option<Cow<'a, str>>,
    message_id: Option<String>,
    messages: Option<&'a str>,
    analysis: Option<Json>,
    actions: Option<&'a str>,
    extra: Extra,
}

impl<'a> Log<'a> {
    fn read(&mut self, raw: &'a RawValue) -> Result<(), Fault> {
        let fields = field::fields("call", raw)?;
        // The key first, so that a reject can name it whatever else is wrong.
        for (name, raw) in fields.iter().filter(|(name, _)| name == "id") {
            self.id = field::key(name, *raw)?;
        }
        for &(ref name, raw) in &fields {
            match name.as_ref() {
                // The envelope of a webhook, and what differs with every answer.
                "id" | "locationId" | "type" | "versionId" | "appId" | "timestamp" | "webhookId" | "traceId" => {}
                "contactId" => self.contact_id = field::key(name, raw)?,
                "agentId" => self.agent_id = field::key(name, raw)?,
                "fromNumber" => self.from_number = field::text(name, raw)?.map(Cow::into_owned),
                "createdAt" => self.created_at = instant(name, raw)?,
                "duration" => self.duration = duration(name, raw)?,
                "trialCall" => self.is_test = field::flag(name, raw)?,
                "summary" => self.summary = field::text(name, raw)?,
                "transcript" => self.transcript = field::text(name, raw)?,
                "messageId" => {
                    self.message_id = field::key(name, raw)?;
                    self.extra.add(name, raw)?;
                }
                "transcriptWithToolCalls" => self.messages = json(name, raw)?,
                "extractedData" => self.analysis = json(name, raw)?.map(owned),
                "executedCallActions" => self.actions = json(name, raw)?,
                _ => self.extra.add(name, raw)?,
            }
        }
        let missing = |name: &str| Fault::new("missing_field", name, format!("\"{name}\" is missing or empty"));
        self.id.as_ref().ok_or_else(|| missing("id"))?;
        self.created_at.ok_or_else(|| missing("createdAt"))?;
        Ok(())
    }

    fn transaction(&self, location: &str, zone: Tz) -> Option<Transaction> {
        let (Some(id), Some(created_at)) = (self.id.clone(), self.created_at) else { return None };
        Some(Transaction {
            id,
            campaign_id: Some(location.to_owned()),
            contact_id: self.contact_id.clone(),
            fired: Some(created_at),
            day: Some(created_at.with_timezone(&zone).date_naive()),
            event_md5: Some(self.checksum()),
            event_type: Some("voice_ai".to_owned()),
            is_human: Some(false),
            is_test: self.is_test,
            user_id: self.agent_id.clone(),
            phone: self.from_number.clone(),
            ..Transaction::default()
        })
    }

    fn store(self, location: &str, zone: Tz, out: &mut Batch) {
        let (Some(id), Some(created_at)) = (self.id.clone(), self.created_at) else { return };
        let milliseconds = self.duration.map(|seconds| (seconds * 1000.0).round() as i64);
        let ended = milliseconds.map(|length| created_at + TimeDelta::milliseconds(length));
        let talked = milliseconds.is_some_and(|length| length > 0);
        // Whether a phone call was answered is for its message to say; a web call has none, and its log is the proof.
        let is_answered = talked && self.message_id.is_none();
        out.transactions.extend(self.transaction(location, zone));
        out.connections.push(Connection {
            id: id.clone(),
            transaction_id: Some(id.clone()),
            contact_id: self.contact_id,
            technology: Some(if self.message_id.is_some() { "phone" } else { "web" }.to_owned()),
            phone: self.from_number.clone(),
            remote_number: self.from_number,
            fired: Some(created_at),
            started: Some(created_at),
            connected: is_answered.then_some(created_at),
            disconnected: ended,
            duration_ms: milliseconds,
            ..Connection::default()
        });
        out.call_details.push(CallDetail {
            id,
            campaign_id: Some(location.to_owned()),
            summary: self.summary.map(Cow::into_owned),
            transcript: self.transcript.map(Cow::into_owned),
            messages: self.messages.map(owned),
            analysis: self.analysis,
            actions: self.actions.map(owned),
            vendor_created_at: self.created_at,
            extra: self.extra.finish(),
            ..CallDetail::default()
        });
    }

    /// Of what list, single answer and webhook have in common, so that a webhook and the later poll agree.
    fn checksum(&self) -> String {
        let mut sum = Md5::new();
        let texts = [&self.id, &self.contact_id, &self.agent_id, &self.from_number, &self.message_id];
        let said = [&self.summary, &self.transcript];
        for text in texts.map(Option::as_deref).into_iter().chain(said.map(Option::as_deref)) {
            sum.update(text.unwrap_or_default());
            sum.update([0]);
        }
        sum.update(format!("{:?} {:?} {:?} {:?}", self.created_at, self.duration, self.is_test, self.analysis));
        format!("{:032x}", u128::from_be_bytes(sum.finalize().into()))
    }
}

/// An instant as a text or, as the vendor's parameters are, as milliseconds since 1970.
pub fn instant(name: &str, raw: &RawValue) -> Result<Option<DateTime<Utc>>, Fault> {
    let Some(text) = field::text(name, raw)? else { return Ok(None) };
    match text.trim().parse::<i64>().ok().and_then(DateTime::from_timestamp_millis) {
        // Seconds would lie in January 1970.
        Some(at) if at.year() > 1970 => Ok(Some(at)),
        _ => field::instant(name, raw),
    }
}

fn duration(name: &str, raw: &RawValue) -> Result<Option<f64>, Fault> {
    match field::double(name, raw)? {
        Some(seconds) if !(0.0..=LONGEST_SECONDS).contains(&seconds) => {
            Err(Fault::new("number_out_of_range", name, format!("{seconds} s is no duration of a call")))
        }
        seconds => Ok(seconds),
    }
}

fn json<'a>(name: &str, raw: &'a RawValue) -> Result<Option<&'a str>, Fault> {
    match raw.get() {
        "null" | "{}" | "[]" | "\"\"" => Ok(None),
        _ => field::json(name, raw).map(Some),
    }
}

fn owned(json: &str) -> Json {
    Json(json.to_owned())
}

/// Writes into a call what its message tells.
pub fn tell(told: &Told, transaction: &mut Transaction, leg: &mut Connection) {
    transaction.direction = told.direction.map(str::to_owned);
    transaction.result = told.status.as_deref().map(str::to_owned);
    leg.result = told.status.as_deref().map(str::to_owned);
    if matches!(told.status.as_deref(), Some("completed" | "answered")) {
        leg.connected = leg.started;
    }
    if told.direction == Some("outbound") {
        // "from" is the location's own number then; the other side stands with the contact.
        leg.line_number = leg.remote_number.take();
        leg.phone = None;
        transaction.phone = None;
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
