//! `df_repair`: mends exactly what a diagnosis finds.

use std::collections::BTreeMap;

use calls::range::{self, Window};
use calls::vendor::Found;
use chrono::{DateTime, TimeDelta, Utc};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::diagnosis::{Diagnosis, Finding, Status};
use crate::error::Failure;
use crate::fetch::{Fetch, Fetched};
use crate::ledger::{Run, Verdict};
use crate::pg::memory::briefly;
use crate::pg::role::{self, AsOwner};
use crate::sync::{counted, verdict, Piece, Sync};
use crate::tenant::Tenant;
use crate::voice;

/// Calls nearer to each other than this are fetched together.
const NEAR: TimeDelta = TimeDelta::minutes(10);

#[pg_extern]
fn df_repair(
    tenant: &str,
    range: &str,
) -> Result<
    TableIterator<
        'static,
        (
            name!(run_id, Option<i64>),
            name!(status, &'static str),
            name!(found, i64),
            name!(inserted, i64),
            name!(updated, i64),
            name!(marked_gone, i64),
            name!(left_over, i64),
            name!(message, String),
        ),
    >,
    ErrorReport,
> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let window = range::parse(range, tenant.zone, Utc::now()).map_err(Failure::from)?;
    let mut run = Run::begin(&tenant, "repair", false).map_err(Failure::from)?;
    let done = with_vendor!(&tenant.access, V, access => repair::<V>(&tenant, access, window, &mut run))?;
    run.write(&done.verdict).map_err(Failure::from)?;
    let (inserted, updated) = (run.calls.inserted as i64, run.calls.updated as i64);
    let message = done.verdict.message;
    Ok(TableIterator::once((run.id, done.verdict.status, done.found, inserted, updated, done.gone, done.left, message)))
}

struct Done {
    verdict: Verdict,
    found: i64,
    gone: i64,
    left: i64,
}

/// What of a diagnosis can be mended.
#[derive(Default)]
struct Plan {
    differences: u64,
    /// When the calls of a source were that are to be fetched.
    moments: BTreeMap<String, Vec<DateTime<Utc>>>,
    /// Ids of those that the vendor seems to have no more, and of those that it has again.
    gone: Vec<String>,
    back: Vec<String>,
}

impl Plan {
    fn of(findings: impl Iterator<Item = Finding>) -> Plan {
        let mut plan = Plan::default();
        for finding in findings {
            plan.differences += 1;
            let is_fetched = match finding.reason.as_str() {
                "not_covered_yet" | "window_failed" | "late_arrival" | "changed_since" => true,
                "deleted_at_vendor" if finding.status == Status::OnlyDatabase => {
                    plan.gone.push(finding.call_id);
                    continue;
                }
                "deleted_at_vendor" => {
                    plan.back.push(finding.call_id);
                    true
                }
                _ => false,
            };
            if let (true, Some(source), Some(at)) = (is_fetched, finding.source, finding.at) {
                plan.moments.entry(source).or_default().push(at);
            }
        }
        plan
    }

    fn found(&self) -> u64 {
        (self.moments.values().map(Vec::len).sum::<usize>() + self.gone.len()) as u64
    }
}

