//! Agents: which are known, and whose calls count.

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::NaiveDate;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Failure;
use crate::fetch::{Fetch, Fetched};
use crate::pg::role::{self, AsOwner};
use crate::stats;
use crate::store;
use crate::tenant::Tenant;

type Found = Vec<(String, String, bool, i64)>;

/// Asks the vendor for its agents; returns all that are known by now.
#[pg_extern]
fn df_fetch_agents(
    tenant: &str,
) -> Result<
    TableIterator<'static, (name!(agent_id, String), name!(name, String), name!(assigned, bool), name!(calls, i64))>,
    ErrorReport,
> {
    Ok(TableIterator::new(fetch(tenant)?))
}

fn fetch(tenant: &str) -> Result<Found, Failure> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    with_vendor!(&tenant.access, V, access => learn::<V>(&tenant, access))?;
    Ok(Spi::connect(|client| {
        let rows = client.select(
            "SELECT a.id, a.login, a.assigned,
                (SELECT count(*) FROM dialfire.transactions t WHERE t.tenant = a.tenant AND t.user_id = a.id)
             FROM dialfire.agents a WHERE a.tenant = $1 ORDER BY a.login, a.id",
            None,
            &[tenant.name.into()],
        )?;
        let column = |row: &pgrx::spi::SpiHeapTupleData, n| row.get::<String>(n).map(Option::unwrap_or_default);
        rows.map(|row| {
            Ok((column(&row, 1)?, column(&row, 2)?, row.get(3)?.unwrap_or_default(), row.get(4)?.unwrap_or_default()))
        })
        .collect::<Result<_, pgrx::spi::Error>>()
    })?)
}

fn learn<V: Fetched>(tenant: &Tenant, access: &V::Access) -> Result<(), Failure> {
    let Some(job) = V::list_agents() else { return Ok(()) };
    let mut fetch = Fetch::<V>::start(tenant, access.clone())?;
    let outcome = fetch.ask(job).outcome;
    let outcome = outcome.map_err(|error| Failure::Vendor { tenant: tenant.name.clone(), error })?;
    Ok(store::agents(&tenant.name, V::agents(outcome).unwrap_or_default())?)
}

/// Lets the calls of an agent count, those that are stored already too; returns how many those are.
#[pg_extern]
fn df_assign_agent(tenant: &str, agent: &str, assigned_to: default!(Option<&str>, "NULL")) -> Result<i64, ErrorReport> {
    Ok(assign(tenant, agent, Some(assigned_to))?)
}

/// Lets the calls of an agent no longer count; returns how many are stored.
#[pg_extern]
fn df_unassign_agent(tenant: &str, agent: &str) -> Result<i64, ErrorReport> {
    Ok(assign(tenant, agent, None)?)
}

fn assign(tenant: &str, agent: &str, to: Option<Option<&str>>) -> Result<i64, Failure> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    Tenant::may_use(tenant, caller)?;
    // By id, or by a name that only one agent has.
    let id = Spi::get_one_with_args::<String>(
        "SELECT CASE WHEN bool_or(id = $2) THEN $2 WHEN count(*) = 1 THEN max(id) END
         FROM dialfire.agents WHERE tenant = $1 AND (id = $2 OR login = $2)",
        &[tenant.into(), agent.into()],
    )?;
    let Some(id) = id else {
        return Err(Failure::UnknownAgent { tenant: tenant.to_owned(), agent: agent.to_owned() });
    };
    Spi::run_with_args(
        "UPDATE dialfire.agents SET assigned = $3, assigned_to = CASE WHEN $3 THEN $4 END,
            assigned_at = CASE WHEN $3 THEN $5::timestamptz END, changed_at = now()
         WHERE tenant = $1 AND id = $2 AND (assigned, assigned_to) IS DISTINCT FROM ($3, CASE WHEN $3 THEN $4 END)",
        &[tenant.into(), id.as_str().into(), to.is_some().into(), to.flatten().into(), crate::ledger::now()?.into()],
    )?;
    let (calls, days) = Spi::get_two_with_args::<i64, Vec<Option<String>>>(
        "SELECT count(*), array_agg(DISTINCT day::text) FROM dialfire.transactions WHERE tenant = $1 AND user_id = $2",
        &[tenant.into(), id.as_str().into()],
    )?;
    let days: BTreeSet<NaiveDate> =
        days.unwrap_or_default().into_iter().flatten().filter_map(|day| NaiveDate::from_str(&day).ok()).collect();
    stats::keep(tenant, &days)?;
    Ok(calls.unwrap_or_default())
}
