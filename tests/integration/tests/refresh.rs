//! A refresh of the KPIs makes no reader wait, and gives up soon where somebody holds a lock.

use integration::tenant::Tenant;
use postgres::Client;
use std::time::{Duration, Instant};

/// A database with one row of the rollup, of which the matviews know nothing yet.
fn tenant() -> Tenant {
    let mut tenant = Tenant::at("http://127.0.0.1:1", "", "token 'abcdefgh'");
    tenant.exec(
        "SELECT dialfire.make_months('{2025-11-05}') WHERE dialfire.is_by_month();
         INSERT INTO dialfire.transactions (tenant, id, campaign_id, contact_id, fired, day, is_human)
         VALUES ('acme', 'T1', 'K1', 'C1', '2025-11-05 10:00+00', '2025-11-05', true);
         SELECT dialfire.keep_stats('acme', '{2025-11-05}')",
    );
    tenant
}

/// What `df_refresh` did with each matview, in order, and how long it took.
fn refresh(db: &mut Client, call: &str) -> (Vec<String>, Duration) {
    let start = Instant::now();
    let rows = db.query(&format!("SELECT way FROM {call}"), &[]).expect("df_refresh ends without an error");
    (rows.iter().map(|row| row.get(0)).collect(), start.elapsed())
}

/// It waited for the lock as long as it is set to, and no longer: somebody has the lock still. A busy machine adds to the time.
fn assert_gave_up(db: &mut Client, took: Duration) {
    let setting = "SELECT proconfig @> '{lock_timeout=2s}' FROM pg_proc WHERE proname = 'df_refresh'";
    assert!(db.query_one(setting, &[]).unwrap().get::<_, bool>(0));
    assert!(took >= Duration::from_secs(2), "{took:?}");
}

/// The attempts that a reader sees; one who has to wait fails.
fn attempts(db: &mut Client) -> Option<i64> {
    db.batch_execute("SET lock_timeout = '1s'").expect("a setting");
    let sql = "SELECT k.attempts FROM dialfire.ingestion_kpis k JOIN dialfire.ingestion_monthly m USING (tenant)";
    db.query_opt(sql, &[]).expect("the reader does not wait").map(|row| row.get(0))
}

#[test]
fn a_refresh_and_readers_do_not_wait_for_each_other() {
    let mut tenant = tenant();
    let (mut early, mut late) = (tenant.connect(), tenant.connect());
    early.batch_execute("BEGIN").unwrap();
    assert_eq!(attempts(&mut early), None);
    tenant.exec("BEGIN");
    // The early reader ends only below: a refresh that waited for him would have failed.
    assert_eq!(refresh(&mut tenant.db, "df_refresh(true)").0, ["concurrently", "concurrently"]);
    // It has not committed, so it holds all of its locks; who comes now sees what was.
    assert_eq!(attempts(&mut late), None);
    assert_eq!(attempts(&mut early), None);
    tenant.exec("COMMIT");
    assert_eq!(attempts(&mut late), Some(1));
    early.batch_execute("COMMIT").unwrap();
}

#[test]
fn a_refresh_gives_up_where_a_lock_is_held_and_the_next_one_does_it() {
    let mut tenant = tenant();
    let mut holder = tenant.connect();
    holder.batch_execute("BEGIN; REFRESH MATERIALIZED VIEW dialfire.mv_ingestion_kpis WITH NO DATA").unwrap();
    let (ways, took) = refresh(&mut tenant.db, "df_refresh(true)");
    assert_eq!(ways, ["concurrently", "failed"]);
    assert_gave_up(&mut tenant.db, took);
    let stale = "SELECT array_agg(view) FROM dialfire.matview_status WHERE stale";
    assert_eq!(tenant.one::<Vec<String>>(stale, &[]), ["mv_ingestion_kpis"]);
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(refresh(&mut tenant.db, "df_refresh()").0, ["skipped", "concurrently"]);
    assert_eq!(attempts(&mut tenant.db), Some(1));
}

#[test]
fn totals_are_not_made_of_months_that_could_not_be_refreshed() {
    let mut tenant = tenant();
    let mut holder = tenant.connect();
    holder.batch_execute("BEGIN; REFRESH MATERIALIZED VIEW dialfire.mv_ingestion_monthly WITH NO DATA").unwrap();
    let (ways, took) = refresh(&mut tenant.db, "df_refresh()");
    assert_eq!(ways, ["failed", "failed"]);
    assert_gave_up(&mut tenant.db, took);
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(refresh(&mut tenant.db, "df_refresh()").0, ["concurrently", "concurrently"]);
    assert_eq!(attempts(&mut tenant.db), Some(1));
}

#[test]
fn without_a_unique_index_a_refresh_gives_way_to_a_reader() {
    let mut tenant = tenant();
    tenant.exec("DROP INDEX dialfire.mv_ingestion_kpis_key");
    let mut reader = tenant.connect();
    reader.batch_execute("BEGIN").unwrap();
    attempts(&mut reader);
    let (ways, took) = refresh(&mut tenant.db, "df_refresh(true)");
    assert_eq!(ways, ["concurrently", "failed"]);
    assert_gave_up(&mut tenant.db, took);
    reader.batch_execute("COMMIT").unwrap();
    assert_eq!(refresh(&mut tenant.db, "df_refresh()").0, ["skipped", "plain"]);
}
