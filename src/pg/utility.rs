//! What happens before a utility statement runs.

use std::ffi::c_char;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::{dropping, veil};

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
        dropping::make_way(statement);
        let query = veil::draw(statement, query);
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
