//! Committing in the middle of a procedure or a worker, and trying something that may fail.

use std::panic::{AssertUnwindSafe, UnwindSafe};

use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgSqlErrorCode, PgTryBuilder};

use crate::error::Failure;

/// Who may commit here.
pub enum Transactions {
    Procedure,
    Worker,
}

impl Transactions {
    /// For a procedure that was called outside a transaction block; inside one it may not commit.
    pub fn of_procedure(fcinfo: pg_sys::FunctionCallInfo) -> Result<Transactions, Failure> {
        // SAFETY: Postgres passes a valid fcinfo; `context` is null or a node, and a CallContext for CALL.
        let may_commit = unsafe {
            let context = (*fcinfo).context;
            !context.is_null()
                && (*context).type_ == pg_sys::NodeTag::T_CallContext
                && !(*context.cast::<pg_sys::CallContext>()).atomic
        };
        if !may_commit {
            return Err(Failure::InsideTransaction);
        }
        // SAFETY: finished by Drop, or by the abort that an error ends in.
        unsafe { pg_sys::SPI_connect_ext(pg_sys::SPI_OPT_NONATOMIC as i32) };
        Ok(Transactions::Procedure)
    }

    /// For a worker, which is outside any transaction.
    pub fn of_worker() -> Transactions {
        start();
        Transactions::Worker
    }

    /// Commits and goes on in a new transaction. Nothing that Postgres allocated may be held across it.
    pub fn commit(&self) {
        match self {
            // SAFETY: connected non-atomically; no snapshot or nested connection is open between two steps.
            Transactions::Procedure => unsafe { pg_sys::SPI_commit() },
            Transactions::Worker => {
                end();
                start();
            }
        }
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        match self {
            // SAFETY: closes the connection of `of_procedure`.
            Transactions::Procedure => unsafe {
                pg_sys::SPI_finish();
            },
            Transactions::Worker => end(),
        }
    }
}

fn start() {
    // SAFETY: the worker's main thread, outside a transaction.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
    }
}

fn end() {
    // SAFETY: undoes `start`. Workers do not report their statistics by themselves, and autovacuum waits for them.
    unsafe {
        pg_sys::PopActiveSnapshot();
        pg_sys::CommitTransactionCommand();
        pg_sys::pgstat_report_stat(true);
    }
}

/// Does `work` in a subtransaction: an error undoes it and is returned.
pub fn attempt<T>(work: impl FnOnce() -> T) -> Result<T, CaughtError> {
    // SAFETY: main thread inside a transaction; context and resource owner are put back as plpgsql does.
    let (context, owner) = unsafe {
        let before = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(before.0);
        before
    };
    let work = AssertUnwindSafe(work);
    let done = catch(move || {
        let AssertUnwindSafe(work) = { work };
        work()
    });
    // SAFETY: ends the subtransaction begun above, one way or the other.
    unsafe {
        match &done {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
    }
    done
}

fn catch<T>(work: impl FnOnce() -> T + UnwindSafe) -> Result<T, CaughtError> {
    PgTryBuilder::new(AssertUnwindSafe(|| Ok(work()))).catch_others(Err).catch_rust_panic(Err).execute()
}

/// Whether somebody or a timeout canceled.
pub fn is_cancel(error: &CaughtError) -> bool {
    match error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
            report.sql_error_code() == PgSqlErrorCode::ERRCODE_QUERY_CANCELED
        }
        CaughtError::RustPanic { .. } => false,
    }
}

/// What an error says.
pub fn message(error: &CaughtError) -> String {
    match error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => report.message().to_owned(),
        CaughtError::RustPanic { ereport, .. } => ereport.message().to_owned(),
    }
}

/// When the statement of the client began, and how many commands have written since.
pub fn command() -> (i64, u32) {
    // SAFETY: both read variables of this backend; a command that only reads does not use its number up.
    unsafe { (pg_sys::GetCurrentStatementStartTimestamp(), pg_sys::GetCurrentCommandId(false)) }
}
