//! A diagnosis beside a bare fetch of the same pages, at little and at much, with few and with many findings.

use crate::faucet::Faucet;
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
/// What `faucet verify` is known to take for 100,000 calls, and a bare fetch of their pages beside it.
const STATED: [f64; 2] = [5.5, 0.28];
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
    /// Seconds of reading the same pages, or a dialler's tables of calls, and doing nothing with them.
    bare: Series,
    /// Seconds of `faucet verify`, where it is there and can.
    faucet: Series,
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

/// All days at once, and a day after the other.
fn dialfire(ground: &Ground, size: &Size, calls: u32) -> [Case; 4] {
    let simulator = vendor(calls);
    let mut database = ground.fresh("bench");
    database.tenant(&simulator, "");
    database.sync(ALL);
    let faucet = Faucet::fill(ground, &simulator, &mut database);
    let read = || read_again(&simulator, TOKEN);
    let whole = Asked { vendor: "dialfire", calls, range: ALL, at: &simulator, read: &read, faucet: faucet.as_ref() };
    let daily = Asked { vendor: DAILY, faucet: None, ..whole };
    let same = whole.case(ground, size, [0, 0]);
    let same_daily = daily.case(ground, size, [0, 0]);
    // Because of them the vendor is asked for no more, so that the pages are the same.
    let odd = database.exec_rows("UPDATE dialfire.transactions SET is_test = true WHERE mod(hashtext(id), 10) = 0");
    let gone = faucet.as_ref().map_or(0, |faucet| faucet.differ(&mut database));
    [same, whole.case(ground, size, [odd, gone]), same_daily, daily.case(ground, size, [odd, 0])]
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
    let read = || read_again(&simulator, LOCATION_TOKEN);
    let asked = Asked { vendor: "highlevel", calls, range: ALL, at: &simulator, read: &read, faucet: None };
    asked.twice(ground, size, &mut database, DELETE)
}

fn vapi(ground: &Ground, size: &Size, calls: u32) -> [Case; 2] {
    let simulator = vapi::simulator();
    // Calls from the web are tests, which count as findings.
    simulator.post("vapi", json!({"generate": calls, "days": 10, "phone_only": true}));
    let mut database = ground.fresh("bench");
    vapi::create(&mut database.db, &simulator, "page_size '1000'");
    let read = || read_again(&simulator, TOKEN);
    let asked = Asked { vendor: "vapi", calls, range: "last 12 days", at: &simulator, read: &read, faucet: None };
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
    let read = || {
        let start = Instant::now();
        for table in CALLS {
            dialler.rows(&format!("SELECT * FROM {table}"));
        }
        start.elapsed().as_secs_f64()
    };
    let asked = Asked { vendor: "vicidial", calls, range: &range, at: dialler.server, read: &read, faucet: None };
    asked.twice(ground, size, &mut database, DELETE)
}

const DAILY: &str = "dialfire day by day";
const CALLS: [&str; 4] = ["vicidial_log", "vicidial_log_archive", "vicidial_closer_log", "vicidial_closer_log_archive"];
/// Its days, one after the other in one statement.
const DAYS: &str = "generate_series('2025-11-01 12:00+00'::timestamptz, '2025-11-14 12:00+00', '1 day') at";
const DELETE: &str = "DELETE FROM dialfire.transactions WHERE mod(hashtext(id), 10) = 0";

/// What is diagnosed.
struct Asked<'a, V> {
    vendor: &'static str,
    calls: u32,
    range: &'a str,
    at: &'a V,
    /// Reads what a diagnosis has just read, without one; the seconds.
    read: &'a dyn Fn() -> f64,
    faucet: Option<&'a Faucet>,
}

