//! Vapi: every call is found, from queued on, and asking again is free.

use integration::vapi::{ago, generate, put, queued, simulator, tenant};
use serde_json::{json, Value};

fn ids(calls: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> = calls.iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn stored(tenant: &mut integration::tenant::Tenant) -> Vec<String> {
    tenant.one("SELECT COALESCE(array_agg(call_id ORDER BY call_id COLLATE \"C\"), '{}') FROM dialfire.calls", &[])
}

#[test]
fn an_organisation_whose_four_calls_never_began_shows_four_calls() {
    let simulator = simulator();
    let mut tenant = tenant(&simulator, "");
    let reason = json!("call.start.error-get-transport");
    for (id, status) in [("c1", "queued"), ("c2", "scheduled"), ("c3", "ringing"), ("c4", "ended")] {
        let mut call = queued(id, 30);
        call["status"] = json!(status);
        if status == "ended" {
            call["endedReason"] = reason.clone();
        }
        put(&simulator, &call);
    }
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    let statuses: Vec<String> = tenant.one("SELECT array_agg(status ORDER BY call_id) FROM dialfire.calls", &[]);
    assert_eq!(statuses, ["queued", "queued", "in_progress", "failed"]);
}

#[test]
fn every_call_comes_once_however_pages_are_cut() {
    let simulator = simulator();
    let mut calls = generate(&simulator, 230, 3);
    // Twelve of one millisecond, which lie across the edge of a page whatever its size.
    for n in 0..12 {
        let mut call = queued(&format!("tie-{n:02}"), 0);
        call["createdAt"] = calls[100]["createdAt"].clone();
        put(&simulator, &call);
        calls.push(call);
    }
    for size in [7, 100, 1000] {
        let mut tenant = tenant(&simulator, &format!("page_size '{size}'"));
        tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
        assert_eq!(stored(&mut tenant), ids(&calls), "{size} a page");
    }
}

#[test]
fn a_vendor_that_cuts_its_pages_short_loses_no_call() {
    let simulator = simulator();
    let calls = generate(&simulator, 90, 2);
    simulator.post("vapi", json!({"cap": 4}));
    let mut tenant = tenant(&simulator, "");
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    assert_eq!(stored(&mut tenant), ids(&calls));
}

#[test]
fn unchanged_calls_are_not_written_though_their_presigned_addresses_differ() {
    let simulator = simulator();
    generate(&simulator, 120, 2);
    let mut tenant = tenant(&simulator, "");
    tenant.sync("last 3 days").expect("success").expect_counts(120, 0, 0);
    let rows = "SELECT md5(string_agg(xmin::text || id, ',' ORDER BY id)) FROM dialfire.voice_calls";
    let before: String = tenant.one(rows, &[]);
    tenant.sync("last 3 days").expect("success").expect_counts(0, 0, 120);
    assert_eq!(tenant.one::<String>(rows, &[]), before);
}

#[test]
fn no_secret_and_no_presigned_address_is_stored_anywhere() {
    let simulator = simulator();
    generate(&simulator, 60, 2);
    let mut tenant = tenant(&simulator, "");
    tenant.sync("last 3 days").expect("success");
    for table in ["voice_calls", "phone_numbers", "agents", "campaigns", "contacts", "rejects", "runs", "http_log"] {
        let leaks = format!("SELECT count(*) FROM dialfire.{table} r WHERE r::text ~ 'secret|Amz|presigned'");
        assert_eq!(tenant.one::<i64>(&leaks, &[]), 0, "{table}");
    }
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.phone_numbers WHERE e164 ~ '^\\+1'", &[]), 2);
}

#[test]
fn a_change_long_after_the_call_is_followed() {
    let simulator = simulator();
    let mut call = queued("late", 3 * 24 * 60);
    put(&simulator, &call);
    let mut tenant = tenant(&simulator, "settle '1 s'");
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    call["status"] = json!("ended");
    call["endedReason"] = json!("customer-busy");
    call["updatedAt"] = json!(ago(0));
    put(&simulator, &call);
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success").expect_counts(0, 1, 0);
    assert_eq!(tenant.one::<String>("SELECT status FROM dialfire.calls", &[]), "busy");
}

#[test]
fn the_mark_moves_only_after_a_whole_walk() {
    let simulator = simulator();
    let calls = generate(&simulator, 30, 2);
    let mut tenant = tenant(&simulator, "settle '1 s', page_size '5', attempts '1', wait_budget '1 s'");
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    let mark = "SELECT mark::text FROM dialfire.marks";
    let before: String = tenant.one(mark, &[]);
    for call in &calls {
        let mut changed = call.clone();
        changed["updatedAt"] = json!(ago(0));
        changed["name"] = json!("changed");
        put(&simulator, &changed);
    }
    simulator.fault("status", "updatedAtGe", json!({"status": 503, "skip": 2}));
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("partial");
    assert_eq!(tenant.one::<String>(mark, &[]), before);
    simulator.heal();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    assert_ne!(tenant.one::<String>(mark, &[]), before);
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.voice_calls WHERE name = 'changed'", &[]), 30);
}

#[test]
fn a_call_that_goes_back_at_the_vendor_does_not_go_back_here() {
    let simulator = simulator();
    let begun = queued("c", 60);
    let mut call = begun.clone();
    call["status"] = json!("ended");
    call["endedReason"] = json!("voicemail");
    call["cost"] = json!(0.1);
    put(&simulator, &call);
    let mut tenant = tenant(&simulator, "");
    tenant.sync("last 2 days").expect("success");
    put(&simulator, &begun);
    tenant.sync("last 2 days").expect("success").expect_counts(0, 0, 1);
    let kept: (String, String) = {
        let row = tenant
            .db
            .query_one(
                "SELECT status, cost::text FROM dialfire.calls JOIN dialfire.voice_calls v ON v.id = call_id",
                &[],
            )
            .unwrap();
        (row.get(0), row.get(1))
    };
    assert_eq!(kept, ("voicemail".to_owned(), "0.1".to_owned()));
}

#[test]
fn a_bad_call_is_quarantined_and_released_when_it_is_mended() {
    let simulator = simulator();
    generate(&simulator, 12, 1);
    let mut bad = queued("bad", 90);
    bad["cost"] = json!("much");
    put(&simulator, &bad);
    let mut tenant = tenant(&simulator, "");
    let run = tenant.sync("last 2 days");
    run.expect("partial").expect_counts(12, 0, 0);
    assert_eq!(run.rejected, 1, "{run:?}");
    let reject: String = tenant.one("SELECT concat_ws(' ', kind, key, reason, field) FROM dialfire.rejects_open", &[]);
    assert_eq!(reject, "call bad bad_number cost");
    put(&simulator, &queued("bad", 90));
    tenant.sync("last 2 days").expect("success").expect_counts(1, 0, 12);
    assert_eq!(tenant.count("rejects_open"), 0);
}

#[test]
fn a_reject_that_is_read_again_knows_the_region_of_the_tenant() {
    let simulator = simulator();
    let mut call = queued("bad", 90);
    call["customer"] = json!({"number": "(415) 555-0123"});
    call["cost"] = json!("much");
    put(&simulator, &call);
    let mut tenant = tenant(&simulator, "");
    tenant.sync("last 2 days").expect("partial");
    // As if a newer version could read it.
    tenant.exec("UPDATE dialfire.rejects SET payload = jsonb_set(payload::jsonb, '{cost}', '1')");
    assert_eq!(tenant.one::<i64>("SELECT resolved FROM df_retry_rejects('acme')", &[]), 1);
    assert_eq!(tenant.one::<String>("SELECT customer_e164 FROM dialfire.voice_calls", &[]), "+14155550123");
}

#[test]
fn what_the_vendor_has_forgotten_is_never_called_covered() {
    let simulator = simulator();
    generate(&simulator, 10, 1);
    let mut tenant = tenant(&simulator, "");
    tenant.sync("last 30 days").expect("success");
    let oldest = "SELECT now() - min(lower(covered)) BETWEEN '13 days 23 h' AND '14 days 1 h' FROM dialfire.coverage";
    assert!(tenant.one::<bool>(oldest, &[]));
    assert_eq!(tenant.one::<Option<String>>("SELECT retention_warning FROM dialfire.sync_health", &[]), None);
    // Nobody synced for twelve days: two are left. For fifteen: calls are lost.
    for (days, says) in [(12, "are not fetched yet"), (15, "has deleted them")] {
        tenant.exec(&format!(
            "UPDATE dialfire.coverage SET covered = tstzmultirange(tstzrange(now() - interval '20 days', now() - interval '{days} days'))"
        ));
        let warning: String = tenant.one("SELECT retention_warning FROM dialfire.sync_health", &[]);
        assert!(warning.contains(says), "{warning}");
    }
}

#[test]
fn a_stuck_call_says_why_as_far_as_the_vendor_knows() {
    let simulator = simulator();
    put(&simulator, &queued("waiting", 300));
    put(&simulator, &queued("gone", 300));
    put(&simulator, &queued("over", 300));
    put(&simulator, &queued("young", 30));
    let mut tenant = tenant(&simulator, "");
    tenant.sync("last 2 days").expect("success");
    assert_eq!(tenant.count("stuck_calls"), 3);
    let reason: String = tenant.one("SELECT reason FROM dialfire.stuck_calls WHERE call_id = 'gone'", &[]);
    assert!(reason.contains("df_sync"), "{reason}");
    simulator.clear_vapi();
    put(&simulator, &queued("waiting", 300));
    let mut over = queued("over", 300);
    over["status"] = json!("ended");
    over["endedReason"] = json!("call.start.error-subscription-concurrency-limit-reached");
    put(&simulator, &over);
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    let reasons: Vec<String> =
        tenant.one("SELECT array_agg(call_id || ': ' || reason ORDER BY call_id) FROM dialfire.stuck_calls", &[]);
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].contains("gone: the vendor has no such call"), "{reasons:?}");
    assert!(reasons[1].contains("waiting: the vendor says queued too"), "{reasons:?}");
    assert_eq!(tenant.one::<String>("SELECT status FROM dialfire.calls WHERE call_id = 'over'", &[]), "failed");
}

#[test]
fn a_public_key_is_refused_with_a_word_about_the_private_one() {
    let simulator = simulator();
    let mut tenant = tenant(&simulator, "");
    tenant.exec("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (SET token 'public-key')");
    tenant.sync("yesterday").expect("failed").says("401");
    let hint: String = tenant.one("SELECT hint FROM df_check('acme') WHERE step = 'calls'", &[]);
    assert!(hint.contains("private API key"), "{hint}");
}

#[test]
fn raw_records_are_shown_as_they_came() {
    let simulator = simulator();
    let calls = generate(&simulator, 25, 1);
    let mut tenant = tenant(&simulator, "page_size '10'");
    let fetched: i64 = tenant
        .one("SELECT count(DISTINCT payload ->> 'id') FROM df_fetch('acme', 'last 2 days') WHERE kind = 'call'", &[]);
    assert_eq!(fetched as usize, calls.len());
    assert_eq!(tenant.count("voice_calls"), 0);
}
