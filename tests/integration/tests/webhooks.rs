//! Webhooks: believed or refused, in any order, any number of times, and beside a poll.

use integration::tenant::Tenant;
use integration::vapi::{
    ago, believe_webhooks, ingest, ingest_with, put, queued, report, simulator, snapshot, stamp, status_update, tenant,
    WEBHOOK_SECRET,
};
use serde_json::{json, Value};

fn receiver() -> (integration::simulator::Simulator, Tenant) {
    let simulator = simulator();
    let mut tenant = tenant(&simulator, "");
    believe_webhooks(&mut tenant);
    (simulator, tenant)
}

/// The row of a call, without what is about the row and not the call.
fn row(tenant: &mut Tenant, id: &str) -> Value {
    let sql = "SELECT to_jsonb(v) - '{id,stored_at,changed_at,asked_at,asked_result}'::text[] FROM dialfire.voice_calls v WHERE id = $1";
    tenant.one(sql, &[&id])
}

/// Every order of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for order in orders(count - 1) {
        for at in 0..=order.len() {
            let mut longer = order.clone();
            longer.insert(at, count - 1);
            all.push(longer);
        }
    }
    all
}

/// The life of a call, with an update that comes late, and a report of the same millisecond that gives another reason.
fn life(id: &str) -> Vec<Value> {
    let mut ended = status_update(id, "ended", 60);
    ended["endedReason"] = json!("silence-timed-out");
    let mut late = status_update(id, "in-progress", 70);
    late["customer"] = json!({"number": "+14155550123", "name": "M. Lopez"});
    vec![
        status_update(id, "queued", 1),
        status_update(id, "ringing", 2),
        ended,
        report(id, "customer-ended-call", 60),
        late,
    ]
}

#[test]
fn every_order_of_the_same_messages_ends_in_the_same_row_and_no_step_goes_back() {
    let (_simulator, mut tenant) = receiver();
    let mut expected = None;
    let orders = orders(5);
    assert_eq!(orders.len(), 120);
    for (n, order) in orders.iter().enumerate() {
        let id = format!("order-{n}");
        let life = life(&id);
        let mut before = json!({});
        for at in order {
            ingest(&mut tenant.db, &life[*at]);
            let now = row(&mut tenant, &id);
            for (column, value) in before.as_object().unwrap() {
                assert!(value.is_null() || !now[column].is_null(), "{column} is lost in {order:?}: {now}");
            }
            let rank = |row: &Value| row["seen"][3].as_i64().unwrap_or(0);
            assert!(rank(&now) >= rank(&before), "the status goes back in {order:?}");
            before = now;
        }
        let expected = expected.get_or_insert_with(|| before.clone());
        assert_eq!(before, *expected, "{order:?}");
    }
    let expected = expected.unwrap();
    assert_eq!((&expected["vendor_status"], &expected["ended_reason"]), (&json!("ended"), &json!("silence-timed-out")));
    assert_eq!((&expected["customer_name"], &expected["cost"]), (&json!("M. Lopez"), &json!(0.0512)));
}

#[test]
fn a_repeated_message_changes_nothing_and_is_called_a_duplicate() {
    let (_simulator, mut tenant) = receiver();
    let outcomes: Vec<String> = (0..3).map(|_| ingest(&mut tenant.db, &report("c", "voicemail", 60)).outcome).collect();
    assert_eq!(outcomes, ["stored", "duplicate", "duplicate"]);
    let xmin = "SELECT xmin::text FROM dialfire.voice_calls";
    let before: String = tenant.one(xmin, &[]);
    // The vendor signs the addresses of a delivery that it repeats anew.
    let mut again = report("c", "voicemail", 60);
    again["artifact"]["presignedMonoUrl"] = json!("https://storage.example.com/?X-Amz-Signature=other");
    assert_eq!(ingest(&mut tenant.db, &again).outcome, "duplicate");
    assert_eq!(tenant.one::<String>(xmin, &[]), before);
    assert_eq!(tenant.one::<i64>("SELECT times FROM dialfire.webhook_events", &[]), 4);
}

