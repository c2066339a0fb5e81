//! The tables of the vendor's own client, taken over: nothing is lost, nothing is made up, and a sync makes it the truth.

use integration::rows::assert_truth;
use integration::simulator::{Simulator, ALL};
use integration::tenant::Tenant;
use integration::until;
use std::collections::BTreeSet;
use std::time::Duration;

const CLIENT: &str = include_str!("../../../scripts/dbsync.sql");
const TABLES: [&str; 5] = ["contacts", "transactions", "connections", "recordings", "inbound_calls"];

/// A tenant in whose schema `old` the vendor's client wrote, with all its ways of losing calls.
fn left_behind(simulator: &Simulator) -> Tenant {
    let mut tenant = Tenant::of(simulator);
    tenant.exec(&format!("SET dbsync.range = '{ALL}'; CREATE SCHEMA old; SET search_path = old, public"));
    tenant.exec(CLIENT);
    tenant.exec("RESET search_path");
    tenant
}

/// What `df_adopt` says of a table: read, inserted, updated, unchanged, rejected, duplicates.
fn adopt(tenant: &mut Tenant) -> Vec<(String, [i64; 6])> {
    let rows = tenant.db.query("SELECT * FROM df_adopt('old')", &[]).expect("an adoption");
    rows.iter().map(|row| (row.get(0), std::array::from_fn(|at| row.get(at + 1)))).collect()
}

fn ids(tenant: &mut Tenant, sql: &str) -> BTreeSet<String> {
    tenant.db.query(sql, &[]).expect("ids").iter().map(|row| row.get(0)).collect()
}

