//! Schedules: which jobs a tenant has, which are due, and doing one.

use std::str::FromStr;
use std::time::Duration;

use calls::steps::Step;
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::backfill::{self, Plan, Target, Trouble};
use crate::clean_up;
use crate::error::Failure;
use crate::ledger::{self, Verdict};
use crate::pg::deadline::Deadline;
use crate::pg::role::{self, AsOwner};
use crate::pg::transaction::{attempt, Transactions};
use crate::reconcile;
use crate::tenant::Tenant;

/// A job that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub tenant: String,
    pub job: String,
    pub owner: String,
    pub max_runtime: Duration,
}

#[pg_extern]
fn df_schedule(
    tenant: &str,
    every: default!(&str, "'1 minute'"),
    job: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (name!(job, String), name!(every, Option<Interval>), name!(next_run, Option<TimestampWithTimeZone>)),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(schedule(tenant, every, job)?))
}

type Scheduled = Vec<(String, Option<Interval>, Option<TimestampWithTimeZone>)>;

fn schedule(tenant: &str, every: &str, job: Option<&str>) -> Result<Scheduled, Failure> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let seconds = Interval::from_str(every).map_or(0, |i| i.as_micros() / 1_000_000);
    if !(10..=366 * 86_400).contains(&seconds) {
        return Err(Failure::Every(every.to_owned()));
    }
    if let Some(job) = job.filter(|job| !["sync", "look_back", "reconcile", "refresh", "clean_up"].contains(job)) {
        return Err(Failure::UnknownJob(job.to_owned()));
    }
    Ok(Spi::connect_mut(|client| {
        let rows = client.update(
            "INSERT INTO dialfire.schedules AS s (tenant, job, every, owner)
             SELECT $1, j.job, COALESCE(CASE WHEN $3 IS NOT NULL OR j.job = 'sync' THEN $2::interval END, j.every), $4
             FROM (VALUES ('sync', NULL::interval), ('look_back', greatest($2::interval, interval '10 minutes')),
                          ('reconcile', interval '12 hours'), ('refresh', interval '5 minutes'),
                          ('clean_up', interval '1 day')) AS j(job, every)
             WHERE $3 IS NULL OR j.job = $3
             ON CONFLICT (tenant, job) DO UPDATE SET
                every = CASE WHEN $3 IS NOT NULL OR s.job = 'sync' THEN excluded.every ELSE s.every END,
                owner = excluded.owner, enabled = true, next_run = now(), failures = 0
             RETURNING job, every, next_run",
            None,
            &[tenant.name.into(), every.into(), job.into(), tenant.role.into()],
        )?;
        rows.map(|row| Ok((row.get(1)?.unwrap_or_default(), row.get(2)?, row.get(3)?))).collect::<spi::Result<_>>()
    })?)
}

/// Ends the jobs of a tenant, or one of them; returns how many there were.
#[pg_extern]
fn df_unschedule(tenant: &str, job: default!(Option<&str>, "NULL")) -> Result<i64, ErrorReport> {
    Ok(unschedule(tenant, job)?)
}

fn unschedule(tenant: &str, job: Option<&str>) -> Result<i64, Failure> {
    let caller = role::caller();
    let (name, superuser) = (role::name(caller), role::is_superuser());
    let _owner = AsOwner::begin()?;
    let owners = Spi::get_one_with_args::<Vec<String>>(
        "SELECT array_agg(DISTINCT owner) FROM dialfire.schedules WHERE tenant = $1",
        &[tenant.into()],
    )?;
    // The tenant may be gone, or have lost its user mapping, and its jobs are still somebody's.
    let is_owner = |owners: Vec<String>| owners.iter().all(|owner| role::may_act_for(&name, owner));
    if !owners.is_some_and(|owners| superuser || is_owner(owners)) {
        Tenant::load(tenant, caller)?;
    }
    let gone = Spi::get_one_with_args(
        "WITH gone AS (DELETE FROM dialfire.schedules WHERE tenant = $1 AND ($2 IS NULL OR job = $2) RETURNING 1)
         SELECT count(*) FROM gone",
        &[tenant.into(), job.into()],
    )?;
    Ok(gone.unwrap_or_default())
}

/// One round of whatever is due, for servers where no worker may run. Commits after every step.
#[pg_extern(sql = "CREATE PROCEDURE df_run_due() LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';")]
fn df_run_due(fcinfo: pg_sys::FunctionCallInfo) -> Result<(), ErrorReport> {
    let transactions = Transactions::of_procedure(fcinfo)?;
    let due = {
        let caller = role::name(role::caller());
        let _owner = AsOwner::begin()?;
        ledger::mark_crashed().map_err(Failure::from)?;
        let all = due(100).map_err(Failure::from)?;
        all.into_iter().filter(|due| role::may_act_for(&caller, &due.owner)).collect::<Vec<_>>()
    };
    for due in due {
        let verdict = run(&transactions, &due, &|text| notice!("{text}")).map_err(Trouble::raise)?;
        if let Some(verdict) = verdict {
            notice!("{} of {}: {}", due.job, due.tenant, verdict.message);
        }
    }
    Ok(())
}

