//! `df_harden_view` and `df_unharden_view`: the same view with its rows back, and back to what it was.

use std::collections::BTreeMap;
use std::time::Duration;

use pgrx::datum::JsonB;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use serde_json::Value;

use super::catalog::{self, View};
use super::count::Counter;
use super::fallback;
use super::level::{Level, Softened};
use super::place::{kept_ctes, obstacle};
use crate::error::Failure;
use crate::pg::query_tree::{self, columns, Column, Expr, JoinKind, Query, RelKind};
use crate::pg::role::{self, AsOwner};
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
        let mut mending =
            Mending { wishes, counter: &counter, guess, changes: Vec::new(), hurdles: Vec::new(), notes: Vec::new() };
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

pub fn unharden(oid: Oid) -> Result<String, Failure> {
    let view = catalog::view(oid)?;
    if !role::has_rights_of(view.owner) {
        return Err(Failure::NotOwnerOfView { view: view.name, owner: view.owner_name });
    }
    let kept = Spi::get_three_with_args::<String, String, String>(
        "SELECT old_statement, old_definition, new_definition FROM dialfire.hardened_views WHERE view = $1",
        &[view.name.as_str().into()],
    );
    let (Some(statement), Some(old), Some(new)) = kept.unwrap_or_default() else {
        return Err(Failure::NotHardened(view.name));
    };
    if catalog::definition(oid)? != new {
        return Err(Failure::ChangedSince(view.name));
    }
    Spi::run(&statement)?;
    // What Postgres prints is not always what it prints when it has read that: a list of varchar, for one.
    if catalog::definition(oid)? != old {
        let tree = Spi::get_one_with_args::<String>(
            "SELECT old_tree FROM dialfire.hardened_views WHERE view = $1 AND old_version = $2",
            &[view.name.as_str().into(), version().into()],
        )?;
        let restored = attempt(|| tree.is_some_and(|tree| query_tree::restore(oid, &tree, select_of(&old))));
        if !restored.unwrap_or(false) || catalog::definition(oid)? != old {
            pgrx::notice!("view {} is restored, though Postgres prints its definition otherwise now", view.name);
        }
    }
    let _owner = AsOwner::begin()?;
    Spi::run_with_args("DELETE FROM dialfire.hardened_views WHERE view = $1", &[view.name.as_str().into()])?;
    Ok(statement)
}

fn replace(view: &View, statement: &str, old: &str, changes: &[String]) -> Result<(), Failure> {
    query_tree::lock(view.oid);
    if catalog::definition(view.oid)? != old {
        return Err(Failure::CannotHarden {
            view: view.name.clone(),
            why: "Somebody replaced it in the meantime.".to_owned(),
            hint: "Try again.".to_owned(),
        });
    }
    let tree = catalog::tree(view.oid)?;
    Spi::run(statement)?;
    let new = catalog::definition(view.oid)?;
    // The owner may lack a right on a column that was not read so far.
    let readable = attempt(|| {
        let _owner = AsOwner::of_view(view.owner);
        Spi::run(&format!("SELECT FROM {} LIMIT 0", view.name))
    });
    if let Err(error) = readable {
        return Err(Failure::CannotHarden {
            view: view.name.clone(),
            why: format!("Its owner could not read it any more: {}.", message(&error)),
            hint: format!("Grant {} the right, and try again.", view.owner_name),
        });
    }
    let caller = role::name(role::caller());
    let _owner = AsOwner::begin()?;
    Spi::run_with_args(
        "INSERT INTO dialfire.hardened_views AS h
             (view, hardened_by, changes, old_statement, old_definition, old_tree, old_version, new_definition)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT ON CONSTRAINT hardened_views_pkey DO UPDATE SET
             hardened_at = now(), hardened_by = excluded.hardened_by, new_definition = excluded.new_definition,
             changes = CASE WHEN h.new_definition = excluded.old_definition THEN h.changes || excluded.changes
                            ELSE excluded.changes END,
             -- Hardened twice, it goes back to where it was before the first time.
             old_statement = CASE WHEN h.new_definition = excluded.old_definition THEN h.old_statement
                                  ELSE excluded.old_statement END,
             old_tree = CASE WHEN h.new_definition = excluded.old_definition THEN h.old_tree ELSE excluded.old_tree END,
             old_version = CASE WHEN h.new_definition = excluded.old_definition THEN h.old_version
                                ELSE excluded.old_version END,
             old_definition = CASE WHEN h.new_definition = excluded.old_definition THEN h.old_definition
                                   ELSE excluded.old_definition END",
        &[
            view.name.as_str().into(),
            caller.into(),
            changes.to_vec().into(),
            self::statement(view, old).into(),
            old.into(),
            tree.into(),
            version().into(),
            new.into(),
        ],
    )?;
    Ok(())
}

