//! The way through a window of one table: slice by slice, live rows and archived ones, then what belongs to their calls.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::call::call;
use super::clock::{wall, Drift};
use super::copies::without_copies;
use super::job::{is_plain, Access, Job, Outcome, Source, Which};
use super::merge::{merge, Incoming, Merged};
use super::record::{LogRow, Recording};
use super::recording::recording;
use super::slice::Slices;
use crate::error::Error;
use crate::range::Window;
use crate::row::{Batch, Record};
use crate::vendor::{self, Counts, Path, Stored};

/// Keys a statement: from a thousand values on MariaDB makes a table of the list first.
const KEYS: usize = 900;

/// What is read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    /// Calls of the day before the window that have not ended: a minute later they may have.
    Open,
    /// Rows without a `call_date`.
    Undated,
    /// What the slice at hand holds.
    Slice,
    Finished,
}

/// What of it comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Live,
    Archived,
    Merge,
    StandsLive,
    StandsArchived,
    Settle,
    Recordings,
}

pub struct Walk {
    access: Access,
    source: Source,
    window: Window,
    slices: Slices,
    load: Load,
    stage: Stage,
    next: Option<Job>,
    begun: bool,
    /// The last key of a full page.
    after: Option<String>,
    /// Whether anything of this time is stored, and worth to be compared.
    has_calls: Option<bool>,
    live: Vec<LogRow>,
    archived: Vec<LogRow>,
    merged: Merged,
    stands: [HashSet<String>; 2],
    /// Keys whose recordings have not been asked for.
    keys: Vec<String>,
    recordings: Vec<Recording>,
    ready: Batch,
    counts: Counts,
    drift: Drift,
}

impl Walk {
    pub fn new(access: Access, source: Source, window: Window) -> Walk {
        Walk {
            slices: Slices::new(wall(window, access.zone), access.page_size),
            load: Load::Open,
            stage: Stage::Live,
            access,
            source,
            window,
            next: None,
            begun: false,
            after: None,
            has_calls: None,
            live: Vec::new(),
            archived: Vec::new(),
            merged: Merged::default(),
            stands: Default::default(),
            keys: Vec::new(),
            recordings: Vec::new(),
            ready: Batch::default(),
            counts: Counts::default(),
            drift: Drift::default(),
        }
    }

    /// Goes on until there is something to ask, or nothing any more.
    fn advance<S: Stored>(&mut self, stored: &mut S) -> Result<(), S::Error> {
        while self.next.is_none() && self.load != Load::Finished {
            self.step(stored)?;
        }
        Ok(())
    }

    fn step<S: Stored>(&mut self, stored: &mut S) -> Result<(), S::Error> {
        match self.stage {
            Stage::Live => self.next = self.rows(stored)?,
            Stage::Archived if self.source.has_archive && self.load != Load::Open => self.next = self.rows(stored)?,
            Stage::Archived => self.stage = Stage::Merge,
            Stage::Merge => self.merge(stored)?,
            Stage::StandsLive => {
                self.ask_suspects(false);
                self.stage = Stage::StandsArchived;
            }
            Stage::StandsArchived => {
                self.ask_suspects(true);
                self.stage = Stage::Settle;
            }
            Stage::Settle => {
                self.settle();
                self.stage = Stage::Recordings;
            }
            Stage::Recordings => self.ask_recordings(),
        }
        Ok(())
    }

    /// The statement for the rows of the load; where there is none, the next load begins.
    fn rows<S: Stored>(&mut self, stored: &mut S) -> Result<Option<Job>, S::Error> {
        let archive = self.stage == Stage::Archived;
        let after = || self.after.clone().unwrap_or_default();
        let which = match self.load {
            Load::Open => {
                let open =
                    if self.access.raw { Vec::new() } else { stored.open_calls(self.source.table, self.window)? };
                let keys: Vec<String> = open.into_iter().filter(|key| is_plain(key)).collect();
                (!keys.is_empty()).then_some(Which::Keys(keys))
            }
            Load::Undated => Some(Which::Undated(self.window, after())),
            Load::Slice => self.slices.slice().map(|slice| match self.after {
                Some(_) => Which::At(slice.from, after()),
                None => Which::In(slice),
            }),
            Load::Finished => None,
        };
        let Some(which) = which else {
            self.begin_next();
            return Ok(None);
        };
        let limit = match &which {
            Which::Keys(keys) => keys.len(),
            _ => self.slices.limit(),
        };
        Ok(Some(Job::Rows { table: self.source.table, archive, which, limit }))
    }

