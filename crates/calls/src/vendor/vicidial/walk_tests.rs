use std::collections::BTreeMap;
use std::convert::Infallible;

use chrono::{DateTime, NaiveDate, Utc};

use super::*;
use crate::row::Transaction;
use crate::vendor::dialfire::{Event, Known};
use crate::vendor::vicidial::{Alike, Table};
use crate::vendor::Walk as _;

const START: i64 = 1_763_200_000;

fn row(key: &str, second: i64) -> LogRow {
    let at = DateTime::from_timestamp(START + second, 0).expect("a time");
    LogRow {
        uniqueid: Some(key.to_owned()),
        lead_id: Some(key.to_owned()),
        campaign_id: Some("TEST".to_owned()),
        call_date: Some(at.format("%Y-%m-%d %H:%M:%S").to_string()),
        start_epoch: Some((START + second).to_string()),
        end_epoch: Some((START + second + 60).to_string()),
        length_in_sec: Some("60".to_owned()),
        status: Some("SALE".to_owned()),
        phone_number: Some("555".to_owned()),
        ..LogRow::default()
    }
}

/// The dialler's tables and our own, in memory.
#[derive(Default)]
struct World {
    live: Vec<LogRow>,
    archive: Vec<LogRow>,
    recordings: Vec<Recording>,
    stored: BTreeMap<String, (Transaction, crate::row::Connection, Option<String>)>,
    rejects: usize,
    statements: usize,
}

impl World {
    fn rows(&self, archive: bool, which: &Which, limit: usize) -> Vec<LogRow> {
        let rows = if archive { &self.archive } else { &self.live };
        let date = |row: &LogRow| row.call_date.as_deref().and_then(super::super::clock::shown);
        let mut found: Vec<LogRow> = rows
            .iter()
            .filter(|row| match which {
                Which::In(wall) => date(row).is_some_and(|at| wall.from <= at && at < wall.to),
                Which::At(second, after) => date(row) == Some(*second) && row.uniqueid.as_deref() > Some(after),
                Which::Undated(_, after) => date(row).is_none() && row.uniqueid.as_deref() > Some(after),
                Which::Keys(keys) => row.uniqueid.as_ref().is_some_and(|key| keys.contains(key)),
            })
            .cloned()
            .collect();
        if !matches!(which, Which::In(_)) {
            found.sort_by(|a, b| a.uniqueid.cmp(&b.uniqueid));
        }
        found.truncate(limit);
        found
    }

    fn answer(&self, job: &Job) -> Outcome {
        match job {
            Job::Lists => unreachable!("a walk asks for no lists"),
            Job::Rows { archive, which, limit, .. } => Outcome::Rows(self.rows(*archive, which, *limit)),
            Job::Present { archive, keys, .. } => {
                let rows = if *archive { &self.archive } else { &self.live };
                let known = rows.iter().filter_map(|row| row.uniqueid.clone());
                Outcome::Present(known.filter(|key| keys.contains(key)).collect())
            }
            Job::Recordings { keys } => {
                let of = |r: &&Recording| r.vicidial_id.as_ref().is_some_and(|key| keys.contains(key));
                Outcome::Recordings(self.recordings.iter().filter(of).cloned().collect())
            }
        }
    }

    /// Syncs two hours from the start, a page of ten rows at a time.
    fn sync(&mut self) -> Counts {
        let access = Access {
            schema: "v".into(),
            page_size: 10,
            zone: chrono_tz::UTC,
            api_key: None,
            raw: false,
            is_brief: false,
        };
        let source =
            Source { table: Table::Log, has_archive: true, has_recordings: true, outcomes: Default::default() };
        let at = |second| DateTime::from_timestamp(START + second, 0).expect("a time");
        let mut walk = Walk::new(access, source, Window { from: at(0), to: at(7200) });
        while let Some(job) = {
            let Ok(job) = walk.poll(self);
            job
        } {
            self.statements += 1;
            let outcome = self.answer(&job);
            let Ok(batch) = walk.accept(&job, Ok(outcome), self);
            self.store(batch.expect("no error"));
        }
        assert!(walk.is_finished());
        walk.counts().clone()
    }

