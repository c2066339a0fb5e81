//! The first load of a tenant: COPY of the finished rows, the sync, a script, dlt.

use crate::ground::{Database, Ground, Rows, TABLES};
use crate::measure::{self, cost, of, Cost};
use crate::report::Section;
use crate::series::Series;
use crate::Size;
use integration::simulator::{Simulator, ALL};
use std::process::Command;

/// Into tables like the sync's.
const FLOOR: &str = "COPY of the finished rows";
/// Into tables without their other indexes.
const KEYS_ONLY: &str = "COPY, primary keys only";

pub fn measure(ground: &Ground, size: &Size, section: &mut Section) {
    let vendor = size.vendor();
    let mut synced = ground.fresh("bench");
    synced.tenant(&vendor, "");
    // Untimed: it fills the vendor's memory, and what it stores is the measure of all others.
    synced.sync(ALL);
    let rows = export(&mut synced);
    let counts: Vec<String> = TABLES
        .map(|table| format!("{} {table}", synced.one::<i64>(&format!("SELECT count(*) FROM dialfire.{table}"))))
        .to_vec();
    let stored = synced.rows("dialfire");
    drop(synced);

    let mut loaders: Vec<Loader> = [FLOOR, KEYS_ONLY, "df_sync"].map(Loader::new).into();
    loaders.extend(size.script.then(|| Loader::new("script (psycopg 3)")));
    loaders.extend(size.dlt.then(|| Loader::new("dlt")));
    for round in 0..size.runs {
        for loader in &mut loaders {
            let mut database = ground.fresh("bench");
            measure::quiet(&database, &vendor, size.patience);
            match loader.name {
                "df_sync" => {
                    database.tenant(&vendor, "");
                    let (_, first) = cost(&mut database, &vendor, |database| database.sync(ALL));
                    assert_eq!(database.rows("dialfire"), stored, "rows that df_sync stored");
                    let (_, again) = cost(&mut database, &vendor, |database| database.sync(ALL));
                    loader.keep(first, Some(again));
                }
                "script (psycopg 3)" => loader.python("bench/script.py", &mut database, &vendor, stored),
                "dlt" => loader.python("bench/load_dlt.py", &mut database, &vendor, stored),
                copied => {
                    let indexes = if copied == KEYS_ONLY { " EXCLUDING INDEXES, PRIMARY KEY (tenant, id)" } else { "" };
                    let like =
                        |table| format!("CREATE TABLE floor.{table} (LIKE dialfire.{table} INCLUDING ALL{indexes});");
                    database.exec(&format!("CREATE SCHEMA floor; {}", TABLES.map(like).concat()));
                    loader.keep(cost(&mut database, &vendor, |database| database.copy_in("floor", &rows)).1, None)
                }
            }
            eprintln!(
                "    round {}: {}: {:.2} s",
                round + 1,
                loader.name,
                loader.first.last().map_or(0.0, |c| c.seconds)
            );
        }
    }
    ground.drop("bench");

    let seconds = |name: &str| loaders.iter().find(|l| l.name == name).map(|l| of(&l.first, |c| c.seconds));
    let sync = seconds("df_sync").unwrap_or_default();
    let over = sync.over(&seconds(FLOOR).unwrap_or_default());
    section.verdict("1 first load", "≤ 1.5 × COPY of the same rows", format!("{over:.2} ×"), over.median() <= 1.5);
    for (name, bound) in [("script (psycopg 3)", 2.0), ("dlt", 20.0)] {
        if let Some(other) = seconds(name) {
            let faster = other.over(&sync);
            let goal = format!("1 against {name}");
            section.verdict(
                &goal,
                &format!("≥ {bound:.0} × faster"),
                format!("{faster:.1} ×"),
                faster.median() >= bound,
            );
        }
    }
    let megabytes = rows.iter().map(|(_, rows)| rows.len()).sum::<usize>() as f64 / 1e6;
    section.say(format!(
        "{stored} rows ({}), {megabytes:.0} MB as COPY text; {} rounds, interleaved.",
        counts.join(", "),
        size.runs
    ));
    let head = [
        "loader",
        "first load s",
        "again, unchanged s",
        "calls/s",
        "CPU s: server",
        "client",
        "vendor",
        "WAL MB",
        "requests",
        "received MB",
        "memory MB",
        "foreign CPU %",
    ];
    let calls = f64::from(size.calls);
    section.table(&head, loaders.iter().map(|loader| loader.row(calls)).collect());
    let cpu =
        |name: &str| loaders.iter().find(|l| l.name == name).map(|l| of(&l.first, |c| c.backend)).unwrap_or_default();
    let over = cpu("df_sync").over(&cpu(FLOOR));
    section.say(format!("In CPU seconds, helper threads included, the sync takes {over:.2} × what COPY takes."));
    if let Some(dlt) = seconds("dlt") {
        let [all, keys] = [FLOOR, KEYS_ONLY].map(|name| dlt.over(&seconds(name).unwrap_or_default()));
        section.say(format!(
            "No loader of these rows could be more than {all:.1} × faster than dlt, and {keys:.1} × with nothing but primary keys: \
             that is what COPY alone is."
        ));
    }
    section.say(
        "`COPY` and `df_sync` run in the backend: memory is its growth over idle. The others are processes of their own: memory is \
         their peak. All store the same rows; `df_sync` keeps its ledger and `daily_stats` as well. Time of Python begins after its imports.",
    );
}

