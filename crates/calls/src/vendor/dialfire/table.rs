//! The tables that the vendor's own client writes, row by row.
//!
//! A row is the object that the vendor sent, but what it was nested in has become a key beside it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::value::RawValue;

use super::contact::{contact, missing, Take};
use super::leg::Place;
use super::response::{inbound_call, reject};
use super::transaction::{self, md5};
use crate::field::{self, Fault};
use crate::row::{Batch, Reject};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Contacts,
    Transactions,
    Connections,
    Recordings,
    InboundCalls,
}

/// A row of a table: its own key, the key of what it hangs on, and the rest as one JSON object.
pub struct Line<'a> {
    pub id: Option<String>,
    pub parent: Option<String>,
    pub object: &'a RawValue,
}

/// What is known of what a row hangs on.
#[derive(Debug, Clone, Default)]
pub struct Parent {
    pub campaign_id: Option<String>,
    pub contact_id: String,
    pub transaction_id: String,
    pub fired: Option<DateTime<Utc>>,
}

impl Table {
    /// A table after the one that its rows hang on.
    pub const ALL: [Table; 5] =
        [Table::Contacts, Table::Transactions, Table::Connections, Table::Recordings, Table::InboundCalls];

    pub fn name(self) -> &'static str {
        match self {
            Table::Contacts => "contacts",
            Table::Transactions => "transactions",
            Table::Connections => "connections",
            Table::Recordings => "recordings",
            Table::InboundCalls => "inbound_calls",
        }
    }

    pub fn id(self) -> &'static str {
        match self {
            Table::Contacts => "$id",
            _ => "id",
        }
    }

    pub fn parent(self) -> Option<&'static str> {
        match self {
            Table::Transactions => Some("contact_id"),
            Table::Connections => Some("transaction_id"),
            Table::Recordings => Some("connection_id"),
            Table::Contacts | Table::InboundCalls => None,
        }
    }

    /// When a row happened: rows that are near each other here are of the same days.
    pub fn time(self) -> &'static str {
        match self {
            Table::Contacts => "$id",
            Table::Transactions | Table::Connections => "fired",
            Table::Recordings | Table::InboundCalls => "started",
        }
    }

    /// Columns without which no row means anything.
    pub fn needs(self) -> &'static [&'static str] {
        match self {
            Table::Contacts => &["$id"],
            Table::Transactions => &["id", "contact_id", "fired"],
            Table::Connections => &["id", "transaction_id"],
            Table::Recordings => &["connection_id", "started"],
            Table::InboundCalls => &["id", "started"],
        }
    }

    /// Columns that stand beside the object or are the client's own: when it wrote the row, and a checksum that says
    /// nothing of what the client has dropped, so that a contact with it would never be compared with the vendor's.
    pub fn is_beside(self, column: &str) -> bool {
        matches!(
            (self, column),
            (_, "$changed")
                | (Table::Contacts, "$md5" | "$task_log")
                | (Table::Transactions, "id" | "contact_id")
                | (Table::Connections, "transaction_id" | "contact_id")
                | (Table::Recordings, "id" | "connection_id" | "contact_id" | "transaction_id")
        )
    }

    /// Columns that the client writes; which of them there are depends on its version.
    pub fn columns(self) -> impl Iterator<Item = &'static str> {
        let names = match self {
            Table::Contacts => {
                "$id $ref $version $campaign_id $task_id $task $status $status_detail $phone $timezone $created_date
                 $entry_date"
            }
            Table::Transactions => {
                "id contact_id task_id task status status_detail fired pause_time_sec edit_time_sec wrapup_time_sec
                 wait_time_sec user user_loginName user_branch user_tenantAlias actor type result trigger isHI revoked"
            }
            Table::Connections => {
                "id parent_connection_id transfer_target_address call_uuid global_call_uuid transaction_id task_id
                 contact_id phone user actor hangup_party isThirdPartyConnection dialerdomain fired started initiated
                 connected disconnected ended duration remote_number line_number technology result code call_initiated
                 call_connected call_disconnected"
            }
            Table::Recordings => "contact_id connection_id started stopped filename location",
            Table::InboundCalls => {
                "id line_id campaign_id task_id task_name contact_id remote_number line_number started connected
                 disconnected user state connectable_time disposition dispatch_error"
            }
        };
        names.split_whitespace()
    }
}

/// Reads the rows of one table in their order.
pub struct Reader {
    pub table: Table,
    pub zone: Tz,
    last: Option<Last>,
    /// Rows that say nothing which another row does not say.
    pub duplicates: u64,
}

struct Last {
    id: String,
    location: Option<String>,
    rank: u64,
}

impl Reader {
    pub fn new(table: Table, zone: Tz) -> Reader {
        Reader { table, zone, last: None, duplicates: 0 }
    }

