//! Recordings: whose they are, and where.

use super::call::json;
use super::clock::{epoch, shown};
use super::record::Recording as Raw;
use crate::row::Recording;

/// The id of the call that a recording belongs to: Asterisk's unique ids have a dot, ids of inbound hops have none.
pub fn call_id_of(vicidial_id: &str) -> String {
    let table = if vicidial_id.contains('.') { super::Table::Log } else { super::Table::Closer };
    table.id(vicidial_id)
}

/// A recording as a row, for the call of this id; `None` for one that names none.
pub fn recording(raw: &Raw, call_id: &str, contact_id: &str, zone: chrono_tz::Tz) -> Option<Recording> {
    let id = raw.recording_id.as_deref().filter(|id| !id.is_empty())?;
    let started = raw.start_epoch.as_deref().and_then(epoch);
    let started = started.or_else(|| Some(crate::range::instant(shown(raw.start_time.as_deref()?)?, zone)));
    Some(Recording {
        id: format!("rec:{id}"),
        connection_id: Some(call_id.to_owned()),
        transaction_id: Some(call_id.to_owned()),
        contact_id: Some(contact_id.to_owned()),
        started,
        stopped: raw.end_epoch.as_deref().and_then(epoch),
        filename: raw.filename.clone().filter(|name| !name.is_empty()),
        // Until the file is moved, the name of the file stands here too.
        location: raw.location.clone().filter(|location| location.contains("://")),
        extra: json([
            ("server_ip", &raw.server_ip),
            ("extension", &raw.extension),
            ("user", &raw.user),
            ("vicidial_id", &raw.vicidial_id),
        ]),
    })
}
