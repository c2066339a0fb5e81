//! The calls by month, where `df_partition` has parted them. The day then belongs to every key, so that Postgres cannot see
//! to it that an id has only one: who writes does.

use std::collections::{BTreeSet, HashMap, HashSet};

use calls::row::{Batch, Row, Values};
use chrono::{NaiveDate, Utc};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi;

use crate::pg::extension;
use crate::store::{date, plain};

/// Legs and recordings have no day of their own: they go where their call is.
const OF_CALLS: [&str; 2] = ["connections", "recordings"];
const DATED: [&str; 2] = ["transactions", "inbound_calls"];

pub fn are_parted() -> bool {
    extension::kind_of(c"transactions") == b'p'
}

/// Days of the calls that are being written, by their ids; `None` where nothing is parted.
#[derive(Default)]
pub struct Months(Option<HashMap<String, NaiveDate>>);

impl Months {
    /// Makes the months of a batch.
    pub fn of(batch: &Batch, dry: bool) -> spi::Result<Months> {
        if !are_parted() {
            return Ok(Months::default());
        }
        if !dry {
            make(batch.days())?;
        }
        let of_call = |call: &calls::row::Transaction| Some((call.id.clone(), call.day?));
        Ok(Months(Some(batch.transactions.iter().filter_map(of_call).collect())))
    }

    /// Makes the months of rows of one table.
    pub fn of_rows<R: Row>(rows: &[R]) -> spi::Result<Months> {
        if !are_parted() {
            return Ok(Months::default());
        }
        let days = R::columns(rows).into_iter().filter_map(|values| match values {
            Values::Days(days) => Some(days),
            _ => None,
        });
        make(days.flatten().flatten().collect())?;
        Ok(Months(Some(HashMap::new())))
    }

    pub fn part<R: Row>(&self) -> Option<Parted> {
        self.0.as_ref()?;
        match R::TABLE {
            table if DATED.contains(&table) => Some(Parted::ByDay),
            table if OF_CALLS.contains(&table) => Some(Parted::ByCall),
            _ => None,
        }
    }

    /// The day of a call, or the day on which something of it comes while it is unknown.
    pub fn day_of(&self, call_id: Option<&str>) -> NaiveDate {
        self.known(call_id).unwrap_or_else(|| Utc::now().date_naive())
    }

    fn known(&self, call_id: Option<&str>) -> Option<NaiveDate> {
        self.0.as_ref()?.get(call_id?).copied()
    }

    /// The days of the calls of rows, as far as they come with them.
    pub fn days_of<R: Row>(&self, rows: &[R]) -> DatumWithOid<'static> {
        let at = R::COLUMNS.iter().position(|column| column.name == "transaction_id").unwrap_or_default();
        let days: Vec<_> = match R::columns(rows).into_iter().nth(at) {
            Some(Values::Texts(calls)) => calls.into_iter().map(|id| self.known(id).and_then(date)).collect(),
            _ => vec![None; rows.len()],
        };
        days.into()
    }
}

/// Where a row of a parted table finds its day.
#[derive(Clone, Copy, PartialEq)]
pub enum Parted {
    ByDay,
    ByCall,
}

/// The first day whose calls were not let go.
pub fn retired_until() -> spi::Result<Option<NaiveDate>> {
    if !are_parted() {
        return Ok(None);
    }
    Ok(crate::pg::values::read::<Date>("SELECT dialfire.retired_until()", &[])?.and_then(plain))
}

/// Takes out of a batch what belongs to months that were let go: a contact brings its calls of all times.
pub fn let_go(batch: &mut Batch, until: NaiveDate) {
    let is_old = |day: Option<NaiveDate>| day.is_some_and(|day| day < until);
    let old: HashSet<String> =
        batch.transactions.iter().filter(|call| is_old(call.day)).map(|call| call.id.clone()).collect();
    batch.inbound_calls.retain(|call| !is_old(call.day));
    if old.is_empty() {
        return;
    }
    let is_left = |call_id: Option<&String>| call_id.is_none_or(|id| !old.contains(id));
    batch.transactions.retain(|call| is_left(Some(&call.id)));
    batch.connections.retain(|leg| is_left(leg.transaction_id.as_ref()));
    batch.recordings.retain(|recording| is_left(recording.transaction_id.as_ref()));
    batch.call_details.retain(|detail| is_left(Some(&detail.id)));
}

/// Makes months that are not there yet.
pub fn make(mut days: BTreeSet<NaiveDate>) -> spi::Result<()> {
    days.insert(Utc::now().date_naive());
    let days: Vec<_> = days.into_iter().filter_map(date).collect();
    Spi::run_with_args("SELECT dialfire.make_months($1)", &[days.into()])
}

/// Until the end of the transaction nobody writes a call of the tenant while a webhook does: of two who did not see each
/// other's new call each could put it into another month.
pub fn queue(tenant: &str, is_webhook: bool) -> spi::Result<()> {
    if !are_parted() {
        return Ok(());
    }
    let kind = if is_webhook { "" } else { "_shared" };
    Spi::run_with_args(
        &format!("SELECT pg_advisory_xact_lock{kind}(hashtextextended('dialfire_sync months ' || $1, 0))"),
        &[tenant.into()],
    )
}

/// Gives rows the day that they have now, with all that hangs under calls.
pub fn relocate(tenant: &str, table: &str, ids: Vec<String>, days: Vec<Option<Date>>) -> spi::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let args: [DatumWithOid; 3] = [tenant.into(), ids.into(), days.into()];
    let mut places = vec![(table, "id")];
    if table == "transactions" {
        places.extend(OF_CALLS.map(|table| (table, "transaction_id")));
    }
    for (table, key) in places {
        Spi::run_with_args(
            &format!(
                "UPDATE dialfire.{table} r SET day = i.day FROM unnest($2::text[], $3::date[]) AS i(id, day)
                 WHERE r.tenant = $1 AND r.{key} = i.id AND r.day <> i.day"
            ),
            &args,
        )?;
    }
    Ok(())
}

/// Legs and recordings go where the calls of some days are by now.
pub fn follow(tenant: &str, first: NaiveDate, days: i64) -> spi::Result<()> {
    for table in OF_CALLS {
        Spi::run_with_args(
            &format!(
                "UPDATE dialfire.{table} r SET day = t.day FROM dialfire.transactions t
                 WHERE t.tenant = $1 AND t.day BETWEEN $2 AND $2 + $3::int AND r.tenant = $1 AND r.transaction_id = t.id
                   AND r.day <> t.day"
            ),
            &[tenant.into(), date(first).into(), days.into()],
        )?;
    }
    Ok(())
}
