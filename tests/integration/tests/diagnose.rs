//! Why is this call missing? Vendor against database, call by call, and the repair.

use integration::simulator::{Simulator, ALL};
use integration::tenant::{Tenant, LOCATION};
use integration::vapi;
use serde_json::{json, Value};

const DAY: &str = "[2025-01-15 00:00+00,2025-01-16 00:00+00)";

fn location() -> Simulator {
    let simulator = Simulator::with(&["--days", "1", "--calls-per-day", "1"]);
    simulator.delete("highlevel");
    simulator
}

fn generate(simulator: &Simulator, calls: u64, agents: u64, first_agent: u64, deleted: bool) {
    let plan = json!({"calls": calls, "from": "2025-01-15T00:00:00Z", "to": "2025-01-16T00:00:00Z", "agents": agents,
        "first_agent": first_agent, "deleted": deleted, "seed": first_agent});
    simulator.post("highlevel", json!({"generate": plan}));
}

fn log(id: &str, at: &str, agent: Option<&str>) -> Value {
    json!({"id": id, "agentId": agent, "isAgentDeleted": false, "createdAt": at, "duration": 60, "trialCall": false,
        "summary": "s", "transcript": "bot:a\n", "executedCallActions": [], "fromNumber": "+1234567890"})
}

fn diagnose(tenant: &mut Tenant, range: &str) -> Value {
    tenant.one("SELECT df_diagnose('acme', $1::text)", &[&range])
}

/// The numbers of the brief: 245 at the vendor, 142 that count here, 95 + 5 + 3 that do not.
fn brief() -> (Simulator, Tenant) {
    let simulator = location();
    generate(&simulator, 142, 2, 0, false);
    generate(&simulator, 95, 1, 10, false);
    generate(&simulator, 5, 1, 20, true);
    let nameless: Vec<Value> = (0..3).map(|n| log(&format!("none{n}"), "2025-01-15T10:30:00Z", None)).collect();
    simulator.post("highlevel", json!({ "calls": nameless }));
    let mut tenant = Tenant::highlevel(&simulator, "");
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM df_fetch_agents('acme')", &[]), 3);
    for agent in ["Agent 1", "Agent 2"] {
        tenant.one::<i64>("SELECT df_assign_agent('acme', $1)", &[&agent]);
    }
    let run = tenant.sync(DAY);
    run.expect("success");
    assert_eq!((run.fetched, run.skipped), (245, 103), "{run:?}");
    let expected = json!({"agent_not_assigned_to_user": 95, "agent_not_in_system": 5, "no_agent_id_in_call": 3});
    assert_eq!(run.reasons, expected);
    (simulator, tenant)
}

