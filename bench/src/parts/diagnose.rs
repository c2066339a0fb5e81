//! A diagnosis beside a bare fetch of the same pages, at little and at much, with few and with many findings.

use crate::ground::{vendor, Database, Ground};
use crate::measure::{self, cost, of, Cost, Vendor};
use crate::parts::vicidial;
use crate::report::Section;
use crate::series::Series;
use crate::Size;
use integration::dialler::Dialler;
use integration::simulator::{Simulator, ALL, ANCHOR};
use integration::tenant::{LOCATION, LOCATION_TOKEN, TOKEN};
use integration::vapi;
use serde_json::{json, Value};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

const BOUND: f64 = 1.3;
/// MiB that five times as many calls may add.
const FLAT: f64 = 16.0;
/// Requests in flight, as the tenant has them.
const CONCURRENCY: usize = 4;

struct Case {
    vendor: &'static str,
    calls: u32,
    /// Whether a tenth of the calls has been made to differ.
    differs: bool,
    /// What the diagnosis says of it; checked against what was made to differ.
    findings: i64,
    /// Seconds of reading the same pages and doing nothing with them; a dialler has no pages.
    bare: Series,
    /// Of `df_fetch`; for Dialfire it asks for much more than a diagnosis does.
    fetch: Vec<Cost>,
    diagnosis: Vec<Cost>,
}

pub fn measure(ground: &Ground, size: &Size, section: &mut Section) {
    let missing = vicidial::missing(ground);
    let mut cases = Vec::new();
    for calls in [size.calls / 5, size.calls] {
        cases.extend(dialfire(ground, size, calls));
        cases.extend(highlevel(ground, size, calls));
        cases.extend(vapi(ground, size, calls));
        if missing.is_none() {
            cases.extend(vicidial(ground, size, calls));
        }
    }
    ground.drop("bench");
    report(size, section, &cases);
    if let Some(missing) = missing {
        section.say(format!("A dialler was not diagnosed: {missing}"));
    }
}

fn dialfire(ground: &Ground, size: &Size, calls: u32) -> [Case; 2] {
    let simulator = vendor(calls);
    let mut database = ground.fresh("bench");
    database.tenant(&simulator, "");
    let asked = Asked { vendor: "dialfire", calls, range: ALL, at: &simulator, pages: Some((&simulator, TOKEN)) };
    // Because of them the vendor is asked for no more, so that the pages are the same.
    asked.twice(
        ground,
        size,
        &mut database,
        "UPDATE dialfire.transactions SET is_test = true WHERE mod(hashtext(id), 10) = 0",
    )
}

fn highlevel(ground: &Ground, size: &Size, calls: u32) -> [Case; 2] {
    let simulator = vapi::simulator();
    simulator.delete("highlevel");
    let plan = json!({"calls": calls, "from": "2025-11-01T12:00:00Z", "to": ANCHOR, "agents": 3});
    // Its limits are not what is measured.
    simulator.post("highlevel", json!({"generate": plan, "burst": 1_000_000, "daily": 1_000_000}));
    let mut database = ground.fresh("bench");
    // Without messages, as a diagnosis does not read them and df_fetch would.
    database.exec(&format!(
        "CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'highlevel', account '{LOCATION}',
            timezone 'Europe/Nicosia', base_url '{}', conversations 'false', count_agents 'all');
         CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token '{LOCATION_TOKEN}')",
        simulator.highlevel_url()
    ));
    let pages = Some((&simulator, LOCATION_TOKEN));
    Asked { vendor: "highlevel", calls, range: ALL, at: &simulator, pages }.twice(ground, size, &mut database, DELETE)
}

