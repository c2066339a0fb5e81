//! What makes a background worker a good citizen: signals, settings, statistics, and a name in `pg_stat_activity`.

use std::ffi::CString;
use std::time::Duration;

use pgrx::{check_for_interrupts, pg_sys};

extern "C-unwind" {
    /// Postgres's own handler of SIGTERM, which interrupts a running statement too. pgrx's only sets a flag.
    fn die(signal: std::ffi::c_int);
    #[link_name = "SignalHandlerForConfigReload"]
    fn reload(signal: std::ffi::c_int);
}

#[cfg(not(feature = "pg18"))]
use pg_sys::pqsignal as handle;
#[cfg(feature = "pg18")]
use pg_sys::pqsignal_be as handle;

/// To be called first, before the worker connects.
pub fn begin() {
    // SAFETY: the first thing in a worker's main function; the handlers are Postgres's own.
    unsafe {
        handle(libc::SIGTERM, Some(die));
        handle(libc::SIGHUP, Some(reload));
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// Connects as the bootstrap superuser; what a job may do is decided by its owner's rights.
pub fn connect(database: pg_sys::Oid) {
    // SAFETY: once in a worker's life, after `begin`; a database that is gone ends the worker with an error.
    unsafe { pg_sys::BackgroundWorkerInitializeConnectionByOid(database, pg_sys::InvalidOid, 0) };
}

/// Connects to no database: enough for shared catalogues, and nobody's DROP DATABASE waits for it.
pub fn connect_nowhere() {
    // SAFETY: as `connect`.
    unsafe { pg_sys::BackgroundWorkerInitializeConnection(std::ptr::null(), std::ptr::null(), 0) };
}

/// Shows what the worker does in `pg_stat_activity`.
pub fn show(name: &str, doing: &str, is_busy: bool) {
    let text = |text: &str| CString::new(text.replace('\0', "")).unwrap_or_default();
    let state = match is_busy {
        true => pg_sys::BackendState::STATE_RUNNING,
        false => pg_sys::BackendState::STATE_IDLE,
    };
    // SAFETY: both functions copy the text.
    unsafe {
        pg_sys::pgstat_report_appname(text(name).as_ptr());
        pg_sys::pgstat_report_activity(state, text(doing).as_ptr());
    }
}

/// Sleeps, serves interrupts, and takes over changed settings.
pub fn nap(time: Duration) {
    check_for_interrupts!();
    let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    // SAFETY: main thread of the worker, its own latch.
    unsafe {
        pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, time.as_millis() as _, pg_sys::PG_WAIT_EXTENSION);
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    check_for_interrupts!();
    // SAFETY: as the main loop of every backend does it.
    unsafe {
        if pg_sys::ConfigReloadPending != 0 {
            pg_sys::ConfigReloadPending = 0;
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}

pub fn is_preloading() -> bool {
    // SAFETY: reads a variable of this process.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

/// Whether pg_upgrade has started this server.
pub fn is_upgrading() -> bool {
    // SAFETY: reads a variable of this process.
    unsafe { pg_sys::IsBinaryUpgrade }
}

pub fn database() -> pg_sys::Oid {
    // SAFETY: reads a variable of this process.
    unsafe { pg_sys::MyDatabaseId }
}

pub fn pid() -> i32 {
    // SAFETY: reads a variable of this process.
    unsafe { pg_sys::MyProcPid }
}

/// Databases that can be connected to, templates left out: a worker there would be in everybody's way.
pub fn databases() -> Vec<pg_sys::Oid> {
    let mut found = Vec::new();
    // SAFETY: a scan of a shared catalogue inside a transaction of its own; each tuple is read before the next is asked
    // for, and pg_database's fixed part is FormData_pg_database.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, pg_sys::AccessShareLock as i32);
        let scan = pg_sys::table_beginscan_catalog(relation, 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            let row = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
            if row.datallowconn && !row.datistemplate {
                found.push(row.oid);
            }
        }
        pg_sys::table_endscan(scan);
        pg_sys::table_close(relation, pg_sys::AccessShareLock as i32);
        pg_sys::CommitTransactionCommand();
    }
    found
}

/// Tells another process of this server to end, as `pg_terminate_backend` does.
pub fn terminate(pid: i32) {
    // SAFETY: a signal to a process that was found in pg_stat_activity a moment ago.
    unsafe { libc::kill(pid, libc::SIGTERM) };
}

/// Whether this server only follows another one.
pub fn is_standby() -> bool {
    // SAFETY: reads the state of the server.
    unsafe { pg_sys::RecoveryInProgress() }
}
