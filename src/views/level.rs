//! One SELECT of a view: whose rows it is about, what hides them, and how that is mended.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog;
use super::facts::{self, Shape};
use crate::error::Failure;
use crate::pg::query_tree::{Expr, From, Join, JoinKind, Query, RelKind, Relation, Var};

pub struct Level {
    /// With plain joins, those of commas included.
    pub tree: Query,
    pub relations: BTreeMap<i32, Relation>,
    /// The relation whose rows must not be lost.
    pub keep: i32,
    pub softened: Vec<Softened>,
    pub moves: Vec<Move>,
    pub keys: Vec<Key>,
    /// Conditions that hide rows and can stand nowhere else.
    pub stuck: Vec<String>,
    /// Whether a row of the kept relation comes back only where it is missing altogether, so that no group by it grows.
    pub only_whole_rows: bool,
}

/// An inner join that shall be an outer one.
#[derive(Clone)]
pub struct Softened {
    pub join: i32,
    pub kind: JoinKind,
    pub comma: bool,
    /// The relations that may then be missing.
    pub arm: BTreeSet<i32>,
}

/// A condition of WHERE that belongs to the ON of a join.
#[derive(Clone)]
pub struct Move {
    pub filter: usize,
    pub join: i32,
    /// The join is an outer one today, which this condition undoes.
    pub undoes: bool,
    pub text: String,
    pub relation: i32,
}

/// A join by a column that may be missing, where the kept relation has the same column.
#[derive(Clone)]
pub struct Key {
    pub join: i32,
    pub arm: i32,
    pub weak: Var,
    pub strong: Var,
    pub column: String,
}

/// What can be mended by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fix {
    Join(i32),
    Filter(usize),
    Key(i32),
}

struct Outer {
    join: i32,
    arm: BTreeSet<i32>,
    whole: BTreeSet<i32>,
    on: Vec<Expr>,
    was_outer: bool,
    full: bool,
}

impl Level {
    /// None for a query without relations, or whose rows are those of a FULL JOIN.
    pub fn of(query: Query, keep: Option<&str>) -> Result<Option<Level>, Failure> {
        let tree = query.copy();
        tree.plain_joins();
        let items = tree.from();
        let relations: BTreeMap<i32, Relation> = items
            .iter()
            .flat_map(From::leaves)
            .filter_map(|index| tree.relation(index).map(|relation| (index, relation)))
            .collect();
        let candidates: Vec<i32> = items.iter().flat_map(candidates).collect();
        let Some(keep) = choose(&relations, &candidates, keep)? else { return Ok(None) };
        let commas = fold(tree, &items, &relations, keep);
        let mut level = Level {
            tree,
            relations,
            keep,
            softened: Vec::new(),
            moves: Vec::new(),
            keys: Vec::new(),
            stuck: Vec::new(),
            only_whole_rows: true,
        };
        let mut outer = Vec::new();
        for item in tree.from() {
            if item.leaves().contains(&keep) {
                level.soften(&item, keep, &commas, &mut outer)?;
            } else {
                existing(&item, &mut outer);
            }
        }
        level.find_moves(&outer);
        level.find_keys(&outer);
        level.only_whole_rows = level.adds_whole_rows(&outer);
        Ok(Some(level))
    }

    pub fn fixes(&self) -> Vec<Fix> {
        let joins = self.softened.iter().map(|softened| Fix::Join(softened.join));
        let filters = self.moves.iter().map(|moved| Fix::Filter(moved.filter));
        let keys = self.keys.iter().map(|key| Fix::Key(key.join));
        joins.chain(filters).chain(keys).collect()
    }

    /// The query with all that can be mended, but for one thing.
    pub fn mended(&self, but: Option<Fix>) -> Query {
        let tree = self.tree.copy();
        for softened in self.softened.iter().filter(|softened| but != Some(Fix::Join(softened.join))) {
            tree.set_join(softened.join, softened.kind);
        }
        let moved = self.moves.iter().filter(|moved| but != Some(Fix::Filter(moved.filter)));
        tree.move_filters(&moved.map(|moved| (moved.filter, moved.join)).collect::<Vec<_>>());
        for key in self.keys.iter().filter(|key| but != Some(Fix::Key(key.join))) {
            tree.replace_in_join(key.join, &mut |expr| {
                expr.is_column(key.weak).then(|| expr.or(&[self.column(key.strong)?])).flatten()
            });
        }
        tree
    }

    pub fn column(&self, var: Var) -> Option<Expr> {
        Expr::of_column(self.tree, var)
    }

