//! `df_repair`: mends exactly what a diagnosis finds.

use std::collections::BTreeMap;

use calls::range::{self, Window};
use chrono::{DateTime, TimeDelta, Utc};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::diagnosis::Diagnosis;
use crate::error::Failure;
use crate::fetch::{Fetch, Fetched};
use crate::ledger::{Run, Verdict};
use crate::pg::role::{self, AsOwner};
use crate::sync::{counted, verdict, Piece, Sync};
use crate::tenant::Tenant;

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

fn repair<V: Fetched>(tenant: &Tenant, access: &V::Access, window: Window, run: &mut Run) -> Result<Done, Failure> {
    let diagnosis = Diagnosis::make::<V>(tenant, access, window, run)?;
    // From here on the run is that of the repair.
    run.windows.clear();
    let sync = Sync { tenant, now: Utc::now(), dry: false };
    let mut moments: BTreeMap<&str, Vec<DateTime<Utc>>> = BTreeMap::new();
    let mut gone = Vec::new();
    for finding in &diagnosis.findings {
        let is_fetched =
            matches!(finding.reason.as_str(), "not_covered_yet" | "window_failed" | "late_arrival" | "changed_since");
        match (finding.source.as_deref(), finding.at) {
            (Some(source), Some(at)) if is_fetched => moments.entry(source).or_default().push(at),
            _ if finding.reason == "deleted_at_vendor" && finding.status == "only_database" => {
                gone.push(finding.call_id.clone());
            }
            // Marked as gone, and there again.
            (Some(source), Some(at)) if finding.reason == "deleted_at_vendor" => {
                moments.entry(source).or_default().push(at);
            }
            _ => {}
        }
    }
    let back: Vec<String> = diagnosis
        .findings
        .iter()
        .filter(|f| f.reason == "deleted_at_vendor" && f.status != "only_database")
        .map(|f| f.call_id.clone())
        .collect();
    let found = moments.values().map(Vec::len).sum::<usize>() + gone.len();
    let mut fetch = Fetch::<V>::start(tenant, access.clone())?;
    if !moments.is_empty() {
        match sync.open(&mut fetch, run)? {
            Err(refused) => return Ok(Done { verdict: refused, found: found as i64, gone: 0, left: found as i64 }),
            Ok(sources) => {
                let pieces: Vec<Piece<V>> = sources
                    .into_iter()
                    .flat_map(|source| {
                        let moments = moments.get(V::id(&source)).cloned().unwrap_or_default();
                        around(moments).into_iter().map(move |window| (source.clone(), window))
                    })
                    .collect();
                sync.fetch(&mut fetch, pieces, run)?;
            }
        }
    }
    let marked = mark(tenant, &gone, &back, window)?;
    let left = diagnosis.findings.len() - found;
    let mut ended = verdict(run, false);
    ended.message = format!(
        "{} found, {} stored, {} updated, {} marked as gone at the vendor; {}",
        counted(diagnosis.findings.len() as u64, "difference"),
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
fn mark(tenant: &Tenant, gone: &[String], back: &[String], window: Window) -> Result<i64, Failure> {
    let marked = Spi::get_one_with_args::<i64>(
        "WITH back AS (
            UPDATE dialfire.transactions SET gone_at = NULL, changed_at = now() WHERE tenant = $1 AND id = ANY ($3)
         ), marked AS (
            UPDATE dialfire.transactions SET gone_at = now(), changed_at = now()
            WHERE tenant = $1 AND id = ANY ($2) AND gone_at IS NULL RETURNING 1)
         SELECT count(*) FROM marked",
        &[tenant.name.as_str().into(), gone.to_vec().into(), back.to_vec().into()],
    )?;
    let first = window.from.with_timezone(&tenant.zone).date_naive();
    let last = window.to.with_timezone(&tenant.zone).date_naive();
    if marked.unwrap_or_default() > 0 || !back.is_empty() {
        crate::stats::keep(&tenant.name, &first.iter_days().take_while(|day| *day <= last).collect())?;
    }
    Ok(marked.unwrap_or_default())
}
