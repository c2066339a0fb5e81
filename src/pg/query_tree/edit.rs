//! Edits of a private copy of a query.

use std::ffi::{c_void, CString};

use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

use super::expr::{conjunction, conjuncts};
use super::read::expand;
use super::{below, list_of, list_of_ints, members, Expr, JoinKind, Query, DEEPEST};

impl Query {
    pub fn copy(self) -> Query {
        // SAFETY: copies the whole tree.
        unsafe { Query(pg_sys::copyObjectImpl(self.0.cast()).cast()) }
    }

    /// Writes every join plainly: no merged columns of USING, no alias of a join, no parentheses of AND. What columns of
    /// joins stood for is said directly, so that joins can be changed and their conditions moved.
    pub fn plain_joins(self) {
        // SAFETY: the tree is a private copy; each pointer is cast to the type that the node's tag tells.
        unsafe {
            #[cfg(feature = "pg18")]
            if (*self.0).hasGroupRTE {
                let query = self.0;
                (*query).targetList =
                    pg_sys::flatten_group_exprs(std::ptr::null_mut(), query, (*query).targetList.cast()).cast();
                (*query).havingQual = pg_sys::flatten_group_exprs(std::ptr::null_mut(), query, (*query).havingQual);
            }
            forget_joins(self.0.cast(), 0);
            (*self.0).targetList = self.without_join_columns((*self.0).targetList.cast()).cast();
            (*self.0).havingQual = self.without_join_columns((*self.0).havingQual);
            let tree = (*self.0).jointree;
            (*tree).quals = conjunction(&conjuncts(self.without_join_columns((*tree).quals)));
            for entry in members::<pg_sys::RangeTblEntry>((*self.0).rtable) {
                if (*entry).lateral {
                    (*entry).subquery = self.without_join_columns((*entry).subquery.cast()).cast();
                    (*entry).functions = self.without_join_columns((*entry).functions.cast()).cast();
                    (*entry).values_lists = self.without_join_columns((*entry).values_lists.cast()).cast();
                    (*entry).tablefunc = self.without_join_columns((*entry).tablefunc.cast()).cast();
                }
            }
            for item in members((*tree).fromlist) {
                self.plain_conditions(item);
            }
            // Only now: until here the columns of joins were looked up.
            for item in members((*tree).fromlist) {
                self.rebuild(item);
            }
            forget_joins(self.0.cast(), 0);
        }
    }

    unsafe fn without_join_columns(self, node: *mut pg_sys::Node) -> *mut pg_sys::Node {
        if node.is_null() {
            return node;
        }
        // SAFETY: replaces columns of joins by what they stand for; planner state is only for place holders.
        unsafe {
            #[cfg(feature = "pg15")]
            return pg_sys::flatten_join_alias_vars(self.0, node);
            #[cfg(not(feature = "pg15"))]
            return pg_sys::flatten_join_alias_vars(std::ptr::null_mut(), self.0, node);
        }
    }

    unsafe fn plain_conditions(self, node: *mut pg_sys::Node) {
        // SAFETY: as in `plain_joins`.
        unsafe {
            if (*node).type_ == NodeTag::T_JoinExpr {
                let join = node.cast::<pg_sys::JoinExpr>();
                self.plain_conditions((*join).larg);
                self.plain_conditions((*join).rarg);
                (*join).quals = conjunction(&conjuncts(self.without_join_columns((*join).quals)));
            }
        }
    }

