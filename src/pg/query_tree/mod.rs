//! The query tree of a view, as Postgres keeps it: handles that read it, and edits of a private copy.
//!
//! Every handle points into a tree that [`of_view`] or [`Query::copy`] allocated in the current memory context, which
//! outlives the statement's work. Handles have no constructor outside this module, so none points anywhere else. What
//! Postgres offers walks, compares and prints the tree; nothing here reads SQL text.

mod edit;
mod expr;
mod read;

use std::ffi::{c_void, CStr, CString};

use pgrx::pg_sys;

pub use expr::{Expr, Kind, Var};
pub use read::{From, Join, JoinKind, RelKind, Relation};

/// So many queries further out a column may come from, as far as is looked.
const DEEPEST: i32 = 16;

/// A SELECT, analysed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Query(*mut pg_sys::Query);

/// A column that a statement returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub ty: pg_sys::Oid,
    pub typmod: i32,
    pub collation: pg_sys::Oid,
}

/// A copy of the query of a view or a materialised view.
pub fn of_view(view: pg_sys::Oid) -> Option<Query> {
    // SAFETY: opens the relation under a lock, reads its rules, and copies the tree before the lock is given back.
    unsafe {
        let relation = pg_sys::relation_open(view, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        let mut found = None;
        let rules = (*relation).rd_rules;
        if !rules.is_null() {
            for at in 0..(*rules).numLocks as usize {
                let rule = *(*rules).rules.add(at);
                if (*rule).event == pg_sys::CmdType::CMD_SELECT && !(*rule).actions.is_null() {
                    found = Some(Query(pg_sys::list_nth((*rule).actions, 0).cast()).copy());
                }
            }
        }
        pg_sys::relation_close(relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        found
    }
}

/// Keeps a view, and nothing below it, from being read or replaced until the transaction ends.
pub fn lock(view: pg_sys::Oid) {
    // SAFETY: main thread inside a transaction, whose end gives the lock back.
    unsafe { pg_sys::LockRelationOid(view, pg_sys::AccessExclusiveLock as pg_sys::LOCKMODE) }
}

// rewrite/rewriteDefine.h, which pgrx has no bindings for.
unsafe extern "C-unwind" {
    fn DefineQueryRewrite(
        rule: *const std::ffi::c_char,
        view: pg_sys::Oid,
        condition: *mut pg_sys::Node,
        event: pg_sys::CmdType::Type,
        instead: bool,
        replace: bool,
        actions: *mut pg_sys::List,
    ) -> pg_sys::ObjectAddress;
}

/// Gives a view of the caller's the very tree that it had, if that tree still means what it meant then. Whatever is wrong
/// is raised as Postgres's error.
pub fn restore(view: pg_sys::Oid, tree: &str, meaning: &str) -> bool {
    let tree = CString::new(tree).expect("Postgres's own text has no NUL");
    // SAFETY: the text is one that this major version of Postgres wrote for this view; DefineQueryRewrite checks who owns
    // the view and that the columns are the same.
    unsafe {
        let actions: *mut pg_sys::List = pg_sys::stringToNode(tree.as_ptr()).cast();
        let query = Query(pg_sys::list_nth(actions, 0).cast());
        if query.sql() != meaning {
            return false;
        }
        let select = pg_sys::CmdType::CMD_SELECT;
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            DefineQueryRewrite(c"_RETURN".as_ptr(), view, std::ptr::null_mut(), select, true, true, actions)
        });
        pg_sys::CommandCounterIncrement();
        true
    }
}

/// What a SELECT returns; whatever is wrong with it is raised as Postgres's error.
pub fn columns(sql: &str) -> Vec<Column> {
    let sql = CString::new(sql).expect("Postgres's own text has no NUL");
    // SAFETY: parses and analyses a statement, as PREPARE does.
    unsafe {
        let raw = pg_sys::pg_parse_query(sql.as_ptr());
        let raw: *mut pg_sys::RawStmt = pg_sys::list_nth(raw, 0).cast();
        let query = pg_sys::parse_analyze_fixedparams(raw, sql.as_ptr(), std::ptr::null(), 0, std::ptr::null_mut());
        Query(query)
            .targets()
            .into_iter()
            .filter(|target| !target.junk)
            .map(|t| Column { name: t.name, ty: t.expr.ty(), typmod: t.expr.typmod(), collation: t.expr.collation() })
            .collect()
    }
}

unsafe fn string(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the callers pass a C string of Postgres's.
    unsafe { CStr::from_ptr(text).to_string_lossy().into_owned() }
}

unsafe fn members<T>(list: *mut pg_sys::List) -> Vec<*mut T> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: the callers pass a list of pointers to T.
    unsafe { (0..(*list).length).map(|at| pg_sys::list_nth(list, at).cast()).collect() }
}

unsafe fn list_of<T>(members: impl IntoIterator<Item = *mut T>) -> *mut pg_sys::List {
    // SAFETY: an empty list is null.
    members.into_iter().fold(std::ptr::null_mut(), |list, member| unsafe { pg_sys::lappend(list, member.cast()) })
}

unsafe fn list_of_ints(members: impl IntoIterator<Item = i32>) -> *mut pg_sys::List {
    // SAFETY: an empty list is null.
    members.into_iter().fold(std::ptr::null_mut(), |list, member| unsafe { pg_sys::lappend_int(list, member) })
}

unsafe fn set_members(set: *mut pg_sys::Bitmapset) -> std::collections::BTreeSet<i32> {
    let mut members = std::collections::BTreeSet::new();
    let mut at = -1;
    loop {
        // SAFETY: the callers pass a Bitmapset or null.
        at = unsafe { pg_sys::bms_next_member(set, at) };
        if at < 0 {
            return members;
        }
        members.insert(at);
    }
}

unsafe extern "C-unwind" fn push(node: *mut pg_sys::Node, into: *mut c_void) -> bool {
    if !node.is_null() {
        // SAFETY: `into` is the vector that the caller of the walker lent.
        unsafe { (*into.cast::<Vec<*mut pg_sys::Node>>()).push(node) };
    }
    false
}

/// The nodes right below; a query below has its own level.
unsafe fn below(node: *mut pg_sys::Node) -> Vec<*mut pg_sys::Node> {
    let mut nodes: Vec<*mut pg_sys::Node> = Vec::new();
    // SAFETY: the walker calls `push` with the vector, and no longer than this call.
    unsafe {
        let into = (&raw mut nodes).cast();
        if (*node).type_ == pg_sys::NodeTag::T_Query {
            pg_sys::query_tree_walker(node.cast(), Some(push), into, 0);
        } else {
            pg_sys::expression_tree_walker(node, Some(push), into);
        }
    }
    nodes
}
