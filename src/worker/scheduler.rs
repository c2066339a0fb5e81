//! The scheduler of one database: starts what is due, ends what takes too long.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use pgrx::bgworkers::{BackgroundWorkerBuilder, BackgroundWorkerStatus, BgWorkerStartTime, DynamicBackgroundWorker};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Failure;
use crate::ledger;
use crate::pg::process;
use crate::pg::role::AsOwner;
use crate::pg::transaction::{attempt, message, Transactions};
use crate::pg::values;
use crate::schedule::{self, Due};
use crate::settings;
use crate::store;
use crate::worker::{launcher, LIBRARY};

const TICK: Duration = Duration::from_secs(1);
/// Dead runs are looked for at the start and then this often.
const LOOK_FOR_DEAD: Duration = Duration::from_secs(30);
/// A job cancels itself when its time is over; who does not hear that is ended.
const GRACE: Duration = Duration::from_secs(30);
const WARN_AGAIN: Duration = Duration::from_secs(600);

struct Running {
    due: Due,
    worker: DynamicBackgroundWorker,
    until: Instant,
}

/// What one look at the database found.
enum Look {
    NoExtension,
    Due(Vec<Due>),
}

// The postmaster finds it by its name.
#[allow(unsafe_code)]
#[no_mangle]
#[pg_guard]
pub extern "C-unwind" fn dialfire_scheduler_main(argument: pg_sys::Datum) {
    let database = pg_sys::Oid::from(argument.value() as u32);
    process::begin();
    process::connect(database);
    process::show("dialfire_sync scheduler", "waits for jobs that are due", false);
    match take_over() {
        Ok(true) => {}
        // A launcher that was restarted does not know the schedulers of the one before.
        Ok(false) => return,
        Err(error) => warning!("dialfire_sync scheduler: {error}"),
    }
    let mut running: Vec<Running> = Vec::new();
    let mut looked: Option<Instant> = None;
    let mut warned: Option<Instant> = None;
    loop {
        let before = running.len();
        running = still_running(running);
        if running.len() < before {
            looked = None;
        }
        let for_dead = looked.is_none_or(|at| at.elapsed() >= LOOK_FOR_DEAD);
        let free = (settings::max_workers() as usize).saturating_sub(running.len());
        match look(for_dead, &running, free) {
            Ok(Look::NoExtension) => return,
            Ok(Look::Due(due)) => {
                if for_dead {
                    looked = Some(Instant::now());
                }
                for due in due {
                    match start(database, &due) {
                        Ok(worker) => {
                            let until = Instant::now() + due.max_runtime + GRACE;
                            running.push(Running { due, worker, until });
                        }
                        Err(()) if warned.is_none_or(|at| at.elapsed() >= WARN_AGAIN) => {
                            warned = Some(Instant::now());
                            launcher::warn_of_slots();
                        }
                        Err(()) => {}
                    }
                }
            }
            // One bad row or a lock that was not to be had must not end the loop.
            Err(error) => warning!("dialfire_sync scheduler: {error}"),
        }
        process::nap(TICK);
    }
}

/// Jobs of one tenant ask the same vendor for the same sources, so they wait for each other.
fn one_a_tenant(due: Vec<Due>, running: &[Running]) -> Vec<Due> {
    let mut busy: HashSet<String> = running.iter().map(|r| r.due.tenant.clone()).collect();
    due.into_iter().filter(|due| busy.insert(due.tenant.clone())).collect()
}

fn still_running(running: Vec<Running>) -> Vec<Running> {
    let mut left = Vec::with_capacity(running.len());
    for r in running {
        match r.worker.pid() {
            Ok(_) if r.until < Instant::now() => {
                warning!("dialfire_sync: {} of {} exceeded its max_runtime and is ended", r.due.job, r.due.tenant);
                let _ = r.worker.terminate();
            }
            Ok(_) | Err(BackgroundWorkerStatus::NotYetStarted) => left.push(r),
            Err(_) => {}
        }
    }
    left
}

