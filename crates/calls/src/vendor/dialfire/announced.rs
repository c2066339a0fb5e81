//! Transactions that the event feed has announced and whose contacts are still to be fetched.

use std::collections::hash_map::{Entry, HashMap};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;

use super::event::Event;
use super::transaction::Wanted;
use crate::vendor::{Aside, Stored};

/// How many the walks of a tenant hold in memory at once. The others are put aside, those of a contact together: memory
/// stays flat, and a contact with events on many pages is fetched only once.
const LIMIT: usize = 40_000;
/// Of two million, a part is less than the limit.
const PARTS: u64 = 64;

pub struct Announced {
    /// Contacts to fetch, in the order of their first event.
    queue: VecDeque<Arc<str>>,
    wanted: HashMap<Arc<str>, Vec<Wanted>>,
    /// What all walks of a tenant hold.
    held: Arc<AtomicUsize>,
    limit: usize,
    /// Empty until the first is put aside.
    aside: Vec<Option<Box<dyn Aside>>>,
}

impl Default for Announced {
    fn default() -> Announced {
        Announced {
            queue: VecDeque::new(),
            wanted: HashMap::new(),
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
        self.queue.is_empty() && self.aside.is_empty()
    }

    pub fn add<S: Stored>(&mut self, event: Event, stored: &mut S) -> Result<(), S::Error> {
        let is_full = !self.aside.is_empty() || self.held.load(Relaxed) >= self.limit;
        if is_full && !self.wanted.contains_key(&*event.contact_id) {
            return self.put_aside(&event, stored);
        }
        self.hold(event);
        Ok(())
    }

    /// The next contacts. After the last page only: a contact that is taken must not come again.
    pub fn take(&mut self, contacts: usize) -> Vec<(String, Vec<Wanted>)> {
        while self.queue.len() < contacts {
            let Some(part) = self.aside.pop() else { break };
            part.map_or_else(Vec::new, read).into_iter().for_each(|event| self.hold(event));
        }
        let ids = self.queue.drain(..contacts.min(self.queue.len()));
        let taken: Vec<_> = ids.filter_map(|id| Some((id.to_string(), self.wanted.remove(&id)?))).collect();
        self.held.fetch_sub(taken.iter().map(|(_, events)| events.len()).sum(), Relaxed);
        taken
    }

    pub fn give_up(&mut self) {
        let held = std::mem::take(&mut self.wanted).into_values().map(|events| events.len()).sum();
        self.held.fetch_sub(held, Relaxed);
        self.queue.clear();
        self.aside.clear();
    }

    fn hold(&mut self, event: Event) {
        let wanted = Wanted {
            fired: event.fired,
            md5: event.md5.into(),
            log_index: event.log_index,
            transaction_index: event.transaction_index,
        };
        match self.wanted.entry(event.contact_id.into()) {
            Entry::Occupied(mut entry) => entry.get_mut().push(wanted),
            Entry::Vacant(entry) => {
                self.queue.push_back(entry.key().clone());
                // Most contacts have one event in a window, and a vector that grows takes room for four.
                entry.insert(Vec::with_capacity(1)).push(wanted);
            }
        }
        self.held.fetch_add(1, Relaxed);
    }

    fn put_aside<S: Stored>(&mut self, event: &Event, stored: &mut S) -> Result<(), S::Error> {
        if self.aside.is_empty() {
            self.aside = (0..PARTS).map(|_| None).collect();
        }
        let mut hash = DefaultHasher::new();
        event.contact_id.hash(&mut hash);
        let part = &mut self.aside[(hash.finish() % PARTS) as usize];
        let part = match part {
            Some(part) => part,
            None => part.insert(stored.aside()?),
        };
        let line = event.to_string();
        part.write(&(line.len() as u16).to_le_bytes());
        part.write(line.as_bytes());
        Ok(())
    }
}

fn read(part: Box<dyn Aside>) -> Vec<Event> {
    let bytes = part.read();
    let mut left = &bytes[..];
    let mut events = Vec::new();
    while let Some((length, rest)) = left.split_first_chunk() {
        let (line, rest) = rest.split_at(usize::from(u16::from_le_bytes(*length)));
        left = rest;
        let event = std::str::from_utf8(line).ok().and_then(|line| Event::parse(line).ok());
        events.push(event.expect("an event reads as it was written"));
    }
    events
}

#[cfg(test)]
#[path = "announced_tests.rs"]
mod tests;
