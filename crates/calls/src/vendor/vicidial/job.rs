//! What is asked of the dialler's database: one statement a job, each bounded by a limit or by keys.

use std::sync::Arc;

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use super::clock::Wall;
use super::record::{Campaign, LogRow, Recording, Status, User};
use super::status::Outcomes;
use super::Table;
use crate::range::Window;
use crate::secret::Secret;

/// How the dialler's database is read.
#[derive(Debug, Clone)]
pub struct Access {
    /// Schema of the foreign tables.
    pub schema: String,
    /// Rows a statement.
    pub page_size: usize,
    pub zone: Tz,
    /// Of call results that are sent; `None` where the one who calls `df_ingest` is believed.
    pub api_key: Option<Secret>,
    /// Keep the rows as they came.
    pub raw: bool,
    /// Leave out the recordings, by which nothing is compared.
    pub is_brief: bool,
}

/// A table of calls.
#[derive(Debug, Clone)]
pub struct Source {
    pub table: Table,
    pub has_archive: bool,
    pub has_recordings: bool,
    pub outcomes: Arc<Outcomes>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// What there is, and who: tables, campaigns, users, statuses.
    Lists,
    Rows {
        table: Table,
        archive: bool,
        which: Which,
        limit: usize,
    },
    /// Of these keys, those that the table has.
    Present {
        table: Table,
        archive: bool,
        keys: Vec<String>,
    },
    Recordings {
        keys: Vec<String>,
    },
}

/// Which rows of a table of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    In(Wall),
    /// Of one second with more rows than a page holds, those behind this key.
    At(NaiveDateTime, String),
    /// Without a `call_date`, so that no range of it finds them; those behind this key.
    Undated(Window, String),
    Keys(Vec<String>),
}

#[derive(Debug)]
pub enum Outcome {
    Lists(Lists),
    Rows(Vec<LogRow>),
    Present(Vec<String>),
    Recordings(Vec<Recording>),
}

/// What the dialler has beside its calls.
#[derive(Debug, Default)]
pub struct Lists {
    /// Foreign tables that can be read, by the names that they have at the dialler.
    pub tables: Vec<String>,
    pub campaigns: Vec<Campaign>,
    pub users: Vec<User>,
    pub statuses: Vec<Status>,
}

impl Job {
    /// The table at the dialler.
    pub fn table(&self) -> &'static str {
        match self {
            Job::Lists => "vicidial_statuses",
            Job::Rows { table, archive, .. } | Job::Present { table, archive, .. } => match archive {
                true => table.archive(),
                false => table.name(),
            },
            Job::Recordings { .. } => "recording_log",
        }
    }

    /// The end of its statement, from WHERE on. All of it is pushed down: constants, comparisons, OR, IN, LIMIT.
    pub fn condition(&self) -> String {
        match self {
            Job::Lists => String::new(),
            Job::Rows { table, which, limit, .. } => format!("{} LIMIT {limit}", which.condition(table.key())),
            Job::Present { table, keys, .. } => format!("WHERE {} IN ({})", table.key(), list(keys)),
            Job::Recordings { keys } => format!("WHERE vicidial_id IN ({})", list(keys)),
        }
    }
}

impl Which {
    fn condition(&self, key: &str) -> String {
        match self {
            Which::In(Wall { from, to }) => format!("WHERE call_date >= '{from}' AND call_date < '{to}'"),
            // Only here is an order needed; it sorts the rows of one second.
            Which::At(second, after) => {
                format!("WHERE call_date = '{second}' AND {key} > {} ORDER BY {key}", quote(after))
            }
            Which::Undated(window, after) => {
                let (from, to) = (window.from.timestamp(), window.to.timestamp());
                format!(
                    "WHERE (call_date IS NULL OR call_date < '1971-01-01') AND {key} > {} AND (start_epoch IS NULL \
                     OR start_epoch = '0' OR start_epoch >= '{from}' AND start_epoch <= '{to}') ORDER BY {key}",
                    quote(after)
                )
            }
            Which::Keys(keys) => format!("WHERE {key} IN ({})", list(keys)),
        }
    }
}

/// A key that may stand in a statement. Both databases read it, and they do not agree on a backslash.
pub fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 40
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn quote(key: &str) -> String {
    // The empty text comes before all keys; a key that cannot be quoted safely does not occur in numbers and dots.
    format!(
        "'{}'",
        key.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).collect::<String>()
    )
}

fn list(keys: &[String]) -> String {
    keys.iter().map(|key| quote(key)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
