//! While a vendor hangs, everything that ends a statement ends it within 200 ms, and leaves a backend that works.

use integration::cluster::Cluster;
use integration::hanging::Hanging;
use integration::rows::assert_truth;
use integration::simulator::{Simulator, ALL};
use integration::tenant::{self, Tenant, TOKEN};
use integration::until;
use postgres::Client;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(20);

/// A backend in the middle of a statement that waits for the vendor.
struct Stuck {
    pid: i32,
    /// The connection, the SQLSTATE that ended the statement, and when.
    ended: mpsc::Receiver<(Client, Option<String>, Instant)>,
}

impl Stuck {
    fn begin(mut db: Client, sql: &'static str, vendor: &Hanging) -> Stuck {
        let pid = db.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
        let before = vendor.accepted();
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let outcome = db.batch_execute(sql);
            let at = Instant::now();
            let code = outcome.err().map(|error| error.code().map_or(error.to_string(), |code| code.code().to_owned()));
            let _ = sender.send((db, code, at));
        });
        until("the vendor was asked", PATIENCE, || vendor.accepted() > before);
        // The request has been sent and the backend sleeps.
        std::thread::sleep(Duration::from_millis(150));
        Stuck { pid, ended }
    }

    fn end(self) -> (Client, Option<String>, Instant) {
        self.ended.recv_timeout(PATIENCE).expect("the statement never ended")
    }
}

const SYNC: &str = "SELECT * FROM df_sync('acme', 'yesterday')";
const STATEMENTS: [&str; 3] = [SYNC, "SELECT * FROM df_fetch('acme', 'yesterday')", "SELECT * FROM df_check('acme')"];

/// One tenant for each way to hang.
fn each(mut test: impl FnMut(&str, &Hanging, &mut Tenant)) {
    for (name, vendor, scheme) in [
        ("silent", Hanging::silent(), "http"),
        ("dripping", Hanging::dripping(), "http"),
        ("handshake", Hanging::silent(), "https"),
    ] {
        let mut tenant = Tenant::at(&vendor.url(scheme), "", "token 'abcdefgh'");
        test(name, &vendor, &mut tenant);
    }
}

/// The best of three: on a busy machine a test may have to wait for its own turn.
fn best(what: &str, mut measure: impl FnMut() -> Duration) {
    let all: Vec<Duration> = (0..3).map(|_| measure()).collect();
    println!("{what}: {all:.1?}");
    let best = all.into_iter().min().expect("three");
    assert!(best <= LIMIT, "{what}: {best:?}");
}

/// A client may see the end of its connection before the reason for it, which the server's log has.
fn assert_told(cluster: &Cluster, pid: i32) {
    let told = format!("[{pid}] FATAL:  terminating connection due to administrator command");
    assert!(cluster.log().contains(&told), "{told} is not in {}", cluster.log());
}

