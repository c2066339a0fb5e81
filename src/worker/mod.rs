//! The background worker: a launcher, a scheduler for each database with the extension, and a process for each job.
//!
//! Everything is level-triggered: at each tick what should run is compared with what does. A message that is lost, a fork
//! that fails or a process that is killed is put right by the next tick, and nothing has to be remembered.

mod job;
mod launcher;
mod scheduler;

use pgrx::bgworkers::{BackgroundWorkerBuilder, BgWorkerStartTime};
use std::time::Duration;

use crate::pg;

pub const LIBRARY: &str = "dialfire_sync";

/// Called while the library is preloaded.
pub fn register() {
    pg::utility::watch();
    // The transaction ids that a job took would be given out a second time by the new server.
    if pg::process::is_upgrading() {
        return;
    }
    BackgroundWorkerBuilder::new("dialfire_sync launcher")
        .set_type("dialfire_sync launcher")
        .set_library(LIBRARY)
        .set_function("dialfire_launcher_main")
        // A standby has nothing to write; the launcher starts when it is promoted.
        .set_start_time(BgWorkerStartTime::RecoveryFinished)
        .set_restart_time(Some(Duration::from_secs(5)))
        .enable_spi_access()
        .load();
}