    /// The columns of a part of FROM: their names, their numbers in it, and what they stand for.
    unsafe fn rebuild(self, node: *mut pg_sys::Node) -> Vec<(*mut c_void, i32, *mut pg_sys::Var)> {
        // SAFETY: as in `plain_joins`; a part of FROM is a reference or a join.
        unsafe {
            if (*node).type_ != NodeTag::T_JoinExpr {
                let index = (*node.cast::<pg_sys::RangeTblRef>()).rtindex;
                let (names, vars) = expand(self.entry(index), index);
                return members(names)
                    .into_iter()
                    .zip(vars)
                    .map(|(name, var)| (name, i32::from((*var).varattno), var))
                    .collect();
            }
            let join = node.cast::<pg_sys::JoinExpr>();
            let (left, right) = (self.rebuild((*join).larg), self.rebuild((*join).rarg));
            (*join).isNatural = false;
            (*join).usingClause = std::ptr::null_mut();
            (*join).join_using_alias = std::ptr::null_mut();
            (*join).alias = std::ptr::null_mut();
            let entry = self.entry((*join).rtindex);
            let both = || left.iter().chain(&right);
            (*entry).jointype = (*join).jointype;
            (*entry).joinmergedcols = 0;
            (*entry).join_using_alias = std::ptr::null_mut();
            (*entry).joinaliasvars = list_of(both().map(|column| column.2));
            (*entry).joinleftcols = list_of_ints(left.iter().map(|column| column.1));
            (*entry).joinrightcols = list_of_ints(right.iter().map(|column| column.1));
            (*entry).alias = std::ptr::null_mut();
            (*entry).eref = pg_sys::makeAlias(c"unnamed_join".as_ptr(), list_of(both().map(|column| column.0)));
            both().enumerate().map(|(at, column)| (column.0, at as i32 + 1, column.2)).collect()
        }
    }

    unsafe fn entry(self, index: i32) -> *mut pg_sys::RangeTblEntry {
        // SAFETY: the index is one of this range table.
        unsafe { pg_sys::list_nth((*self.0).rtable, index - 1).cast() }
    }

    /// Writes the members of FROM, given in their new order, as inner joins one after the other; the others stay behind.
    /// Returns the joins.
    pub fn fold(self, order: &[usize]) -> Vec<i32> {
        let mut made = Vec::new();
        // SAFETY: the tree is a private copy; new nodes are filled as the parser does.
        unsafe {
            let tree = (*self.0).jointree;
            let items: Vec<*mut pg_sys::Node> = members((*tree).fromlist);
            let mut folded = items[order[0]];
            for at in &order[1..] {
                let join: *mut pg_sys::JoinExpr = pg_sys::palloc0(size_of::<pg_sys::JoinExpr>()).cast();
                (*join).type_ = NodeTag::T_JoinExpr;
                (*join).jointype = pg_sys::JoinType::JOIN_INNER;
                (*join).larg = folded;
                (*join).rarg = items[*at];
                let entry: *mut pg_sys::RangeTblEntry = pg_sys::palloc0(size_of::<pg_sys::RangeTblEntry>()).cast();
                (*entry).type_ = NodeTag::T_RangeTblEntry;
                (*entry).rtekind = pg_sys::RTEKind::RTE_JOIN;
                (*entry).inFromCl = true;
                (*self.0).rtable = pg_sys::lappend((*self.0).rtable, entry.cast());
                (*join).rtindex = (*(*self.0).rtable).length;
                made.push((*join).rtindex);
                folded = join.cast();
            }
            let rest = items.iter().enumerate().filter(|(at, _)| !order.contains(at)).map(|(_, item)| *item);
            (*tree).fromlist = list_of(std::iter::once(folded).chain(rest));
            self.rebuild(folded);
        }
        made
    }

    pub fn set_join(self, index: i32, kind: JoinKind) {
        // SAFETY: the tree is a private copy.
        unsafe {
            let join = self.join(index);
            (*join).jointype = match kind {
                JoinKind::Inner => pg_sys::JoinType::JOIN_INNER,
                JoinKind::Left => pg_sys::JoinType::JOIN_LEFT,
                JoinKind::Right => pg_sys::JoinType::JOIN_RIGHT,
                JoinKind::Full => pg_sys::JoinType::JOIN_FULL,
            };
            (*self.entry(index)).jointype = (*join).jointype;
        }
    }

    /// Moves conditions of WHERE, by their number, into the ON of joins.
    pub fn move_filters(self, moves: &[(usize, i32)]) {
        let filters = self.filters();
        // SAFETY: the tree is a private copy.
        unsafe {
            for (at, index) in moves {
                let join = self.join(*index);
                let mut on = conjuncts((*join).quals);
                on.push(filters[*at]);
                (*join).quals = conjunction(&on);
            }
            let stay: Vec<Expr> = (0..filters.len())
                .filter(|at| !moves.iter().any(|(moved, _)| moved == at))
                .map(|at| filters[at])
                .collect();
            (*(*self.0).jointree).quals = conjunction(&stay);
        }
    }

    /// Replaces what `by` has an answer for, in the ON of a join.
    pub fn replace_in_join(self, index: i32, by: &mut dyn FnMut(Expr) -> Option<Expr>) {
        // SAFETY: the tree is a private copy.
        unsafe {
            let join = self.join(index);
            (*join).quals = replace((*join).quals, by);
        }
    }

