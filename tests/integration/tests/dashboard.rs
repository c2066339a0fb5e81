//! The one list of calls as a dashboard needs it. Each change of the brief that this replaces, and the test that keeps it:
//!
//! | change | test |
//! | --- | --- |
//! | table of hot lead alerts | `recent_activity_shows_hot_leads_and_calls_with_their_callers`, `webhooks::a_rule_hits_a_call_once_however_often_it_comes` |
//! | column `is_test_call` | `test_calls_are_left_out_unless_they_are_asked_for` |
//! | `from_number` the same as `phone_number` | `every_column_that_a_dashboard_asks_for_is_there_and_the_phone_is_e164` |
//! | no duplicates by an id that is null | `a_call_is_one_row_whoever_tells_of_it_and_an_id_cannot_be_missing` |
//! | every reason has a status, none is completed by default | `tests/pg_regress/sql/vapi.sql`, `webhooks::an_update_alone_tells_why_a_call_never_began` |
//! | a message without `call.id` is refused | `webhooks::a_message_without_the_id_of_its_call_is_refused` |
//! | test flag from the type, or from metadata | `test_calls_are_left_out_unless_they_are_asked_for` |
//! | an absent value clears none that is known | `webhooks::every_order_of_the_same_messages_ends_in_the_same_row_and_no_step_goes_back` |
//! | link to the contact | `a_caller_has_a_name_and_never_a_direction`, `one_number_is_one_contact_however_it_was_written` |
//! | `caller_name` is no direction | `a_caller_has_a_name_and_never_a_direction` |
//! | search by number and name | `the_search_finds_numbers_in_any_notation_callers_and_agents`, `calls_of_other_vendors_are_found_by_number_caller_and_agent_too` |
//! | one number, the better one | `every_column_that_a_dashboard_asks_for_is_there_and_the_phone_is_e164` |
//! | no test calls by default | `test_calls_are_left_out_unless_they_are_asked_for` |
//! | every column is selected | `every_column_that_a_dashboard_asks_for_is_there_and_the_phone_is_e164` |
//! | no second log of the same call | `a_call_is_one_row_whoever_tells_of_it_and_an_id_cannot_be_missing` |
//! | calls of the test button are test calls | `attempts_of_ones_own_table_are_calls_from_queued_on_and_importing_again_is_free` |
//! | the figures come without an error | `the_figures_of_a_range_are_those_of_its_calls` |
//! | queued calls appear (its known limitation) | `vapi::an_organisation_whose_four_calls_never_began_shows_four_calls` |

use integration::place::PATIENCE;
use integration::tenant::Tenant;
use integration::vapi::{ago, believe_webhooks, ingest, put, queued, report, simulator, status_update, tenant, ORG};
use serde_json::{json, Value};

fn receiver() -> (integration::simulator::Simulator, Tenant) {
    let simulator = simulator();
    let mut tenant = tenant(&simulator, "");
    believe_webhooks(&mut tenant);
    (simulator, tenant)
}

/// A report of a call that ended so many minutes ago.
fn recent(id: &str, minutes: i64, change: impl FnOnce(&mut Value)) -> Value {
    let mut message = report(id, "customer-ended-call", 60);
    for field in ["createdAt", "updatedAt"] {
        message["call"][field] = json!(ago(minutes + 1));
    }
    message["timestamp"] = json!(ago(minutes));
    message["startedAt"] = json!(ago(minutes + 1));
    message["endedAt"] = json!(ago(minutes));
    change(&mut message);
    message
}

fn found(tenant: &mut Tenant, search: &str) -> Vec<String> {
    tenant.one(
        "SELECT COALESCE(array_agg(call_id ORDER BY call_id), '{}') FROM df_dashboard_calls('acme', $1::text)",
        &[&search],
    )
}

fn caller(tenant: &mut Tenant, id: &str) -> String {
    tenant.one("SELECT caller_name FROM dialfire.dashboard_calls WHERE call_id = $1", &[&id])
}

