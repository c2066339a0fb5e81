//! Calls that are new: they go in by COPY and are added to the rollup, without a look at what is stored.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::mem::take;
use std::sync::mpsc::{sync_channel, SyncSender};

use calls::copy as encode;
use calls::main_leg::MainLegs;
use calls::rollup::{Rollup, Words};
use calls::row::{Batch, Connection, OfContact, Recording, Row, Tuple};
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use pgrx::spi;

use crate::days::Days;
use crate::pg::copy;
use crate::pg::memory::briefly;
use crate::pg::thread;
use crate::pg::transaction::attempt;
use crate::pg::values;
use crate::stats::{self, News};
use crate::store;

/// Whose rows are new or known together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The vendor delivers a contact whole, and the ids of its calls are made of what it says.
    Contact,
    /// Each call comes by itself, under the vendor's own id.
    Call,
}

impl By {
    fn of<R: OfContact>(self, row: &R) -> Option<&str> {
        match self {
            By::Contact => row.contact_id(),
            By::Call => row.call_id(),
        }
    }

    /// Which of the ids $2 nothing is stored of.
    fn unknown(self) -> &'static str {
        match self {
            By::Contact => {
                "SELECT array_agg(i.id) FROM unnest($2::text[]) AS i(id)
                 LEFT JOIN LATERAL (
                     SELECT true AS known FROM dialfire.contacts c WHERE c.tenant = $1 AND c.id = i.id LIMIT 1) c ON true
                 LEFT JOIN LATERAL (
                     SELECT true AS known FROM dialfire.transactions t
                     WHERE t.tenant = $1 AND t.contact_id = i.id LIMIT 1) t ON true
                 WHERE c.known IS NULL AND t.known IS NULL"
            }
            By::Call => {
                "SELECT array_agg(i.id) FROM unnest($2::text[]) AS i(id)
                 LEFT JOIN LATERAL (
                     SELECT true AS known FROM dialfire.transactions t WHERE t.tenant = $1 AND t.id = i.id LIMIT 1) t ON true
                 WHERE t.known IS NULL"
            }
        }
    }
}

/// Where nothing of a tenant was stored when a run began, what is stored is what the run has met.
#[derive(Default)]
pub struct Met {
    pub from_nothing: bool,
    /// Hashes of ids; where two are alike a row is compared in vain, and nothing else. Half of one is held: they may be millions.
    ids: HashSet<u32>,
    hasher: RandomState,
}

impl Met {
    fn has(&self, id: &str) -> bool {
        self.ids.contains(&(self.hasher.hash_one(id) as u32))
    }

    fn meet(&mut self, ids: &HashSet<&str>) {
        self.ids.extend(ids.iter().map(|id| self.hasher.hash_one(id) as u32));
    }
}

/// Appends the calls that are new, and inbound calls that are not stored, and takes them out of the batch; returns how many
/// they are. Where a row is stored after all, everything stays in the batch, to be compared.
pub fn newcomers(tenant: &str, by: By, batch: &mut Batch, news: &mut News) -> spi::Result<u64> {
    // A distributed Postgres writes its tables by statements only.
    if !copy::takes_utf8() || briefly(store::is_distributed)? {
        return Ok(0);
    }
    let new = briefly(|| part(tenant, by, batch, &mut news.met))?;
    let mut calls = append(tenant, new, batch, news)?;
    // New calls of contacts that are known; what was appended with its contact was not met by its own id.
    if by == By::Contact && !batch.transactions.is_empty() {
        let new = briefly(|| part(tenant, By::Call, batch, &mut Met::default()))?;
        calls += append(tenant, new, batch, news)?;
    }
    Ok(calls)
}

