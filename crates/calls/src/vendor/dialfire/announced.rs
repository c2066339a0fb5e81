//! Transactions that the event feed has announced and whose contacts are still to be fetched.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;

use chrono::DateTime;

use super::event::Event;
use super::transaction::Wanted;
use crate::vendor::{Aside, Stored};

/// Bytes that the walks of a tenant hold in memory at once, some 140,000 events. Beyond it a walk puts its events aside, those
/// of a contact together: memory stays flat, and a contact with events on many pages is fetched only once.
const LIMIT: usize = 12 << 20;
const PARTS: u64 = 64;

/// In the order in which they came, and contacts in the order of their first event, so that what is stored together was called
/// at about the same time.
pub struct Announced {
    records: Vec<u8>,
    /// Where the contacts of `records` that are not taken yet begin in `places`, the last first.
    contacts: Vec<usize>,
    /// Where the events stand in `records`, those of a contact side by side.
    places: Vec<Place>,
    /// Bytes that all walks of a tenant hold.
    held: Arc<AtomicUsize>,
    limit: usize,
    /// Empty until the first is put aside.
    aside: Vec<Option<Box<dyn Aside>>>,
}

#[derive(Clone, Copy)]
struct Place {
    hash: u64,
    at: usize,
}

impl Default for Announced {
    fn default() -> Announced {
        Announced {
            records: Vec::new(),
            contacts: Vec::new(),
            places: Vec::new(),
            held: Arc::default(),
            limit: LIMIT,
            aside: Vec::new(),
        }
    }
}

impl Announced {
    pub fn sharing(&mut self, held: &Arc<AtomicUsize>) {
        self.held = held.clone();
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.aside.is_empty()
    }

    pub fn add<S: Stored>(&mut self, event: &Event, stored: &mut S) -> Result<(), S::Error> {
        let before = self.records.len();
        write(event, &mut self.records);
        self.held.fetch_add(self.records.len() - before, Relaxed);
        if !self.aside.is_empty() || self.held.load(Relaxed) > self.limit {
            self.put_aside(stored)?;
        }
        Ok(())
    }

    /// The next contacts. After the last page only: a contact that is taken must not come again.
    pub fn take(&mut self, most: usize) -> Vec<(String, Vec<Wanted>)> {
        let mut taken = Vec::with_capacity(most);
        while taken.len() < most && self.find_contacts() {
            let Some(first) = self.contacts.pop() else { break };
            let contact = read(&self.records, self.places[first].at).contact;
            let of_contact = self.places[first..].iter().map(|place| read(&self.records, place.at));
            let wanted = of_contact.take_while(|record| record.contact == contact).map(Record::wanted);
            taken.push((contact.to_owned(), wanted.collect()));
            if self.contacts.is_empty() {
                self.forget();
            }
        }
        taken
    }

    pub fn give_up(&mut self) {
        self.forget();
        self.aside.clear();
    }

    fn forget(&mut self) {
        self.held.fetch_sub(self.records.len(), Relaxed);
        (self.records, self.contacts, self.places) = Default::default();
    }

    /// False when no contact is left.
    fn find_contacts(&mut self) -> bool {
        while self.records.is_empty() {
            let Some(part) = self.aside.pop() else { return false };
            self.records = part.map_or_else(Vec::new, |part| part.read());
            self.held.fetch_add(self.records.len(), Relaxed);
        }
        if self.contacts.is_empty() {
            self.sort();
        }
        true
    }

    fn sort(&mut self) {
        let records = &self.records;
        self.places = places(records).collect();
        let contact = |place: &Place| read(records, place.at).contact;
        self.places.sort_unstable_by(|a, b| {
            let by_contact = || if a.at == b.at { Ordering::Equal } else { contact(a).cmp(contact(b)) };
            a.hash.cmp(&b.hash).then_with(by_contact).then_with(|| a.at.cmp(&b.at))
        });
        let mut last = None;
        self.contacts = (0..self.places.len())
            .filter(|&at| last.replace(contact(&self.places[at])) != Some(contact(&self.places[at])))
            .collect();
        self.contacts.sort_unstable_by_key(|&first| std::cmp::Reverse(self.places[first].at));
    }

    fn put_aside<S: Stored>(&mut self, stored: &mut S) -> Result<(), S::Error> {
        if self.aside.is_empty() {
            self.aside = (0..PARTS).map(|_| None).collect();
        }
        for Place { hash, at } in places(&self.records) {
            let part = &mut self.aside[(hash % PARTS) as usize];
            let part = match part {
                Some(part) => part,
                None => part.insert(stored.aside()?),
            };
            part.write(&self.records[at..read(&self.records, at).end]);
        }
        self.held.fetch_sub(self.records.len(), Relaxed);
        self.records.clear();
        Ok(())
    }
}

fn places(records: &[u8]) -> impl Iterator<Item = Place> + '_ {
    let mut next = 0;
    std::iter::from_fn(move || {
        let at = next;
        (at < records.len()).then(|| {
            let record = read(records, at);
            next = record.end;
            let mut hash = DefaultHasher::new();
            record.contact.hash(&mut hash);
            Place { hash: hash.finish(), at }
        })
    })
}

/// An event in little room.
struct Record<'a> {
    micros: i64,
    log_index: u32,
    transaction_index: u32,
    md5: &'a str,
    contact: &'a str,
    end: usize,
}

impl Record<'_> {
    fn wanted(self) -> Wanted {
        Wanted {
            fired: DateTime::from_timestamp_micros(self.micros).unwrap_or_default(),
            md5: self.md5.to_owned().into(),
            log_index: self.log_index,
            transaction_index: self.transaction_index,
        }
    }
}

fn write(event: &Event, out: &mut Vec<u8>) {
    out.extend(event.fired.timestamp_micros().to_le_bytes());
    out.extend(event.log_index.to_le_bytes());
    out.extend(event.transaction_index.to_le_bytes());
    for text in [&event.md5, &event.contact_id] {
        // Neither is longer than 64 bytes.
        out.push(text.len() as u8);
        out.extend(text.as_bytes());
    }
}

fn read(records: &[u8], at: usize) -> Record<'_> {
    let mut left = &records[at..];
    let mut take = |length: usize| {
        let (taken, rest) = left.split_at(length);
        left = rest;
        taken
    };
    let mut number = |length: usize| take(length).iter().rev().fold(0, |n: u64, byte| n << 8 | u64::from(*byte));
    let (micros, log_index, transaction_index) = (number(8) as i64, number(4) as u32, number(4) as u32);
    let mut text = || {
        let length = take(1)[0].into();
        std::str::from_utf8(take(length)).expect("a text reads as it was written")
    };
    let (md5, contact) = (text(), text());
    Record { micros, log_index, transaction_index, md5, contact, end: records.len() - left.len() }
}

#[cfg(test)]
#[path = "announced_tests.rs"]
mod tests;