#[test]
fn the_example_of_the_brief_has_the_same_numbers_in_the_same_document() {
    let (simulator, mut tenant) = brief();
    let saved: i64 = tenant.one("SELECT count(*) FROM dialfire.calls WHERE counts", &[]);
    assert_eq!((saved, tenant.count("transactions")), (142, 245), "all are stored, 142 count");
    // Two calls go at the vendor, two come that nobody can read: 140 match, 2 are only here.
    let mut bad = [log("bad0", "2025-01-15T11:00:00Z", None), log("bad1", "2025-01-15T11:00:00Z", None)];
    bad.iter_mut().for_each(|call| call["duration"] = json!("long"));
    simulator
        .post("highlevel", json!({"delete": ["6a3547b12b6a75f600000000", "6a3547b12b6a75f600000001"], "calls": bad}));
    tenant.sync(DAY).expect("partial");
    let report = diagnose(&mut tenant, DAY);
    let summary = &report["summary"];
    let numbers = ["highlevelTotal", "databaseTotal", "matching", "missingInDatabase", "extraInDatabase", "rejected"];
    assert_eq!(numbers.map(|name| summary[name].as_i64().unwrap()), [245, 142, 140, 103, 2, 2], "{summary}");
    assert_eq!(summary["dateRange"], json!({"start": "2025-01-15T00:00:00Z", "end": "2025-01-16T00:00:00Z"}));
    let reasons = json!({"agent_not_assigned_to_user": 95, "agent_not_in_system": 5, "no_agent_id_in_call": 3});
    assert_eq!(report["reasonBreakdown"], reasons);
    let missing = report["missingCalls"].as_array().unwrap();
    assert_eq!(missing.len(), 103);
    let one = missing.iter().find(|call| call["callId"] == "none0").unwrap();
    assert_eq!(
        *one,
        json!({"callId": "none0", "status": "only_highlevel", "agentId": null, "agentStatus": "none", "detail": null,
            "reason": "no_agent_id_in_call", "fromNumber": "+1234567890", "callDate": "2025-01-15T10:30:00Z"})
    );
    let agents = &report["agentAnalysis"];
    assert_eq!((&agents["totalAgentsInCalls"], &agents["assignedToUser"]), (&json!(4), &json!(2)));
    let engaged = agents["unassignedAgents"].as_array().unwrap().iter().find(|agent| agent["callCount"] == 95).unwrap();
    assert_eq!((&engaged["name"], &engaged["inSystem"]), (&json!("Agent 11"), &json!(true)));
    assert_eq!(engaged["highlevelId"], json!("6a35206c88ba8e0f0000000a"));
    // The same as rows, and in the ledger.
    let rows: i64 = tenant.one("SELECT count(*) FROM df_diagnose_calls('acme', $1::text)", &[&DAY]);
    assert_eq!(rows, 103 + 2 + 2);
    let kinds: i64 =
        tenant.one("SELECT count(*) FROM dialfire.runs WHERE kind = 'diagnostic' AND status = 'success'", &[]);
    assert_eq!(kinds, 2);
}

#[test]
fn the_queries_of_the_brief_run_unchanged() {
    let (_simulator, mut tenant) = brief();
    diagnose(&mut tenant, DAY);
    let rows = tenant
        .db
        .query(
            "SELECT
               sync_started_at,
               sync_type,
               sync_status,
               processing_summary->'saved' as calls_saved,
               processing_summary->'skipped' as calls_skipped,
               processing_summary->'skipReasons' as skip_reasons,
               duration_ms
             FROM call_sync_logs
             WHERE user_id = 'acme'
             ORDER BY sync_started_at DESC
             LIMIT 10",
            &[],
        )
        .unwrap();
    let rows: Vec<(&str, &str, Value, Value)> =
        rows.iter().map(|row| (row.get(1), row.get(2), row.get(3), row.get(4))).collect();
    assert_eq!(rows[0], ("diagnostic", "success", json!(142), json!(103)));
    assert_eq!(rows[1], ("manual", "success", json!(142), json!(103)));
    assert_eq!(rows.len(), 2);
    let row = tenant
        .db
        .query_one("SELECT api_params, api_response_summary, skipped_calls, logs FROM call_sync_logs WHERE sync_type = 'manual'", &[])
        .unwrap();
    let [params, summary, skipped] = [0, 1, 2].map(|column| row.get::<_, Value>(column));
    assert_eq!((&params["locationId"], &params["pageSize"]), (&json!(LOCATION), &json!(50)));
    assert_eq!(summary["totalFetched"], json!(245));
    assert_eq!(skipped.as_array().unwrap().len(), 100);
    let lines: Vec<String> = row.get(3);
    let tags = [
        "[INIT] run",
        "[DATE] from",
        "[API] 6 pages",
        "[FILTER] 95 agent_not_assigned",
        "[SAVE] 245",
        "[COMPLETE] success",
    ];
    for tag in tags {
        assert!(lines.iter().any(|line| line.starts_with(tag)), "{tag}: {lines:#?}");
    }
    let cleaned: String = tenant.one("SELECT cleanup_old_sync_logs()", &[]);
    assert!(cleaned.starts_with("acme: removed"), "{cleaned}");
}