    /// Adds what the row becomes to `out`: a row of ours, a reject, or nothing for a duplicate. `parent` is `None` where
    /// what the row hangs on is not stored.
    pub fn read(&mut self, line: &Line, parent: Option<&Parent>, out: &mut Batch) {
        if let Err(fault) = self.try_read(line, parent, out) {
            let key = match self.table {
                Table::Contacts | Table::Transactions | Table::InboundCalls => line.id.clone(),
                Table::Connections | Table::Recordings => line.parent.clone(),
            };
            let contact_id = match self.table {
                Table::Contacts => line.id.clone(),
                Table::Transactions => line.parent.clone(),
                _ => parent.map(|p| p.contact_id.clone()),
            };
            let short = |text: Option<String>| text.filter(|text| !text.is_empty() && field::fits_key(text));
            out.rejects.push(Reject {
                campaign_id: parent.and_then(|p| p.campaign_id.clone()),
                contact_id: short(contact_id),
                fired: parent.and_then(|p| p.fired),
                ..reject(self.kind(), short(key), fault, line.object.get())
            });
        }
    }

    fn kind(&self) -> &'static str {
        match self.table {
            Table::Contacts => "contact",
            Table::Transactions => "transaction",
            Table::Connections => "connection",
            Table::Recordings => "recording",
            Table::InboundCalls => "inbound_call",
        }
    }

    fn try_read(&mut self, line: &Line, parent: Option<&Parent>, out: &mut Batch) -> Result<(), Fault> {
        let above = self.table.parent().map(|column| key(column, line.parent.as_deref())).transpose()?;
        let above = above.unwrap_or_default();
        if self.table != Table::Recordings {
            let id = key(self.table.id(), line.id.as_deref())?;
            if self.last.as_ref().is_some_and(|last| last.id == id) {
                self.duplicates += 1;
                return Ok(());
            }
            self.last = Some(Last { id: id.to_owned(), location: None, rank: 0 });
        }
        let known = Parent::default();
        let known = match self.table {
            Table::Connections | Table::Recordings => parent.ok_or_else(|| orphan(self.table, above))?,
            _ => parent.unwrap_or(&known),
        };
        let campaign_id = known.campaign_id.as_deref().unwrap_or_default();
        let take = Take { campaign_id, zone: self.zone, keep: &[], wanted: &[] };
        let id = line.id.as_deref().unwrap_or_default().trim();
        let fired = known.fired.unwrap_or_default();
        let place = |transaction_id| Place { contact_id: &known.contact_id, transaction_id, take: &take, fired };
        match self.table {
            Table::Contacts => {
                let mut contact = contact(id, &field::fields("contact", line.object)?, &take)?;
                contact.campaign_id = contact.campaign_id.filter(|id| !id.is_empty());
                out.contacts.push(contact);
            }
            Table::Transactions => transaction::stored(id, above, line.object, &take, out),
            Table::Connections => place(above).connection(line.object, None, 0, out)?,
            Table::Recordings => {
                let mut recording = place(&known.transaction_id).recording(above, line.object)?;
                if let Some(rank) = self.rank(&recording.id, recording.location.as_deref()) {
                    if rank > 0 {
                        recording.id = md5(&[&recording.id, &format!("#{rank}")]);
                    }
                    out.recordings.push(recording);
                }
            }
            Table::InboundCalls => out.inbound_calls.push(inbound_call(line.object, campaign_id, self.zone)?),
        }
        Ok(())
    }

    /// The client makes a second row of a recording once its location is known. Only other locations are other recordings.
    fn rank(&mut self, id: &str, location: Option<&str>) -> Option<u64> {
        match &mut self.last {
            Some(last) if last.id == id && (location.is_none() || last.location.as_deref() == location) => {
                self.duplicates += 1;
                None
            }
            Some(last) if last.id == id => {
                last.location = location.map(str::to_owned);
                last.rank += 1;
                Some(last.rank)
            }
            _ => {
                self.last = Some(Last { id: id.to_owned(), location: location.map(str::to_owned), rank: 0 });
                Some(0)
            }
        }
    }
}

/// Whether the id is the one by which a later sync will find the row again.
pub fn is_derived(id: &str, contact_id: &str, fired: &str) -> bool {
    id == md5(&[contact_id, fired])
}

fn key<'a>(column: &str, value: Option<&'a str>) -> Result<&'a str, Fault> {
    match value.map(str::trim) {
        None | Some("") => Err(missing(column)),
        Some(value) if !field::fits_key(value) => {
            Err(Fault::new("key_too_long", column, format!("{} bytes", value.len())))
        }
        Some(value) => Ok(value),
    }
}

fn orphan(table: Table, parent: &str) -> Fault {
    let (column, what) = match table {
        Table::Recordings => ("connection_id", "connection"),
        _ => ("transaction_id", "transaction"),
    };
    Fault::new("orphan", column, format!("its {what} \"{parent}\" is not stored"))
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
