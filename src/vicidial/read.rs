//! Statements to the dialler, run as the one who asks: his user mapping counts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use calls::client::Attempt;
use calls::error::Error;
use calls::vendor::vicidial::{Access, Campaign, Job, Lists, LogRow, Outcome, Recording, Status, User};
use calls::vendor::Reply;
use chrono::{DateTime, Utc};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use pgrx::spi;

use super::tables::{tables, Table};
use crate::error::{quote, Failure};
use crate::pg::bytes::each;
use crate::pg::role::AsOwner;
use crate::pg::transaction::{attempt, message};
use crate::tenant::Tenant;

/// Of a statement in the log.
const LONGEST_LINE: usize = 500;

/// The dialler of one tenant.
pub struct Dialler {
    role: pg_sys::Oid,
    schema: String,
    pub tables: BTreeMap<String, Table>,
}

/// What one statement brought.
struct Answer<T> {
    rows: Vec<T>,
    bytes: u64,
}

impl Dialler {
    /// Reads the catalogue; the dialler is not asked yet.
    pub fn open(tenant: &Tenant, access: &Access) -> Result<Dialler, Failure> {
        let schema = access.schema.clone();
        Ok(Dialler { role: tenant.caller, tables: tables(&schema)?, schema })
    }

    pub fn run(&self, job: &Job) -> Reply<Outcome> {
        let mut attempts = Vec::new();
        let mut date = None;
        let outcome = match job {
            Job::Lists => {
                date = self.clock(&mut attempts);
                self.lists(&mut attempts).map(Outcome::Lists)
            }
            Job::Rows { .. } => self
                .read(job.table(), LogRow::COLUMNS, &job.condition(), LogRow::read, &mut attempts)
                .map(Outcome::Rows),
            Job::Present { table, .. } => {
                self.read(job.table(), LogRow::COLUMNS, &job.condition(), LogRow::read, &mut attempts).map(|rows| {
                    Outcome::Present(rows.iter().filter_map(|row| row.key(*table)).map(str::to_owned).collect())
                })
            }
            Job::Recordings { .. } => self
                .read(job.table(), Recording::COLUMNS, &job.condition(), Recording::read, &mut attempts)
                .map(Outcome::Recordings),
        };
        Reply { outcome, attempts, date }
    }

    /// What there is beside the calls. Only what cannot be read at all is an error: a grant for the calls is enough.
    fn lists(&self, attempts: &mut Vec<Attempt>) -> Result<Lists, Error> {
        let mut lists = Lists { tables: self.tables.keys().cloned().collect(), ..Lists::default() };
        lists.statuses = self.list("vicidial_statuses", Status::COLUMNS, Status::read, attempts);
        lists.statuses.extend(self.list("vicidial_campaign_statuses", Status::COLUMNS, Status::read, attempts));
        lists.campaigns = self.list("vicidial_campaigns", Campaign::COLUMNS, Campaign::read, attempts);
        lists.users = self.list("vicidial_users", User::COLUMNS, User::read, attempts);
        Ok(lists)
    }