fn true_calls(simulator: &Simulator) -> BTreeSet<String> {
    let truth = simulator.truth("transactions", "1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z");
    truth.as_array().expect("calls").iter().map(|call| call["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn every_row_is_stored_or_told_and_a_sync_makes_it_the_vendors_truth() {
    let simulator = Simulator::start();
    let mut tenant = left_behind(&simulator);
    let whole = |tenant: &mut Tenant| {
        TABLES.map(|table| {
            tenant
                .one::<String>(&format!("SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM old.{table} t"), &[])
        })
    };
    let before = whole(&mut tenant);
    for (table, [read, inserted, updated, unchanged, rejected, duplicates]) in adopt(&mut tenant) {
        assert_eq!(tenant.one::<i64>(&format!("SELECT count(*) FROM old.{table}"), &[]), read);
        assert_eq!((inserted + rejected + duplicates, updated, unchanged), (read, 0, 0), "{table}");
        assert_eq!(tenant.count(&table), inserted);
    }
    assert_eq!((tenant.count("coverage"), tenant.count("runs WHERE kind = 'adopt' AND status = 'partial'")), (0, 1));
    let kept = "SELECT count(*) FROM dialfire.transactions t JOIN old.transactions USING (id)";
    assert_eq!(tenant.one::<i64>(kept, &[]), tenant.count("transactions"), "an id was not kept");
    let kept =
        "SELECT count(*) FROM dialfire.recordings WHERE id = md5(connection_id || to_char(started AT TIME ZONE 'UTC',
        'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))";
    assert_eq!(
        tenant.one::<i64>(kept, &[]),
        tenant.count("recordings"),
        "a recording has another id than a sync gives"
    );
    let lost = "recordings r WHERE location IS NULL AND EXISTS (SELECT FROM old.recordings o
        WHERE o.connection_id = r.connection_id AND o.started::timestamptz = r.started AND o.location IS NOT NULL)";
    assert_eq!(tenant.count(lost), 0, "a stale copy won");
    assert_eq!(tenant.one::<i64>("SELECT df_rebuild_stats('acme', '2025-10..2025-11')", &[]), 0, "the rollup is wrong");

    for (table, [read, inserted, updated, unchanged, rejected, duplicates]) in adopt(&mut tenant) {
        assert_eq!((inserted, updated, unchanged + rejected + duplicates), (0, 0, read), "{table}");
    }
    assert_eq!(whole(&mut tenant), before, "the old tables were written");

    tenant.sync(ALL).expect("success");
    assert_truth(&mut tenant, &simulator);
    for table in TABLES {
        assert_eq!(tenant.count(&format!("{table} WHERE adopted_at IS NOT NULL")), 0, "{table}");
    }
    assert_eq!(tenant.count("rejects_open"), 0);
    // What the vendor has said stays, whatever the old tables say.
    tenant.exec("UPDATE old.transactions SET status = 'stale', \"user_loginName\" = 'Nobody'; UPDATE old.contacts SET firma = 'stale'");
    adopt(&mut tenant);
    assert_truth(&mut tenant, &simulator);
}

#[test]
fn what_is_missing_is_named_call_by_call() {
    let simulator = Simulator::start();
    let mut tenant = left_behind(&simulator);
    let known = ids(&mut tenant, "SELECT id FROM old.transactions");
    let missing: BTreeSet<String> = true_calls(&simulator).difference(&known).cloned().collect();
    assert!(missing.len() > 5, "{missing:?}");
    let from_vendor = format!(
        "SELECT call_id FROM df_compare('old', 'acme', '{ALL}', ask_vendor => true) WHERE (side, what) = ('vendor', 'call')"
    );
    assert_eq!(ids(&mut tenant, &from_vendor), missing);
    assert_eq!((tenant.count("transactions"), tenant.count("runs")), (0, 0), "it wrote");
    tenant.sync(ALL).expect("success");
    let from_stored = "SELECT call_id FROM df_compare('old') WHERE (side, what) = ('dialfire', 'call')";
    assert_eq!(ids(&mut tenant, from_stored), missing);
    let legs = "SELECT substring(detail FROM 'leg ([0-9a-f-]+) ') FROM df_compare('old') WHERE (side, what) = ('dialfire', 'leg')";
    let expected = "SELECT c.id FROM dialfire.connections c JOIN old.transactions t ON t.id = c.transaction_id
        WHERE c.id NOT IN (SELECT id FROM old.connections)";
    let expected = ids(&mut tenant, expected);
    assert!(!expected.is_empty(), "no live call was skipped");
    assert_eq!(ids(&mut tenant, legs), expected);
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM df_compare('old') WHERE side = 'schema'", &[]), 0);
}

/// Calls of many days, without legs.
fn many(tenant: &mut Tenant, schema: &str, rows: i64) {
    tenant.exec(&format!(
        "CREATE SCHEMA {schema};
         CREATE TABLE {schema}.transactions AS
         SELECT md5('C' || f) AS id, 'C'::text AS contact_id, f AS fired, 'open'::text AS status, repeat('x', 100) AS task
         FROM generate_series(1, {rows}) g, to_char(timestamp '2025-01-01' + g * interval '1 minute',
              'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS f;
         ALTER TABLE {schema}.transactions ADD PRIMARY KEY (id)"
    ));
}

#[test]
fn interrupted_it_goes_on_where_it_was() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    many(&mut tenant, "old", 20_000);
    let mut db = tenant.connect();
    let pid: i32 = db.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let running = std::thread::spawn(move || db.batch_execute("CALL df_adopt_steps('old', step => 500)").is_err());
    let some = "transactions HAVING count(*) >= 2000";
    until("some steps are committed", Duration::from_secs(60), || {
        tenant.db.query(&format!("SELECT count(*) FROM dialfire.{some}"), &[]).unwrap().len() == 1
    });
    tenant.exec(&format!("SELECT pg_terminate_backend({pid})"));
    assert!(running.join().unwrap(), "it was done before the end");
    let stored = tenant.count("transactions");
    assert!((2_000..20_000).contains(&stored) && stored % 500 == 0, "{stored}");
    let rollup = "SELECT sum(attempts)::bigint FROM dialfire.daily_stats";
    assert_eq!(tenant.one::<i64>(rollup, &[]), stored, "the rollup does not keep up with the steps");
    tenant.exec("CALL df_adopt_steps('old', step => 500)");
    let runs =
        "SELECT string_agg(status || ' ' || inserted || ' ' || unchanged, ', ' ORDER BY run_id) FROM dialfire.runs";
    let expected = format!("crashed {stored} 0, success {} 0", 20_000 - stored);
    assert_eq!(tenant.one::<String>(runs, &[]), expected);
    assert_eq!((tenant.count("transactions"), tenant.one::<i64>(rollup, &[])), (20_000, 20_000));
}

#[test]
fn memory_does_not_grow_with_the_number_of_rows() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let mut peak = |schema: &str, rows: i64| {
        many(&mut tenant, schema, rows);
        let mut db = tenant.connect();
        let pid: i32 = db.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
        let sql = format!("SELECT * FROM df_adopt('{schema}')");
        let running = std::thread::spawn(move || db.batch_execute(&sql).expect("an adoption"));
        let mut peak = 0;
        while !running.is_finished() {
            peak = peak.max(own_memory(pid));
            std::thread::sleep(Duration::from_millis(10));
        }
        running.join().unwrap();
        peak
    };
    let few = peak("few", 10_000);
    let many = peak("many", 100_000);
    assert!(few > 0 && many < few + 16 * 1024, "{few} KiB became {many} KiB");
}

