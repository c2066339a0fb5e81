//! Reconciling: contacts compared by checksum, fetched where they differ, marked where they are gone.

use calls::range::{self, Window};
use calls::vendor::dialfire::{self, Dialfire, Reconcile};
use calls::vendor::vapi::Vapi;
use calls::vendor::vicidial::Vicidial;

use chrono::{Days, NaiveDate, Utc};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::backfill::Trouble;
use crate::error::Failure;
use crate::fetch::{Fetch, Fetched, Round};
use crate::follow;
use crate::ledger::{self, Run, Verdict};
use crate::pg::role::{self, AsOwner};
use crate::pg::transaction::{attempt, Transactions};
use crate::store;
use crate::sync::{counted, verdict, Sync};
use crate::tenant::Tenant;
use crate::vendor::Access;

/// How far back a scheduled run asks. The vendor takes whole days, and a day missed by an outage must still be seen.
const DEFAULT_DAYS: u64 = 3;

#[pg_extern(sql = r#"
CREATE PROCEDURE df_reconcile(tenant text, since date DEFAULT NULL)
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
fn df_reconcile(
    tenant: &str,
    since: Option<pgrx::datum::Date>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<(), ErrorReport> {
    let transactions = Transactions::of_procedure(fcinfo)?;
    let tenant = tenant.to_owned();
    let days = since.map(|day| i64::from(day.to_unix_epoch_days()));
    let since = days.and_then(|days| NaiveDate::default().checked_add_signed(chrono::TimeDelta::days(days)));
    let ended = run(&transactions, &tenant, role::caller(), since, &|_| {}).map_err(Trouble::raise)?;
    match ended.status {
        "success" => notice!("reconcile of {tenant}: {}", ended.message),
        _ => warning!("reconcile of {tenant}: {}", ended.message),
    }
    Ok(())
}

pub fn run(
    transactions: &Transactions,
    tenant: &str,
    caller: pg_sys::Oid,
    since: Option<NaiveDate>,
    tell: &dyn Fn(&str),
) -> Result<Verdict, Trouble> {
    let (tenant, mut run) = begin(tenant, caller)?;
    transactions.commit();
    tell(&format!("reconcile of {}", tenant.name));
    let done = attempt(|| {
        let _owner = AsOwner::begin()?;
        match &tenant.access {
            Access::Dialfire(access) => compare(&tenant, access, since, &mut run),
            Access::Vapi(access) => follow::<Vapi>(&tenant, access, &mut run),
            Access::Vicidial(access) => read_again::<Vicidial>(&tenant, access, since, &mut run),
            other => Ok(needless(other)),
        }
    });
    let ended = done.map_err(Trouble::caught).and_then(|done| done.map_err(Trouble::Failure));
    let last = match &ended {
        Ok(verdict) => verdict.clone(),
        Err(trouble) => Verdict { status: "failed", message: trouble.message(), hint: None },
    };
    {
        let _owner = AsOwner::begin()?;
        run.write(&last)?;
    }
    transactions.commit();
    ended
}

fn begin(tenant: &str, caller: pg_sys::Oid) -> Result<(Tenant, Run), Failure> {
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let mut run = Run::begin(&tenant, "reconcile", false)?;
    run.show()?;
    Ok((tenant, run))
}

/// Who delivers no checksums is read again by the look-back.
fn needless(access: &Access) -> Verdict {
    let message = format!("nothing to compare: a {} is read again by job look_back", access.unit());
    Verdict { status: "success", message, hint: None }
}

/// A vendor that lists what has changed needs no comparing.
fn follow<V: Fetched>(tenant: &Tenant, access: &V::Access, run: &mut Run) -> Result<Verdict, Failure> {
    let sync = Sync { tenant, now: Utc::now(), dry: false };
    let mut fetch = Fetch::<V>::start(tenant, access.clone())?;
    match sync.open(&mut fetch, run)? {
        Ok(sources) => follow::follow(&sync, &mut fetch, &sources, run)?,
        Err(refused) => return Ok(refused),
    }
    let failed = verdict(run, false);
    let message = format!(
        "changes followed: {} were missing, {} had changed",
        counted(run.calls.inserted, "call"),
        counted(run.calls.updated, "call"),
    );
    Ok(match run.failures.is_empty() {
        true => Verdict { status: failed.status, message, hint: None },
        false => Verdict { message: format!("{message}; {}", failed.message), ..failed },
    })
}

fn compare(
    tenant: &Tenant,
    access: &dialfire::Access,
    since: Option<NaiveDate>,
    run: &mut Run,
) -> Result<Verdict, Failure> {
    let now = Utc::now();
    let today = now.date_naive();
    let since = since.or(today.checked_sub_days(Days::new(DEFAULT_DAYS))).unwrap_or(today);
    let sync = Sync { tenant, now, dry: false };
    let mut fetch = Fetch::<Dialfire>::start(tenant, access.clone())?;
    let sources = match sync.open(&mut fetch, run)? {
        Ok(sources) => sources,
        Err(refused) => return Ok(refused),
    };
    let mut paths = Vec::new();
    for source in sources {
        ledger::lock(&tenant.name, &source.campaign_id)?;
        let keep = ledger::covered(&tenant.name, &source.campaign_id)?;
        paths.push(Reconcile::new(source, since, keep, access.batch));
    }
    let all = paths.len() as u64;
    let mut round = Round::new(paths);
    let before = run.calls;
    sync.drain(&mut fetch, &mut round, run)?;
    sync.publish(run, before)?;
    let (mut complete, mut gone) = (0, 0);
    for (path, error) in round.ended() {
        run.fetched += path.counts.fetched;
        run.pages += path.counts.pages;
        match error {
            Some(error) => run.failures.push((path.campaign_id().to_owned(), error)),
            None => {
                complete += 1;
                gone += store::mark_gone(&tenant.name, &path.gone)?;
            }
        }
    }
    run.complete = complete;
    let failed = verdict(run, false);
    let message = format!(
        "{complete} of {} compared since {since}: {} were missing, {} had changed, {} are gone at the vendor",
        counted(all, "campaign"),
        counted(run.calls.inserted, "call"),
        counted(run.calls.updated, "call"),
        counted(gone, "contact"),
    );
    Ok(match run.failures.is_empty() {
        true => Verdict { status: "success", message, hint: None },
        false => Verdict { message: format!("{message}; {}", failed.message), ..failed },
    })
}

/// The days since, read again: for vendors that say neither what has changed nor when.
fn read_again<V: Fetched>(
    tenant: &Tenant,
    access: &V::Access,
    since: Option<NaiveDate>,
    run: &mut Run,
) -> Result<Verdict, Failure> {
    let now = Utc::now();
    let today = now.with_timezone(&tenant.zone).date_naive();
    let since = since.or(today.checked_sub_days(Days::new(DEFAULT_DAYS))).unwrap_or(today);
    let window = range::clip(Window { from: range::midnight(since, tenant.zone), to: now }, now)?;
    let sync = Sync { tenant, now, dry: false };
    let mut fetch = Fetch::<V>::start(tenant, access.clone())?;
    let sources = match sync.open(&mut fetch, run)? {
        Ok(sources) => sources,
        Err(refused) => return Ok(refused),
    };
    let pieces = sources.into_iter().map(|source| (source, window)).collect();
    sync.fetch(&mut fetch, pieces, run)?;
    let ended = verdict(run, false);
    let (missing, changed) = (counted(run.calls.inserted, "call"), counted(run.calls.updated, "call"));
    let message = format!("read again since {since}: {missing} were missing, {changed} had changed; {}", ended.message);
    Ok(Verdict { message, ..ended })
}
