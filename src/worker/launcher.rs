//! The launcher: one scheduler for each database that may have the extension.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use pgrx::bgworkers::{BackgroundWorkerBuilder, BgWorkerStartTime, DynamicBackgroundWorker};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::pg::process;
use crate::worker::LIBRARY;

const TICK: Duration = Duration::from_secs(1);
/// A scheduler that finds no extension ends at once; its database is asked again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// The warning that the server is out of worker slots is given once in this time, not once a tick.
const WARN_AGAIN: Duration = Duration::from_secs(600);

struct Scheduler {
    worker: Option<DynamicBackgroundWorker>,
    started: Instant,
}

// The postmaster finds it by its name.
#[allow(unsafe_code)]
#[no_mangle]
#[pg_guard]
pub extern "C-unwind" fn dialfire_launcher_main(_argument: pg_sys::Datum) {
    process::begin();
    process::connect_nowhere();
    process::show("dialfire_sync launcher", "watches for databases with the extension", false);
    let mut schedulers: HashMap<pg_sys::Oid, Scheduler> = HashMap::new();
    let mut warned: Option<Instant> = None;
    loop {
        let databases = process::databases();
        schedulers.retain(|database, _| databases.contains(database));
        for database in databases {
            let is_due = schedulers.get(&database).is_none_or(|s| !is_running(s) && s.started.elapsed() >= ASK_AGAIN);
            if !is_due {
                continue;
            }
            let worker = start(database).ok();
            if worker.is_none() && warned.is_none_or(|at| at.elapsed() >= WARN_AGAIN) {
                warned = Some(Instant::now());
                warn_of_slots();
            }
            schedulers.insert(database, Scheduler { worker, started: Instant::now() });
        }
        process::nap(TICK);
    }
}

fn is_running(scheduler: &Scheduler) -> bool {
    use pgrx::bgworkers::BackgroundWorkerStatus::NotYetStarted;
    scheduler.worker.as_ref().is_some_and(|w| matches!(w.pid(), Ok(_) | Err(NotYetStarted)))
}

pub fn start(database: pg_sys::Oid) -> Result<DynamicBackgroundWorker, ()> {
    BackgroundWorkerBuilder::new("dialfire_sync scheduler")
        .set_type("dialfire_sync scheduler")
        .set_library(LIBRARY)
        .set_function("dialfire_scheduler_main")
        .set_start_time(BgWorkerStartTime::RecoveryFinished)
        .set_argument(Some(pg_sys::Datum::from(database)))
        .enable_spi_access()
        .set_notify_pid(process::pid())
        .load_dynamic()
        .map_err(drop)
}

pub fn warn_of_slots() {
    let message = "dialfire_sync is out of background worker slots";
    let hint = "Raise max_worker_processes (and restart), or lower dialfire_sync.max_workers.";
    ErrorReport::new(PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, message, "")
        .set_hint(hint)
        .report(PgLogLevel::WARNING);
}
