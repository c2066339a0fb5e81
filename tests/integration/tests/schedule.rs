//! Schedules: visible, adjustable, backing off, never overlapping, and on time with many tenants.

use integration::hanging::Hanging;
use integration::place::{recent, Place, PATIENCE};
use integration::rows::assert_truth_in;
use integration::until;
use postgres::fallible_iterator::FallibleIterator;
use postgres::NoTls;
use serde_json::{json, Value};
use std::time::{Duration, Instant};

const ALL_TIME: [&str; 2] = ["1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z"];

#[test]
fn df_schedule_makes_five_jobs_that_can_be_seen_adjusted_and_ended() {
    let simulator = recent();
    let mut place = Place::shared();
    place.tenant("acme", &simulator.base_url, "");
    let jobs =
        "SELECT string_agg(job || ' ' || every, ', ' ORDER BY job) FROM dialfire.schedules WHERE tenant = 'acme'";
    let made: String = place.one("SELECT string_agg(job, ', ' ORDER BY job) FROM df_schedule('acme')", &[]);
    assert_eq!(made, "clean_up, look_back, reconcile, refresh, sync");
    let seen: String = place.one(jobs, &[]);
    assert_eq!(seen, "clean_up 1 day, look_back 00:10:00, reconcile 12:00:00, refresh 00:05:00, sync 00:01:00");
    place.until(
        PATIENCE,
        "SELECT bool_and(last_status = 'success' AND next_run > last_finished) FROM dialfire.schedules",
        "SELECT * FROM dialfire.schedules",
    );
    assert_truth_in(&mut place.db, "acme", &simulator, ALL_TIME, &[]);
    place.exec("SELECT df_schedule('acme', '30 minutes', 'look_back'); UPDATE dialfire.schedules SET every = '1 hour', enabled = false WHERE job = 'sync'");
    let seen: String = place.one(jobs, &[]);
    assert_eq!(seen, "clean_up 1 day, look_back 00:30:00, reconcile 12:00:00, refresh 00:05:00, sync 01:00:00");
    assert_eq!(place.one::<i64>("SELECT df_unschedule('acme', 'reconcile')", &[]), 1);
    assert_eq!(place.one::<i64>("SELECT df_unschedule('acme')", &[]), 4);
    assert_eq!(place.one::<String>("SELECT status FROM dialfire.sync_health", &[]), "not scheduled");
}

#[test]
fn failures_back_off_and_the_first_success_forgets_them() {
    let simulator = recent();
    simulator.fault("status", "", json!({"status": 403}));
    let mut place = Place::shared();
    place.tenant("acme", &simulator.base_url, "attempts '1'");
    place.schedule("acme", "10 seconds");
    let mut waits = Vec::new();
    for failures in 1..=4 {
        place.until(
            PATIENCE,
            &format!("SELECT last_status = 'failed' AND failures = {failures} AND last_finished > last_started FROM dialfire.schedules"),
            "SELECT * FROM dialfire.schedules",
        );
        let wait = "SELECT EXTRACT(epoch FROM next_run - last_started)::float8 FROM dialfire.schedules";
        waits.push(place.one::<f64>(wait, &[]));
        place.exec("UPDATE dialfire.schedules SET next_run = now()");
    }
    println!("back-off: {waits:.1?} s");
    for (at, wait) in waits.iter().enumerate() {
        let expected = 10.0 * f64::powi(2.0, at as i32);
        assert!((0.86..=1.14).contains(&(wait / expected)), "{waits:?}");
    }
    // There is a ceiling, and the health shows the failure with its hint.
    place.exec("UPDATE dialfire.schedules SET failures = 60, next_run = now()");
    place.until(
        PATIENCE,
        "SELECT failures = 61 AND last_finished > last_started FROM dialfire.schedules",
        "SELECT * FROM dialfire.schedules",
    );
    let wait: f64 =
        place.one("SELECT EXTRACT(epoch FROM next_run - last_started)::float8 FROM dialfire.schedules", &[]);
    assert!(wait < 3600.0 * 1.14, "{wait}");
    let health: String = place.one("SELECT status || '|' || last_error FROM dialfire.sync_health", &[]);
    assert!(health.starts_with("failing|") && health.contains("403"), "{health}");
    simulator.heal();
    place.exec("UPDATE dialfire.schedules SET next_run = now()");
    place.until(
        PATIENCE,
        "SELECT last_status = 'success' AND failures = 0 AND next_run < now() + interval '11 seconds' FROM dialfire.schedules",
        "SELECT * FROM dialfire.schedules",
    );
}

