//! Which foreign tables a tenant has, and which columns: diallers differ in both.

use std::collections::BTreeMap;

use pgrx::prelude::*;
use pgrx::spi;

/// A foreign table as it is declared here.
#[derive(Debug, Default, Clone)]
pub struct Table {
    /// With its type, as SQL writes it.
    pub columns: BTreeMap<String, String>,
    /// Database and table at the dialler.
    pub database: String,
    pub name: String,
    pub server: String,
}

/// The foreign tables of a schema. Only such: a view would run its owner's functions, or ours its reader's. For the same
/// reason their columns may only have types of Postgres's own.
pub fn tables(schema: &str) -> spi::Result<BTreeMap<String, Table>> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), s.srvname::text,
                COALESCE((SELECT option_value FROM pg_options_to_table(f.ftoptions) WHERE option_name = 'dbname'), ''),
                COALESCE((SELECT option_value FROM pg_options_to_table(f.ftoptions) WHERE option_name = 'table_name'),
                         c.relname)::text
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_foreign_table f ON f.ftrelid = c.oid JOIN pg_foreign_server s ON s.oid = f.ftserver
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             JOIN pg_type t ON t.oid = a.atttypid AND t.typnamespace = 'pg_catalog'::regnamespace
             WHERE n.nspname = $1::name AND c.relkind = 'f'",
            None,
            &[schema.into()],
        )?;
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        for row in rows {
            let table = tables.entry(row.get(1)?.unwrap_or_default()).or_default();
            table.columns.insert(row.get(2)?.unwrap_or_default(), row.get(3)?.unwrap_or_default());
            table.server = row.get(4)?.unwrap_or_default();
            table.database = row.get(5)?.unwrap_or_default();
            table.name = row.get(6)?.unwrap_or_default();
        }
        Ok(tables)
    })
}

impl Table {
    /// The columns as they are selected, NULL where the dialler has none of that name.
    ///
    /// Without a column of type text mysql_fdw takes a connection that breaks off for the end of the rows.
    pub fn select_list(&self, columns: &[&str]) -> Result<String, &'static str> {
        let item = |column: &&str| match self.columns.get(*column).map(String::as_str) {
            None => "NULL::text".to_owned(),
            Some("text") => format!("\"{column}\""),
            Some(_) => format!("\"{column}\"::text"),
        };
        let is_text = |column: &&str| self.columns.get(*column).is_some_and(|kind| kind == "text");
        match columns.iter().any(is_text) {
            true => Ok(columns.iter().map(item).collect::<Vec<_>>().join(", ")),
            false => Err("none of its columns is of type text, and mysql_fdw hides a broken connection then"),
        }
    }
}
