//! A database whose worker is awake, with any number of tenants.

use crate::cluster::Cluster;
use crate::simulator::Simulator;
use crate::tenant::{words, TOKEN};
use crate::until;
use postgres::types::{FromSql, ToSql};
use postgres::Client;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Enough for whatever comes by itself on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The simulated vendor of these tests: three days up to now, which is what a tenant of theirs wants.
pub fn recent() -> Simulator {
    Simulator::with(&["--days", "3", "--calls-per-day", "30"])
}

/// The server of tests that need a worker for their database and neither stop it nor change its settings.
fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::with("max_worker_processes = 60\nmax_connections = 90\n"))
}

/// The server of tests that may stop it: one test at a time has it.
fn stoppable() -> MutexGuard<'static, Cluster> {
    static STOPPABLE: OnceLock<Mutex<Cluster>> = OnceLock::new();
    let cluster = STOPPABLE.get_or_init(|| Mutex::new(Cluster::with("max_worker_processes = 20\n")));
    cluster.lock().unwrap_or_else(PoisonError::into_inner)
}

pub enum Server {
    Shared(&'static Cluster),
    Lent(MutexGuard<'static, Cluster>),
    Own(Cluster),
}

impl Deref for Server {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        match self {
            Server::Shared(cluster) => cluster,
            Server::Lent(cluster) => cluster,
            Server::Own(cluster) => cluster,
        }
    }
}

pub struct Place {
    pub db: Client,
    pub database: String,
    pub cluster: Server,
}

impl Place {
    pub fn shared() -> Place {
        Place::on(Server::Shared(shared()))
    }

    /// On a server that the test may stop.
    pub fn lent() -> Place {
        Place::on(Server::Lent(stoppable()))
    }

    /// On a server with settings of its own.
    pub fn own(settings: &str) -> Place {
        Place::on(Server::Own(Cluster::with(settings)))
    }

    fn on(cluster: Server) -> Place {
        let database = cluster.database();
        let db = cluster.connect(&database);
        Place { db, database, cluster }
    }

    pub fn connect(&self) -> Client {
        self.cluster.connect(&self.database)
    }

    /// After the server was away.
    pub fn reconnect(&mut self) {
        let config = self.cluster.config(&self.database);
        until("the server takes connections", PATIENCE, || match config.connect(postgres::NoTls) {
            Ok(db) => {
                self.db = db;
                true
            }
            Err(_) => false,
        });
    }

    /// A tenant that wants the last three days, with its token for the one who connects.
    pub fn tenant(&mut self, name: &str, base_url: &str, options: &str) {
        let comma = if options.is_empty() { "" } else { ", " };
        let sql = format!(
            "DO $$ BEGIN EXECUTE format($f$CREATE SERVER {name} FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire',
                account '9c6d0163', timezone 'Europe/Nicosia', base_url '{base_url}', settle '1 s', start_date %L{comma}{options})$f$,
                (now() - interval '3 days')::date); END $$;
             CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS (token '{TOKEN}')"
        );
        self.exec(&sql);
    }

    /// Only job sync, so that a test knows what runs.
    pub fn schedule(&mut self, name: &str, every: &str) {
        self.exec(&format!("SELECT df_schedule('{name}', '{every}', 'sync')"));
    }

    pub fn exec(&mut self, sql: &str) {
        self.db.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {}", words(&error)));
    }

    pub fn one<T: for<'a> FromSql<'a>>(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> T {
        self.db.query_one(sql, params).unwrap_or_else(|error| panic!("{sql}: {}", words(&error))).get(0)
    }

    /// Waits until a query says true; the panic tells what `instead` was at the end.
    pub fn until(&mut self, limit: Duration, condition: &str, instead: &str) {
        let start = std::time::Instant::now();
        while self.one::<Option<bool>>(&format!("SELECT ({condition})"), &[]) != Some(true) {
            if start.elapsed() > limit {
                let seen: Option<String> =
                    self.one(&format!("SELECT string_agg(q::text, E'\\n') FROM ({instead}) q"), &[]);
                panic!("not within {limit:?}: {condition}; instead {seen:?}\n{}", tail(&self.cluster.log()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until job sync of a tenant has ended with this status, from now on.
    pub fn until_synced(&mut self, tenant: &str, status: &str) {
        let since: String = self.one("SELECT clock_timestamp()::text", &[]);
        self.until(
            PATIENCE,
            &format!(
                "EXISTS (SELECT FROM dialfire.schedules WHERE tenant = '{tenant}' AND job = 'sync'
                    AND last_finished > '{since}' AND last_status = '{status}')"
            ),
            "SELECT * FROM dialfire.schedules",
        );
    }

    /// The processes of this database's worker of a kind: scheduler or job.
    pub fn processes(&mut self, kind: &str) -> Vec<i32> {
        let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'dialfire_sync ' || $1";
        self.db.query(sql, &[&kind]).expect("pids").iter().map(|row| row.get(0)).collect()
    }

    /// Waits for the process of a kind and returns its id.
    pub fn process(&mut self, kind: &str) -> i32 {
        let mut found = None;
        until(&format!("a {kind} runs"), PATIENCE, || {
            found = self.processes(kind).first().copied();
            found.is_some()
        });
        found.expect("it was found")
    }

    /// A client that is gone would be in the way of what is done to the database.
    pub fn leave(&mut self) {
        self.db = self.cluster.connect("postgres");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Its scheduler would go on for as long as the server; one of its own goes with it.
        if let (false, Ok(mut db)) =
            (matches!(self.cluster, Server::Own(_)), self.cluster.config("postgres").connect(postgres::NoTls))
        {
            let _ = db.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database));
        }
    }
}

/// The last lines of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