    fn begin_next(&mut self) {
        self.stage = Stage::Live;
        self.load = match self.load {
            Load::Open => Load::Undated,
            Load::Undated => Load::Slice,
            Load::Slice if self.slices.slice().is_some() => Load::Slice,
            _ => Load::Finished,
        };
    }

    /// Takes a page, and says by `stage` and `after` which is the next one.
    fn take(&mut self, which: &Which, rows: Vec<LogRow>) {
        self.counts.pages += 1;
        let is_full = !matches!(which, Which::Keys(_)) && rows.len() >= self.slices.limit();
        if is_full && matches!(which, Which::In(_)) {
            if self.slices.is_smallest() {
                // One second holds more than a page: again from its beginning, in the order of keys.
                self.after = Some(String::new());
            } else {
                self.slices.is_whole(rows.len());
                self.live.clear();
                self.archived.clear();
                self.stage = Stage::Live;
            }
            return;
        }
        let last = rows.last().and_then(|row| row.key(self.source.table)).map(str::to_owned);
        self.after = if is_full { last } else { None };
        let is_live = self.stage == Stage::Live;
        if is_live { &mut self.live } else { &mut self.archived }.extend(rows);
        if self.after.is_none() {
            self.stage = if is_live { Stage::Archived } else { Stage::Merge };
        }
    }

