//! Is it right, why not, and what to do: health, gaps, stuck calls, df_why, rejects, retention, dump and restore.

use integration::cluster::Cluster;
use integration::place::{recent, Place, PATIENCE};
use integration::record::{call, contact, transaction, with, DAY};
use integration::rows::{assert_truth, assert_truth_in};
use integration::simulator::{Simulator, ALL};
use integration::tenant::{Tenant, TOKEN};
use postgres::NoTls;
use serde_json::json;

const ALL_TIME: [&str; 2] = ["1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z"];

fn why(tenant: &mut Tenant, id: &str) -> String {
    tenant.one("SELECT string_agg(what, '; ' ORDER BY at) FROM df_why('acme', $1)", &[&id])
}

#[test]
fn the_health_of_a_tenant_is_one_word_and_the_next_action() {
    let simulator = recent();
    let mut place = Place::shared();
    place.tenant("acme", &simulator.base_url, "attempts '1'");
    let health = "SELECT status || ': ' || next_action FROM dialfire.sync_health";
    assert_eq!(place.one::<String>(health, &[]), "not scheduled: SELECT df_schedule('acme')");
    place.schedule("acme", "1 hour");
    place.until_synced("acme", "success");
    assert_eq!(place.one::<String>(health, &[]), "ok: nothing");
    place.exec("UPDATE dialfire.schedules SET every = '10 s';
        UPDATE dialfire.coverage SET covered = covered - tstzmultirange(tstzrange(now() - interval '1 day', now() - interval '1 hour'))");
    let behind: String = place.one(health, &[]);
    assert_eq!(behind, "behind: SELECT * FROM dialfire.coverage_gaps WHERE tenant = 'acme'");
    let lag: bool = place.one("SELECT lag BETWEEN '1 day' AND '25 hours' AND gaps >= 3 FROM dialfire.sync_health", &[]);
    assert!(lag);
    place.exec("UPDATE dialfire.schedules SET next_run = now()");
    place.until_synced("acme", "success");
    assert!(place.one::<String>(health, &[]).starts_with("ok: "));
    simulator.fault("status", "", json!({"status": 403}));
    place.exec("UPDATE dialfire.schedules SET next_run = now()");
    place.until_synced("acme", "failed");
    assert_eq!(place.one::<String>(health, &[]), "failing: SELECT * FROM df_check('acme')");
    let error: String = place.one("SELECT last_error FROM dialfire.sync_health", &[]);
    assert!(error.contains("403") && error.contains("token"), "{error}");
}

#[test]
fn gaps_are_what_is_wanted_and_not_proven_complete() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::with(&simulator, "start_date '2025-11-01'");
    tenant.sync("2025-11-05..2025-11-06").expect("success");
    let gaps = "SELECT string_agg(format('%s %s', from_at AT TIME ZONE 'Europe/Nicosia', CASE WHEN to_at < now() - interval '1 day'
        THEN (to_at AT TIME ZONE 'Europe/Nicosia')::text ELSE 'now' END), ', ' ORDER BY from_at)
        FROM dialfire.coverage_gaps GROUP BY source";
    let all: Vec<String> = tenant.db.query(gaps, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    let expected = "2025-11-01 00:00:00 2025-11-05 00:00:00, 2025-11-07 00:00:00 now";
    assert_eq!(all, [expected; 3]);
}

#[test]
fn stuck_calls_are_those_without_an_end_for_hours() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync(ALL).expect("success");
    let stuck = "stuck_calls WHERE tenant = 'acme' AND open_for > interval '2 hours' AND reason ~ 'no end'";
    assert_eq!(tenant.count(stuck), 3);
    let id: String = tenant.one("SELECT call_id FROM dialfire.stuck_calls LIMIT 1", &[]);
    assert!(why(&mut tenant, &id).contains("still without an end"));
    simulator.post("complete", json!({}));
    tenant.sync(ALL).expect("success");
    assert_eq!(tenant.count("stuck_calls"), 0);
    assert!(why(&mut tenant, &id).contains("changed at the vendor and was updated"));
}

