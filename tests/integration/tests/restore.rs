//! What comes back from a dump and from a base backup, and what the worker does meanwhile.

use integration::cluster::Cluster;
use integration::place::{recent, Place, PATIENCE};
use integration::rows::assert_truth_in;
use integration::simulator::Simulator;
use integration::tenant::{create, TOKEN};
use integration::until;
use postgres::{Client, NoTls};
use serde_json::json;
use std::time::Duration;

use crate::growth::facts;

const ALL_TIME: [&str; 2] = ["1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z"];

fn one<T: postgres::types::FromSqlOwned>(db: &mut Client, sql: &str) -> T {
    db.query_one(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}")).get(0)
}

/// A tenant whose jobs have run on a server of its own.
fn at_work(simulator: &Simulator) -> Place {
    let mut place = Place::own("max_worker_processes = 20\n");
    place.tenant("acme", &simulator.base_url, "");
    place.exec("SELECT df_schedule('acme', '10 seconds')");
    let ended = "(SELECT bool_and(last_status = 'success') FROM dialfire.schedules)";
    place.until(PATIENCE, ended, "SELECT * FROM dialfire.schedules");
    place
}

#[test]
fn a_restore_in_one_transaction_is_not_disturbed_by_jobs_that_are_due() {
    let simulator = recent();
    let mut place = at_work(&simulator);
    place.exec("UPDATE dialfire.schedules SET next_run = now() - interval '1 minute'");
    let stored: i64 = place.one("SELECT count(*) FROM dialfire.calls", &[]);
    let dump = place.cluster.program("pg_dump", &[&place.database]);
    let fresh = Cluster::with("max_worker_processes = 20\n");
    fresh.connect("postgres").batch_execute("CREATE DATABASE restored").expect("a database");
    // Long enough for the worker to come by between the schedules and the calls.
    let calls = dump.find("COPY dialfire.transactions").expect("its calls");
    assert!(dump[..calls].contains("COPY dialfire.schedules"), "the worker cannot be too early any more");
    let slow = format!("BEGIN;\n{}SELECT pg_sleep(12);\n{}COMMIT;\n", &dump[..calls], &dump[calls..]);
    let errors = fresh.restore("restored", &slow);
    assert!(!errors.contains("ERROR"), "{errors}");
    let mut db = fresh.config("restored").connect(NoTls).expect("a connection");
    assert!(one::<i64>(&mut db, "SELECT count(*) FROM dialfire.calls") >= stored);
    db.batch_execute("SELECT df_refresh(); CALL df_enable_search()").expect("what is not in a dump");
    assert!(one::<i64>(&mut db, "SELECT attempts::bigint FROM dialfire.ingestion_kpis WHERE tenant = 'acme'") > 0);
    let search =
        "SELECT count(*) FROM pg_class WHERE NOT relispartition AND pg_get_indexdef(oid) LIKE '%gin_trgm_ops%'";
    assert_eq!(one::<i64>(&mut db, search), 5);
    until("the restored jobs have run", PATIENCE, || {
        one(
            &mut db,
            "SELECT bool_and(last_finished > now() - interval '1 minute') FROM dialfire.schedules WHERE job = 'sync'",
        )
    });
    assert_truth_in(&mut db, "acme", &simulator, ALL_TIME, &[]);
}

#[test]
fn a_base_backup_goes_on_by_itself_and_fetches_what_it_lacks() {
    let simulator = recent();
    let place = at_work(&simulator);
    let backup = Cluster::backup_of(&place.cluster);
    place.cluster.stop("fast");
    simulator.post("grow", json!({"calls": 7}));
    simulator.forget_requests();
    backup.up();
    let mut db = backup.connect(&place.database);
    until("the copy has fetched what is new", PATIENCE, || {
        simulator.truth("", ALL_TIME[0], ALL_TIME[1])["transactions"]
            == one::<i64>(&mut db, "SELECT count(*) FROM dialfire.transactions")
    });
    assert_truth_in(&mut db, "acme", &simulator, ALL_TIME, &[]);
    assert!(simulator.contacts_asked() <= 20, "it fetched again what it had: {}", simulator.contacts_asked());
    place.cluster.up();
}

