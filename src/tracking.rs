//! Attempts from a table of the user's own, so that a call shows even where the vendor never told of it.

use std::collections::BTreeMap;

use calls::field::Fault;
use calls::row::{Batch, Reject};
use calls::vendor::vapi::{Attempt, Take, VoiceCall};
use chrono::{DateTime, Utc};
use pgrx::datum::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::{Map, Value};

use crate::error::Failure;
use crate::ledger::{Run, Verdict};
use crate::pg::role::{self, AsOwner};
use crate::sync::{counted, Sync};
use crate::tenant::Tenant;
use crate::vendor::Access;

/// What is read, and the column that it is read from where the mapping names no other.
const COLUMNS: [(&str, Option<&str>); 8] = [
    ("id", Some("id")),
    ("call_id", Some("vapi_call_id")),
    ("phone", Some("phone")),
    ("called_at", Some("called_at")),
    ("outcome", Some("call_outcome")),
    ("metadata", Some("metadata")),
    ("name", None),
    ("direction", None),
];

#[pg_extern]
fn df_import_tracking(
    relation: &str,
    mapping: JsonB,
) -> Result<
    TableIterator<
        'static,
        (
            name!(run_id, Option<i64>),
            name!(rows, i64),
            name!(inserted, i64),
            name!(updated, i64),
            name!(unchanged, i64),
            name!(rejected, i64),
        ),
    >,
    ErrorReport,
> {
    let (run, rows) = import(relation, mapping.0)?;
    let calls = run.calls;
    Ok(TableIterator::once((
        run.id,
        rows,
        calls.inserted as i64,
        calls.updated as i64,
        calls.unchanged as i64,
        run.rejected as i64,
    )))
}

fn import(relation: &str, mapping: Value) -> Result<(Run, i64), Failure> {
    let caller = role::caller();
    let plan = Plan::read(mapping)?;
    // With the caller's own rights: the table is not ours.
    let rows = plan.rows(relation)?;
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(&plan.tenant, caller)?;
    let Access::Vapi(access) = &tenant.access else {
        return Err(Failure::NoWebhooks { tenant: tenant.name });
    };
    let mut run = Run::begin(&tenant, "import", false)?;
    let before = run.calls;
    let (mut batch, mut named) = (Batch::default(), Vec::new());
    for row in &rows {
        match attempt(row, access.take()) {
            Ok((call, Some(nameless))) => {
                batch.voice_calls.push(call);
                named.push(nameless);
            }
            Ok((call, None)) => batch.voice_calls.push(call),
            Err(fault) => batch.rejects.push(reject(row, fault)),
        }
    }
    run.fetched = rows.len() as u64;
    let sync = Sync { tenant: &tenant, now: Utc::now(), dry: false };
    sync.flush(&mut batch, &mut run)?;
    // An attempt that has got its call since: the call is shown, and not both.
    Spi::run_with_args(
        "DELETE FROM dialfire.voice_calls WHERE tenant = $1 AND id = ANY ($2)",
        &[tenant.name.as_str().into(), named.into()],
    )?;
    sync.publish(&mut run, before)?;
    run.complete = 1;
    let message = format!("{} of {relation}", counted(rows.len() as u64, "attempt"));
    let status = if run.rejected > 0 { "partial" } else { "success" };
    run.write(&Verdict { status, message, hint: None })?;
    let rows = rows.len() as i64;
    Ok((run, rows))
}

/// What to read from where.
struct Plan {
    tenant: String,
    columns: BTreeMap<String, String>,
    /// Columns that the user named: these must exist.
    filter: Map<String, Value>,
    named: Vec<String>,
}

impl Plan {
    fn read(mapping: Value) -> Result<Plan, Failure> {
        let bad = |why: String| Failure::Mapping { why };
        let Value::Object(mut mapping) = mapping else { return Err(bad("It is not an object.".to_owned())) };
        let Some(Value::String(tenant)) = mapping.remove("tenant") else {
            return Err(bad("It does not name the tenant.".to_owned()));
        };
        let filter = match mapping.remove("filter") {
            None => Map::new(),
            Some(Value::Object(filter)) => filter,
            Some(_) => return Err(bad("\"filter\" is not an object of columns and values.".to_owned())),
        };
        let mut columns: BTreeMap<String, String> = BTreeMap::new();
        let mut named = Vec::new();
        for (what, column) in mapping {
            if COLUMNS.iter().all(|(known, _)| *known != what) {
                return Err(bad(format!("\"{what}\" is nothing that is read.")));
            }
            let Value::String(column) = column else { return Err(bad(format!("\"{what}\" does not name a column."))) };
            named.push(what.clone());
            columns.insert(what, column);
        }
        for (what, column) in COLUMNS {
            if let (Some(column), false) = (column, columns.contains_key(what)) {
                columns.insert(what.to_owned(), column.to_owned());
            }
        }
        Ok(Plan { tenant, columns, filter, named })
    }

