//! The way through one window of a location: the messages of its calls, then the call logs page by page.
//!
//! Page numbers over a list that changes are treacherous: what is deleted or comes late while the list is read shifts every
//! later record. So a list counts only when its total stayed the same, no record came twice, and as many arrived as were
//! announced; otherwise it is read again.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::call::tell;
use super::message::Told;
use super::request::{Job, Location, Outcome, Page};
use crate::error::Error;
use crate::range::Window;
use crate::row::Batch;
use crate::vendor::{self, Counts, Path, Stored};

/// How often a list that changed is read altogether.
const READINGS: u32 = 3;
/// A list that is longer than this does not end.
const PAGE_LIMIT: u64 = 20_000;

pub struct Walk {
    source: Arc<Location>,
    window: Window,
    page_size: u64,
    messages: Messages,
    /// Hashes of the cursors followed so far.
    cursors: HashSet<u64>,
    told: HashMap<u64, Told>,
    calls: Calls,
    round: u32,
    /// Records that were handed on, over all readings.
    taken: HashSet<u64>,
    in_flight: usize,
    counts: Counts,
}

enum Messages {
    Ready(Option<String>),
    Asked,
    Ended,
}

/// One reading of the list.
#[derive(Default)]
struct Calls {
    next: u64,
    /// Set by the first page; how many pages there are.
    pages: Option<u64>,
    total: Option<u64>,
    answered: u64,
    received: u64,
    seen: HashSet<u64>,
    ended: bool,
}

impl Walk {
    pub fn new(source: Arc<Location>, window: Window, page_size: usize, with_messages: bool) -> Walk {
        Walk {
            source,
            window,
            page_size: page_size as u64,
            messages: if with_messages { Messages::Ready(None) } else { Messages::Ended },
            cursors: HashSet::new(),
            told: HashMap::new(),
            calls: Calls::default(),
            round: 1,
            taken: HashSet::new(),
            in_flight: 0,
            counts: Counts::default(),
        }
    }

    fn next(&mut self) -> Option<Job> {
        match &mut self.messages {
            Messages::Ready(cursor) => {
                let cursor = cursor.take();
                self.messages = Messages::Asked;
                return Some(Job::Messages { window: self.window, cursor });
            }
            Messages::Asked => return None,
            Messages::Ended => {}
        }
        let calls = &mut self.calls;
        let is_ready = match calls.pages {
            _ if calls.ended => false,
            // The first page says how many there are; without a total each page waits for the one before.
            None => calls.next == calls.answered,
            Some(pages) => calls.next < pages,
        };
        is_ready.then(|| {
            calls.next += 1;
            Job::Calls { window: self.window, page: calls.next, round: self.round }
        })
    }

    /// Takes the records of a page that were not taken before.
    fn take(&mut self, mut page: Page) -> Batch {
        let window = self.window;
        let told = &self.told;
        let mut batch = std::mem::take(&mut page.batch);
        for ((call, leg), message) in batch.transactions.iter_mut().zip(&mut batch.connections).zip(&page.messages) {
            if let Some(told) = message.as_ref().and_then(|id| told.get(&hash(id))) {
                tell(told, call, leg);
            }
        }
        let outside: HashSet<String> = batch
            .transactions
            .iter()
            .filter(|call| call.fired.is_some_and(|at| at < window.from || at >= window.to))
            .map(|call| call.id.clone())
            .collect();
        let fresh: HashSet<String> =
            page.keys.into_iter().filter(|key| self.taken.insert(hash(key)) && !outside.contains(key)).collect();
        self.counts.fetched += fresh.len() as u64;
        batch.transactions.retain(|row| fresh.contains(&row.id));
        batch.connections.retain(|row| fresh.contains(&row.id));
        batch.call_details.retain(|row| fresh.contains(&row.id));
        batch.rejects.retain(|reject| fresh.contains(reject.key.as_ref().unwrap_or(&reject.payload)));
        batch.records.retain(|record| fresh.contains(record.key.as_ref().unwrap_or(&record.payload)));
        batch
    }