#[test]
fn the_first_message_of_a_call_does_not_hide_the_report() {
    let (_simulator, mut tenant) = receiver();
    assert_eq!(ingest(&mut tenant.db, &status_update("c", "queued", 1)).http_status, 200);
    assert_eq!(tenant.one::<String>("SELECT status FROM dialfire.calls", &[]), "queued");
    assert_eq!(ingest(&mut tenant.db, &report("c", "customer-ended-call", 60)).outcome, "stored");
    let row = tenant.db.query_one("SELECT status, agent_login, duration_ms FROM dialfire.calls", &[]).unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i64>(2)), ("completed", 50_000));
}

#[test]
fn an_update_alone_tells_why_a_call_never_began() {
    let (_simulator, mut tenant) = receiver();
    let mut ended = status_update("c", "ended", 2);
    ended["endedReason"] = json!("assistant-request-returned-invalid-assistant");
    ingest(&mut tenant.db, &ended);
    assert_eq!(tenant.one::<String>("SELECT status FROM dialfire.calls", &[]), "failed");
}

#[test]
fn other_messages_are_answered_well_and_leave_nothing() {
    let (_simulator, mut tenant) = receiver();
    for kind in [
        "call.started",
        "speech-update",
        "conversation-update",
        "hang",
        "tool-calls",
        "assistant-request",
        "transcript",
    ] {
        let answer = ingest(&mut tenant.db, &json!({"type": kind, "call": snapshot("c")}));
        assert_eq!((answer.http_status, answer.outcome.as_str()), (200, "ignored"), "{kind}");
    }
    assert_eq!((tenant.count("voice_calls"), tenant.count("runs")), (0, 0));
}

#[test]
fn a_message_without_the_id_of_its_call_is_refused() {
    let (_simulator, mut tenant) = receiver();
    for call in [json!(null), json!({}), json!({"id": null}), json!({"id": ""})] {
        let mut message = report("c", "voicemail", 60);
        message["call"] = call;
        let answer = ingest(&mut tenant.db, &message);
        assert_eq!((answer.http_status, answer.outcome.as_str()), (400, "refused"), "{answer:?}");
        assert!(answer.detail.contains("call.id"), "{answer:?}");
    }
    assert_eq!(tenant.count("voice_calls"), 0);
    let runs: i64 = tenant.one("SELECT count(*) FROM dialfire.runs WHERE kind = 'webhook' AND status = 'failed'", &[]);
    assert_eq!(runs, 4);
}

#[test]
fn what_is_no_message_is_refused_and_a_bad_field_is_quarantined() {
    let (_simulator, mut tenant) = receiver();
    let headers = json!({"authorization": [format!("Bearer {WEBHOOK_SECRET}")]});
    for body in [b"".as_slice(), b"{", b"[]", b"{\"message\": 1}", b"\xff\xfe", b"{\"message\":{\"type\":\"\xff\"}}"] {
        assert_eq!(ingest_with(&mut tenant.db, body, &headers).http_status, 400, "{body:?}");
    }
    let mut bad = report("c", "voicemail", 60);
    bad["cost"] = json!("much");
    let answer = ingest(&mut tenant.db, &bad);
    assert_eq!((answer.http_status, answer.call_id.as_deref()), (422, Some("c")), "{answer:?}");
    let reject: String = tenant.one("SELECT concat_ws(' ', kind, key, reason, field) FROM dialfire.rejects_open", &[]);
    assert_eq!(reject, "message c bad_number cost");
    // The right one releases it.
    ingest(&mut tenant.db, &report("c", "voicemail", 60));
    assert_eq!(tenant.count("rejects_open"), 0);
}

#[test]
fn nothing_is_believed_without_the_secret() {
    let (_simulator, mut tenant) = receiver();
    let body = json!({"message": report("c", "voicemail", 60)}).to_string();
    for headers in [json!({}), json!(null), json!({"x-vapi-secret": "other"}), json!({"authorization": "Bearer other"})]
    {
        let answer = ingest_with(&mut tenant.db, body.as_bytes(), &headers);
        assert_eq!((answer.http_status, answer.outcome.as_str()), (401, "refused"), "{headers}");
    }
    assert_eq!(tenant.count("voice_calls"), 0);
    let shown = format!("SELECT count(*) FROM dialfire.runs r WHERE r::text LIKE '%{WEBHOOK_SECRET}%'");
    assert_eq!(tenant.one::<i64>(&shown, &[]), 0);
    tenant.exec("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (DROP webhook_secret)");
    assert_eq!(ingest_with(&mut tenant.db, body.as_bytes(), &json!({"x-vapi-secret": ""})).http_status, 401);
    tenant.exec("ALTER SERVER acme OPTIONS (ADD webhook_auth 'none')");
    assert_eq!(ingest_with(&mut tenant.db, body.as_bytes(), &json!({})).outcome, "stored");
}

