//! Telling whoever listens that calls have changed: one message a commit, on channel `dialfire_sync`.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use pgrx::prelude::*;
use pgrx::spi;

use crate::ledger::Run;
use crate::store::Changes;
use crate::tenant::Tenant;

/// A notification may have 8000 bytes; this many days and sources leave room for the rest.
const LIMIT: usize = 100;

/// Sends what changed since `before`, if the tenant wants it.
pub fn tell(
    tenant: &Tenant,
    run: &Run,
    before: Changes,
    days: &BTreeSet<NaiveDate>,
    sources: &BTreeSet<String>,
) -> spi::Result<()> {
    match tenant.notify {
        true => send(run, before, days, sources),
        false => Ok(()),
    }
}

pub fn send(run: &Run, before: Changes, days: &BTreeSet<NaiveDate>, sources: &BTreeSet<String>) -> spi::Result<()> {
    let message = serde_json::json!({
        "tenant": run.tenant,
        "run_id": run.id,
        "inserted": run.calls.inserted - before.inserted,
        "updated": run.calls.updated - before.updated,
        "sources": sources.iter().take(LIMIT).collect::<Vec<_>>(),
        "days": days.iter().rev().take(LIMIT).map(NaiveDate::to_string).collect::<Vec<_>>(),
        "more": days.len().saturating_sub(LIMIT) + sources.len().saturating_sub(LIMIT),
    });
    Spi::run_with_args("SELECT pg_notify('dialfire_sync', $1)", &[message.to_string().into()])
}
