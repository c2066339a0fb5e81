//! The parts of `make bench`: each measures one promise about speed and writes its section of RESULTS.md.

mod faucet;
mod ground;
mod measure;
mod parts;
mod report;
mod series;

use ground::Ground;
use report::{Report, Section};
use std::env;

/// How much is measured, from the environment.
pub struct Size {
    pub runs: usize,
    pub calls: u32,
    pub script: bool,
    pub dlt: bool,
    pub large: bool,
    /// Transactions of the large tenant, and rows of the large database.
    pub large_calls: u32,
    pub large_rows: i64,
    /// Calls of the dialler.
    pub dialler_calls: u32,
    pub idle_seconds: u64,
    /// Seconds to wait for a quiet machine before a measurement.
    pub patience: u64,
}

type Part = fn(&Ground, &Size, &mut Section);

/// Name, title of the section, and what measures it.
const PARTS: [(&str, &str, Part); 11] = [
    ("first_load", "First load", parts::first_load::measure),
    ("resync", "Unchanged and little changed", parts::resync::measure),
    ("memory", "Memory", parts::memory::measure),
    ("latency", "A slow vendor", parts::latency::measure),
    ("growth", "Growth", parts::growth::measure),
    ("tenants", "Tenants at once", parts::tenants::measure),
    ("idle", "An idle worker", parts::idle::measure),
    ("vicidial", "A dialler", parts::vicidial::measure),
    ("diagnose", "Diagnosis", parts::diagnose::measure),
    ("decode", "Decoding alone", parts::decode::measure),
    ("profile", "Where the time goes", parts::profile::measure),
];

fn main() {
    let number = |name: &str, default| match env::var(name) {
        Ok(value) => value.parse::<u64>().unwrap_or_else(|_| panic!("{name}={value} is not a number")),
        Err(_) => default,
    };
    let size = Size {
        runs: number("BENCH_RUNS", 5).max(1) as usize,
        calls: number("BENCH_CALLS", 100_000).max(1_400) as u32,
        script: number("BENCH_PYTHON", 1) > 0,
        dlt: number("BENCH_PYTHON", 1) * number("BENCH_DLT", 1) > 0,
        large: number("BENCH_LARGE", 0) > 0,
        large_calls: number("BENCH_LARGE_CALLS", 2_000_000) as u32,
        large_rows: number("BENCH_LARGE_ROWS", 10_000_000) as i64,
        dialler_calls: number("BENCH_DIALLER_CALLS", 1_000_000).max(1_000) as u32,
        idle_seconds: number("BENCH_IDLE_SECONDS", 60).max(1),
        patience: number("BENCH_PATIENCE", 10),
    };
    let asked: Vec<String> = env::args().skip(1).collect();
    let unknown: Vec<_> = asked.iter().filter(|name| PARTS.iter().all(|(part, ..)| part != name)).collect();
    let known = PARTS.map(|(name, ..)| name).join(", ");
    assert!(unknown.is_empty(), "unknown parts {unknown:?}; there are {known}");
    let ground = Ground::open();
    let mut report = Report::open(&ground, PARTS.map(|(_, title, _)| title).to_vec());
    for (name, title, part) in PARTS.iter().filter(|(name, ..)| asked.is_empty() || asked.iter().any(|a| a == name)) {
        eprintln!("==> {name}");
        let mut section = Section::new(title);
        part(&ground, &size, &mut section);
        report.put(section);
    }
}