#[test]
fn a_signature_covers_the_bytes_of_the_body() {
    let (_simulator, mut tenant) = receiver();
    tenant.exec("ALTER SERVER acme OPTIONS (ADD webhook_auth 'hmac', ADD webhook_signature_prefix 'sha256=')");
    tenant.exec("CREATE EXTENSION pgcrypto");
    let body = format!("{{\n  \"message\":   {}\n}}", report("c", "voicemail", 60));
    let now: String = tenant.one("SELECT extract(epoch FROM now())::bigint::text", &[]);
    let sign = "SELECT 'sha256=' || encode(hmac(convert_to($1::text || '.' || $2::text, 'UTF8'), convert_to($3::text, 'UTF8'), 'sha256'), 'hex')";
    let signature: String = tenant.one(sign, &[&now, &body, &WEBHOOK_SECRET]);
    let headers = json!({"X-Signature": signature, "X-Timestamp": now});
    let rewritten = serde_json::from_str::<Value>(&body).unwrap().to_string();
    assert_eq!(ingest_with(&mut tenant.db, rewritten.as_bytes(), &headers).http_status, 401);
    assert_eq!(ingest_with(&mut tenant.db, body.as_bytes(), &headers).outcome, "stored");
    let as_text: i32 = tenant.one("SELECT http_status FROM df_ingest('acme', $1::text, $2::jsonb)", &[&body, &headers]);
    assert_eq!(as_text, 200);
}

/// What the vendor's list says of the call whose report `report` is.
fn polled(id: &str, status: &str, updated: i64) -> Value {
    let mut call = snapshot(id);
    call["createdAt"] = json!(ago(30));
    call["updatedAt"] = json!(ago(updated));
    call["status"] = json!(status);
    if status == "ended" {
        call["endedReason"] = json!("customer-ended-call");
        call["cost"] = json!(0.06);
        call["analysis"] = json!({"summary": "She books a table."});
    }
    call
}

#[test]
fn a_webhook_and_a_poll_end_in_the_same_row_whoever_comes_first() {
    let (simulator, mut tenant) = receiver();
    let created = format!("{}T23:00:00.000Z", &ago(24 * 60)[..10]);
    for status in ["queued", "in-progress", "ended"] {
        let calls = ["webhook-first", "poll-first"].map(|who| {
            let mut call = polled(&format!("{status}-{who}"), status, 20);
            call["createdAt"] = json!(created);
            call["updatedAt"] = json!(created);
            call
        });
        let hook = |id: &str| report(id, "customer-ended-call", 60);
        ingest(&mut tenant.db, &hook(calls[0]["id"].as_str().unwrap()));
        calls.iter().for_each(|call| put(&simulator, call));
        tenant.sync("last 3 days").expect("success");
        ingest(&mut tenant.db, &hook(calls[1]["id"].as_str().unwrap()));
        let rows: Vec<Value> = calls.iter().map(|call| row(&mut tenant, call["id"].as_str().unwrap())).collect();
        assert_eq!(rows[0], rows[1], "{status}");
        assert_eq!(rows[0]["vendor_status"], "ended");
    }
}

