//! `make chaos`: a tenant of a hundred thousand calls is kept up to date while everything around it breaks.
//!
//! For CHAOS_SECONDS the vendor fails one request in ten, calls are added and change, and processes, settings and the
//! server are killed at random; then all heals, and every row must be the vendor's. CHAOS_SEED repeats a run's choices.
//! With argument `tenants`: fifty tenants every minute, for ten.

use integration::place::{tail, Place, PATIENCE};
use integration::rows::assert_truth_in;
use integration::simulator::Simulator;
use integration::until;
use postgres::types::FromSql;
use postgres::NoTls;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

/// Share of the requests that each of them hits; together one in ten.
const FAULTS: [(&str, f64, Option<u64>); 8] = [
    ("status", 0.03, None),
    ("retry_after_seconds", 0.02, Some(1)),
    ("cut", 0.025, None),
    ("truncate", 0.005, None),
    ("hang", 0.005, None),
    ("html_login", 0.003, None),
    ("error_body_200", 0.003, None),
    ("latency", 0.01, Some(300)),
];

fn main() {
    if std::env::args().any(|argument| argument == "tenants") {
        return integration::many::keep_up(Duration::from_secs(60), Duration::from_secs(600));
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seconds = number("CHAOS_SECONDS").unwrap_or(300);
    let seed = number("CHAOS_SEED").unwrap_or_else(|| u64::from(std::process::id()) * 7919);
    println!("CHAOS_SECONDS={seconds} CHAOS_SEED={seed}");
    let per_day = number("CHAOS_CALLS_PER_DAY").unwrap_or(7200).to_string();
    let simulator = Simulator::with(&["--days", "14", "--calls-per-day", &per_day, "--campaigns", "4"]);
    let mut place = Place::own("max_worker_processes = 20\nmax_wal_size = 2GB\nlog_min_messages = warning\n");
    place.tenant("acme", &simulator.base_url, "request_timeout '3 s', wait_budget '20 s', page_size '1000'");
    place.exec("ALTER SERVER acme OPTIONS (DROP start_date)");
    place.exec("SELECT df_schedule('acme', '10 seconds'); SELECT df_schedule('acme', '20 seconds', 'reconcile')");
    let mut chaos = Chaos { dice: Dice(seed | 1), simulator, place, done: BTreeMap::new() };
    chaos.break_vendor();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        std::thread::sleep(Duration::from_millis(1000 + chaos.dice.below(5000)));
        chaos.turn();
    }
    chaos.heal_and_compare();
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

struct Chaos {
    dice: Dice,
    simulator: Simulator,
    place: Place,
    done: BTreeMap<&'static str, u64>,
}

impl Chaos {
    fn break_vendor(&self) {
        for (kind, share, value) in FAULTS {
            let more = match value {
                Some(value) => json!({"share": share, "value": value}),
                None => json!({"share": share, "status": if kind == "status" { json!(503) } else { json!(null) }}),
            };
            self.simulator.fault(kind, "", more);
        }
    }

    fn turn(&mut self) {
        let what = match self.dice.below(12) {
            0 => self.kill("job", "kill -9 of a job"),
            1 => self.kill("scheduler", "kill -9 of the scheduler"),
            2 | 3 => self.signal("pg_terminate_backend", "job", "pg_terminate_backend of a job"),
            4 => self.signal("pg_terminate_backend", "scheduler", "pg_terminate_backend of the scheduler"),
            5 => self.signal("pg_cancel_backend", "job", "pg_cancel_backend of a job"),
            6 => {
                self.place.cluster.stop("immediate");
                self.place.cluster.up();
                Some("immediate shutdown")
            }
            7 => self.reload(),
            8 => self.grow(),
            9 => {
                let seed = self.dice.below(1 << 30);
                self.simulator.post("change", json!({"share": 0.001, "seed": seed}));
                Some("calls changed at the vendor")
            }
            10 => {
                self.simulator.post("complete", json!({}));
                self.simulator.post("late", json!({}));
                Some("calls and recordings completed")
            }
            _ => {
                let shift = -(self.dice.below(300) as i64);
                self.simulator.post("clock", json!({"shift_seconds": shift}));
                Some("the vendor's clock moved")
            }
        };
        if let Some(what) = what {
            *self.done.entry(what).or_default() += 1;
        }
        self.place.reconnect();
        // As an operator would who has seen the failure; otherwise this would only test the patience of the back-off.
        let _ = self
            .place
            .db
            .batch_execute("UPDATE dialfire.schedules SET failures = 0, next_run = now() WHERE failures > 1");
    }

    fn kill(&mut self, kind: &str, what: &'static str) -> Option<&'static str> {
        let pid = *self.place.processes(kind).first()?;
        let is_killed = Command::new("kill").args(["-9", &pid.to_string()]).status().ok()?.success();
        // The server ends everybody's connections, ours too, a moment after the kill.
        for _ in 0..200 {
            if !is_killed || self.place.db.batch_execute("").is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        is_killed.then_some(what)
    }

    fn signal(&mut self, function: &str, kind: &str, what: &'static str) -> Option<&'static str> {
        let pid = *self.place.processes(kind).first()?;
        self.place.db.batch_execute(&format!("SELECT {function}({pid})")).ok().map(|()| what)
    }

    fn reload(&mut self) -> Option<&'static str> {
        let (workers, days) = (1 + self.dice.below(4), 1 + self.dice.below(90));
        for set in [format!("max_workers = {workers}"), format!("retention_days = {days}")] {
            self.place.db.batch_execute(&format!("ALTER SYSTEM SET dialfire_sync.{set}")).ok()?;
        }
        self.place.db.batch_execute("SELECT pg_reload_conf()").ok().map(|()| "SIGHUP with other settings")
    }

    /// Now, or exactly at a full hour of the last days, in windows that are covered already.
    fn grow(&mut self) -> Option<&'static str> {
        if self.dice.below(2) == 0 {
            self.simulator.post("grow", json!({"calls": 50}));
            return Some("calls added at the vendor");
        }
        let hours = self.dice.below(48) + 1;
        let sql = format!(
            "SELECT to_char(date_trunc('hour', now() - interval '{hours} hours') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.000\"Z\"')"
        );
        let at: String = self.place.one(&sql, &[]);
        self.simulator.post("grow", json!({"calls": 50, "at": at}));
        Some("calls added at a full hour of the past")
    }

    fn heal_and_compare(&mut self) {
        let faults = self.simulator.get("faults");
        let requests = self.simulator.get("requests")["total"].as_u64().expect("a count");
        self.simulator.heal();
        self.simulator.post("clock", json!({"shift_seconds": 0}));
        self.place.reconnect();
        println!("everything heals");
        let limit = Duration::from_secs(600);
        let since: String = self.one("SELECT clock_timestamp()::text");
        for job in ["sync", "reconcile", "look_back"] {
            let start = Instant::now();
            until(&format!("{job} succeeds"), limit, || {
                if start.elapsed().as_millis() % 1000 < 100 {
                    self.place.exec(&format!(
                        "UPDATE dialfire.schedules SET failures = 0, next_run = now() WHERE job = '{job}' AND next_run > now()
                         AND (last_status <> 'success' OR last_started < '{since}') AND last_finished > last_started"
                    ));
                }
                std::thread::sleep(Duration::from_millis(100));
                self.place.one(
                    &format!(
                        "SELECT count(*) = 1 FROM dialfire.schedules WHERE job = '{job}' AND last_started > '{since}'
                         AND last_finished > last_started AND last_status = 'success'"
                    ),
                    &[],
                )
            });
        }
        self.place.exec("UPDATE dialfire.schedules SET enabled = false");
        let idle = "SELECT count(*) = 0 FROM dialfire.runs WHERE status = 'in_progress'";
        self.place.until(PATIENCE, idle, "SELECT * FROM dialfire.runs WHERE status = 'in_progress'");
        // Autovacuum rests on the servers of tests.
        self.place.exec("ANALYZE");
        println!("\n{:<44}{:>8}", format!("requests in all {requests}, answered wrongly by"), "times");
        for fault in faults.as_array().expect("faults") {
            println!("  {:<42}{:>8}", fault["kind"].as_str().unwrap_or_default(), fault["hits"]);
        }
        println!("{:<44}{:>8}", "done to the server and at the vendor", "times");
        for (what, times) in &self.done {
            println!("  {what:<42}{times:>8}");
        }
        println!("{:<44}{:>8}", "runs", "times");
        let runs = "SELECT kind || ' ' || status, count(*) FROM dialfire.runs GROUP BY 1 ORDER BY 1";
        for row in self.place.db.query(runs, &[]).expect("runs") {
            println!("  {:<42}{:>8}", row.get::<_, String>(0), row.get::<_, i64>(1));
        }
        let mut fresh =
            self.place.cluster.config(&self.place.database).options("").connect(NoTls).expect("a connection");
        let all = ["1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z"];
        let compared = assert_truth_in(&mut fresh, "acme", &self.simulator, all, &[]);
        let gaps: i64 = self.one(
            "SELECT count(*) FROM dialfire.coverage_gaps g, dialfire.schedules s WHERE s.job = 'sync'
             AND g.from_at < s.last_started - interval '5 seconds'",
        );
        let calls: i64 = self.one("SELECT count(*) FROM dialfire.transactions");
        println!("{:<44}{calls:>8}", "transactions");
        println!("{:<44}{compared:>8}", "rows compared, all equal");
        println!("{:<44}{:>8}", "rows lost", 0);
        println!("{:<44}{gaps:>8}", "gaps in coverage");
        assert_eq!(gaps, 0, "coverage has gaps\n{}", tail(&self.place.cluster.log()));
    }

    fn one<T: for<'a> FromSql<'a>>(&mut self, sql: &str) -> T {
        self.place.one(sql, &[])
    }
}
