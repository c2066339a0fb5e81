//! A row of a call, as a transaction with its leg.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use md5::{Digest, Md5};
use serde_json::{Map, Value};

use super::clock::{epoch, shown};
use super::record::{LogRow, Recording as RecordingRow};
use super::recording::{call_id_of, recording};
use super::status::Outcomes;
use super::Table;
use crate::field::Fault;
use crate::range;
use crate::row::{Agent, Batch, Connection, Json, Reject, Transaction};
use crate::vendor::reject as refuse;

/// Users that are no people.
const MACHINES: [&str; 2] = ["VDAD", "VDCL"];

/// No call lasts longer.
const LONGEST: i64 = 7 * 86_400;

/// An epoch that lies further from `call_date` is no time of this call: more than any zone and clock change explain.
const FURTHEST: TimeDelta = TimeDelta::hours(26);

/// A row that can be stored, and what about it could not be.
#[derive(Debug)]
pub struct Call {
    pub transaction: Transaction,
    pub connection: Connection,
    pub agent: Option<Agent>,
    pub faults: Vec<Reject>,
}

impl LogRow {
    pub fn key(&self, table: Table) -> Option<&str> {
        let key = match table {
            Table::Log => self.uniqueid.as_deref(),
            Table::Closer => self.closecallid.as_deref(),
        };
        key.filter(|key| !key.is_empty())
    }

    /// When the call began: by its epoch; by the clock on the wall only where there is none, or none that can be true.
    pub fn start(&self, zone: Tz) -> Option<DateTime<Utc>> {
        let date = self.call_date.as_deref().and_then(shown).map(|wall| range::instant(wall, zone));
        match (self.start_epoch.as_deref().and_then(epoch), date) {
            (Some(start), Some(date)) if (start - date).abs() > FURTHEST => Some(date),
            (Some(start), _) => Some(start),
            (None, date) => date,
        }
    }
}

/// Normalises a row; a row without an id or a time is rejected whole.
pub fn call(table: Table, row: &LogRow, zone: Tz, outcomes: &Outcomes) -> Result<Call, Box<Reject>> {
    let key = row.key(table).filter(|_| !row.broken.contains(&table.key()));
    let key =
        key.ok_or_else(|| Box::new(reject(table, row, None, Fault::new("missing_field", table.key(), "no id"))))?;
    if key.len() > 100 {
        let fault = Fault::new("key_too_long", table.key(), format!("{} bytes", key.len()));
        return Err(Box::new(reject(table, row, None, fault)));
    }
    let id = table.id(key);
    let Some(start) = row.start(zone) else {
        let fault = Fault::new("missing_field", "start_epoch", "neither start_epoch nor call_date is a time");
        return Err(Box::new(reject(table, row, None, fault)));
    };
    let mut faults = Vec::new();
    let mut fault = |reason, field: &str, detail: String| {
        faults.push(reject(table, row, Some(start), Fault::new(reason, field, detail)));
    };
    for column in &row.broken {
        fault("bad_string", column, "the bytes are no UTF-8; what cannot be read is stored as U+FFFD".to_owned());
    }
    if row.start_epoch.as_deref().and_then(epoch).is_some_and(|epoch| epoch != start) {
        fault("timestamp_out_of_range", "start_epoch", "over a day from call_date, which is stored instead".to_owned());
    }
    let length = number(&row.length_in_sec).filter(|length| {
        let is_sound = (0..=LONGEST).contains(length);
        if !is_sound {
            fault("number_out_of_range", "length_in_sec", format!("{length} seconds, which no call lasts"));
        }
        is_sound
    });
    let end = row.end_epoch.as_deref().and_then(epoch);
    let end = end.filter(|end| {
        let is_sound = (-3600..=LONGEST).contains(&(*end - start).num_seconds());
        if !is_sound {
            fault("timestamp_out_of_range", "end_epoch", format!("{end}, of a call that began at {start}"));
        }
        is_sound
    });
    // What ended at an impossible time has ended all the same.
    let end = end.or_else(|| {
        let had_end = row.end_epoch.as_deref().and_then(epoch).is_some();
        had_end.then(|| start + TimeDelta::seconds(length.unwrap_or_default()))
    });
    let campaign_id = row.campaign_id.clone().unwrap_or_default();
    let status = row.status.clone().filter(|status| !status.is_empty());
    let user = row.user.clone().filter(|user| !user.is_empty());
    let person = user.clone().filter(|user| !MACHINES.iter().any(|machine| machine.eq_ignore_ascii_case(user)));
    let queue = row.queue_seconds.as_deref().and_then(|seconds| seconds.trim().parse::<f64>().ok());
    let queue_ms =
        queue.filter(|seconds| (0.0..LONGEST as f64).contains(seconds)).map(|seconds| (seconds * 1000.0) as i64);
    // An inbound call waits for its agent first; its length holds both.
    let answered = (table == Table::Closer && person.is_some())
        .then(|| start + TimeDelta::milliseconds(queue_ms.unwrap_or_default()));
    let waited_ms = answered.map_or(0, |at| (at - start).num_milliseconds());
    let contact_id = row.lead_id.clone().filter(|lead| !lead.is_empty()).unwrap_or_else(|| "0".to_owned());
    let outcome = status.as_deref().and_then(|status| outcomes.get(&campaign_id, status));
    let transaction = Transaction {
        id: id.clone(),
        campaign_id: Some(campaign_id),
        contact_id: Some(contact_id.clone()),
        fired: Some(start),
        day: Some(start.with_timezone(&zone).date_naive()),
        event_md5: Some(checksum(row, outcome)),
        event_type: Some("call".to_owned()),
        direction: Some(table.direction().to_owned()),
        status: outcome.map(str::to_owned),
        status_detail: status.clone(),
        is_human: Some(person.is_some()),
        user_id: person.clone(),
        user_login: person.clone(),
        user_branch: row.user_group.clone().filter(|group| !group.is_empty()),
        actor: user,
        phone: row.phone_number.clone(),
        extra: extra(row),
        ..Transaction::default()
    };
    let connection = Connection {
        id: id.clone(),
        transaction_id: Some(id),
        contact_id: Some(contact_id),
        call_uuid: row.uniqueid.clone(),
        user_id: person.clone(),
        phone: row.phone_number.clone(),
        result: status,
        hangup_party: row.term_reason.clone().filter(|reason| !reason.is_empty()),
        fired: Some(start),
        started: Some(start),
        connected: answered,
        ended: end,
        duration_ms: length.map(|length| (length * 1000 - waited_ms).max(0)),
        ..Connection::default()
    };
    let agent = person.map(|user| Agent {
        id: user.clone(),
        login: user,
        branch: row.user_group.clone().filter(|group| !group.is_empty()),
        name: None,
        seen: Some(start),
    });
    Ok(Call { transaction, connection, agent, faults })
}