    fn store(&mut self, batch: Batch) {
        for renamed in &batch.renamed {
            let (transaction, connection, _) = self.stored.remove(&renamed.from).expect("it was stored");
            self.stored.insert(renamed.to.clone(), (transaction, connection, Some(renamed.former.clone())));
        }
        for (transaction, connection) in batch.transactions.into_iter().zip(batch.connections) {
            let former = self.stored.get(&transaction.id).and_then(|(.., former)| former.clone());
            self.stored.insert(transaction.id.clone(), (transaction, connection, former));
        }
        self.rejects += batch.rejects.len();
    }

    fn ids(&self) -> Vec<&str> {
        self.stored.keys().map(String::as_str).collect()
    }
}

impl Stored for World {
    type Error = Infallible;

    fn known(&mut self, _: &[Event]) -> Result<Vec<Known>, Infallible> {
        Ok(Vec::new())
    }

    fn changed(&mut self, _: &[(String, String)]) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }

    fn active(&mut self, _: &str, _: NaiveDate) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }

    fn has_calls(&mut self, _: Window) -> Result<bool, Infallible> {
        Ok(!self.stored.is_empty())
    }

    fn alike(&mut self, calls: &[&Transaction]) -> Result<Vec<Vec<Alike>>, Infallible> {
        let same =
            |a: &Transaction, b: &Transaction| (&a.contact_id, a.fired, &a.phone) == (&b.contact_id, b.fired, &b.phone);
        let of = |call: &&Transaction| {
            let found = self.stored.iter().filter(|(_, (stored, ..))| same(stored, call));
            found
                .map(|(id, (transaction, connection, former))| Alike {
                    id: id.clone(),
                    former: former.clone(),
                    checksum: transaction.event_md5.clone(),
                    has_ended: connection.ended.is_some(),
                    status: connection.result.clone(),
                })
                .collect()
        };
        Ok(calls.iter().map(of).collect())
    }

    fn open_calls(&mut self, _: Table, window: Window) -> Result<Vec<String>, Infallible> {
        let before = |fired: Option<DateTime<Utc>>| fired.is_some_and(|fired| fired < window.from);
        let open = self.stored.values().filter(|(t, c, _)| c.ended.is_none() && before(t.fired));
        Ok(open.filter_map(|(_, c, _)| c.call_uuid.clone()).collect())
    }
}

#[test]
fn every_row_arrives_and_a_second_time_none_is_written() {
    let live = (0..300).map(|n| row(&format!("1.{n:04}"), n * 20)).collect();
    let mut world = World { live, ..World::default() };
    assert_eq!((world.sync().fetched, world.stored.len()), (300, 300));
    assert!(world.statements < 300, "{}", world.statements);
    let again = world.sync();
    assert_eq!((again.fetched, again.unchanged), (300, 300));
}

#[test]
fn a_second_with_more_calls_than_a_page_is_read_by_key() {
    let live = (0..95).map(|n| row(&format!("1.{n:04}"), 1000 + n / 90)).collect();
    let mut world = World { live, ..World::default() };
    assert_eq!((world.sync().fetched, world.stored.len()), (95, 95));
}

#[test]
fn live_and_archived_rows_are_the_same_calls() {
    let live: Vec<LogRow> = (0..40).map(|n| row(&format!("1.{n:04}"), n * 60)).collect();
    let archive = (20..60).map(|n| LogRow {
        end_epoch: None,
        status: Some("INCALL".into()),
        ..row(&format!("1.{n:04}"), n * 60)
    });
    let mut world = World { live, archive: archive.collect(), ..World::default() };
    assert_eq!((world.sync().fetched, world.stored.len()), (60, 60));
    assert!(world.stored["log:1.0030"].1.ended.is_some(), "the live row counts");
    // The archive run deletes; the copy of before is all that is left there.
    world.live.clear();
    let counts = world.sync();
    assert_eq!((counts.fetched, world.stored.len()), (40, 60));
    assert!(world.stored["log:1.0030"].1.ended.is_some(), "what was seen live is kept");
}

