//! The cost of a row where little is stored and where much is.

use crate::ground::{Database, Ground, Rows, TABLES};
use crate::measure::{self, cost, of, Cost};
use crate::report::Section;
use crate::series::Series;
use crate::Size;
use integration::simulator::Simulator;

/// What is stored before the first measured sync, of 14 days of calls.
const BASE: &str = "[2025-11-01 12:00+00,2025-11-06 12:00+00)";
const MEASURED_DAYS: usize = 9;
/// Columns that name another row, and so differ between the copies.
const IDS: [&str; 5] = ["id", "contact_id", "transaction_id", "connection_id", "parent_connection_id"];

pub fn measure(ground: &Ground, size: &Size, section: &mut Section) {
    let rounds = size.runs.min(MEASURED_DAYS);
    let vendor = size.vendor();
    let mut databases = [
        prepare(ground, &vendor, "bench_small", 0),
        prepare(ground, &vendor, "bench", if size.large { size.large_rows } else { 1 }),
    ];
    let stored: Vec<i64> = databases.iter_mut().map(|database| database.rows("dialfire")).collect();
    let sizes: Vec<i64> =
        databases.iter_mut().map(|d| d.one("SELECT pg_database_size(current_database()) / 1000000")).collect();
    let mut loads: [Vec<(Cost, f64)>; 2] = Default::default();
    let mut again: [Vec<Cost>; 2] = Default::default();
    let mut same: [Vec<Rows>; 2] = Default::default();
    let mut copies: [Vec<(Cost, f64)>; 2] = Default::default();
    for round in 0..rounds {
        let (from, to) = (6 + round * MEASURED_DAYS / rounds, 6 + (round + 1) * MEASURED_DAYS / rounds);
        let range = format!("[2025-11-{from:02} 12:00+00,2025-11-{to:02} 12:00+00)");
        for (at, database) in databases.iter_mut().enumerate() {
            measure::quiet(database, &vendor, size.patience);
            let began: String = database.one("SELECT now()::text");
            let before = database.rows_written();
            let (_, first) = cost(database, &vendor, |database| database.sync(&range));
            let rows = database.rows_written() - before;
            let (_, unchanged) = cost(database, &vendor, |database| database.sync(&range));
            eprintln!(
                "    {} rows stored: {rows} rows in {:.2} s, again {:.2} s",
                stored[at], first.seconds, unchanged.seconds
            );
            loads[at].push((first, rows as f64));
            again[at].push(unchanged);
            same[at].push(TABLES.map(|table| {
                let (_, values) = under_other_keys(database, table, 500 + round as i64);
                let rows = format!("SELECT {values} FROM dialfire.{table} WHERE stored_at >= '{began}'");
                (table, database.copy_out(&rows))
            }));
        }
    }
    // Not between the syncs, as they would find more stored then.
    for same in same[0].iter().zip(&same[1]).map(|(small, large)| [small, large]) {
        for (at, database) in databases.iter_mut().enumerate() {
            measure::quiet(database, &vendor, size.patience);
            let (rows, copy) = cost(database, &vendor, |database| database.copy_in("dialfire", same[at]));
            eprintln!("    {} rows stored: COPY of {rows} rows in {:.2} s", stored[at], copy.seconds);
            copies[at].push((copy, rows as f64));
        }
    }
    drop(databases);
    ["bench_small", "bench"].into_iter().for_each(|name| ground.drop(name));

    let each = |of: &[(Cost, f64)]| -> Series { of.iter().map(|(cost, rows)| cost.seconds / rows * 1e6).collect() };
    let ratio = each(&loads[1]).over(&each(&loads[0]));
    let goal = format!("5 a row at {} stored rows", thousands(stored[1]));
    section.verdict(
        &goal,
        &format!("≤ 1.15 × that at {}", thousands(stored[0])),
        format!("{ratio:.2} ×"),
        ratio.median() <= 1.15,
    );
    let seconds = |at: usize| of(&again[at], |c| c.seconds);
    let ratio = seconds(1).over(&seconds(0));
    section.verdict("5 unchanged re-sync there", "≤ 1.15 ×", format!("{ratio:.2} ×"), ratio.median() <= 1.15);
    let row = |at: usize| {
        let costs: Vec<Cost> = loads[at].iter().map(|(cost, _)| cost.clone()).collect();
        let rows: Series = loads[at].iter().map(|(_, rows)| *rows).collect();
        vec![
            thousands(stored[at]),
            sizes[at].to_string(),
            format!("{:.0}", rows.median()),
            format!("{:.2}", of(&costs, |c| c.seconds)),
            format!("{:.1}", each(&loads[at])),
            format!("{:.2}", of(&costs, |c| c.backend)),
            format!("{:.0}", of(&costs, |c| c.wal / 1e6)),
            format!("{:.2}", seconds(at)),
            format!("{:.1}", each(&copies[at])),
            format!("{:.0}", copies[at].iter().map(|(cost, _)| cost.wal / 1e6).collect::<Series>()),
        ]
    };
    let head = [
        "rows stored",
        "database MB",
        "rows of a sync",
        "s",
        "µs a row",
        "CPU s",
        "WAL MB",
        "again, unchanged s",
        "COPY: µs a row",
        "WAL MB",
    ];
    section.table(&head, vec![row(0), row(1)]);
    section.say(format!(
        "COPY of the finished rows under other keys into the same tables, after a checkpoint too: a row there costs {:.2} × what it \
         costs here.",
        each(&copies[1]).over(&each(&copies[0]))
    ));
    section.say(
        "Both databases hold the same days of a tenant; the larger one also holds copies of its calls under other keys, put in by \
         SQL with all indexes in place. Each sync follows a checkpoint, so that the first change of a page writes the whole page \
         to the WAL.",
    );
}

