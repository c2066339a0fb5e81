//! What the catalogue knows of views and of the tables below them.

use std::collections::BTreeSet;

use pgrx::pg_sys::Oid;
use pgrx::prelude::*;

use crate::error::Failure;
use crate::pg::query_tree::Column;

pub struct View {
    pub oid: Oid,
    pub owner: Oid,
    pub owner_name: String,
    /// Schema and name, quoted as SQL needs them.
    pub name: String,
    pub materialized: bool,
    /// As `WITH (…)` takes them.
    pub options: Vec<String>,
    pub checked: bool,
}

/// A foreign key whose columns are never null: every row has its partner.
pub struct ForeignKey {
    pub columns: Vec<i16>,
    pub target: Oid,
    pub target_columns: Vec<i16>,
}

const VIEWS: &str = "
    SELECT c.oid, c.relowner, pg_catalog.pg_get_userbyid(c.relowner)::text AS owner, c.relkind::text,
           pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
           ARRAY(SELECT pg_catalog.format('%I=%L', o.option_name, o.option_value)
                 FROM pg_catalog.pg_options_to_table(c.reloptions) o) AS options,
           EXISTS (SELECT FROM pg_catalog.pg_options_to_table(c.reloptions) o WHERE o.option_name = 'check_option') AS checked,
           EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e') AS of_extension
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";

/// The relation of that name as the caller's search path finds it.
pub fn resolve(name: &str) -> Result<Oid, Failure> {
    let found = Spi::get_one_with_args::<Oid>("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", &[name.into()])?;
    found.ok_or_else(|| Failure::UnknownView(name.to_owned()))
}

/// A view of the user's own.
pub fn view(oid: Oid) -> Result<View, Failure> {
    Spi::connect(|client| {
        let mut rows = client.select(&format!("{VIEWS} WHERE c.oid = $1"), None, &[oid.into()])?;
        let Some(row) = rows.next() else { return Err(Failure::UnknownView(oid.to_u32().to_string())) };
        let kind: String = row["relkind"].value()?.unwrap_or_default();
        let name: String = row["name"].value()?.unwrap_or_default();
        if kind != "v" && kind != "m" {
            return Err(Failure::NotAView(name));
        }
        if row["of_extension"].value()?.unwrap_or(false) {
            return Err(Failure::ViewOfExtension(name));
        }
        read(&row)
    })
}

/// Views and materialised views of a schema that no extension made.
pub fn views_of(schema: &str) -> Result<Vec<View>, Failure> {
    Spi::connect(|client| {
        let known =
            client.select("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", None, &[schema.into()])?;
        if known.is_empty() {
            return Err(Failure::UnknownSchema(schema.to_owned()));
        }
        let sql = format!(
            "SELECT v.* FROM ({VIEWS} WHERE n.nspname = $1 AND c.relkind IN ('v', 'm')) v
             WHERE NOT v.of_extension ORDER BY v.name COLLATE \"C\""
        );
        client.select(&sql, None, &[schema.into()])?.map(|row| read(&row)).collect()
    })
}

fn read(row: &pgrx::spi::SpiHeapTupleData) -> Result<View, Failure> {
    Ok(View {
        oid: row["oid"].value()?.unwrap_or(Oid::INVALID),
        owner: row["relowner"].value()?.unwrap_or(Oid::INVALID),
        owner_name: row["owner"].value()?.unwrap_or_default(),
        name: row["name"].value()?.unwrap_or_default(),
        materialized: row["relkind"].value::<String>()?.as_deref() == Some("m"),
        options: row["options"].value()?.unwrap_or_default(),
        checked: row["checked"].value()?.unwrap_or_default(),
    })
}

/// Whether somebody made this view himself, so that looking inside helps him.
pub fn is_somebodys(view: Oid) -> Result<bool, Failure> {
    Ok(Spi::get_one_with_args::<bool>(
        "SELECT n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT EXISTS (
             SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                AND d.objid = c.oid AND d.deptype = 'e')
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1",
        &[view.into()],
    )?
    .unwrap_or(false))
}

/// Schema and name, quoted.
pub fn name_of(relation: Oid) -> Result<String, Failure> {
    Ok(Spi::get_one_with_args::<String>(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1",
        &[relation.into()],
    )?
    .unwrap_or_default())
}

pub fn columns(view: Oid) -> Result<Vec<Column>, Failure> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT attname::text, atttypid, atttypmod, attcollation FROM pg_catalog.pg_attribute
             WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            None,
            &[view.into()],
        )?;
        rows.map(|row| {
            Ok(Column {
                name: row["attname"].value()?.unwrap_or_default(),
                ty: row["atttypid"].value()?.unwrap_or(Oid::INVALID),
                typmod: row["atttypmod"].value()?.unwrap_or(-1),
                collation: row["attcollation"].value()?.unwrap_or(Oid::INVALID),
            })
        })
        .collect()
    })
}

/// The SELECT of a view, as Postgres prints it.
pub fn definition(view: Oid) -> Result<String, Failure> {
    let text = Spi::get_one_with_args::<String>("SELECT pg_catalog.pg_get_viewdef($1)", &[view.into()])?;
    Ok(text.unwrap_or_default())
}

/// The query tree of a view as the catalogue keeps it.
pub fn tree(view: Oid) -> Result<String, Failure> {
    let sql = "SELECT ev_action::text FROM pg_catalog.pg_rewrite WHERE ev_class = $1 AND ev_type = '1'";
    Ok(Spi::get_one_with_args::<String>(sql, &[view.into()])?.unwrap_or_default())
}

/// Sets of columns of which no two rows have the same values.
pub fn unique_keys(table: Oid) -> Result<Vec<BTreeSet<i16>>, Failure> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT ARRAY(SELECT k FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY u(k, at)
                          WHERE u.at <= i.indnkeyatts) AS columns
             FROM pg_catalog.pg_index i
             WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indimmediate
               AND i.indpred IS NULL AND i.indexprs IS NULL",
            None,
            &[table.into()],
        )?;
        rows.map(|row| Ok(row["columns"].value::<Vec<i16>>()?.unwrap_or_default().into_iter().collect())).collect()
    })
}

pub fn foreign_keys(table: Oid) -> Result<Vec<ForeignKey>, Failure> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT k.conkey, k.confrelid, k.confkey FROM pg_catalog.pg_constraint k
             WHERE k.conrelid = $1 AND k.contype = 'f' AND k.convalidated AND NOT EXISTS (
                 SELECT FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND NOT a.attnotnull)",
            None,
            &[table.into()],
        )?;
        rows.map(|row| {
            Ok(ForeignKey {
                columns: row["conkey"].value()?.unwrap_or_default(),
                target: row["confrelid"].value()?.unwrap_or(Oid::INVALID),
                target_columns: row["confkey"].value()?.unwrap_or_default(),
            })
        })
        .collect()
    })
}
