//! The way through one window of one campaign: which request comes next, and what an answer means for the window.
//!
//! Pure bookkeeping: the caller runs the jobs, on whatever threads, and says what is stored already.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::AtomicUsize;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::announced::Announced;
use super::event::Event;
use super::request::{Job, Outcome, PageFacts, Source};
use crate::error::Error;
use crate::range::Window;
use crate::row::{Batch, Transaction};
use crate::vendor::vicidial::{Alike, Table};
use crate::vendor::{self, Counts, Path};

/// A list that is longer than this does not end.
const PAGE_LIMIT: u64 = 100_000;
/// A window shorter than this is not worth reading from several places at once.
const SLICE: TimeDelta = TimeDelta::hours(6);

/// What the database says about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Not stored, or stored with another checksum.
    No,
    Stored,
    /// Quarantined with this checksum: fetching it again would end the same way.
    Rejected,
}

/// The database's side of a path.
pub trait Stored {
    type Error;
    /// One answer an event, in order.
    fn known(&mut self, events: &[Event]) -> Result<Vec<Known>, Self::Error>;
    /// Of contacts with their checksums, those that are not stored with it.
    fn changed(&mut self, contacts: &[(String, String)]) -> Result<Vec<String>, Self::Error>;
    /// Contacts of a campaign that have a stored transaction since that day (UTC) and are not marked as gone.
    fn active(&mut self, campaign_id: &str, since: NaiveDate) -> Result<Vec<String>, Self::Error>;

    /// Whether calls of a window are stored, or of the days around it.
    fn has_calls(&mut self, _window: Window) -> Result<bool, Self::Error> {
        Ok(true)
    }
    /// For each call those that are stored with the same lead, start and number.
    fn alike(&mut self, _calls: &[&Transaction]) -> Result<Vec<Vec<Alike>>, Self::Error> {
        Ok(Vec::new())
    }
    /// Keys of the stored calls of a table that began on the day before the window and have not ended.
    fn open_calls(&mut self, _table: Table, _window: Window) -> Result<Vec<String>, Self::Error> {
        Ok(Vec::new())
    }
    /// A place for what is too much for memory.
    fn aside(&mut self) -> Result<Box<dyn Aside>, Self::Error> {
        Ok(Box::new(Vec::new()))
    }
}

/// Bytes that are written one after the other and then read at once.
pub trait Aside {
    fn write(&mut self, bytes: &[u8]);
    fn read(self: Box<Self>) -> Vec<u8>;
}

impl Aside for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    fn read(self: Box<Self>) -> Vec<u8> {
        *self
    }
}

pub struct Walk {
    source: Arc<Source>,
    window: Window,
    /// Where transactions that come along with a contact are taken too.
    keep: Vec<Window>,
    batch: usize,
    events: Vec<Feed>,
    inbound: Feed,
    announced: Announced,
    in_flight: usize,
    pub counts: Counts,
}

impl Walk {
    /// `places` is how many pages may be asked for at once; `batch` how many contacts a request names.
    pub fn new(source: Arc<Source>, window: Window, places: usize, batch: usize) -> Walk {
        Walk {
            events: slices(window, places).into_iter().map(Feed::new).collect(),
            inbound: Feed::new(window),
            source,
            window,
            keep: vec![window],
            batch,
            announced: Announced::default(),
            in_flight: 0,
            counts: Counts::default(),
        }
    }

    /// Transactions of covered time too: with its contact the contact's checksum is stored, and whoever compares it later
    /// must find that nothing else of the contact has changed.
    pub fn keeping(mut self, covered: &[Window]) -> Walk {
        self.keep.extend_from_slice(covered);
        self
    }

    /// The count of what all walks of a tenant hold.
    pub fn sharing(mut self, held: &Arc<AtomicUsize>) -> Walk {
        self.announced.sharing(held);
        self
    }

    fn next(&mut self) -> Option<Job> {
        if let Some(feed) = self.events.iter_mut().find(|feed| feed.state == State::Ready) {
            let (window, cursor) = feed.ask();
            return Some(Job::Events { source: self.source.clone(), window, cursor });
        }
        if self.inbound.state == State::Ready {
            let (window, cursor) = self.inbound.ask();
            return Some(Job::InboundCalls { source: self.source.clone(), window, cursor });
        }
        if self.events.iter().any(|feed| feed.state != State::Ended) {
            return None;
        }
        let mut wanted = self.announced.take(self.batch);
        if wanted.is_empty() {
            return None;
        }
        for (_, events) in &mut wanted {
            let announced = events.len();
            events.sort();
            events.dedup();
            if events.len() < announced {
                *self.counts.skipped.entry("duplicate_event").or_default() += (announced - events.len()) as u64;
            }
        }
        Some(Job::Contacts { source: self.source.clone(), keep: self.keep.clone(), wanted })
    }

    /// Keeps the events whose contacts must be fetched.
    fn sort<S: Stored>(&mut self, window: &Window, mut events: Vec<Event>, stored: &mut S) -> Result<(), S::Error> {
        events.retain(|event| !is_neighbours(event.fired, window));
        self.counts.fetched += events.len() as u64;
        let known = stored.known(&events)?;
        for (event, known) in events.into_iter().zip(known) {
            match known {
                Known::Stored => self.counts.unchanged += 1,
                Known::Rejected => *self.counts.skipped.entry("rejected_before").or_default() += 1,
                Known::No => self.announced.add(&event, stored)?,
            }
        }
        Ok(())
    }
}