#[test]
fn users_see_the_syncs_of_their_tenants_and_administrators_all() {
    let (_simulator, mut tenant) = brief();
    tenant.exec(
        "CREATE SERVER other FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'highlevel', account 've9EPM428h8vShlRW1KT');
         INSERT INTO dialfire.runs (tenant, kind, status, role) VALUES ('other', 'sync', 'success', current_user)",
    );
    let seen = "SELECT COALESCE(string_agg(DISTINCT user_id, ' ' ORDER BY user_id), '') FROM call_sync_logs";
    let lines = "SELECT COALESCE(string_agg(DISTINCT tenant, ' ' ORDER BY tenant), '') FROM dialfire.run_log";
    for sql in [seen, lines] {
        assert_eq!(tenant.one::<String>(sql, &[]), "acme other", "a superuser: {sql}");
    }
    let mut user = tenant.connect_as("user");
    let role = format!("{}_user", tenant.database);
    for (grant, expected) in
        [("", ""), ("CALL df_grant('acme', 'ROLE')", "acme"), ("CALL df_grant('other', 'ROLE')", "acme other")]
    {
        tenant.exec(&grant.replace("ROLE", &role));
        for sql in [seen, lines] {
            assert_eq!(user.query_one(sql, &[]).unwrap().get::<_, String>(0), expected, "{sql}");
        }
    }
    let tags: Vec<String> = tenant.one(
        "SELECT array_agg(tag ORDER BY line_no) FROM (SELECT DISTINCT ON (tag) tag, line_no FROM dialfire.run_log
            WHERE tenant = 'acme' ORDER BY tag, line_no) l",
        &[],
    );
    assert_eq!((tags.first().map(String::as_str), tags.last().map(String::as_str)), (Some("INIT"), Some("COMPLETE")));
}

#[test]
fn a_threshold_raises_one_alarm_an_episode() {
    let (_simulator, mut tenant) = brief();
    let alarms = |tenant: &mut Tenant| -> Vec<(String, bool)> {
        let rows = tenant.db.query("SELECT rule, ended_at IS NULL FROM dialfire.alerts ORDER BY id", &[]).unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    };
    assert_eq!(alarms(&mut tenant), [], "42 % do not count, the threshold is 50 %");
    assert_eq!(tenant.one::<i64>("SELECT df_alert_threshold('acme', 'skip_rate', 0.4)", &[]), 1);
    tenant.sync(DAY).expect("success");
    tenant.sync(DAY).expect("success");
    assert_eq!(alarms(&mut tenant), [("skip_rate".to_owned(), true)], "once an episode");
    tenant.one::<i64>("SELECT df_assign_agent('acme', 'Agent 11')", &[]);
    tenant.sync(DAY).expect("success");
    assert_eq!(alarms(&mut tenant), [("skip_rate".to_owned(), false)], "it has ended");
    tenant.one::<i64>("SELECT df_unassign_agent('acme', 'Agent 11')", &[]);
    tenant.sync(DAY).expect("success");
    assert_eq!(alarms(&mut tenant), [("skip_rate".to_owned(), false), ("skip_rate".to_owned(), true)]);
    let message: String = tenant.one("SELECT message FROM dialfire.alerts ORDER BY id LIMIT 1", &[]);
    assert_eq!(message, "acme: share of calls that do not count is 0.420, the threshold 0.4");
    assert_eq!(tenant.refusal("SELECT df_alert_threshold('acme', 'mood', 1)").code().code(), "22023");
}

#[test]
fn failing_runs_spikes_and_silence_are_told() {
    let (_simulator, mut tenant) = brief();
    tenant.exec(
        "INSERT INTO dialfire.runs (tenant, kind, status, role, started_at, finished_at, fetched, skip_reasons)
         SELECT 'acme', 'sync', CASE WHEN n > 18 THEN 'failed' ELSE 'success' END, current_user, now() - interval '10 hours',
                now() - interval '9 hours', 100, '{\"test_call\": 1}' FROM generate_series(1, 20) n;
         INSERT INTO dialfire.runs (tenant, kind, status, role, started_at, finished_at, fetched, skip_reasons)
         VALUES ('acme', 'sync', 'partial', current_user, now(), now(), 100, '{\"test_call\": 30}');
         DELETE FROM dialfire.runs WHERE kind = 'manual';
         SELECT df_schedule('acme', '10 minutes', 'sync');
         SELECT dialfire.check_thresholds('acme');",
    );
    let rules: Vec<String> = tenant.one("SELECT array_agg(rule ORDER BY rule) FROM dialfire.alerts", &[]);
    assert_eq!(rules, ["skip_spike", "stale_sync", "success_rate"]);
}

