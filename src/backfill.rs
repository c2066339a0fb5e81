//! Runs that commit as they go: a long range in steps, each with its own transaction.

use std::str::FromStr;
use std::time::Instant;

use calls::range::{self, Window};
use calls::steps::{cut, within, Step};
use chrono::{TimeDelta, Utc};
use pgrx::datum::Interval;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport};
use pgrx::prelude::*;

use crate::error::Failure;
use crate::fetch::{Fetch, Fetched};
use crate::follow;
use crate::ledger::{self, Run, Verdict};
use crate::pg::deadline;
use crate::pg::role::{self, AsOwner};
use crate::pg::transaction::{attempt, is_cancel, message, Transactions};
use crate::sync::{counted, verdict, Piece, Sync};
use crate::tenant::Tenant;

/// What a committing run is to do.
pub struct Plan<'a> {
    pub kind: &'static str,
    pub tenant: &'a str,
    pub caller: pg_sys::Oid,
    pub target: Target<'a>,
    pub step: Step,
    pub newest_first: bool,
    pub dry: bool,
    /// Where progress is told: `notice` for a person, the process title for a worker.
    pub tell: &'a dyn Fn(&str),
}

pub enum Target<'a> {
    /// What of this range is not covered yet.
    Missing(&'a str),
    /// What is wanted and not covered yet.
    Gaps,
    /// The tenant's look-back, covered or not: calls change after the fact.
    LookBack,
}

/// Why a run could not go on.
pub enum Trouble {
    Failure(Failure),
    Caught(CaughtError),
}

impl Trouble {
    pub fn message(&self) -> String {
        match self {
            Trouble::Failure(failure) => failure.to_string(),
            Trouble::Caught(error) => message(error),
        }
    }

    /// An error that a deadline has caused says so.
    pub fn caught(error: CaughtError) -> Trouble {
        let trouble = Trouble::Caught(error);
        match trouble.is_cancel() && deadline::has_expired() {
            true => Trouble::Failure(Failure::TooLong),
            false => trouble,
        }
    }

    pub fn is_busy(&self) -> bool {
        matches!(self, Trouble::Failure(Failure::Busy { .. }))
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Trouble::Failure(failure) => failure.hint(),
            Trouble::Caught(_) => None,
        }
    }

    /// By hand or by a timeout.
    pub fn is_cancel(&self) -> bool {
        matches!(self, Trouble::Caught(error) if is_cancel(error))
    }

    /// For the person who called the procedure.
    pub fn raise(self) -> ErrorReport {
        match self {
            Trouble::Failure(failure) => failure.into(),
            Trouble::Caught(error) => error.rethrow(),
        }
    }
}

impl<T: Into<Failure>> From<T> for Trouble {
    fn from(failure: T) -> Trouble {
        Trouble::Failure(failure.into())
    }
}

