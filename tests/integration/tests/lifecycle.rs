//! What is done to a database, an extension, a server or a standby does not wait for a vendor, and leaves nothing behind.

use integration::cluster::Cluster;
use integration::hanging::Hanging;
use integration::place::{recent, Place, PATIENCE};
use integration::until;
use std::time::{Duration, Instant};

/// What statements take that wait for nobody; the best of three, as the machine may be busy.
const LIMIT: Duration = Duration::from_secs(1);

/// A database in which a job is in the middle of a request.
fn hanging(vendor: &Hanging) -> Place {
    let before = vendor.accepted();
    let mut place = Place::shared();
    place.tenant("acme", &vendor.url("http"), "");
    place.schedule("acme", "10 seconds");
    place.process("job");
    until("the vendor was asked", PATIENCE, || vendor.accepted() > before);
    place
}

fn best(what: &str, mut measure: impl FnMut() -> Duration) {
    let all: Vec<Duration> = (0..3).map(|_| measure()).collect();
    println!("{what}: {all:.0?}");
    let best = all.into_iter().min().expect("three");
    assert!(best < LIMIT, "{what}: {best:?}");
}

/// Time that a statement takes from outside of the database, where nobody but the worker is connected.
fn from_outside(place: &mut Place, sql: &str) -> Duration {
    place.leave();
    place.exec("CHECKPOINT");
    let sql = sql.replace("{}", &place.database);
    let start = Instant::now();
    place.exec(&sql);
    start.elapsed()
}

#[test]
fn drop_database_does_not_wait_for_a_hanging_job() {
    let vendor = Hanging::silent();
    best("DROP DATABASE", || {
        let mut place = hanging(&vendor);
        let took = from_outside(&mut place, "DROP DATABASE {}");
        let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1";
        assert_eq!(place.one::<i64>(left, &[&place.database.clone()]), 0);
        took
    });
}

#[test]
fn create_database_template_does_not_wait_and_the_copy_syncs_too() {
    let vendor = Hanging::silent();
    best("CREATE DATABASE … TEMPLATE", || {
        let mut place = hanging(&vendor);
        let took = from_outside(&mut place, "CREATE DATABASE {}_copy TEMPLATE {}");
        let mut copy = place.cluster.connect(&format!("{}_copy", place.database));
        until("the copy has a scheduler of its own", PATIENCE, || {
            copy.query_one("SELECT dialfire.scheduler_pid()", &[]).expect("a row").get::<_, Option<i32>>(0).is_some()
        });
        drop(copy);
        place.exec(&format!("DROP DATABASE {}_copy", place.database));
        // The original goes on.
        place.reconnect();
        place.process("scheduler");
        took
    });
}

#[test]
fn rename_database_does_not_wait_for_a_hanging_job_and_the_worker_follows() {
    let vendor = Hanging::silent();
    best("ALTER DATABASE … RENAME", || {
        let mut place = hanging(&vendor);
        let took = from_outside(&mut place, "ALTER DATABASE {} RENAME TO {}_new");
        place.database.push_str("_new");
        place.reconnect();
        place.process("scheduler");
        took
    });
}

#[test]
fn drop_extension_does_not_wait_for_a_hanging_job_and_leaves_no_process() {
    let (vendor, simulator) = (Hanging::silent(), recent());
    best("DROP EXTENSION", || {
        let mut place = Place::shared();
        place.tenant("acme", &simulator.base_url, "");
        // From the list of contacts' events on it holds locks of the extension's tables.
        simulator.fault("hang", "contacts/transactions", serde_json::json!({}));
        place.schedule("acme", "10 seconds");
        place.until(
            PATIENCE,
            "SELECT count(*) > 0 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
             WHERE a.backend_type = 'dialfire_sync job' AND l.relation = 'dialfire.campaigns'::regclass",
            "SELECT * FROM pg_locks",
        );
        let start = Instant::now();
        place.exec("DROP EXTENSION dialfire_sync CASCADE");
        let took = start.elapsed();
        until("no process is left", PATIENCE, || {
            place.processes("scheduler").is_empty() && place.processes("job").is_empty()
        });
        simulator.heal();
        took
    });
    drop(vendor);
}

#[test]
fn drop_extension_that_is_rolled_back_changes_nothing() {
    let vendor = Hanging::silent();
    let mut place = hanging(&vendor);
    let start = Instant::now();
    place.exec("BEGIN; DROP EXTENSION dialfire_sync CASCADE");
    println!("DROP EXTENSION in a transaction: {:.0?}", start.elapsed());
    std::thread::sleep(Duration::from_millis(1500));
    place.exec("ROLLBACK");
    let simulator = recent();
    place.exec(&format!("ALTER SERVER acme OPTIONS (SET base_url '{}')", simulator.base_url));
    place.process("scheduler");
    place.exec("UPDATE dialfire.schedules SET next_run = now()");
    place.until_synced("acme", "success");
}

#[test]
fn drop_extension_and_create_again_gets_its_worker_back() {
    let mut place = Place::shared();
    place.process("scheduler");
    place.exec("DROP EXTENSION dialfire_sync CASCADE");
    until("the scheduler is gone", PATIENCE, || place.processes("scheduler").is_empty());
    place.exec("CREATE EXTENSION dialfire_sync");
    place.process("scheduler");
}

#[test]
fn drop_server_while_scheduled_neither_blocks_nor_hurts_another_tenant() {
    let (vendor, simulator) = (Hanging::silent(), recent());
    let mut place = hanging(&vendor);
    place.tenant("good", &simulator.base_url, "");
    let start = Instant::now();
    place.exec("DROP SERVER acme CASCADE");
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    place.schedule("good", "10 seconds");
    place.until_synced("good", "success");
    for job in place.processes("job") {
        place.exec(&format!("SELECT pg_terminate_backend({job})"));
    }
    place.exec("UPDATE dialfire.schedules SET next_run = now()");
    place.until(
        PATIENCE,
        "SELECT last_status = 'failed' AND last_message ~ 'does not exist' FROM dialfire.schedules WHERE tenant = 'acme'",
        "SELECT * FROM dialfire.schedules",
    );
    assert_eq!(place.one::<i64>("SELECT df_unschedule('acme')", &[]), 1);
}

#[test]
fn a_standby_is_silent_and_starts_at_promotion() {
    let simulator = recent();
    let mut place = Place::lent();
    place.tenant("acme", &simulator.base_url, "");
    let standby = Cluster::standby_of(&place.cluster);
    place.schedule("acme", "10 seconds");
    place.until_synced("acme", "success");
    let mut db = standby.connect(&place.database);
    let workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'dialfire_sync%'";
    until("the standby has the rows", PATIENCE, || {
        db.query_one("SELECT count(*) FROM dialfire.schedules WHERE last_status = 'success'", &[])
            .unwrap()
            .get::<_, i64>(0)
            == 1
    });
    assert_eq!(db.query_one(workers, &[]).unwrap().get::<_, i64>(0), 0, "a worker runs on the standby");
    place.cluster.stop("fast");
    simulator.post("grow", serde_json::json!({"calls": 7}));
    let start = Instant::now();
    standby.promote();
    until("the promoted server has synced what is new", PATIENCE, || {
        let truth = simulator.truth("", "1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z");
        let stored: i64 = db.query_one("SELECT count(*) FROM dialfire.transactions", &[]).unwrap().get(0);
        truth["transactions"] == stored
    });
    println!("promoted and synced after {:.1?}", start.elapsed());
    assert!(!standby.log().contains("read-only transaction"), "{}", integration::place::tail(&standby.log()));
    place.cluster.up();
}
