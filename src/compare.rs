//! Calls that the tables of the vendor's client have and we have not, and the other way round.

use calls::range;
use calls::vendor::dialfire::Table;
use chrono::Utc;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::adopt::only_tenant;
use crate::error::Failure;
use crate::old_tables::{self, OldTable};
use crate::pg::role::{self, AsOwner};
use crate::store::instant;
use crate::tenant::Tenant;

const FETCH_ROWS: usize = 1_000;

type Difference =
    (String, String, Option<String>, Option<TimestampWithTimeZone>, Option<String>, Option<String>, String);

#[pg_extern]
fn df_compare(
    schema: &str,
    tenant: default!(Option<&str>, "NULL"),
    range: default!(Option<&str>, "NULL"),
    ask_vendor: default!(bool, false),
    prefix: default!(&str, "''"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(side, String),
            name!(what, String),
            name!(call_id, Option<String>),
            name!(fired, Option<TimestampWithTimeZone>),
            name!(campaign_id, Option<String>),
            name!(agent_login, Option<String>),
            name!(detail, String),
        ),
    >,
    ErrorReport,
> {
    let cursor = compare(schema, tenant, range, ask_vendor, prefix)?;
    Ok(TableIterator::new(Differences { cursor, ready: Vec::new().into_iter() }))
}

/// Differences as they are asked for: few of them are held at a time.
struct Differences {
    cursor: String,
    ready: std::vec::IntoIter<Difference>,
}

impl Iterator for Differences {
    type Item = Difference;

    fn next(&mut self) -> Option<Difference> {
        if self.ready.len() == 0 {
            match fetch(&self.cursor) {
                Ok(rows) => self.ready = rows.into_iter(),
                Err(error) => ErrorReport::from(Failure::from(error)).report(PgLogLevel::ERROR),
            }
        }
        self.ready.next()
    }
}

fn fetch(cursor: &str) -> spi::Result<Vec<Difference>> {
    Spi::connect(|client| {
        let mut cursor = client.find_cursor(cursor)?;
        let rows = cursor.fetch(FETCH_ROWS as _)?;
        let rows = rows.map(|row| {
            let text = |at| row.get::<String>(at);
            let must = |at| Ok::<_, spi::Error>(text(at)?.unwrap_or_default());
            Ok((must(1)?, must(2)?, text(3)?, row.get(4)?, text(5)?, text(6)?, must(7)?))
        });
        let rows = rows.collect::<spi::Result<Vec<Difference>>>()?;
        cursor.detach_into_name();
        Ok(rows)
    })
}

fn compare(
    schema: &str,
    tenant: Option<&str>,
    range: Option<&str>,
    ask_vendor: bool,
    prefix: &str,
) -> Result<String, Failure> {
    let caller = role::caller();
    let (tenant, tables, home, window) = {
        let _owner = AsOwner::begin()?;
        let name = tenant.map_or_else(|| only_tenant(schema, caller), |name| Ok(name.to_owned()))?;
        let tenant = Tenant::offline(&name, caller)?;
        let window = range.map(|range| range::parse(range, tenant.zone, Utc::now())).transpose()?;
        let home =
            "SELECT quote_ident(extnamespace::regnamespace::text) FROM pg_extension WHERE extname = 'dialfire_sync'";
        let home: String = Spi::get_one(home)?.unwrap_or_default();
        (tenant, old_tables::find(schema, prefix, caller)?, home, window)
    };
    if ask_vendor && window.is_none() {
        return Err(Failure::NoRange);
    }
    let old = |table: Table| tables.iter().find(|(t, _)| *t == table).and_then(|(_, old)| old.as_ref());
    let sql = sql(&old, &if ask_vendor { vendor(&home) } else { stored() }, window.is_some());
    let (from, to) = match window {
        Some(window) => (instant(window.from), instant(window.to)),
        None => (TimestampWithTimeZone::negative_infinity(), TimestampWithTimeZone::positive_infinity()),
    };
    let args: [DatumWithOid; 6] = [
        tenant.name.as_str().into(),
        from.into(),
        to.into(),
        range.into(),
        tenant.zone.name().into(),
        (if ask_vendor { "vendor" } else { "dialfire" }).into(),
    ];
    // As the caller, who may see of both sides what the rights allow.
    let _path = AsOwner::nobody_else();
    // Compiling so long a statement takes seconds, and rows are few a function.
    Spi::run("SELECT set_config('jit', 'off', true)")?;
    Ok(Spi::connect(|client| Ok::<_, spi::Error>(client.try_open_cursor(&*sql, &args)?.detach_into_name()))?)
}

/// What is stored, as the other side.
fn stored() -> String {
    "calls AS (
        SELECT t.id, t.contact_id, t.fired, t.campaign_id, COALESCE(t.user_login, a.login) AS login
        FROM dialfire.transactions t LEFT JOIN dialfire.agents a ON a.tenant = t.tenant AND a.id = t.user_id
        WHERE t.tenant = $1 AND t.fired >= $2 AND t.fired < $3
     ), legs AS (
        SELECT id, transaction_id, duration_ms, result FROM dialfire.connections WHERE tenant = $1
     ), recordings AS (
        SELECT id, connection_id, transaction_id, location FROM dialfire.recordings WHERE tenant = $1
     ), inbound AS (
        SELECT id, started, campaign_id, disposition FROM dialfire.inbound_calls
        WHERE tenant = $1 AND started >= $2 AND started < $3
     )"
    .to_owned()
}

