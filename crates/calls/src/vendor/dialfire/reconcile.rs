//! Comparing contacts by checksum: finds what the event feed has missed, and contacts that are gone at the vendor.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chrono::NaiveDate;

use super::request::{Job, Outcome, Source};
use super::walk::{Feed, State, Stored};
use crate::error::Error;
use crate::range::Window;
use crate::row::Batch;
use crate::vendor::{Counts, Path};

pub struct Reconcile {
    source: Arc<Source>,
    since: NaiveDate,
    batch: usize,
    /// Transactions in here must be stored; others belong to windows that are not covered.
    keep: Vec<Window>,
    list: Feed,
    queue: VecDeque<String>,
    /// Contacts that the list named, as hashes.
    listed: HashSet<u64>,
    suspects_asked: bool,
    in_flight: usize,
    pub counts: Counts,
    /// Contacts that the vendor no longer delivers.
    pub gone: Vec<String>,
}

impl Reconcile {
    pub fn new(source: Arc<Source>, since: NaiveDate, keep: Vec<Window>, batch: usize) -> Reconcile {
        Reconcile {
            source,
            since,
            batch,
            keep,
            list: Feed::new(Window::ALL),
            queue: VecDeque::new(),
            listed: HashSet::new(),
            suspects_asked: false,
            in_flight: 0,
            counts: Counts::default(),
            gone: Vec::new(),
        }
    }

    pub fn campaign_id(&self) -> &str {
        &self.source.campaign_id
    }

    fn next<S: Stored>(&mut self, stored: &mut S) -> Result<Option<Job>, S::Error> {
        if self.list.state == State::Ready {
            let (_, cursor) = self.list.ask();
            return Ok(Some(Job::ContactList { source: self.source.clone(), since: self.since, cursor }));
        }
        if self.queue.is_empty() && self.list.state == State::Ended && !self.suspects_asked {
            // The list is whole: whoever acted since and is not on it is probably gone, and is asked for by name.
            self.suspects_asked = true;
            let active = stored.active(&self.source.campaign_id, self.since)?;
            self.queue.extend(active.into_iter().filter(|id| !self.listed.contains(&hash(id))));
        }
        let ids: Vec<String> = self.queue.drain(..self.batch.min(self.queue.len())).collect();
        Ok((!ids.is_empty()).then(|| Job::Contacts {
            source: self.source.clone(),
            keep: self.keep.clone(),
            wanted: ids.into_iter().map(|id| (id, Vec::new())).collect(),
        }))
    }
}

impl Path for Reconcile {
    type Job = Job;
    type Outcome = Outcome;

    fn poll<S: Stored>(&mut self, stored: &mut S) -> Result<Option<Job>, S::Error> {
        let job = self.next(stored)?;
        self.in_flight += usize::from(job.is_some());
        Ok(job)
    }

    fn is_finished(&self) -> bool {
        self.in_flight == 0 && self.queue.is_empty() && self.list.state == State::Ended && self.suspects_asked
    }

    fn accept<S: Stored>(
        &mut self,
        _: &Job,
        outcome: Result<Outcome, Error>,
        stored: &mut S,
    ) -> Result<Result<Batch, Error>, S::Error> {
        self.in_flight -= 1;
        match outcome {
            Err(error) => Ok(Err(error)),
            Ok(Outcome::ContactList { entries, page }) => {
                self.counts.pages += 1;
                self.counts.fetched += entries.len() as u64;
                self.listed.extend(entries.iter().map(|(id, _)| hash(id)));
                let changed = stored.changed(&entries)?;
                self.counts.unchanged += (entries.len() - changed.len()) as u64;
                self.queue.extend(changed);
                Ok(self.list.turn(page).map(|()| Batch::default()))
            }
            Ok(Outcome::Contacts { batch, missing, .. }) => {
                self.gone.extend(missing);
                Ok(Ok(batch))
            }
            Ok(_) => Ok(Err(Error::answer("an answer does not belong to its request"))),
        }
    }
}

fn hash(id: &str) -> u64 {
    let mut hash = DefaultHasher::new();
    id.hash(&mut hash);
    hash.finish()
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
