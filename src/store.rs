//! Rows into tables, many at a time. A row that is stored already is neither written nor locked.

use std::collections::{BTreeSet, HashMap, HashSet};

use calls::copy::{POSTGRES_EPOCH, POSTGRES_EPOCH_DAYS};
use calls::row::{Agent, Batch, Renamed, Row, Values};
use chrono::{DateTime, NaiveDate, Utc};
use pgrx::datum::{Date, DatumWithOid, TimestampWithTimeZone};
use pgrx::prelude::*;
use pgrx::spi;

use crate::days::{self, Dated, Days, Filing};
use crate::legs;
use crate::pg::memory::briefly;
use crate::pg::values;
use crate::voice;

/// Rows a statement at most: a single contact may have tens of thousands.
const STATEMENT_ROWS: usize = 5_000;

#[derive(Debug, Default, Clone, Copy)]
pub struct Changes {
    pub inserted: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// Unchanged as well, but only come along with a contact: their own events have been counted.
    pub repeated: u64,
}

impl Changes {
    pub fn touched(&self) -> u64 {
        self.inserted + self.updated + self.unchanged
    }

    pub fn add(&mut self, other: Changes) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.repeated += other.repeated;
    }
}

/// Of what something was written, and what may count otherwise now.
#[derive(Default)]
pub struct Written {
    /// Ids of transactions.
    pub calls: Vec<String>,
    pub inbound_calls: Vec<String>,
    /// Days on which more than these may have changed.
    pub days: BTreeSet<NaiveDate>,
}

impl Written {
    pub fn days_of_calls(self, tenant: &str) -> spi::Result<BTreeSet<NaiveDate>> {
        let mut days = days_of(tenant, "transactions", self.calls)?;
        days.extend(days_of(tenant, "inbound_calls", self.inbound_calls)?);
        Ok(days.into_iter().collect())
    }
}

/// Stores a batch and counts its calls. With `dry` it only compares.
pub fn batch(tenant: &str, mut batch: Batch, dry: bool) -> spi::Result<(Changes, Written)> {
    // As they are written: of one call twice the last day counts.
    batch.transactions.sort_by_key(|t| t.event_md5.is_none());
    let changed = if batch.renamed.is_empty() { batch.voice_days() } else { batch.days() };
    let mut done = Written { days: changed, ..Written::default() };
    let days = Days::of(&batch, dry)?;
    let (mut written, mut inbound) = (Rows::default(), Rows::default());
    if !dry {
        rename(tenant, &batch.renamed)?;
    }
    upsert(tenant, batch.contacts, dry)?;
    upsert(tenant, batch.dispositions, dry)?;
    let (announced, siblings) = batch.transactions.into_iter().partition(|t| t.event_md5.is_some());
    let mut calls = write(tenant, announced, dry, &days, &mut written)?;
    let siblings = write(tenant, siblings, dry, &days, &mut written)?;
    calls.add(Changes { unchanged: 0, repeated: siblings.unchanged, ..siblings });
    let mut hung = Rows::default();
    write(tenant, batch.connections, dry, &days, &mut hung)?;
    write(tenant, batch.recordings, dry, &days, &mut hung)?;
    legs::keep(tenant, &hung.calls)?;
    written.calls.append(&mut hung.calls);
    upsert(tenant, batch.call_details, dry)?;
    calls.add(write(tenant, batch.inbound_calls, dry, &days, &mut inbound)?);
    calls.add(voice::upsert(tenant, batch.voice_calls, dry)?);
    upsert(tenant, batch.phone_numbers, dry)?;
    if !dry {
        agents(tenant, batch.agents)?;
    }
    done.days.extend(written.left.into_iter().chain(inbound.left));
    (done.calls, done.inbound_calls) = (written.calls, inbound.calls);
    // A call, its legs and its recordings may all have been written.
    done.calls.sort_unstable();
    done.calls.dedup();
    Ok((calls, done))
}

/// Of one kind of call.
#[derive(Default)]
struct Rows {
    /// Calls of which a row was.
    calls: Vec<String>,
    /// Days that a call has left for another one.
    left: Vec<NaiveDate>,
}

