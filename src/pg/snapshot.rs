//! What the database looked like a moment ago, before this transaction wrote.

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::prelude::*;

pub struct Snapshot(pg_sys::Snapshot);

impl Snapshot {
    /// None where a transaction has one snapshot for all its statements, in which its later writes show.
    pub fn now() -> Option<Snapshot> {
        // SAFETY: main thread inside a transaction; a registered snapshot is a copy, and `Drop` gives it back.
        unsafe {
            let shares_one = pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32;
            (!shares_one).then(|| Snapshot(pg_sys::RegisterSnapshot(pg_sys::GetTransactionSnapshot())))
        }
    }

    /// The first column of the first row, as text.
    pub fn read(&self, sql: &std::ffi::CStr, args: &[DatumWithOid]) -> Option<String> {
        let mut types: Vec<_> = args.iter().map(DatumWithOid::oid).collect();
        let mut values: Vec<_> =
            args.iter().map(|arg| arg.datum().map_or(pg_sys::Datum::null(), |d| d.sans_lifetime())).collect();
        let nulls: Vec<_> = args.iter().map(|arg| if arg.datum().is_some() { b' ' } else { b'n' } as i8).collect();
        // A read-only statement takes the active snapshot as it is.
        Spi::connect(|_| {
            // SAFETY: connected; the arrays are as long as they say and outlive the call. What it returns is copied before
            // SPI frees it.
            unsafe {
                pg_sys::PushActiveSnapshot(self.0);
                let count = args.len() as i32;
                pg_sys::SPI_execute_with_args(
                    sql.as_ptr(),
                    count,
                    types.as_mut_ptr(),
                    values.as_mut_ptr(),
                    nulls.as_ptr(),
                    true,
                    1,
                );
                pg_sys::PopActiveSnapshot();
                let table = pg_sys::SPI_tuptable;
                if table.is_null() || pg_sys::SPI_processed == 0 {
                    return None;
                }
                let text = pg_sys::SPI_getvalue(*(*table).vals, (*table).tupdesc, 1);
                (!text.is_null()).then(|| std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned())
            }
        })
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // After an error the end of the transaction gives it back.
        if !std::thread::panicking() {
            // SAFETY: registered by `now` in this transaction, and nobody else has it.
            unsafe { pg_sys::UnregisterSnapshot(self.0) };
        }
    }
}
