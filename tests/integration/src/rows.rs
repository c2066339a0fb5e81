//! What the database holds, in the simulator's own words, and whether that is the truth.

use crate::simulator::Simulator;
use crate::tenant::Tenant;
use postgres::Client;
use serde_json::Value;
use std::collections::BTreeMap;

/// The tables of calls under the names of the simulator, each with its rows as the simulator tells them.
const TABLES: [(&str, &str, &str); 5] = [
    (
        "transactions",
        "transactions",
        "SELECT r.id, r.contact_id, r.campaign_id, r.task_id, r.task, ms(r.fired) AS fired, r.event_type AS type, r.status,
            r.status_detail, r.user_id, v.agent_login AS user_login, r.user_login IS NOT NULL AS login_in_payload,
            r.is_human, r.sequence_nr, r.pause_time_sec, r.edit_time_sec, r.wrapup_time_sec, r.wait_time_sec, r.result,
            r.trigger, r.revoked, (SELECT count(*) FROM dialfire.connections c
                WHERE c.tenant = r.tenant AND c.transaction_id = r.id AND c.parent_connection_id IS NULL) AS connections, r.fired AS at
         FROM dialfire.transactions r JOIN dialfire.calls v ON v.tenant = r.tenant AND v.call_id = r.id",
    ),
    (
        "connections",
        "connections",
        "SELECT r.id, r.parent_connection_id, r.transaction_id, r.contact_id, t.campaign_id, r.phone, ms(r.fired) AS fired,
            ms(r.started) AS started, ms(r.connected) AS connected, ms(r.disconnected) AS disconnected,
            ms(r.ended) AS ended, r.duration_ms AS duration, r.result, r.code, r.hangup_party, r.user_id,
            (SELECT a.login FROM dialfire.agents a WHERE a.tenant = r.tenant AND a.id = r.user_id) AS user_login, r.technology,
            r.is_third_party AS third_party, t.fired AS at
         FROM dialfire.connections r JOIN dialfire.transactions t ON t.tenant = r.tenant AND t.id = r.transaction_id",
    ),
    (
        "recordings",
        "recordings",
        "SELECT r.id, r.connection_id, r.transaction_id, r.contact_id, t.campaign_id, ms(r.started) AS started,
            ms(r.stopped) AS stopped, r.filename, r.location, t.fired AS at
         FROM dialfire.recordings r JOIN dialfire.transactions t ON t.tenant = r.tenant AND t.id = r.transaction_id",
    ),
    (
        "contacts",
        "contacts",
        "SELECT r.id, r.ref_id AS ref, r.campaign_id, r.task_id, r.task, r.status, r.status_detail, r.phone,
            ms(r.created_date) AS created_date, r.fields -> 'firma' AS firma, r.fields -> 'notiz' AS notiz,
            r.fields -> 'Geprüfte_Anrede' AS \"Geprüfte_Anrede\", r.fields -> 'AP_Vorname' AS \"AP_Vorname\",
            r.fields -> 'AP_Nachname' AS \"AP_Nachname\", r.fields -> 'mitarbeiter' AS mitarbeiter, r.md5,
            (SELECT count(*) FROM dialfire.transactions t WHERE t.tenant = r.tenant AND t.contact_id = r.id) AS transactions, NULL::timestamptz AS at
         FROM dialfire.contacts r",
    ),
    (
        "inbound",
        "inbound_calls",
        "SELECT r.id, r.campaign_id, r.line_id, r.task_id, r.task_name, r.contact_id, r.remote_number, r.line_number,
            ms(r.started) AS started, ms(r.connected) AS connected, ms(r.disconnected) AS disconnected, r.user_id,
            v.agent_login AS user_login, r.state, r.disposition, r.dispatch_error, r.started AS at
         FROM dialfire.inbound_calls r JOIN dialfire.calls v ON v.tenant = r.tenant AND v.call_id = r.id",
    ),
];