/// Days of stored calls.
fn days_of(tenant: &str, table: &str, ids: Vec<String>) -> spi::Result<Vec<NaiveDate>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let days = values::one::<Vec<Option<Date>>>(
        &format!("SELECT array_agg(DISTINCT day) FROM dialfire.{table} WHERE tenant = $1 AND id = ANY ($2)"),
        &[tenant.into(), ids.into()],
    )?;
    Ok(days.unwrap_or_default().into_iter().flatten().filter_map(plain).collect())
}

pub fn plain(day: Date) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(day.year(), day.month().into(), day.day().into())
}

/// Who says what rows say.
#[derive(Clone, Copy, PartialEq)]
enum Teller {
    Vendor,
    /// Tables of the vendor's client. They change only what came from them.
    OldTables,
}

/// Stores rows of old tables; returns the ids of those that were written.
pub fn adopt<R: Row>(tenant: &str, rows: Vec<R>) -> spi::Result<(Changes, HashSet<String>)> {
    let (mut changes, mut written) = (Changes::default(), HashSet::new());
    let days = Days::of_rows(&rows)?;
    let sql = upsert_sql::<R>(Teller::OldTables, days.filing::<R>());
    for part in newest(rows).chunks(STATEMENT_ROWS) {
        let (inserted, all, moved) = briefly(|| {
            Spi::connect_mut(|client| {
                let done = client.update(&sql, Some(1), &arguments(tenant, part, &days))?.first();
                briefly(|| {
                    let moved = Moved::read::<R>(&done, &days)?;
                    Ok::<_, spi::Error>((done.get::<i64>(1)?, done.get::<Vec<Option<String>>>(3)?, moved))
                })
            })
        })?;
        days::relocate(tenant, R::TABLE, moved.ids, moved.to)?;
        let (inserted, all) = (inserted.unwrap_or(0) as u64, all.unwrap_or_default());
        let ids: HashSet<&str> = all.iter().flatten().map(String::as_str).collect();
        let of_call = |(row, call): (&R, Option<&str>)| ids.contains(row.id()).then_some(call?.to_owned());
        let mut calls: Vec<String> = part.iter().zip(days::calls_of(part)).filter_map(of_call).collect();
        calls.extend(moved.from_calls);
        legs::keep(tenant, &calls)?;
        let (touched, updated) = (part.len() as u64, all.len() as u64 - inserted);
        changes.add(Changes { inserted, updated, unchanged: touched - all.len() as u64, repeated: 0 });
        written.extend(all.into_iter().flatten());
    }
    Ok((changes, written))
}

fn arguments<'a, R: Row>(tenant: &'a str, rows: &'a [R], days: &Days) -> Vec<DatumWithOid<'a>> {
    let mut args: Vec<DatumWithOid> = vec![tenant.into()];
    args.extend(R::columns(rows).into_iter().map(array));
    if days.filing::<R>().is_some_and(|filing| filing.dated == Dated::ByCall) {
        args.push(days.of_their_calls(rows));
    }
    args
}

/// Rows whose day is another one now, with that day; of calls the former days, of what hangs under them the former calls.
#[derive(Default)]
struct Moved {
    ids: Vec<String>,
    to: Vec<Option<Date>>,
    from: Vec<Option<Date>>,
    from_calls: Vec<String>,
}

impl Moved {
    fn read<R: Row>(done: &spi::SpiTupleTable, days: &Days) -> spi::Result<Moved> {
        let Some(filing) = days.filing::<R>() else { return Ok(Moved::default()) };
        let texts = |at| {
            Ok::<Vec<String>, spi::Error>(
                done.get::<Vec<Option<String>>>(at)?.into_iter().flatten().flatten().collect(),
            )
        };
        let moved = Moved { ids: texts(4)?, to: done.get(5)?.unwrap_or_default(), ..Moved::default() };
        Ok(match filing.dated {
            Dated::Itself => Moved { from: done.get(6)?.unwrap_or_default(), ..moved },
            // It counts where its call does, and may come from no day at all.
            Dated::ByCall => Moved { from_calls: texts(6)?, ..moved },
        })
    }
}

