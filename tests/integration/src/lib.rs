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

/// Seconds of CPU that a process has taken, with its threads.
pub fn cpu(pid: i32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // After the command's name come the state and numbers, of which utime and stime are the 11th and 12th, in hundredths.
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or("").split_whitespace().filter_map(|f| f.parse().ok()).collect();
    (fields.get(10).unwrap_or(&0.0) + fields.get(11).unwrap_or(&0.0)) / 100.0
}
