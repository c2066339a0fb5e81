//! Which leg tells of a call, on which day it is found, and that a list of calls has each once.

use integration::cluster::Cluster;
use integration::rows::assert_truth;
use integration::simulator::{Simulator, ALL};
use integration::tenant::{words, Tenant};
use postgres::{Client, NoTls};
use serde_json::json;

const CHECK: &str = "SELECT verdict FROM df_verify('acme', '2025-11-01..2025-11-15')
    WHERE check_name = 'calls whose legs are not filed under them'";
const SHOWN: &str = "SELECT md5(string_agg(to_jsonb(c)::text, ',' ORDER BY call_id)) FROM dialfire.calls c";
const LEGS: &str =
    "SELECT md5(string_agg(concat_ws('|', id, day, is_main, recording_id, recording_location), ',' ORDER BY id))
    FROM dialfire.connections";

/// A tenant with calls that have one leg, several and none.
fn synced() -> (Simulator, Tenant) {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync(ALL).expect("success");
    let several = "SELECT count(*) FROM dialfire.connections WHERE NOT is_main";
    assert!(tenant.one::<i64>(several, &[]) > 0, "no call has two legs: proves nothing");
    assert_eq!(tenant.one::<String>(CHECK, &[]), "ok");
    (simulator, tenant)
}

#[test]
fn legs_that_are_filed_wrongly_are_told_and_a_rebuild_mends_them() {
    let (_simulator, mut tenant) = synced();
    let (shown, legs) = (tenant.one::<String>(SHOWN, &[]), tenant.one::<String>(LEGS, &[]));
    for wrong in [
        "UPDATE dialfire.connections SET is_main = NOT is_main",
        "UPDATE dialfire.connections SET recording_id = NULL, recording_location = NULL",
        "UPDATE dialfire.connections SET day = day + 1",
        "UPDATE dialfire.recordings SET day = 'infinity'",
    ] {
        tenant.exec(wrong);
        assert_eq!(tenant.one::<String>(CHECK, &[]), "look", "{wrong}");
        tenant.exec("SELECT df_rebuild_stats('acme', '2025-11-01..2025-11-15')");
        assert_eq!(tenant.one::<String>(CHECK, &[]), "ok", "{wrong}");
        assert_eq!(tenant.one::<String>(LEGS, &[]), legs, "{wrong}");
        assert_eq!(tenant.one::<String>(SHOWN, &[]), shown, "{wrong}");
    }
}

#[test]
fn legs_that_wait_for_their_calls_are_filed_by_the_next_sync_that_brings_something() {
    let (simulator, mut tenant) = synced();
    tenant.exec(
        "UPDATE dialfire.connections SET day = 'infinity', is_main = true, recording_id = NULL, recording_location = NULL;
         UPDATE dialfire.recordings SET day = 'infinity'",
    );
    assert_eq!(tenant.one::<String>(CHECK, &[]), "look");
    assert!(simulator.post("late", json!({}))["changed"].as_i64() > Some(0), "nothing changed: proves nothing");
    tenant.sync(ALL).expect("success");
    assert_eq!(tenant.one::<String>(CHECK, &[]), "ok");
    let waiting = "SELECT count(*) FROM dialfire.connections WHERE day = 'infinity'";
    assert_eq!(tenant.one::<i64>(waiting, &[]), 0);
    assert_truth(&mut tenant, &simulator);
}

#[test]
fn two_who_write_legs_of_one_call_mark_one() {
    let (_simulator, mut tenant) = synced();
    let call: String =
        tenant.one("SELECT min(call_id) FROM dialfire.calls WHERE connection_id IS NULL AND is_human", &[]);
    let config = tenant.config();
    let add = |db: &mut Client, id: &str| {
        db.batch_execute(&format!(
            "BEGIN;
             INSERT INTO dialfire.connections (tenant, id, transaction_id, day)
             SELECT tenant, '{id}', id, day FROM dialfire.transactions WHERE id = '{call}';"
        ))
        .unwrap_or_else(|error| panic!("{}", words(&error)));
    };
    let keep = format!("SELECT dialfire.keep_main_legs('acme', ARRAY['{call}']); COMMIT");
    let (mut one, mut other) = (config.connect(NoTls).unwrap(), config.connect(NoTls).unwrap());
    add(&mut one, "race 1");
    add(&mut other, "race 2");
    std::thread::scope(|scope| {
        one.batch_execute(keep.strip_suffix("; COMMIT").unwrap()).unwrap();
        let waiting = scope.spawn(|| other.batch_execute(&keep));
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
            AND wait_event_type = 'Lock' AND query LIKE '%keep_main_legs%')";
        integration::until("the other one waits", integration::place::PATIENCE, || tenant.one::<bool>(waits, &[]));
        one.batch_execute("COMMIT").unwrap();
        waiting.join().unwrap().unwrap();
    });
    let main = "SELECT string_agg(id, ' ') FROM dialfire.connections WHERE transaction_id = $1 AND is_main";
    assert_eq!(tenant.one::<String>(main, &[&call]), "race 1");
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.calls WHERE call_id = $1", &[&call]), 1);
}

/// A dialler's tenant to whom each of sixty calls was told by four webhooks at a time, before and after midnight of the first of
/// November.
pub fn raced(prepare: fn(Tenant) -> Tenant) -> Tenant {
    let cluster = Cluster::shared();
    let database = cluster.database();
    let mut db = cluster.connect(&database);
    let server = "CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'vicidial', timezone 'UTC', schema 'asterisk')";
    db.batch_execute(server).unwrap_or_else(|error| panic!("{}", words(&error)));
    let tenant = prepare(Tenant { db, database, cluster });
    let config = tenant.config();
    let send = |at: i64| {
        let mut db = config.connect(NoTls).expect("a connection");
        for n in 0..60 {
            let body = json!({"uniqueid": format!("1761955200.{n}"), "leadId": "12345", "campaignId": "TEST", "phoneNumber": "5551234567",
                "disposition": "SALE", "duration": 45, "agentId": "agent001", "timestamp": at});
            let sql = "SELECT http_status FROM df_ingest('acme', $1::text, '{}'::jsonb)";
            let row = db.query_one(sql, &[&body.to_string()]).unwrap_or_else(|error| panic!("{}", words(&error)));
            assert_eq!(row.get::<_, i32>(0), 200);
        }
    };
    std::thread::scope(|scope| {
        for at in [1_761_955_190, 1_761_955_210, 1_761_955_180, 1_761_955_220] {
            let send = &send;
            scope.spawn(move || send(at));
        }
    });
    tenant
}

#[test]
fn webhooks_that_race_and_differ_in_the_day_leave_each_call_once_on_its_day() {
    let mut tenant = raced(|tenant| tenant);
    let shown = "SELECT count(*) || ' ' || count(DISTINCT call_id) || ' ' || count(connection_id) FROM dialfire.calls";
    assert_eq!(tenant.one::<String>(shown, &[]), "60 60 60");
    let astray = "SELECT count(*) FROM dialfire.transactions t LEFT JOIN dialfire.connections c ON c.tenant = t.tenant AND c.transaction_id = t.id
        WHERE t.day <> (t.fired AT TIME ZONE 'UTC')::date OR c.day IS DISTINCT FROM t.day";
    assert_eq!(tenant.one::<i64>(astray, &[]), 0);
}
