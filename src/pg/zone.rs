//! Time zones that both Postgres and we know.

use std::ffi::CString;

use pgrx::pg_sys;

pub fn postgres_knows(name: &str) -> bool {
    let Ok(name) = CString::new(name) else { return false };
    // SAFETY: a lookup in the server's own zone data; the result is not kept.
    unsafe { !pg_sys::pg_tzset(name.as_ptr()).is_null() }
}
