//! Getting out of the way of DROP DATABASE and its kin, which fail while our workers are connected, and of DROP EXTENSION,
//! which would wait for a job's locks.

use std::ffi::{c_char, CStr};

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::process;

/// # Safety
/// The statement comes from Postgres, as an argument of its hook for utility statements.
pub unsafe fn make_way(statement: *const pg_sys::PlannedStmt) {
    // SAFETY: as the caller promises.
    unsafe {
        if let Some(database) = leaving((*statement).utilityStmt) {
            send_away(&database);
        }
        if drops_extension((*statement).utilityStmt) {
            send_away_from_here();
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

unsafe fn drops_extension(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the objects of DROP EXTENSION are a list of strings.
    unsafe {
        if (*node).type_ != pg_sys::NodeTag::T_DropStmt {
            return false;
        }
        let drop = &*node.cast::<pg_sys::DropStmt>();
        if drop.removeType != pg_sys::ObjectType::OBJECT_EXTENSION || drop.objects.is_null() {
            return false;
        }
        let count = (*drop.objects).length as usize;
        (0..count).any(|at| {
            let name = (*(*drop.objects).elements.add(at)).ptr_value.cast::<pg_sys::String>();
            CStr::from_ptr((*name).sval) == c"dialfire_sync"
        })
    }
}

/// Only for those who may drop it; others get their error from Postgres.
fn send_away_from_here() {
    end(Spi::get_one(
        "SELECT pg_catalog.array_agg(a.pid) FROM pg_catalog.pg_stat_activity a
         JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) a.datid
         JOIN pg_catalog.pg_extension e ON e.extname OPERATOR(pg_catalog.=) 'dialfire_sync'
         WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
           AND a.backend_type OPERATOR(pg_catalog.~~) 'dialfire_sync%'
           AND pg_catalog.pg_has_role(e.extowner, 'USAGE')",
    ));
}

fn end(pids: pgrx::spi::Result<Option<Vec<Option<i32>>>>) {
    pids.ok().flatten().unwrap_or_default().into_iter().flatten().for_each(process::terminate);
}

/// Only for those who may drop it; others get their error from Postgres.
fn send_away(database: &str) {
    end(Spi::get_one_with_args(
        "SELECT pg_catalog.array_agg(a.pid) FROM pg_catalog.pg_stat_activity a
         JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) a.datid
         WHERE d.datname OPERATOR(pg_catalog.=) $1::pg_catalog.name
           AND a.backend_type OPERATOR(pg_catalog.~~) 'dialfire_sync%'
           AND (pg_catalog.pg_has_role(d.datdba, 'USAGE') OR d.datistemplate)",
        &[database.into()],
    ));
}