pub fn upsert<R: Row>(tenant: &str, rows: Vec<R>, dry: bool) -> spi::Result<Changes> {
    write(tenant, rows, dry, &Days::default(), &mut Rows::default())
}

fn write<R: Row>(tenant: &str, rows: Vec<R>, dry: bool, days: &Days, written: &mut Rows) -> spi::Result<Changes> {
    let mut changes = Changes::default();
    for part in newest(rows).chunks(STATEMENT_ROWS) {
        let (part, mut calls, moved) = briefly(|| write_part(tenant, part, dry, days))?;
        changes.add(part);
        written.calls.append(&mut calls);
        written.calls.extend(moved.from_calls);
        written.left.extend(moved.from.into_iter().flatten().filter_map(plain));
        days::relocate(tenant, R::TABLE, moved.ids, moved.to)?;
    }
    Ok(changes)
}

fn write_part<R: Row>(tenant: &str, rows: &[R], dry: bool, days: &Days) -> spi::Result<(Changes, Vec<String>, Moved)> {
    let args = arguments(tenant, rows, days);
    let filing = days.filing::<R>();
    let sql = if dry { compare_sql::<R>(filing) } else { upsert_sql::<R>(Teller::Vendor, filing) };
    let (inserted, updated, calls, moved) = Spi::connect_mut(|client| {
        let done = if dry { client.select(&sql, Some(1), &args)? } else { client.update(&sql, Some(1), &args)? };
        let done = done.first();
        let (inserted, updated) = done.get_two::<i64, i64>()?;
        let (calls, moved) = match dry {
            true => (None, Moved::default()),
            false => {
                briefly(|| Ok::<_, spi::Error>((done.get::<Vec<Option<String>>>(3)?, Moved::read::<R>(&done, days)?)))?
            }
        };
        let (inserted, updated) = (inserted.unwrap_or(0) as u64, updated.unwrap_or(0) as u64);
        Ok::<_, spi::Error>((inserted, updated, calls.unwrap_or_default(), moved))
    })?;
    let unchanged = (rows.len() as u64).saturating_sub(inserted + updated);
    Ok((Changes { inserted, updated, unchanged, repeated: 0 }, calls.into_iter().flatten().collect(), moved))
}

/// Gives calls their new ids, with all that hangs under them.
fn rename(tenant: &str, renamed: &[Renamed]) -> spi::Result<()> {
    if renamed.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&Renamed) -> &str| renamed.iter().map(of).collect::<Vec<_>>();
    let args: [DatumWithOid; 4] =
        [tenant.into(), texts(|r| &r.from).into(), texts(|r| &r.to).into(), texts(|r| &r.former).into()];
    let ids = "unnest($2::text[], $3::text[], $4::text[]) AS i(old, new, former)";
    for sql in [
        format!(
            "UPDATE dialfire.transactions t SET id = i.new FROM {ids} WHERE t.tenant = $1 AND t.id = i.old
             AND NOT EXISTS (SELECT FROM dialfire.transactions e WHERE e.tenant = $1 AND e.id = i.new)"
        ),
        format!(
            "UPDATE dialfire.connections c SET id = i.new, transaction_id = i.new, global_call_uuid = i.former
             FROM {ids} WHERE c.tenant = $1 AND c.id = i.old
             AND NOT EXISTS (SELECT FROM dialfire.connections e WHERE e.tenant = $1 AND e.id = i.new)"
        ),
        format!(
            "UPDATE dialfire.recordings r SET connection_id = i.new, transaction_id = i.new
             FROM {ids} WHERE r.tenant = $1 AND r.connection_id = i.old"
        ),
    ] {
        Spi::run_with_args(&sql, &args)?;
    }
    Ok(())
}

/// One row an id, the last that came, in the order of ids, in which everybody locks.
fn newest<R: Row>(rows: Vec<R>) -> Vec<R> {
    let mut by_id: Vec<(String, R)> = rows.into_iter().map(|row| (row.id().to_owned(), row)).collect();
    by_id.sort_by(|a, b| a.0.cmp(&b.0));
    let mut kept: Vec<(String, R)> = Vec::with_capacity(by_id.len());
    for (id, row) in by_id {
        match kept.last_mut() {
            Some(last) if last.0 == id => last.1 = row,
            _ => kept.push((id, row)),
        }
    }
    kept.into_iter().map(|(_, row)| row).collect()
}

