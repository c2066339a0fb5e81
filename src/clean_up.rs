//! Retention of the ledger, on by default: a history that only grows is an outage that waits.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::error::Failure;
use crate::pg::role::{self, AsOwner};
use crate::settings;
use crate::sync::counted;
use crate::tenant::Tenant;

/// Removes ledger rows beyond the retention of a tenant; returns what was removed, in words.
#[pg_extern]
fn df_cleanup(tenant: &str) -> Result<String, ErrorReport> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    Ok(clean_up(&tenant.name).map_err(Failure::from)?)
}

pub fn clean_up(tenant: &str) -> spi::Result<String> {
    let (days, rows) = (settings::retention_days(), settings::retention_rows());
    let mut parts = Vec::new();
    for (table, noun, at, closed) in [
        ("runs", "run", "started_at", "status <> 'in_progress'"),
        ("http_log", "log line", "at", "true"),
        ("rejects", "reject", "resolved_at", "resolved_at IS NOT NULL"),
    ] {
        let key = if table == "runs" { "run_id" } else { "id" };
        let gone = Spi::get_one_with_args::<i64>(
            &format!(
                "WITH gone AS (DELETE FROM dialfire.{table} WHERE tenant = $1 AND {closed}
                    AND ({at} < now() - make_interval(days => $2)
                      OR {key} <= (SELECT {key} FROM dialfire.{table} WHERE tenant = $1 ORDER BY {key} DESC
                                   OFFSET $3 LIMIT 1))
                    RETURNING 1)
                 SELECT count(*) FROM gone"
            ),
            &[tenant.into(), days.into(), i64::from(rows).into()],
        )?;
        parts.push(counted(gone.unwrap_or_default() as u64, noun));
    }
    let gone = Spi::get_one_with_args::<i64>(
        "WITH gone AS (DELETE FROM dialfire.webhook_events
            WHERE tenant = $1 AND last_at < now() - make_interval(days => $2) RETURNING 1)
         SELECT count(*) FROM gone",
        &[tenant.into(), days.into()],
    )?;
    parts.push(counted(gone.unwrap_or_default() as u64, "webhook"));
    // An episode that lasts is still news.
    let gone = Spi::get_one_with_args::<i64>(
        "WITH gone AS (DELETE FROM dialfire.alerts a
            WHERE tenant = $1 AND at < now() - make_interval(days => $2)
              AND (ended_at IS NOT NULL OR rule NOT IN ('skip_rate', 'success_rate', 'skip_spike', 'stale_sync'))
            RETURNING 1)
         SELECT count(*) FROM gone",
        &[tenant.into(), days.into()],
    )?;
    parts.push(counted(gone.unwrap_or_default() as u64, "alert"));
    Ok(format!("removed {}", parts.join(", ")))
}