/// Options that are not named would be reset.
fn statement(view: &View, select: &str) -> String {
    let options = if view.options.is_empty() { String::new() } else { format!(" WITH ({})", view.options.join(", ")) };
    format!("CREATE OR REPLACE VIEW {}{options} AS\n{};", view.name, select_of(select))
}

/// A definition as pg_get_viewdef prints it, without what ends it.
fn select_of(definition: &str) -> &str {
    definition.trim_end().trim_end_matches(';')
}

/// Trees are of the major version that wrote them.
fn version() -> i32 {
    pgrx::pg_sys::PG_VERSION_NUM as i32 / 10_000
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

struct Mending<'a> {
    wishes: &'a Wishes<'a>,
    counter: &'a Counter,
    /// Use the fallbacks that follow from the tables' shapes.
    guess: bool,
    changes: Vec<String>,
    /// What would have to be mended and cannot be.
    hurdles: Vec<String>,
    /// What might be better, if somebody knew more.
    notes: Vec<String>,
}

impl Mending<'_> {
    fn mend(&mut self, query: Query, top: bool) -> Result<Query, Failure> {
        let traits = query.traits();
        if traits.set_operation {
            if !self.wishes.fallbacks.is_empty() && top {
                return Err(
                    self.no_such(self.wishes.fallbacks.keys().next(), "a view of several SELECTs has no one FROM")
                );
            }
            if !traits.only_unions {
                self.hurdles.push("INTERSECT or EXCEPT would return fewer rows where others come back".to_owned());
                return Ok(query);
            }
            let copy = query.copy();
            for index in copy.branches() {
                if let Some(RelKind::SubQuery(branch)) = copy.relation(index).map(|relation| relation.kind) {
                    copy.set_sub_query(index, self.mend(branch, false)?);
                }
            }
            return Ok(copy);
        }
        let keep = self.wishes.keep.filter(|_| top);
        let Some(level) = Level::of(query, keep)? else { return Ok(query) };
        let mut fallbacks = Vec::new();
        if self.guess {
            for known in fallback::known(&level) {
                if self.wishes.fallbacks.contains_key(&known.column) {
                    continue;
                }
                let column = known.column.clone();
                match fallback::proven(&level, known, self.counter) {
                    Ok(known) => fallbacks.push(known),
                    Err(reason) => self.notes.push(format!("column {column} has no fallback: {reason}")),
                }
            }
        }
        let given = if top { self.given(&level)? } else { Vec::new() };
        self.hurdles.extend(level.stuck.iter().cloned());
        let mut mended = query;
        if !level.fixes().is_empty() || !fallbacks.is_empty() || !given.is_empty() {
            let hurdle = obstacle(query).map(str::to_owned).or_else(|| reorders(&level).map(str::to_owned));
            match hurdle.filter(|_| !level.softened.is_empty() || !level.moves.is_empty()) {
                Some(why) => self.hurdles.push(why),
                None => {
                    mended = level.mended(None);
                    fallback::apply(&level, mended, &fallbacks);
                    mended.replace_in_output(&mut |name, expr| {
                        given.iter().find(|given| given.0 == name && given.1.is_same(expr)).map(|given| given.2)
                    });
                    self.tell(&level, &fallbacks);
                    self.changes.extend(given.iter().map(|given| given.3.clone()));
                }
            }
        }
        if obstacle(query).is_some() {
            return Ok(mended);
        }
        // The kept relation may itself be a query that loses rows.
        match level.relations.get(&level.keep).map(|relation| &relation.kind) {
            Some(RelKind::SubQuery(sub)) => {
                let sub = self.mend(*sub, false)?;
                let copy = mended.copy();
                copy.set_sub_query(level.keep, sub);
                Ok(copy)
            }
            Some(RelKind::Cte(_, 0)) => {
                let copy = mended.copy();
                for name in kept_ctes(mended, Some(level.keep))? {
                    let Some(cte) = copy.ctes().into_iter().find(|cte| cte.name == name) else { continue };
                    if cte.recursive || cte.uses > 1 {
                        self.hurdles.push(format!("WITH query {name} is read more than once"));
                        break;
                    }
                    copy.set_cte(&name, self.mend(cte.query, false)?);
                }
                Ok(copy)
            }
            _ => Ok(mended),
        }
    }

    /// Columns with the fallbacks that the caller gave: name, what it is, what it becomes, and that in words.
    fn given(&self, level: &Level) -> Result<Vec<(String, Expr, Expr, String)>, Failure> {
        let targets: Vec<_> = level.tree.targets().into_iter().filter(|target| !target.junk).collect();
        let mut found = Vec::new();
        for (column, names) in &self.wishes.fallbacks {
            let Some(target) = targets.iter().find(|target| target.name == *column) else {
                return Err(self.no_such(Some(column), "the view has no such column"));
            };
            let mut others = Vec::new();
            for name in names {
                let of_view = targets.iter().find(|target| target.name == *name).map(|target| target.expr);
                let of_relation = || {
                    let (alias, column) = name.split_once('.')?;
                    let relation = level.relations.values().find(|relation| relation.alias == alias)?;
                    level.column(level.find(relation.index, column)?)
                };
                match of_view.or_else(of_relation) {
                    Some(expr) => others.push(expr),
                    None => {
                        let why = format!(
                            "neither the view has a column {name}, nor has its FROM ({}) such an alias.column",
                            level.aliases(level.relations.keys())
                        );
                        return Err(self.no_such(Some(column), &why));
                    }
                }
            }
            let Some(either) = target.expr.or(&others) else {
                return Err(self.no_such(Some(column), "the types do not fit"));
            };
            let words = format!("column {column} became COALESCE over {}", names.join(", "));
            found.push((column.clone(), target.expr, either, words));
        }
        Ok(found)
    }

    fn no_such(&self, column: Option<&String>, why: &str) -> Failure {
        Failure::Fallback { column: column.cloned().unwrap_or_default(), why: sentence(why) }
    }

    fn tell(&mut self, level: &Level, fallbacks: &[fallback::Fallback]) {
        let keep = level.alias(level.keep);
        for Softened { kind, comma, arm, .. } in &level.softened {
            let was = if *comma { "comma" } else { "JOIN" };
            let becomes = if *kind == JoinKind::Right { "RIGHT JOIN" } else { "LEFT JOIN" };
            let arm = level.aliases(arm);
            self.changes.push(format!("{was} with {arm} became {becomes}: rows of {keep} stay without {arm}"));
        }
        for moved in &level.moves {
            self.changes.push(format!("condition {} moved from WHERE into ON", moved.text));
        }
        for key in &level.keys {
            let (weak, strong) = (level.alias(key.weak.rel), level.alias(key.strong.rel));
            let (arm, column) = (level.alias(key.arm), &key.column);
            self.changes.push(format!("{arm} is joined by {weak}.{column}, else {strong}.{column}"));
        }
        for fallback in fallbacks {
            let names: Vec<String> = fallback
                .strong
                .iter()
                .filter_map(|var| Some(format!("{}.{}", level.alias(var.rel), level.column_name(*var)?)))
                .collect();
            self.changes.push(format!("column {} falls back on {}", fallback.column, names.join(", ")));
        }
    }
}

/// Why rows that come back would change the ones that are there: what is numbered or picked within a group that they
/// would join.
fn reorders(level: &Level) -> Option<&'static str> {
    let traits = level.tree.traits();
    let own = |references: &[u32]| level.only_whole_rows && is_own(level, references);
    if !traits.distinct_on.is_empty() && !own(&traits.distinct_on) {
        return Some("DISTINCT ON could pick other rows than today");
    }
    if traits.windows && !traits.partitions.iter().all(|partition| own(partition)) {
        return Some("window functions would return other values than today");
    }
    None
}

/// Whether these sort references hold a key of the kept relation.
fn is_own(level: &Level, references: &[u32]) -> bool {
    let columns = level
        .tree
        .targets()
        .iter()
        .filter(|target| references.contains(&target.reference))
        .filter_map(|target| target.expr.var())
        .filter(|var| var.rel == level.keep)
        .map(|var| var.column)
        .collect();
    match level.relations.get(&level.keep).map(|relation| &relation.kind) {
        Some(RelKind::Table(table, _)) => {
            catalog::unique_keys(*table).unwrap_or_default().iter().any(|key| key.is_subset(&columns))
        }
        _ => false,
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
