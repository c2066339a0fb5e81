//! The worker comes back, shows itself, obeys settings, and one bad job is one bad job.

use integration::hanging::Hanging;
use integration::place::{recent, tail, Place, PATIENCE};
use integration::rows::assert_truth_in;
use integration::until;
use std::process::Command;
use std::time::{Duration, Instant};

const ALL_TIME: [&str; 2] = ["1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z"];

fn kill(pid: i32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill").success());
}

#[test]
fn a_terminated_scheduler_is_back_within_seconds_and_goes_on() {
    let simulator = recent();
    let mut place = Place::shared();
    place.tenant("acme", &simulator.base_url, "");
    let before = place.process("scheduler");
    let start = Instant::now();
    place.exec(&format!("SELECT pg_terminate_backend({before})"));
    until("another scheduler runs", PATIENCE, || place.processes("scheduler").iter().any(|pid| *pid != before));
    println!("scheduler back after {:.1?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(20));
    place.schedule("acme", "10 seconds");
    place.until_synced("acme", "success");
    assert_truth_in(&mut place.db, "acme", &simulator, ALL_TIME, &[]);
}

#[test]
fn a_terminated_launcher_is_back_within_seconds_and_leaves_one_scheduler_to_a_database() {
    let mut place = Place::own("");
    let scheduler = place.process("scheduler");
    let launcher = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'dialfire_sync launcher'";
    let before: i32 = place.one(launcher, &[]);
    let start = Instant::now();
    place.exec(&format!("SELECT pg_terminate_backend({before})"));
    place.until(PATIENCE, &format!("SELECT pid <> {before} FROM ({launcher}) l"), launcher);
    println!("launcher back after {:.1?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(15));
    // Long enough for the new launcher to have started what it thinks is missing.
    let watched = Instant::now();
    let mut most = 0;
    while watched.elapsed() < Duration::from_secs(4) {
        let settled = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database()
                        AND backend_type = 'dialfire_sync scheduler')";
        most = most.max(place.one::<i64>(settled, &[]));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(most, 1, "schedulers that hold the database");
    assert_eq!(place.processes("scheduler"), [scheduler], "the old one goes on and no other stays");
}

#[test]
fn a_terminated_scheduler_takes_its_hanging_jobs_with_it_and_no_tenant_runs_twice() {
    let vendor = Hanging::silent();
    let mut place = Place::shared();
    place.tenant("acme", &vendor.url("http"), "");
    place.schedule("acme", "10 seconds");
    let job = place.process("job");
    let scheduler = place.process("scheduler");
    place.exec(&format!("SELECT pg_terminate_backend({scheduler})"));
    until("the orphan is ended", PATIENCE, || !place.processes("job").contains(&job));
    let mut most = 0;
    let watched = Instant::now();
    while watched.elapsed() < Duration::from_secs(5) {
        most = most.max(place.processes("job").len());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(most <= 1, "{most} jobs of one tenant at once");
    place.until(
        PATIENCE,
        "SELECT count(*) > 0 FROM dialfire.runs WHERE status = 'crashed'",
        "SELECT * FROM dialfire.runs",
    );
}

#[test]
fn after_kill_9_of_a_job_the_run_is_shown_as_crashed_and_the_next_one_loses_nothing() {
    let (vendor, simulator) = (Hanging::silent(), recent());
    let mut place = Place::lent();
    place.tenant("acme", &vendor.url("http"), "");
    place.schedule("acme", "10 seconds");
    let job = place.process("job");
    until("the vendor was asked", PATIENCE, || vendor.accepted() > 0);
    place.until(
        PATIENCE,
        "SELECT count(*) = 1 FROM dialfire.runs WHERE status = 'in_progress'",
        "SELECT * FROM dialfire.runs",
    );
    let start = Instant::now();
    kill(job);
    // The postmaster restarts every process, as it must after any that was killed.
    until("the connection is lost", PATIENCE, || place.db.simple_query("SELECT 1").is_err());
    place.reconnect();
    place.exec(&format!("ALTER SERVER acme OPTIONS (SET base_url '{}')", simulator.base_url));
    place.until(
        PATIENCE,
        "SELECT count(*) = 1 FROM dialfire.runs WHERE status = 'crashed'",
        "SELECT * FROM dialfire.runs",
    );
    println!("crash shown after {:.1?}", start.elapsed());
    let message: String = place.one("SELECT message FROM dialfire.runs WHERE status = 'crashed'", &[]);
    assert!(message.contains("gone"), "{message}");
    place.until_synced("acme", "success");
    assert_truth_in(&mut place.db, "acme", &simulator, ALL_TIME, &[]);
    assert_eq!(place.one::<i64>("SELECT count(*) FROM dialfire.runs WHERE status = 'in_progress'", &[]), 0);
}

#[test]
fn after_kill_9_of_the_scheduler_and_of_the_launcher_everything_is_back() {
    let simulator = recent();
    let mut place = Place::lent();
    place.tenant("acme", &simulator.base_url, "");
    place.schedule("acme", "10 seconds");
    for kind in ["scheduler", "launcher"] {
        place.process("scheduler");
        let pid: i32 = place.one(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'dialfire_sync ' || $1
             AND (datname = current_database() OR datname IS NULL)",
            &[&kind],
        );
        let start = Instant::now();
        kill(pid);
        until("the connection is lost", PATIENCE, || place.db.simple_query("SELECT 1").is_err());
        place.reconnect();
        place.process("scheduler");
        println!("kill -9 of the {kind}: scheduler back after {:.1?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(20));
        place.until_synced("acme", "success");
    }
    assert_truth_in(&mut place.db, "acme", &simulator, ALL_TIME, &[]);
}

#[test]
fn a_restart_goes_on_with_the_schedules() {
    let simulator = recent();
    let mut place = Place::lent();
    place.tenant("acme", &simulator.base_url, "");
    place.schedule("acme", "10 seconds");
    place.until_synced("acme", "success");
    for mode in ["fast", "immediate"] {
        simulator.post("grow", serde_json::json!({"calls": 5}));
        place.cluster.stop(mode);
        place.cluster.up();
        place.reconnect();
        place.until_synced("acme", "success");
        // A call at this second may be younger than what the round above could see.
        place.until_synced("acme", "success");
        assert_truth_in(&mut place.db, "acme", &simulator, ALL_TIME, &[]);
    }
    assert_eq!(place.one::<i64>("SELECT count(*) FROM dialfire.runs WHERE status = 'in_progress'", &[]), 0);
}

#[test]
fn a_fast_shutdown_takes_less_than_a_second_while_a_job_hangs() {
    let vendor = Hanging::silent();
    let mut place = Place::lent();
    place.tenant("acme", &vendor.url("http"), "");
    place.schedule("acme", "10 seconds");
    let mut all = Vec::new();
    for _ in 0..3 {
        let before = vendor.accepted();
        place.exec("UPDATE dialfire.schedules SET next_run = now()");
        let job = place.process("job");
        until("the vendor was asked", PATIENCE, || vendor.accepted() > before);
        place.exec("CHECKPOINT");
        let start = Instant::now();
        std::thread::scope(|scope| {
            let gone = scope.spawn(|| {
                until("the job is gone", PATIENCE, || !std::path::Path::new(&format!("/proc/{job}")).exists());
                start.elapsed()
            });
            place.cluster.stop("fast");
            all.push((gone.join().expect("no panic"), start.elapsed()));
        });
        place.cluster.up();
        place.reconnect();
    }
    println!("job gone and server stopped after {all:.0?}");
    assert!(all.iter().map(|(_, server)| server).min().expect("three") < &Duration::from_secs(1), "{all:?}");
}

#[test]
fn a_reload_applies_max_workers_and_allowed_hosts() {
    let (first, second, simulator) = (Hanging::silent(), Hanging::silent(), recent());
    let mut place = Place::lent();
    let set = |place: &mut Place, setting: &str, value: &str| {
        place.exec(&format!("ALTER SYSTEM SET dialfire_sync.{setting} = '{value}'"));
        place.exec("SELECT pg_reload_conf()");
    };
    set(&mut place, "max_workers", "1");
    place.until(PATIENCE, "SELECT current_setting('dialfire_sync.max_workers') = '1'", "SELECT 1");
    place.tenant("one", &first.url("http"), "");
    place.tenant("two", &second.url("http"), "");
    // The scheduler has its own copy of the setting, and takes it over at its next tick.
    std::thread::sleep(Duration::from_millis(1500));
    place.schedule("one", "10 seconds");
    place.schedule("two", "10 seconds");
    place.process("job");
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(place.processes("job").len(), 1, "one worker and two jobs that are due");
    set(&mut place, "max_workers", "2");
    until("both jobs run", PATIENCE, || place.processes("job").len() == 2);
    set(&mut place, "allowed_hosts", "api.dialfire.com");
    for tenant in ["one", "two"] {
        place.exec(&format!("ALTER SERVER {tenant} OPTIONS (SET base_url '{}')", simulator.base_url));
    }
    for job in place.processes("job") {
        place.exec(&format!("SELECT pg_terminate_backend({job})"));
    }
    place.exec("UPDATE dialfire.schedules SET next_run = now()");
    // The jobs that were ended may be told as failed before.
    place.until(
        PATIENCE,
        "SELECT EXISTS (SELECT FROM dialfire.schedules WHERE tenant = 'one' AND last_status = 'failed'
            AND last_message LIKE '%127.0.0.1%allowed_hosts%')",
        "SELECT last_message FROM dialfire.schedules WHERE tenant = 'one' AND job = 'sync'",
    );
    place.exec("ALTER SYSTEM RESET ALL");
    place.exec("SELECT pg_reload_conf()");
    place.until(PATIENCE, "SELECT current_setting('dialfire_sync.allowed_hosts') ~ '127.0.0.1'", "SELECT 1");
    place.exec("UPDATE dialfire.schedules SET next_run = now()");
    place.until_synced("one", "success");
}

#[test]
fn a_bad_job_fails_alone_and_says_why() {
    let simulator = recent();
    let mut place = Place::shared();
    place.tenant("good", &simulator.base_url, "");
    let role = format!("{}_leaver", place.database);
    for name in ["roleless", "serverless", "mappingless", "tokenless"] {
        place.tenant(name, &simulator.base_url, "");
        place.schedule(name, "10 seconds");
    }
    place.exec(&format!(
        "CREATE ROLE {role}; CALL df_grant('roleless', '{role}'); CREATE USER MAPPING FOR {role} SERVER roleless OPTIONS (token 'x');
         SET ROLE {role}; SELECT df_schedule('roleless', '10 seconds', 'sync'); RESET ROLE;
         DROP USER MAPPING FOR {role} SERVER roleless; DROP OWNED BY {role}; DROP ROLE {role};
         DROP USER MAPPING FOR CURRENT_USER SERVER serverless; DROP SERVER serverless;
         DROP USER MAPPING FOR CURRENT_USER SERVER mappingless;
         ALTER USER MAPPING FOR CURRENT_USER SERVER tokenless OPTIONS (SET token 'of-somebody-else')"
    ));
    place.schedule("good", "10 seconds");
    place.exec("UPDATE dialfire.schedules SET next_run = now()");
    place.until_synced("good", "success");
    for (tenant, words) in [
        ("roleless", ["_leaver", "does not exist any more"]),
        ("serverless", ["\"serverless\"", "does not exist"]),
        ("mappingless", ["no user mapping", "CREATE USER MAPPING"]),
        ("tokenless", ["40", "token"]),
    ] {
        place.until(
            PATIENCE,
            &format!(
                "SELECT last_status = 'failed' AND failures > 0 FROM dialfire.schedules WHERE tenant = '{tenant}'"
            ),
            "SELECT * FROM dialfire.schedules",
        );
        let sql = "SELECT last_message FROM dialfire.schedules WHERE tenant = $1";
        let message: String = place.one(sql, &[&tenant]);
        println!("{tenant}: {message}");
        assert!(words.iter().all(|word| message.contains(word)), "{tenant}: {message}");
        // Whatever became of the tenant, its jobs can be ended.
        assert_eq!(place.one::<i64>("SELECT df_unschedule($1)", &[&tenant]), 1);
    }
    assert_truth_in(&mut place.db, "good", &simulator, ALL_TIME, &[]);
    assert_eq!(place.one::<i32>("SELECT failures FROM dialfire.schedules WHERE tenant = 'good'", &[]), 0);
}

#[test]
fn out_of_worker_slots_is_one_warning_with_a_hint_and_passes() {
    let simulator = recent();
    // Four: the logical replication launcher, ours, and the schedulers of this database and of the template.
    let mut place = Place::own("max_worker_processes = 4\n");
    place.tenant("acme", &simulator.base_url, "");
    place.process("scheduler");
    place.schedule("acme", "10 seconds");
    let warning = "out of background worker slots";
    until("the warning is given", PATIENCE, || place.cluster.log().contains(warning));
    std::thread::sleep(Duration::from_secs(4));
    let log = place.cluster.log();
    let warnings = log.matches(warning).count();
    assert!(warnings <= 2, "one for the launcher and one for the scheduler, not {warnings}:\n{}", tail(&log));
    assert!(log.contains("HINT:  Raise max_worker_processes"), "{}", tail(&log));
    place.cluster.connect("postgres").batch_execute("DROP DATABASE with_extension").expect("dropped");
    place.until_synced("acme", "success");
    assert_truth_in(&mut place.db, "acme", &simulator, ALL_TIME, &[]);
}

#[test]
fn pg_stat_activity_shows_who_they_are_and_what_they_do() {
    let vendor = Hanging::silent();
    let mut place = Place::shared();
    place.tenant("acme", &vendor.url("http"), "");
    place.schedule("acme", "10 seconds");
    place.process("job");
    until("the vendor was asked", PATIENCE, || vendor.accepted() > 0);
    place.until(
        PATIENCE,
        "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'dialfire_sync job' AND datname = current_database()
            AND application_name = 'dialfire_sync sync' AND query ~ 'sync of acme' AND state = 'active' AND wait_event_type IS NOT NULL",
        "SELECT * FROM pg_stat_activity WHERE backend_type ~ 'dialfire'",
    );
    place.until(
        PATIENCE,
        "SELECT count(*) = 2 FROM pg_stat_activity WHERE backend_type = application_name AND state = 'idle' AND query <> ''
            AND (backend_type = 'dialfire_sync launcher'
              OR backend_type = 'dialfire_sync scheduler' AND datname = current_database())",
        "SELECT * FROM pg_stat_activity WHERE backend_type ~ 'dialfire'",
    );
}

#[test]
fn what_a_job_writes_is_counted_so_that_autovacuum_sees_it() {
    let simulator = recent();
    let mut place = Place::shared();
    place.tenant("acme", &simulator.base_url, "");
    place.schedule("acme", "1 minute");
    place.until_synced("acme", "success");
    place.until(
        PATIENCE,
        "SELECT sum(n_tup_ins) > 0 FROM pg_stat_user_tables WHERE relname ~ '^transactions'",
        "SELECT * FROM pg_stat_user_tables WHERE relname ~ '^transactions'",
    );
}

#[test]
fn without_preload_the_health_says_what_to_do_and_df_start_worker_does_it() {
    let simulator = recent();
    let mut place = Place::own("shared_preload_libraries = ''\n");
    place.tenant("acme", &simulator.base_url, "");
    place.schedule("acme", "10 seconds");
    place.exec("UPDATE dialfire.schedules SET next_run = now() - interval '10 minutes'");
    let health = "SELECT status || ': ' || next_action FROM dialfire.sync_health";
    let health: String = place.one(health, &[]);
    assert!(health.starts_with("blocked") && health.contains("df_start_worker()"), "{health}");
    let said: String = place.one("SELECT df_start_worker()", &[]);
    assert!(said.contains("until the next restart"), "{said}");
    place.until_synced("acme", "success");
    assert_truth_in(&mut place.db, "acme", &simulator, ALL_TIME, &[]);
    let said: String = place.one("SELECT df_start_worker()", &[]);
    assert!(said.contains("runs already"), "{said}");
    place.until(PATIENCE, "SELECT status = 'ok' FROM dialfire.sync_health", "SELECT * FROM dialfire.sync_health");
}
