//! Alert rules: written by whoever may use the tenant, refused where their path is none.

use std::collections::BTreeSet;

use calls::row::Batch;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::error::Failure;
use crate::pg::role::{self, AsOwner};
use crate::tenant::Tenant;

/// Makes or changes a rule; what is stored already is checked at once, and every hit is one alert.
#[pg_extern]
fn df_alert_rule(
    tenant: &str,
    name: &str,
    path: &str,
    severity: default!(&str, "'info'"),
    message: default!(Option<&str>, "NULL"),
) -> Result<i64, ErrorReport> {
    Ok(set(tenant, name, path, severity, message)?)
}

/// Ends a rule; its alerts stay. False where there was none.
#[pg_extern]
fn df_drop_alert_rule(tenant: &str, name: &str) -> Result<bool, ErrorReport> {
    Ok(remove(tenant, name)?)
}

fn set(tenant: &str, name: &str, path: &str, severity: &str, message: Option<&str>) -> Result<i64, Failure> {
    Tenant::zone_of(tenant, role::caller())?;
    let _owner = AsOwner::begin()?;
    Spi::run_with_args(
        "INSERT INTO dialfire.alert_rules AS r (tenant, name, path, severity, message) VALUES ($1, $2, $3::jsonpath, $4, $5)
         ON CONFLICT (tenant, name) DO UPDATE SET path = excluded.path, severity = excluded.severity,
            message = excluded.message, enabled = true",
        &[tenant.into(), name.into(), path.into(), severity.into(), message.into()],
    )?;
    let calls = Spi::get_one_with_args::<Vec<Option<String>>>(
        "SELECT array_agg(id) FROM (SELECT id FROM dialfire.voice_calls WHERE tenant = $1
            UNION ALL SELECT id FROM dialfire.transactions WHERE tenant = $1
            UNION ALL SELECT id FROM dialfire.inbound_calls WHERE tenant = $1) q",
        &[tenant.into()],
    )?;
    let raised = Spi::get_one_with_args::<i64>(
        "SELECT dialfire.raise_alerts($1, $2)",
        &[tenant.into(), calls.unwrap_or_default().into()],
    )?;
    Ok(raised.unwrap_or_default())
}

/// The calls of a batch, where the tenant has rules for them. Calls of voice agents are checked where they are put together,
/// as only those that have changed need it.
pub fn subjects(tenant: &str, batch: &Batch) -> spi::Result<Vec<String>> {
    let events = batch.transactions.iter().map(|t| &t.id).chain(batch.call_details.iter().map(|d| &d.id));
    let ids: BTreeSet<&String> = events.chain(batch.inbound_calls.iter().map(|c| &c.id)).collect();
    let rules = "SELECT EXISTS (SELECT FROM dialfire.alert_rules WHERE tenant = $1 AND enabled)";
    if ids.is_empty() || Spi::get_one_with_args::<bool>(rules, &[tenant.into()])? != Some(true) {
        return Ok(Vec::new());
    }
    Ok(ids.into_iter().cloned().collect())
}

/// Checks the rules on calls that are stored.
pub fn raise(tenant: &str, subjects: Vec<String>) -> spi::Result<()> {
    match subjects.is_empty() {
        true => Ok(()),
        false => Spi::run_with_args("SELECT dialfire.raise_alerts($1, $2)", &[tenant.into(), subjects.into()]),
    }
}

fn remove(tenant: &str, name: &str) -> Result<bool, Failure> {
    Tenant::zone_of(tenant, role::caller())?;
    let _owner = AsOwner::begin()?;
    let gone: spi::Result<Option<bool>> = Spi::get_one_with_args(
        "WITH gone AS (DELETE FROM dialfire.alert_rules WHERE tenant = $1 AND name = $2 RETURNING 1)
         SELECT EXISTS (SELECT FROM gone)",
        &[tenant.into(), name.into()],
    );
    Ok(gone?.unwrap_or_default())
}

/// Sets a threshold of a tenant, or with null its default; returns how many episodes began.
#[pg_extern]
fn df_alert_threshold(tenant: &str, rule: &str, threshold: Option<f64>) -> Result<i64, ErrorReport> {
    Ok(set_threshold(tenant, rule, threshold)?)
}

fn set_threshold(tenant: &str, rule: &str, threshold: Option<f64>) -> Result<i64, Failure> {
    Tenant::zone_of(tenant, role::caller())?;
    let _owner = AsOwner::begin()?;
    if !["skip_rate", "success_rate", "skip_spike", "stale_sync"].contains(&rule) {
        return Err(Failure::UnknownRule(rule.to_owned()));
    }
    let sql = match threshold {
        Some(_) => {
            "INSERT INTO dialfire.alert_thresholds VALUES ($1, $2, $3)
             ON CONFLICT (tenant, rule) DO UPDATE SET threshold = excluded.threshold"
        }
        None => "DELETE FROM dialfire.alert_thresholds WHERE tenant = $1 AND rule = $2 AND $3::float8 IS NULL",
    };
    Spi::run_with_args(sql, &[tenant.into(), rule.into(), threshold.into()])?;
    let begun = Spi::get_one_with_args::<i64>("SELECT dialfire.check_thresholds($1)", &[tenant.into()])?;
    Ok(begun.unwrap_or_default())
}