    pub fn alias(&self, relation: i32) -> String {
        self.relations.get(&relation).map(|relation| relation.alias.clone()).unwrap_or_default()
    }

    pub fn aliases<'a>(&self, relations: impl IntoIterator<Item = &'a i32>) -> String {
        relations.into_iter().map(|index| self.alias(*index)).collect::<Vec<_>>().join(", ")
    }

    pub fn column_name(&self, var: Var) -> Option<&str> {
        let relation = self.relations.get(&var.rel)?;
        relation.types.iter().find(|column| column.number == var.column).map(|column| column.name.as_str())
    }

    /// The column of that name.
    pub fn find(&self, relation: i32, name: &str) -> Option<Var> {
        let column = self.relations.get(&relation)?.types.iter().find(|column| column.name == name)?;
        Some(Var { rel: relation, column: column.number, up: 0 })
    }

    pub fn of_shape(&self, shape: Shape) -> Option<i32> {
        self.relations.values().find(|relation| facts::shape(relation) == Some(shape)).map(|relation| relation.index)
    }

    /// All conditions under which rows meet, wherever they stand.
    pub fn conditions(&self) -> Vec<Expr> {
        fn on(from: &From, into: &mut Vec<Expr>) {
            if let From::Join(join) = from {
                into.extend(&join.on);
                on(&join.left, into);
                on(&join.right, into);
            }
        }
        let mut all = self.tree.filters();
        self.tree.from().iter().for_each(|item| on(item, &mut all));
        all
    }

    /// Makes the inner joins on the way to the kept relation outer ones, innermost first.
    fn soften(&mut self, from: &From, keep: i32, commas: &[i32], outer: &mut Vec<Outer>) -> Result<(), Failure> {
        let From::Join(join) = from else { return Ok(()) };
        let kept_left = join.left.leaves().contains(&keep);
        let (kept, arm) = if kept_left { (&join.left, &join.right) } else { (&join.right, &join.left) };
        self.soften(kept, keep, commas, outer)?;
        let (arm_leaves, whole) = (arm.leaves(), from.leaves());
        if join.kind != JoinKind::Inner {
            let arm_leaves = if join.kind == JoinKind::Full { whole.clone() } else { arm_leaves };
            outer.push(Outer {
                join: join.index,
                arm: arm_leaves,
                whole,
                on: join.on.clone(),
                was_outer: true,
                full: join.kind == JoinKind::Full,
            });
            existing(arm, outer);
            return Ok(());
        }
        let links = |condition: &Expr| {
            let reads = condition.relations();
            reads.is_subset(&whole) && !reads.is_disjoint(&arm_leaves) && !reads.is_subset(&arm_leaves)
        };
        let on = join.on.iter().copied().filter(|condition| !condition.relations().is_disjoint(&arm_leaves));
        let mut linking: Vec<Expr> = on.collect();
        linking.extend(self.tree.filters().into_iter().filter(links));
        let lateral = arm_leaves
            .iter()
            .any(|index| self.relations.get(index).is_some_and(|relation| !relation.reads.is_disjoint(&kept.leaves())));
        // Where a row of one side always meets one of the other, nothing is lost.
        let nullable: BTreeSet<i32> = outer.iter().flat_map(|outer| outer.arm.clone()).collect();
        let complete = linking.is_empty() && !lateral
            || self.is_single_row(arm, &linking)?
            || self.has_partner(arm, &linking, &nullable)?;
        // The other side of a LATERAL join cannot be the one that is kept.
        let turned = !kept_left && self.reads_across(kept, &arm_leaves);
        if complete || turned {
            if turned && !complete {
                self.stuck.push(format!("{} reads {} by LATERAL", self.alias(keep), self.aliases(&arm_leaves)));
            }
            existing(arm, outer);
            return Ok(());
        }
        let kind = if kept_left { JoinKind::Left } else { JoinKind::Right };
        // Within the other side its own next relation is kept in turn, so that a call stays without its recording.
        let near: BTreeSet<i32> = linking.iter().flat_map(|condition| condition.relations()).collect();
        let next = candidates(arm).into_iter().find(|index| near.contains(index));
        match next {
            Some(next) => self.soften(arm, next, commas, outer)?,
            None => existing(arm, outer),
        }
        self.softened.push(Softened {
            join: join.index,
            kind,
            comma: commas.contains(&join.index),
            arm: arm_leaves.clone(),
        });
        outer.push(Outer {
            join: join.index,
            arm: arm_leaves,
            whole,
            on: join.on.clone(),
            was_outer: false,
            full: false,
        });
        Ok(())
    }

    fn reads_across(&self, from: &From, others: &BTreeSet<i32>) -> bool {
        from.leaves()
            .iter()
            .any(|index| self.relations.get(index).is_some_and(|relation| !relation.reads.is_disjoint(others)))
    }

    /// A sub-query that always returns one row, joined without a condition.
    fn is_single_row(&self, arm: &From, linking: &[Expr]) -> Result<bool, Failure> {
        let From::Leaf(index) = arm else { return Ok(false) };
        let Some(RelKind::SubQuery(query)) = self.relations.get(index).map(|relation| &relation.kind) else {
            return Ok(false);
        };
        let traits = query.traits();
        let always = traits.aggregates && !traits.grouped && !traits.limited && query.having().is_empty();
        Ok(always && linking.is_empty())
    }

    /// Whether a foreign key over columns that are never null says so.
    fn has_partner(&self, arm: &From, linking: &[Expr], nullable: &BTreeSet<i32>) -> Result<bool, Failure> {
        let From::Leaf(index) = arm else { return Ok(false) };
        let Some(target) = self.table(*index) else { return Ok(false) };
        let mut pairs: BTreeMap<i32, Vec<(i16, i16)>> = BTreeMap::new();
        for (left, right) in linking.iter().filter_map(|condition| condition.equality()) {
            let (Some(left), Some(right)) = (left.var(), right.var()) else { continue };
            let (far, near) = if left.rel == *index { (left, right) } else { (right, left) };
            if far.rel == *index && near.rel != *index && !nullable.contains(&near.rel) {
                pairs.entry(near.rel).or_default().push((near.column, far.column));
            }
        }
        for (relation, pairs) in pairs {
            let Some(table) = self.table(relation) else { continue };
            for key in catalog::foreign_keys(table)? {
                let covered = key.columns.iter().zip(&key.target_columns).all(|(a, b)| pairs.contains(&(*a, *b)));
                if key.target == target && covered {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn table(&self, relation: i32) -> Option<pgrx::pg_sys::Oid> {
        match self.relations.get(&relation)?.kind {
            RelKind::Table(table, 'r' | 'p') => Some(table),
            _ => None,
        }
    }

    fn find_moves(&mut self, outer: &[Outer]) {
        let nullable: BTreeSet<i32> = outer.iter().flat_map(|outer| outer.arm.clone()).collect();
        for (filter, condition) in self.tree.filters().into_iter().enumerate() {
            let (reads, rejects) = (condition.relations(), condition.rejects_null());
            let Some(relation) = rejects.intersection(&nullable).next().copied() else { continue };
            let text = self.tree.text(condition);
            let home = outer
                .iter()
                .filter(|outer| !outer.arm.is_disjoint(&rejects) && reads.is_subset(&outer.whole))
                .min_by_key(|outer| outer.whole.len());
            match home {
                Some(home) if !home.full => {
                    self.moves.push(Move { filter, join: home.join, undoes: home.was_outer, text, relation });
                }
                _ => self.stuck.push(format!("the condition {text} belongs to no single join")),
            }
        }
    }

    /// So it is where one join alone is mended, and only the kept relation decides what it meets.
    fn adds_whole_rows(&self, outer: &[Outer]) -> bool {
        let filters = self.tree.filters();
        let joins = self.softened.iter().map(|softened| softened.join).chain(self.moves.iter().map(|moved| moved.join));
        let joins: BTreeSet<i32> = joins.collect();
        joins.len() < 2
            && outer.iter().filter(|outer| joins.contains(&outer.join)).all(|home| {
                let moved = self.moves.iter().map(|moved| filters[moved.filter]);
                let mut conditions = home.on.iter().copied().chain(moved);
                conditions.all(|condition| {
                    condition.relations().iter().all(|index| *index == self.keep || home.arm.contains(index))
                })
            })
    }

    fn find_keys(&mut self, outer: &[Outer]) {
        let nullable: BTreeSet<i32> = outer.iter().flat_map(|outer| outer.arm.clone()).collect();
        let filters = self.tree.filters();
        for home in outer.iter().filter(|outer| !outer.full && outer.arm.len() == 1) {
            let (Some(arm), true) = (home.arm.first().copied(), home.whole.contains(&self.keep)) else { continue };
            let moved = self.moves.iter().filter(|moved| moved.join == home.join).map(|moved| filters[moved.filter]);
            for (left, right) in home.on.iter().copied().chain(moved).filter_map(|condition| condition.equality()) {
                let (Some(left), Some(right)) = (left.var(), right.var()) else { continue };
                let weak = if left.rel == arm { right } else { left };
                if weak.rel == arm || weak.rel == self.keep || !nullable.contains(&weak.rel) || arm == self.keep {
                    continue;
                }
                let Some(column) = self.column_name(weak).map(str::to_owned) else { continue };
                let Some(strong) = self.find(self.keep, &column) else { continue };
                let same = self.column(weak).map(Expr::ty) == self.column(strong).map(Expr::ty);
                if same && column.ends_with("_id") {
                    self.keys.push(Key { join: home.join, arm, weak, strong, column });
                }
            }
        }
    }
}

/// Relations none of whose rows an outer join of today drops, as SQL writes them.
fn candidates(from: &From) -> Vec<i32> {
    match from {
        From::Leaf(index) => vec![*index],
        From::Join(join) => match join.kind {
            JoinKind::Inner => [candidates(&join.left), candidates(&join.right)].concat(),
            JoinKind::Left | JoinKind::Full => candidates(&join.left),
            JoinKind::Right => candidates(&join.right),
        },
    }
}

/// The relation that the caller names, else the table of events, else the first in FROM.
fn choose(relations: &BTreeMap<i32, Relation>, candidates: &[i32], keep: Option<&str>) -> Result<Option<i32>, Failure> {
    if let Some(keep) = keep {
        let named = candidates.iter().find(|index| relations.get(index).is_some_and(|found| found.alias == keep));
        return match named {
            Some(index) => Ok(Some(*index)),
            None => Err(Failure::Keep {
                relation: keep.to_owned(),
                known: candidates
                    .iter()
                    .filter_map(|index| relations.get(index))
                    .map(|relation| relation.alias.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        };
    }
    let events = candidates.iter().find(|index| relations.get(index).and_then(facts::shape) == Some(Shape::Events));
    Ok(events.or(candidates.first()).copied())
}

/// The outer joins of a part of FROM that stays as it is.
fn existing(from: &From, outer: &mut Vec<Outer>) {
    let From::Join(join) = from else { return };
    let Join { left, right, .. } = &**join;
    existing(left, outer);
    existing(right, outer);
    let arm = match join.kind {
        JoinKind::Inner => return,
        JoinKind::Left => right.leaves(),
        JoinKind::Right => left.leaves(),
        JoinKind::Full => from.leaves(),
    };
    let full = join.kind == JoinKind::Full;
    outer.push(Outer { join: join.index, arm, whole: from.leaves(), on: join.on.clone(), was_outer: true, full });
}

/// Writes commas as joins, beginning with the kept relation and going on with what a condition ties to those before.
fn fold(tree: Query, items: &[From], relations: &BTreeMap<i32, Relation>, keep: i32) -> Vec<i32> {
    let Some(first) = items.iter().position(|item| item.leaves().contains(&keep)) else { return Vec::new() };
    let conditions: Vec<BTreeSet<i32>> = tree.filters().iter().map(|condition| condition.relations()).collect();
    let reads = |item: &From| -> BTreeSet<i32> {
        let leaves = item.leaves();
        let all = leaves.iter().filter_map(|index| relations.get(index)).flat_map(|relation| relation.reads.clone());
        all.filter(|index| !leaves.contains(index)).collect()
    };
    if !reads(&items[first]).is_empty() {
        return Vec::new();
    }
    let (mut order, mut joined) = (vec![first], items[first].leaves());
    loop {
        let next = items.iter().enumerate().find(|(at, item)| {
            let (leaves, reads) = (item.leaves(), reads(item));
            let tied = || {
                conditions.iter().any(|condition| {
                    !condition.is_disjoint(&leaves)
                        && !condition.is_disjoint(&joined)
                        && condition.iter().all(|index| leaves.contains(index) || joined.contains(index))
                })
            };
            !order.contains(at) && reads.is_subset(&joined) && (!reads.is_empty() || tied())
        });
        match next {
            Some((at, item)) => {
                order.push(at);
                joined.extend(item.leaves());
            }
            None => break,
        }
    }
    // What stays behind may read what is before it only.
    if items.iter().enumerate().any(|(at, item)| !order.contains(&at) && !reads(item).is_empty()) {
        return Vec::new();
    }
    if order.len() < 2 {
        Vec::new()
    } else {
        tree.fold(&order)
    }
}
