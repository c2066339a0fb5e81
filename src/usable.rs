//! Whether the current role may use a tenant, for row security that may hold no sub-select: it is looked up once a command.

use std::cell::RefCell;
use std::collections::HashSet;

use pgrx::pg_sys;
use pgrx::prelude::*;
use pgrx::spi;

use crate::pg::role;

#[derive(PartialEq, Clone, Copy)]
struct Moment {
    role: pg_sys::Oid,
    statement: i64,
    command: u32,
}

thread_local! {
    static KNOWN: RefCell<Option<(Moment, HashSet<String>)>> = const { RefCell::new(None) };
}

#[pg_extern(stable, parallel_safe)]
fn df_may_see(tenant: &str) -> Result<bool, spi::Error> {
    let (statement, command) = crate::pg::transaction::command();
    let moment = Moment { role: role::caller(), statement, command };
    if let Some(seen) = KNOWN.with_borrow(|known| match known {
        Some((at, tenants)) if *at == moment => Some(tenants.contains(tenant)),
        _ => None,
    }) {
        return Ok(seen);
    }
    let tenants = Spi::get_one::<Vec<Option<String>>>("SELECT dialfire.usable_tenants()")?;
    let tenants: HashSet<String> = tenants.unwrap_or_default().into_iter().flatten().collect();
    let seen = tenants.contains(tenant);
    KNOWN.set(Some((moment, tenants)));
    Ok(seen)
}