#[test]
fn df_why_tells_the_life_of_a_call_or_why_it_is_not_here() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::with(&simulator, "start_date '2025-11-01'");
    let bad = with(transaction("10:00:00.000"), "pause_time_sec", json!("n/a"));
    simulator.contact(&contact("WHYCONTACT000001", json!([bad])).to_string());
    simulator.post("inbound", json!({"call": call("why-inbound-1", "10:00:00.000")}));
    tenant.sync(DAY).expect("partial");
    assert!(why(&mut tenant, "nobody").starts_with("not delivered so far; "), "{}", why(&mut tenant, "nobody"));
    tenant.sync(ALL).expect("success");
    let stored: String = tenant.one("SELECT min(id) FROM dialfire.transactions", &[]);
    let told = why(&mut tenant, &stored);
    assert!(told.contains("happened in campaign") && told.contains("stored as transaction"), "{told}");
    let told = why(&mut tenant, "WHYCONTACT000001");
    assert!(told.contains("rejected: ") && told.contains("pause_time_sec") && told.contains("open"), "{told}");
    let told = why(&mut tenant, "why-inbound-1");
    assert!(told.contains("came in on line LINE1") && told.contains("stored as inbound call"), "{told}");
    tenant.run("SELECT * FROM df_sync('acme')", &[]);
    tenant.exec("ALTER SERVER acme OPTIONS (ADD settle '1 day')");
    assert!(why(&mut tenant, "nobody").starts_with("never delivered: "), "{}", why(&mut tenant, "nobody"));
    let unknown: String = tenant.one("SELECT what FROM df_why('nowhere', 'x')", &[]);
    assert!(unknown.starts_with("there is no tenant 'nowhere'"), "{unknown}");
    let mut stranger = tenant.connect_as("stranger");
    let refused: String = stranger.query_one("SELECT what FROM df_why('acme', $1)", &[&stored]).unwrap().get(0);
    assert!(refused.contains("may not see tenant 'acme'") && refused.contains("USAGE"), "{refused}");
}

#[test]
fn df_retry_rejects_stores_what_has_become_readable_without_asking_the_vendor() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    for (id, at) in [("RETRYCONTACT0001", "10:00:00.000"), ("RETRYCONTACT0002", "11:00:00.000")] {
        let bad = with(transaction(at), "pause_time_sec", json!("n/a"));
        simulator.contact(&contact(id, json!([bad])).to_string());
    }
    tenant.sync(DAY).expect("partial");
    assert_eq!((tenant.count("rejects_open"), tenant.count("transactions")), (2, 0));
    let retry = "SELECT format('%s %s %s', tried, resolved, left_over) FROM df_retry_rejects('acme')";
    assert_eq!(tenant.one::<String>(retry, &[]), "2 0 2");
    // As if a newer version could read it.
    tenant.exec("UPDATE dialfire.rejects SET payload = replace(payload::text, '\"n/a\"', '3')::json WHERE contact_id = 'RETRYCONTACT0001'");
    simulator.forget_requests();
    assert_eq!(tenant.one::<String>(retry, &[]), "2 1 1");
    assert_eq!((tenant.count("rejects_open"), tenant.count("transactions")), (1, 1));
    assert!(simulator.requests().is_empty(), "the vendor was asked");
    assert_eq!(tenant.one::<f64>("SELECT pause_time_sec::float8 FROM dialfire.transactions", &[]), 3.0);
}

#[test]
fn df_retry_rejects_stores_a_recording_under_its_connection() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    for (id, recordings) in [
        (
            "RETRYRECORDING01",
            json!([{"started": "n/a", "location": "a"}, {"started": "2025-11-10T10:00:02.000Z", "location": "b"}]),
        ),
        ("RETRYRECORDING02", json!("n/a")),
    ] {
        let leg = json!({"id": format!("{id}-leg"), "fired": "2025-11-10T10:00:01.000Z", "recordings": recordings});
        simulator
            .contact(&contact(id, json!([with(transaction("10:00:00.000"), "connections", json!([leg]))])).to_string());
    }
    tenant.sync(DAY).expect("partial");
    assert_eq!((tenant.count("rejects_open"), tenant.count("recordings")), (2, 1));
    // As if a newer version could read them.
    tenant.exec(
        "UPDATE dialfire.rejects SET payload = replace(payload::text, '\"n/a\"', '\"2025-11-10T10:00:01.000Z\"')::json WHERE contact_id = 'RETRYRECORDING01';
         UPDATE dialfire.rejects SET payload = '[{\"started\": \"2025-11-10T10:00:03.000Z\"}]' WHERE contact_id = 'RETRYRECORDING02'",
    );
    simulator.forget_requests();
    let retry = "SELECT format('%s %s %s', tried, resolved, left_over) FROM df_retry_rejects('acme')";
    assert_eq!(tenant.one::<String>(retry, &[]), "2 2 0");
    assert!(simulator.requests().is_empty(), "the vendor was asked");
    let hung = "SELECT count(*) FROM dialfire.recordings r JOIN dialfire.connections c
        ON (c.tenant, c.id, c.transaction_id) = (r.tenant, r.connection_id, r.transaction_id)";
    assert_eq!(tenant.one::<i64>(hung, &[]), 3);
}