/// What the vendor delivers now, as the other side.
fn vendor(home: &str) -> String {
    format!(
        "came AS MATERIALIZED (
            SELECT DISTINCT ON (n.kind, n.id) f.source, n.kind, n.id, n.record AS r
            FROM {home}.df_fetch($1, $4) f CROSS JOIN LATERAL {home}.df_normalize('dialfire', f.payload::text, $5) n
            WHERE f.kind <> 'event' AND n.record IS NOT NULL
         ), calls AS (
            SELECT id, r ->> 'contact_id' AS contact_id, (r ->> 'fired')::timestamptz AS fired, source AS campaign_id,
                   r ->> 'user_login' AS login
            FROM came WHERE kind = 'transaction' AND (r ->> 'fired')::timestamptz >= $2
              AND (r ->> 'fired')::timestamptz < $3
         ), legs AS (
            SELECT id, r ->> 'transaction_id' AS transaction_id, (r ->> 'duration_ms')::bigint AS duration_ms,
                   r ->> 'result' AS result
            FROM came WHERE kind = 'connection'
         ), recordings AS (
            SELECT id, r ->> 'connection_id' AS connection_id, r ->> 'transaction_id' AS transaction_id,
                   r ->> 'location' AS location
            FROM came WHERE kind = 'recording'
         ), inbound AS (
            SELECT id, (r ->> 'started')::timestamptz AS started, source AS campaign_id, r ->> 'disposition' AS disposition
            FROM came WHERE kind = 'inbound_call'
         )"
    )
}