impl<V: Vendor> Asked<'_, V> {
    /// As the vendor has it, and with a tenth of the calls made to differ.
    fn twice(&self, ground: &Ground, size: &Size, database: &mut Database, differ: &str) -> [Case; 2] {
        database.sync(self.range);
        let same = self.case(ground, size, [0, 0]);
        let odd = database.exec_rows(differ);
        [same, self.case(ground, size, [odd, 0])]
    }

    /// How many calls a diagnosis must find, and how many `faucet verify`.
    fn case(&self, ground: &Ground, size: &Size, [odd, gone]: [i64; 2]) -> Case {
        let Asked { vendor, calls, range, .. } = *self;
        let (mut bare, mut faucet, mut fetch, mut diagnosis) =
            (Series::default(), Series::default(), Vec::new(), Vec::new());
        for round in 0..size.runs {
            // What a backend has used once it keeps, so each gets a new one.
            let measure = |work: &dyn Fn(&mut Database) -> i64| {
                let mut database = ground.connect("bench");
                measure::quiet(&database, self.at, size.patience);
                cost(&mut database, self.at, work)
            };
            let ask = |sql: &str| measure(&|database| database.one(sql));
            let summary = "(d #>> '{summary,missingInDatabase}')::bigint";
            let (found, diagnosed) = ask(&match vendor == DAILY {
                true => format!(
                    "SELECT sum({summary})::bigint FROM {DAYS}, df_diagnose('acme', tstzrange(at, at + '1 day')) d"
                ),
                false => format!("SELECT {summary} FROM df_diagnose('acme', '{range}') d"),
            });
            assert_eq!(
                found, odd,
                "a diagnosis of {calls} {vendor} calls finds what was made to differ, and nothing else"
            );
            let read = (self.read)();
            if !vendor.starts_with("dialfire") {
                fetch.push(ask(&format!("SELECT count(*) FROM df_fetch('acme', '{range}')")).1);
            }
            if let Some(program) = self.faucet {
                let (found, verified) = measure(&|_| program.verify());
                assert_eq!(found, gone, "faucet verify finds what was taken away, and nothing else");
                faucet.push(verified.seconds);
            }
            eprintln!("    {vendor} {calls}, round {}: {read:.2} s, {:.2} s", round + 1, diagnosed.seconds);
            bare.push(read);
            diagnosis.push(diagnosed);
        }
        Case { vendor, calls, differs: odd > 0, findings: odd, bare, faucet, fetch, diagnosis }
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
    let [verify, fetch] = STATED;
    for case in cases.iter().filter(|case| case.calls == size.calls) {
        let taken = seconds(&case.diagnosis);
        let (ratio, rival) = (taken.over(&case.bare), case.faucet.over(&case.bare));
        let (bound, of_whom) = match rival.is_empty() {
            true => (verify / fetch, format!("stated of faucet verify on another machine: {verify} s ÷ {fetch} s")),
            false => (rival.median(), format!("faucet verify in the same rounds: {:.2} s", case.faucet)),
        };
        section.verdict(
            &format!("9 diagnosis of {}, {} calls, {} missing", case.vendor, case.calls, case.findings),
            &format!("< {bound:.1} × reading the same pages ({of_whom})"),
            format!("{ratio:.2} ×, {taken:.2} s"),
            ratio.median() < bound,
        );
        let (base, of_what) = match case.fetch.is_empty() {
            true => (case.bare.clone(), "reading the same pages"),
            false => (seconds(&case.fetch), "df_fetch of the same pages"),
        };
        let ratio = taken.over(&base);
        let goal = format!("9 diagnosis of {} {} calls, {} missing", case.calls, case.vendor, case.findings);
        section.verdict(&goal, &format!("≤ {BOUND} × {of_what}"), format!("{ratio:.2} ×"), ratio.median() <= BOUND);
    }
    for (few, many) in cases.iter().zip(&cases[cases.len() / 2..]) {
        assert_eq!((few.vendor, few.differs), (many.vendor, many.differs));
        let more = memory(many).median() - memory(few).median();
        let findings = format!("{} missing over {}", many.findings, few.findings);
        let goal =
            format!("9 memory of a diagnosis of {}, {} calls over {}, {findings}", few.vendor, many.calls, few.calls);
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
            format!("{:.2}", case.faucet),
            format!("{:.2}", diagnosis.over(&case.bare)),
            format!("{:.2}", case.faucet.over(&case.bare)),
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
        "faucet verify s",
        "× reading: df_diagnose",
        "faucet verify",
        "× df_fetch: df_diagnose",
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
         those of the others have been deleted here; each round checks that they are what is found. Memory is the backend's growth over idle. \
         Day by day is one statement that diagnoses each of the fourteen days by itself.",
        size.runs
    ));
}