/// Back into the batch goes what is not new after all.
fn append(tenant: &str, mut new: Batch, batch: &mut Batch, news: &mut News) -> spi::Result<u64> {
    if new.is_empty() {
        return Ok(0);
    }
    let words = briefly(|| stats::words(tenant))?;
    let days = briefly(|| Days::of(&new, false))?;
    let done = attempt(|| {
        let (ready, tables) = sync_channel(0);
        thread::beside(
            || prepare(tenant, &new, &days, &words, ready),
            move || tables.iter().for_each(|table: Tuples| copy::append(table.name, table.columns, &table.data)),
        )
    });
    match done {
        Ok(prepared) => {
            news.added.shift(Rollup::default(), prepared.counted);
            // Their memory is wanted again for the next.
            recycle(new.contacts, &mut batch.contacts);
            recycle(new.transactions, &mut batch.transactions);
            recycle(new.connections, &mut batch.connections);
            recycle(new.recordings, &mut batch.recordings);
            recycle(new.inbound_calls, &mut batch.inbound_calls);
            Ok(prepared.calls)
        }
        Err(error) if is_duplicate(&error) => {
            // A key of another contact's, or somebody was faster.
            batch.contacts.append(&mut new.contacts);
            batch.transactions.append(&mut new.transactions);
            batch.connections.append(&mut new.connections);
            batch.recordings.append(&mut new.recordings);
            batch.inbound_calls.append(&mut new.inbound_calls);
            Ok(0)
        }
        Err(error) => error.rethrow(),
    }
}

fn recycle<R>(mut rows: Vec<R>, emptied: &mut Vec<R>) {
    if emptied.is_empty() {
        rows.clear();
        *emptied = rows;
    }
}

/// Takes what is new out of a batch.
fn part(tenant: &str, by: By, batch: &mut Batch, met: &mut Met) -> spi::Result<Batch> {
    fn ids<R: OfContact>(rows: &[R], by: By) -> impl Iterator<Item = &str> {
        // The rows of a contact come one after the other.
        let mut last = None;
        rows.iter().filter_map(move |row| by.of(row).filter(|id| last.replace(*id) != Some(*id)))
    }
    let all = ids(&batch.contacts, by)
        .chain(ids(&batch.transactions, by))
        .chain(ids(&batch.connections, by))
        .chain(ids(&batch.recordings, by));
    let mut new = unknown(tenant, all.collect(), met, by.unknown())?;
    // Stored under their old ids.
    for renamed in &batch.renamed {
        new.remove(&renamed.to);
    }
    let inbound_calls = unknown(
        tenant,
        batch.inbound_calls.iter().map(Row::id).collect(),
        met,
        "SELECT array_agg(i.id) FROM unnest($2::text[]) AS i(id)
         LEFT JOIN LATERAL (
             SELECT true AS known FROM dialfire.inbound_calls c WHERE c.tenant = $1 AND c.id = i.id LIMIT 1) c ON true
         WHERE c.known IS NULL",
    )?;
    Ok(Batch {
        contacts: split(&mut batch.contacts, |row| by.of(row), &new),
        transactions: split(&mut batch.transactions, |row| by.of(row), &new),
        connections: split(&mut batch.connections, |row| by.of(row), &new),
        recordings: split(&mut batch.recordings, |row| by.of(row), &new),
        inbound_calls: split(&mut batch.inbound_calls, |call| Some(call.id()), &inbound_calls),
        ..Batch::default()
    })
}

fn unknown(tenant: &str, ids: HashSet<&str>, met: &mut Met, sql: &str) -> spi::Result<HashSet<String>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    if met.from_nothing {
        let unknown = ids.iter().filter(|id| !met.has(id)).map(|id| id.to_string()).collect();
        met.meet(&ids);
        return Ok(unknown);
    }
    let args = [tenant.into(), ids.into_iter().collect::<Vec<_>>().into()];
    let unknown = values::one::<Vec<Option<String>>>(sql, &args)?;
    Ok(unknown.unwrap_or_default().into_iter().flatten().collect())
}

