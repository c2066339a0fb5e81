//! What a query consists of.

use std::collections::BTreeSet;

use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

use super::expr::conjuncts;
use super::{members, string, Expr, Query, DEEPEST};

/// One entry of the range table.
pub struct Relation {
    pub index: i32,
    pub kind: RelKind,
    /// Its alias, or its own name.
    pub alias: String,
    pub types: Vec<TypedColumn>,
    /// What a LATERAL one reads of its neighbours.
    pub reads: BTreeSet<i32>,
}

pub struct TypedColumn {
    pub name: String,
    pub number: i16,
    pub ty: pg_sys::Oid,
    pub typmod: i32,
    pub collation: pg_sys::Oid,
}

pub enum RelKind {
    /// A table, view or anything else that has rows, with its relkind.
    Table(pg_sys::Oid, char),
    SubQuery(Query),
    /// A WITH query by name, and how many queries further out it stands.
    Cte(String, u32),
    Join,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

/// A part of FROM.
#[derive(Clone)]
pub enum From {
    Leaf(i32),
    Join(Box<Join>),
}

#[derive(Clone)]
pub struct Join {
    /// Its entry in the range table.
    pub index: i32,
    pub kind: JoinKind,
    pub left: From,
    pub right: From,
    pub on: Vec<Expr>,
}

pub struct Target {
    pub name: String,
    pub expr: Expr,
    /// Not returned; only sorted or grouped by.
    pub junk: bool,
    /// What GROUP BY, DISTINCT ON and others refer to; 0: nothing does.
    pub reference: u32,
}

pub struct Cte {
    pub name: String,
    pub query: Query,
    pub recursive: bool,
    pub uses: i32,
}

/// What else a query does.
pub struct Traits {
    pub set_operation: bool,
    pub only_unions: bool,
    pub grouped: bool,
    pub aggregates: bool,
    pub windows: bool,
    pub limited: bool,
    pub single_row: bool,
    pub locks_rows: bool,
    pub select: bool,
    /// References of GROUP BY; grouping sets have none.
    pub group_by: Vec<u32>,
    pub distinct: Vec<u32>,
    pub distinct_on: Vec<u32>,
    /// References of PARTITION BY, one list a window.
    pub partitions: Vec<Vec<u32>>,
}

impl From {
    pub fn leaves(&self) -> BTreeSet<i32> {
        match self {
            From::Leaf(index) => BTreeSet::from([*index]),
            From::Join(join) => join.left.leaves().union(&join.right.leaves()).copied().collect(),
        }
    }

    /// As SQL writes them.
    pub fn ordered_leaves(&self) -> Vec<i32> {
        match self {
            From::Leaf(index) => vec![*index],
            From::Join(join) => [join.left.ordered_leaves(), join.right.ordered_leaves()].concat(),
        }
    }
}

impl Query {
    fn get(&self) -> &pg_sys::Query {
        // SAFETY: see the module.
        unsafe { &*self.0 }
    }

    /// The statement, names qualified wherever the search path does not find them.
    pub fn sql(self) -> String {
        // SAFETY: printing locks relations and adapts the tree to them, so it gets a copy.
        unsafe { string(pg_sys::pg_get_querydef(self.copy().0, false)) }
    }

    pub fn from(self) -> Vec<From> {
        // SAFETY: the members of FROM are references and joins.
        unsafe { members((*self.get().jointree).fromlist).into_iter().filter_map(|node| from(node)).collect() }
    }

    /// The conditions of WHERE.
    pub fn filters(self) -> Vec<Expr> {
        // SAFETY: see the module.
        unsafe { conjuncts((*self.get().jointree).quals) }
    }

    pub fn having(self) -> Vec<Expr> {
        // SAFETY: see the module.
        unsafe { conjuncts(self.get().havingQual) }
    }

    pub fn targets(self) -> Vec<Target> {
        // SAFETY: the target list holds target entries.
        unsafe {
            members::<pg_sys::TargetEntry>(self.get().targetList)
                .into_iter()
                .map(|target| Target {
                    name: string((*target).resname),
                    expr: Expr((*target).expr.cast()),
                    junk: (*target).resjunk,
                    reference: (*target).ressortgroupref,
                })
                .collect()
        }
    }