fn threads(pid: i32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

#[test]
fn a_cancel_ends_every_statement_and_leaves_no_thread() {
    each(|name, vendor, tenant| {
        for sql in STATEMENTS {
            let mut connection = Some(tenant.connect());
            best(&format!("cancel {sql}, {name}"), || {
                let stuck = Stuck::begin(connection.take().unwrap(), sql, vendor);
                let pid = stuck.pid;
                assert!(threads(pid) > 1, "no helper thread: nothing to leak");
                let start = Instant::now();
                assert!(tenant.one::<bool>("SELECT pg_cancel_backend($1)", &[&pid]));
                let (mut db, code, at) = stuck.end();
                assert_eq!(code.as_deref(), Some("57014"));
                assert_eq!(db.query_one("SELECT 1", &[]).unwrap().get::<_, i32>(0), 1);
                until("all helper threads have ended", Duration::from_secs(3), || threads(pid) == 1);
                connection = Some(db);
                at - start
            });
        }
    });
}

#[test]
fn a_backend_whose_sync_was_canceled_syncs_as_any_other() {
    let simulator = Simulator::start();
    each(|_, vendor, tenant| {
        let stuck = Stuck::begin(tenant.connect(), SYNC, vendor);
        tenant.one::<bool>("SELECT pg_cancel_backend($1)", &[&stuck.pid]);
        let (mut db, ..) = stuck.end();
        let url = &simulator.base_url;
        tenant.exec(&format!("ALTER SERVER acme OPTIONS (SET base_url '{url}')"));
        tenant.exec(&format!("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (SET token '{TOKEN}')"));
        std::mem::swap(&mut tenant.db, &mut db);
        tenant.sync(ALL).expect("success");
        assert_truth(tenant, &simulator);
        assert_eq!(tenant.count("runs"), 1, "the canceled run left a row");
    });
}

#[test]
fn statement_timeout_ends_a_sync_on_time() {
    each(|name, vendor, tenant| {
        best(&format!("statement_timeout, {name}"), || {
            let mut db = tenant.connect();
            db.batch_execute("SET statement_timeout = '400 ms'").unwrap();
            let start = Instant::now();
            let (_, code, at) = Stuck::begin(db, SYNC, vendor).end();
            assert_eq!(code.as_deref(), Some("57014"));
            (at - start).saturating_sub(Duration::from_millis(400))
        });
    });
}

#[test]
fn pg_terminate_backend_ends_a_sync() {
    each(|name, vendor, tenant| {
        best(&format!("terminate, {name}"), || {
            let stuck = Stuck::begin(tenant.connect(), SYNC, vendor);
            let (pid, start) = (stuck.pid, Instant::now());
            tenant.one::<bool>("SELECT pg_terminate_backend($1)", &[&pid]);
            stuck.end();
            assert_told(tenant.cluster, pid);
            until("the process is gone", PATIENCE, || threads(pid) == 0);
            start.elapsed()
        });
    });
}

#[test]
fn a_drop_of_another_database_does_not_wait_for_the_vendor() {
    let cluster = Cluster::start();
    let mut admin = cluster.connect("postgres");
    let drop_other = |admin: &mut Client| {
        admin.batch_execute("CREATE DATABASE other").unwrap();
        admin.batch_execute("CHECKPOINT").unwrap();
        let start = Instant::now();
        admin.batch_execute("DROP DATABASE other").unwrap();
        start.elapsed()
    };
    best("drop database, nobody hangs", || drop_other(&mut admin));
    for (name, vendor, scheme) in [
        ("silent", Hanging::silent(), "http"),
        ("dripping", Hanging::dripping(), "http"),
        ("handshake", Hanging::silent(), "https"),
    ] {
        let database = cluster.database();
        let mut db = cluster.connect(&database);
        tenant::create(&mut db, &vendor.url(scheme), "", "token 'abcdefgh'");
        let stuck = Stuck::begin(db, SYNC, &vendor);
        best(&format!("drop database, {name}"), || drop_other(&mut admin));
        assert!(stuck.ended.try_recv().is_err(), "the sync ended too");
        admin.execute("SELECT pg_cancel_backend($1)", &[&stuck.pid]).unwrap();
        assert_eq!(stuck.end().1.as_deref(), Some("57014"));
    }
}

#[test]
fn a_fast_shutdown_does_not_wait_for_the_vendor() {
    let cluster = Cluster::start();
    for (name, vendor, scheme) in [
        ("silent", Hanging::silent(), "http"),
        ("dripping", Hanging::dripping(), "http"),
        ("handshake", Hanging::silent(), "https"),
    ] {
        let database = cluster.database();
        tenant::create(&mut cluster.connect(&database), &vendor.url(scheme), "", "token 'abcdefgh'");
        best(&format!("fast shutdown, {name}"), || {
            cluster.connect(&database).batch_execute("CHECKPOINT").unwrap();
            let stuck = Stuck::begin(cluster.connect(&database), SYNC, &vendor);
            let (pid, start) = (stuck.pid, Instant::now());
            let gone = std::thread::scope(|scope| {
                let gone = scope.spawn(|| {
                    until("the backend is gone", PATIENCE, || threads(pid) == 0);
                    start.elapsed()
                });
                cluster.stop("fast");
                gone.join().unwrap()
            });
            let whole = start.elapsed();
            println!("fast shutdown, {name}: backend gone after {gone:.1?}, server after {whole:.1?}");
            stuck.end();
            assert_told(&cluster, pid);
            cluster.up();
            gone
        });
    }
}

#[test]
fn cancels_while_answers_pour_in_leave_no_thread_and_no_half_a_window() {
    let simulator = Simulator::with(&["--anchor", "2025-11-15T12:00:00Z", "--days", "14", "--calls-per-day", "600"]);
    let mut tenant = Tenant::with(&simulator, "page_size '100', batch '5'");
    let mut db = tenant.connect();
    let pid: i32 = db.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    for delay in [5, 20, 60, 120, 250] {
        let cancel = db.cancel_token();
        let canceler = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(delay));
            cancel.cancel_query(postgres::NoTls)
        });
        let code = db.batch_execute(&format!("SELECT * FROM df_sync('acme', '{ALL}')")).err();
        canceler.join().unwrap().unwrap();
        assert_eq!(code.and_then(|e| e.code().map(|c| c.code().to_owned())).as_deref(), Some("57014"), "{delay} ms");
        until("all helper threads have ended", Duration::from_secs(3), || threads(pid) == 1);
        assert_eq!(tenant.count("transactions") + tenant.count("coverage") + tenant.count("runs"), 0);
    }
    tenant.sync(ALL).expect("success");
    assert_truth(&mut tenant, &simulator);
}
