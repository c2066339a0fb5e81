//! Incoming calls against those that are stored: what is new, what is the same, and what only has another id by now.

use std::collections::{HashMap, HashSet};

use super::call::Call;
use super::copies::is_behind;
use super::Table;
use crate::row::Renamed;

/// A stored call that may be an incoming one: of the same lead, start and number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alike {
    pub id: String,
    /// The key that it had before it was rewritten.
    pub former: Option<String>,
    pub checksum: Option<String>,
    pub has_ended: bool,
    pub status: Option<String>,
}

/// An incoming call, and whether it came from the archive.
#[derive(Debug)]
pub struct Incoming {
    pub key: String,
    pub call: Call,
    pub is_archived: bool,
}

/// A call that is stored under another id, which the dialler may have rewritten; or it is another call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    pub old_key: String,
    pub key: String,
    pub is_archived: bool,
}

#[derive(Debug, Default)]
pub struct Merged {
    pub calls: Vec<Call>,
    pub unchanged: u64,
    pub suspects: Vec<Suspect>,
    /// The key under which a recording may stand, with the call that it belongs to.
    pub owners: HashMap<String, Owner>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub call_id: String,
    pub contact_id: String,
}

/// `alike` has the stored candidates of each incoming call, or is empty where nothing is stored.
pub fn merge(table: Table, incoming: Vec<Incoming>, alike: Vec<Vec<Alike>>) -> Merged {
    let mut merged = Merged { calls: Vec::with_capacity(incoming.len()), ..Merged::default() };
    // Needed for suspects only.
    let ids: HashSet<String> = match alike.is_empty() {
        true => HashSet::new(),
        false => incoming.iter().map(|found| found.call.transaction.id.clone()).collect(),
    };
    let mut alike = alike.into_iter();
    for found in incoming {
        merged.add(table, found, &alike.next().unwrap_or_default(), &ids);
    }
    merged
}

impl Merged {
    fn add(&mut self, table: Table, found: Incoming, alike: &[Alike], ids: &HashSet<String>) {
        let Incoming { key, call, is_archived } = found;
        let id = call.transaction.id.as_str();
        if let Some(stored) = alike.iter().find(|stored| stored.id == id) {
            let is_same = stored.checksum == call.transaction.event_md5;
            let is_kept = is_same || is_archived && is_behind(&call, stored);
            self.own(&call, id, [Some(&key), stored.former.as_ref()]);
            return self.keep(call, is_kept);
        }
        if table == Table::Log {
            // A copy, archived under the id of before.
            let is_copy =
                |stored: &&Alike| stored.former.as_ref() == Some(&key) || is_archived && is_behind(&call, stored);
            if let Some(stored) = alike.iter().find(is_copy) {
                self.own(&call, &stored.id, [Some(&key), None]);
                return self.keep(call, true);
            }
            if let Some(old_key) =
                alike.iter().filter(|stored| !ids.contains(&stored.id)).find_map(|s| table.key_of(&s.id))
            {
                self.suspects.push(Suspect { old_key: old_key.to_owned(), key: key.clone(), is_archived });
            }
        }
        self.own(&call, id, [Some(&key), None]);
        self.keep(call, false);
    }

    fn keep(&mut self, call: Call, is_stored: bool) {
        match is_stored {
            true => self.unchanged += 1,
            false => self.calls.push(call),
        }
    }

    fn own(&mut self, call: &Call, call_id: &str, keys: [Option<&String>; 2]) {
        let contact_id = call.transaction.contact_id.clone().unwrap_or_default();
        for key in keys.into_iter().flatten() {
            let owner = Owner { call_id: call_id.to_owned(), contact_id: contact_id.clone() };
            self.owners.insert(key.clone(), owner);
        }
    }

    /// The renames that are left when the dialler has said which of the old keys it still has.
    pub fn renamed(&mut self, table: Table, live: &HashSet<String>, archived: &HashSet<String>) -> Vec<Renamed> {
        let mut renamed = Vec::new();
        for suspect in std::mem::take(&mut self.suspects) {
            let stands = live.contains(&suspect.old_key) || suspect.is_archived && archived.contains(&suspect.old_key);
            if stands {
                continue;
            }
            if let Some(owner) = self.owners.get(&suspect.key).cloned() {
                self.owners.insert(suspect.old_key.clone(), owner);
            }
            renamed.push(Renamed {
                from: table.id(&suspect.old_key),
                to: table.id(&suspect.key),
                former: suspect.old_key,
            });
        }
        renamed
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
