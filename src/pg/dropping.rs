//! Getting out of the way of DROP DATABASE and its kin: they fail while our workers are connected.

use std::ffi::{c_char, CStr};

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::process;

static mut PREVIOUS: pg_sys::ProcessUtility_hook_type = None;

/// Called once, while the library is preloaded.
pub fn watch() {
    // SAFETY: before any backend exists, so nothing runs beside it.
    unsafe {
        PREVIOUS = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(before_utility);
    }
}

#[pg_guard]
#[allow(clippy::too_many_arguments)]
unsafe extern "C-unwind" fn before_utility(
    statement: *mut pg_sys::PlannedStmt,
    query: *const c_char,
    read_only: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    params: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: Postgres passes a valid statement, and whoever was hooked before us gets the same arguments.
    unsafe {
        if let Some(database) = leaving((*statement).utilityStmt) {
            send_away(&database);
        }
        match PREVIOUS {
            Some(previous) => {
                previous(statement, query, read_only, context, params, environment, destination, completion)
            }
            None => pg_sys::standard_ProcessUtility(
                statement,
                query,
                read_only,
                context,
                params,
                environment,
                destination,
                completion,
            ),
        }
    }
}

/// The database that the statement wants for itself.
unsafe fn leaving(node: *mut pg_sys::Node) -> Option<String> {
    // SAFETY: the tag says which struct the node is; names are C strings or null.
    unsafe {
        let name = match (*node).type_ {
            pg_sys::NodeTag::T_DropdbStmt => (*node.cast::<pg_sys::DropdbStmt>()).dbname,
            pg_sys::NodeTag::T_RenameStmt => {
                let rename = &*node.cast::<pg_sys::RenameStmt>();
                match rename.renameType {
                    pg_sys::ObjectType::OBJECT_DATABASE => rename.subname,
                    _ => return None,
                }
            }
            pg_sys::NodeTag::T_CreatedbStmt => template((*node.cast::<pg_sys::CreatedbStmt>()).options),
            _ => return None,
        };
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

unsafe fn template(options: *mut pg_sys::List) -> *mut c_char {
    // SAFETY: the options of CREATE DATABASE are a list of DefElem.
    unsafe {
        let count = if options.is_null() { 0 } else { (*options).length };
        for at in 0..count {
            let option = (*(*options).elements.add(at as usize)).ptr_value.cast::<pg_sys::DefElem>();
            if CStr::from_ptr((*option).defname) == c"template" && !(*option).arg.is_null() {
                return pg_sys::defGetString(option);
            }
        }
        std::ptr::null_mut()
    }
}

/// Only for those who may drop it; others get their error from Postgres.
fn send_away(database: &str) {
    let pids = Spi::get_one_with_args::<Vec<Option<i32>>>(
        "SELECT pg_catalog.array_agg(a.pid) FROM pg_catalog.pg_stat_activity a
         JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) a.datid
         WHERE d.datname OPERATOR(pg_catalog.=) $1::pg_catalog.name
           AND a.backend_type OPERATOR(pg_catalog.~~) 'dialfire_sync%'
           AND (pg_catalog.pg_has_role(d.datdba, 'USAGE') OR d.datistemplate)",
        &[database.into()],
    );
    pids.ok().flatten().unwrap_or_default().into_iter().flatten().for_each(process::terminate);
}
