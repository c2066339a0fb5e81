//! A secret stands nowhere that somebody could read it, whatever goes wrong.

use integration::simulator::{Simulator, ALL};
use integration::tenant::{Tenant, TOKEN};
use postgres::SimpleQueryMessage;
use serde_json::json;
use std::fmt::Write;

const SECRET: &str = "Zq7-distinctive-tenant-Secret_91";
const OTHER: &str = "Yx3-distinctive-campaign-Secret_77";
/// How the tokens begin that the simulator's list of campaigns holds.
const LISTED: &str = "campaign-token-";

/// Everything that a superuser can read of a database without asking for a secret by name.
fn everything(tenant: &mut Tenant) -> String {
    let mut all = String::new();
    tenant.exec("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    let relations =
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                     WHERE nspname = 'dialfire' AND relkind IN ('r', 'v', 'm') ORDER BY 1";
    let names: Vec<String> = tenant.db.query(relations, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    assert!(names.len() > 12, "{names:?}");
    for sql in names.iter().map(|name| format!("SELECT q::text FROM {name} q")).chain([
        "SELECT q::text FROM pg_stat_activity q WHERE pid <> pg_backend_pid()".to_owned(),
        "SELECT q::text FROM pg_settings q".to_owned(),
        "SELECT q::text FROM pg_stat_statements q".to_owned(),
    ]) {
        for message in tenant.db.simple_query(&sql).unwrap() {
            if let SimpleQueryMessage::Row(row) = message {
                let _ = writeln!(all, "{}", row.get(0).unwrap_or_default());
            }
        }
    }
    all
}

fn clean(what: &str, text: &str) {
    for secret in [SECRET, OTHER, LISTED] {
        if let Some(at) = text.find(secret) {
            panic!("{what} shows a secret: …{}…", &text[at.saturating_sub(300)..(at + 50).min(text.len())]);
        }
    }
}

/// What each statement says to its caller, rows or error.
fn said(tenant: &mut Tenant, sql: &str) -> String {
    match tenant.db.simple_query(sql) {
        Ok(messages) => messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|at| row.get(at).unwrap_or_default()).collect())
                }
                _ => None,
            })
            .collect::<Vec<String>>()
            .join("\n"),
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn a_token_never_leaves_the_user_mapping() {
    let simulator = Simulator::with(&["--anchor", "2025-11-15T12:00:00Z", "--days", "2", "--tenant-token", SECRET]);
    let campaign = simulator.campaigns().remove(0);
    let secrets = format!("token '{SECRET}', campaign_tokens '{campaign}={OTHER}', proxy_auth 'user:{OTHER}'");
    let mut tenant = Tenant::at(&simulator.base_url, "attempts '2', request_timeout '300 ms'", &secrets);
    let echo = format!("no: {SECRET} {OTHER} Bearer {SECRET} access_token={SECRET}");
    let faults = [
        ("latency", json!({"value": 1})),
        ("status", json!({"status": 403, "body": echo})),
        ("status", json!({"status": 500, "body": echo})),
        ("status", json!({"status": 302, "body": echo})),
        ("error_body_200", json!({"body": echo})),
        ("error_body_200", json!({"body": json!({"error": echo}).to_string()})),
        ("not_json", json!({"body": echo})),
        ("truncate", json!({})),
        ("redirect_other_host", json!({"body": format!("http://localhost:1/{SECRET}/{OTHER}")})),
        ("cut", json!({})),
        ("hang", json!({})),
    ];
    for path in ["", "tenants/", "contacts/transactions", "contacts/?include_md5"] {
        for (kind, more) in &faults {
            simulator.heal();
            simulator.fault(kind, path, more.clone());
            for sql in [
                format!("SELECT * FROM df_sync('acme', '{ALL}')"),
                format!("SELECT * FROM df_sync('acme', '{ALL}', dry_run => true)"),
                format!("SELECT count(*) FROM df_fetch('acme', '{ALL}')"),
            ] {
                if *kind == "hang" && sql.contains("dry_run") {
                    continue;
                }
                let said = said(&mut tenant, &sql);
                clean(&format!("{sql} with {kind} on \"{path}\""), &said);
            }
            if path.len() < 10 {
                clean(&format!("df_check with {kind}"), &said(&mut tenant, "SELECT * FROM df_check('acme')"));
            }
        }
    }
    // A list of campaigns that cannot be read is nothing but tokens.
    simulator.heal();
    simulator.fault("error_body_200", "tenants/", json!({"body": r#"{"token": "campaign-token-1"}"#}));
    for call in ["df_sync('acme', 'yesterday')", "df_fetch('acme', 'yesterday')", "df_check('acme')"] {
        clean(call, &said(&mut tenant, &format!("SELECT * FROM {call}")));
    }
    for sql in [
        format!("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (SET token '{SECRET} {SECRET}')"),
        format!("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (SET campaign_tokens '{SECRET}')"),
        format!("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (ADD tokn '{SECRET}')"),
        "SELECT * FROM df_sync('acme', 'some day')".to_owned(),
    ] {
        let said = said(&mut tenant, &sql);
        assert!(said.contains("Error"), "{sql}: {said}");
        clean(&sql, &said);
    }
    assert!(tenant.count("http_log") > 50 && tenant.count("runs") > 30, "nothing was logged: proves nothing");
    let all = everything(&mut tenant);
    assert!(all.contains("no: "), "the echo never reached the log: proves nothing");
    clean("a table, view or setting", &all);
    assert!(all.contains("CREATE USER MAPPING"), "pg_stat_statements saw no mapping: proves nothing");
    let log = tenant.cluster.log();
    assert!(log.contains("STATEMENT:") && log.contains("ALTER USER MAPPING"), "no failed statement was logged");
    clean("the server's log", &log);
}

#[test]
fn the_activity_of_a_running_sync_shows_no_secret() {
    let simulator = Simulator::with(&["--anchor", "2025-11-15T12:00:00Z", "--days", "2", "--tenant-token", SECRET]);
    let mut tenant = Tenant::at(&simulator.base_url, "", &format!("token '{SECRET}'"));
    simulator.fault("latency", "contacts/transactions", json!({"value": 700}));
    let mut other = tenant.connect();
    let sync = std::thread::spawn(move || other.batch_execute(&format!("SELECT * FROM df_sync('acme', '{ALL}')")));
    integration::until("the sync runs", std::time::Duration::from_secs(10), || {
        simulator.get("requests")["running"] != 0
    });
    let activity = everything(&mut tenant);
    assert!(activity.contains("df_sync"), "the sync is not to be seen: proves nothing");
    clean("pg_stat_activity", &activity);
    sync.join().unwrap().unwrap();
}

#[test]
fn options_of_a_server_are_public_and_those_of_a_mapping_are_not() {
    let mut tenant = Tenant::at("http://127.0.0.1:1", "", &format!("token '{SECRET}'"));
    let mut other = tenant.connect_as("other");
    for sql in ["SELECT coalesce(umoptions::text, '') FROM pg_user_mappings", "SELECT q::text FROM dialfire.tenants q"]
    {
        let shown: Vec<String> = other.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect();
        assert!(!shown.is_empty(), "{sql}");
        clean(sql, &shown.concat());
    }
    let refused = other.query("SELECT umoptions FROM pg_user_mapping", &[]).unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "42501");
    assert_ne!(TOKEN, SECRET);
}

#[test]
fn a_mapping_is_shown_without_its_options_and_works() {
    let mut tenant = Tenant::at("http://127.0.0.1:1", "", &format!("token '{SECRET}'"));
    tenant.exec("CREATE EXTENSION pg_stat_statements; CREATE ROLE veiled");
    tenant.exec("CREATE FOREIGN DATA WRAPPER another; CREATE SERVER another FOREIGN DATA WRAPPER another");
    for (sql, shown) in [
        ("CREATE USER MAPPING FOR veiled SERVER acme OPTIONS (token '$')", "FOR veiled SERVER acme OPTIONS (...)"),
        ("ALTER USER MAPPING FOR veiled SERVER acme OPTIONS (SET token '$')", "SERVER acme OPTIONS (SET ...)"),
        ("DROP USER MAPPING FOR veiled SERVER acme", "DROP USER MAPPING FOR veiled SERVER acme"),
        ("CREATE USER MAPPING FOR veiled SERVER another OPTIONS (token 'open')", "another OPTIONS (token 'open')"),
    ] {
        tenant.exec(&format!("SELECT 1; {}; SELECT 2", sql.replace('$', SECRET)));
        let found = "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%' || $1";
        assert_ne!(tenant.one::<i64>(found, &[&shown]), 0, "{shown}");
    }
    let kept = "SELECT count(*) FROM pg_user_mapping WHERE umoptions::text LIKE '%' || $1 || '%'";
    assert_eq!(tenant.one::<i64>(kept, &[&SECRET]), 1, "the veil covers the option itself");
    clean("anything", &everything(&mut tenant));
}