fn vapi(ground: &Ground, size: &Size, calls: u32) -> [Case; 2] {
    let simulator = vapi::simulator();
    // Calls from the web are tests, which count as findings.
    simulator.post("vapi", json!({"generate": calls, "days": 10, "phone_only": true}));
    let mut database = ground.fresh("bench");
    vapi::create(&mut database.db, &simulator, "page_size '1000'");
    let asked =
        Asked { vendor: "vapi", calls, range: "last 12 days", at: &simulator, pages: Some((&simulator, TOKEN)) };
    asked.twice(ground, size, &mut database, "DELETE FROM dialfire.voice_calls WHERE mod(hashtext(id), 10) = 0")
}

fn vicidial(ground: &Ground, size: &Size, calls: u32) -> [Case; 2] {
    let dialler = Dialler::shared();
    vicidial::fill(&dialler, i64::from(calls));
    let mut database = ground.fresh("bench");
    database.exec(&dialler.setup(vicidial::ZONE));
    // As a diagnosis does not read recordings and df_fetch would.
    database.exec("DROP FOREIGN TABLE acme.recording_log");
    let range = vicidial::range();
    let asked = Asked { vendor: "vicidial", calls, range: &range, at: dialler.server, pages: None };
    asked.twice(ground, size, &mut database, DELETE)
}

const DELETE: &str = "DELETE FROM dialfire.transactions WHERE mod(hashtext(id), 10) = 0";

/// What is diagnosed.
struct Asked<'a, V> {
    vendor: &'static str,
    calls: u32,
    range: &'a str,
    at: &'a V,
    /// Where its pages can be read without a diagnosis, and what opens them.
    pages: Option<(&'a Simulator, &'a str)>,
}

impl<V: Vendor> Asked<'_, V> {
    /// As the vendor has it, and with a tenth of the calls made to differ.
    fn twice(&self, ground: &Ground, size: &Size, database: &mut Database, differ: &str) -> [Case; 2] {
        database.sync(self.range);
        let same = self.case(ground, size, 0);
        let odd = database.exec_rows(differ);
        [same, self.case(ground, size, odd)]
    }

    fn case(&self, ground: &Ground, size: &Size, odd: i64) -> Case {
        let Asked { vendor, calls, range, .. } = *self;
        let (mut bare, mut fetch, mut diagnosis, mut findings) = (Series::default(), Vec::new(), Vec::new(), 0);
        for round in 0..size.runs {
            // What a backend has used once it keeps, so each gets a new one.
            let ask = |sql: &str| {
                let mut database = ground.connect("bench");
                measure::quiet(&database, self.at, size.patience);
                cost(&mut database, self.at, |database: &mut Database| database.one::<i64>(sql))
            };
            let summary = "(d #>> '{summary,missingInDatabase}')::bigint";
            let (found, diagnosed) = ask(&format!("SELECT {summary} FROM df_diagnose('acme', '{range}') d"));
            assert_eq!(
                found, odd,
                "a diagnosis of {calls} {vendor} calls finds what was made to differ, and nothing else"
            );
            let read = self.pages.map(|(simulator, token)| read_again(simulator, token));
            if vendor != "dialfire" {
                fetch.push(ask(&format!("SELECT count(*) FROM df_fetch('acme', '{range}')")).1);
            }
            let read_for = read.map_or("–".to_owned(), |seconds| format!("{seconds:.2} s"));
            eprintln!("    {vendor} {calls}, round {}: {read_for}, {:.2} s", round + 1, diagnosed.seconds);
            findings = found;
            read.into_iter().for_each(|seconds| bare.push(seconds));
            diagnosis.push(diagnosed);
        }
        Case { vendor, calls, differs: odd > 0, findings, bare, fetch, diagnosis }
    }
}