#[test]
fn a_webhook_and_a_poll_that_race_end_in_the_same_row() {
    let (simulator, mut tenant) = receiver();
    let created = ago(30);
    let mut results = Vec::new();
    for (id, poll_first) in [("race-1", true), ("race-2", false)] {
        let mut call = queued(id, 30);
        call["createdAt"] = json!(created);
        call["updatedAt"] = json!(created);
        put(&simulator, &call);
        let mut message = report(id, "customer-ended-call", 60);
        message["call"] = call.clone();
        message["timestamp"] = json!(stamp(0) + 20_000_000_000);
        let mut other = tenant.connect();
        let mut holder = tenant.connect();
        // One holds the row uncommitted while the other wants it.
        let sync = "SELECT status, message FROM df_sync('acme', 'last 2 days')";
        holder.batch_execute("BEGIN").unwrap();
        if poll_first {
            holder.query_one(sync, &[]).unwrap();
        } else {
            ingest(&mut holder, &message);
        }
        let waiting = std::thread::spawn(move || {
            if poll_first {
                ingest(&mut other, &message);
            } else {
                let row = other.query_one(sync, &[]).unwrap();
                assert_eq!(row.get::<_, &str>(0), "success", "{:?}", row.get::<_, Option<&str>>(1));
            }
        });
        integration::until("the other waits", std::time::Duration::from_secs(20), || {
            tenant.one::<i64>(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
                &[],
            ) > 0
        });
        holder.batch_execute("COMMIT").unwrap();
        waiting.join().unwrap();
        results.push(row(&mut tenant, id));
    }
    assert_eq!(results[0], results[1]);
    assert_eq!((&results[0]["vendor_status"], &results[0]["cost"]), (&json!("ended"), &json!(0.0512)));
}

#[test]
fn a_rule_hits_a_call_once_however_often_it_comes() {
    let (simulator, mut tenant) = receiver();
    let refused = tenant.refusal("SELECT df_alert_rule('acme', 'hot_lead', '$.analysis.structuredData.leadScore >=')");
    assert_eq!(refused.code().code(), "42601");
    tenant.exec("SELECT df_alert_rule('acme', 'hot_lead', '$.analysis.structuredData.leadScore >= 70', 'critical', 'a hot lead')");
    tenant.exec("SELECT df_alert_rule('acme', 'long', '$.durationSeconds ? (@ > 49)')");
    let mut listener = tenant.connect();
    listener.batch_execute("LISTEN dialfire_sync_alerts").unwrap();
    for _ in 0..2 {
        ingest(&mut tenant.db, &report("hot", "customer-ended-call", 60));
        let mut cold = report("cold", "customer-ended-call", 60);
        cold["analysis"]["structuredData"]["leadScore"] = json!(12);
        ingest(&mut tenant.db, &cold);
    }
    let mut polled = polled("polled", "ended", 20);
    polled["analysis"]["structuredData"] = json!({"leadScore": 99});
    put(&simulator, &polled);
    tenant.sync("last 2 days").expect("success");
    let alerts: Vec<String> = tenant.one("SELECT array_agg(concat_ws(' ', rule, subject, severity) ORDER BY 1) FROM (SELECT * FROM dialfire.alerts ORDER BY rule, subject) a", &[]);
    let mut alerts = alerts;
    alerts.sort();
    assert_eq!(alerts, ["hot_lead hot critical", "hot_lead polled critical", "long cold info", "long hot info"]);
    let mut heard = 0;
    listener.batch_execute("SELECT").unwrap();
    use postgres::fallible_iterator::FallibleIterator;
    let mut notifications = listener.notifications();
    let mut pending = notifications.iter();
    while pending.next().unwrap().is_some() {
        heard += 1;
    }
    assert_eq!(heard, 4);
    // A rule made later finds what is stored.
    let found: i64 =
        tenant.one("SELECT df_alert_rule('acme', 'cold', '$.analysis.structuredData.leadScore < 50')", &[]);
    assert_eq!(found, 1);
}

#[test]
fn webhooks_are_runs_of_their_own_kind() {
    let (_simulator, mut tenant) = receiver();
    ingest(&mut tenant.db, &status_update("c", "queued", 1));
    ingest(&mut tenant.db, &report("c", "voicemail", 60));
    let runs: Vec<String> = tenant.one("SELECT array_agg(concat_ws(' ', kind, status, inserted, updated, params ->> 'call_id') ORDER BY run_id) FROM dialfire.runs", &[]);
    assert_eq!(runs, ["webhook success 1 0 c", "webhook success 0 1 c"]);
}

#[test]
fn who_only_receives_webhooks_needs_no_key() {
    let (_simulator, mut tenant) = receiver();
    tenant.exec("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (DROP token)");
    assert_eq!(ingest(&mut tenant.db, &report("c", "voicemail", 60)).outcome, "stored");
    tenant.sync("yesterday").expect("failed").says("401");
}

