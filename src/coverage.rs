//! Taking coverage back: what is not covered any more is fetched again.

use calls::range;
use chrono::Utc;
use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::error::Failure;
use crate::ledger;
use crate::pg::role::{self, AsOwner};
use crate::store::instant;
use crate::tenant::Tenant;

/// Each source with the time that was covered in the range and is wanted again.
#[pg_extern]
fn df_reset_coverage(
    tenant: &str,
    range: &str,
) -> Result<TableIterator<'static, (name!(source, String), name!(removed, Interval))>, ErrorReport> {
    Ok(TableIterator::new(reset(tenant, range)?))
}

fn reset(tenant: &str, range: &str) -> Result<Vec<(String, Interval)>, Failure> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let window = range::parse(range, tenant.zone, Utc::now())?;
    let name = tenant.name.as_str();
    let sources = Spi::get_one_with_args::<Vec<String>>(
        "SELECT array_agg(source ORDER BY source) FROM dialfire.coverage WHERE tenant = $1 AND covered && tstzrange($2, $3)",
        &[name.into(), instant(window.from).into(), instant(window.to).into()],
    )?;
    // A run at work would cover the time again that it read before.
    for source in sources.iter().flatten() {
        ledger::wait(name, source)?;
    }
    Ok(Spi::connect_mut(|client| {
        let rows = client.update(
            "WITH before AS (
                SELECT source, (SELECT sum(upper(r) - lower(r)) FROM unnest(covered * tstzmultirange(tstzrange($2, $3))) r) AS removed
                FROM dialfire.coverage WHERE tenant = $1 AND covered && tstzrange($2, $3)
             ), taken AS (
                UPDATE dialfire.coverage SET covered = covered - tstzmultirange(tstzrange($2, $3)), changed_at = now()
                WHERE tenant = $1 AND covered && tstzrange($2, $3)
             ) SELECT source, removed FROM before ORDER BY source",
            None,
            &[name.into(), instant(window.from).into(), instant(window.to).into()],
        )?;
        rows.map(|row| Ok((row.get(1)?.unwrap_or_default(), row.get(2)?.unwrap_or_else(|| Interval::from_micros(0)))))
            .collect::<spi::Result<_>>()
    })?)
}