/// A database with the first days of the tenant and copies of them, one at least, up to so many rows; none for 0.
fn prepare(ground: &Ground, vendor: &Simulator, name: &str, rows: i64) -> Database {
    let mut database = ground.fresh(name);
    database.tenant(vendor, "");
    database.sync(BASE);
    let base = database.rows("dialfire");
    for table in TABLES {
        database.exec(&format!("CREATE TEMP TABLE base_{table} AS SELECT * FROM dialfire.{table}"));
    }
    for copy in 1..=(rows / base.max(1) - 1).max(rows.min(1)) {
        let inserts: Vec<String> = TABLES.iter().map(|table| insert(&mut database, table, copy)).collect();
        database.exec(&inserts.join(";"));
        if copy % 10 == 0 {
            // So that the WAL does not take more of the disk than the rows.
            database.exec("CHECKPOINT");
            eprintln!("    {} rows put in", base * copy);
        }
    }
    database
        .exec("VACUUM (ANALYZE) dialfire.transactions, dialfire.connections, dialfire.recordings, dialfire.contacts");
    database
}

fn insert(database: &mut Database, table: &str, copy: i64) -> String {
    let (names, values) = under_other_keys(database, table, copy);
    format!("INSERT INTO dialfire.{table} ({names}) SELECT {values} FROM pg_temp.base_{table}")
}

/// The columns of a table, and what a copy of a row has in them.
fn under_other_keys(database: &mut Database, table: &str, copy: i64) -> (String, String) {
    let sql = format!(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum), string_agg(CASE
            WHEN attname IN ('{}') THEN format('md5(%I || ''{copy}'')', attname)
            WHEN attname = 'day' THEN format('%I - {copy} * 14', attname)
            WHEN attname = 'fired' THEN format('%I - {copy} * interval ''14 days''', attname)
            ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
         FROM pg_attribute WHERE attrelid = 'dialfire.{table}'::regclass AND attnum > 0 AND NOT attisdropped",
        IDS.join("', '")
    );
    let row = database.db.query_one(&sql, &[]).expect("columns");
    (row.get(0), row.get(1))
}

fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join(",")
}

impl Database {
    /// Rows that were ever inserted into the tables of calls or updated there.
    fn rows_written(&mut self) -> i64 {
        self.exec("SELECT pg_stat_force_next_flush()");
        self.one(&format!(
            "SELECT sum(n_tup_ins + n_tup_upd)::bigint FROM pg_stat_user_tables
             WHERE schemaname = 'dialfire' AND relname IN ('{}')",
            TABLES.join("', '")
        ))
    }
}