#[test]
fn assigning_an_agent_makes_his_stored_calls_count_at_once() {
    let (simulator, mut tenant) = brief();
    let counts = "SELECT count(*) FROM dialfire.calls WHERE counts";
    let kept = "SELECT COALESCE(sum(attempts + inbound), 0)::bigint FROM dialfire.daily_stats";
    assert_eq!((tenant.one::<i64>(counts, &[]), tenant.one::<i64>(kept, &[])), (142, 142));
    let rows = tenant
        .db
        .query("SELECT name, in_system, calls FROM dialfire.unassigned_agents ORDER BY calls DESC", &[])
        .unwrap();
    let rows: Vec<(Option<String>, bool, i64)> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert_eq!(rows, [(Some("Agent 11".to_owned()), true, 95), (None, false, 5)]);
    simulator.forget_requests();
    assert_eq!(tenant.one::<i64>("SELECT df_assign_agent('acme', 'Agent 11', 'sales')", &[]), 95);
    assert_eq!((tenant.one::<i64>(counts, &[]), tenant.one::<i64>(kept, &[])), (237, 237));
    assert_eq!(simulator.requests().len(), 0, "no new sync");
    assert_eq!(tenant.one::<i64>("SELECT df_unassign_agent('acme', 'Agent 11')", &[]), 95);
    assert_eq!((tenant.one::<i64>(counts, &[]), tenant.one::<i64>(kept, &[])), (142, 142));
    let refusal = tenant.refusal("SELECT df_assign_agent('acme', 'Nobody')");
    assert_eq!(refusal.code().code(), "42704");
    assert!(refusal.hint().unwrap().contains("df_fetch_agents"));
}

#[test]
fn every_reason_of_a_missing_call_is_told_and_repair_mends_what_can_be_mended() {
    let simulator = location();
    generate(&simulator, 100, 1, 0, false);
    let mut tenant = Tenant::highlevel(&simulator, "count_agents 'all', attempts '1'");
    let morning = "[2025-01-15 00:00+00,2025-01-15 12:00+00)";
    tenant.sync(morning).expect("success");
    simulator.fault("status", "call-logs", json!({"status": 500}));
    tenant.sync("[2025-01-15 12:00+00,2025-01-15 18:00+00)").expect("failed");
    simulator.heal();
    let agent = Some("6a35206c88ba8e0f00000000");
    simulator.post(
        "highlevel",
        json!({"delete": ["6a3547b12b6a75f600000003"], "calls": [log("late", "2025-01-15T01:00:00Z", agent)]}),
    );
    tenant.exec("UPDATE dialfire.transactions SET event_md5 = 'old' WHERE id = '6a3547b12b6a75f600000005'");
    let told = |tenant: &mut Tenant| -> Vec<(String, String, i64)> {
        let sql =
            "SELECT status, reason, count(*) FROM df_diagnose_calls('acme', $1::text) GROUP BY 1, 2 ORDER BY 1, 2";
        let rows = tenant.db.query(sql, &[&DAY]).unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    };
    let expected = [
        ("changed", "changed_since", 1),
        ("only_database", "deleted_at_vendor", 1),
        ("only_vendor", "late_arrival", 1),
        ("only_vendor", "not_covered_yet", 25),
        ("only_vendor", "window_failed", 25),
    ];
    assert_eq!(
        told(&mut tenant),
        expected.map(|(status, reason, calls)| (status.to_owned(), reason.to_owned(), calls))
    );
    let detail: String = tenant
        .one("SELECT detail FROM df_diagnose_calls('acme', $1::text) WHERE reason = 'window_failed' LIMIT 1", &[&DAY]);
    assert!(detail.contains("answered 500") && detail.contains("/voice-ai/dashboard/call-logs"), "{detail}");
    let before: String =
        tenant.one("SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM dialfire.transactions t", &[]);
    diagnose(&mut tenant, DAY);
    let after: String = tenant.one("SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM dialfire.transactions t", &[]);
    assert_eq!(before, after, "a diagnosis writes nothing");
    let row = tenant
        .db
        .query_one(
            "SELECT status, found, inserted, updated, marked_gone, left_over FROM df_repair('acme', $1::text)",
            &[&DAY],
        )
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "success");
    assert_eq!([1, 2, 3, 4, 5].map(|column| row.get::<_, i64>(column)), [53, 51, 1, 1, 0]);
    assert_eq!(told(&mut tenant), []);
    let report = diagnose(&mut tenant, DAY);
    let numbers = ["vendorTotal", "databaseTotal", "matching", "missingInDatabase", "extraInDatabase"];
    assert_eq!(numbers.map(|name| report["summary"][name].as_i64().unwrap()), [100, 100, 100, 0, 0]);
    assert_eq!(tenant.count("transactions"), 101, "what is gone at the vendor stays");
}

