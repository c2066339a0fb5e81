//! The process of one job.

use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::pg::process;
use crate::pg::role::AsOwner;
use crate::pg::transaction::Transactions;
use crate::schedule;

// The postmaster finds it by its name.
#[allow(unsafe_code)]
#[no_mangle]
#[pg_guard]
pub extern "C-unwind" fn dialfire_job_main(argument: pg_sys::Datum) {
    let database = pg_sys::Oid::from(argument.value() as u32);
    let what = BackgroundWorker::get_extra().to_owned();
    process::begin();
    process::connect(database);
    let Some((job, tenant)) = what.split_once(' ') else { return };
    let name = format!("dialfire_sync {job}");
    let transactions = Transactions::of_worker();
    let due = {
        // Without the extension there is nothing to do: it was dropped since the scheduler looked.
        let Ok(_owner) = AsOwner::begin() else { return };
        schedule::due(1000).unwrap_or_default().into_iter().find(|due| due.tenant == tenant && due.job == job)
    };
    let Some(due) = due else { return };
    process::show(&name, &format!("{job} of {tenant}"), true);
    let ended = schedule::run(&transactions, &due, &|text| process::show(&name, text, true));
    match ended {
        Ok(Some(verdict)) if verdict.status == "failed" => {
            log!("dialfire_sync: {job} of {tenant} failed: {}", verdict.message);
        }
        Err(error) => warning!("dialfire_sync: {job} of {tenant}: {}", error.message()),
        _ => {}
    }
}