fn repair<V: Fetched>(tenant: &Tenant, access: &V::Access, window: Window, run: &mut Run) -> Result<Done, Failure> {
    let mut diagnosis = Diagnosis::make::<V>(tenant, access, window, run)?;
    // From here on the run is that of the repair.
    run.windows.clear();
    let sync = Sync { tenant, now: Utc::now(), dry: false };
    let mut plan = Plan::of(std::mem::take(&mut diagnosis.findings).read());
    let mut found = plan.found();
    let mut fetch = Fetch::<V>::start(tenant, access.clone())?;
    if !plan.moments.is_empty() {
        match sync.open(&mut fetch, run)? {
            Err(refused) => return Ok(Done { verdict: refused, found: found as i64, gone: 0, left: found as i64 }),
            Ok(sources) => {
                let pieces: Vec<Piece<V>> = sources
                    .into_iter()
                    .flat_map(|source| {
                        let moments = plan.moments.remove(V::id(&source)).unwrap_or_default();
                        around(moments).into_iter().map(move |window| (source.clone(), window))
                    })
                    .collect();
                sync.fetch(&mut fetch, pieces, run)?;
            }
        }
    }
    let asked = plan.gone.len();
    let gone = missed(&sync, &mut fetch, plan.gone, run)?;
    found -= (asked - gone.len()) as u64;
    let marked = mark(tenant, gone, plan.back, window)?;
    let left = plan.differences - found;
    let mut ended = verdict(run, false);
    ended.message = format!(
        "{} found, {} stored, {} updated, {} marked as gone at the vendor; {}",
        counted(plan.differences, "difference"),
        run.calls.inserted,
        run.calls.updated,
        marked,
        match left {
            0 => "nothing is left".to_owned(),
            left => format!("{left} are no errors of fetching, see df_diagnose_calls"),
        },
    );
    if let Some((source, error)) = diagnosis.errors.first() {
        ended.status = "partial";
        ended.message = format!("{}; {source}: {error}", ended.message);
    }
    Ok(Done { verdict: ended, found: found as i64, gone: marked, left: left as i64 })
}

/// Of calls that a list lacks those that the vendor does not know by their ids either: a list may be cut, or late. Where it
/// cannot be asked so, all. What it does know is stored as it is.
fn missed<V: Fetched>(
    sync: &Sync,
    fetch: &mut Fetch<V>,
    ids: Vec<String>,
    run: &mut Run,
) -> Result<Vec<String>, Failure> {
    let mut gone = Vec::new();
    for id in ids {
        pgrx::check_for_interrupts!();
        let Some(job) = V::find(&id) else {
            gone.push(id);
            continue;
        };
        let reply = fetch.ask(job);
        run.log(&reply.attempts)?;
        match reply.outcome.map(V::found) {
            Ok(Found::Gone) => gone.push(id),
            Ok(Found::Call(mut batch)) => briefly(|| sync.flush(&mut batch, run))?,
            Ok(Found::Foreign) => {}
            Err(error) => {
                // Whoever does not answer one question will not answer the others.
                run.failures.push((format!("call {id}"), error));
                break;
            }
        }
    }
    Ok(gone)
}

/// Windows around moments.
fn around(mut moments: Vec<DateTime<Utc>>) -> Vec<Window> {
    moments.sort();
    let mut windows: Vec<Window> = Vec::new();
    for at in moments {
        let end = at + TimeDelta::milliseconds(1);
        match windows.last_mut() {
            Some(last) if at - last.to < NEAR => last.to = end,
            _ => windows.push(Window { from: at, to: end }),
        }
    }
    windows
}

/// Marks calls that the vendor no longer has, and takes the mark from those that it has again. The calls stay.
fn mark(tenant: &Tenant, gone: Vec<String>, back: Vec<String>, window: Window) -> Result<i64, Failure> {
    if gone.is_empty() && back.is_empty() {
        return Ok(0);
    }
    let tables = if voice::can_be_gone()? { &["transactions", "voice_calls"][..] } else { &["transactions"] };
    let mut marked = 0;
    for table in tables {
        let sql = format!(
            "WITH back AS (
                UPDATE dialfire.{table} SET gone_at = NULL, changed_at = now() WHERE tenant = $1 AND id = ANY ($3)
             ), marked AS (
                UPDATE dialfire.{table} SET gone_at = now(), changed_at = now()
                WHERE tenant = $1 AND id = ANY ($2) AND gone_at IS NULL RETURNING 1)
             SELECT count(*) FROM marked"
        );
        let args = [tenant.name.as_str().into(), gone.clone().into(), back.clone().into()];
        marked += Spi::get_one_with_args::<i64>(&sql, &args)?.unwrap_or_default();
    }
    let day = |at: DateTime<Utc>| at.with_timezone(&tenant.zone).date_naive();
    let days = day(window.from).iter_days().take_while(|date| *date <= day(window.to)).collect();
    crate::stats::keep(&tenant.name, &days)?;
    Ok(marked)
}
