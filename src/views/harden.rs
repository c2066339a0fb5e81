//! `df_harden_view`: the same view with its rows back.

use std::collections::BTreeMap;
use std::time::Duration;

use pgrx::datum::JsonB;
use pgrx::pg_sys::Oid;
use serde_json::Value;

use super::catalog;
use super::count::Counter;
use super::mend::Mending;
use super::replace::{replace, statement};
use crate::error::Failure;
use crate::pg::query_tree::{self, columns, Column, Query, RelKind};
use crate::pg::role;
use crate::pg::transaction::{attempt, message};

/// What the caller asks for beyond what is known.
pub struct Wishes<'a> {
    /// Columns of the view, and what shall stand in for each.
    pub fallbacks: BTreeMap<String, Vec<String>>,
    /// The relation whose rows must not be lost.
    pub keep: Option<&'a str>,
    pub limit: Duration,
}

pub struct Hardened {
    pub view: String,
    pub changes: Vec<String>,
    pub not_mended: Vec<String>,
    pub statement: String,
    pub rows_before: Option<i64>,
    pub rows_after: Option<i64>,
    pub applied: bool,
}

/// The fallbacks of the argument: a column, and one stand-in or several.
pub fn given(fallbacks: Option<JsonB>) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let bad = |name: &str| Failure::Fallback {
        column: name.to_owned(),
        why: "A fallback is the name of a column, or an array of names.".to_owned(),
    };
    let object = match fallbacks.map(|JsonB(value)| value) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(object)) => object,
        Some(_) => return Err(bad("fallbacks")),
    };
    object
        .into_iter()
        .map(|(column, value)| {
            let names = match value {
                Value::String(name) => vec![name],
                Value::Array(names) => {
                    let names: Option<_> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
                    names.ok_or_else(|| bad(&column))?
                }
                _ => return Err(bad(&column)),
            };
            Ok((column, names))
        })
        .collect()
}

pub fn harden(oid: Oid, wishes: &Wishes, apply: bool) -> Result<Hardened, Failure> {
    let view = catalog::view(oid)?;
    let refuse = |why: &str, hint: &str| Failure::CannotHarden {
        view: view.name.clone(),
        why: why.to_owned(),
        hint: hint.to_owned(),
    };
    if view.materialized {
        return Err(refuse(
            "A materialized view cannot be replaced while others depend on it.",
            "Make a view of the same SELECT, harden that, and create the materialized view from it.",
        ));
    }
    if apply && !role::has_rights_of(view.owner) {
        return Err(Failure::NotOwnerOfView { view: view.name, owner: view.owner_name });
    }
    let root = query_tree::of_view(oid).ok_or_else(|| Failure::NotAView(view.name.clone()))?;
    let wanted = catalog::columns(oid)?;
    let counter = Counter::of(&view, wishes.limit);
    let mending = |guess| {
        let mut mending = Mending::new(wishes, &counter, guess);
        mending.mend(root, true).map(|mended| (mending, mended))
    };
    let (mut done, mut mended) = mending(true)?;
    if let Err(why) = check(mended, &wanted) {
        // A fallback of ours may not fit into what the view groups by; the joins are mended all the same.
        (done, mended) = mending(false)?;
        done.notes.push(format!("the fallbacks that are known do not fit: {why}"));
        check(mended, &wanted)
            .map_err(|why| refuse(&sentence(&why), "Give other fallbacks, or rewrite the view by hand."))?;
    }
    let Mending { changes, hurdles, notes, .. } = done;
    if view.checked && !changes.is_empty() {
        return Err(refuse(
            "It has a check_option, and what is written through it would be checked against other conditions.",
            "Reset check_option, harden the view, and set it again.",
        ));
    }
    if let (true, [why, ..]) = (changes.is_empty(), &hurdles[..]) {
        return Err(refuse(&sentence(why), "SELECT * FROM df_audit_views(…) says what is wrong; rewrite it by hand."));
    }
    let not_mended = [hurdles, notes].concat();
    let old = catalog::definition(oid)?;
    if changes.is_empty() {
        let rows = counter.all(&old).ok();
        let statement = statement(&view, &old);
        let name = view.name;
        return Ok(Hardened {
            view: name,
            changes,
            not_mended,
            statement,
            rows_before: rows,
            rows_after: rows,
            applied: false,
        });
    }
    let sql = named(mended, &wanted).sql();
    let statement = statement(&view, &sql);
    let (rows_before, rows_after) = (counter.all(&old).ok(), counter.all(&sql).ok());
    if apply {
        replace(&view, &statement, &old, &changes)?;
    }
    Ok(Hardened { view: view.name, changes, not_mended, statement, rows_before, rows_after, applied: apply })
}

/// The columns may have been renamed since the view was made.
fn named(query: Query, wanted: &[Column]) -> Query {
    let names: Vec<String> = wanted.iter().map(|column| column.name.clone()).collect();
    let query = query.copy();
    query.name_columns(&names);
    for index in query.branches() {
        if let Some(RelKind::SubQuery(branch)) = query.relation(index).map(|relation| relation.kind) {
            query.set_sub_query(index, named(branch, wanted));
        }
    }
    query
}

/// Whether Postgres reads the same columns out of the mended text.
fn check(query: Query, wanted: &[Column]) -> Result<(), String> {
    let read = attempt(|| columns(&named(query, wanted).sql())).map_err(|error| message(&error))?;
    match read.iter().zip(wanted).find(|(read, wanted)| read != wanted) {
        Some((_, column)) => Err(format!("column {} would change its type", column.name)),
        None if read.len() != wanted.len() => Err("the number of columns would change".to_owned()),
        None => Ok(()),
    }
}

/// Details are sentences.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
