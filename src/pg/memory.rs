//! Memory of Postgres's that lives no longer than one piece of work.

use pgrx::memcxt::PgMemoryContexts;

/// Does `work` in a memory context of its own. Without it, the arrays of every batch would stay until the end of the
/// statement, and a sync would grow with its range.
pub fn briefly<T>(work: impl FnOnce() -> T) -> T {
    let mut context = PgMemoryContexts::new("dialfire_sync step");
    // SAFETY: the callers return Rust's own values; nothing that Postgres allocated leaves the context.
    unsafe { context.switch_to(|_| work()) }
}
