//! The only unsafe code: what Postgres offers in C and pgrx does not wrap.
//!
//! Everything in here is called on the backend's main thread, except the thread that [`thread::spawn`] starts, which
//! never touches Postgres.
#![allow(unsafe_code)]

pub mod bell;
pub mod bytes;
pub mod copy;
pub mod deadline;
pub mod dropping;
pub mod extension;
pub mod json;
pub mod memory;
pub mod process;
pub mod query_tree;
pub mod role;
pub mod snapshot;
pub mod spill;
pub mod thread;
pub mod transaction;
pub mod utility;
pub mod values;
pub mod veil;
pub mod zone;

/// A date from its number of days since 2000-01-01.
pub fn date(days: i32) -> pgrx::datum::Date {
    // SAFETY: the callers count days between the years 1970 and 9999, all of them valid dates.
    unsafe { pgrx::datum::Date::from_pg_epoch_days(days) }
}