struct Loader {
    name: &'static str,
    first: Vec<Cost>,
    again: Vec<Cost>,
    /// CPU seconds of a client process.
    client: Series,
}

impl Loader {
    fn new(name: &'static str) -> Loader {
        Loader { name, first: Vec::new(), again: Vec::new(), client: Series::default() }
    }

    fn keep(&mut self, first: Cost, again: Option<Cost>) {
        self.first.push(first);
        self.again.extend(again);
    }

    /// Runs a script, and again; it says on its last line what it cost. A slow one is run again in the first round only.
    fn python(&mut self, script: &str, database: &mut Database, vendor: &Simulator, stored: i64) {
        database.exec("CREATE SCHEMA script");
        for first in [true, false] {
            if !first && self.again.last().is_some_and(|again| again.seconds > 20.0) {
                break;
            }
            let (said, mut cost) = cost(database, vendor, |database| run(script, first, database, vendor));
            let number =
                |name: &str| said[name].as_f64().unwrap_or_else(|| panic!("{script} does not say {name}: {said}"));
            (cost.seconds, cost.memory) = (number("seconds"), number("peak_mb"));
            cost.backend = f64::NAN;
            // But for what they mix: two legs or recordings under one key.
            let missing = stored - number("rows") as i64;
            assert!((0..=stored / 1000).contains(&missing), "{script} stored {missing} rows of {stored} less");
            if first {
                self.client.push(number("cpu"));
                self.first.push(cost);
            } else {
                self.again.push(cost);
            }
        }
    }

    fn row(&self, calls: f64) -> Vec<String> {
        let first = &self.first;
        let seconds = of(first, |c| c.seconds);
        let again = of(&self.again, |c| c.seconds);
        let backend = of(first, |c| c.backend);
        let cell = |series: Series, decimals: usize| format!("{:.*}", decimals, series.median());
        vec![
            self.name.to_owned(),
            format!("{seconds:.2}"),
            format!("{again:.2}"),
            cell(seconds.iter().map(|s| calls / s).collect(), 0),
            if backend.median().is_nan() { "–".to_owned() } else { cell(backend, 2) },
            if self.client.is_empty() { "–".to_owned() } else { cell(self.client.clone(), 2) },
            cell(of(first, |c| c.vendor), 2),
            cell(of(first, |c| c.wal / 1e6), 0),
            cell(of(first, |c| c.requests), 0),
            cell(of(first, |c| c.bytes / 1e6), 1),
            cell(of(first, |c| c.memory), 1),
            cell(of(first, |c| c.foreign * 100.0), 0),
        ]
    }
}

fn run(script: &str, first: bool, database: &Database, vendor: &Simulator) -> serde_json::Value {
    let python = std::env::var("BENCH_INTERPRETER").expect("BENCH_INTERPRETER is not set: make bench");
    let mut command = Command::new(python);
    command
        .arg(script)
        .args([vendor.base_url.as_str(), if first { "first" } else { "again" }])
        .env("PGDATABASE", &database.name);
    let output = command.output().expect("the interpreter starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{script}: {said}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(said.lines().last().unwrap_or("")).unwrap_or_else(|error| panic!("{script}: {error}: {said}"))
}

fn export(database: &mut Database) -> Rows {
    TABLES.map(|table| (table, database.copy_out(&format!("TABLE dialfire.{table}"))))
}
