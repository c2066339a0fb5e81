//! The tables that the vendor's own client left in a schema: which there are, and their rows, read as the caller.

use calls::vendor::dialfire::Table;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::prelude::*;
use pgrx::spi;

use crate::error::Failure;
use crate::pg::memory::briefly;
use crate::pg::role::{self, AsOwner};

/// A row: its own key, the key of what it hangs on, and the rest as JSON.
pub type Row = (Option<String>, Option<String>, String);

pub struct OldTable {
    pub table: Table,
    /// With its schema, quoted.
    pub relation: String,
    columns: Vec<Column>,
    /// An index proves that an id occurs once.
    is_unique: bool,
}

struct Column {
    name: String,
    /// How it is read, quoted. All times of the client are UTC, so a time without a zone is that as well.
    expression: String,
}

/// Which rows to read.
pub enum Part<'a> {
    All,
    Timeless,
    /// After the first, up to and with the second.
    Between(Option<&'a str>, &'a str),
}

/// The tables of the schema, `None` for one that is missing. Runs as the owner; the rights are the caller's.
pub fn find(schema: &str, prefix: &str, caller: pg_sys::Oid) -> Result<Vec<(Table, Option<OldTable>)>, Failure> {
    let role = role::name(caller);
    let usage = "SELECT has_schema_privilege($2, oid, 'USAGE') FROM pg_namespace WHERE nspname = $1::name";
    match Spi::get_one_with_args::<bool>(usage, &[schema.into(), caller.into()]) {
        Ok(Some(true)) => {}
        Ok(Some(false)) => return Err(Failure::SchemaDenied { schema: schema.to_owned(), role }),
        _ => return Err(Failure::NoSchema { schema: schema.to_owned(), others: others(prefix)? }),
    }
    let tables = Table::ALL.map(|table| Ok((table, find_one(schema, prefix, table, caller, &role)?)));
    let tables: Vec<(Table, Option<OldTable>)> = tables.into_iter().collect::<Result<_, Failure>>()?;
    let lacks = |why: String| Ok(Failure::NoOldTables { schema: schema.to_owned(), why, others: others(prefix)? });
    match tables.iter().find(|(table, _)| *table == Table::Transactions) {
        Some((table, Some(found))) => match table.needs().iter().find(|column| !found.has(column)) {
            Some(column) => lacks(format!("Table {} has no column \"{column}\".", found.relation)).and_then(Err),
            None => Ok(tables),
        },
        _ => lacks(format!("It has no table \"{prefix}transactions\".")).and_then(Err),
    }
}

fn find_one(
    schema: &str,
    prefix: &str,
    table: Table,
    caller: pg_sys::Oid,
    role: &str,
) -> Result<Option<OldTable>, Failure> {
    let args: [DatumWithOid; 4] =
        [schema.into(), format!("{prefix}{}", table.name()).into(), caller.into(), table.id().into()];
    let found = Spi::connect(|client| {
        let rows = client.select(
            "SELECT format('%I.%I', n.nspname, c.relname), has_table_privilege($3, c.oid, 'SELECT'),
                array_agg(a.attname::text ORDER BY a.attnum),
                array_agg(CASE WHEN a.atttypid = 'timestamp'::regtype
                    THEN format('timezone(''UTC'', t.%1$I) AS %1$I', a.attname)
                    ELSE format('t.%I', a.attname) END ORDER BY a.attnum),
                EXISTS (SELECT FROM pg_index i JOIN pg_attribute k ON k.attrelid = c.oid AND k.attname = $4::name
                        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                          AND i.indnkeyatts = 1 AND i.indkey[0] = k.attnum)
             FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = $2::name
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE n.nspname = $1::name AND n.nspname <> 'dialfire' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
             GROUP BY n.nspname, c.oid, c.relname",
            Some(1),
            &args,
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let texts = |at| row.get::<Vec<Option<String>>>(at).map(|list| list.unwrap_or_default().into_iter().flatten());
        let columns = texts(3)?.zip(texts(4)?).map(|(name, expression)| Column { name, expression }).collect();
        let found = OldTable {
            table,
            relation: row.get(1)?.unwrap_or_default(),
            columns,
            is_unique: row.get(5)?.unwrap_or_default(),
        };
        Ok::<_, spi::Error>(Some((found, row.get::<bool>(2)?.unwrap_or_default())))
    })?;
    match found {
        Some((found, false)) => {
            Err(Failure::TableDenied { relation: found.relation, schema: schema.to_owned(), role: role.to_owned() })
        }
        other => Ok(other.map(|(found, _)| found)),
    }
}

/// Schemas that look as if the vendor's client had written into them.
fn others(prefix: &str) -> spi::Result<Vec<String>> {
    let found = Spi::get_one_with_args::<Vec<Option<String>>>(
        "SELECT array_agg(n.nspname::text ORDER BY n.nspname) FROM pg_namespace n
         JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = $1::name
         WHERE n.nspname <> 'dialfire' AND EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'fired' AND NOT a.attisdropped)",
        &[format!("{prefix}transactions").into()],
    )?;
    Ok(found.unwrap_or_default().into_iter().flatten().collect())
}

