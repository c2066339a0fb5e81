//! The day of a call, which its legs and recordings have too, so that all of a day is found at once. Where the tables are
//! parted by month it is what decides the month.

use std::collections::{BTreeSet, HashMap};

use calls::row::{Batch, Row, Transaction, Values};
use chrono::NaiveDate;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi;

use crate::legs;
use crate::months;
use crate::pg::values;
use crate::store::{date, plain};

/// They have no day of their own.
const OF_CALLS: [&str; 2] = ["connections", "recordings"];

/// Where a row finds its day, if that is more than one of its values.
#[derive(Clone, Copy, PartialEq)]
pub enum Dated {
    /// In itself; others stand or hang by it.
    Itself,
    ByCall,
}

/// How the days of a table are written.
#[derive(Clone, Copy)]
pub struct Filing {
    pub dated: Dated,
    /// The day belongs to the key.
    pub is_parted: bool,
}

/// Days of the calls that are being written, by their ids.
#[derive(Default)]
pub struct Days {
    of_calls: HashMap<String, NaiveDate>,
    is_parted: bool,
    /// Not in the objects of 0.1.0.
    of_legs: bool,
}

impl Days {
    /// Makes the months of a batch, where the tables are parted.
    pub fn of(batch: &Batch, dry: bool) -> spi::Result<Days> {
        let is_parted = months::are_parted();
        if is_parted && !dry {
            months::make(batch.days())?;
        }
        let of_call = |call: &Transaction| Some((call.id.clone(), call.day?));
        let of_legs = legs::are_filed();
        let of_calls = batch.transactions.iter().filter(|_| of_legs).filter_map(of_call).collect();
        Ok(Days { of_calls, is_parted, of_legs })
    }

    /// Makes the months of rows of one table.
    pub fn of_rows<R: Row>(rows: &[R]) -> spi::Result<Days> {
        let is_parted = months::are_parted();
        if is_parted {
            let days = R::columns(rows).into_iter().filter_map(|values| match values {
                Values::Days(days) => Some(days),
                _ => None,
            });
            months::make(days.flatten().flatten().collect())?;
        }
        Ok(Days { is_parted, of_legs: legs::are_filed(), ..Days::default() })
    }

    pub fn filing<R: Row>(&self) -> Option<Filing> {
        let dated = match R::TABLE {
            "transactions" if self.of_legs => Dated::Itself,
            "inbound_calls" if self.is_parted => Dated::Itself,
            table if self.of_legs && OF_CALLS.contains(&table) => Dated::ByCall,
            _ => return None,
        };
        Some(Filing { dated, is_parted: self.is_parted })
    }

    /// The day of a call, as far as it comes with the rows.
    pub fn of_call(&self, call_id: Option<&str>) -> Option<NaiveDate> {
        self.of_calls.get(call_id?).copied()
    }

    /// The days of the calls of rows.
    pub fn of_their_calls<R: Row>(&self, rows: &[R]) -> DatumWithOid<'static> {
        calls_of(rows).into_iter().map(|call| self.of_call(call).and_then(date)).collect::<Vec<_>>().into()
    }
}

/// The calls under which rows hang.
pub fn calls_of<R: Row>(rows: &[R]) -> Vec<Option<&str>> {
    let at = R::COLUMNS.iter().position(|column| column.name == "transaction_id");
    match at.and_then(|at| R::columns(rows).into_iter().nth(at)) {
        Some(Values::Texts(calls)) => calls,
        _ => vec![None; rows.len()],
    }
}

/// Gives rows the day that they have now, with all that hangs under calls.
pub fn relocate(tenant: &str, table: &str, ids: Vec<String>, days: Vec<Option<Date>>) -> spi::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let args: [DatumWithOid; 3] = [tenant.into(), ids.into(), days.into()];
    let given = "unnest($2::text[], $3::date[]) AS i(id, day)";
    Spi::run_with_args(
        &format!("UPDATE dialfire.{table} r SET day = i.day FROM {given} WHERE r.tenant = $1 AND r.id = i.id AND r.day <> i.day"),
        &args,
    )?;
    if table == "transactions" {
        follow(given, &args)?;
    }
    Ok(())
}

/// Legs and recordings go to the day on which the calls of some days are by now.
pub fn rebuild(tenant: &str, first: NaiveDate, days: i64) -> spi::Result<()> {
    let calls = "dialfire.transactions i WHERE i.tenant = $1 AND i.day BETWEEN $2 AND $2 + $3::int";
    follow(&format!("(SELECT i.id, i.day FROM {calls}) i"), &[tenant.into(), date(first).into(), days.into()])
}

/// What hangs under calls of tenant $1 goes to their day; `calls` are their ids and days as a relation named `i`.
fn follow(calls: &str, args: &[DatumWithOid]) -> spi::Result<()> {
    if !legs::are_filed() {
        return Ok(());
    }
    // Recordings by their legs, as there is no index on their calls.
    for sql in [
        format!(
            "UPDATE dialfire.connections r SET day = i.day FROM {calls}
             WHERE r.tenant = $1 AND r.transaction_id = i.id AND r.day <> i.day"
        ),
        format!(
            "UPDATE dialfire.recordings r SET day = i.day FROM {calls}
             JOIN dialfire.connections c ON c.tenant = $1 AND c.transaction_id = i.id
             WHERE r.tenant = $1 AND r.connection_id = c.id AND r.day <> i.day"
        ),
    ] {
        Spi::run_with_args(&sql, args)?;
    }
    Ok(())
}

/// What came before its call goes to its day, if the call is stored by now. Returns these days: the call was counted without it.
pub fn file(tenant: &str) -> spi::Result<BTreeSet<NaiveDate>> {
    let (mut days, mut calls) = (BTreeSet::new(), Vec::new());
    for table in OF_CALLS.iter().filter(|_| legs::are_filed()) {
        // The end of the index tells, whatever statistics say; of partitions it is one.
        let last =
            format!("SELECT max(day) = 'infinity' FROM dialfire.{table} WHERE tenant = $1 AND day > '2049-12-31'");
        if values::read::<bool>(&last, &[tenant.into()])? != Some(true) {
            continue;
        }
        let file = format!(
            "WITH filed AS (
                UPDATE dialfire.{table} r SET day = t.day FROM dialfire.transactions t
                WHERE r.tenant = $1 AND r.day = 'infinity' AND t.tenant = $1 AND t.id = r.transaction_id
                RETURNING r.day, t.id)
             SELECT array_agg(DISTINCT day), array_agg(DISTINCT id) FROM filed"
        );
        Spi::connect_mut(|client| {
            let done = client.update(&file, Some(1), &[tenant.into()])?.first();
            let (of, ids) = done.get_two::<Vec<Option<Date>>, Vec<Option<String>>>()?;
            days.extend(of.into_iter().flatten().flatten().filter_map(plain));
            calls.extend(ids.into_iter().flatten().flatten());
            Ok::<_, spi::Error>(())
        })?;
    }
    legs::keep(tenant, &calls)?;
    Ok(days)
}
