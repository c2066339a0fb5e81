//! VICIdial: rows of the dialler's own tables, to calls. How the rows are read is the extension's business.
//!
//! Each call is one row that lives on: inserted at answer, updated at hang-up, at disposition, by managers, and nothing
//! says when. So nothing here asks what is new; a row is read again as often as it may have changed.

mod call;
mod clock;
mod config;
mod copies;
mod job;
mod merge;
mod record;
mod recording;
mod result;
mod seam;
mod slice;
mod status;
mod walk;

pub use call::{call, Call};
pub use clock::{Drift, Wall};
pub use config::Config;
pub use job::{Access, Job, Lists, Outcome, Source, Which};
pub use merge::Alike;
pub use record::{Campaign, LogRow, Recording, Status, User};
pub use result::{accepted, refused, result};
pub use seam::Vicidial;
pub use status::Outcomes;
pub use walk::Walk;

/// The two tables of calls, each with an archive of the same columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Outbound calls, by Asterisk's unique id.
    Log,
    /// Inbound calls, one row a hop from in-group to in-group.
    Closer,
}

impl Table {
    pub const ALL: [Table; 2] = [Table::Log, Table::Closer];

    /// The table at the dialler; also the source of coverage.
    pub fn name(self) -> &'static str {
        match self {
            Table::Log => "vicidial_log",
            Table::Closer => "vicidial_closer_log",
        }
    }

    pub fn archive(self) -> &'static str {
        match self {
            Table::Log => "vicidial_log_archive",
            Table::Closer => "vicidial_closer_log_archive",
        }
    }

    /// The column that identifies a row.
    pub fn key(self) -> &'static str {
        match self {
            Table::Log => "uniqueid",
            Table::Closer => "closecallid",
        }
    }

    pub fn direction(self) -> &'static str {
        match self {
            Table::Log => "outbound",
            Table::Closer => "inbound",
        }
    }

    /// How the ids of this table's calls begin.
    pub fn prefix(self) -> &'static str {
        match self {
            Table::Log => "log:",
            Table::Closer => "closer:",
        }
    }

    /// The key in an id of this table's.
    pub fn key_of(self, id: &str) -> Option<&str> {
        id.strip_prefix(self.prefix())
    }

    /// The id of a call: two tables, and so two namespaces.
    pub fn id(self, key: &str) -> String {
        format!("{}{key}", self.prefix())
    }
}