    pub fn ctes(self) -> Vec<Cte> {
        // SAFETY: the list holds WITH queries, analysed.
        unsafe {
            members::<pg_sys::CommonTableExpr>(self.get().cteList)
                .into_iter()
                .map(|cte| Cte {
                    name: string((*cte).ctename),
                    query: Query((*cte).ctequery.cast()),
                    recursive: (*cte).cterecursive,
                    uses: (*cte).cterefcount,
                })
                .collect()
        }
    }

    pub fn relation(self, index: i32) -> Option<Relation> {
        // SAFETY: the range table holds its entries in order, from 1.
        unsafe {
            let entry: *mut pg_sys::RangeTblEntry =
                *members(self.get().rtable).get(usize::try_from(index - 1).ok()?)?;
            Some(relation(&mut *entry, index))
        }
    }

    /// The queries that UNION and the like put together.
    pub fn branches(self) -> Vec<i32> {
        // SAFETY: the tree of set operations consists of references and set operations.
        unsafe { branches(self.get().setOperations) }
    }

    /// Whether it reads from queries further out, which it needs to run.
    pub fn is_correlated(self) -> bool {
        // SAFETY: walks the tree.
        unsafe { (1..DEEPEST).any(|up| pg_sys::contain_vars_of_level(self.0.cast(), up)) }
    }

