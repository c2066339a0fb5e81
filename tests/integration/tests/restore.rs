//! What comes back from a dump and from a base backup, and what the worker does meanwhile.

use integration::cluster::Cluster;
use integration::place::{recent, Place, PATIENCE};
use integration::rows::assert_truth_in;
use integration::simulator::Simulator;
use integration::until;
use postgres::{Client, NoTls};
use serde_json::json;

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
    assert_eq!(one::<i64>(&mut db, "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'"), 5);
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