/// Makes this the only scheduler of the database and ends the jobs of the one before: nobody watches their time, and
/// what they have committed is kept. `false` where another one runs.
fn take_over() -> Result<bool, String> {
    let transactions = Transactions::of_worker();
    let taken = attempt(|| {
        if values::read::<bool>("SELECT pg_try_advisory_lock($1)", &[ledger::scheduler_key().into()])? != Some(true) {
            return Ok(false);
        }
        let orphans = values::read::<Vec<Option<i32>>>(
            "SELECT array_agg(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND backend_type = 'dialfire_sync job'",
            &[],
        )?;
        orphans.unwrap_or_default().into_iter().flatten().for_each(process::terminate);
        Ok::<_, pgrx::spi::Error>(true)
    });
    drop(transactions);
    taken.map_err(|caught| message(&caught))?.map_err(|error| error.to_string())
}

fn look(for_dead: bool, running: &[Running], free: usize) -> Result<Look, String> {
    let transactions = Transactions::of_worker();
    let found = attempt(|| {
        let Ok(_owner) = AsOwner::begin() else { return Ok(Look::NoExtension) };
        // The library may be newer than the extension's objects, or CREATE EXTENSION not be committed yet.
        let ready = values::read::<bool>("SELECT to_regclass('dialfire.schedules') IS NOT NULL", &[])?;
        if ready != Some(true) {
            return Ok(Look::NoExtension);
        }
        if for_dead && is_of_another_node()? {
            return Ok(Look::NoExtension);
        }
        if for_dead {
            ledger::mark_crashed()?;
        }
        let mut due = Vec::new();
        for one in one_a_tenant(schedule::due(100)?, running) {
            // Somebody may run them by hand.
            if due.len() < free && ledger::is_idle(&one.tenant)? {
                due.push(one);
            }
        }
        Ok::<_, pgrx::spi::Error>(Look::Due(due))
    });
    drop(transactions);
    found.map_err(|caught| message(&caught))?.map_err(|error| error.to_string())
}

/// On a worker node of Citus, whose coordinator has the schedules, and the processes that do them.
fn is_of_another_node() -> pgrx::spi::Result<bool> {
    if !store::is_distributed()? {
        return Ok(false);
    }
    Ok(values::read::<bool>("SELECT groupid <> 0 FROM pg_dist_local_group", &[])? == Some(true))
}

fn start(database: pg_sys::Oid, due: &Due) -> Result<DynamicBackgroundWorker, ()> {
    // Names have at most 63 bytes and job names fewer than 12, so both fit into the worker's 128 bytes.
    BackgroundWorkerBuilder::new("dialfire_sync job")
        .set_type("dialfire_sync job")
        .set_library(LIBRARY)
        .set_function("dialfire_job_main")
        .set_start_time(BgWorkerStartTime::RecoveryFinished)
        .set_argument(Some(pg_sys::Datum::from(database)))
        .set_extra(&format!("{} {}", due.job, due.tenant))
        .enable_spi_access()
        .set_notify_pid(process::pid())
        .load_dynamic()
        .map_err(drop)
}

/// Starts the scheduler of this database until the next restart, for servers that do not preload the library.
#[pg_extern]
fn df_start_worker() -> Result<String, ErrorReport> {
    Ok(start_by_hand()?)
}

fn start_by_hand() -> Result<String, Failure> {
    let running = Spi::get_one_with_args::<i32>(
        "SELECT pid FROM pg_catalog.pg_stat_activity
         WHERE datid OPERATOR(pg_catalog.=) $1 AND backend_type OPERATOR(pg_catalog.=) 'dialfire_sync scheduler'",
        &[process::database().into()],
    );
    if let Ok(Some(pid)) = running {
        return Ok(format!("the scheduler of this database runs already, process {pid}"));
    }
    let worker = launcher::start(process::database()).map_err(|()| Failure::NoSlot)?;
    match worker.wait_for_startup() {
        Ok(pid) => Ok(format!("the scheduler of this database runs until the next restart, process {pid}")),
        Err(_) => Err(Failure::NoSlot),
    }
}