/// The old tables as the first side; a table that is not there has no rows and nothing to compare with.
fn sql<'a>(old: &dyn Fn(Table) -> Option<&'a OldTable>, other: &str, ranged: bool) -> String {
    let rows = |table: Table, columns: &[(&str, &[&str])]| match old(table) {
        Some(old) => {
            let columns = columns.iter().map(|(name, of)| format!("{} AS {name}", old.text(of))).collect::<Vec<_>>();
            format!("SELECT {} FROM {} t", columns.join(", "), old.relation)
        }
        None => {
            let columns = columns.iter().map(|(name, _)| format!("NULL::text AS {name}")).collect::<Vec<_>>();
            format!("SELECT {} WHERE false", columns.join(", "))
        }
    };
    let is_there = |table: Table| if old(table).is_some() { "true" } else { "false" };
    let length = "COALESCE('of ' || round(l.duration_ms / 1000.0) || ' s', 'without an end')";
    let unreadable = if ranged { "false" } else { "o.fired IS NULL" };
    format!(
        "WITH {other}, old_calls AS MATERIALIZED (
            SELECT o.id, o.contact_id, dialfire.instant(o.fired) AS fired, o.login FROM ({}) o
         ), old_legs AS MATERIALIZED ({}), old_recordings AS (
            SELECT o.*, md5(o.connection_id || COALESCE(o.started, o.location)) AS key FROM ({}) o
         ), old_inbound AS (
            SELECT o.id, o.campaign_id, dialfire.instant(o.started) AS started FROM ({}) o
         ), rejected AS (
            SELECT kind, key, max(format('rejected: %s in field \"%s\"', reason, field)) AS why FROM dialfire.rejects
            WHERE tenant = $1 AND resolved_at IS NULL GROUP BY kind, key
         ), missing AS MATERIALIZED (
            SELECT c.* FROM calls c LEFT JOIN old_calls o ON o.id = c.id WHERE o.id IS NULL
         ), found AS (
            SELECT $6 AS side, 'call' AS what, m.id AS call_id, m.fired, m.campaign_id, m.login,
                CASE WHEN t.contact_id IS NOT NULL THEN 'the client keeps only one call of a contact and instant'
                     ELSE concat_ws(', ', 'not in the schema', l.legs) END AS detail
            FROM missing m
            LEFT JOIN (SELECT DISTINCT contact_id, fired FROM old_calls) t ON (t.contact_id, t.fired) = (m.contact_id, m.fired)
            LEFT JOIN (
                SELECT m.id, string_agg(format('leg %s%s', {length}, ' (' || l.result || ')'), ', ')
                    AS legs
                FROM missing m JOIN legs l ON l.transaction_id = m.id GROUP BY m.id) l ON l.id = m.id
            UNION ALL
            SELECT 'schema', 'call', o.id, o.fired, k.campaign_id, o.login,
                COALESCE(j.why, CASE $6 WHEN 'vendor' THEN 'the vendor does not deliver it' ELSE 'not adopted' END)
            FROM old_calls o LEFT JOIN calls c ON c.id = o.id
            LEFT JOIN dialfire.contacts k ON k.tenant = $1 AND k.id = o.contact_id LEFT JOIN rejected j
                ON j.key = o.id AND j.kind = 'transaction'
            WHERE c.id IS NULL AND (o.fired >= $2 AND o.fired < $3 OR {unreadable})
            UNION ALL
            SELECT $6, 'leg', c.id, c.fired, c.campaign_id, c.login,
                format('leg %s %s%s, %s', l.id, {length}, ' (' || l.result || ')',
                    CASE WHEN r.connection_id IS NULL THEN 'not recorded' ELSE 'with its recordings' END)
            FROM legs l JOIN calls c ON c.id = l.transaction_id JOIN old_calls b ON b.id = c.id
            LEFT JOIN old_legs o ON o.id = l.id
            LEFT JOIN (SELECT DISTINCT connection_id FROM recordings) r ON r.connection_id = l.id
            WHERE {} AND o.id IS NULL
            UNION ALL
            SELECT 'schema', 'leg', o.transaction_id, b.fired, c.campaign_id, b.login,
                format('leg %s, %s', COALESCE(o.id, 'without an id'), COALESCE(j.why, CASE WHEN c.id IS NULL THEN 'its call is nowhere' ELSE 'its call is there without it' END))
            FROM old_legs o LEFT JOIN legs l ON l.id = o.id LEFT JOIN old_calls b ON b.id = o.transaction_id
            LEFT JOIN calls c ON c.id = o.transaction_id LEFT JOIN rejected j
                ON j.key = o.transaction_id AND j.kind = 'connection'
            WHERE l.id IS NULL AND (c.id IS NOT NULL OR b.id IS NULL) AND (b.fired >= $2 AND b.fired < $3 OR b.fired IS NULL AND NOT {ranged})
            UNION ALL
            SELECT $6, 'recording', c.id, c.fired, c.campaign_id, c.login, format('recording %s of leg %s', r.id, r.connection_id)
            FROM recordings r JOIN calls c ON c.id = r.transaction_id JOIN old_legs b ON b.id = r.connection_id
            WHERE {} AND NOT EXISTS (SELECT FROM old_recordings o
                WHERE o.connection_id = r.connection_id AND (o.key = r.id OR o.location = r.location))
            UNION ALL
            SELECT 'schema', 'recording', c.id, c.fired, c.campaign_id, c.login,
                format('recording of leg %s%s', o.connection_id, ': ' || o.location)
            FROM old_recordings o JOIN legs l ON l.id = o.connection_id JOIN calls c ON c.id = l.transaction_id
            WHERE NOT EXISTS (SELECT FROM recordings r
                WHERE r.connection_id = o.connection_id AND (r.id = o.key OR r.location = o.location))
            UNION ALL
            SELECT $6, 'inbound call', i.id, i.started, i.campaign_id, NULL, concat_ws(', ', 'not in the schema', i.disposition)
            FROM inbound i LEFT JOIN old_inbound o ON o.id = i.id WHERE {} AND o.id IS NULL
            UNION ALL
            SELECT 'schema', 'inbound call', o.id, o.started, o.campaign_id, NULL,
                COALESCE(j.why, CASE $6 WHEN 'vendor' THEN 'the vendor does not deliver it' ELSE 'not adopted' END)
            FROM old_inbound o LEFT JOIN inbound i ON i.id = o.id LEFT JOIN rejected j
                ON j.key = o.id AND j.kind = 'inbound_call'
            WHERE i.id IS NULL AND (o.started >= $2 AND o.started < $3 OR o.started IS NULL AND NOT {ranged})
         )
         SELECT side, what, call_id, fired, campaign_id, login, detail FROM found ORDER BY fired, call_id, what",
        rows(
            Table::Transactions,
            &[("id", &["id"]), ("contact_id", &["contact_id"]), ("fired", &["fired"]), ("login", &["user_loginName"])]
        ),
        rows(Table::Connections, &[("id", &["id"]), ("transaction_id", &["transaction_id"])]),
        rows(
            Table::Recordings,
            &[("connection_id", &["connection_id"]), ("started", &["started"]), ("location", &["location"])]
        ),
        rows(Table::InboundCalls, &[("id", &["id"]), ("campaign_id", &["campaign_id"]), ("started", &["started"])]),
        is_there(Table::Connections),
        is_there(Table::Recordings),
        is_there(Table::InboundCalls),
    )
}