    fn list<T>(&self, table: &str, columns: &[&str], build: fn(Cells<'_>) -> T, attempts: &mut Vec<Attempt>) -> Vec<T> {
        match self.tables.contains_key(table) {
            true => self.read(table, columns, "", build, attempts).unwrap_or_default(),
            false => Vec::new(),
        }
    }

    /// MariaDB's clock, where its variables can be read.
    fn clock(&self, attempts: &mut Vec<Attempt>) -> Option<DateTime<Utc>> {
        let seconds: f64 = self.variable("TIMESTAMP", attempts)?.parse().ok()?;
        DateTime::from_timestamp_micros((seconds * 1e6) as i64)
    }

    pub fn variable(&self, name: &str, attempts: &mut Vec<Attempt>) -> Option<String> {
        let table = "system_variables";
        self.tables.get(table)?;
        let condition = format!("WHERE variable_name = '{name}'");
        let columns = ["session_value"];
        let text = |cells: Cells<'_>| cells[0].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        self.read(table, &columns, &condition, text, attempts).ok()?.pop().flatten()
    }

    /// Rows of a foreign table. Whatever goes wrong over there is an error of this statement and of nothing else.
    pub fn read<T>(
        &self,
        table: &str,
        columns: &[&str],
        condition: &str,
        build: impl Fn(Cells<'_>) -> T,
        attempts: &mut Vec<Attempt>,
    ) -> Result<Vec<T>, Error> {
        let (since, at) = (Instant::now(), Utc::now());
        let answer = self.statement(table, columns, condition, build);
        let error = answer.as_ref().err().map(Error::to_string);
        let mut url = format!("{}.{table} {condition}", self.schema);
        url.truncate(url.floor_char_boundary(LONGEST_LINE));
        attempts.push(Attempt {
            at,
            method: "SELECT",
            url,
            status: error.is_none().then_some(200),
            attempt: 1,
            duration: since.elapsed(),
            bytes: answer.as_ref().map_or(0, |answer| answer.bytes),
            retry_after: None::<Duration>,
            error,
        });
        answer.map(|answer| answer.rows)
    }

    fn statement<T>(
        &self,
        table: &str,
        columns: &[&str],
        condition: &str,
        build: impl Fn(Cells<'_>) -> T,
    ) -> Result<Answer<T>, Error> {
        let Some(foreign) = self.tables.get(table) else {
            return Err(dialler(format!("schema \"{}\" has no foreign table {table}", self.schema)));
        };
        let list = foreign.select_list(columns).map_err(|why| dialler(format!("{table} cannot be read: {why}")))?;
        let sql = format!("SELECT {list} FROM {}.{table} {condition}", quote(&self.schema));
        let done = attempt(|| {
            let _role = AsOwner::of_view(self.role);
            rows(&sql, build)
        });
        match done {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(dialler(error.to_string())),
            // Nobody at the dialler has canceled it.
            Err(error) if is_cancel(&error) => error.rethrow(),
            Err(error) => Err(dialler(message(&error))),
        }
    }
}

/// The values of one row.
pub type Cells<'a> = &'a [Option<&'a [u8]>];

fn rows<T>(sql: &str, build: impl Fn(Cells<'_>) -> T) -> Result<Answer<T>, spi::Error> {
    let mut answer = Answer { rows: Vec::new(), bytes: 0 };
    each(sql, |cells| {
        answer.bytes += cells.iter().flatten().map(|cell| cell.len() as u64).sum::<u64>();
        answer.rows.push(build(cells));
    })?;
    Ok(answer)
}

fn is_cancel(error: &CaughtError) -> bool {
    match error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
            report.sql_error_code() == PgSqlErrorCode::ERRCODE_QUERY_CANCELED
        }
        CaughtError::RustPanic { .. } => true,
    }
}

/// MariaDB's words, as mysql_fdw hands them on, with what to do.
fn dialler(what: String) -> Error {
    let what = what.replace(": \n", ": ").replace('\n', " ");
    let says = |words: &[&str]| words.iter().any(|word| what.contains(word));
    let hint = match () {
        () if says(&["marked as crashed", "Incorrect key file", "should be repaired"]) => {
            "REPAIR TABLE at the dialler; what was not read is fetched by the next run"
        }
        () if says(&["max_statement_time", "execution was interrupted"]) => {
            "lower the server option \"page_size\", or raise max_statement_time in init_command of the mysql_fdw server"
        }
        () if says(&["Unknown column"]) => {
            "the dialler's columns have changed: call df_setup_vicidial again; SELECT * FROM df_check('…') names them"
        }
        () if says(&["command denied", "Access denied", "doesn't exist"]) => {
            "grant SELECT to the MariaDB user of the mapping; SELECT * FROM df_check('…') names what is missing"
        }
        () if says(&["gone away", "Lost connection", "Can't connect", "failed to connect", "shutdown"]) => {
            "see whether MariaDB runs and can be reached from here; the next run goes on where this one stopped"
        }
        () if says(&["user mapping not found"]) => {
            "CREATE USER MAPPING for this role on the mysql_fdw server, with the dialler's username and password"
        }
        () if says(&["out of range", "invalid input syntax", "invalid byte sequence", "of type text"]) => {
            "declare the columns as text, as df_setup_vicidial does"
        }
        () => "SELECT * FROM df_check('…') reads each table",
    };
    Error::Dialler { what, hint }
}
