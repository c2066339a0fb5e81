//! A SELECT of a view, and those that its rows come from, mended.

use super::catalog;
use super::count::Counter;
use super::fallback;
use super::harden::{sentence, Wishes};
use super::level::{Level, Softened};
use super::place::{kept_ctes, obstacle};
use crate::error::Failure;
use crate::pg::query_tree::{Expr, JoinKind, Query, RelKind};

/// What is done to the SELECTs of a view, and what is not.
pub struct Mending<'a> {
    wishes: &'a Wishes<'a>,
    counter: &'a Counter,
    /// Use the fallbacks that follow from the tables' shapes.
    guess: bool,
    pub changes: Vec<String>,
    /// What would have to be mended and cannot be.
    pub hurdles: Vec<String>,
    /// What might be better, if somebody knew more.
    pub notes: Vec<String>,
}

impl<'a> Mending<'a> {
    pub fn new(wishes: &'a Wishes<'a>, counter: &'a Counter, guess: bool) -> Mending<'a> {
        Mending { wishes, counter, guess, changes: Vec::new(), hurdles: Vec::new(), notes: Vec::new() }
    }

    pub fn mend(&mut self, query: Query, top: bool) -> Result<Query, Failure> {
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
