//! `faucet verify` of faucet-stream, which compares what an API lists with a table: the rival of a diagnosis.

use crate::ground::{Database, Ground};
use integration::simulator::Simulator;
use integration::tenant::TOKEN;
use serde_json::Value;
use std::env;
use std::process::{Command, Output};
use std::thread;

const ACCOUNT: &str = "9c6d0163";

/// One comparison for each campaign, as each has a token of its own and a comparison has one.
pub struct Faucet(Vec<Comparison>);

struct Comparison {
    table: String,
    program: String,
    environment: Vec<(&'static str, String)>,
}

impl Faucet {
    /// The program that BENCH_FAUCET names, with tables that it has filled with all events.
    pub fn fill(ground: &Ground, simulator: &Simulator, database: &mut Database) -> Option<Faucet> {
        let program = env::var("BENCH_FAUCET").ok().filter(|program| !program.is_empty())?;
        let list = simulator.read(&format!("/api/tenants/{ACCOUNT}/campaigns/"), TOKEN);
        let campaigns: Vec<Value> = serde_json::from_slice(&list).expect("a list of campaigns");
        let readable = campaigns.iter().filter(|campaign| campaign["permissions"]["roles"][0] == "campaignAPI");
        let comparison = |campaign: &Value| {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let table = format!("events_{}", text(&campaign["id"]).to_lowercase());
            let environment = vec![
                ("BENCH_BASE_URL", simulator.base_url.clone()),
                ("BENCH_CAMPAIGN", text(&campaign["id"])),
                ("BENCH_TOKEN", text(&campaign["permissions"]["token"])),
                ("BENCH_DATABASE", ground.url(&database.name)),
                ("BENCH_TABLE", table.clone()),
            ];
            Comparison { table, program: program.clone(), environment }
        };
        let faucet = Faucet(readable.map(comparison).collect());
        for comparison in &faucet.0 {
            database.exec(&format!("CREATE TABLE {} (results text PRIMARY KEY)", comparison.table));
            let done = comparison.run("run");
            assert!(done.status.success(), "faucet fills {}: {done:?}", comparison.table);
        }
        let count =
            |comparison: &Comparison| database.one::<i64>(&format!("SELECT count(*) FROM {}", comparison.table));
        let filled: i64 = faucet.0.iter().map(count).sum();
        let stored: i64 = database.one("SELECT count(*) FROM dialfire.transactions");
        assert_eq!(filled, stored, "faucet has all events");
        Some(faucet)
    }

    /// Takes a tenth of the events away; returns how many.
    pub fn differ(&self, database: &mut Database) -> i64 {
        let delete = |c: &Comparison| format!("DELETE FROM {} WHERE mod(hashtext(results), 10) = 0", c.table);
        self.0.iter().map(|comparison| database.exec_rows(&delete(comparison))).sum()
    }

    /// Compares all campaigns at once, as a diagnosis does, and returns how many events it has not found in their tables.
    pub fn verify(&self) -> i64 {
        thread::scope(|scope| {
            let running: Vec<_> = self.0.iter().map(|comparison| scope.spawn(|| comparison.verify())).collect();
            running.into_iter().map(|one| one.join().expect("a comparison")).sum()
        })
    }
}

impl Comparison {
    fn run(&self, command: &str) -> Output {
        let mut faucet = Command::new(&self.program);
        faucet.args([command, "bench/faucet.yaml"]).env("HOME", env::temp_dir());
        faucet
            .envs(self.environment.iter().cloned())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program))
    }

    fn verify(&self) -> i64 {
        let done = self.run("verify");
        let said = String::from_utf8_lossy(&done.stdout);
        let before =
            |words: &str| said.split(words).next().and_then(|text| text.split_whitespace().last()?.parse().ok());
        let missing = match done.status.success() && said.contains(": MATCH ") {
            true => Some(0),
            false => before(" missing in destination"),
        };
        // It leaves with how many differ, as far as an exit code can tell.
        let code = missing.map(|missing: i64| missing.min(255) as i32);
        assert!(missing.is_some() && done.status.code() == code, "faucet verify of {}: {done:?}", self.table);
        let all_missing = missing == Some(0) || before(" differing key(s)") == missing;
        assert!(all_missing, "faucet verify of {} finds nothing else: {said}", self.table);
        missing.unwrap_or_default()
    }
}