/// Every row of all five tables is what the simulator would have a complete sync store.
pub fn assert_truth(tenant: &mut Tenant, simulator: &Simulator) {
    assert_truth_of(tenant, simulator, ["1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z"], &[]);
}

/// The same for what happened in `[from, to)`; `except` names tables that are not looked at.
pub fn assert_truth_of(tenant: &mut Tenant, simulator: &Simulator, span: [&str; 2], except: &[&str]) {
    assert_truth_in(&mut tenant.db, "acme", simulator, span, except);
}

/// The same over any connection, for one of several tenants; returns how many rows were compared.
pub fn assert_truth_in(
    db: &mut Client,
    tenant: &str,
    simulator: &Simulator,
    [from, to]: [&str; 2],
    except: &[&str],
) -> usize {
    let mut compared = 0;
    // No autovacuum comes by, and a plan for empty tables may never end.
    db.batch_execute(
        "ANALYZE;
         CREATE OR REPLACE FUNCTION pg_temp.ms(timestamptz) RETURNS text LANGUAGE sql
         RETURN to_char($1 AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    )
    .expect("a function");
    let summary = simulator.truth("", from, to);
    for (what, table, sql) in TABLES.iter().filter(|(what, ..)| !except.contains(what)) {
        let truth = by_id(simulator.truth(what, from, to).as_array().expect("rows").clone());
        let sql = format!(
            "SELECT to_jsonb(q) - 'at' - 'of_tenant' FROM ({}) q
             WHERE q.of_tenant = '{tenant}' AND (q.at IS NULL OR q.at >= '{from}' AND q.at < '{to}')",
            sql.replace(" ms(", " pg_temp.ms(").replacen("SELECT r.id", "SELECT r.tenant AS of_tenant, r.id", 1)
        );
        let stored = db.query(&sql, &[]).unwrap_or_else(|error| panic!("{what}: {}", crate::tenant::words(&error)));
        let count = stored.len();
        let stored = by_id(stored.iter().map(|row| row.get(0)).collect());
        assert_eq!(stored.len(), count, "{table}: an id stands twice");
        compare(table, &truth, &stored);
        compared += count;
        assert_eq!(Value::from(count), summary[what], "{table}");
        if from.starts_with("1970") {
            let sum = format!(
                "SELECT md5(coalesce(string_agg(id, ',' ORDER BY id COLLATE \"C\"), '')) FROM dialfire.{table} WHERE tenant = $1"
            );
            let sum: String = db.query_one(&sum, &[&tenant]).expect("a checksum").get(0);
            assert_eq!(summary["checksums"][what], sum, "checksum of {table}");
        }
    }
    compared
}

type Rows = BTreeMap<String, Value>;

fn by_id(rows: Vec<Value>) -> Rows {
    rows.into_iter().map(|row| (row["id"].as_str().expect("an id").to_owned(), unset(row))).collect()
}

/// The vendor says "" where it means nothing; numbers are compared as numbers.
fn unset(mut row: Value) -> Value {
    for value in row.as_object_mut().expect("an object").values_mut() {
        match value {
            Value::String(text) if text.is_empty() => *value = Value::Null,
            Value::Number(number) => *value = Value::from(number.as_f64()),
            _ => {}
        }
    }
    row
}

fn compare(table: &str, truth: &Rows, stored: &Rows) {
    let missing: Vec<&Value> = truth.iter().filter(|(id, _)| !stored.contains_key(*id)).map(|(_, row)| row).collect();
    let alien: Vec<&Value> = stored.iter().filter(|(id, _)| !truth.contains_key(*id)).map(|(_, row)| row).collect();
    assert!(missing.is_empty() && alien.is_empty(), "{table}: missing {missing:#?}, not at the vendor {alien:#?}");
    for (id, row) in truth {
        for (field, value) in row.as_object().expect("an object") {
            assert_eq!(&stored[id][field], value, "{table}.{field} of {row:#}");
        }
    }
}
