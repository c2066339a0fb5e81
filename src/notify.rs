//! Telling whoever listens that calls have changed: one message a commit, on channel `dialfire_sync`.

use pgrx::prelude::*;
use pgrx::spi;

use crate::ledger::Run;
use crate::store::Changes;
use crate::tenant::Tenant;

/// A notification may have 8000 bytes; this many days leave room for the rest.
const DAYS_LIMIT: usize = 100;

/// Sends what changed since `before`, if the tenant wants it and anything did.
pub fn tell(tenant: &Tenant, run: &Run, before: Changes) -> spi::Result<()> {
    let inserted = run.calls.inserted - before.inserted;
    let updated = run.calls.updated - before.updated;
    if !tenant.notify || inserted + updated == 0 {
        return Ok(());
    }
    let days: Vec<String> = run.days.iter().rev().take(DAYS_LIMIT).map(|day| day.to_string()).collect();
    let message = serde_json::json!({
        "tenant": tenant.name,
        "run_id": run.id,
        "inserted": inserted,
        "updated": updated,
        "days": days,
        "more_days": run.days.len().saturating_sub(DAYS_LIMIT),
    });
    Spi::run_with_args("SELECT pg_notify('dialfire_sync', $1)", &[message.to_string().into()])
}