#[test]
fn a_rewritten_id_is_one_call() {
    let open = LogRow { end_epoch: None, status: Some("INCALL".into()), ..row("1.1", 100) };
    let mut world = World { live: vec![open.clone(), row("1.2", 101)], archive: vec![open], ..World::default() };
    world.sync();
    assert_eq!(world.ids(), ["log:1.1", "log:1.2"]);
    world.live[0] = LogRow { lead_id: Some("1.1".into()), ..row("1.9", 100) };
    world.recordings =
        vec![Recording { recording_id: Some("5".into()), vicidial_id: Some("1.1".into()), ..Recording::default() }];
    world.sync();
    assert_eq!(world.ids(), ["log:1.2", "log:1.9"]);
    assert_eq!(world.stored["log:1.9"].2.as_deref(), Some("1.1"));
    world.sync();
    assert_eq!(world.ids(), ["log:1.2", "log:1.9"], "the copy under the old id adds nothing");
    world.archive.append(&mut world.live);
    world.sync();
    assert_eq!(world.ids(), ["log:1.2", "log:1.9"]);
}

#[test]
fn rows_without_a_date_are_found() {
    let undated = (0..25).map(|n| LogRow { call_date: None, ..row(&format!("1.{n:04}"), n) });
    let mut world = World { live: undated.collect(), ..World::default() };
    world.live.push(LogRow { call_date: None, start_epoch: None, ..row("2.1", 0) });
    assert_eq!(world.sync().fetched, 26);
    assert_eq!((world.stored.len(), world.rejects), (25, 1));
}

#[test]
fn the_end_of_an_older_call_arrives_with_the_next_window() {
    let old = LogRow { end_epoch: None, status: Some("INCALL".into()), ..row("1.1", -600) };
    let mut world = World::default();
    let call = call(Table::Log, &old, chrono_tz::UTC, &Default::default()).expect("a call");
    let mut batch = Batch::default();
    batch.take(call);
    world.store(batch);
    world.live = vec![row("1.1", -600)];
    world.sync();
    assert!(world.stored["log:1.1"].1.ended.is_some());
}

#[test]
fn what_is_only_compared_is_read_without_recordings() {
    let mut world = World { live: (0..5).map(|n| row(&format!("1.{n}"), n)).collect(), ..World::default() };
    let access =
        Access { schema: "v".into(), page_size: 10, zone: chrono_tz::UTC, api_key: None, raw: false, is_brief: true };
    let source = Source { table: Table::Log, has_archive: true, has_recordings: true, outcomes: Default::default() };
    let at = |second| DateTime::from_timestamp(START + second, 0).expect("a time");
    let mut walk = Walk::new(access, source, Window { from: at(0), to: at(60) });
    let mut calls = 0;
    while let Some(job) = {
        let Ok(job) = walk.poll(&mut world);
        job
    } {
        assert!(!matches!(job, Job::Recordings { .. }));
        let outcome = world.answer(&job);
        let Ok(batch) = walk.accept(&job, Ok(outcome), &mut world);
        calls += batch.expect("no error").transactions.len();
    }
    assert_eq!((calls, walk.is_finished()), (5, true));
}

#[test]
fn a_wrong_zone_is_an_error_and_no_silence() {
    let mut world = World { live: (0..5).map(|n| row(&format!("1.{n}"), n)).collect(), ..World::default() };
    for row in &mut world.live {
        row.start_epoch = Some((START - 3600).to_string());
    }
    let access =
        Access { schema: "v".into(), page_size: 10, zone: chrono_tz::UTC, api_key: None, raw: false, is_brief: false };
    let source = Source { table: Table::Log, has_archive: false, has_recordings: false, outcomes: Default::default() };
    let at = |second| DateTime::from_timestamp(START + second, 0).expect("a time");
    let mut walk = Walk::new(access, source, Window { from: at(0), to: at(60) });
    let mut error = None;
    while let Some(job) = {
        let Ok(job) = walk.poll(&mut world);
        job
    } {
        let outcome = world.answer(&job);
        let Ok(batch) = walk.accept(&job, Ok(outcome), &mut world);
        error = batch.err();
        if error.is_some() {
            break;
        }
    }
    assert!(error.is_some_and(|error| error.to_string().contains("+1 h")));
}
