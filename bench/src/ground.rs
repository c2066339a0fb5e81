//! The private server, its databases and the tenants in them.

use crate::Size;
use integration::simulator::{Simulator, ANCHOR};
use integration::tenant::{create, words, Run};
use postgres::types::FromSql;
use postgres::{Client, Config, NoTls};
use std::env;
use std::io::{Read, Write};

/// The tables that a sync fills with calls, in the order of writing.
pub const TABLES: [&str; 5] = ["contacts", "transactions", "connections", "recordings", "inbound_calls"];

/// Rows of each of them, as COPY writes them.
pub type Rows = [(&'static str, Vec<u8>); TABLES.len()];

/// Connections to the server that PGHOST and PGPORT name.
pub struct Ground {
    config: Config,
    host: String,
    port: u16,
}

pub struct Database {
    pub db: Client,
    pub name: String,
    pub pid: i32,
}

impl Ground {
    pub fn open() -> Ground {
        let host = env::var("PGHOST").expect("PGHOST is not set: make bench");
        let port =
            env::var("PGPORT").ok().and_then(|port| port.parse::<u16>().ok()).expect("PGPORT is not set: make bench");
        let mut config = Config::new();
        config.host(&host).port(port).user("postgres");
        Ground { config, host, port }
    }

    /// A database's address for another program; the host is the folder of the server's socket.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://postgres@localhost:{}/{name}?host={}", self.port, self.host)
    }

    pub fn connect(&self, name: &str) -> Database {
        let mut db = self.config.clone().dbname(name).connect(NoTls).expect("a connection");
        let pid = db.query_one("SELECT pg_backend_pid()", &[]).expect("its process id").get(0);
        Database { db, name: name.to_owned(), pid }
    }

    /// An empty database of this name with the extension in it.
    pub fn fresh(&self, name: &str) -> Database {
        self.drop(name);
        self.connect("postgres").exec(&format!("CREATE DATABASE {name}"));
        let mut database = self.connect(name);
        database.exec("CREATE EXTENSION dialfire_sync; CREATE EXTENSION pg_walinspect");
        database
    }

    pub fn drop(&self, name: &str) {
        let mut admin = self.connect("postgres");
        admin.exec(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }
}

impl Database {
    pub fn exec(&mut self, sql: &str) {
        self.db.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {}", words(&error)));
    }

    /// Returns how many rows it touched.
    pub fn exec_rows(&mut self, sql: &str) -> i64 {
        self.db.execute(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {}", words(&error))) as i64
    }

    pub fn one<T: for<'a> FromSql<'a>>(&mut self, sql: &str) -> T {
        self.db.query_one(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {}", words(&error))).get(0)
    }

    /// Tenant `acme` of a simulator's account.
    pub fn tenant(&mut self, vendor: &Simulator, options: &str) {
        create(&mut self.db, &vendor.base_url, options, "token 'tenant-secret-token'");
    }

    /// What a query returns, as COPY writes it.
    pub fn copy_out(&mut self, query: &str) -> Vec<u8> {
        let mut rows = Vec::new();
        let mut copy = self.db.copy_out(&format!("COPY ({query}) TO STDOUT")).expect("COPY");
        copy.read_to_end(&mut rows).expect("rows");
        rows
    }

    /// Rows of several tables in one transaction; returns how many.
    pub fn copy_in(&mut self, schema: &str, tables: &Rows) -> u64 {
        let mut transaction = self.db.transaction().expect("a transaction");
        let mut copied = 0;
        for (table, rows) in tables {
            let mut copy = transaction.copy_in(&format!("COPY {schema}.{table} FROM STDIN")).expect("COPY");
            // A message a piece, as psql sends them: the server keeps room for the largest.
            rows.chunks(1 << 16).for_each(|piece| copy.write_all(piece).and_then(|()| copy.flush()).expect("rows"));
            copied += copy.finish().expect("rows");
        }
        transaction.commit().expect("a commit");
        copied
    }

    /// What is not complete is not measured.
    pub fn sync(&mut self, range: &str) -> Run {
        let sql = "SELECT * FROM df_sync('acme', $1::text)";
        let row = self.db.query_one(sql, &[&range]).unwrap_or_else(|error| panic!("{sql}: {}", words(&error)));
        let run = Run::from(&row);
        run.expect("success");
        run
    }

    /// Rows of a schema's tables of calls.
    pub fn rows(&mut self, schema: &str) -> i64 {
        TABLES.iter().map(|table| self.one::<i64>(&format!("SELECT count(*) FROM {schema}.{table}"))).sum()
    }
}

/// Fourteen days of so many calls, of the shape that the other loaders were measured with: a call has up to two legs, a
/// leg up to one recording. They cost the vendor next to nothing once they have been asked for.
pub fn vendor(calls: u32) -> Simulator {
    let per_day = calls.div_ceil(14).to_string();
    let shape = ["--legs", "1.0", "--recorded", "0.68", "--in-progress", "0", "--keep-rendered"];
    Simulator::with(&[&["--anchor", ANCHOR, "--days", "14", "--calls-per-day", &per_day], &shape[..]].concat())
}

impl Size {
    pub fn vendor(&self) -> Simulator {
        vendor(self.calls)
    }
}
