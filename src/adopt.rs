//! Taking over the tables that the vendor's own client wrote.

use std::collections::{BTreeSet, HashMap, HashSet};

use calls::row::{Agent, Batch};
use calls::vendor::dialfire::{is_derived, Line, Parent, Reader, Table};
use chrono::{DateTime, NaiveDate, TimeDelta};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;
use serde_json::value::RawValue;

use crate::error::Failure;
use crate::ledger::{self, Run, Verdict};
use crate::notify;
use crate::old_tables::{self, OldTable, Part};
use crate::pg::memory::briefly;
use crate::pg::role::{self, AsOwner};
use crate::stats;
use crate::store::{self, Changes};
use crate::sync::counted;
use crate::tenant::{Offline, Tenant};

/// Rows held at a time; a contact may have 600 columns.
const FETCH_ROWS: usize = 1_000;

/// Missing columns that are named.
const NAMED: usize = 6;

#[pg_extern]
fn df_adopt(
    schema: &str,
    tenant: default!(Option<&str>, "NULL"),
    prefix: default!(&str, "''"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(table_name, String),
            name!(read, i64),
            name!(inserted, i64),
            name!(updated, i64),
            name!(unchanged, i64),
            name!(rejected, i64),
            name!(duplicates, i64),
            name!(message, String),
        ),
    >,
    ErrorReport,
> {
    let tallies = adopt(schema, tenant, prefix)?;
    Ok(TableIterator::new(tallies.into_iter().map(|t| {
        let changes = [t.changes.inserted, t.changes.updated, t.changes.unchanged].map(|n| n as i64);
        let [inserted, updated, unchanged] = changes;
        let message = t.message();
        (t.name, t.read as i64, inserted, updated, unchanged, t.rejected as i64, t.duplicates as i64, message)
    })))
}

fn adopt(schema: &str, tenant: Option<&str>, prefix: &str) -> Result<Vec<Tally>, Failure> {
    let mut adoption = Adoption::begin(schema, tenant, prefix, role::caller())?;
    let mut tallies = Vec::new();
    for (table, old) in adoption.take_tables() {
        let mut tally = Tally::of(table, prefix, old.as_ref());
        if let Some(old) = old.filter(|old| old.lacks().is_none()) {
            adoption.read(&old, &Part::All, &mut tally)?;
        }
        tallies.push(tally);
    }
    let _owner = AsOwner::begin()?;
    adoption.publish()?;
    let verdict = adoption.verdict(&tallies);
    adoption.run.write(&verdict)?;
    Ok(tallies)
}

/// What became of a table.
pub struct Tally {
    pub name: String,
    pub read: u64,
    pub changes: Changes,
    pub rejected: u64,
    pub duplicates: u64,
    remarks: Vec<String>,
    without_campaign: u64,
    foreign_ids: u64,
}

impl Tally {
    pub fn of(table: Table, prefix: &str, old: Option<&OldTable>) -> Tally {
        let mut remarks = Vec::new();
        match old.map(|old| (old, old.lacks())) {
            None => remarks.push("there is no such table".to_owned()),
            Some((_, Some(column))) => remarks.push(format!("not read: it has no column \"{column}\"")),
            Some((old, None)) => {
                let (own, missing) = (old.own(), old.missing());
                let place = if table == Table::Contacts { "fields" } else { "extra" };
                if own > 0 {
                    remarks.push(format!("{} kept in {place}", counted(own as u64, "other column")));
                }
                if !missing.is_empty() {
                    let more = missing.len().saturating_sub(NAMED);
                    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                    let named = missing.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
                    remarks.push(format!("it has no column {named}{more}"));
                }
            }
        }
        let name = format!("{prefix}{}", table.name());
        let changes = Changes::default();
        Tally { name, read: 0, changes, rejected: 0, duplicates: 0, remarks, without_campaign: 0, foreign_ids: 0 }
    }

    fn message(&self) -> String {
        let mut parts = self.remarks.clone();
        let mut tell = |number: u64, what: &str| {
            if number > 0 {
                parts.push(format!("{} {what}", counted(number, "row")));
            }
        };
        tell(self.rejected, "rejected, see dialfire.rejects_open");
        tell(self.without_campaign, "without a known campaign, as the contact is not there");
        tell(
            self.foreign_ids,
            "whose id is not the one that the vendor's client derives: a sync stores them once more",
        );
        parts.join("; ")
    }
}

/// One adoption of a schema by a tenant.
pub struct Adoption {
    tenant: Offline,
    schema: String,
    pub run: Run,
    tables: Vec<(Table, Option<OldTable>)>,
    days: BTreeSet<NaiveDate>,
    before: Changes,
}

impl Adoption {
    pub fn begin(schema: &str, tenant: Option<&str>, prefix: &str, caller: pg_sys::Oid) -> Result<Adoption, Failure> {
        let _owner = AsOwner::begin()?;
        let name = match tenant {
            Some(tenant) => tenant.to_owned(),
            None => only_tenant(schema, caller)?,
        };
        let tenant = Tenant::offline(&name, caller)?;
        let tables = old_tables::find(schema, prefix, caller)?;
        let mut run = Run::of(&tenant.name, &tenant.role, "campaign", "adopt", false)?;
        run.params = serde_json::json!({ "schema": schema, "prefix": prefix });
        let schema = schema.to_owned();
        let adoption = Adoption { tenant, schema, run, tables, days: BTreeSet::new(), before: Changes::default() };
        adoption.lock()?;
        Ok(adoption)
    }

    /// Against a second adoption, and against syncs: they would write the same rows in another order.
    pub fn lock(&self) -> Result<(), Failure> {
        ledger::lock(&self.tenant.name, &format!("schema {}", self.schema))?;
        let campaigns = Spi::get_one_with_args::<Vec<Option<String>>>(
            "SELECT array_agg(id ORDER BY id) FROM dialfire.campaigns WHERE tenant = $1",
            &[self.tenant.name.as_str().into()],
        )?;
        campaigns.into_iter().flatten().flatten().try_for_each(|id| ledger::lock(&self.tenant.name, &id))
    }

    pub fn take_tables(&mut self) -> Vec<(Table, Option<OldTable>)> {
        std::mem::take(&mut self.tables)
    }

    /// Reads rows as the caller and stores them as the owner.
    pub fn read(&mut self, old: &OldTable, part: &Part, tally: &mut Tally) -> Result<(), Failure> {
        let cursor = old.open(part)?;
        let mut reader = Reader::new(old.table, self.tenant.zone);
        loop {
            let rows = briefly(|| old_tables::fetch(&cursor, FETCH_ROWS))?;
            if rows.is_empty() {
                break;
            }
            let _owner = AsOwner::begin()?;
            briefly(|| self.store(&rows, &mut reader, tally))?;
        }
        old_tables::close(&cursor)?;
        tally.duplicates += reader.duplicates;
        Ok(())
    }

    fn store(&mut self, rows: &[old_tables::Row], reader: &mut Reader, tally: &mut Tally) -> Result<(), Failure> {
        let parents = self.parents(reader.table, rows)?;
        let mut batch = Batch::default();
        for (id, parent, json) in rows {
            let object = serde_json::from_str(json).unwrap_or(RawValue::NULL);
            let known = parent.as_deref().and_then(|id| parents.get(id.trim()));
            let line = Line { id: id.clone(), parent: parent.clone(), object };
            reader.read(&line, known.map(|known| &known.parent), &mut batch);
        }
        tally.read += rows.len() as u64;
        tally.rejected += batch.rejects.len() as u64;
        for call in &batch.transactions {
            let contact_id = call.contact_id.as_deref().unwrap_or_default();
            tally.without_campaign += u64::from(call.campaign_id.as_deref() == Some(""));
            let fired = call.fired.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
            tally.foreign_ids += u64::from(!is_derived(&call.id, contact_id, &fired.unwrap_or_default()));
        }
        self.run.quarantine(&batch)?;
        self.run.sources.extend(batch.sources().into_iter().filter(|id| !id.is_empty()));
        let tenant = &self.tenant.name;
        // Among events the newest counts; of the same event the vendor's word does.
        let before = |agent: Agent| Agent { seen: agent.seen.map(|at| at - TimeDelta::microseconds(1)), ..agent };
        store::agents(tenant, std::mem::take(&mut batch.agents).into_iter().map(before).collect())?;
        // Rows that changed, by what their day is known of.
        let of_parent = |pairs: Vec<(String, Option<String>)>, written: &HashSet<String>| -> Vec<NaiveDate> {
            let changed = pairs.into_iter().filter(|(id, _)| written.contains(id));
            changed.filter_map(|(_, parent)| parents.get(&parent?)?.day).collect()
        };
        let len = batch.len() - batch.rejects.len();
        let changes = match reader.table {
            Table::Contacts => store::adopt(tenant, batch.contacts)?.0,
            Table::Transactions => {
                let days: Vec<_> = batch.transactions.iter().map(|t| (t.id.clone(), t.day)).collect();
                let (changes, written) = store::adopt(tenant, batch.transactions)?;
                self.days.extend(days.into_iter().filter(|(id, _)| written.contains(id)).filter_map(|(_, day)| day));
                self.run.calls.add(changes);
                changes
            }
            Table::Connections => {
                let pairs = batch.connections.iter().map(|c| (c.id.clone(), c.transaction_id.clone())).collect();
                let (changes, written) = store::adopt(tenant, batch.connections)?;
                self.days.extend(of_parent(pairs, &written));
                changes
            }
            Table::Recordings => {
                let pairs = batch.recordings.iter().map(|r| (r.id.clone(), r.connection_id.clone())).collect();
                let (changes, written) = store::adopt(tenant, batch.recordings)?;
                self.days.extend(of_parent(pairs, &written));
                changes
            }
            Table::InboundCalls => {
                let days: Vec<_> = batch.inbound_calls.iter().map(|c| (c.id.clone(), c.day)).collect();
                let (changes, written) = store::adopt(tenant, batch.inbound_calls)?;
                self.days.extend(days.into_iter().filter(|(id, _)| written.contains(id)).filter_map(|(_, day)| day));
                self.run.calls.add(changes);
                changes
            }
        };
        tally.changes.add(changes);
        tally.duplicates += len as u64 - changes.touched();
        Ok(())
    }

    /// What the rows hang on, by its id, as far as it is stored.
    fn parents(&self, table: Table, rows: &[old_tables::Row]) -> spi::Result<HashMap<String, Known>> {
        let known = match table {
            Table::Contacts | Table::InboundCalls => return Ok(HashMap::new()),
            Table::Transactions => {
                "SELECT s.campaign_id, '', '', NULL::bigint, NULL::text FROM dialfire.contacts s
                 WHERE s.tenant = $1 AND s.id = i.id LIMIT 1"
            }
            Table::Connections => {
                "SELECT s.campaign_id, s.contact_id, '', (EXTRACT(epoch FROM s.fired) * 1000000)::bigint, s.day::text
                 FROM dialfire.transactions s WHERE s.tenant = $1 AND s.id = i.id LIMIT 1"
            }
            Table::Recordings => {
                "SELECT t.campaign_id, s.contact_id, s.transaction_id, (EXTRACT(epoch FROM t.fired) * 1000000)::bigint,
                    t.day::text
                 FROM dialfire.connections s
                 LEFT JOIN dialfire.transactions t ON t.tenant = s.tenant AND t.id = s.transaction_id
                 WHERE s.tenant = $1 AND s.id = i.id LIMIT 1"
            }
        };
        let ids: BTreeSet<&str> = rows.iter().filter_map(|(_, parent, _)| parent.as_deref().map(str::trim)).collect();
        let sql = format!("SELECT i.id, k.* FROM unnest($2::text[]) AS i(id) CROSS JOIN LATERAL ({known}) k");
        let args: [DatumWithOid; 2] = [self.tenant.name.as_str().into(), ids.into_iter().collect::<Vec<_>>().into()];
        Spi::connect(|client| {
            let rows = client.select(&sql, None, &args)?;
            rows.map(|row| {
                let parent = Parent {
                    campaign_id: row.get(2)?,
                    contact_id: row.get(3)?.unwrap_or_default(),
                    transaction_id: row.get(4)?.unwrap_or_default(),
                    fired: row.get::<i64>(5)?.and_then(DateTime::from_timestamp_micros),
                };
                let day = row.get::<String>(6)?.and_then(|day| day.parse().ok());
                Ok((row.get::<String>(1)?.unwrap_or_default(), Known { parent, day }))
            })
            .collect()
        })
    }

    /// Brings the rollup up to date and tells whoever listens. As the owner.
    pub fn publish(&mut self) -> Result<(), Failure> {
        let (days, sources) = (std::mem::take(&mut self.days), std::mem::take(&mut self.run.sources));
        if !days.is_empty() {
            store::analyze_if_grown(self.run.calls.inserted - self.before.inserted)?;
            stats::keep(&self.tenant.name, &days)?;
            if self.tenant.notify {
                notify::send(&self.run, self.before, &days, &sources)?;
            }
        }
        self.before = self.run.calls;
        Ok(())
    }

    /// How it ended. As nothing was asked of the vendor, no time is covered.
    pub fn verdict(&mut self, tallies: &[Tally]) -> Verdict {
        let sum = |of: &dyn Fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
        let rejected = sum(&|t| t.rejected);
        self.run.rejected = rejected;
        self.run.fetched = self.run.calls.touched();
        if sum(&|t| t.duplicates) > 0 {
            self.run.skip("duplicate_row", sum(&|t| t.duplicates));
        }
        let rows = counted(sum(&|t| t.read), "row");
        let mut message = format!("{rows} of schema {} read", self.schema);
        if rejected > 0 {
            message += &format!(", {} rejected, see dialfire.rejects_open", counted(rejected, "row"));
        }
        let hint =
            format!("df_compare('{}') lists what is missing, df_backfill fetches it", self.schema.replace('\'', "''"));
        Verdict { status: if rejected > 0 { "partial" } else { "success" }, message, hint: Some(hint) }
    }
}

/// An instant as the vendor and its client write it; null where it is none.
#[pg_extern(
    immutable,
    parallel_safe,
    sql = "CREATE FUNCTION dialfire.instant(value text) RETURNS timestamptz IMMUTABLE STRICT PARALLEL SAFE \
           LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';"
)]
fn instant(value: &str) -> Option<TimestampWithTimeZone> {
    calls::instant::parse(value).ok().map(store::instant)
}

/// What a row hangs on, and the day of its call.
struct Known {
    parent: Parent,
    day: Option<NaiveDate>,
}

/// The tenant of who may use only one.
pub fn only_tenant(schema: &str, caller: pg_sys::Oid) -> Result<String, Failure> {
    let usable = Spi::get_one_with_args::<Vec<Option<String>>>(
        "SELECT array_agg(s.srvname::text ORDER BY s.srvname) FROM pg_foreign_server s
         JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'dialfire_sync'
         WHERE has_server_privilege($1, s.oid, 'USAGE') AND 'vendor=dialfire' = ANY (s.srvoptions)",
        &[caller.into()],
    )?;
    let mut usable: Vec<String> = usable.into_iter().flatten().flatten().collect();
    match usable.len() {
        1 => Ok(usable.remove(0)),
        _ => Err(Failure::WhichTenant { schema: schema.to_owned(), usable }),
    }
}