impl OldTable {
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c.name == column)
    }

    /// Columns that another version of the client has.
    pub fn missing(&self) -> Vec<&'static str> {
        self.table.columns().filter(|column| !self.has(column)).collect()
    }

    /// Columns without which no row of the table can be read.
    pub fn lacks(&self) -> Option<&'static str> {
        self.table.needs().iter().copied().find(|column| !self.has(column))
    }

    /// Columns that keep their name in a JSON column of ours.
    pub fn own(&self) -> usize {
        let known: Vec<&str> = self.table.columns().collect();
        self.columns.iter().filter(|c| !known.contains(&&*c.name) && !self.table.is_beside(&c.name)).count()
    }

    /// How the first named column that the table has is read, as text.
    pub fn text(&self, names: &[&str]) -> String {
        let column = names.iter().find_map(|name| self.columns.iter().find(|c| c.name == *name));
        match column {
            Some(column) => format!("t.{}::text", quoted(&column.name)),
            None => "NULL::text".to_owned(),
        }
    }

    /// By when its rows happened, so that steps touch few days each; alike in every collation.
    fn step_key(&self) -> String {
        format!("({} COLLATE \"C\")", self.text(&[self.table.time(), self.table.id()]))
    }

    /// Opens a cursor over the rows: few of them are held at a time. Runs as the caller.
    pub fn open(&self, part: &Part) -> spi::Result<String> {
        let id = self.text(&[self.table.id()]);
        let parent = self.table.parent().map_or("NULL".to_owned(), |column| self.text(&[column]));
        let object: Vec<&str> =
            self.columns.iter().filter(|c| !self.table.is_beside(&c.name)).map(|c| &*c.expression).collect();
        let key = self.step_key();
        let (which, args): (String, Vec<DatumWithOid>) = match part {
            Part::All => ("".to_owned(), Vec::new()),
            Part::Timeless => (format!("WHERE {key} IS NULL"), Vec::new()),
            Part::Between(None, to) => (format!("WHERE {key} <= $1"), vec![(*to).into()]),
            Part::Between(Some(after), to) => {
                (format!("WHERE {key} > $1 AND {key} <= $2"), vec![(*after).into(), (*to).into()])
            }
        };
        // The first of equal rows is read: the one with a location, or the one that was written last.
        let order = match self.table {
            Table::Recordings => {
                format!("ORDER BY {parent}, {}, {} NULLS LAST", self.text(&["started"]), self.text(&["location"]))
            }
            _ if self.is_unique => String::new(),
            _ => format!("ORDER BY {id}, {} DESC NULLS LAST", self.text(&["$changed"])),
        };
        let sql = format!(
            "SELECT {id}, {parent}, row_to_json(x.*)::text
             FROM {} t CROSS JOIN LATERAL (SELECT {}) x {which} {order}",
            self.relation,
            object.join(", "),
        );
        let _path = AsOwner::nobody_else();
        // Mutable, so that it takes a snapshot of its own: after a commit there is none.
        Spi::connect_mut(|client| Ok(client.try_open_cursor_mut(&*sql, &args)?.detach_into_name()))
    }

    /// Where a step of so many rows ends. Runs as the caller.
    pub fn step(&self, after: Option<&str>, rows: i64) -> spi::Result<Option<String>> {
        let key = self.step_key();
        let which = match after {
            Some(_) => format!("{key} > $1"),
            None => "$1 IS NULL".to_owned(),
        };
        let sql = format!(
            "SELECT max(k) FROM (SELECT {key} AS k FROM {} t WHERE {which} ORDER BY 1 LIMIT $2) s",
            self.relation
        );
        let _path = AsOwner::nobody_else();
        Spi::get_one_with_args(&sql, &[after.into(), rows.into()])
    }
}

/// The next rows of a cursor. Runs as the caller.
pub fn fetch(cursor: &str, rows: usize) -> spi::Result<Vec<Row>> {
    Spi::connect(|client| {
        let mut cursor = client.find_cursor(cursor)?;
        let fetched = cursor.fetch(rows as _)?;
        let rows = fetched.map(|row| Ok((row.get(1)?, row.get(2)?, row.get::<String>(3)?.unwrap_or_default())));
        let rows = briefly(|| rows.collect::<spi::Result<Vec<Row>>>())?;
        cursor.detach_into_name();
        Ok(rows)
    })
}

pub fn close(cursor: &str) -> spi::Result<()> {
    Spi::connect(|client| client.find_cursor(cursor).map(drop))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
