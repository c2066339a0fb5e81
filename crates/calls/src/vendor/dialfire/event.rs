//! One line of the event feed: `fired|md5|contact id|task log index,transaction index`.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::field::Fault;
use crate::instant;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub fired: DateTime<Utc>,
    pub md5: String,
    pub contact_id: String,
    /// Where the transaction stood in the contact when the line was written.
    pub log_index: u32,
    pub transaction_index: u32,
}

impl Event {
    pub fn parse(line: &str) -> Result<Event, Fault> {
        let bad = |why: &str| Fault::new("bad_event", "results", format!("{why}: \"{}\"", crate::field::excerpt(line)));
        let mut parts = line.splitn(4, '|');
        let (Some(fired), Some(md5), Some(contact), Some(place)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad("not four fields"));
        };
        let fired = instant::parse(fired).map_err(|why| Fault { reason: why.reason(), ..bad("unreadable time") })?;
        let (log, transaction) = place.split_once(',').ok_or_else(|| bad("no position"))?;
        if contact.is_empty() || contact.len() > 64 || md5.is_empty() || md5.len() > 64 || line.contains('\0') {
            return Err(bad("contact or checksum missing or too long"));
        }
        Ok(Event {
            fired,
            md5: md5.to_owned(),
            contact_id: contact.to_owned(),
            log_index: log.trim().parse().map_err(|_| bad("bad position"))?,
            transaction_index: transaction.trim().parse().map_err(|_| bad("bad position"))?,
        })
    }
}

/// The line again.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.fired.timestamp_subsec_micros() % 1_000 {
            0 => SecondsFormat::Millis,
            _ => SecondsFormat::Micros,
        };
        let fired = self.fired.to_rfc3339_opts(digits, true);
        let Event { md5, contact_id, log_index, transaction_index, .. } = self;
        write!(f, "{fired}|{md5}|{contact_id}|{log_index},{transaction_index}")
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