/// Asks for the pages that were asked for last, as many at once, and reads them to their end.
fn read_again(simulator: &Simulator, token: &str) -> f64 {
    let requests = simulator.requests();
    let total = simulator.get("requests")["total"].as_u64();
    assert_eq!(Some(requests.len() as u64), total, "the simulator remembers every request");
    let paths: Vec<&str> = requests.iter().filter_map(|line| line["path"].as_str()).collect();
    // Campaigns have tokens of their own, which their list tells.
    let lists = paths.iter().filter(|path| path.ends_with("/campaigns/") || path.ends_with("/campaigns"));
    let lists = lists.map(|path| serde_json::from_slice::<Value>(&simulator.read(path, token)).expect("a list"));
    let campaigns: Vec<Value> = lists.flat_map(|list| list.as_array().cloned().unwrap_or_default()).collect();
    let token_of = |path: &str| {
        let campaign = campaigns.iter().find(|c| c["id"].as_str().is_some_and(|id| path.contains(id)));
        campaign.and_then(|c| c["permissions"]["token"].as_str()).unwrap_or(token)
    };
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    thread::scope(|scope| {
        for _ in 0..CONCURRENCY {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Relaxed)) {
                    simulator.read(path, token_of(path));
                }
            });
        }
    });
    start.elapsed().as_secs_f64()
}

fn report(size: &Size, section: &mut Section, cases: &[Case]) {
    let seconds = |costs: &[Cost]| of(costs, |c| c.seconds);
    let memory = |case: &Case| of(&case.diagnosis, |c| c.memory);
    for case in cases.iter().filter(|case| case.calls == size.calls) {
        let (bare, of_what) = match case.fetch.is_empty() {
            true => (case.bare.clone(), "reading the same pages"),
            false => (seconds(&case.fetch), "df_fetch of the same pages"),
        };
        let ratio = seconds(&case.diagnosis).over(&bare);
        let goal = format!("9 diagnosis of {} {} calls, {} missing", case.calls, case.vendor, case.findings);
        section.verdict(&goal, &format!("≤ {BOUND} × {of_what}"), format!("{ratio:.2} ×"), ratio.median() <= BOUND);
    }
    for (few, many) in cases.iter().zip(&cases[cases.len() / 2..]) {
        assert_eq!((few.vendor, few.differs), (many.vendor, many.differs));
        let more = memory(many).median() - memory(few).median();
        let findings = format!("{} missing over {}", many.findings, few.findings);
        let goal =
            format!("9 memory of a {} diagnosis, {} calls over {}, {findings}", few.vendor, many.calls, few.calls);
        section.verdict(&goal, &format!("≤ {FLAT:.0} MiB more"), format!("{more:.1} MiB"), more <= FLAT);
    }
    let row = |case: &Case| {
        let diagnosis = seconds(&case.diagnosis);
        vec![
            case.vendor.to_owned(),
            case.calls.to_string(),
            case.findings.to_string(),
            format!("{:.2}", case.bare),
            format!("{:.2}", seconds(&case.fetch)),
            format!("{diagnosis:.2}"),
            format!("{:.2}", diagnosis.over(&case.bare)),
            format!("{:.2}", diagnosis.over(&seconds(&case.fetch))),
            format!("{:.2}", of(&case.fetch, |c| c.backend)),
            format!("{:.2}", of(&case.diagnosis, |c| c.backend)),
            format!("{:.1}", memory(case)),
            format!("{:.0}", of(&case.diagnosis, |c| c.requests).median()),
            format!("{:.0}", of(&case.diagnosis, |c| c.foreign * 100.0).median()),
        ]
    };
    let head = [
        "vendor",
        "calls",
        "missing",
        "reading the pages s",
        "df_fetch s",
        "df_diagnose s",
        "× reading",
        "× df_fetch",
        "CPU s: df_fetch",
        "df_diagnose",
        "memory MiB",
        "requests",
        "foreign CPU %",
    ];
    section.table(&head, cases.iter().map(row).collect());
    section.say(format!(
        "{} rounds, interleaved. Reading the pages asks for just those that the diagnosis before it asked for, {CONCURRENCY} at \
         once, outside of the server, and does nothing with them. The missing calls of Dialfire's are stored ones that do not count, \
         those of the others have been deleted here; each round checks that they are what is found. Memory is the backend's growth over idle.",
        size.runs
    ));
}
