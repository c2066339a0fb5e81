//! The way through the list of calls: newest first, with no cursor, so that each page begins where the last one ended.
//!
//! Calls of one millisecond may lie on both sides of an edge between pages. So a page is asked for from the oldest
//! instant on, that instant included, and what was seen of it is left out.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::request::{Job, Listed, Outcome, Source};
use crate::error::Error;
use crate::range::Window;
use crate::row::Batch;
use crate::vendor::{self, Counts, Path, Stored};

/// The vendor's most for `limit`.
pub const MOST: usize = 1_000;
/// A list that is longer than this does not end.
const PAGE_LIMIT: u64 = 100_000;
/// A window shorter than this is not worth reading from several places at once.
const SLICE: TimeDelta = TimeDelta::hours(6);

/// Which calls a walk is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Those created in a window.
    Created(Window),
    /// Those that changed at or after an instant, whenever they were created.
    Changed(DateTime<Utc>),
}

pub struct Walk {
    source: Arc<Source>,
    span: Span,
    feeds: Vec<Feed>,
    in_flight: usize,
    /// The newest change among all calls of the walk: where the next one may begin, once this one is whole.
    pub newest_change: Option<DateTime<Utc>>,
    pub counts: Counts,
}

impl Walk {
    /// `places` is how many pages may be asked for at once, `limit` how many calls a page has.
    pub fn new(source: Arc<Source>, span: Span, places: usize, limit: usize) -> Walk {
        let feeds = match span {
            Span::Created(window) => slices(window, places).into_iter().map(Span::Created).collect(),
            Span::Changed(_) => vec![span],
        };
        let feeds = feeds.into_iter().map(|span| Feed::new(span, limit.clamp(1, MOST))).collect();
        Walk { source, span, feeds, in_flight: 0, newest_change: None, counts: Counts::default() }
    }

    fn take(&mut self, job: &Job, outcome: Outcome) -> Result<Batch, Error> {
        let (Job::Calls { feed, .. }, Outcome::Calls { mut batch, listed, received, limit }) = (job, outcome) else {
            return Err(Error::answer("an answer does not belong to its request"));
        };
        self.counts.pages += 1;
        let fresh = self.feeds[*feed].turn(&listed, received, limit)?;
        // What has no place in the list has no other page either.
        let named: HashSet<&str> = listed.iter().map(|call| call.id.as_str()).collect();
        let is_new = |id: Option<&str>| id.is_none_or(|id| fresh.contains(id) || !named.contains(id));
        batch.voice_calls.retain(|call| is_new(Some(&call.id)));
        batch.briefs.retain(|call| is_new(Some(&call.id)));
        batch.rejects.retain(|call| is_new(call.key.as_deref()));
        batch.records.retain(|call| is_new(call.key.as_deref()));
        self.counts.fetched += (batch.voice_calls.len() + batch.briefs.len() + batch.rejects.len()) as u64;
        let changes = listed.iter().filter_map(|call| call.updated_at);
        self.newest_change = self.newest_change.into_iter().chain(changes).max();
        Ok(batch)
    }
}

impl Path for Walk {
    type Job = Job;
    type Outcome = Outcome;

    fn poll<S: Stored>(&mut self, _: &mut S) -> Result<Option<Job>, S::Error> {
        let ready = self.feeds.iter_mut().enumerate().find(|(_, feed)| feed.state == State::Ready);
        let Some((at, feed)) = ready else { return Ok(None) };
        feed.state = State::Asked;
        self.in_flight += 1;
        let (span, up_to, limit) = (feed.span, feed.oldest, feed.limit);
        Ok(Some(Job::Calls { feed: at, span, up_to, limit }))
    }

    fn accept<S: Stored>(
        &mut self,
        job: &Job,
        outcome: Result<Outcome, Error>,
        _: &mut S,
    ) -> Result<Result<Batch, Error>, S::Error> {
        self.in_flight -= 1;
        Ok(outcome.and_then(|outcome| self.take(job, outcome)))
    }

    fn is_finished(&self) -> bool {
        self.in_flight == 0 && self.feeds.iter().all(|feed| feed.state == State::Ended)
    }
}

impl vendor::Walk for Walk {
    fn source_id(&self) -> &str {
        &self.source.id
    }

    fn window(&self) -> Window {
        match self.span {
            Span::Created(window) => window,
            // What changed is no proof of what was created.
            Span::Changed(_) => Window { from: DateTime::UNIX_EPOCH, to: DateTime::UNIX_EPOCH },
        }
    }

    fn counts(&self) -> &Counts {
        &self.counts
    }

    fn newest_change(&self) -> Option<DateTime<Utc>> {
        self.newest_change
    }
}

fn slices(window: Window, places: usize) -> Vec<Window> {
    let length = window.to - window.from;
    let count = (length.num_seconds() / SLICE.num_seconds()).clamp(1, places.max(1) as i64) as i32;
    let cut = |i: i32| match i {
        _ if i == count => window.to,
        _ => window.from + TimeDelta::milliseconds(length.num_milliseconds() / i64::from(count) * i64::from(i)),
    };
    (0..count).map(|i| Window { from: cut(i), to: cut(i + 1) }).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Asked,
    Ended,
}

/// One list, followed to its end.
struct Feed {
    span: Span,
    state: State,
    limit: usize,
    pages: u64,
    /// Creation of the oldest call so far, and the ids of that instant.
    oldest: Option<DateTime<Utc>>,
    ties: HashSet<String>,
}

impl Feed {
    fn new(span: Span, limit: usize) -> Feed {
        Feed { span, state: State::Ready, limit, pages: 0, oldest: None, ties: HashSet::new() }
    }

    /// Takes a page; returns the ids that are this feed's and were not on a page before.
    fn turn<'a>(&mut self, listed: &'a [Listed], received: usize, limit: usize) -> Result<HashSet<&'a str>, Error> {
        self.pages += 1;
        if self.pages > PAGE_LIMIT {
            return Err(Error::answer(format!("the list did not end after {PAGE_LIMIT} pages")));
        }
        let mut fresh = HashSet::new();
        let mut seen = 0;
        for call in listed {
            match self.oldest {
                Some(oldest) if call.created_at > oldest => {
                    let what = "the list is not in descending order of createdAt: a page would be passed over";
                    return Err(Error::answer(what));
                }
                Some(oldest) if call.created_at == oldest && self.ties.contains(&call.id) => {
                    seen += 1;
                    continue;
                }
                Some(oldest) if call.created_at == oldest => {}
                _ => {
                    self.oldest = Some(call.created_at);
                    self.ties.clear();
                }
            }
            self.ties.insert(call.id.clone());
            let is_ours = match self.span {
                Span::Created(window) => window.contains(call.created_at),
                Span::Changed(_) => true,
            };
            if is_ours {
                fresh.insert(call.id.as_str());
            }
        }
        // A short page is no proof of the end; one that brings nothing new is.
        self.state = State::Ready;
        if listed.len() > seen {
            return Ok(fresh);
        }
        if received < limit.max(1) {
            self.state = State::Ended;
        } else if limit < MOST {
            self.limit = MOST;
        } else {
            return Err(Error::answer(format!(
                "a page of {received} calls brings none that is new: the list cannot go on"
            )));
        }
        Ok(fresh)
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