/// The table of the brief, with the four attempts of an organisation and one of another.
const TRACKING: &str = "CREATE TABLE call_tracking (id serial PRIMARY KEY, org_id uuid, vapi_call_id text, phone text, called_at timestamptz,
        call_outcome text, metadata jsonb);
    INSERT INTO call_tracking (org_id, vapi_call_id, phone, called_at, call_outcome, metadata) VALUES
        ('35b0465d-b9f6-4ae9-9cb3-62f7208cdc2e', 'v1', '+14155550101', now() - interval '3 h', 'queued', '{\"channel\": \"outbound\"}'),
        ('35b0465d-b9f6-4ae9-9cb3-62f7208cdc2e', 'v2', '(415) 555-0102', now() - interval '3 h', 'queued', NULL),
        ('35b0465d-b9f6-4ae9-9cb3-62f7208cdc2e', 'v3', NULL, now() - interval '3 h', 'queued', '{\"is_test_call\": true}'),
        ('35b0465d-b9f6-4ae9-9cb3-62f7208cdc2e', NULL, '+14155550104', now() - interval '3 h', 'queued', '{\"api_key\": \"k-secret\"}'),
        ('11111111-b9f6-4ae9-9cb3-62f7208cdc2e', 'x1', '+14155550105', now() - interval '3 h', 'completed', NULL)";
const MAPPING: &str = r#"{"tenant": "acme", "filter": {"org_id": "35b0465d-b9f6-4ae9-9cb3-62f7208cdc2e"}}"#;

#[test]
fn attempts_of_ones_own_table_are_calls_from_queued_on_and_importing_again_is_free() {
    let (_simulator, mut tenant) = receiver();
    tenant.exec(TRACKING);
    let import = format!("SELECT rows || ' ' || inserted || ' ' || updated || ' ' || unchanged FROM df_import_tracking('call_tracking', '{MAPPING}')");
    assert_eq!(tenant.one::<String>(&import, &[]), "4 4 0 0");
    assert_eq!(tenant.one::<String>(&import, &[]), "4 0 0 4");
    let calls: Vec<String> = tenant.one("SELECT array_agg(concat_ws(' ', call_id, status, direction, is_test, phone) ORDER BY call_id) FROM dialfire.calls", &[]);
    assert_eq!(
        calls,
        [
            "tracking:4 queued f +14155550104",
            "v1 queued outbound f +14155550101",
            "v2 queued f +14155550102",
            "v3 queued t"
        ]
    );
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.voice_calls v WHERE v::text LIKE '%secret%'", &[]), 0);
}

#[test]
fn the_vendors_word_outranks_an_attempt_and_a_call_never_shows_twice() {
    let (simulator, mut tenant) = receiver();
    tenant.exec(TRACKING);
    let import = format!("SELECT inserted + updated FROM df_import_tracking('call_tracking', '{MAPPING}')");
    tenant.one::<i64>(&import, &[]);
    let mut call = queued("v1", 180);
    call["status"] = json!("ended");
    call["endedReason"] = json!("call.start.error-get-transport");
    put(&simulator, &call);
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    tenant.exec("UPDATE call_tracking SET vapi_call_id = 'v4' WHERE id = 4");
    assert_eq!(tenant.one::<i64>(&import, &[]), 1);
    let calls: Vec<String> =
        tenant.one("SELECT array_agg(call_id || ' ' || status ORDER BY call_id) FROM dialfire.calls", &[]);
    assert_eq!(calls, ["v1 failed", "v2 queued", "v3 queued", "v4 queued"]);
    let reason: String = tenant.one("SELECT reason FROM dialfire.stuck_calls WHERE call_id = 'v2'", &[]);
    assert!(reason.contains("no such call"), "{reason}");
}