/// The incoming rows that are new or say something new, as a CTE named `changed`.
///
/// LIMIT keeps the planner from hashing the whole table, which it would do again for every batch of a first load. ORDER
/// makes every look-up come before the first write: without statistics an index of little use may be chosen, and looking
/// through it would take longer with each row that the same statement has just put in.
fn changed_sql<R: Row>(teller: Teller, filing: Option<Filing>) -> String {
    let dated = filing.map(|filing| filing.dated);
    let columns = R::COLUMNS;
    let list = |item: &dyn Fn(&calls::row::Column) -> String| columns.iter().map(item).collect::<Vec<_>>().join(", ");
    let mut arrays: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            // jsonb travels as text: an array of jsonb would have to be built value by value.
            let sql_type = if is_cast(column) { "text" } else { column.sql_type };
            format!("${}::{sql_type}[]", at + 2)
        })
        .collect();
    let mut typed = list(&|c| match is_cast(c) {
        true => format!("u.{0}::{1} AS {0}", c.name, c.sql_type),
        false => format!("u.{}", c.name),
    });
    let mut names = list(&|c| c.name.to_owned());
    if dated == Some(Dated::ByCall) {
        arrays.push(format!("${}::date[]", columns.len() + 2));
        names.push_str(", of_call");
        typed.push_str(OF_CALL);
    }
    let values = columns.iter().filter(|c| !c.is_key);
    let (stored, merged): (Vec<_>, Vec<_>) =
        values.map(|c| (format!("e.{}", c.name), merged::<R>(c, "i", "e", teller))).unzip();
    let adopted = match teller {
        // What the vendor confirms is the vendor's from then on.
        Teller::Vendor if is_adoptable::<R>() => " OR e.adopted_at IS NOT NULL",
        Teller::Vendor => "",
        Teller::OldTables => " AND e.adopted_at IS NOT NULL",
    };
    let another = if mixes_calls::<R>(teller) { format!(", {ANOTHER} AS another") } else { String::new() };
    let (place, moved) = match dated {
        None => ("", ""),
        Some(Dated::Itself) => (", e.day AS was", ""),
        Some(Dated::ByCall) => (
            ", COALESCE(i.of_call, e.day, 'infinity') AS day, e.day AS was, e.transaction_id AS was_of",
            " OR e.day IS DISTINCT FROM COALESCE(i.of_call, e.day)",
        ),
    };
    format!(
        "i AS (SELECT $1::text AS tenant, {typed} FROM unnest({}) AS u({})), \
         changed AS (SELECT i.*, e.tenant IS NULL AS is_new{another}{place} FROM i \
         LEFT JOIN LATERAL (SELECT * FROM dialfire.{} s WHERE s.tenant = $1 AND s.id = i.id LIMIT 1) e ON true \
         WHERE e.tenant IS NULL OR ({}) IS DISTINCT FROM ({}){adopted}{moved} ORDER BY i.id)",
        arrays.join(", "),
        names,
        R::TABLE,
        merged.join(", "),
        stored.join(", "),
    )
}

fn is_cast(column: &calls::row::Column) -> bool {
    matches!(column.sql_type, "jsonb" | "numeric")
}

/// The vendor's client has tables of these.
fn is_adoptable<R: Row>() -> bool {
    ["contacts", "transactions", "connections", "recordings", "inbound_calls"].contains(&R::TABLE)
}

/// The vendor's client keeps two calls of a contact and instant under one id, whichever it wrote last. Where what it left
/// contradicts the vendor's call of that id it is of the other one, and nothing of it is kept.
fn mixes_calls<R: Row>(teller: Teller) -> bool {
    teller == Teller::Vendor && R::TABLE == "transactions"
}

