//! Asking again: for what has not changed, and for what has changed a little.

use crate::ground::{Database, Ground, TABLES};
use crate::measure::{self, cost, of, Cost};
use crate::report::Section;
use crate::series::Series;
use crate::Size;
use integration::simulator::ALL;
use integration::tenant::Run;
use serde_json::json;

/// What a sync did to the tables of calls and their indexes.
#[derive(Default)]
pub struct Touched {
    pub written: Series,
    pub locked: Series,
    pub wal: Series,
    dead: Series,
}

pub fn measure(ground: &Ground, size: &Size, section: &mut Section) {
    let vendor = size.vendor();
    let mut database = ground.fresh("bench");
    database.tenant(&vendor, "");
    database.sync(ALL);
    let (mut first, mut again, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    let (mut untouched, mut touched) = (Touched::default(), Touched::default());
    let (mut per_thousand, mut updated, mut stored) = (Series::default(), Series::default(), 0);
    for round in 0..size.runs {
        database = ground.fresh("bench");
        database.tenant(&vendor, "");
        measure::quiet(&database, &vendor, size.patience);
        let (_, load) = cost(&mut database, &vendor, |database| database.sync(ALL));
        stored = database.rows("dialfire");
        let (run, nothing) = untouched.watch(&mut database, |database| cost(database, &vendor, |db| db.sync(ALL)));
        assert_eq!((run.inserted, run.updated), (0, 0), "an unchanged sync: {run:?}");
        per_thousand.push(nothing.requests / run.fetched as f64 * 1000.0);
        vendor.post("change", json!({"share": 0.01, "seed": round}));
        let (run, little) = touched.watch(&mut database, |database| cost(database, &vendor, |db| db.sync(ALL)));
        updated.push(run.updated as f64);
        eprintln!("    round {}: {:.2} s, {:.2} s, {:.2} s", round + 1, load.seconds, nothing.seconds, little.seconds);
        first.push(load);
        again.push(nothing);
        changed.push(little);
    }
    ground.drop("bench");

    let seconds = |costs: &[Cost]| of(costs, |c| c.seconds);
    let (load, nothing, little) = (seconds(&first), seconds(&again), seconds(&changed));
    let faster = load.over(&nothing);
    section.verdict(
        "2 unchanged re-sync",
        "≥ 10 × faster than the first load",
        format!("{faster:.1} ×"),
        faster.median() >= 10.0,
    );
    let mut none =
        |what: &str, series: &Series| section.verdict(what, "0", format!("{series:.0}"), series.max() == 0.0);
    none("2 rows that it writes", &untouched.written);
    none("2 rows that it locks", &untouched.locked);
    none("2 WAL of the tables of calls, bytes", &untouched.wal);
    section.verdict("2 its requests", "≤ 1 a 1,000 events", format!("{per_thousand:.2}"), per_thousand.median() <= 1.0);
    let extra: Series =
        little.iter().zip(nothing.iter()).zip(load.iter()).map(|((c, n), l)| (c - n) / l * 100.0).collect();
    section.verdict(
        "2 1 % of the calls changed",
        "≤ 5 % of the first load more than unchanged",
        format!("{extra:.1} %"),
        extra.median() <= 5.0,
    );
    section.say(format!(
        "{stored} rows; {} rounds of three syncs each; {updated:.0} calls updated in the third.",
        size.runs
    ));
    let row = |name: &str, costs: &[Cost], touched: Option<&Touched>| {
        let count =
            |of: fn(&Touched) -> &Series| touched.map_or("–".to_owned(), |touched| format!("{:.0}", of(touched)));
        vec![
            name.to_owned(),
            format!("{:.2}", seconds(costs)),
            format!("{:.2}", of(costs, |c| c.backend)),
            format!("{:.0}", of(costs, |c| c.requests)),
            format!("{:.1}", of(costs, |c| c.bytes / 1e6)),
            format!("{:.0}", of(costs, |c| c.wal / 1e3)),
            count(|t| &t.wal),
            count(|t| &t.written),
            count(|t| &t.locked),
            count(|t| &t.dead),
            format!("{:.0}", of(costs, |c| c.foreign * 100.0).median()),
        ]
    };
    let head = [
        "sync",
        "s",
        "CPU s",
        "requests",
        "received MB",
        "WAL kB",
        "WAL of calls, bytes",
        "rows written",
        "rows locked",
        "dead rows",
        "foreign CPU %",
    ];
    section.table(
        &head,
        vec![
            row("first load", &first, None),
            row("unchanged", &again, Some(&untouched)),
            row("1 % changed", &changed, Some(&touched)),
        ],
    );
    section.say(
        "Rows written, locked and dead are those of the tables of calls, from `pg_stat_user_tables` and, for locks and WAL, from the \
         WAL itself (`pg_walinspect`); the rest of the WAL is the ledger's row of the run and its coverage.",
    );
}

impl Touched {
    pub fn watch(&mut self, database: &mut Database, work: impl FnOnce(&mut Database) -> (Run, Cost)) -> (Run, Cost) {
        let (written, dead) = counters(database);
        let from: String = database.one("SELECT pg_current_wal_insert_lsn()::text");
        let done = work(database);
        let (now_written, now_dead) = counters(database);
        self.written.push((now_written - written) as f64);
        self.dead.push((now_dead - dead) as f64);
        // A record may still be in the buffers of the WAL, where it cannot be read.
        database.exec("SELECT pg_logical_emit_message(true, 'bench', '')");
        let sql = format!(
            "WITH files AS (
                SELECT format('%%/%s/%s %%', d.oid, pg_relation_filenode(r.oid)) AS pattern
                FROM pg_class t JOIN pg_database d ON d.datname = current_database()
                CROSS JOIN LATERAL (SELECT t.oid UNION SELECT t.reltoastrelid UNION
                    SELECT indexrelid FROM pg_index WHERE indrelid IN (t.oid, t.reltoastrelid)) r(oid)
                WHERE t.relnamespace = 'dialfire'::regnamespace AND t.relname IN ('{}') AND r.oid <> 0)
             SELECT count(*) FILTER (WHERE record_type LIKE 'LOCK%'), COALESCE(sum(record_length), 0)::bigint
             FROM pg_get_wal_records_info('{from}', pg_current_wal_flush_lsn())
             WHERE resource_manager NOT IN ('XLOG', 'Standby')
               AND EXISTS (SELECT FROM files WHERE replace(block_ref, ' fork', '  fork') LIKE pattern)",
            TABLES.join("', '")
        );
        let row = database.db.query_one(&sql, &[]).expect("the WAL can be read");
        self.locked.push(row.get::<_, i64>(0) as f64);
        self.wal.push(row.get::<_, i64>(1) as f64);
        done
    }
}

/// Rows that have been written, and dead ones, in the tables of calls.
fn counters(database: &mut Database) -> (i64, i64) {
    database.exec("SELECT pg_stat_force_next_flush()");
    let sql = format!(
        "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint, sum(n_dead_tup)::bigint FROM pg_stat_user_tables
         WHERE schemaname = 'dialfire' AND relname IN ('{}')",
        TABLES.join("', '")
    );
    let row = database.db.query_one(&sql, &[]).expect("counters");
    (row.get(0), row.get(1))
}
