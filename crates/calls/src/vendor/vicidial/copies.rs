//! The same call twice: archived copies, and rows under an id that has been rewritten.
//!
//! An archive run copies every row by INSERT IGNORE, so that the first copy of a row stays as it was then, in the middle of
//! the call for one; and it copies a row under the id of that moment, which the agent's screen may rewrite.

use std::collections::HashSet;

use super::call::Call;
use super::merge::Alike;
use super::record::LogRow;
use super::status::is_interim;
use super::Table;

/// Lead, start and number: who was called when, whatever the id.
type Twin<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

fn twin(row: &LogRow) -> Twin<'_> {
    (row.lead_id.as_deref(), row.start_epoch.as_deref(), row.phone_number.as_deref())
}

fn is_open(row: &LogRow) -> bool {
    row.end_epoch.as_deref().is_none_or(|end| end == "0") || is_interim(row.status.as_deref())
}

/// The archived rows that say something which the live ones of the same time do not.
pub fn without_copies(table: Table, live: &[LogRow], archived: Vec<LogRow>) -> Vec<LogRow> {
    let keys: HashSet<&str> = live.iter().filter_map(|row| row.key(table)).collect();
    let mut archived: Vec<LogRow> =
        archived.into_iter().filter(|row| row.key(table).is_none_or(|key| !keys.contains(key))).collect();
    if table == Table::Log && archived.iter().any(is_open) {
        let done: HashSet<Twin> = live.iter().chain(archived.iter().filter(|row| !is_open(row))).map(twin).collect();
        let is_copy: Vec<bool> = archived.iter().map(|row| is_open(row) && done.contains(&twin(row))).collect();
        let mut is_copy = is_copy.into_iter();
        archived.retain(|_| is_copy.next() != Some(true));
    }
    archived
}

/// An archived copy that was taken before what is stored: of a call that has ended or been disposed of since.
pub fn is_behind(copy: &Call, stored: &Alike) -> bool {
    copy.connection.ended.is_none() && stored.has_ended
        || is_interim(copy.connection.result.as_deref()) && !is_interim(stored.status.as_deref())
}

#[cfg(test)]
#[path = "copies_tests.rs"]
mod tests;