#[test]
fn df_cleanup_removes_what_is_old_or_too_much_and_nothing_open() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync("2025-11-10").expect("success");
    tenant.exec(
        "INSERT INTO dialfire.runs (tenant, status, role, started_at)
            SELECT 'acme', CASE WHEN n = 1 THEN 'in_progress' ELSE 'success' END, 'x', now() - n * interval '10 days' FROM generate_series(1, 20) n;
         INSERT INTO dialfire.http_log (tenant, at, method, url, attempt, duration_ms, bytes)
            SELECT 'acme', now() - n * interval '10 days', 'GET', 'u', 1, 1, 1 FROM generate_series(1, 20) n;
         INSERT INTO dialfire.rejects (tenant, kind, reason, fingerprint, first_seen, last_seen, resolved_at)
            SELECT 'acme', 'contact', 'x', n::text, now() - n * interval '10 days', now() - n * interval '10 days',
                CASE WHEN n % 2 = 0 THEN now() - n * interval '10 days' END FROM generate_series(1, 20) n;
         UPDATE dialfire.runs SET status = 'in_progress' WHERE started_at < now() - interval '195 days'",
    );
    let calls = tenant.count("calls");
    let said: String = tenant.one("SELECT df_cleanup('acme')", &[]);
    println!("{said}");
    assert_eq!(tenant.count("runs WHERE started_at < now() - interval '91 days'"), 1, "the one in progress stays");
    assert_eq!(tenant.count("http_log WHERE at < now() - interval '91 days'"), 0);
    assert_eq!(tenant.count("rejects WHERE resolved_at < now() - interval '91 days'"), 0);
    assert_eq!(tenant.count("rejects WHERE resolved_at IS NULL"), 10, "an open reject was removed");
    tenant.exec("SET dialfire_sync.retention_rows = 3");
    tenant.one::<String>("SELECT df_cleanup('acme')", &[]);
    assert_eq!((tenant.count("http_log"), tenant.count("runs WHERE status <> 'in_progress'") <= 3), (3, true));
    tenant.exec("SET dialfire_sync.retention_days = 5");
    tenant.one::<String>("SELECT df_cleanup('acme')", &[]);
    assert_eq!(tenant.count("http_log"), 0);
    assert_eq!(tenant.count("calls"), calls, "a call was removed");
}

#[test]
fn dump_and_restore_into_a_fresh_server_goes_on_where_it_was() {
    let simulator = recent();
    let mut place = Place::shared();
    place.tenant("acme", &simulator.base_url, "");
    place.schedule("acme", "10 seconds");
    place.until_synced("acme", "success");
    place.exec("UPDATE dialfire.schedules SET enabled = false");
    let digest = "SELECT md5(string_agg(md5(q::text), '' ORDER BY q::text)) FROM (
        SELECT tenant, source, covered::text AS what FROM dialfire.coverage
        UNION ALL SELECT tenant, id, to_jsonb(t)::text FROM dialfire.transactions t
        UNION ALL SELECT tenant, id, to_jsonb(c)::text FROM dialfire.connections c
        UNION ALL SELECT tenant, job, every::text || owner FROM dialfire.schedules
        UNION ALL SELECT tenant, run_id::text, message FROM dialfire.runs) q";
    let before: String = place.one(digest, &[]);
    let dump = place.cluster.program("pg_dump", &[&place.database]);
    // A user mapping without its options cannot be restored, so the whole dump has the token; what one shares need not.
    let share = place.cluster.program("pg_dump", &["--data-only", "--schema=dialfire", &place.database]);
    assert!(dump.contains(TOKEN) && !share.contains(TOKEN), "a table holds the token");
    let fresh = Cluster::with("max_worker_processes = 20\n");
    fresh.connect("postgres").batch_execute("CREATE DATABASE restored").expect("a database");
    let errors = fresh.restore("restored", &dump);
    assert!(!errors.contains("ERROR"), "{errors}");
    let mut db = fresh.config("restored").connect(NoTls).expect("a connection");
    let after: String = db.query_one(digest, &[]).expect("a digest").get(0);
    assert_eq!(after, before, "not what was dumped");
    simulator.post("grow", json!({"calls": 9}));
    simulator.forget_requests();
    db.batch_execute("UPDATE dialfire.schedules SET enabled = true, next_run = now()").expect("enabled");
    let last = "SELECT COALESCE(max(last_finished)::text, '') FROM dialfire.schedules WHERE last_status = 'success'";
    let start: String = db.query_one(last, &[]).unwrap().get(0);
    for _ in 0..2 {
        let seen: String = db.query_one(last, &[]).unwrap().get(0);
        integration::until("the restored schedule runs", PATIENCE, || {
            db.query_one(last, &[]).unwrap().get::<_, String>(0) != seen
        });
    }
    assert!(!start.is_empty());
    assert_truth_in(&mut db, "acme", &simulator, ALL_TIME, &[]);
    assert!(simulator.contacts_asked() <= 20, "it fetched again what it had: {}", simulator.contacts_asked());
}

#[test]
fn what_was_dumped_without_data_holds_no_secret_outside_of_the_user_mapping() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync(ALL).expect("success");
    assert_truth(&mut tenant, &simulator);
    let dump = tenant.cluster.program("pg_dump", &["--exclude-table-data=dialfire.*", &tenant.database.clone()]);
    let lines: Vec<&str> = dump.lines().filter(|line| line.contains(TOKEN)).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let at = dump.find(TOKEN).expect("the mapping's");
    assert!(dump[..at].rfind("CREATE USER MAPPING").is_some_and(|mapping| at - mapping < 200));
}