    pub fn traits(self) -> Traits {
        let query = self.get();
        // SAFETY: the clauses are lists of sort or group clauses, the windows of window clauses.
        unsafe {
            let references = |list| -> Vec<u32> {
                members::<pg_sys::SortGroupClause>(list).iter().map(|clause| (**clause).tleSortGroupRef).collect()
            };
            let distinct = references(query.distinctClause);
            Traits {
                set_operation: !query.setOperations.is_null(),
                only_unions: only_unions(query.setOperations),
                grouped: !query.groupClause.is_null() || !query.groupingSets.is_null(),
                aggregates: query.hasAggs,
                windows: query.hasWindowFuncs,
                limited: !query.limitCount.is_null() || !query.limitOffset.is_null(),
                single_row: is_one(query.limitCount)
                    || query.hasAggs && query.groupClause.is_null() && query.groupingSets.is_null(),
                locks_rows: !query.rowMarks.is_null(),
                select: query.commandType == pg_sys::CmdType::CMD_SELECT,
                group_by: if query.groupingSets.is_null() { references(query.groupClause) } else { Vec::new() },
                distinct: if query.hasDistinctOn { Vec::new() } else { distinct.clone() },
                distinct_on: if query.hasDistinctOn { distinct } else { Vec::new() },
                partitions: members::<pg_sys::WindowClause>(query.windowClause)
                    .into_iter()
                    .map(|window| references((*window).partitionClause))
                    .collect(),
            }
        }
    }
}

unsafe fn is_one(limit: *mut pg_sys::Node) -> bool {
    !limit.is_null()
        && matches!(Expr(limit).kind(), super::Kind::Constant(constant) if constant.text.as_deref() == Some("1"))
}

unsafe fn from(node: *mut pg_sys::Node) -> Option<From> {
    // SAFETY: each pointer is cast to the type that the node's tag tells.
    unsafe {
        match (*node).type_ {
            NodeTag::T_RangeTblRef => Some(From::Leaf((*node.cast::<pg_sys::RangeTblRef>()).rtindex)),
            NodeTag::T_JoinExpr => {
                let join = &*node.cast::<pg_sys::JoinExpr>();
                Some(From::Join(Box::new(Join {
                    index: join.rtindex,
                    kind: match join.jointype {
                        pg_sys::JoinType::JOIN_LEFT => JoinKind::Left,
                        pg_sys::JoinType::JOIN_RIGHT => JoinKind::Right,
                        pg_sys::JoinType::JOIN_FULL => JoinKind::Full,
                        _ => JoinKind::Inner,
                    },
                    left: from(join.larg)?,
                    right: from(join.rarg)?,
                    on: conjuncts(join.quals),
                })))
            }
            _ => None,
        }
    }
}

unsafe fn branches(node: *mut pg_sys::Node) -> Vec<i32> {
    if node.is_null() {
        return Vec::new();
    }
    // SAFETY: as in `from`.
    unsafe {
        match (*node).type_ {
            NodeTag::T_RangeTblRef => vec![(*node.cast::<pg_sys::RangeTblRef>()).rtindex],
            NodeTag::T_SetOperationStmt => {
                let both = &*node.cast::<pg_sys::SetOperationStmt>();
                [branches(both.larg), branches(both.rarg)].concat()
            }
            _ => Vec::new(),
        }
    }
}

unsafe fn only_unions(node: *mut pg_sys::Node) -> bool {
    // SAFETY: as in `from`.
    unsafe {
        if node.is_null() || (*node).type_ != NodeTag::T_SetOperationStmt {
            return true;
        }
        let both = &*node.cast::<pg_sys::SetOperationStmt>();
        both.op == pg_sys::SetOperation::SETOP_UNION && only_unions(both.larg) && only_unions(both.rarg)
    }
}

unsafe fn relation(entry: &mut pg_sys::RangeTblEntry, index: i32) -> Relation {
    use pg_sys::RTEKind::*;
    // SAFETY: the kind of an entry tells which of its fields are set.
    unsafe {
        let kind = match entry.rtekind {
            RTE_RELATION => RelKind::Table(entry.relid, entry.relkind as u8 as char),
            RTE_SUBQUERY if !entry.subquery.is_null() => RelKind::SubQuery(Query(entry.subquery)),
            RTE_CTE => RelKind::Cte(string(entry.ctename), entry.ctelevelsup),
            RTE_JOIN => RelKind::Join,
            _ => RelKind::Other,
        };
        let reads = match entry.rtekind {
            RTE_SUBQUERY if entry.lateral => {
                super::set_members(pg_sys::pull_varnos_of_level(std::ptr::null_mut(), entry.subquery.cast(), 1))
            }
            RTE_FUNCTION if !entry.functions.is_null() => {
                super::set_members(pg_sys::pull_varnos(std::ptr::null_mut(), entry.functions.cast()))
            }
            _ => BTreeSet::new(),
        };
        let types = match entry.rtekind {
            RTE_RELATION | RTE_SUBQUERY | RTE_CTE | RTE_FUNCTION | RTE_VALUES | RTE_TABLEFUNC => {
                columns_of(entry, index)
            }
            _ => Vec::new(),
        };
        let alias = if entry.eref.is_null() { String::new() } else { string((*entry.eref).aliasname) };
        Relation { index, kind, alias, types, reads }
    }
}

pub(super) unsafe fn expand(
    entry: *mut pg_sys::RangeTblEntry,
    index: i32,
) -> (*mut pg_sys::List, Vec<*mut pg_sys::Var>) {
    let (mut names, mut vars) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: makes a list of names and one of columns for an entry of the range table.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::expandRTE(entry, index, 0, -1, false, &mut names, &mut vars);
        #[cfg(feature = "pg18")]
        pg_sys::expandRTE(
            entry,
            index,
            0,
            pg_sys::VarReturningType::VAR_RETURNING_DEFAULT,
            -1,
            false,
            &mut names,
            &mut vars,
        );
        (names, members(vars))
    }
}

unsafe fn columns_of(entry: &mut pg_sys::RangeTblEntry, index: i32) -> Vec<TypedColumn> {
    // SAFETY: names are string nodes, one for each column.
    unsafe {
        let (names, vars) = expand(entry, index);
        members::<pg_sys::String>(names)
            .into_iter()
            .zip(vars)
            .map(|(name, var)| TypedColumn {
                name: string((*name).sval),
                number: (*var).varattno,
                ty: (*var).vartype,
                typmod: (*var).vartypmod,
                collation: (*var).varcollid,
            })
            .collect()
    }
}