/// The day of the call of a leg or recording: of one that comes with it, else of the stored one.
const OF_CALL: &str = ", COALESCE(u.of_call, (SELECT t.day FROM dialfire.transactions t
    WHERE t.tenant = $1 AND t.id = u.transaction_id LIMIT 1)) AS of_call";

/// When the contradicted row was adopted, else null.
const ANOTHER: &str =
    "CASE WHEN e.adopted_at IS NOT NULL AND (e.status <> i.status OR e.status_detail <> i.status_detail
    OR e.task_id <> i.task_id OR e.user_id <> i.user_id OR e.event_type <> i.event_type OR e.result <> i.result
    OR e.trigger <> i.trigger OR e.pause_time_sec <> i.pause_time_sec OR e.edit_time_sec <> i.edit_time_sec
    OR e.wrapup_time_sec <> i.wrapup_time_sec OR e.wait_time_sec <> i.wait_time_sec) THEN e.adopted_at END";

/// A known value is never overwritten by an absent one. Who tells of a leg may not know its direction, and then takes the
/// own number for that of the other side.
fn merged<R: Row>(column: &calls::row::Column, new: &str, old: &str, teller: Teller) -> String {
    let name = column.name;
    match (column.keeps_known, teller) {
        (true, Teller::Vendor) if R::TABLE == "connections" && ["phone", "remote_number"].contains(&name) => {
            format!("COALESCE(NULLIF({new}.{name}, {old}.line_number), NULLIF({old}.{name}, {new}.line_number))")
        }
        (true, _) => format!("COALESCE({new}.{name}, {old}.{name})"),
        (false, Teller::Vendor) => format!("{new}.{name}"),
        (false, Teller::OldTables) => format!("{old}.{name} || {new}.{name}"),
    }
}

fn upsert_sql<R: Row>(teller: Teller, filing: Option<Filing>) -> String {
    let mut names: Vec<&str> = R::COLUMNS.iter().map(|c| c.name).collect();
    let by_call = filing.is_some_and(|filing| filing.dated == Dated::ByCall);
    let is_parted = filing.is_some_and(|filing| filing.is_parted);
    if by_call {
        names.push("day");
    }
    // A known row is met in the month in which it stands; where it belongs to another one, it is moved afterwards.
    let taken: Vec<&str> =
        names.iter().map(|name| if is_parted && *name == "day" { "COALESCE(was, day)" } else { name }).collect();
    // Rows of partitions do not tell whether they are new.
    let (key, is_new, counts) = match is_parted {
        true => ("tenant, id, day", "", COUNTS),
        false => {
            ("tenant, id", "xmax = 0 AS is_new, ", "count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new)")
        }
    };
    let moved = match filing.map(|filing| filing.dated) {
        None => String::new(),
        Some(Dated::Itself) => format!("{MOVED}, (SELECT array_agg(was) FROM changed WHERE was <> day)"),
        Some(Dated::ByCall) => {
            format!("{MOVED}, (SELECT array_agg(was_of) FROM changed WHERE was_of <> transaction_id)")
        }
    };
    let values = R::COLUMNS.iter().filter(|c| !(c.is_key || is_parted && c.name == "day"));
    let merged = |c| match merged::<R>(c, "excluded", "t", teller) {
        merged if mixes_calls::<R>(teller) => {
            format!("CASE WHEN excluded.adopted_at IS NULL THEN {merged} ELSE excluded.{} END", c.name)
        }
        merged => merged,
    };
    let mut sets: Vec<String> = values.map(|c| format!("{} = {}", c.name, merged(c))).collect();
    if by_call && !is_parted {
        // Who was faster may have known the call.
        sets.push("day = COALESCE(NULLIF(excluded.day, 'infinity'), t.day)".to_owned());
    }
    if teller == Teller::Vendor && is_adoptable::<R>() {
        sets.push("adopted_at = NULL".to_owned());
    }
    let (adopted, when, only, written) = match teller {
        Teller::OldTables => (", adopted_at", ", now()", " WHERE t.adopted_at IS NOT NULL", "id"),
        Teller::Vendor if mixes_calls::<R>(teller) => (", adopted_at", ", another", "", "id"),
        Teller::Vendor if ["connections", "recordings"].contains(&R::TABLE) => ("", "", "", "transaction_id"),
        Teller::Vendor => ("", "", "", "id"),
    };
    format!(
        "WITH {}, written AS (INSERT INTO dialfire.{} AS t (tenant, {names}{adopted}) SELECT tenant, {taken}{when} FROM changed \
         ON CONFLICT ({key}) DO UPDATE SET {}, changed_at = excluded.changed_at{only} RETURNING {is_new}t.{written}) \
         SELECT {counts}, array_agg({written}){moved} FROM written",
        changed_sql::<R>(teller, filing),
        R::TABLE,
        sets.join(", "),
        names = names.join(", "),
        taken = taken.join(", "),
    )
}

