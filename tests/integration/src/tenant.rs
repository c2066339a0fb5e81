//! A tenant in a database of its own, and what its syncs say.

use crate::cluster::Cluster;
use crate::simulator::Simulator;
use postgres::error::DbError;
use postgres::types::{FromSqlOwned, ToSql};
use postgres::{Client, Config, NoTls, Row};
use serde_json::Value;
use std::fmt::Display;

/// The simulator's tenant token, where a test gives no other.
pub const TOKEN: &str = "tenant-secret-token";
/// The simulator's location at HighLevel, and the token that opens it.
pub const LOCATION: &str = "B7TzvBb6H6QvDNdEEhlt";
pub const LOCATION_TOKEN: &str = "pit-secret-token";

pub struct Tenant {
    pub db: Client,
    pub database: String,
    pub cluster: &'static Cluster,
}

/// What `df_sync` returns.
#[derive(Debug)]
pub struct Run {
    pub id: Option<i64>,
    pub status: String,
    pub windows: i64,
    pub fetched: i64,
    pub inserted: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub skipped: i64,
    pub rejected: i64,
    pub requests: i64,
    pub retries: i64,
    pub reasons: Value,
    pub message: String,
}

impl Tenant {
    /// Tenant `acme` of the simulator's account, with the token that opens it.
    pub fn of(simulator: &Simulator) -> Tenant {
        Tenant::with(simulator, "")
    }

    /// With more server options, as they stand in SQL.
    pub fn with(simulator: &Simulator, options: &str) -> Tenant {
        Tenant::at(&simulator.base_url, options, &format!("token '{TOKEN}'"))
    }

    /// Tenant `acme` of the simulated location at HighLevel.
    pub fn highlevel(simulator: &Simulator, options: &str) -> Tenant {
        let secrets = format!("token '{LOCATION_TOKEN}'");
        Tenant::of_vendor("highlevel", LOCATION, &simulator.highlevel_url(), options, &secrets)
    }

    pub fn of_vendor(vendor: &str, account: &str, base_url: &str, options: &str, secrets: &str) -> Tenant {
        let cluster = Cluster::shared();
        let database = cluster.database();
        let mut db = cluster.connect(&database);
        server(&mut db, vendor, account, base_url, options, secrets);
        Tenant { db, database, cluster }
    }

    pub fn at(base_url: &str, options: &str, secrets: &str) -> Tenant {
        let cluster = Cluster::shared();
        let database = cluster.database();
        let mut db = cluster.connect(&database);
        create(&mut db, base_url, options, secrets);
        Tenant { db, database, cluster }
    }

    pub fn config(&self) -> Config {
        self.cluster.config(&self.database)
    }

    /// Another connection, as the superuser.
    pub fn connect(&self) -> Client {
        self.cluster.connect(&self.database)
    }

    /// Another connection, as a role of this name that is made where it is missing.
    pub fn connect_as(&mut self, role: &str) -> Client {
        let role = format!("{}_{role}", self.database);
        if self.one::<i64>("SELECT count(*) FROM pg_roles WHERE rolname = $1", &[&role]) == 0 {
            self.db.batch_execute(&format!("CREATE ROLE {role} LOGIN")).expect("a role");
        }
        self.config().user(&role).connect(NoTls).expect("a connection")
    }

    pub fn sync(&mut self, range: &str) -> Run {
        self.run("SELECT * FROM df_sync('acme', $1::text)", &[&range])
    }

    /// A call of `df_sync` in any form.
    pub fn run(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Run {
        let row = self.db.query_one(sql, params).unwrap_or_else(|error| panic!("{sql}: {}", words(&error)));
        Run::from(&row)
    }

    pub fn one<T: FromSqlOwned>(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> T {
        self.db.query_one(sql, params).unwrap_or_else(|error| panic!("{sql}: {}", words(&error))).get(0)
    }

    pub fn count(&mut self, table: &str) -> i64 {
        self.one(&format!("SELECT count(*) FROM dialfire.{table}"), &[])
    }

    /// The error of a statement that must fail.
    pub fn refusal(&mut self, sql: &str) -> DbError {
        refusal(&mut self.db, sql)
    }

    /// The lines of the HTTP log of one run.
    pub fn http_log(&mut self, run: &Run) -> Vec<Row> {
        let sql = "SELECT method, url, status, attempt, retry_after, error FROM dialfire.http_log \
                   WHERE run_id = $1 ORDER BY id";
        self.db.query(sql, &[&run.id]).expect("http_log")
    }

    /// Seconds of CPU that the backend has taken, with its threads.
    pub fn cpu(&mut self) -> f64 {
        let pid: i32 = self.one("SELECT pg_backend_pid()", &[]);
        crate::cpu(pid)
    }

    /// Peak memory of the backend, KiB.
    pub fn peak_memory(&mut self) -> i64 {
        let pid: i32 = self.one("SELECT pg_backend_pid()", &[]);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the backend runs");
        let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("its peak");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
    }

    pub fn exec(&mut self, sql: &str) {
        self.db.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {}", words(&error)));
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        self.cluster.drop_database(&self.database);
    }
}

/// The wrapper's server `acme` with a mapping for the one who connects.
pub fn create(db: &mut Client, base_url: &str, options: &str, secrets: &str) {
    server(db, "dialfire", "9c6d0163", base_url, options, secrets);
}

fn server(db: &mut Client, vendor: &str, account: &str, base_url: &str, options: &str, secrets: &str) {
    let comma = if options.is_empty() { "" } else { ", " };
    let options = format!("timezone 'Europe/Nicosia', base_url '{base_url}'{comma}{options}");
    let sql = format!(
        "CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync \
         OPTIONS (vendor '{vendor}', account '{account}', {options}); \
         CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS ({secrets})"
    );
    db.batch_execute(&sql).unwrap_or_else(|error| panic!("{sql}: {}", words(&error)));
}

pub fn refusal(db: &mut Client, sql: &str) -> DbError {
    match db.batch_execute(sql) {
        Ok(()) => panic!("not refused: {sql}"),
        Err(error) => error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}")).clone(),
    }
}

/// An error of the server's in one line: code, message, detail and hint.
pub fn words(error: &postgres::Error) -> String {
    let Some(error) = error.as_db_error() else { return error.to_string() };
    let more = [error.detail(), error.hint()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    format!("{} {} {more}", error.code().code(), error.message())
}

impl From<&Row> for Run {
    fn from(row: &Row) -> Run {
        Run {
            id: row.get("run_id"),
            status: row.get("status"),
            windows: row.get("windows"),
            fetched: row.get("fetched"),
            inserted: row.get("inserted"),
            updated: row.get("updated"),
            unchanged: row.get("unchanged"),
            skipped: row.get("skipped"),
            rejected: row.get("rejected"),
            requests: row.get("requests"),
            retries: row.get("retries"),
            reasons: row.get("skip_reasons"),
            message: row.get("message"),
        }
    }
}

impl Run {
    pub fn expect(&self, status: &str) -> &Run {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    pub fn expect_counts(&self, inserted: i64, updated: i64, unchanged: i64) -> &Run {
        assert_eq!((self.inserted, self.updated, self.unchanged), (inserted, updated, unchanged), "{self:?}");
        self
    }

    pub fn says(&self, text: impl Display) -> &Run {
        let text = text.to_string();
        assert!(self.message.contains(&text), "not {text:?} in {self:?}");
        self
    }
}