/// Jobs that are due, the longest waiting first. None while a database is restored by pg_restore, which without a single
/// transaction lets others see schedules whose calls are still to come. CASE looks for it only where something is due.
pub fn due(limit: usize) -> spi::Result<Vec<Due>> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT tenant, job, owner, (EXTRACT(epoch FROM max_runtime) * 1000)::bigint FROM dialfire.schedules
             WHERE enabled AND CASE WHEN next_run <= clock_timestamp() THEN NOT (SELECT EXISTS (
                 SELECT FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid
                 WHERE d.datname = current_database() AND a.application_name = 'pg_restore'
                   AND pg_has_role(a.usesysid, d.datdba, 'MEMBER')))
             END ORDER BY next_run",
            Some(limit as i64),
            &[],
        )?;
        rows.map(|row| {
            Ok(Due {
                tenant: row.get(1)?.unwrap_or_default(),
                job: row.get(2)?.unwrap_or_default(),
                owner: row.get(3)?.unwrap_or_default(),
                max_runtime: Duration::from_millis(row.get::<i64>(4)?.unwrap_or_default().unsigned_abs()),
            })
        })
        .collect()
    })
}

/// Does a job; `None` where another process does one of this tenant's at this moment.
pub fn run(transactions: &Transactions, due: &Due, tell: &dyn Fn(&str)) -> Result<Option<Verdict>, Trouble> {
    let key = ledger::jobs_key(&due.tenant);
    if !in_own_transaction(transactions, || start(due, key))? {
        return Ok(None);
    }
    let worked = {
        let _deadline = Deadline::after(due.max_runtime);
        work(transactions, due, tell)
    };
    let ended = match &worked {
        Ok(verdict) => verdict.clone(),
        Err(trouble) => Verdict {
            // Whoever syncs by hand at this moment does the job's work.
            status: if trouble.is_busy() { "skipped" } else { "failed" },
            message: trouble.message(),
            hint: trouble.hint(),
        },
    };
    in_own_transaction(transactions, || finish(due, key, &ended))?;
    match worked {
        // Whoever cancels means all jobs, not this one.
        Err(trouble) if trouble.is_cancel() => Err(trouble),
        _ => Ok(Some(ended)),
    }
}

fn in_own_transaction<T>(transactions: &Transactions, work: impl FnOnce() -> spi::Result<T>) -> Result<T, Failure> {
    let done = {
        let _owner = AsOwner::begin()?;
        work()?
    };
    transactions.commit();
    Ok(done)
}

fn work(transactions: &Transactions, due: &Due, tell: &dyn Fn(&str)) -> Result<Verdict, Trouble> {
    let owner = role::find(&due.owner).ok_or_else(|| Failure::NoOwner { role: due.owner.clone() })?;
    let plan = |kind, target| Plan {
        kind,
        tenant: &due.tenant,
        caller: owner,
        target,
        step: Step::Days(1),
        newest_first: true,
        dry: false,
        tell,
    };
    match due.job.as_str() {
        "look_back" => backfill::run(transactions, &plan("look_back", Target::LookBack)),
        "reconcile" => reconcile::run(transactions, &due.tenant, owner, None, tell),
        "refresh" => in_words(refresh),
        "clean_up" => in_words(|| Ok(("success", clean_up::clean_up(&due.tenant)?))),
        _ => backfill::run(transactions, &plan("sync", Target::Gaps)),
    }
}

/// A job that is one statement or a few, with its status and what it says of itself.
fn in_words(work: impl FnOnce() -> spi::Result<(&'static str, String)>) -> Result<Verdict, Trouble> {
    let done = attempt(|| {
        let _owner = AsOwner::begin()?;
        Ok::<_, Failure>(work()?)
    });
    let (status, message) = done.map_err(Trouble::caught)?.map_err(Trouble::Failure)?;
    Ok(Verdict { status, message, hint: None })
}

fn refresh() -> spi::Result<(&'static str, String)> {
    let schema = Spi::get_one::<String>(
        "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'dialfire_sync'",
    )?;
    let sql = format!(
        "SELECT bool_or(way = 'failed'), string_agg(view || ' ' || way, ', ') FROM {}.df_refresh()",
        schema.unwrap_or_default()
    );
    let (failed, message) = Spi::get_two::<bool, String>(&sql)?;
    let status = if failed == Some(true) { "failed" } else { "success" };
    Ok((status, message.unwrap_or_default()))
}

/// Takes the job and counts a failure in advance: if the process dies, the next attempt comes later all the same.
fn start(due: &Due, key: i64) -> spi::Result<bool> {
    if Spi::get_one_with_args::<bool>("SELECT pg_try_advisory_lock($1)", &[key.into()])? != Some(true) {
        return Ok(false);
    }
    Spi::run_with_args(
        "UPDATE dialfire.schedules SET last_started = clock_timestamp(), failures = failures + 1,
            next_run = clock_timestamp() + least(greatest(every, interval '10 seconds') * power(2, least(failures, 10)),
                                                 greatest(every, interval '1 hour')) * (0.87 + 0.26 * random())
         WHERE tenant = $1 AND job = $2",
        &[due.tenant.as_str().into(), due.job.as_str().into()],
    )?;
    Ok(true)
}

fn finish(due: &Due, key: i64, ended: &Verdict) -> spi::Result<()> {
    let message = match &ended.hint {
        Some(hint) => format!("{}; {hint}", ended.message),
        None => ended.message.clone(),
    };
    Spi::run_with_args(
        "UPDATE dialfire.schedules SET last_finished = clock_timestamp(), last_status = $3, last_message = $4,
            failures = CASE WHEN $3 = 'failed' THEN failures ELSE 0 END,
            next_run = CASE WHEN $3 = 'failed' THEN next_run ELSE clock_timestamp() + every END
         WHERE tenant = $1 AND job = $2",
        &[due.tenant.as_str().into(), due.job.as_str().into(), ended.status.into(), message.into()],
    )?;
    Spi::run_with_args("SELECT pg_advisory_unlock($1)", &[key.into()])
}