#[test]
fn a_diagnosis_that_could_not_see_everything_says_so() {
    let simulator = location();
    generate(&simulator, 120, 1, 0, false);
    let mut tenant = Tenant::highlevel(&simulator, "count_agents 'all', attempts '1'");
    tenant.sync(DAY).expect("success");
    simulator.fault("status", "page=2", json!({"status": 500}));
    let report = diagnose(&mut tenant, DAY);
    assert_eq!(report["summary"]["complete"], json!(false));
    assert_eq!(report["errors"][0]["source"], json!(LOCATION));
    assert_eq!(report["summary"]["extraInDatabase"], json!(0), "nothing is called deleted by half a list");
}

#[test]
fn sync_and_diagnosis_begin_at_the_reset_and_stored_history_stays() {
    let simulator = location();
    generate(&simulator, 96, 1, 0, false);
    let mut tenant = Tenant::highlevel(&simulator, "count_agents 'all'");
    tenant.sync("[2025-01-15 00:00+00,2025-01-15 06:00+00)").expect("success").expect_counts(24, 0, 0);
    tenant.exec("ALTER SERVER acme OPTIONS (ADD calls_reset_at '2025-01-15T12:00:00Z')");
    tenant.sync(DAY).expect("success").expect_counts(48, 0, 0);
    let report = diagnose(&mut tenant, DAY);
    assert_eq!(report["summary"]["dateRange"]["start"], json!("2025-01-15T12:00:00Z"));
    assert_eq!((&report["summary"]["vendorTotal"], &report["summary"]["databaseTotal"]), (&json!(48), &json!(48)));
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.calls", &[]), 72);
    tenant.sync("[2025-01-15 00:00+00,2025-01-15 06:00+00)").expect("success").says("nothing to fetch");
}

#[test]
fn a_dialfire_tenant_is_diagnosed_and_mended_too() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let all = tenant.sync(ALL).inserted;
    let report = diagnose(&mut tenant, ALL);
    let numbers = ["vendorTotal", "databaseTotal", "matching", "missingInDatabase", "extraInDatabase", "changed"];
    assert_eq!(numbers.map(|name| report["summary"][name].as_i64().unwrap()), [all, all, all, 0, 0, 0], "{report}");
    assert_eq!(report["summary"]["dialfireTotal"], report["summary"]["vendorTotal"]);
    tenant.exec(
        "DELETE FROM dialfire.transactions WHERE id IN (SELECT id FROM dialfire.transactions ORDER BY id LIMIT 7)",
    );
    tenant.exec(
        "DELETE FROM dialfire.inbound_calls WHERE id IN (SELECT id FROM dialfire.inbound_calls ORDER BY id LIMIT 2)",
    );
    let report = diagnose(&mut tenant, ALL);
    assert_eq!(report["reasonBreakdown"], json!({"late_arrival": 9}));
    let row =
        tenant.db.query_one("SELECT status, inserted, left_over FROM df_repair('acme', $1::text)", &[&ALL]).unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i64>(1), row.get::<_, i64>(2)), ("success", 9, 0));
    let report = diagnose(&mut tenant, ALL);
    assert_eq!((&report["summary"]["matching"], &report["summary"]["missingInDatabase"]), (&json!(all), &json!(0)));
}