/// A number as text; what is none counts as absent.
fn number(text: &Option<String>) -> Option<i64> {
    text.as_deref().and_then(|text| text.trim().parse().ok())
}

/// Of all that the row says and what its status means, so that one comparison tells whether it has changed.
fn checksum(row: &LogRow, outcome: Option<&str>) -> String {
    let mut sum = Md5::new();
    for cell in row.cells().chain([outcome]) {
        match cell {
            Some(text) => {
                sum.update((text.len() as u32).to_le_bytes());
                sum.update(text);
            }
            None => sum.update([0xFF; 4]),
        }
    }
    sum.finalize().iter().fold(String::with_capacity(32), |mut hex, byte| {
        for half in [byte >> 4, byte & 15] {
            hex.push(char::from(b"0123456789abcdef"[usize::from(half)]));
        }
        hex
    })
}

fn extra(row: &LogRow) -> Option<Json> {
    json([
        ("list_id", &row.list_id),
        ("phone_code", &row.phone_code),
        ("comments", &row.comments),
        ("alt_dial", &row.alt_dial),
        ("called_count", &row.called_count),
        ("queue_seconds", &row.queue_seconds),
        ("xfercallid", &row.xfercallid),
        ("agent_only", &row.agent_only),
        ("queue_position", &row.queue_position),
    ])
}

/// An object of what is there; `None` where nothing is.
pub fn json<'a>(values: impl IntoIterator<Item = (&'static str, &'a Option<String>)>) -> Option<Json> {
    let mut object = Vec::with_capacity(128);
    for (name, value) in values {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            object.push(if object.is_empty() { b'{' } else { b',' });
            for text in [name, value] {
                // Text is always JSON.
                serde_json::to_writer(&mut object, text).ok()?;
                object.push(b':');
            }
            object.pop();
        }
    }
    object.push(b'}');
    (object.len() > 1).then(|| Json(String::from_utf8(object).unwrap_or_default()))
}

fn reject(table: Table, row: &LogRow, fired: Option<DateTime<Utc>>, fault: Fault) -> Reject {
    Reject {
        kind: "transaction",
        key: row.key(table).map(|key| table.id(key)),
        campaign_id: row.campaign_id.clone(),
        contact_id: row.lead_id.clone(),
        event_md5: None,
        fired,
        reason: fault.reason,
        field: fault.field,
        detail: fault.detail,
        payload: row.to_json().to_string(),
    }
}

/// One row of the dialler's as JSON: of `vicidial_log`, `vicidial_closer_log` or `recording_log`, told by its key.
pub fn normalise(object: &Map<String, Value>, zone: Tz) -> Batch {
    let mut batch = Batch::default();
    if object.contains_key("recording_id") {
        let row = RecordingRow::from_json(object);
        let call_id = row.vicidial_id.as_deref().map(call_id_of).unwrap_or_default();
        let contact_id = row.lead_id.clone().unwrap_or_else(|| "0".to_owned());
        match recording(&row, &call_id, &contact_id, zone) {
            Some(recording) => batch.recordings.push(recording),
            None => {
                let fault = Fault::new("missing_field", "recording_id", "the recording has no id, or no time to start");
                batch.rejects.push(refuse("recording", None, fault, &Value::from(object.clone()).to_string()));
            }
        }
        return batch;
    }
    let table = if object.contains_key("closecallid") { Table::Closer } else { Table::Log };
    match call(table, &LogRow::from_json(object), zone, &Outcomes::default()) {
        Ok(call) => batch.take(call),
        Err(reject) => batch.rejects.push(*reject),
    }
    batch
}

impl Batch {
    /// Adds a call with what could not be read of it.
    pub fn take(&mut self, call: Call) {
        self.transactions.push(call.transaction);
        self.connections.push(call.connection);
        self.agents.extend(call.agent);
        self.rejects.extend(call.faults);
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
