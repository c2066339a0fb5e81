//! Which leg tells of a call and which recording of a leg, after they were written; see `sql/15_legs.sql`.

use chrono::NaiveDate;
use pgrx::prelude::*;
use pgrx::spi;

use crate::pg::extension;
use crate::pg::values;
use crate::store::date;

/// Whether legs know the day of their call and what they tell; those of 0.1.0 do not.
pub fn are_filed() -> bool {
    extension::has_column(c"connections", c"is_main")
}

/// After legs or recordings of these calls were written.
pub fn keep(tenant: &str, calls: &[String]) -> spi::Result<()> {
    if calls.is_empty() || !are_filed() {
        return Ok(());
    }
    Spi::run_with_args("SELECT dialfire.keep_main_legs($1, $2)", &[tenant.into(), calls.to_vec().into()])
}

/// Of all calls of a day, where it is not so.
pub fn rebuild(tenant: &str, day: NaiveDate) -> spi::Result<()> {
    if !are_filed() {
        return Ok(());
    }
    let ids = "SELECT array_agg(id) FROM dialfire.transactions WHERE tenant = $1 AND day = $2";
    let ids: Option<Vec<Option<String>>> = values::read(ids, &[tenant.into(), date(day).into()])?;
    let unkept: Option<Vec<Option<String>>> = values::read(
        "SELECT array_agg(DISTINCT l.transaction_id) FROM dialfire.main_legs($1, $2) l WHERE NOT l.is_kept",
        &[tenant.into(), ids.into()],
    )?;
    keep(tenant, &unkept.into_iter().flatten().flatten().collect::<Vec<_>>())
}