    /// Replaces what `by` has an answer for, in whatever this query returns, groups or sorts by. `by` is told the column.
    pub fn replace_in_output(self, by: &mut dyn FnMut(&str, Expr) -> Option<Expr>) {
        for (at, target) in self.targets().iter().enumerate() {
            // SAFETY: the tree is a private copy; the target list holds target entries.
            unsafe {
                let entry: *mut pg_sys::TargetEntry = pg_sys::list_nth((*self.0).targetList, at as i32).cast();
                (*entry).expr = replace((*entry).expr.cast(), &mut |expr| by(&target.name, expr)).cast();
            }
        }
        // SAFETY: the tree is a private copy.
        unsafe { (*self.0).havingQual = replace((*self.0).havingQual, &mut |expr| by("", expr)) }
    }

    /// Calls the columns as the view does, whose columns may have been renamed since.
    pub fn name_columns(self, names: &[String]) {
        // SAFETY: the tree is a private copy; the names are copied into Postgres's memory.
        unsafe {
            let targets = members::<pg_sys::TargetEntry>((*self.0).targetList);
            for (target, name) in targets.into_iter().filter(|target| !(**target).resjunk).zip(names) {
                let name = CString::new(name.as_str()).expect("a name of Postgres's has no NUL");
                (*target).resname = pg_sys::pstrdup(name.as_ptr());
            }
        }
    }

    /// The same rows before any grouping, sorting or cutting, with these columns only.
    pub fn rows_of(self, columns: &[Expr]) -> Query {
        let bare = self.copy();
        // SAFETY: the tree is a private copy; the columns are copied as well.
        unsafe {
            let query = bare.0;
            (*query).targetList = list_of(columns.iter().enumerate().map(|(at, column)| {
                let expr = pg_sys::copyObjectImpl(column.0.cast()).cast();
                pg_sys::makeTargetEntry(expr, at as i16 + 1, pg_sys::pstrdup(c"value".as_ptr()), false)
            }));
            (*query).groupClause = std::ptr::null_mut();
            (*query).groupingSets = std::ptr::null_mut();
            (*query).havingQual = std::ptr::null_mut();
            (*query).windowClause = std::ptr::null_mut();
            (*query).distinctClause = std::ptr::null_mut();
            (*query).sortClause = std::ptr::null_mut();
            (*query).limitOffset = std::ptr::null_mut();
            (*query).limitCount = std::ptr::null_mut();
            (*query).rowMarks = std::ptr::null_mut();
            (*query).hasAggs = false;
            (*query).hasWindowFuncs = false;
            (*query).hasTargetSRFs = false;
            (*query).hasDistinctOn = false;
            (*query).hasForUpdate = false;
        }
        bare
    }

    /// The same query with the WITH queries of one so far around it, so that it runs alone.
    pub fn with_ctes_of(self, outer: Query, far: i32) -> Query {
        let alone = self.copy();
        // SAFETY: the tree is a private copy. What referred to the query around refers to its own list from now on.
        unsafe {
            pg_sys::IncrementVarSublevelsUp(alone.0.cast(), -far, far);
            (*alone.0).cteList = pg_sys::copyObjectImpl((*outer.0).cteList.cast()).cast();
            (*alone.0).hasRecursive = (*outer.0).hasRecursive;
        }
        alone
    }

    /// Puts another query into the place of a sub-query.
    pub fn set_sub_query(self, index: i32, query: Query) {
        // SAFETY: the tree is a private copy.
        unsafe { (*self.entry(index)).subquery = query.0 }
    }

    pub fn set_cte(self, name: &str, query: Query) {
        // SAFETY: the tree is a private copy.
        unsafe {
            for cte in members::<pg_sys::CommonTableExpr>((*self.0).cteList) {
                if super::string((*cte).ctename) == name {
                    (*cte).ctequery = query.0.cast();
                }
            }
        }
    }

