//! `df_check` of a dialler: what can be read, whether an index finds it, and whose clock shows what.

use std::time::Instant;

use calls::error::Error;
use calls::vendor::vicidial::{Access, Drift, Job, LogRow, Table, Wall, Which};
use calls::vendor::Check;
use chrono::{TimeDelta, Utc};

use super::setup;
use super::Dialler;
use crate::error::Failure;
use crate::tenant::Tenant;

/// A clock further off than this makes "until now" mean something else over there.
const CLOCK_LIMIT: TimeDelta = TimeDelta::seconds(60);
/// Rows by which the zone is judged.
const SAMPLE: usize = 200;

pub fn check(tenant: &Tenant, access: &Access) -> Result<Vec<Check>, Failure> {
    let mut checks = Checks { dialler: Dialler::open(tenant, access)?, access, done: Vec::new() };
    if checks.tables() && checks.connection() {
        checks.limit();
        checks.reading();
        checks.columns();
        checks.indexes();
        checks.grants();
        checks.zone();
    }
    Ok(checks.done)
}

struct Checks<'a> {
    dialler: Dialler,
    access: &'a Access,
    done: Vec<Check>,
}

impl Checks<'_> {
    fn note(
        &mut self,
        since: Instant,
        step: impl Into<String>,
        status: &'static str,
        detail: String,
        hint: Option<&str>,
    ) {
        let (step, hint) = (step.into(), hint.map(str::to_owned));
        self.done.push(Check { step, status, detail, hint, duration: since.elapsed() });
    }

    fn fail(&mut self, since: Instant, step: &str, status: &'static str, error: &Error) {
        self.note(since, step, status, error.to_string(), error.hint());
    }

    fn text(&self, table: &str, columns: &[&str], condition: &str) -> Result<Vec<Vec<String>>, Error> {
        let build = |cells: super::Cells<'_>| {
            let text = |cell: &Option<&[u8]>| cell.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            cells.iter().map(|cell| text(cell).unwrap_or_default()).collect::<Vec<_>>()
        };
        self.dialler.read(table, columns, condition, build, &mut Vec::new())
    }

    fn tables(&mut self) -> bool {
        let since = Instant::now();
        let has = |table: Table| self.dialler.tables.contains_key(table.name());
        let (found, schema) = (self.dialler.tables.len(), self.access.schema.clone());
        let hint = "SELECT df_setup_vicidial(…) makes them; the server option \"schema\" says where they are";
        match Table::ALL.into_iter().any(has) {
            true => self.note(since, "foreign tables", "ok", format!("{found} in schema \"{schema}\""), None),
            false => self.note(
                since,
                "foreign tables",
                "failed",
                format!("no table of calls in schema \"{schema}\""),
                Some(hint),
            ),
        }
        found > 0
    }

    /// MariaDB answers, and its clock.
    fn connection(&mut self) -> bool {
        let since = Instant::now();
        if !self.dialler.tables.contains_key("system_variables") {
            let hint = "df_setup_vicidial makes it; without it neither clock nor limits can be seen";
            self.note(since, "connection", "skipped", "no foreign table system_variables".to_owned(), Some(hint));
            return true;
        }
        let answer = self.text("system_variables", &["session_value"], "WHERE variable_name = 'TIMESTAMP'");
        let seconds = match answer {
            Ok(rows) => rows.first().and_then(|row| row[0].parse::<f64>().ok()),
            Err(error) => {
                self.fail(since, "connection", "failed", &error);
                return false;
            }
        };
        self.note(since, "connection", "ok", "MariaDB answers".to_owned(), None);
        let off =
            seconds.map(|seconds| TimeDelta::milliseconds((seconds * 1000.0) as i64 - Utc::now().timestamp_millis()));
        match off {
            None => self.note(since, "clock", "skipped", "MariaDB does not show its clock".to_owned(), None),
            Some(off) if off.abs() > CLOCK_LIMIT => {
                let hint =
                    "set the clock of the dialler or of this server (NTP): windows end by the earlier of the two";
                self.note(since, "clock", "warning", format!("{} s apart", off.num_seconds().abs()), Some(hint));
            }
            Some(off) => self.note(since, "clock", "ok", format!("{} s apart", off.num_seconds().abs()), None),
        }
        true
    }

    fn limit(&mut self) {
        let since = Instant::now();
        let limit =
            self.dialler.variable("MAX_STATEMENT_TIME", &mut Vec::new()).and_then(|limit| limit.parse::<f64>().ok());
        match limit {
            Some(limit) if limit > 0.0 => {
                self.note(since, "statement limit", "ok", format!("{limit} s a statement"), None)
            }
            Some(_) => {
                let hint = "ALTER SERVER … OPTIONS (ADD init_command 'SET SESSION max_statement_time = 5') on the mysql_fdw server";
                self.note(since, "statement limit", "warning", "a statement may take any time".to_owned(), Some(hint));
            }
            None => self.note(since, "statement limit", "skipped", "MariaDB does not show it".to_owned(), None),
        }
    }

    /// One row of each table with all columns that a sync reads: grants, columns, a table that has crashed.
    fn reading(&mut self) {
        for (table, columns) in setup::columns() {
            let since = Instant::now();
            if !self.dialler.tables.contains_key(table) {
                let (status, what) = match table {
                    "vicidial_log" | "vicidial_closer_log" => ("warning", "its calls are not fetched"),
                    _ if table.ends_with("_archive") => ("warning", "calls that have been archived are not found"),
                    "recording_log" => ("warning", "calls are stored without recordings"),
                    _ => ("skipped", "names and flags stay unknown"),
                };
                let hint = "grant SELECT on it to the MariaDB user, then call df_setup_vicidial again";
                self.note(since, table, status, format!("no such foreign table: {what}"), Some(hint));
                continue;
            }
            match self.text(table, columns, "LIMIT 1") {
                Ok(rows) => {
                    let what = if rows.is_empty() { "readable, empty" } else { "readable" };
                    self.note(since, table, "ok", what.to_owned(), None);
                }
                Err(error) => self.fail(since, table, "failed", &error),
            }
        }
    }

    /// Columns that are read here and gone there, or there by now and not read here.
    fn columns(&mut self) {
        if !self.dialler.tables.contains_key("dialler_columns") {
            return;
        }
        let since = Instant::now();
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        for (table, columns) in setup::columns() {
            let Some(here) = self.dialler.tables.get(table) else { continue };
            let condition = format!(
                "WHERE table_schema = '{}' AND table_name = '{}'",
                literal(&here.database),
                literal(&here.name)
            );
            let there = match self.text("dialler_columns", &["column_name"], &condition) {
                Ok(rows) => rows.into_iter().map(|mut row| row.remove(0).to_lowercase()).collect::<Vec<_>>(),
                Err(error) => return self.fail(since, "columns", "warning", &error),
            };
            let is_there = |column: &str| there.iter().any(|name| name == column);
            gone.extend(
                here.columns.keys().filter(|column| !is_there(column)).map(|column| format!("{table}.{column}")),
            );
            let unread = columns.iter().filter(|column| !here.columns.contains_key(**column) && is_there(column));
            new.extend(unread.map(|column| format!("{table}.{column}")));
        }
        let hint = Some("call df_setup_vicidial again: it takes the columns that the dialler has");
        match (gone.is_empty(), new.is_empty()) {
            (true, true) => self.note(since, "columns", "ok", "as the dialler has them".to_owned(), None),
            (false, _) => {
                self.note(since, "columns", "failed", format!("the dialler has no more: {}", gone.join(", ")), hint)
            }
            (true, false) => self.note(since, "columns", "warning", format!("not read yet: {}", new.join(", ")), hint),
        }
    }

    fn indexes(&mut self) {
        if !self.dialler.tables.contains_key("dialler_indexes") {
            return;
        }
        let since = Instant::now();
        let mut missing = Vec::new();
        let calls = Table::ALL
            .into_iter()
            .flat_map(|table| [table.name(), table.archive()].map(|name| (name, [table.key(), "call_date"])));
        for (table, columns) in calls.chain([("recording_log", ["recording_id", "vicidial_id"])]) {
            let Some(here) = self.dialler.tables.get(table) else { continue };
            let condition = format!(
                "WHERE table_schema = '{}' AND table_name = '{}' AND seq_in_index = '1'",
                literal(&here.database),
                literal(&here.name)
            );
            let there = match self.text("dialler_indexes", &["column_name"], &condition) {
                Ok(rows) => rows,
                Err(error) => return self.fail(since, "indexes", "warning", &error),
            };
            let lacks = |column: &&&str| !there.iter().any(|row| row[0].eq_ignore_ascii_case(column));
            missing.extend(columns.iter().filter(lacks).map(|column| format!("{table}.{column}")));
        }
        let hint =
            "CREATE INDEX at the dialler: without it each statement reads the whole table, and locks it meanwhile";
        match missing.is_empty() {
            true => self.note(since, "indexes", "ok", "every statement finds its rows by one".to_owned(), None),
            false => self.note(since, "indexes", "warning", format!("none on {}", missing.join(", ")), Some(hint)),
        }
    }

    fn grants(&mut self) {
        if !self.dialler.tables.contains_key("dialler_grants") {
            return;
        }
        let since = Instant::now();
        let condition = "WHERE privilege_type <> 'SELECT' AND privilege_type <> 'USAGE' LIMIT 50";
        match self.text("dialler_grants", &["grantee", "privilege_type"], condition) {
            Err(error) => self.fail(since, "grants", "warning", &error),
            Ok(rows) if rows.is_empty() => {
                self.note(since, "grants", "ok", "the MariaDB user may only read".to_owned(), None)
            }
            Ok(rows) => {
                let hint = "a user with GRANT SELECT is enough";
                let rights: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
                self.note(
                    since,
                    "grants",
                    "warning",
                    format!("{} may also {}", rows[0][0], rights.join(", ")),
                    Some(hint),
                );
            }
        }
    }

    /// Whether the newest calls' clock on the wall is that of the tenant's zone.
    fn zone(&mut self) {
        let since = Instant::now();
        let zone = self.access.zone;
        // Wide enough for any zone that it may be instead.
        let now = Utc::now().naive_utc();
        let wall = Wall { from: now - TimeDelta::hours(40), to: now + TimeDelta::hours(16) };
        let mut drift = Drift::default();
        for table in Table::ALL {
            let job = Job::Rows { table, archive: false, which: Which::In(wall), limit: SAMPLE };
            let rows =
                self.dialler.read(table.name(), LogRow::COLUMNS, &job.condition(), LogRow::read, &mut Vec::new());
            for row in rows.unwrap_or_default() {
                drift.see(row.call_date.as_deref(), row.start_epoch.as_deref(), zone);
            }
        }
        match (drift.verdict(zone), drift.fits()) {
            (Some(what), _) => {
                let hint = "ALTER SERVER … OPTIONS (SET timezone '…') on the tenant";
                self.note(since, "time zone", "failed", what, Some(hint));
            }
            (None, 0) => self.note(since, "time zone", "skipped", "no call of today to judge it by".to_owned(), None),
            (None, rows) => self.note(since, "time zone", "ok", format!("{zone} fits the clock of {rows} calls"), None),
        }
    }
}

/// Names of the catalogue, in a statement that both databases read.
fn literal(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$')).collect()
}