/// Who meets another's new row of the same day counts it as his own.
const COUNTS: &str =
    "(SELECT count(*) FROM changed WHERE is_new), count(*) - (SELECT count(*) FROM changed WHERE is_new)";

/// Ids and days of rows that belong to another day.
const MOVED: &str =
    ", (SELECT array_agg(id) FROM changed WHERE was <> day), (SELECT array_agg(day) FROM changed WHERE was <> day)";

fn compare_sql<R: Row>(filing: Option<Filing>) -> String {
    format!(
        "WITH {} SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM changed",
        changed_sql::<R>(Teller::Vendor, filing)
    )
}

fn array(values: Values) -> DatumWithOid {
    match values {
        Values::Texts(values) => values.into(),
        Values::Integers(values) => values.into(),
        Values::Doubles(values) => values.into(),
        Values::Flags(values) => values.into(),
        Values::Instants(values) => values.into_iter().map(|at| at.map(instant)).collect::<Vec<_>>().into(),
        Values::Days(values) => values.into_iter().map(|day| day.and_then(date)).collect::<Vec<_>>().into(),
    }
}

pub fn instant(at: DateTime<Utc>) -> TimestampWithTimeZone {
    let micros = at.timestamp_micros().saturating_sub(POSTGRES_EPOCH);
    TimestampWithTimeZone::try_from(micros).unwrap_or_else(|_| TimestampWithTimeZone::positive_infinity())
}

/// Microseconds since 1970.
pub fn micros(at: TimestampWithTimeZone) -> i64 {
    pg_sys::TimestampTz::from(at).saturating_add(POSTGRES_EPOCH)
}

pub fn date(day: NaiveDate) -> Option<Date> {
    let days = i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()?;
    Some(crate::pg::date(days - POSTGRES_EPOCH_DAYS))
}

/// Tells the planner of a table that has just become another one. Until autovacuum comes by it would take the table for
/// empty, and a join of two views for a matter of a few rows.
pub fn analyze_if_grown(inserted: u64) -> spi::Result<()> {
    let known = Spi::get_one::<f32>("SELECT reltuples FROM pg_class WHERE oid = 'dialfire.transactions'::regclass")?;
    if inserted < 1_000 || known.unwrap_or_default() as u64 > inserted * 2 {
        return Ok(());
    }
    // A small sample tells the sizes; the rest is autovacuum's. Whoever holds a lock is not waited for.
    Spi::run("SELECT set_config('default_statistics_target', '10', true)")?;
    Spi::run(
        "ANALYZE (SKIP_LOCKED) dialfire.transactions, dialfire.connections, dialfire.recordings, dialfire.contacts,
            dialfire.inbound_calls, dialfire.call_details, dialfire.agents, dialfire.campaigns, dialfire.call_statuses",
    )
}