    /// An expression of this query as SQL, for people.
    pub fn text(self, expr: Expr) -> String {
        // SAFETY: walks the tree. What stands further out has no name here.
        if unsafe { (1..DEEPEST).any(|up| pg_sys::contain_vars_of_level(expr.0, up)) } {
            return "that reads the query around it".to_owned();
        }
        let bare = self.rows_of(&[expr]);
        // SAFETY: the tree is a private copy. Joins that no FROM holds could not be printed.
        let sql = unsafe {
            let tree = (*bare.0).jointree;
            (*tree).fromlist = std::ptr::null_mut();
            (*tree).quals = std::ptr::null_mut();
            (*bare.0).cteList = std::ptr::null_mut();
            for entry in members::<pg_sys::RangeTblEntry>((*bare.0).rtable) {
                if (*entry).rtekind == pg_sys::RTEKind::RTE_JOIN {
                    (*entry).rtekind = pg_sys::RTEKind::RTE_RESULT;
                    (*entry).eref = pg_sys::makeAlias(c"".as_ptr(), std::ptr::null_mut());
                }
            }
            // The name that Postgres itself gives, and so does not print.
            let target: *mut pg_sys::TargetEntry = pg_sys::list_nth((*bare.0).targetList, 0).cast();
            (*target).resname = pg_sys::pstrdup(c"?column?".as_ptr());
            super::string(pg_sys::pg_get_querydef(bare.0, true))
        };
        let text = sql.trim_start().strip_prefix("SELECT").unwrap_or(&sql).trim();
        text.strip_suffix("AS \"?column?\"").unwrap_or(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    unsafe fn join(self, index: i32) -> *mut pg_sys::JoinExpr {
        // SAFETY: the callers name a join of this query.
        unsafe {
            let mut nodes: Vec<*mut pg_sys::Node> = members((*(*self.0).jointree).fromlist);
            while let Some(node) = nodes.pop() {
                if (*node).type_ == NodeTag::T_JoinExpr {
                    let join = node.cast::<pg_sys::JoinExpr>();
                    if (*join).rtindex == index {
                        return join;
                    }
                    nodes.extend([(*join).larg, (*join).rarg]);
                }
            }
        }
        unreachable!("a join of the model is one of the tree");
    }
}

/// Lets no column be printed by the name that a join gave it, and forgets by which joins it may be null: both are wrong
/// once joins have changed, and both are found out anew when the text is read.
unsafe fn forget_joins(node: *mut pg_sys::Node, level: u32) {
    // SAFETY: the tree is a private copy.
    unsafe {
        for child in below(node) {
            match (*child).type_ {
                NodeTag::T_Query => forget_joins(child, level + 1),
                NodeTag::T_Var => {
                    let var = child.cast::<pg_sys::Var>();
                    if (*var).varlevelsup == level {
                        (*var).varnosyn = (*var).varno as _;
                        (*var).varattnosyn = (*var).varattno;
                        #[cfg(not(feature = "pg15"))]
                        {
                            (*var).varnullingrels = std::ptr::null_mut();
                        }
                    }
                }
                _ => forget_joins(child, level),
            }
        }
    }
}

unsafe fn replace(node: *mut pg_sys::Node, by: &mut dyn FnMut(Expr) -> Option<Expr>) -> *mut pg_sys::Node {
    let mut by = by;
    // SAFETY: the mutator calls `mutate` with the closure, and no longer than this call.
    unsafe { mutate(node, (&raw mut by).cast()) }
}

unsafe extern "C-unwind" fn mutate(node: *mut pg_sys::Node, by: *mut c_void) -> *mut pg_sys::Node {
    // SAFETY: `by` is the closure that `replace` lent; a query below is left as it is.
    unsafe {
        if node.is_null() || (*node).type_ == NodeTag::T_Query {
            return node;
        }
        if (*node).type_ != NodeTag::T_List {
            let by = &mut *by.cast::<&mut dyn FnMut(Expr) -> Option<Expr>>();
            if let Some(other) = by(Expr(node)) {
                return other.0;
            }
        }
        #[cfg(feature = "pg15")]
        {
            type Declared = unsafe extern "C-unwind" fn() -> *mut pg_sys::Node;
            type Actual = unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut c_void) -> *mut pg_sys::Node;
            // PostgreSQL 15 declares the callback without its arguments.
            let mutator: Declared = std::mem::transmute::<Actual, Declared>(mutate);
            pg_sys::expression_tree_mutator(node, Some(mutator), by)
        }
        #[cfg(not(feature = "pg15"))]
        pg_sys::expression_tree_mutator_impl(node, Some(mutate), by)
    }
}
