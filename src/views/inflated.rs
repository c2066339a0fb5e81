//! Counts that count a row more than once, because a join multiplies it.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog;
use super::level::Level;
use crate::error::Failure;
use crate::pg::query_tree::{Expr, From, Kind, Query, RelKind};

pub struct Inflated {
    pub aggregate: String,
    /// The relation whose rows are counted, and the one that multiplies them.
    pub counted: i32,
    pub by: i32,
}

/// Aggregates that a row more or less of the same changes nothing about.
const IMMUNE: [&str; 9] =
    ["min", "max", "bool_and", "bool_or", "every", "bit_and", "bit_or", "any_value", "count_distinct"];

pub fn find(level: &Level) -> Result<Vec<Inflated>, Failure> {
    let Some(first) = level.tree.from().iter().flat_map(From::ordered_leaves).next() else { return Ok(Vec::new()) };
    let targets = level.tree.targets();
    let everywhere = targets.iter().map(|target| target.expr).chain(level.tree.having());
    let mut found: Vec<Inflated> = Vec::new();
    for part in everywhere.flat_map(Expr::all) {
        let Kind::Aggregate { name, star, distinct } = part.kind() else { continue };
        if distinct || IMMUNE.contains(&name.as_str()) {
            continue;
        }
        let reads = part.relations();
        // What is counted is the first relation, unless the aggregate itself names others.
        let counted = if star || reads.is_empty() { BTreeSet::from([first]) } else { reads };
        let Some(by) = multiplier(level, &counted)? else { continue };
        let aggregate = level.tree.text(part);
        if found.iter().all(|other| other.aggregate != aggregate) {
            found.push(Inflated { aggregate, counted: *counted.first().unwrap_or(&first), by });
        }
    }
    Ok(found)
}

/// The relation of which several rows may meet one of those counted.
fn multiplier(level: &Level, counted: &BTreeSet<i32>) -> Result<Option<i32>, Failure> {
    let conditions = level.conditions();
    let mut joined = counted.clone();
    loop {
        let open: Vec<i32> = level.relations.keys().filter(|index| !joined.contains(index)).copied().collect();
        let mut many = None;
        let mut one = None;
        for index in open {
            let columns = ties(&conditions, index, &joined);
            if columns.is_empty() {
                continue;
            }
            if is_unique(level, index, &columns)? {
                one = Some(index);
                break;
            }
            many = many.or(Some(index));
        }
        match one {
            Some(index) => joined.insert(index),
            None => return Ok(many),
        };
    }
}

/// The columns by which a relation is tied to those that are joined already.
fn ties(conditions: &[Expr], index: i32, joined: &BTreeSet<i32>) -> BTreeSet<i16> {
    let mut columns = BTreeSet::new();
    for (left, right) in conditions.iter().filter_map(|condition| condition.equality()) {
        for (one, other) in [(left, right), (right, left)] {
            let Some(var) = one.var().filter(|var| var.rel == index) else { continue };
            if !other.relations().is_empty() && other.relations().is_subset(joined) {
                columns.insert(var.column);
            }
        }
    }
    columns
}

/// Whether no two rows of the relation agree in these columns; what cannot be seen into gets the benefit of the doubt.
fn is_unique(level: &Level, index: i32, columns: &BTreeSet<i16>) -> Result<bool, Failure> {
    let relation = &level.relations[&index];
    Ok(match &relation.kind {
        RelKind::Table(table, 'r' | 'p' | 'm') => {
            catalog::unique_keys(*table)?.iter().any(|key| key.is_subset(columns))
        }
        RelKind::SubQuery(query) => is_unique_query(*query, columns),
        RelKind::Cte(name, 0) => match level.tree.ctes().into_iter().find(|cte| cte.name == *name) {
            Some(cte) if !cte.recursive => is_unique_query(cte.query, columns),
            _ => true,
        },
        _ => true,
    })
}

fn is_unique_query(query: Query, columns: &BTreeSet<i16>) -> bool {
    let traits = query.traits();
    if traits.set_operation || traits.single_row {
        return true;
    }
    let places: BTreeMap<u32, i16> = query
        .targets()
        .iter()
        .enumerate()
        .filter(|(_, target)| target.reference > 0 && !target.junk)
        .map(|(at, target)| (target.reference, at as i16 + 1))
        .collect();
    let within = |references: &[u32]| {
        !references.is_empty()
            && references.iter().all(|reference| places.get(reference).is_some_and(|at| columns.contains(at)))
    };
    within(&traits.group_by) || within(&traits.distinct) || within(&traits.distinct_on)
}