/// Learns logins. The list of users outranks events; among events the newest counts, whatever the order of arrival.
pub fn agents(tenant: &str, agents: Vec<Agent>) -> spi::Result<()> {
    let best = newest_agents(agents);
    if best.is_empty() {
        return Ok(());
    }
    let texts = |of: &dyn Fn(&Agent) -> Option<String>| -> Vec<Option<String>> { best.iter().map(of).collect() };
    let args: [DatumWithOid; 6] = [
        tenant.into(),
        texts(&|a| Some(a.id.clone())).into(),
        texts(&|a| Some(a.login.clone())).into(),
        texts(&|a| a.branch.clone()).into(),
        texts(&|a| a.name.clone()).into(),
        best.iter().map(|a| a.seen.map(instant)).collect::<Vec<_>>().into(),
    ];
    Spi::run_with_args(
        "INSERT INTO dialfire.agents AS a (tenant, id, login, branch, name, seen)
         SELECT $1, i.id, i.login, i.branch, i.name, i.seen
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
              AS i(id, login, branch, name, seen)
         LEFT JOIN dialfire.agents e ON e.tenant = $1 AND e.id = i.id
         WHERE e.id IS NULL
            OR (i.seen IS NULL AND (i.login, COALESCE(i.branch, e.branch), COALESCE(i.name, e.name), i.seen)
                IS DISTINCT FROM (e.login, e.branch, e.name, e.seen))
            OR (i.seen, i.login) > (e.seen, e.login)
         ON CONFLICT (tenant, id) DO UPDATE SET
            login = excluded.login, branch = COALESCE(excluded.branch, a.branch),
            name = COALESCE(excluded.name, a.name), seen = excluded.seen, changed_at = excluded.changed_at",
        &args,
    )
}

/// The agents as they are known best, each once.
pub fn newest_agents(mut agents: Vec<Agent>) -> Vec<Agent> {
    agents.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| rank(b).cmp(&rank(a))));
    agents.dedup_by(|a, b| a.id == b.id);
    agents
}

fn rank(agent: &Agent) -> (bool, Option<DateTime<Utc>>, &str) {
    (agent.seen.is_none(), agent.seen, &agent.login)
}

/// Of these agents those that are known, with whether they are assigned.
pub fn assigned(tenant: &str, agents: Vec<&str>) -> spi::Result<HashMap<String, bool>> {
    if agents.is_empty() {
        return Ok(HashMap::new());
    }
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT id, assigned FROM dialfire.agents WHERE tenant = $1 AND id = ANY ($2)",
            None,
            &[tenant.into(), agents.into()],
        )?;
        rows.map(|row| Ok((row.get(1)?.unwrap_or_default(), row.get(2)?.unwrap_or_default()))).collect()
    })
}

/// Of these user ids, does one have no login yet?
pub fn lacks_login(tenant: &str, users: Vec<String>) -> spi::Result<bool> {
    let lacking = Spi::get_one_with_args::<bool>(
        "SELECT EXISTS (SELECT FROM unnest($2::text[]) AS u(id)
         WHERE NOT EXISTS (SELECT FROM dialfire.agents a WHERE a.tenant = $1 AND a.id = u.id))",
        &[tenant.into(), users.into()],
    )?;
    Ok(lacking.unwrap_or_default())
}

/// Whether the tables may live on other nodes.
pub fn is_distributed() -> spi::Result<bool> {
    let found = values::read("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')", &[])?;
    Ok(found.unwrap_or_default())
}

/// Whether no call of a tenant is stored or rejected.
pub fn is_empty(tenant: &str) -> spi::Result<bool> {
    let empty = Spi::get_one_with_args::<bool>(
        "SELECT NOT EXISTS (SELECT FROM dialfire.contacts WHERE tenant = $1)
            AND NOT EXISTS (SELECT FROM dialfire.transactions WHERE tenant = $1)
            AND NOT EXISTS (SELECT FROM dialfire.inbound_calls WHERE tenant = $1)
            AND NOT EXISTS (SELECT FROM dialfire.rejects WHERE tenant = $1)",
        &[tenant.into()],
    )?;
    Ok(empty.unwrap_or_default())
}

/// Marks contacts that the vendor no longer delivers; their calls stay.
pub fn mark_gone(tenant: &str, contacts: &[String]) -> spi::Result<u64> {
    let marked = Spi::get_one_with_args::<i64>(
        "WITH marked AS (UPDATE dialfire.contacts SET gone_at = now(), changed_at = now()
            WHERE tenant = $1 AND id = ANY ($2) AND gone_at IS NULL RETURNING 1)
         SELECT count(*) FROM marked",
        &[tenant.into(), contacts.to_vec().into()],
    )?;
    Ok(marked.unwrap_or_default() as u64)
}
