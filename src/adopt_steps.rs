//! Adopting a large schema in steps that commit.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::adopt::{Adoption, Tally};
use crate::backfill::Trouble;
use crate::error::Failure;
use crate::ledger::{self, Verdict};
use crate::old_tables::{OldTable, Part};
use crate::pg::role::{self, AsOwner};
use crate::pg::transaction::{attempt, Transactions};

#[pg_extern(sql = r#"
CREATE PROCEDURE df_adopt_steps(
    schema text, tenant text DEFAULT NULL, step bigint DEFAULT 50000, prefix text DEFAULT ''
) LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
fn df_adopt_steps(
    schema: &str,
    tenant: Option<&str>,
    step: i64,
    prefix: &str,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<(), ErrorReport> {
    let transactions = Transactions::of_procedure(fcinfo)?;
    if step < 1 {
        return Err(Failure::StepRows(step).into());
    }
    // What Postgres allocated for the arguments does not outlive the first commit.
    let (schema, tenant, prefix) = (schema.to_owned(), tenant.map(str::to_owned), prefix.to_owned());
    let mut adoption = Adoption::begin(&schema, tenant.as_deref(), &prefix, role::caller())?;
    let from = {
        let _owner = AsOwner::begin()?;
        ledger::mark_crashed().map_err(Failure::from)?;
        let from = interrupted(&adoption, &schema, &prefix).map_err(Failure::from)?;
        adoption.run.show().map_err(Failure::from)?;
        from
    };
    transactions.commit();
    let ended = steps(&transactions, &mut adoption, step, &prefix, from);
    let verdict = match &ended {
        Ok(verdict) => verdict.clone(),
        Err(trouble) => Verdict { status: "failed", message: trouble.message(), hint: trouble.hint() },
    };
    {
        let _owner = AsOwner::begin()?;
        adoption.run.write(&verdict).map_err(Failure::from)?;
    }
    transactions.commit();
    let verdict = ended.map_err(Trouble::raise)?;
    let hint = verdict.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    notice!("{}{hint}", verdict.message);
    Ok(())
}

/// Where an adoption stopped.
struct Place {
    table: String,
    after: Option<String>,
}

/// Where the last adoption of the schema was interrupted, if it was.
fn interrupted(adoption: &Adoption, schema: &str, prefix: &str) -> spi::Result<Option<Place>> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT params ->> 'table', params ->> 'after' FROM (
                SELECT status, params FROM dialfire.runs
                WHERE tenant = $1 AND kind = 'adopt' AND params ->> 'schema' = $2 AND params ->> 'prefix' = $3
                ORDER BY run_id DESC LIMIT 1) r
             WHERE status IN ('failed', 'crashed')",
            Some(1),
            &[adoption.run.tenant.as_str().into(), schema.into(), prefix.into()],
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let after = row.get(2)?;
        Ok(row.get(1)?.map(|table| Place { table, after }))
    })
}

fn steps(
    transactions: &Transactions,
    adoption: &mut Adoption,
    rows: i64,
    prefix: &str,
    from: Option<Place>,
) -> Result<Verdict, Trouble> {
    let mut from = from;
    let mut tallies: Vec<Tally> = Vec::new();
    for (table, old) in adoption.take_tables() {
        if from.as_ref().is_some_and(|place| place.table != table.name()) {
            continue;
        }
        let after = from.take().and_then(|place| place.after);
        let mut tally = Tally::of(table, prefix, old.as_ref());
        if let Some(old) = old.filter(|old| old.lacks().is_none()) {
            read(transactions, adoption, &old, &mut tally, rows, after)?;
        }
        notice!(
            "{}: {} rows read, {} inserted, {} updated, {} rejected, {} duplicates",
            tally.name,
            tally.read,
            tally.changes.inserted,
            tally.changes.updated,
            tally.rejected,
            tally.duplicates
        );
        tallies.push(tally);
    }
    Ok(adoption.verdict(&tallies))
}

fn read(
    transactions: &Transactions,
    adoption: &mut Adoption,
    old: &OldTable,
    tally: &mut Tally,
    rows: i64,
    mut after: Option<String>,
) -> Result<(), Trouble> {
    if after.is_none() {
        step(transactions, adoption, old, tally, &Part::Timeless, None)?;
    }
    while let Some(to) = tried(|| Ok(old.step(after.as_deref(), rows)?))? {
        step(transactions, adoption, old, tally, &Part::Between(after.as_deref(), &to), Some(&to))?;
        after = Some(to);
    }
    Ok(())
}

fn step(
    transactions: &Transactions,
    adoption: &mut Adoption,
    old: &OldTable,
    tally: &mut Tally,
    part: &Part,
    to: Option<&str>,
) -> Result<(), Trouble> {
    tried(|| {
        {
            let _owner = AsOwner::begin()?;
            adoption.lock()?;
        }
        adoption.read(old, part, tally)?;
        let _owner = AsOwner::begin()?;
        adoption.publish()?;
        adoption.run.params["table"] = old.table.name().into();
        adoption.run.params["after"] = to.into();
        let read = tally.read;
        adoption.run.write(&Verdict::in_progress(format!("{read} rows of {} read", old.relation)))?;
        Ok(())
    })?;
    transactions.commit();
    Ok(())
}

/// In a subtransaction: what fails is undone, and the run can still be closed.
fn tried<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Trouble> {
    attempt(work).map_err(Trouble::Caught)?.map_err(Trouble::Failure)
}
