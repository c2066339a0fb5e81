//! Memory of the backend while it loads little and much.

use crate::ground::{vendor, Ground};
use crate::measure::{self, cost, of, Cost};
use crate::report::Section;
use crate::Size;
use integration::simulator::{Simulator, ALL, ANCHOR};

/// MiB over idle.
const BOUND: f64 = 64.0;

pub fn measure(ground: &Ground, size: &Size, section: &mut Section) {
    let small = vendor(size.calls);
    let costs: Vec<Cost> = (0..size.runs).map(|_| load(ground, size, &small)).collect();
    drop(small);
    let mut rows = vec![row(size.calls, &costs)];
    verdict(section, size.calls, &costs);
    if size.large {
        // Without keeping what it has rendered: it would be gigabytes.
        let per_day = size.large_calls.div_ceil(14).to_string();
        let arguments =
            ["--anchor", ANCHOR, "--days", "14", "--calls-per-day", &per_day, "--legs", "1.0", "--recorded", "0.68"];
        let costs = [load(ground, size, &Simulator::with(&arguments))];
        rows.push(row(size.large_calls, &costs));
        verdict(section, size.large_calls, &costs);
    }
    ground.drop("bench");
    section.table(&["transactions", "growth MiB", "s", "requests", "received MB", "WAL MB"], rows);
    section.say("The backend's anonymous memory (`RssAnon`), its largest value in samples 5 ms apart less the one before the sync.");
}

fn load(ground: &Ground, size: &Size, vendor: &Simulator) -> Cost {
    let mut database = ground.fresh("bench");
    database.tenant(vendor, "");
    database.exec("SET statement_timeout = 0");
    measure::quiet(&database, vendor, size.patience);
    let (_, cost) = cost(&mut database, vendor, |database| database.sync(ALL));
    eprintln!("    {:.1} MiB, {:.1} s", cost.memory, cost.seconds);
    cost
}

fn verdict(section: &mut Section, calls: u32, costs: &[Cost]) {
    let memory = of(costs, |c| c.memory);
    let goal = format!("3 memory for {calls} transactions");
    section.verdict(&goal, &format!("≤ {BOUND:.0} MiB over idle"), format!("{memory:.1} MiB"), memory.max() <= BOUND);
}

fn row(calls: u32, costs: &[Cost]) -> Vec<String> {
    vec![
        calls.to_string(),
        format!("{:.1}", of(costs, |c| c.memory)),
        format!("{:.2}", of(costs, |c| c.seconds)),
        format!("{:.0}", of(costs, |c| c.requests)),
        format!("{:.0}", of(costs, |c| c.bytes / 1e6)),
        format!("{:.0}", of(costs, |c| c.wal / 1e6)),
    ]
}