#[test]
fn a_restore_in_jobs_of_its_own_is_not_disturbed_by_jobs_that_are_due() {
    let simulator = recent();
    let place = at_work(&simulator);
    let dump = place.cluster.file("dump");
    place.cluster.program("pg_dump", &["-Fc", "-f", &dump, &place.database]);
    let fresh = Cluster::with("max_worker_processes = 20\n");
    let mut admin = fresh.connect("postgres");
    for sql in ["CREATE DATABASE restored", "CREATE ROLE reader LOGIN"] {
        admin.batch_execute(sql).expect(sql);
    }
    // pg_restore itself may be done before the worker comes by.
    let named = |user: &str| {
        let mut config = fresh.config("restored");
        config.user(user).application_name("pg_restore").connect(NoTls).expect("a connection")
    };
    let longer = named("postgres");
    fresh.program("pg_restore", &["-j", "2", "--exit-on-error", "-d", "restored", &dump]);
    let mut db = fresh.connect("restored");
    db.batch_execute("UPDATE dialfire.schedules SET last_started = NULL, next_run = now()").expect("jobs that are due");
    let scheduler = "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'restored' AND backend_type = 'dialfire_sync scheduler'";
    until("the worker looks at the database", PATIENCE, || one(&mut db, scheduler));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(one::<i64>(&mut db, "SELECT count(*) FROM dialfire.schedules WHERE last_started IS NOT NULL"), 0);
    // The name is not enough: anybody could keep jobs from running.
    let _pretender = named("reader");
    drop(longer);
    until("the restored jobs have run", PATIENCE, || {
        let done = "SELECT last_finished > last_started FROM dialfire.schedules WHERE job = 'sync'";
        one::<Option<bool>>(&mut db, done) == Some(true)
    });
    assert_truth_in(&mut db, "acme", &simulator, ALL_TIME, &[]);
}

#[test]
fn pg_upgrade_brings_everything_and_no_job_runs_meanwhile() {
    let simulator = recent();
    let mut place = at_work(&simulator);
    let months = place.cluster.database();
    let mut parted = place.cluster.connect(&months);
    create(&mut parted, &simulator.base_url, "", &format!("token '{TOKEN}'"));
    let load = "SELECT * FROM df_partition(); SELECT * FROM df_sync('acme', 'last 5 days'); SELECT * FROM df_refresh()";
    parted.batch_execute(load).expect("calls by month");
    place.exec("UPDATE dialfire.schedules SET enabled = false; SELECT * FROM df_refresh()");
    let running = "SELECT * FROM dialfire.runs WHERE status = 'in_progress'";
    place.until(PATIENCE, &format!("NOT EXISTS ({running})"), running);
    let before = [facts(&mut place.db), facts(&mut parted)];
    drop(parted);
    place.cluster.stop("fast");
    let (cluster, log) = Cluster::upgrade_of(&place.cluster, "max_worker_processes = 20\n");
    assert!(!log.contains("\"dialfire_sync "), "a worker was there: {log}");
    cluster.up();
    let [mut db, mut parted] = [&place.database, &months].map(|name| cluster.connect(name));
    assert_eq!([facts(&mut db), facts(&mut parted)], before);
    db.batch_execute("UPDATE dialfire.schedules SET enabled = true, next_run = now()").expect("jobs that are due");
    let done = "SELECT bool_and(last_finished >= last_started AND next_run > now()) FROM dialfire.schedules WHERE job = 'sync'";
    until("the jobs go on", PATIENCE, || one(&mut db, done));
    // Months that are there, one that is not yet, and one that goes.
    assert!(one::<bool>(&mut parted, "SELECT dialfire.is_by_month()"));
    simulator.post("grow", json!({"calls": 5}));
    db.batch_execute("UPDATE dialfire.schedules SET enabled = false").expect("the jobs rest");
    for db in [&mut db, &mut parted] {
        let sync = "SELECT * FROM df_sync('acme', 'last 5 days')";
        until("no job is in the way of a sync", PATIENCE, || db.batch_execute(sync).is_ok());
        assert_truth_in(db, "acme", &simulator, ALL_TIME, &[]);
    }
    assert_eq!(one::<String>(&mut parted, "SELECT status FROM df_sync('acme', '2024-02')"), "success");
    parted.batch_execute("SELECT * FROM df_retain(1, drop => true, force => true)").expect("an old month goes");
    parted.batch_execute("DROP EXTENSION dialfire_sync CASCADE").expect("nothing holds it");
    let left = "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'dialfire%'";
    assert_eq!(one::<i64>(&mut parted, left), 0);
    place.cluster.up();
}