    fn rows(&self, relation: &str) -> Result<Vec<Map<String, Value>>, Failure> {
        let found = Spi::get_two_with_args::<String, Vec<Option<String>>>(
            "SELECT $1::regclass::text, array_agg(attname::text) FROM pg_attribute
             WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped",
            &[relation.into()],
        )?;
        let (relation, existing) = (found.0.unwrap_or_default(), found.1.unwrap_or_default());
        let exists = |column: &str| existing.iter().flatten().any(|known| known == column);
        let mut fields = Vec::new();
        for (what, column) in &self.columns {
            if !exists(column) && (what == "called_at" || self.named.contains(what)) {
                return Err(Failure::Mapping { why: format!("{relation} has no column \"{column}\" for \"{what}\".") });
            }
            if exists(column) {
                let column = crate::error::quote(column);
                fields.push(match what.as_str() {
                    "called_at" => {
                        format!("'called_at', (EXTRACT(epoch FROM t.{column}::timestamptz) * 1000000)::bigint")
                    }
                    "metadata" => format!("'metadata', to_jsonb(t.{column})"),
                    _ => format!("'{what}', t.{column}::text"),
                });
            }
        }
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        for (column, value) in &self.filter {
            if !exists(column) {
                return Err(Failure::Mapping { why: format!("{relation} has no column \"{column}\" to filter by.") });
            }
            values.push(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            conditions.push(format!("t.{}::text = ($1::text[])[{}]", crate::error::quote(column), values.len()));
        }
        let condition = if conditions.is_empty() { "$1 IS NOT NULL".to_owned() } else { conditions.join(" AND ") };
        let sql = format!("SELECT jsonb_build_object({}) FROM {relation} t WHERE {condition}", fields.join(", "));
        Ok(Spi::connect(|client| {
            let rows = client.select(&sql, None, &[values.into()])?;
            let rows = rows.map(|row| Ok(row.get::<JsonB>(1)?.map(|row| row.0)));
            let rows: Result<Vec<Option<Value>>, pgrx::spi::Error> = rows.collect();
            Ok::<_, pgrx::spi::Error>(rows?.into_iter().filter_map(|row| row?.as_object().cloned()).collect())
        })?)
    }
}

/// The call, and the id under which it stood while it had no call of the vendor's.
fn attempt(row: &Map<String, Value>, take: Take) -> Result<(VoiceCall, Option<String>), Fault> {
    let text = |name: &str| {
        let text = row.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let missing = |name: &str| Fault::new("missing_field", name, format!("\"{name}\" is missing"));
    let at = row.get("called_at").and_then(Value::as_i64).and_then(DateTime::from_timestamp_micros);
    let metadata = row.get("metadata").filter(|metadata| metadata.is_object());
    let says = |name: &str| metadata.and_then(|metadata| metadata.get(name));
    let direction = text("direction").or_else(|| says("channel").and_then(Value::as_str).map(str::to_owned));
    let is_test = |name: &str| says(name).is_some_and(|flag| *flag == Value::Bool(true) || flag == "true");
    let attempt = Attempt {
        at: at.ok_or_else(|| missing("called_at"))?,
        phone: text("phone"),
        name: text("name"),
        direction: direction.filter(|direction| matches!(direction.as_str(), "inbound" | "outbound")),
        outcome: text("outcome").map(|outcome| outcome.to_ascii_lowercase()),
        is_test: is_test("is_test_call") || is_test("is_test"),
        metadata: metadata.map(Value::to_string),
    };
    let nameless = text("id").map(|id| format!("tracking:{id}"));
    match (text("call_id"), nameless) {
        (Some(id), nameless) => Ok((VoiceCall::tracked(&id, &attempt, take)?, nameless)),
        (None, Some(id)) => Ok((VoiceCall::tracked(&id, &attempt, take)?, None)),
        (None, None) => Err(missing("id")),
    }
}

fn reject(row: &Map<String, Value>, fault: Fault) -> Reject {
    Reject {
        kind: "attempt",
        key: match (row.get("call_id").and_then(Value::as_str), row.get("id").and_then(Value::as_str)) {
            (Some(call), _) => Some(call.to_owned()),
            (None, id) => id.map(|id| format!("tracking:{id}")),
        },
        campaign_id: None,
        contact_id: None,
        event_md5: None,
        fired: None,
        reason: fault.reason,
        field: fault.field,
        detail: fault.detail,
        payload: Value::Object(row.clone()).to_string(),
    }
}
