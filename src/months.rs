//! The calls by month, where `df_partition` has parted them. The day then belongs to every key, so that Postgres cannot see
//! to it that an id has only one: who writes does.

use std::collections::{BTreeSet, HashSet};

use calls::row::Batch;
use chrono::{NaiveDate, Utc};
use pgrx::prelude::*;
use pgrx::spi;

use crate::pg::extension;
use crate::store::{date, plain};

pub fn are_parted() -> bool {
    extension::kind_of(c"transactions") == b'p'
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