#[test]
fn a_vapi_tenant_is_diagnosed_and_mended_too() {
    let simulator = vapi::simulator();
    vapi::generate(&simulator, 50, 2);
    let mut tenant = vapi::tenant(&simulator, "settle '1 s'");
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    let total = |report: &Value, name: &str| report["summary"][name].as_i64().unwrap();
    let report = diagnose(&mut tenant, "last 5 days");
    let counting: i64 = tenant.one("SELECT count(*) FROM dialfire.calls WHERE counts", &[]);
    assert_eq!((total(&report, "vendorTotal"), total(&report, "matching")), (50, counting), "{report}");
    assert_eq!((total(&report, "databaseTotal"), total(&report, "extraInDatabase")), (counting, 0));
    tenant
        .exec("DELETE FROM dialfire.voice_calls WHERE id IN (SELECT id FROM dialfire.voice_calls ORDER BY id LIMIT 5)");
    let report = diagnose(&mut tenant, "last 5 days");
    assert_eq!(report["reasonBreakdown"]["late_arrival"], json!(5), "{report}");
    let left: String = tenant.one("SELECT status || ' ' || inserted FROM df_repair('acme', 'last 5 days')", &[]);
    assert_eq!(left, "success 5");
    assert_eq!(total(&diagnose(&mut tenant, "last 5 days"), "matching"), counting);
}

#[test]
fn the_missing_calls_go_into_a_file_by_copy() {
    let (_simulator, tenant) = brief();
    let file = std::path::Path::new("/tmp").join(format!("{}_missing.csv", tenant.database));
    let copy = format!(
        "\\copy (SELECT * FROM df_diagnose_calls('acme', '{DAY}') ORDER BY reason, call_id) TO '{}' CSV HEADER",
        file.display()
    );
    let output = tenant.cluster.program("psql", &["-X", "-d", &tenant.database, "-c", &copy]);
    let csv = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}: {output}"));
    std::fs::remove_file(&file).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(output.trim(), "COPY 103");
    assert_eq!(lines[0], "call_id,status,reason,detail,source,agent_id,agent_name,agent_status,from_number,call_date");
    let nameless = |line: &&&str| line.starts_with("none0,only_vendor,no_agent_id_in_call,,");
    assert_eq!((lines.len(), lines.iter().filter(nameless).count()), (104, 1), "{csv}");
}

#[test]
fn a_vapi_call_is_marked_as_gone_only_where_the_vendor_does_not_know_its_id() {
    let simulator = vapi::simulator();
    let calls = vapi::generate(&simulator, 40, 2);
    let mut tenant = vapi::tenant(&simulator, "settle '1 s'");
    tenant.run("SELECT * FROM df_sync('acme')", &[]).expect("success");
    let id = |nth: usize| calls[nth]["id"].as_str().unwrap();
    let is_test = |nth: usize| calls[nth]["type"] == "webCall";
    let phone = |from: usize| (from..40).find(|nth| !is_test(*nth)).unwrap();
    let (gone, hidden) = (phone(10), phone(20));
    let counting = "SELECT count(*) FROM dialfire.calls WHERE counts";
    let kept = "SELECT COALESCE(sum(attempts + inbound), 0)::bigint FROM dialfire.daily_stats";
    let before: i64 = tenant.one(counting, &[]);
    assert_eq!(tenant.one::<i64>(kept, &[]), before);
    vapi::delete(&simulator, &[id(gone), id(39), id(hidden)]);
    // The vendor's list lacks it, but not the vendor.
    let lost = calls[hidden].clone();
    simulator.post("vapi", json!({"unlisted": [lost]}));
    let told = |tenant: &mut Tenant| -> Vec<(String, String)> {
        let sql = "SELECT call_id, reason FROM df_diagnose_calls('acme', 'last 5 days') WHERE reason <> 'test_call'";
        let rows = tenant.db.query(sql, &[]).unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    };
    let mut expected = vec![
        (id(gone).to_owned(), "deleted_at_vendor".to_owned()),
        (id(hidden).to_owned(), "deleted_at_vendor".to_owned()),
        (id(39).to_owned(), "older_than_vendor_shows".to_owned()),
    ];
    let mut found = told(&mut tenant);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let row = tenant.db.query_one("SELECT status, marked_gone FROM df_repair('acme', 'last 5 days')", &[]).unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i64>(1)), ("success", 1));
    let marked: Vec<String> =
        tenant.one("SELECT array_agg(id) FROM dialfire.voice_calls WHERE gone_at IS NOT NULL", &[]);
    assert_eq!(marked, [id(gone)]);
    let reason: String = tenant.one("SELECT skip_reason FROM dialfire.calls WHERE call_id = $1", &[&id(gone)]);
    assert_eq!(reason, "deleted_at_vendor");
    assert_eq!((tenant.one::<i64>(counting, &[]), tenant.one::<i64>(kept, &[])), (before - 1, before - 1));
    assert_eq!(tenant.one::<i64>("SELECT calls FROM df_dashboard_stats('acme', 'last 5 days')", &[]), before - 1);
    let life: i64 =
        tenant.one("SELECT count(*) FROM df_why('acme', $1) WHERE what LIKE '%gone at the vendor%'", &[&id(gone)]);
    assert_eq!(life, 1);
    assert_eq!(told(&mut tenant).len(), 2, "what is marked is no difference");
    // It is there again, and so it counts again.
    vapi::put(&simulator, &calls[gone]);
    assert_eq!(told(&mut tenant).len(), 3);
    tenant.one::<String>("SELECT status FROM df_repair('acme', 'last 5 days')", &[]);
    assert_eq!((tenant.one::<i64>(counting, &[]), tenant.one::<i64>(kept, &[])), (before, before));
}