    /// Whether the list still looks like one and the same; an error in words where it does not.
    fn judge(&mut self, page: &Page) -> Result<(), String> {
        let calls = &mut self.calls;
        calls.answered += 1;
        calls.received += page.received;
        let repeated = page.keys.iter().filter(|key| !calls.seen.insert(hash(key))).count();
        if repeated > 0 {
            return Err(format!("{repeated} records came twice"));
        }
        match (calls.total, page.total) {
            (Some(before), Some(now)) if before != now => return Err(format!("its total went from {before} to {now}")),
            _ => calls.total = calls.total.or(page.total),
        }
        let Some(total) = calls.total else {
            calls.ended = page.received == 0;
            return Ok(());
        };
        if calls.pages.is_none() {
            // The vendor may give fewer a page than it was asked for.
            let size = match page.received {
                0 => self.page_size,
                received => received.min(self.page_size),
            };
            calls.pages = Some(total.div_ceil(size).max(1));
        }
        if calls.pages == Some(calls.answered) {
            if calls.received != total {
                return Err(format!("{total} were announced, {} arrived", calls.received));
            }
            calls.ended = true;
        }
        Ok(())
    }

    fn calls(&mut self, page: Page, round: u32) -> Result<Batch, Error> {
        self.counts.pages += 1;
        if round != self.round {
            return Ok(self.take(page));
        }
        if self.calls.answered >= PAGE_LIMIT {
            return Err(Error::answer(format!("the list did not end after {PAGE_LIMIT} pages")));
        }
        if let Err(why) = self.judge(&page) {
            if self.round == READINGS {
                return Err(Error::answer(format!(
                    "the list of calls kept changing while it was read, {READINGS} times over; last {why}"
                )));
            }
            self.counts.skip("list_read_again");
            self.round += 1;
            self.calls = Calls::default();
        }
        Ok(self.take(page))
    }
}

impl vendor::Walk for Walk {
    fn source_id(&self) -> &str {
        &self.source.id
    }

    fn window(&self) -> Window {
        self.window
    }

    fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Path for Walk {
    type Job = Job;
    type Outcome = Outcome;

    fn poll<S: Stored>(&mut self, _: &mut S) -> Result<Option<Job>, S::Error> {
        let job = self.next();
        self.in_flight += usize::from(job.is_some());
        Ok(job)
    }

    fn is_finished(&self) -> bool {
        self.in_flight == 0 && self.calls.ended
    }

    fn accept<S: Stored>(
        &mut self,
        job: &Job,
        outcome: Result<Outcome, Error>,
        _: &mut S,
    ) -> Result<Result<Batch, Error>, S::Error> {
        self.in_flight -= 1;
        Ok(match (job, outcome) {
            (Job::Messages { .. }, Err(Error::Status { status: 400 | 401 | 403 | 404 | 422, .. })) => {
                // The calls are worth more than their direction.
                self.messages = Messages::Ended;
                self.counts.skip("messages_not_readable");
                Ok(Batch::default())
            }
            (_, Err(error)) => Err(error),
            (Job::Messages { .. }, Ok(Outcome::Messages { told, cursor, records })) => {
                self.counts.pages += 1;
                self.told.extend(told.into_iter().map(|(id, told)| (hash(&id), told)));
                self.messages = match cursor {
                    Some(cursor) if !self.cursors.insert(hash(&cursor)) => {
                        return Ok(Err(Error::answer("the list of messages repeats a cursor: it would never end")));
                    }
                    Some(cursor) => Messages::Ready(Some(cursor)),
                    None => Messages::Ended,
                };
                Ok(Batch { records, ..Batch::default() })
            }
            (Job::Calls { round, .. }, Ok(Outcome::Calls(page))) => self.calls(*page, *round),
            _ => Err(Error::answer("an answer does not belong to its request")),
        })
    }
}

fn hash(text: &str) -> u64 {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    hash.finish()
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
