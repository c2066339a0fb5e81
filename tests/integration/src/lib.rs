//! A real server, a simulated vendor and a tenant between them, for tests over real connections.

pub mod cluster;
pub mod dialler;
pub mod hanging;
pub mod many;
pub mod place;
pub mod record;
pub mod rows;
pub mod simulator;
pub mod tenant;
pub mod vapi;

use std::time::{Duration, Instant};

/// Waits until something is so; for what another process does in its own time.
pub fn until(what: &str, limit: Duration, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
