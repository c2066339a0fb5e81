//! Which leg tells of a call, and which recording of a leg. `dialfire.main_legs` says the same of what is stored.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;

use chrono::{DateTime, Utc};

use crate::row::{Connection, Recording};

/// The main leg of each call and the first recording of each leg, among rows that hold them whole.
pub struct MainLegs<'a> {
    of_calls: HashMap<&'a str, &'a Connection>,
    of_legs: HashMap<&'a str, &'a Recording>,
}

impl<'a> MainLegs<'a> {
    pub fn of(legs: &[&'a Connection], recordings: &[&'a Recording]) -> MainLegs<'a> {
        let by_call = legs.iter().filter_map(|leg| Some((leg.transaction_id.as_deref()?, *leg)));
        let by_leg = recordings.iter().filter_map(|r| Some((r.connection_id.as_deref()?, *r)));
        MainLegs { of_calls: first(by_call, before), of_legs: first(by_leg, earlier) }
    }

    /// Whether the leg is the answered one, else the first, before third parties.
    pub fn has(&self, leg: &Connection) -> bool {
        let main = leg.transaction_id.as_deref().and_then(|call| self.of_calls.get(call));
        main.is_none_or(|main| main.id == leg.id)
    }

    /// The first recording of the leg that has an address, else the first.
    pub fn recording_of(&self, leg: &Connection) -> Option<&'a Recording> {
        self.of_legs.get(leg.id.as_str()).copied()
    }
}

fn first<K: Hash + Eq, T>(all: impl Iterator<Item = (K, T)>, order: fn(&T, &T) -> Ordering) -> HashMap<K, T> {
    let mut firsts: HashMap<K, T> = HashMap::new();
    for (key, one) in all {
        match firsts.get_mut(&key) {
            Some(known) if order(known, &one).is_le() => {}
            Some(known) => *known = one,
            None => {
                firsts.insert(key, one);
            }
        }
    }
    firsts
}

fn before(a: &&Connection, b: &&Connection) -> Ordering {
    let rank = |leg: &Connection| (leg.parent_connection_id.is_some(), leg.result.as_deref() != Some("connect"));
    let begun = |leg: &Connection| known_first(leg.started.or(leg.fired));
    (rank(a), begun(a), &a.id).cmp(&(rank(b), begun(b), &b.id))
}

fn earlier(a: &&Recording, b: &&Recording) -> Ordering {
    let rank = |r: &Recording| (r.location.is_none(), known_first(r.started));
    (rank(a), &a.id).cmp(&(rank(b), &b.id))
}

/// As NULLS LAST.
fn known_first(at: Option<DateTime<Utc>>) -> (bool, Option<DateTime<Utc>>) {
    (at.is_none(), at)
}

#[cfg(test)]
#[path = "main_leg_tests.rs"]
mod tests;
