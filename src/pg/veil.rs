//! Keeping secrets out of what Postgres shows of a statement: CREATE and ALTER USER MAPPING hold them as typed.

use std::ffi::{c_char, CStr, CString};

use pgrx::pg_sys;

/// In place of the options; shorter than the shortest list of them.
const VEIL: &[u8] = b"...)";

/// The query with the options of a user mapping of ours blotted out, or the query itself. Of the same length, because
/// `pg_stat_statements` and error positions count bytes from its beginning.
///
/// # Safety
/// Both come from Postgres, as arguments of its hook for utility statements.
pub unsafe fn draw(statement: *const pg_sys::PlannedStmt, query: *const c_char) -> *const c_char {
    // SAFETY: as the caller promises; the copy lives as long as the query's context, which is that of its message.
    unsafe {
        let Some(first) = secrets((*statement).utilityStmt) else { return query };
        let text = CStr::from_ptr(query).to_bytes();
        let begin = usize::try_from((*statement).stmt_location).unwrap_or(0);
        let end = match usize::try_from((*statement).stmt_len) {
            Ok(length) if length > 0 => (begin + length).min(text.len()),
            _ => text.len(),
        };
        if first < begin || first + VEIL.len() > end {
            return query;
        }
        let mut veiled = text.to_vec();
        veiled[first..end].fill(b' ');
        veiled[first..first + VEIL.len()].copy_from_slice(VEIL);
        let veiled = CString::new(veiled).unwrap_or_default();
        let copy = pg_sys::MemoryContextStrdup(pg_sys::MessageContext, veiled.as_ptr());
        // Only where the whole message is this query: a function that runs it has a text of its own there.
        if pg_sys::debug_query_string == query {
            pg_sys::debug_query_string = copy;
            pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, copy);
        }
        copy
    }
}

/// Where the first option of a user mapping stands, unless its server is known to be another wrapper's.
unsafe fn secrets(node: *mut pg_sys::Node) -> Option<usize> {
    // SAFETY: the tag says which struct the node is, and both lists are of DefElem.
    unsafe {
        let (server, options) = match (*node).type_ {
            pg_sys::NodeTag::T_CreateUserMappingStmt => {
                let statement = &*node.cast::<pg_sys::CreateUserMappingStmt>();
                (statement.servername, statement.options)
            }
            pg_sys::NodeTag::T_AlterUserMappingStmt => {
                let statement = &*node.cast::<pg_sys::AlterUserMappingStmt>();
                (statement.servername, statement.options)
            }
            _ => return None,
        };
        if options.is_null() || is_foreign(server) {
            return None;
        }
        let first = (*(*options).elements).ptr_value.cast::<pg_sys::DefElem>();
        usize::try_from((*first).location).ok()
    }
}

unsafe fn is_foreign(server: *const c_char) -> bool {
    // SAFETY: a lookup in the catalogue inside the statement's transaction.
    unsafe {
        let found = pg_sys::GetForeignServerByName(server, true);
        !found.is_null() && CStr::from_ptr((*pg_sys::GetForeignDataWrapper((*found).fdwid)).fdwname) != c"dialfire_sync"
    }
}