    /// All rows of the load are here: normalises them and compares them with what is stored.
    fn merge<S: Stored>(&mut self, stored: &mut S) -> Result<(), S::Error> {
        let table = self.source.table;
        let live = std::mem::take(&mut self.live);
        let archived = without_copies(table, &live, std::mem::take(&mut self.archived));
        let first_archived = live.len();
        let rows: Vec<LogRow> = live.into_iter().chain(archived).collect();
        self.counts.fetched += rows.len() as u64;
        if self.load == Load::Slice {
            self.slices.done(rows.len());
        }
        self.stage = Stage::StandsLive;
        if self.access.raw {
            self.keep_raw(&rows);
            return Ok(());
        }
        let mut incoming = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            self.drift.see(row.call_date.as_deref(), row.start_epoch.as_deref(), self.access.zone);
            match call(table, row, self.access.zone, &self.source.outcomes) {
                Ok(call) => {
                    let key = row.key(table).unwrap_or_default().to_owned();
                    incoming.push(Incoming { key, call, is_archived: at >= first_archived });
                }
                Err(reject) => self.ready.rejects.push(*reject),
            }
        }
        let alike = match self.compares(stored)? && !incoming.is_empty() {
            true => stored.alike(&incoming.iter().map(|found| &found.call.transaction).collect::<Vec<_>>())?,
            false => Vec::new(),
        };
        self.merged = merge(table, incoming, alike);
        self.counts.unchanged += self.merged.unchanged;
        Ok(())
    }

    fn compares<S: Stored>(&mut self, stored: &mut S) -> Result<bool, S::Error> {
        if self.load == Load::Open {
            return Ok(true);
        }
        if self.has_calls.is_none() {
            self.has_calls = Some(stored.has_calls(self.window)?);
        }
        Ok(self.has_calls == Some(true))
    }

    fn keep_raw(&mut self, rows: &[LogRow]) {
        let table = self.source.table;
        for row in rows {
            let key = row.key(table).map(|key| table.id(key));
            self.record("call", key, row.to_json());
        }
        self.keys = rows.iter().filter_map(|row| row.key(table)).map(str::to_owned).collect();
        self.stage = Stage::Recordings;
    }

    fn record(&mut self, kind: &'static str, key: Option<String>, row: Value) {
        let campaign_id = self.source.table.name().to_owned();
        self.ready.records.push(Record { campaign_id, kind, key, payload: row.to_string() });
    }

    /// Asks which suspects stand at the dialler under their old key.
    fn ask_suspects(&mut self, archive: bool) {
        let suspects = self.merged.suspects.iter().filter(|suspect| !archive || suspect.is_archived);
        let keys: Vec<String> = suspects.map(|suspect| suspect.old_key.clone()).filter(|key| is_plain(key)).collect();
        if !keys.is_empty() && (!archive || self.source.has_archive) {
            self.next = Some(Job::Present { table: self.source.table, archive, keys });
        }
    }

    fn settle(&mut self) {
        let [live, archived] = std::mem::take(&mut self.stands);
        self.ready.renamed.extend(self.merged.renamed(self.source.table, &live, &archived));
        self.keys = self.merged.owners.keys().filter(|key| is_plain(key)).cloned().collect();
        self.keys.sort_unstable();
    }

    fn ask_recordings(&mut self) {
        if self.source.has_recordings && !self.access.is_brief && !self.keys.is_empty() {
            let rest = self.keys.len().saturating_sub(self.access.page_size.min(KEYS));
            let keys = self.keys.split_off(rest);
            self.next = Some(Job::Recordings { keys });
            return;
        }
        self.keys.clear();
        let merged = std::mem::take(&mut self.merged);
        for raw in std::mem::take(&mut self.recordings) {
            if self.access.raw {
                let key = raw.recording_id.as_ref().map(|id| format!("rec:{id}"));
                self.record("recording", key, raw.to_json());
            } else if let Some(owner) = raw.vicidial_id.as_ref().and_then(|key| merged.owners.get(key)) {
                self.ready.recordings.extend(recording(&raw, &owner.call_id, &owner.contact_id, self.access.zone));
            }
        }
        let mut agents = HashMap::new();
        for mut call in merged.calls {
            if let Some(agent) = call.agent.take() {
                agents.insert(agent.id.clone(), agent);
            }
            self.ready.take(call);
        }
        self.ready.agents.extend(agents.into_values());
        self.begin_next();
    }
}

impl Path for Walk {
    type Job = Job;
    type Outcome = Outcome;

    fn poll<S: Stored>(&mut self, stored: &mut S) -> Result<Option<Job>, S::Error> {
        if !self.begun {
            self.begun = true;
            self.advance(stored)?;
        }
        Ok(self.next.take())
    }

    fn accept<S: Stored>(
        &mut self,
        job: &Job,
        outcome: Result<Outcome, Error>,
        stored: &mut S,
    ) -> Result<Result<Batch, Error>, S::Error> {
        match (job, outcome) {
            (_, Err(error)) => return Ok(Err(error)),
            (Job::Rows { which, .. }, Ok(Outcome::Rows(rows))) => self.take(which, rows),
            (Job::Present { archive, .. }, Ok(Outcome::Present(keys))) => {
                self.stands[usize::from(*archive)].extend(keys)
            }
            (Job::Recordings { .. }, Ok(Outcome::Recordings(rows))) => self.recordings.extend(rows),
            _ => return Ok(Err(Error::answer("an answer does not belong to its request"))),
        }
        self.advance(stored)?;
        if let Some(what) = self.drift.verdict(self.access.zone) {
            let hint =
                "ALTER SERVER … OPTIONS (SET timezone '…') to the zone of the dialler's own clock; df_check shows it";
            return Ok(Err(Error::Dialler { what, hint }));
        }
        Ok(Ok(std::mem::take(&mut self.ready)))
    }

    fn is_finished(&self) -> bool {
        self.load == Load::Finished
    }
}

impl vendor::Walk for Walk {
    fn source_id(&self) -> &str {
        self.source.table.name()
    }

    fn window(&self) -> Window {
        self.window
    }

    fn counts(&self) -> &Counts {
        &self.counts
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
