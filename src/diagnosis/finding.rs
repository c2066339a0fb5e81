//! A call on which vendor and database differ; the findings of a diagnosis wait on disk, however many there are.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::pg::spill::Spill;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    OnlyVendor,
    Changed,
    Rejected,
    OnlyDatabase,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::OnlyVendor => "only_vendor",
            Status::Changed => "changed",
            Status::Rejected => "rejected",
            Status::OnlyDatabase => "only_database",
        }
    }
}

#[derive(Serialize, Deserialize)]
pub struct Finding {
    pub call_id: String,
    pub status: Status,
    pub reason: String,
    pub detail: Option<String>,
    pub source: Option<String>,
    pub agent_id: Option<String>,
    pub agent_name: Option<String>,
    /// assigned, not_assigned, not_in_system or none.
    pub agent_status: Option<String>,
    pub number: Option<String>,
    pub at: Option<DateTime<Utc>>,
}

#[derive(Default)]
pub struct Findings(Spill);

impl Findings {
    pub fn push(&mut self, finding: &Finding) {
        self.0.push(&serde_json::to_vec(finding).expect("texts and an instant are JSON"));
    }

    pub fn read(self) -> impl Iterator<Item = Finding> {
        self.0.read().map(|json| serde_json::from_slice(&json).expect("what was written is read"))
    }
}