/// Takes the rows out whose `key` is one of `wanted`.
fn split<R>(rows: &mut Vec<R>, key: impl Fn(&R) -> Option<&str>, wanted: &HashSet<String>) -> Vec<R> {
    let belongs = |row: &R| key(row).is_some_and(|key| wanted.contains(key));
    // The rows of a contact come one after the other.
    if rows.chunk_by(|a, b| key(a) == key(b)).all(|of_one| belongs(&of_one[0])) {
        return take(rows);
    }
    let (taken, left) = take(rows).into_iter().partition(belongs);
    *rows = left;
    taken
}

/// Rows of a table as COPY takes them.
struct Tuples {
    name: &'static str,
    columns: Vec<&'static str>,
    data: Vec<u8>,
}

struct Prepared {
    calls: u64,
    counted: Rollup,
}

/// Makes tuples of a batch, a table at a time, and counts its calls while they are being written.
fn prepare(tenant: &str, new: &Batch, days: &Days, words: &Words, ready: SyncSender<Tuples>) -> Prepared {
    let hand = |tuples: Option<Tuples>| {
        if let Some(tuples) = tuples {
            // Who no longer takes them has failed, and says so.
            let _ = ready.send(tuples);
        }
    };
    hand(tuples(tenant, &in_order(&new.contacts), &[], |_, _| {}));
    let transactions = in_order(&new.transactions);
    hand(tuples(tenant, &transactions, &[], |_, _| {}));
    let (connections, recordings) = (in_order(&new.connections), in_order(&new.recordings));
    let main = MainLegs::of(&connections, &recordings);
    let are_filed = days.filing::<Connection>().is_some();
    let of_leg: &[_] = if are_filed { &["day", "is_main", "recording_id", "recording_location"] } else { &[] };
    hand(tuples(tenant, &connections, of_leg, |leg: &Connection, out| {
        if are_filed {
            let recording = main.recording_of(leg);
            encode::day(days.of_call(leg.transaction_id.as_deref()), out);
            encode::boolean(&main.has(leg), out);
            encode::text_or_null(recording.map(|recording| recording.id.as_str()), out);
            encode::text_or_null(recording.and_then(|recording| recording.location.as_deref()), out);
        }
    }));
    let of_recording: &[_] = if are_filed { &["day"] } else { &[] };
    hand(tuples(tenant, &recordings, of_recording, |recording: &Recording, out| {
        if are_filed {
            encode::day(days.of_call(recording.transaction_id.as_deref()), out);
        }
    }));
    let inbound = in_order(&new.inbound_calls);
    hand(tuples(tenant, &inbound, &[], |_, _| {}));
    drop(ready);
    let mut counted = Rollup::default();
    counted.add(&transactions, &connections, &recordings, words);
    counted.add_inbound(&inbound);
    Prepared { calls: (transactions.len() + inbound.len()) as u64, counted }
}

/// One row an id, the last that came, in the order of ids, in which everybody locks.
fn in_order<R: Row>(rows: &[R]) -> Vec<&R> {
    let mut order: Vec<&R> = rows.iter().collect();
    order.sort_by(|a, b| b.id().cmp(a.id()));
    order.reverse();
    order.dedup_by(|a, b| a.id() == b.id());
    order
}

/// With columns `more`, which `append` writes of each.
fn tuples<R: Tuple>(
    tenant: &str,
    rows: &[&R],
    more: &[&'static str],
    append: impl Fn(&R, &mut Vec<u8>),
) -> Option<Tuples> {
    if rows.is_empty() {
        return None;
    }
    let columns = std::iter::once("tenant").chain(R::COLUMNS.iter().map(|column| column.name));
    let columns = columns.chain(more.iter().copied()).collect();
    Some(Tuples { name: R::TABLE, columns, data: encode::encode(tenant, rows.iter().copied(), more.len(), append) })
}

fn is_duplicate(error: &CaughtError) -> bool {
    match error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
            report.sql_error_code() == PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION
        }
        _ => false,
    }
}