#[pg_extern(sql = r#"
CREATE PROCEDURE df_backfill(
    tenant text, range text, step text DEFAULT '1 day', dry_run boolean DEFAULT false, newest_first boolean DEFAULT true
) LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
fn df_backfill(
    tenant: &str,
    range: &str,
    step: &str,
    dry_run: bool,
    newest_first: bool,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<(), ErrorReport> {
    let transactions = Transactions::of_procedure(fcinfo)?;
    let (tenant, range) = (tenant.to_owned(), range.to_owned());
    let plan = Plan {
        kind: "backfill",
        tenant: &tenant,
        caller: role::caller(),
        target: Target::Missing(&range),
        step: read_step(step)?,
        newest_first,
        dry: dry_run,
        tell: &|text| notice!("{text}"),
    };
    let ended = run(&transactions, &plan).map_err(Trouble::raise)?;
    let text = format!("backfill of {tenant}: {}", ended.message);
    match (ended.status, ended.hint) {
        ("success", _) => notice!("{text}"),
        (_, Some(hint)) => warning!("{text}; {hint}"),
        (_, None) => warning!("{text}; call it again to resume"),
    }
    Ok(())
}

pub fn read_step(text: &str) -> Result<Step, Failure> {
    let step = Interval::from_str(text).map_err(|_| Failure::Step(text.to_owned()))?;
    let micros = i64::try_from(step.as_micros()).unwrap_or(0);
    if step.months() == 0 && step.days() > 0 && micros == i64::from(step.days()) * 86_400_000_000 {
        return Ok(Step::Days(step.days().unsigned_abs().into()));
    }
    let length = TimeDelta::microseconds(micros);
    (length >= TimeDelta::minutes(1)).then_some(Step::Time(length)).ok_or_else(|| Failure::Step(text.to_owned()))
}

/// Does the plan step by step. The run's row is committed first and closed whatever happens.
pub fn run(transactions: &Transactions, plan: &Plan) -> Result<Verdict, Trouble> {
    let (tenant, mut run) = begin(plan)?;
    if !plan.dry {
        transactions.commit();
    }
    let ended = with_vendor!(&tenant.access, V, access => steps::<V>(transactions, plan, &tenant, access, &mut run));
    let last = match &ended {
        Ok(verdict) => verdict.clone(),
        Err(trouble) => Verdict { status: "failed", message: trouble.message(), hint: None },
    };
    {
        let _owner = AsOwner::begin()?;
        run.write(&last)?;
    }
    if !plan.dry {
        transactions.commit();
    }
    ended
}

fn begin(plan: &Plan) -> Result<(Tenant, Run), Failure> {
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(plan.tenant, plan.caller)?;
    window(plan, &tenant)?;
    let mut run = Run::begin(&tenant, plan.kind, plan.dry)?;
    run.show()?;
    Ok((tenant, run))
}

fn window(plan: &Plan, tenant: &Tenant) -> Result<Window, Failure> {
    let now = Utc::now();
    let window = match plan.target {
        Target::Missing(range) => range::parse(range, tenant.zone, now)?,
        Target::Gaps => Window { from: tenant.wanted_from(now), to: now },
        Target::LookBack => Window { from: now - tenant.look_back, to: now },
    };
    // Before the reset there is nothing to do: a window without length has no steps.
    Ok(tenant.since_reset(window).unwrap_or(Window { from: window.to, to: window.to }))
}

fn steps<V: Fetched>(
    transactions: &Transactions,
    plan: &Plan,
    tenant: &Tenant,
    access: &V::Access,
    run: &mut Run,
) -> Result<Verdict, Trouble> {
    let sync = Sync { tenant, now: Utc::now(), dry: plan.dry };
    let window = window(plan, tenant)?;
    let mut fetch = Fetch::<V>::start(tenant, access.clone())?;
    let sources = match tried(|| sync.open(&mut fetch, run))? {
        Ok(sources) => sources,
        Err(refused) => return Ok(refused),
    };
    let missing = tried(|| {
        sources
            .iter()
            .cloned()
            .map(|source| match plan.target {
                Target::LookBack => Ok((source, vec![window])),
                _ => {
                    let gaps = ledger::gaps(&tenant.name, V::id(&source), window)?;
                    Ok((source, gaps))
                }
            })
            .collect::<Result<Vec<_>, Failure>>()
    })?;
    let mut steps: Vec<Vec<Piece<V>>> = cut(window, plan.step, tenant.zone)
        .into_iter()
        .map(|step| {
            let parts = missing
                .iter()
                .flat_map(|(source, gaps)| within(gaps, step).into_iter().map(move |part| (source.clone(), part)));
            parts.collect::<Vec<_>>()
        })
        .filter(|pieces| !pieces.is_empty())
        .collect();
    if plan.newest_first {
        steps.reverse();
    }
    let mut progress = Progress { began: Instant::now(), all: steps.len(), done: 0 };
    for pieces in steps {
        let (complete, asked) = (run.complete, pieces.len());
        tried(|| sync.fetch(&mut fetch, pieces, run))?;
        progress.done += 1;
        if !plan.dry {
            tried(|| Ok(run.write(&Verdict::in_progress(progress.text(run)))?))?;
            transactions.commit();
        }
        (plan.tell)(&format!("{} of {}: {}", plan.kind, tenant.name, progress.text(run)));
        if run.complete == complete && asked > 0 {
            // Nothing of a step arrived: the vendor is away, and the other steps would only wait for it in vain.
            break;
        }
    }
    if matches!(plan.target, Target::Gaps) {
        tried(|| follow::follow(&sync, &mut fetch, &sources, run))?;
    }
    Ok(verdict(run, plan.dry))
}

/// As the extension's owner, in a subtransaction: what fails is undone, and the run can still be closed.
fn tried<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Trouble> {
    let done = attempt(|| {
        let _owner = AsOwner::begin()?;
        work()
    });
    done.map_err(Trouble::caught)?.map_err(Trouble::Failure)
}

struct Progress {
    began: Instant,
    all: usize,
    done: usize,
}

impl Progress {
    fn text(&self, run: &Run) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        let left = seconds / self.done.max(1) as f64 * (self.all - self.done) as f64;
        format!(
            "{}/{} steps, {}, {:.0} a second, {:.0} s left",
            self.done,
            self.all,
            counted(run.calls.touched(), "call"),
            run.calls.touched() as f64 / seconds.max(0.001),
            left,
        )
    }
}