#[test]
fn jobs_of_one_tenant_never_overlap() {
    let simulator = recent();
    simulator.fault("latency", "", json!({"value": 150}));
    let mut place = Place::shared();
    place.tenant("acme", &simulator.base_url, "");
    place.exec("SELECT df_schedule('acme', '10 seconds')");
    let mut other = place.connect();
    let watched = Instant::now();
    let (mut most, mut by_hand) = (0, 0);
    while watched.elapsed() < Duration::from_secs(8) {
        most = most.max(place.processes("job").len());
        place.exec("UPDATE dialfire.schedules SET next_run = now()");
        if by_hand == 0 && most > 0 {
            // A round by hand at the same time finds the tenant taken, and does nothing.
            other.batch_execute("CALL df_run_due()").expect("a round");
            by_hand += 1;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let overlap =
        "SELECT count(*) FROM dialfire.runs a JOIN dialfire.runs b ON a.run_id < b.run_id AND a.tenant = b.tenant
        AND tstzrange(a.started_at, a.finished_at) && tstzrange(b.started_at, b.finished_at)";
    assert_eq!((most, place.one::<i64>(overlap, &[])), (1, 0));
    assert!(place.one::<i64>("SELECT count(*) FROM dialfire.runs", &[]) > 3);
}

#[test]
fn max_runtime_ends_a_hanging_job_and_the_next_try_happens() {
    let (vendor, simulator) = (Hanging::silent(), recent());
    let mut place = Place::shared();
    place.tenant("acme", &vendor.url("http"), "");
    place.schedule("acme", "10 seconds");
    place.exec("UPDATE dialfire.schedules SET max_runtime = '10 seconds'");
    let job = place.process("job");
    let start = Instant::now();
    until("the job is ended", PATIENCE, || !place.processes("job").contains(&job));
    assert!((8..20).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    place.exec(&format!("ALTER SERVER acme OPTIONS (SET base_url '{}')", simulator.base_url));
    place.until(
        PATIENCE,
        "SELECT bool_or(status = 'failed' AND message ~ 'max_runtime') AND bool_or(status = 'success') FROM dialfire.runs",
        "SELECT * FROM dialfire.runs",
    );
    place.until(
        PATIENCE,
        "SELECT failures = 0 AND last_status = 'success' FROM dialfire.schedules",
        "SELECT * FROM dialfire.schedules",
    );
    assert_truth_in(&mut place.db, "acme", &simulator, ALL_TIME, &[]);
}

#[test]
fn df_run_due_as_a_plain_role_runs_what_it_may_and_nothing_else() {
    let simulator = recent();
    let mut place = Place::own("shared_preload_libraries = ''\n");
    place.tenant("acme", &simulator.base_url, "");
    place.tenant("other", &simulator.base_url, "");
    place.exec(
        "CREATE ROLE plain LOGIN; CALL df_grant('acme', 'plain');
         CREATE USER MAPPING FOR plain SERVER acme OPTIONS (token 'tenant-secret-token'); SELECT df_schedule('other', '1 minute', 'sync')",
    );
    let mut plain = place.cluster.config(&place.database).user("plain").connect(NoTls).expect("a connection");
    plain.batch_execute("SELECT df_schedule('acme', '1 minute', 'sync')").expect("scheduled");
    plain.batch_execute("CALL df_run_due()").expect("a round");
    let ran =
        "SELECT string_agg(tenant || ' ' || last_status, ', ') FROM dialfire.schedules WHERE last_finished IS NOT NULL";
    assert_eq!(place.one::<String>(ran, &[]), "acme success");
    assert_eq!(place.one::<String>("SELECT string_agg(role, ',') FROM dialfire.runs", &[]), "plain");
    let refused = plain.batch_execute("BEGIN; CALL df_run_due()").expect_err("inside a transaction block");
    assert_eq!(refused.code().map(|code| code.code()), Some("2D000"));
}

#[test]
fn df_run_due_ends_a_job_that_exceeds_its_max_runtime_and_does_the_others() {
    let (vendor, simulator) = (Hanging::silent(), recent());
    let mut place = Place::own("shared_preload_libraries = ''\n");
    place.tenant("slow", &vendor.url("http"), "");
    place.tenant("quick", &simulator.base_url, "");
    place.exec("SELECT df_schedule('slow', '1 minute', 'sync')");
    place.exec(
        "UPDATE dialfire.schedules SET max_runtime = '10 seconds'; SELECT df_schedule('quick', '1 minute', 'sync')",
    );
    let start = Instant::now();
    place.exec("CALL df_run_due()");
    assert!((9..14).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    let ended = "SELECT string_agg(tenant || ' ' || last_status || ' ' || failures, ', ' ORDER BY tenant) FROM dialfire.schedules";
    assert_eq!(place.one::<String>(ended, &[]), "quick success 0, slow failed 1");
    let told = "SELECT count(*) FROM dialfire.schedules s JOIN dialfire.runs r USING (tenant)
        WHERE s.tenant = 'slow' AND last_message ~ 'max_runtime' AND r.message ~ 'max_runtime' AND r.status = 'failed'";
    assert_eq!(place.one::<i64>(told, &[]), 1);
    assert_truth_in(&mut place.db, "quick", &simulator, ALL_TIME, &[]);
}

#[test]
fn df_run_due_that_is_canceled_stops_all_its_jobs() {
    let vendor = Hanging::silent();
    let mut place = Place::own("shared_preload_libraries = ''\n");
    for tenant in ["one", "two"] {
        place.tenant(tenant, &vendor.url("http"), "");
        place.schedule(tenant, "1 minute");
    }
    let mut db = place.connect();
    let cancel = db.cancel_token();
    let round =
        std::thread::spawn(move || db.batch_execute("CALL df_run_due()").map_err(|error| error.code().cloned()));
    until("the vendor was asked", PATIENCE, || vendor.accepted() > 0);
    let start = Instant::now();
    until("the round has ended", PATIENCE, || {
        cancel.cancel_query(NoTls).expect("a cancel");
        std::thread::sleep(Duration::from_millis(50));
        round.is_finished()
    });
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(round.join().unwrap().unwrap_err().expect("a code").code(), "57014");
    let told = "SELECT count(*) FROM dialfire.schedules WHERE last_status = 'failed' AND last_message ~ 'cancel'";
    assert_eq!(place.one::<i64>(told, &[]), 1);
}

#[test]
fn df_run_due_works_by_pg_cron() {
    let simulator = recent();
    let mut place = Place::own(
        "shared_preload_libraries = 'pg_cron'\ncron.database_name = 't0'\ncron.use_background_workers = on\n",
    );
    assert_eq!(place.database, "t0");
    place.exec("CREATE EXTENSION pg_cron");
    place.tenant("acme", &simulator.base_url, "");
    place.schedule("acme", "10 seconds");
    place.exec("SELECT cron.schedule('sync', '* * * * *', 'CALL df_run_due()')");
    place.until(
        Duration::from_secs(150),
        "SELECT last_status = 'success' FROM dialfire.schedules",
        "SELECT to_jsonb(d) FROM cron.job_run_details d",
    );
    assert_truth_in(&mut place.db, "acme", &simulator, ALL_TIME, &[]);
    place.until(
        PATIENCE,
        "SELECT bool_and(status = 'succeeded') FROM cron.job_run_details",
        "SELECT to_jsonb(d) FROM cron.job_run_details d",
    );
}

#[test]
fn a_commit_of_changes_notifies_once_and_only_who_asked_for_it() {
    let simulator = recent();
    let mut place = Place::shared();
    place.tenant("acme", &simulator.base_url, "notify 'true'");
    place.tenant("quiet", &simulator.base_url, "");
    let mut listener = place.connect();
    listener.batch_execute("LISTEN dialfire_sync").expect("listening");
    place.schedule("quiet", "1 hour");
    place.schedule("acme", "1 hour");
    place.until(
        PATIENCE,
        "SELECT bool_and(last_status = 'success') FROM dialfire.schedules",
        "SELECT * FROM dialfire.schedules",
    );
    let mut heard = |limit: u64| {
        let mut messages: Vec<Value> = Vec::new();
        let mut notifications = listener.notifications();
        let mut waiting = notifications.timeout_iter(Duration::from_millis(limit));
        while let Some(message) = waiting.next().expect("a connection") {
            assert!(message.channel() == "dialfire_sync" && message.payload().len() < 8000);
            messages.push(serde_json::from_str(message.payload()).expect("JSON"));
        }
        messages
    };
    let messages = heard(1000);
    assert!(messages.iter().all(|message| message["tenant"] == "acme"), "{messages:?}");
    let inserted: i64 = messages.iter().map(|message| message["inserted"].as_i64().expect("a count")).sum();
    let calls: i64 = place.one("SELECT count(*) FROM dialfire.calls WHERE tenant = 'acme'", &[]);
    let stored: i64 = place.one("SELECT inserted FROM dialfire.runs WHERE tenant = 'acme'", &[]);
    assert_eq!(inserted, stored, "{calls} calls: {messages:?}");
    assert!((1..=4).contains(&messages.len()), "one for each day that brought something: {messages:?}");
    assert!(
        messages.iter().all(|m| !m["days"].as_array().expect("days").is_empty() && m["run_id"].is_i64()),
        "{messages:?}"
    );
    place.exec("UPDATE dialfire.schedules SET next_run = now()");
    place.until_synced("acme", "success");
    let again = heard(300);
    assert!(again.is_empty(), "nothing changed: {again:?}");
}

#[test]
fn fifty_tenants_keep_up_and_an_idle_scheduler_writes_nothing() {
    integration::many::keep_up(Duration::from_secs(10), Duration::from_secs(30));
}
