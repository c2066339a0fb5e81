//! The worker with fifty tenants and nothing to do.

use crate::ground::{vendor, Ground};
use crate::measure::cpu;
use crate::report::Section;
use crate::Size;
use std::thread;
use std::time::{Duration, Instant};

const TENANTS: u32 = 50;
/// For every tenant's first run.
const PATIENCE: Duration = Duration::from_secs(300);

pub fn measure(ground: &Ground, size: &Size, section: &mut Section) {
    let vendor = vendor(1_400);
    let mut database = ground.fresh("bench");
    for tenant in 0..TENANTS {
        database.exec(&format!(
            "CREATE SERVER t{tenant} FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account '9c6d0163',
                timezone 'Europe/Nicosia', base_url '{}');
             CREATE USER MAPPING FOR CURRENT_USER SERVER t{tenant} OPTIONS (token 'tenant-secret-token');
             SELECT df_schedule('t{tenant}', '1 day')",
            vendor.base_url
        ));
    }
    let start = Instant::now();
    while !database.one::<bool>(
        "SELECT bool_and(last_finished IS NOT NULL OR next_run > now() + '5 minutes') FROM dialfire.schedules",
    ) {
        assert!(start.elapsed() < PATIENCE, "some jobs have not run after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(200));
    }
    database.exec("CHECKPOINT");
    thread::sleep(Duration::from_secs(1));
    let pids = "SELECT array_agg(pid) FROM pg_stat_activity WHERE backend_type LIKE 'dialfire_sync%' \
                AND (datname IS NULL OR datname = current_database())";
    let pids: Vec<i32> = database.one(pids);
    let spent = || pids.iter().map(|pid| cpu(*pid as u32)).sum::<f64>();
    let from: String = database.one("SELECT pg_current_wal_insert_lsn()::text");
    let (before, start) = (spent(), Instant::now());
    thread::sleep(Duration::from_secs(size.idle_seconds));
    let share = (spent() - before) / start.elapsed().as_secs_f64() * 100.0;
    let to: String = database.one("SELECT pg_current_wal_insert_lsn()::text");
    // What is not flushed cannot be read, nor can nothing at all.
    database.exec("SELECT pg_logical_emit_message(true, 'bench', '')");
    // What the server logs of itself now and then, running transactions and checkpoints, is nobody's.
    let sql = format!(
        "SELECT COALESCE(sum(record_length), 0)::bigint,
            COALESCE(string_agg(DISTINCT resource_manager || ' ' || record_type, ', '), 'none')
         FROM pg_get_wal_records_info('{from}', pg_current_wal_flush_lsn())
         WHERE end_lsn <= '{to}' AND resource_manager NOT IN ('Standby', 'XLOG')"
    );
    let row = database.db.query_one(&sql, &[]).expect("the WAL can be read");
    let (wal, kinds): (i64, String) = (row.get(0), row.get(1));
    let schedules: i64 = database.one("SELECT count(*) FROM dialfire.schedules");
    ground.drop("bench");
    section.verdict("7 idle worker, 50 tenants", "< 1 % of a core", format!("{share:.2} %"), share < 1.0);
    section.verdict("7 WAL of it", "0 bytes", wal, wal == 0);
    section.say(format!(
        "{TENANTS} tenants, {schedules} jobs, none due; launcher and scheduler ({} processes) for {} s. Records of WAL: {}.",
        pids.len(),
        size.idle_seconds,
        kinds
    ));
}