/// Memory that a process shares with nobody, KiB; 0 when it is gone.
fn own_memory(pid: i32) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
}

#[test]
fn the_story_begins_with_a_wrong_kpi_and_ends_with_the_vendors() {
    let simulator = Simulator::with(&["--days", "21", "--calls-per-day", "60"]);
    let mut tenant = Tenant::of(&simulator);
    tenant.exec("DROP EXTENSION dialfire_sync CASCADE");
    let before = include_str!("../../../scripts/story_before.sql").replace("\\ir dbsync.sql", CLIENT);
    run(&tenant, &simulator, &before);
    let kpi = "SELECT COALESCE(sum(calls), 0)::bigint, COALESCE(sum(answered), 0)::bigint, max(reach)::float8, min(reach)::float8
        FROM calls_per_day WHERE day BETWEEN (current_date - 3)::text AND (current_date + 1)::text";
    // Both on the same days, in the two hours too when it is tomorrow there already.
    tenant.exec("SET timezone = 'Europe/Nicosia'");
    let wrong = tenant.db.query_one(kpi, &[]).unwrap();
    run(&tenant, &simulator, include_str!("../../../scripts/story.sql"));
    let right = tenant.db.query_one(kpi, &[]).unwrap();
    let truth = |what: &str| simulator.truth(what, "1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z");
    let since = "SELECT count(DISTINCT c ->> $2)::bigint FROM jsonb_array_elements($1) c JOIN dialfire.transactions t
        ON t.id = c ->> $2 AND t.day >= current_date - 3 WHERE $3 = '' OR c ->> 'result' = $3";
    let calls: i64 = tenant.one(since, &[&truth("transactions"), &"id", &""]);
    let answered: i64 = tenant.one(since, &[&truth("connections"), &"transaction_id", &"connect"]);
    assert_eq!((right.get::<_, i64>(0), right.get::<_, i64>(1)), (calls, answered));
    assert!(wrong.get::<_, i64>(0) * 2 < calls && wrong.get::<_, i64>(1) < answered, "{wrong:?}, {calls}, {answered}");
    assert_eq!((wrong.get::<_, f64>(2), wrong.get::<_, f64>(3)), (1.0, 1.0));
    // A day that has just begun may have a few calls, all of them answered.
    assert!(right.get::<_, f64>(3) < 0.95, "every day is as good as before");
    let all: BTreeSet<String> = ids(&mut tenant, "SELECT id FROM dialfire.transactions");
    assert_eq!(all, true_calls(&simulator));
}

fn run(tenant: &Tenant, simulator: &Simulator, script: &str) {
    let script = format!("\\set ON_ERROR_STOP on\n\\set base_url '{}'\n{script}", simulator.base_url);
    let errors = tenant.cluster.restore(&tenant.database, &script);
    assert!(!errors.contains("ERROR"), "{errors}");
}
