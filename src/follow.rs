//! Following a vendor beyond its windows: what has changed since the last time, and calls that do not end.

use calls::client::Attempt;
use calls::error::Error;
use calls::row::Batch;
use calls::vendor::{Found, Vendor, Walk};
use chrono::{DateTime, TimeDelta, Utc};
use pgrx::prelude::*;
use pgrx::spi;

use crate::error::Failure;
use crate::fetch::{Fetch, Round};
use crate::ledger::Run;
use crate::store::instant;
use crate::sync::Sync;
use crate::voice;

/// Calls asked for one by one in a run.
const ASKED: i64 = 50;
/// Between two questions about the same call.
const AGAIN: TimeDelta = TimeDelta::minutes(10);

/// Before the first window is read: what changes from now on will have to be followed.
pub fn begin<V: Vendor>(sync: &Sync, access: &V::Access, source: &V::Source, run: &Run) -> Result<(), Failure> {
    if sync.dry || V::changes(access, source.clone(), sync.now).is_none() {
        return Ok(());
    }
    let clock = run.date.map_or(sync.now, |date| date.min(sync.now)) - sync.tenant.settle;
    Ok(Spi::run_with_args(
        "INSERT INTO dialfire.marks (tenant, source, mark) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[sync.tenant.name.as_str().into(), V::id(source).into(), instant(clock).into()],
    )?)
}

/// One transaction's work, after the windows.
pub fn follow<V: Vendor>(
    sync: &Sync,
    fetch: &mut Fetch<V>,
    sources: &[V::Source],
    run: &mut Run,
) -> Result<(), Failure> {
    let before = run.calls;
    read(sync, fetch, sources, run)?;
    sync.publish(run, before)
}

/// Stores what changed: nothing for vendors that cannot be asked so.
pub fn read<V: Vendor>(sync: &Sync, fetch: &mut Fetch<V>, sources: &[V::Source], run: &mut Run) -> Result<(), Failure> {
    for source in sources {
        changes(sync, fetch, source, run)?;
    }
    stuck(sync, fetch, run)
}

/// Walks through what changed since the mark. The mark moves only after the whole walk, and never beyond the vendor's clock
/// at its beginning: what changes while pages are read may have been on one that was read already.
fn changes<V: Vendor>(sync: &Sync, fetch: &mut Fetch<V>, source: &V::Source, run: &mut Run) -> Result<(), Failure> {
    let (tenant, id) = (&sync.tenant.name, V::id(source));
    let Some(since) = mark(tenant, id)? else { return Ok(()) };
    let Some(walk) = V::changes(&fetch.access, source.clone(), since) else { return Ok(()) };
    let mut round = Round::new(vec![walk]);
    sync.drain(fetch, &mut round, run)?;
    let clock = run.date.or(round.date).map_or(sync.now, |date| date.min(sync.now)) - sync.tenant.settle;
    for (walk, error) in round.ended() {
        run.fetched += walk.counts().fetched;
        run.pages += walk.counts().pages;
        match error {
            Some(error) => run.failures.push((id.to_owned(), error)),
            None if !sync.dry => set_mark(tenant, id, walk.newest_change().map_or(since, |newest| newest.min(clock)))?,
            None => {}
        }
    }
    Ok(())
}

fn mark(tenant: &str, source: &str) -> spi::Result<Option<DateTime<Utc>>> {
    let micros = Spi::connect(|client| {
        let rows = client.select(
            "SELECT (EXTRACT(epoch FROM mark) * 1000000)::bigint FROM dialfire.marks WHERE tenant = $1 AND source = $2",
            Some(1),
            &[tenant.into(), source.into()],
        )?;
        rows.into_iter().next().map(|row| row.get::<i64>(1)).transpose()
    })?;
    Ok(micros.flatten().and_then(DateTime::from_timestamp_micros))
}

fn set_mark(tenant: &str, source: &str, mark: DateTime<Utc>) -> spi::Result<()> {
    Spi::run_with_args(
        "UPDATE dialfire.marks SET mark = $3, followed_at = now(), changed_at = now() WHERE tenant = $1 AND source = $2 AND mark < $3",
        &[tenant.into(), source.into(), instant(mark).into()],
    )
}

/// Asks the vendor about calls that should have ended: either it says how they did, or why they did not.
fn stuck<V: Vendor>(sync: &Sync, fetch: &mut Fetch<V>, run: &mut Run) -> Result<(), Failure> {
    if sync.dry || V::find("").is_none() {
        return Ok(());
    }
    for id in unfinished(sync)? {
        let Some(job) = V::find(&id) else { continue };
        let reply = fetch.ask(job);
        run.log(&reply.attempts)?;
        let result = match reply.outcome {
            Ok(outcome) => match V::found(outcome) {
                Found::Call(batch) => found(sync, *batch, run)?,
                Found::Gone | Found::Foreign => Some("the vendor has no such call: it was never made there, was deleted, or is older than it keeps calls".to_owned()),
            },
            Err(error) => {
                let why = refused(&reply.attempts, &error);
                note(&sync.tenant.name, &id, Some(why))?;
                // Whoever does not answer one question will not answer fifty.
                break;
            }
        };
        note(&sync.tenant.name, &id, result)?;
    }
    Ok(())
}

/// Stores what the vendor shows of a call; says how it stands there.
fn found(sync: &Sync, mut batch: Batch, run: &mut Run) -> Result<Option<String>, Failure> {
    let status = batch.voice_calls.first().and_then(|call| call.status().map(str::to_owned));
    sync.flush(&mut batch, run)?;
    Ok(status.filter(|status| status != "ended").map(|status| format!("the vendor says {status} too")))
}

fn refused(attempts: &[Attempt], error: &Error) -> String {
    match attempts.last().and_then(|attempt| attempt.status) {
        Some(status) => format!("the vendor could not be asked, it answered {status}"),
        None => format!("the vendor could not be asked: {error}"),
    }
}

fn unfinished(sync: &Sync) -> spi::Result<Vec<String>> {
    let sql = voice::with_gone_at(
        "SELECT array_agg(id) FROM (
            SELECT id FROM dialfire.voice_calls
            WHERE tenant = $1 AND (vendor_status IS NULL OR vendor_status NOT IN ('ended', 'deletion-failed'))
              AND {gone_at} IS NULL AND created_at < $2 AND COALESCE(asked_at < $3, true) AND id NOT LIKE 'tracking:%'
              AND (vendor_status IS NOT NULL OR EXISTS (
                    SELECT FROM dialfire.call_statuses m WHERE m.vendor = 'vapi' AND m.tenant = ''
                       AND m.word = lower(tracked_outcome) AND m.status = 'queued') OR asked_at IS NULL)
            ORDER BY asked_at NULLS FIRST, created_at DESC LIMIT $4) q",
    )?;
    let ids = Spi::get_one_with_args::<Vec<Option<String>>>(
        &sql,
        &[
            sync.tenant.name.as_str().into(),
            instant(sync.now - sync.tenant.stuck_after).into(),
            instant(sync.now - AGAIN).into(),
            ASKED.into(),
        ],
    )?;
    Ok(ids.unwrap_or_default().into_iter().flatten().collect())
}

fn note(tenant: &str, id: &str, result: Option<String>) -> spi::Result<()> {
    Spi::run_with_args(
        "UPDATE dialfire.voice_calls SET asked_at = now(), asked_result = $3 WHERE tenant = $1 AND id = $2",
        &[tenant.into(), id.into(), result.into()],
    )
}
