//! Calls that are put together from polls and webhooks: each column keeps the newest of its values, whatever came first.
//!
//! The statement decides against the row as it is when it is locked, so that a poll and a webhook about one call may
//! race: both orders end in the same row.

use std::fmt::Write;
use std::sync::OnceLock;

use calls::row::{Column, Row, Values};
use calls::vendor::vapi::VoiceCall;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi;

use crate::pg::memory::briefly;
use crate::store::Changes;

/// Rows a statement at most: each may bring a transcript.
const STATEMENT_ROWS: usize = 1_000;

/// Stores calls and raises the alerts that they deserve. With `dry` it only compares.
pub fn upsert(tenant: &str, mut rows: Vec<VoiceCall>, dry: bool) -> spi::Result<Changes> {
    // The newest of a call last: a walk by creation and one by change may both bring it.
    rows.sort_by(|a, b| a.id().cmp(b.id()).then_with(|| a.updated().cmp(&b.updated())));
    rows.reverse();
    rows.dedup_by(|later, kept| later.id() == kept.id());
    rows.reverse();
    let mut changes = Changes::default();
    for part in rows.chunks(STATEMENT_ROWS) {
        changes.add(briefly(|| upsert_part(tenant, part, dry))?);
    }
    Ok(changes)
}

fn upsert_part(tenant: &str, rows: &[VoiceCall], dry: bool) -> spi::Result<Changes> {
    let mut args: Vec<DatumWithOid> = vec![tenant.into()];
    args.extend(VoiceCall::columns(rows).into_iter().filter_map(|column| match column {
        Values::Texts(values) => Some(DatumWithOid::from(values)),
        _ => None,
    }));
    let sql = if dry { compare_sql() } else { upsert_sql() };
    let (changed, inserted) = Spi::connect_mut(|client| {
        let done = if dry { client.select(sql, Some(1), &args)? } else { client.update(sql, Some(1), &args)? };
        let done = done.first();
        briefly(|| done.get_two::<Vec<Option<String>>, i64>())
    })?;
    let (changed, inserted) = (changed.unwrap_or_default(), inserted.unwrap_or_default() as u64);
    let touched = changed.len() as u64;
    if !dry && touched > 0 {
        Spi::run_with_args("SELECT dialfire.raise_alerts($1, $2)", &[tenant.into(), changed.into()])?;
    }
    let unchanged = (rows.len() as u64).saturating_sub(touched);
    Ok(Changes { inserted, updated: touched - inserted, unchanged, repeated: 0 })
}

/// The columns that have a version, in the order of `seen`.
fn values() -> impl Iterator<Item = (usize, &'static Column)> {
    VoiceCall::COLUMNS.iter().filter(|c| !c.is_key && c.name != "seen").enumerate().map(|(at, c)| (at + 1, c))
}

/// What a column becomes: the newer value; of two that are equally new a poll's, as it is the vendor's last word, and of
/// two messages the greater, so that their order does not matter.
fn merged(at: usize, column: &Column, new: &str, old: &str) -> String {
    let name = column.name;
    // As text an instant depends on settings, which a distributed Postgres takes in no upsert.
    let text = if matches!(column.sql_type, "timestamptz" | "date") { "" } else { "::text COLLATE \"C\"" };
    format!(
        "CASE WHEN {new}.seen[{at}] > {old}.seen[{at}] OR {old}.seen[{at}] IS NULL OR {new}.seen[{at}] = {old}.seen[{at}] \
         AND ({new}.seen[{at}] & 1 = 1 OR {new}.{name}{text} > {old}.{name}{text}) \
         THEN COALESCE({new}.{name}, {old}.{name}) ELSE {old}.{name} END"
    )
}

fn merged_seen(new: &str, old: &str) -> String {
    let newest: Vec<String> = values().map(|(at, _)| format!("GREATEST({new}.seen[{at}], {old}.seen[{at}])")).collect();
    format!("ARRAY[{}]::bigint[]", newest.join(", "))
}

/// The incoming rows that are new or say something new, as a CTE named `changed`.
fn changed_sql() -> String {
    let columns = VoiceCall::COLUMNS;
    let names: Vec<&str> = columns.iter().map(|c| c.name).collect();
    let arrays: Vec<String> = (0..columns.len()).map(|at| format!("${}::text[]", at + 2)).collect();
    let typed: Vec<String> = columns.iter().map(|c| format!("u.{0}::{1} AS {0}", c.name, c.sql_type)).collect();
    let merged: Vec<String> = values().map(|(at, column)| merged(at, column, "i", "e")).collect();
    let stored: Vec<String> = values().map(|(_, column)| format!("e.{}", column.name)).collect();
    format!(
        "i AS (SELECT $1::text AS tenant, {} FROM unnest({}) AS u({})), \
         changed AS (SELECT i.*, e.tenant IS NULL AS is_new FROM i \
         LEFT JOIN LATERAL (SELECT * FROM dialfire.voice_calls s WHERE s.tenant = $1 AND s.id = i.id LIMIT 1) e ON true \
         WHERE e.tenant IS NULL OR ({}, {}) IS DISTINCT FROM ({}, e.seen) ORDER BY i.id)",
        typed.join(", "),
        arrays.join(", "),
        names.join(", "),
        merged.join(", "),
        merged_seen("i", "e"),
        stored.join(", "),
    )
}

fn upsert_sql() -> &'static str {
    static SQL: OnceLock<String> = OnceLock::new();
    SQL.get_or_init(|| {
        let names: Vec<&str> = VoiceCall::COLUMNS.iter().map(|c| c.name).collect();
        let names = names.join(", ");
        let mut sets = String::new();
        for (at, column) in values() {
            let _ = write!(sets, "{} = {}, ", column.name, merged(at, column, "excluded", "t"));
        }
        format!(
            "WITH {}, written AS (INSERT INTO dialfire.voice_calls AS t (tenant, {names}) SELECT tenant, {names} FROM changed \
             ON CONFLICT (tenant, id) DO UPDATE SET {sets}seen = {}, changed_at = excluded.changed_at RETURNING id, xmax = 0 AS is_new) \
             SELECT array_agg(id), count(*) FILTER (WHERE is_new) FROM written",
            changed_sql(),
            merged_seen("excluded", "t"),
        )
    })
}

/// Fills in the column that says that a call is gone at the vendor, which objects of 0.1.0 do not have.
pub fn with_gone_at(sql: &str) -> spi::Result<String> {
    Ok(sql.replace("{gone_at}", if can_be_gone()? { "gone_at" } else { "NULL::timestamptz" }))
}

pub fn can_be_gone() -> spi::Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'dialfire.voice_calls'::regclass
        AND attname = 'gone_at' AND NOT attisdropped)";
    Ok(crate::pg::values::read::<bool>(sql, &[])?.unwrap_or_default())
}

fn compare_sql() -> &'static str {
    static SQL: OnceLock<String> = OnceLock::new();
    SQL.get_or_init(|| {
        format!("WITH {} SELECT array_agg(id), count(*) FILTER (WHERE is_new) FROM changed", changed_sql())
    })
}
