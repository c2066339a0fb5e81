//! The body of `POST /api/v1/call-results`, and what it is answered with.

use chrono_tz::Tz;
use serde_json::{json, Map, Value};

use super::call::{call, Call};
use super::record::LogRow;
use super::status::Outcomes;
use super::Table;
use crate::row::Reject;

/// The names of the body, with the columns of `vicidial_log` that they stand for.
const FIELDS: [(&str, &str); 17] = [
    ("uniqueid", "uniqueid"),
    ("leadId", "lead_id"),
    ("listId", "list_id"),
    ("campaignId", "campaign_id"),
    ("phoneNumber", "phone_number"),
    ("phoneCode", "phone_code"),
    ("disposition", "status"),
    ("duration", "length_in_sec"),
    ("agentId", "user"),
    ("userGroup", "user_group"),
    ("termReason", "term_reason"),
    ("comments", "comments"),
    ("altDial", "alt_dial"),
    ("calledCount", "called_count"),
    ("callDate", "call_date"),
    ("startEpoch", "start_epoch"),
    ("endEpoch", "end_epoch"),
];

/// The call of a body; what cannot be read as one is a reject with the field to blame.
pub fn result(body: &Map<String, Value>, zone: Tz, outcomes: &Outcomes) -> Result<Call, Box<Reject>> {
    let mut columns = Map::new();
    for (name, column) in FIELDS {
        if let Some(value) = body.get(name).filter(|value| !value.is_null()) {
            columns.insert(column.to_owned(), value.clone());
        }
    }
    let mut row = LogRow::from_json(&columns);
    let number = |name: &str| match body.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // The brief's `timestamp` is the call's start, which is also the first part of its unique id.
    row.start_epoch = row.start_epoch.or_else(|| number("timestamp").map(|start| start.to_string()));
    if row.start_epoch.is_none() && row.call_date.is_none() {
        let part = row.uniqueid.as_deref().and_then(|id| id.split('.').next()).map(str::to_owned);
        row.start_epoch = part.filter(|part| part.len() >= 9 && part.bytes().all(|byte| byte.is_ascii_digit()));
    }
    // A result is sent when the call is over.
    let start = row.start_epoch.as_deref().and_then(|start| start.parse::<i64>().ok());
    let length = row.length_in_sec.as_deref().and_then(|length| length.parse::<i64>().ok());
    if let (None, Some(start), Some(length)) = (&row.end_epoch, start, length.filter(|length| *length >= 0)) {
        row.end_epoch = Some(start.saturating_add(length).to_string());
    }
    call(Table::Log, &row, zone, outcomes)
}

/// The answer to a body that was stored.
pub fn accepted(call: &Call) -> Value {
    json!({
        "success": true,
        "message": "Call result recorded",
        "data": {
            "recordId": call.transaction.id,
            "uniqueid": call.connection.call_uuid,
            "disposition": call.connection.result,
        }
    })
}

/// The answer to one that was not.
pub fn refused(why: &str) -> Value {
    json!({ "success": false, "message": why })
}

#[cfg(test)]
#[path = "result_tests.rs"]
mod tests;
