//! Rejects are a queue: what could not be read may be readable for a newer version.

use std::collections::BTreeSet;

use calls::row::{Batch, Reject};
use calls::vendor::Vendor;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::alerts;
use crate::error::Failure;
use crate::ledger;
use crate::months;
use crate::pg::role::{self, AsOwner};
use crate::stats;
use crate::store;
use crate::tenant::Tenant;

/// Kinds that `reject` writes; a row of another kind is somebody else's.
const KINDS: [&str; 7] = ["contact", "transaction", "connection", "recording", "inbound_call", "call", "message"];

#[pg_extern]
fn df_retry_rejects(
    tenant: &str,
) -> Result<TableIterator<'static, (name!(tried, i64), name!(resolved, i64), name!(left_over, i64))>, ErrorReport> {
    let (tried, resolved) = retry(tenant)?;
    Ok(TableIterator::once((tried, resolved, tried - resolved)))
}

fn retry(tenant: &str) -> Result<(i64, i64), Failure> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let open = open(&tenant.name)?;
    let tried = open.len() as i64;
    let mut resolved = Vec::new();
    let mut all = Batch::default();
    let (mut days, mut sources) = (BTreeSet::new(), BTreeSet::new());
    for (id, transaction_id, rejected) in open {
        let transaction = transaction_id.as_deref();
        let batch = with_vendor!(&tenant.access, V, access => V::reread(access, &rejected, transaction, tenant.zone));
        if !batch.is_empty() && batch.rejects.is_empty() {
            resolved.push(id);
            sources.extend(rejected.campaign_id.clone());
            // A leg alone does not know its day; its reject knows when its call was.
            days.extend(rejected.fired.map(|fired| fired.with_timezone(&tenant.zone).date_naive()));
            all.append(batch);
        }
    }
    let count = resolved.len() as i64;
    if let Some(until) = tenant.retired {
        months::let_go(&mut all, until);
    }
    days.extend(all.days());
    sources.iter().try_for_each(|source| ledger::lock(&tenant.name, source))?;
    let subjects = alerts::subjects(&tenant.name, &all)?;
    months::queue(&tenant.name, false)?;
    store::batch(&tenant.name, all, false)?;
    alerts::raise(&tenant.name, subjects)?;
    stats::keep(&tenant.name, &days)?;
    Spi::run_with_args(
        "UPDATE dialfire.rejects SET resolved_at = now() WHERE tenant = $1 AND id = ANY ($2)",
        &[tenant.name.into(), resolved.into()],
    )?;
    Ok((tried, count))
}

/// The open rejects with the transaction of those that hang under a connection.
fn open(tenant: &str) -> spi::Result<Vec<(i64, Option<String>, Reject)>> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT r.id, r.kind, r.key, r.source, r.contact_id, r.event_md5,
                (EXTRACT(epoch FROM r.fired) * 1000000)::bigint, r.payload::text, c.transaction_id
             FROM dialfire.rejects r LEFT JOIN dialfire.connections c
                ON c.tenant = r.tenant AND c.id = r.key AND r.kind = 'recording'
             WHERE r.tenant = $1 AND r.resolved_at IS NULL ORDER BY r.id",
            None,
            &[tenant.into()],
        )?;
        let mut open = Vec::new();
        for row in rows {
            let kind = row.get::<String>(2)?.unwrap_or_default();
            let Some(kind) = KINDS.into_iter().find(|k| *k == kind) else { continue };
            let rejected = Reject {
                kind,
                key: row.get(3)?,
                campaign_id: row.get(4)?,
                contact_id: row.get(5)?,
                event_md5: row.get(6)?,
                fired: row.get::<i64>(7)?.and_then(chrono::DateTime::from_timestamp_micros),
                reason: "",
                field: String::new(),
                detail: String::new(),
                payload: row.get(8)?.unwrap_or_default(),
            };
            open.push((row.get(1)?.unwrap_or_default(), row.get(9)?, rejected));
        }
        Ok(open)
    })
}