#[test]
fn a_vendor_without_webhooks_says_so() {
    let simulator = simulator();
    let mut tenant = Tenant::of(&simulator);
    let error = tenant.refusal("SELECT * FROM df_ingest('acme', '{}', '{}')");
    assert_eq!(error.code().code(), "0A000");
}

/// What the rollup keeps and the calls do not say, and the other way round.
const UNCOUNTED: &str = "WITH computed AS (
        SELECT to_jsonb(d) - 'changed_at' AS row FROM dialfire.stats_of('acme', ARRAY(
            SELECT DISTINCT day FROM dialfire.voice_calls WHERE tenant = 'acme')) d
    ), kept AS (SELECT to_jsonb(d) - 'changed_at' AS row FROM dialfire.daily_stats d WHERE tenant = 'acme')
    SELECT COALESCE(jsonb_agg(x), '[]') FROM (
        SELECT 'kept' AS only, row FROM (TABLE kept EXCEPT TABLE computed) k
        UNION ALL SELECT 'computed', row FROM (TABLE computed EXCEPT TABLE kept) c) x";

#[test]
fn a_tenant_that_only_receives_webhooks_has_its_kpis_after_each_message() {
    let (_simulator, mut tenant) = receiver();
    for (n, order) in orders(5).iter().enumerate().step_by(5) {
        let id = format!("order-{n}");
        let mut life = life(&id);
        // The assistant is named late, another kind of call is a test, and a day begins between two versions.
        life[0]["call"]["assistantId"] = json!(null);
        life[3]["call"]["assistantId"] = json!(["a1", "a2"][n % 2]);
        if n % 3 == 0 {
            life[4]["call"]["type"] = json!("webCall");
        }
        if n % 4 == 0 {
            life[2]["call"]["createdAt"] = json!("2026-11-07T10:00:00.000Z");
        }
        for at in order {
            ingest(&mut tenant.db, &life[*at]);
            assert_eq!(tenant.one::<Value>(UNCOUNTED, &[]), json!([]), "{order:?} at {at}");
        }
    }
    let rows = tenant.count("daily_stats");
    assert!(rows >= 3, "{rows} rows prove nothing");
    let kpis: (i64, i64) = {
        let row = tenant
            .db
            .query_one(
                "SELECT sum(attempts)::bigint, sum(connects)::bigint FROM dialfire.tenant_daily WHERE tenant = 'acme'",
                &[],
            )
            .unwrap();
        (row.get(0), row.get(1))
    };
    let calls: i64 = tenant.one("SELECT count(*) FROM dialfire.calls WHERE counts", &[]);
    assert_eq!(kpis, (calls, calls));
}

#[test]
fn webhooks_at_once_and_beside_a_sync_are_all_counted_and_none_waits_in_a_ring() {
    let (simulator, mut tenant) = receiver();
    for n in 0..40 {
        let mut call = queued(&format!("c{n}"), 30);
        call["assistantId"] = json!(format!("a{}", n % 3));
        put(&simulator, &call);
    }
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let mut db = tenant.connect();
            std::thread::spawn(move || {
                for n in 0..60 {
                    // Two senders tell of each call, in opposite order.
                    let n = if sender % 2 == 0 { n } else { 59 - n };
                    let id = format!("c{}", n / 2 * 2 + sender / 2);
                    let mut message = match (n + sender) % 3 {
                        0 => status_update(&id, "in-progress", 5),
                        1 => report(&id, "customer-ended-call", 60),
                        _ => report(&id, "voicemail", 50),
                    };
                    message["call"]["createdAt"] = json!(ago(30));
                    message["call"]["assistantId"] = json!(format!("a{}", (n + sender) % 3));
                    assert_eq!(ingest(&mut db, &message).http_status, 200);
                }
            })
        })
        .collect();
    for _ in 0..5 {
        tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    }
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert_eq!(tenant.one::<Value>(UNCOUNTED, &[]), json!([]));
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.calls", &[]), 60);
    let deadlocks: i64 = tenant.one("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()", &[]);
    assert_eq!(deadlocks, 0);
}