#[test]
fn a_mapping_that_fits_nothing_is_refused_and_an_attempt_without_a_time_quarantined() {
    let (_simulator, mut tenant) = receiver();
    tenant.exec(TRACKING);
    for (mapping, says) in [
        ("{}", "name the tenant"),
        (r#"{"tenant": "acme", "number": "phone"}"#, "nothing that is read"),
        (r#"{"tenant": "acme", "phone": "fone"}"#, "no column \"fone\""),
        (r#"{"tenant": "acme", "filter": {"org": "1"}}"#, "no column \"org\""),
    ] {
        let error = tenant.refusal(&format!("SELECT * FROM df_import_tracking('call_tracking', '{mapping}')"));
        assert!(error.detail().unwrap_or_default().contains(says), "{error:?}");
    }
    assert_eq!(
        tenant.refusal("SELECT * FROM df_import_tracking('nowhere', '{\"tenant\": \"acme\"}')").code().code(),
        "42P01"
    );
    tenant.exec(
        "INSERT INTO call_tracking (vapi_call_id, org_id) VALUES ('timeless', '35b0465d-b9f6-4ae9-9cb3-62f7208cdc2e')",
    );
    let rejected: i64 =
        tenant.one(&format!("SELECT rejected FROM df_import_tracking('call_tracking', '{MAPPING}')"), &[]);
    assert_eq!((rejected, tenant.count("voice_calls")), (1, 4));
}

#[test]
fn a_table_is_imported_with_the_rights_of_the_caller() {
    let (_simulator, mut tenant) = receiver();
    tenant.exec(TRACKING);
    let mut other = tenant.connect_as("importer");
    let role = format!("{}_importer", tenant.database);
    tenant.exec(&format!(
        "CALL df_grant('acme', '{role}'); CREATE USER MAPPING FOR {role} SERVER acme OPTIONS (token 't')"
    ));
    let error = integration::tenant::refusal(
        &mut other,
        &format!("SELECT * FROM df_import_tracking('call_tracking', '{MAPPING}')"),
    );
    assert_eq!(error.code().code(), "42501");
}

#[test]
fn a_caller_has_a_name_and_never_a_direction() {
    let (_simulator, mut tenant) = receiver();
    ingest(&mut tenant.db, &recent("named", 30, |m| m["customer"]["name"] = json!("Maria Lopez")));
    ingest(&mut tenant.db, &recent("directed", 20, |m| m["customer"]["name"] = json!("outbound")));
    ingest(
        &mut tenant.db,
        &recent("stranger", 10, |m| {
            m["customer"] = json!({"number": "+14155550199"});
            m["call"]["customer"] = json!({"number": "+14155550199"});
        }),
    );
    ingest(
        &mut tenant.db,
        &recent("nobody", 5, |m| {
            m["customer"] = json!({});
            m["call"]["customer"] = json!({});
        }),
    );
    assert_eq!(caller(&mut tenant, "named"), "Maria Lopez");
    assert_eq!(caller(&mut tenant, "directed"), "Maria Lopez", "who called before under that number");
    assert_eq!(caller(&mut tenant, "stranger"), "+14155550199");
    assert_eq!(caller(&mut tenant, "nobody"), "Unknown caller");
    tenant.exec("INSERT INTO dialfire.contacts (tenant, id, phone, fields) VALUES ('acme', 'K7', '+14155550199', '{\"name\": \"Jo Own\"}')");
    assert_eq!(caller(&mut tenant, "stranger"), "Jo Own");
    let contact: String = tenant.one("SELECT contact_id FROM dialfire.calls WHERE call_id = 'stranger'", &[]);
    assert_eq!(contact, "K7", "linked by phone");
}

#[test]
fn one_number_is_one_contact_however_it_was_written() {
    let (_simulator, mut tenant) = receiver();
    for (n, written) in ["+14155550123", "(415) 555-0123", "415.555.0123", "001 415 555 0123"].into_iter().enumerate() {
        ingest(
            &mut tenant.db,
            &recent(&format!("c{n}"), 10, |m| {
                m["customer"] = json!({"number": written});
                m["call"]["customer"] = json!({"number": written});
            }),
        );
    }
    assert_eq!(tenant.one::<i64>("SELECT count(DISTINCT contact_id) FROM dialfire.calls", &[]), 1);
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.calls", &[]), 4);
}

#[test]
fn the_search_finds_numbers_in_any_notation_callers_and_agents() {
    let (simulator, mut tenant) = receiver();
    ingest(&mut tenant.db, &recent("maria", 30, |m| m["customer"]["name"] = json!("Maria Lopez")));
    ingest(
        &mut tenant.db,
        &recent("german", 20, |m| {
            m["customer"] = json!({"number": "+49 151 23456789", "name": "Zoë 100%"});
            m["call"]["customer"] = m["customer"].clone();
            m["call"]["assistantId"] = json!("a0000000-0000-4000-8000-000000000002");
        }),
    );
    tenant.sync("last 2 days").expect("success");
    for with_index in [false, true] {
        if with_index {
            tenant.exec("CALL df_enable_search()");
        }
        for number in ["+14155550123", "(415) 555-0123", "415-555", "5550123", "+1 415"] {
            assert_eq!(found(&mut tenant, number), ["maria"], "{number}");
        }
        for number in ["0151 2345", "+49 (0)151 234", "004915123456789"] {
            assert_eq!(found(&mut tenant, number), ["german"], "{number}");
        }
        assert_eq!(found(&mut tenant, "LOPEZ"), ["maria"]);
        assert_eq!(found(&mut tenant, "zoë"), ["german"]);
        assert_eq!(found(&mut tenant, "bruno"), ["german"], "the assistant");
        assert_eq!(found(&mut tenant, "100%"), ["german"], "no pattern");
        assert_eq!(found(&mut tenant, "1_0"), Vec::<String>::new());
        assert_eq!(found(&mut tenant, ""), ["german", "maria"]);
    }
    drop(simulator);
}

#[test]
fn test_calls_are_left_out_unless_they_are_asked_for() {
    let (_simulator, mut tenant) = receiver();
    ingest(&mut tenant.db, &recent("real", 30, |_| {}));
    ingest(&mut tenant.db, &recent("web", 20, |m| m["call"]["type"] = json!("webCall")));
    ingest(&mut tenant.db, &recent("flagged", 10, |m| m["call"]["metadata"] = json!({"is_test_call": true})));
    ingest(
        &mut tenant.db,
        &recent("variable", 5, |m| {
            m["call"]["assistantOverrides"] = json!({"variableValues": {"is_test_call": "true"}})
        }),
    );
    assert_eq!(found(&mut tenant, ""), ["real"]);
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM df_dashboard_calls('acme', include_test => true)", &[]), 4);
    let stats =
        tenant.db.query_one("SELECT calls, test_calls FROM df_dashboard_stats('acme', 'last 2 days')", &[]).unwrap();
    assert_eq!((stats.get::<_, i64>(0), stats.get::<_, i64>(1)), (1, 3));
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.recent_activity", &[]), 1);
}

#[test]
fn the_figures_of_a_range_are_those_of_its_calls() {
    let (simulator, mut tenant) = receiver();
    tenant.exec("SELECT df_alert_rule('acme', 'hot_lead', '$.analysis.structuredData.leadScore >= 70')");
    ingest(&mut tenant.db, &recent("done", 30, |_| {}));
    ingest(
        &mut tenant.db,
        &recent("missed", 20, |m| {
            m["endedReason"] = json!("customer-did-not-answer");
            m["analysis"] = json!({});
        }),
    );
    put(&simulator, &queued("open", 10));
    tenant.sync("last 2 days").expect("success");
    let figures: String = tenant.one(
        "SELECT concat_ws(' ', calls, outbound, completed, unanswered, open, answer_rate, talk_minutes, average_seconds, cost, hot_leads)
         FROM df_dashboard_stats('acme', 'last 2 days')",
        &[],
    );
    assert_eq!(figures, "3 3 1 1 1 50.0 1.0 60.0 0.1024 1");
    let nothing: String =
        tenant.one("SELECT concat_ws(' ', calls, cost) FROM df_dashboard_stats('acme', '2020-01-01')", &[]);
    assert_eq!(nothing, "0 0");
}

#[test]
fn recent_activity_shows_hot_leads_and_calls_with_their_callers() {
    let (_simulator, mut tenant) = receiver();
    tenant.exec("SELECT df_alert_rule('acme', 'hot_lead', '$.analysis.structuredData.leadScore >= 70', 'critical', 'call back today')");
    ingest(&mut tenant.db, &recent("hot", 30, |_| {}));
    let seen: Vec<String> = tenant.one(
        "SELECT array_agg(concat_ws(' | ', kind, call_id, caller_name, what) ORDER BY kind DESC) FROM dialfire.recent_activity",
        &[],
    );
    assert_eq!(
        seen,
        ["hot_lead | hot | Maria Lopez | call back today", "call | hot | Maria Lopez | completed: She books."]
    );
    let row = tenant.db.query_one("SELECT lead_score::text, cost::text FROM df_dashboard_calls('acme')", &[]).unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("85", "0.0512"));
}

#[test]
fn every_column_that_a_dashboard_asks_for_is_there_and_the_phone_is_e164() {
    let (_simulator, mut tenant) = receiver();
    ingest(
        &mut tenant.db,
        &recent("c", 30, |m| {
            m["customer"] = json!({"number": "(415) 555-0123", "name": "Maria Lopez"});
            m["call"]["customer"] = m["customer"].clone();
            m["analysis"]["structuredData"]["sentiment"] = json!("positive");
        }),
    );
    let row: Value = tenant.one("SELECT to_jsonb(c) FROM df_dashboard_calls('acme') c", &[]);
    assert_eq!((&row["phone"], &row["sentiment"]), (&json!("+14155550123"), &json!("positive")));
    for column in [
        "status",
        "direction",
        "is_test",
        "caller_name",
        "duration_ms",
        "contact_id",
        "summary",
        "recording_location",
        "started_at",
    ] {
        assert!(!row[column].is_null(), "{column} of {row}");
    }
}

#[test]
fn a_call_is_one_row_whoever_tells_of_it_and_an_id_cannot_be_missing() {
    let (simulator, mut tenant) = receiver();
    ingest(&mut tenant.db, &status_update("c", "queued", 1));
    ingest(&mut tenant.db, &report("c", "customer-ended-call", 60));
    let mut nameless = queued("x", 10);
    nameless["id"] = json!(null);
    put(&simulator, &nameless);
    tenant.sync("last 2 days").expect("partial");
    assert_eq!(tenant.count("voice_calls"), 1);
    let error = tenant.refusal("INSERT INTO dialfire.voice_calls (tenant, id, seen) VALUES ('acme', NULL, '{}')");
    assert_eq!(error.code().code(), "23502");
}

#[test]
fn who_may_not_use_the_tenant_finds_nothing() {
    let (_simulator, mut tenant) = receiver();
    ingest(&mut tenant.db, &recent("c", 30, |_| {}));
    let mut other = tenant.connect_as("onlooker");
    let role = format!("{}_onlooker", tenant.database);
    for call in ["df_find_calls('acme', '415')", "df_dashboard_calls('acme')", "df_dashboard_stats('acme')"] {
        assert_eq!(
            integration::tenant::refusal(&mut other, &format!("SELECT * FROM {call}")).code().code(),
            "42501",
            "{call}"
        );
    }
    tenant.exec(&format!("CALL df_grant('acme', '{role}')"));
    let count: i64 = other.query_one("SELECT count(*) FROM df_dashboard_calls('acme', '415')", &[]).unwrap().get(0);
    assert_eq!(count, 1);
}

/// A hundred thousand calls of ten assistants, of two weeks, and ten thousand contacts.
fn many() -> (integration::simulator::Simulator, Tenant) {
    let (simulator, mut tenant) = receiver();
    tenant.exec(&format!(
        "INSERT INTO dialfire.agents (tenant, id, login) SELECT 'acme', 'a' || n, 'Assistant ' || chr(64 + n) || repeat('q', n)
            FROM generate_series(1, 10) n;
         INSERT INTO dialfire.contacts (tenant, id, phone, fields)
            SELECT 'acme', 'k' || n, '+1' || (2000000000 + n * 7919::bigint)::text, jsonb_build_object('name', 'Contact ' || md5(n::text))
            FROM generate_series(1, 10000) n;
         INSERT INTO dialfire.voice_calls (tenant, id, org_id, vendor_status, ended_reason, direction, created_at, started_at, ended_at, day,
            assistant_id, customer_number, customer_e164, customer_name, is_test, cost, seen)
         SELECT 'acme', 'c' || n, '{ORG}', 'ended', (ARRAY['customer-ended-call', 'voicemail', 'customer-busy'])[1 + n % 3],
            (ARRAY['inbound', 'outbound'])[1 + n % 2], at, at, at + interval '1 min', (at AT TIME ZONE 'America/New_York')::date,
            'a' || 1 + n % 10, number, number, CASE WHEN n % 2 = 0 THEN 'Caller ' || md5(n::text) END, n % 10 = 0, 0.01, '{{}}'
         FROM generate_series(1, 100000) n,
            LATERAL (SELECT '+1' || (2000000000 + n * 7919::bigint)::text AS number, now() - n * interval '12 s' AS at) p;
         INSERT INTO dialfire.alerts (tenant, rule, subject, message, at)
         SELECT 'acme', 'hot_lead', id, 'hot', created_at FROM dialfire.voice_calls WHERE id LIKE '%7';
         CALL df_enable_search();"
    ));
    tenant.exec("VACUUM ANALYZE dialfire.voice_calls, dialfire.contacts, dialfire.alerts, dialfire.agents");
    (simulator, tenant)
}

/// The best of some times, in milliseconds; the others are those of a busy machine, which is given a while to be within the limit.
fn milliseconds(tenant: &mut Tenant, sql: &str, limit: f64) -> f64 {
    let begun = std::time::Instant::now();
    let mut best = f64::MAX;
    let mut times = 0;
    while times < 7 || best >= limit && begun.elapsed() < PATIENCE {
        let begun = std::time::Instant::now();
        tenant.db.query(sql, &[]).unwrap();
        best = best.min(begun.elapsed().as_secs_f64() * 1000.0);
        times += 1;
    }
    best
}

#[test]
fn a_hundred_thousand_calls_are_searched_within_twenty_milliseconds() {
    let (_simulator, mut tenant) = many();
    // c71234 has +12564102046, and no name; c71236 has one.
    let name: String = tenant.one("SELECT lower(customer_name) FROM dialfire.voice_calls WHERE id = 'c71236'", &[]);
    let contact: String = tenant.one("SELECT fields ->> 'name' FROM dialfire.contacts WHERE id = 'k6001'", &[]);
    for (search, finds) in [
        ("+12564102046", "c71234"),
        ("(256) 410-2046", "c71234"),
        ("4102046", "c71234"),
        ("001 256 410.204", "c71234"),
        (&name[3..20], "c71236"),
        (&contact[10..30], "c6001"),
        ("qqqqqqqqqq", "c9"),
        // Few characters: the newest calls that fit.
        ("7", "c1"),
        ("27", ""),
        ("ca", "c2"),
        ("q", ""),
        ("zzz", ""),
        ("", "c1"),
    ] {
        let found: Vec<String> = tenant.one("SELECT df_find_calls('acme', $1::text)", &[&search]);
        assert!(finds.is_empty() || found.contains(&finds.to_owned()), "{search}: {found:?}");
        let best = milliseconds(&mut tenant, &format!("SELECT df_find_calls('acme', '{search}')"), 20.0);
        println!("searched \"{search}\" in {best:.1} ms, {} found", found.len());
        assert!(best < 20.0, "{search}: {best:.1} ms");
    }
    let plan: Vec<String> = tenant
        .db
        .query("EXPLAIN SELECT id FROM dialfire.voice_calls WHERE tenant = 'acme' AND search LIKE '%4102046%'", &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(plan.iter().any(|line| line.contains("Bitmap Index Scan on voice_calls_search")), "{plan:#?}");
}

#[test]
fn the_figures_and_the_news_of_a_hundred_thousand_calls_come_at_once() {
    let (_simulator, mut tenant) = many();
    let expected: String = tenant.one(
        "SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE direction = 'inbound'), count(*) FILTER (WHERE status = 'completed'),
            round(sum(talk_ms) / 60000.0, 1), (SELECT count(*) FROM dialfire.alerts a JOIN dialfire.voice_calls v ON v.id = a.subject
                WHERE NOT v.is_test)) FROM dialfire.calls WHERE NOT is_test", &[]);
    let figures: String = tenant.one(
        "SELECT concat_ws(' ', calls, inbound, completed, talk_minutes, hot_leads) FROM df_dashboard_stats('acme', 'last 20 days')", &[]);
    assert_eq!(figures, expected);
    let stats = milliseconds(&mut tenant, "SELECT * FROM df_dashboard_stats('acme', 'last 20 days')", 300.0);
    let news = milliseconds(
        &mut tenant,
        "SELECT * FROM dialfire.recent_activity WHERE tenant = 'acme' ORDER BY at DESC LIMIT 10",
        50.0,
    );
    println!("figures in {stats:.1} ms, news in {news:.1} ms");
    assert!(stats < 300.0, "{stats:.1} ms");
    assert!(news < 50.0, "{news:.1} ms");
}

#[test]
fn calls_of_other_vendors_are_found_by_number_caller_and_agent_too() {
    let (_simulator, mut tenant) = receiver();
    tenant.exec(
        "INSERT INTO dialfire.agents (tenant, id, login) VALUES ('acme', 'u1', 'anna.b');
         INSERT INTO dialfire.contacts (tenant, id, fields) VALUES ('acme', 'k1', '{\"AP_Vorname\": \"Zoë\", \"AP_Nachname\": \"Weiß\"}');
         INSERT INTO dialfire.transactions (tenant, id, campaign_id, contact_id, fired, day, is_human, user_id, phone) VALUES
            ('acme', 't1', 'K', 'k1', now(), current_date, true, 'u1', NULL),
            ('acme', 't2', 'K', NULL, now(), current_date, true, NULL, '+49 151 2345');
         INSERT INTO dialfire.connections SELECT * FROM jsonb_populate_record(NULL::dialfire.connections, jsonb_build_object('tenant', 'acme',
            'id', 'l1', 'transaction_id', 't1', 'phone', '0043-660-77', 'day', current_date, 'is_main', true, 'stored_at', now(), 'changed_at', now()));
         INSERT INTO dialfire.inbound_calls (tenant, id, campaign_id, started, day, remote_number)
            VALUES ('acme', 'i1', 'K', now(), current_date, '+41 44 999')",
    );
    for with_index in [false, true] {
        if with_index {
            tenant.exec("CALL df_enable_search()");
        }
        for (search, expected) in [
            ("anna", "t1"),
            ("weiß", "t1"),
            ("zo", "t1"),
            ("66077", "t1"),
            ("77", "t1"),
            ("1512", "t2"),
            ("44999", "i1"),
            ("99", "i1"),
        ] {
            assert_eq!(found(&mut tenant, search), [expected], "{search}");
        }
        assert_eq!(found(&mut tenant, "").len(), 3);
    }
}