impl vendor::Walk for Walk {
    fn source_id(&self) -> &str {
        &self.source.campaign_id
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
        self.in_flight == 0
            && self.announced.is_empty()
            && self.inbound.state == State::Ended
            && self.events.iter().all(|feed| feed.state == State::Ended)
    }

    fn accept<S: Stored>(
        &mut self,
        job: &Job,
        outcome: Result<Outcome, Error>,
        stored: &mut S,
    ) -> Result<Result<Batch, Error>, S::Error> {
        self.in_flight -= 1;
        let accepted = self.take(job, outcome, stored)?;
        if accepted.is_err() {
            self.announced.give_up();
        }
        Ok(accepted)
    }
}

impl Walk {
    fn take<S: Stored>(
        &mut self,
        job: &Job,
        outcome: Result<Outcome, Error>,
        stored: &mut S,
    ) -> Result<Result<Batch, Error>, S::Error> {
        match (job, outcome) {
            (Job::InboundCalls { .. }, Err(Error::Status { status: 404, .. })) => {
                self.inbound.state = State::Ended;
                *self.counts.skipped.entry("no_inbound_calls").or_default() += 1;
                Ok(Ok(Batch::default()))
            }
            (_, Err(error)) => Ok(Err(error)),
            (Job::Events { window, .. }, Ok(Outcome::Events { events, page, rejects, records })) => {
                self.counts.pages += 1;
                self.counts.fetched += rejects.len() as u64;
                self.sort(window, events, stored)?;
                let turned = match self.events.iter_mut().find(|feed| feed.window == *window) {
                    Some(feed) => feed.turn(page),
                    None => Ok(()),
                };
                Ok(turned.map(|()| Batch { rejects, records, ..Batch::default() }))
            }
            (Job::InboundCalls { window, .. }, Ok(Outcome::InboundCalls { mut batch, page })) => {
                self.counts.pages += 1;
                batch.inbound_calls.retain(|call| call.started.is_none_or(|at| !is_neighbours(at, window)));
                self.counts.fetched += (batch.inbound_calls.len() + batch.rejects.len()) as u64;
                Ok(self.inbound.turn(page).map(|()| batch))
            }
            (_, Ok(Outcome::Contacts { batch, unannounced, .. })) => {
                self.counts.fetched += unannounced;
                Ok(Ok(batch))
            }
            _ => Ok(Err(Error::answer("an answer does not belong to its request"))),
        }
    }
}

/// An event of the milliseconds that are asked for beyond the window belongs to the window beside it.
fn is_neighbours(at: DateTime<Utc>, window: &Window) -> bool {
    let early = window.from - TimeDelta::milliseconds(1) <= at && at < window.from;
    early || at == window.to
}

fn slices(window: Window, places: usize) -> Vec<Window> {
    let length = window.to - window.from;
    let count = (length.num_seconds() / SLICE.num_seconds()).clamp(1, places.max(1) as i64) as i32;
    // Whole milliseconds, as the vendor's parameters have no finer.
    let cut = |i: i32| match i {
        _ if i == count => window.to,
        _ => window.from + TimeDelta::milliseconds(length.num_milliseconds() / i64::from(count) * i64::from(i)),
    };
    (0..count).map(|i| Window { from: cut(i), to: cut(i + 1) }).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ready,
    Asked,
    Ended,
}

/// One cursored list, followed to its end.
pub struct Feed {
    window: Window,
    pub state: State,
    cursor: Option<String>,
    /// Hashes of the cursors followed so far.
    followed: HashSet<u64>,
    pages: u64,
    received: u64,
    largest_count: u64,
    short_page: bool,
    /// `count` was seen to be that of a page.
    counts_pages: bool,
}

impl Feed {
    pub fn new(window: Window) -> Feed {
        Feed {
            window,
            state: State::Ready,
            cursor: None,
            followed: HashSet::new(),
            pages: 0,
            received: 0,
            largest_count: 0,
            short_page: false,
            counts_pages: false,
        }
    }

    pub fn ask(&mut self) -> (Window, Option<String>) {
        self.state = State::Asked;
        (self.window, self.cursor.clone())
    }

    pub fn turn(&mut self, page: PageFacts) -> Result<(), Error> {
        self.pages += 1;
        self.received += page.received;
        if let Some(count) = page.count {
            self.largest_count = self.largest_count.max(count);
            self.short_page |= count > page.received;
            self.counts_pages |= count == page.received && count < self.received;
        }
        let Some(cursor) = page.cursor else {
            self.state = State::Ended;
            return self.check_count();
        };
        let mut hash = DefaultHasher::new();
        cursor.hash(&mut hash);
        if !self.followed.insert(hash.finish()) {
            return Err(Error::answer(format!(
                "page {} returned a cursor that was followed before: the list would never end",
                self.pages
            )));
        }
        if self.pages >= PAGE_LIMIT {
            return Err(Error::answer(format!("the list did not end after {PAGE_LIMIT} pages")));
        }
        self.cursor = Some(cursor);
        self.state = State::Ready;
        Ok(())
    }

    /// `count` is not documented: it may be that of the page or that of the list. Either way fewer must not arrive.
    fn check_count(&self) -> Result<(), Error> {
        // Where more arrived than any count says, it cannot be that of the list.
        if self.short_page && (self.counts_pages || self.received != self.largest_count) {
            return Err(Error::answer(format!(
                "a page is short: {} records announced, {} arrived in all",
                self.largest_count, self.received
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