#[test]
fn a_call_log_that_only_the_list_lacks_is_not_marked_as_gone() {
    let simulator = location();
    generate(&simulator, 60, 1, 0, false);
    let mut tenant = Tenant::highlevel(&simulator, "count_agents 'all', attempts '1'");
    tenant.sync(DAY).expect("success");
    let id = |nth: u64| format!("6a3547b12b6a75f6{nth:08x}");
    simulator.post("highlevel", json!({"delete": [id(7)], "unlisted": [id(8)]}));
    let repair = |tenant: &mut Tenant| -> (i64, i64) {
        let sql = "SELECT marked_gone, left_over FROM df_repair('acme', $1::text)";
        let row = tenant.db.query_one(sql, &[&DAY]).unwrap();
        (row.get(0), row.get(1))
    };
    simulator.fault("status", &format!("call-logs/{}", id(7)), json!({"status": 500}));
    assert_eq!(repair(&mut tenant), (0, 2), "an error is no 404");
    simulator.heal();
    assert_eq!(repair(&mut tenant), (1, 1));
    let marked: Vec<String> =
        tenant.one("SELECT array_agg(id) FROM dialfire.transactions WHERE gone_at IS NOT NULL", &[]);
    assert_eq!(marked, [id(7)]);
}

#[test]
fn many_findings_are_counted_in_full_and_listed_in_part() {
    let simulator = vapi::simulator();
    vapi::fill(&simulator, 2_600, 2);
    let mut tenant = vapi::tenant(&simulator, "settle '1 s', page_size '1000'");
    let report = diagnose(&mut tenant, "last 5 days");
    assert_eq!(report["summary"]["missingInDatabase"], json!(2_600), "{}", report["summary"]);
    assert_eq!(report["reasonBreakdown"], json!({"not_covered_yet": 2_600}));
    assert_eq!(report["missingCalls"].as_array().unwrap().len(), 1_000);
    assert_eq!(report["notListed"], json!({"missingCalls": 1_600, "otherCalls": 0}));
    let rows = "SELECT count(DISTINCT call_id), count(*) FROM df_diagnose_calls('acme', 'last 5 days')";
    let row = tenant.db.query_one(rows, &[]).unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2_600, 2_600));
    // A reader that stops early leaves no file behind.
    let some: i64 = tenant.one("SELECT count(*) FROM (SELECT df_diagnose_calls('acme', 'last 5 days') LIMIT 3) f", &[]);
    assert_eq!(some, 3);
    let files: i64 =
        tenant.one("SELECT count(*) FROM pg_ls_tmpdir() WHERE name LIKE 'pgsql_tmp' || pg_backend_pid() || '.%'", &[]);
    assert_eq!(files, 0);
}
