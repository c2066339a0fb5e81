//! Calls by month: the same calls as in one table, wherever they go, and months that can be let go.

use integration::cluster::Cluster;
use integration::rows::{assert_truth, assert_truth_in};
use integration::simulator::Simulator;
use integration::tenant::{create, refusal, words, Tenant, TOKEN};
use postgres::Client;
use serde_json::{json, Value};

use crate::growth::{facts, FACTS};
use crate::legs::raced;

const RANGE: &str = "2025-10-20..2025-11-10";
const ALL_TIME: [&str; 2] = ["1970-01-02T00:00:00Z", "9000-01-01T00:00:00Z"];

/// Ten days around the end of October.
fn simulator() -> Simulator {
    Simulator::with(&["--anchor", "2025-11-06T12:00:00Z", "--days", "10", "--calls-per-day", "120"])
}

/// Of one table, also where all other tests have months.
fn whole(simulator: &Simulator) -> Tenant {
    let mut tenant = Tenant::of(simulator);
    if tenant.one::<bool>("SELECT dialfire.is_by_month()", &[]) {
        tenant.exec("DROP EXTENSION dialfire_sync CASCADE; CREATE EXTENSION dialfire_sync");
        create(&mut tenant.db, &simulator.base_url, "", &format!("token '{TOKEN}'"));
    }
    tenant
}

fn parted(mut tenant: Tenant) -> Tenant {
    tenant.exec("SELECT * FROM df_partition()");
    assert!(tenant.one::<bool>("SELECT dialfire.is_by_month()", &[]));
    tenant
}

fn assert_same(plain: &mut Client, parted: &mut Client) {
    for ((sql, one), months) in FACTS.iter().zip(facts(plain)).zip(facts(parted)) {
        assert!(one.is_some(), "{sql} finds nothing");
        assert_eq!(one, months, "{sql}");
    }
}

/// No id stands in two months, and what hangs under a call is where the call is.
fn assert_in_place(db: &mut Client) {
    for table in ["transactions", "inbound_calls", "connections", "recordings"] {
        let twice =
            format!("SELECT count(*) FROM (SELECT FROM dialfire.{table} GROUP BY tenant, id HAVING count(*) > 1) x");
        assert_eq!(one::<i64>(db, &twice), 0, "{table}: an id stands twice");
    }
    for table in ["connections", "recordings"] {
        let astray = format!(
            "SELECT count(*) FROM dialfire.{table} r JOIN dialfire.transactions t ON t.tenant = r.tenant AND t.id = r.transaction_id
             WHERE r.day <> t.day"
        );
        assert_eq!(one::<i64>(db, &astray), 0, "{table}");
    }
}

fn one<T: postgres::types::FromSqlOwned>(db: &mut Client, sql: &str) -> T {
    db.query_one(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {}", words(&error))).get(0)
}

fn written(db: &mut Client) -> i64 {
    one(db, "SELECT count(*) FROM dialfire.transactions WHERE changed_at > now() - interval '1 hour'")
}

#[test]
fn calls_by_month_are_the_calls_of_one_table_and_asking_again_writes_nothing() {
    let simulator = simulator();
    let (mut plain, mut months) = (whole(&simulator), parted(Tenant::of(&simulator)));
    let step = |plain: &mut Tenant, months: &mut Tenant| {
        let (a, b) = (plain.sync(RANGE), months.sync(RANGE));
        a.expect("success");
        let counts = [&a, &b].map(|run| (run.inserted, run.updated, run.unchanged, run.fetched, run.requests));
        assert_eq!(counts[0], counts[1], "{a:?} {b:?}");
        plain.exec("SELECT * FROM df_refresh()");
        months.exec("SELECT * FROM df_refresh()");
        assert_truth(months, &simulator);
        assert_same(&mut plain.db, &mut months.db);
        assert_in_place(&mut months.db);
        a
    };
    assert!(step(&mut plain, &mut months).inserted > 500);
    for month in ["2025_10", "2025_11"] {
        for table in ["transactions", "inbound_calls", "connections", "recordings"] {
            let rows = format!("SELECT count(*) FROM dialfire_2025.{table}_{month}");
            assert!(months.one::<i64>(&rows, &[]) > 0, "{table} {month}");
        }
    }
    let place =
        "SELECT md5(string_agg(concat_ws(' ', tableoid, ctid, xmin), ',' ORDER BY id)) FROM dialfire.connections";
    let before: String = months.one(place, &[]);
    let again = step(&mut plain, &mut months);
    assert_eq!((again.inserted, again.updated), (0, 0), "{again:?}");
    assert_eq!(months.one::<String>(place, &[]), before, "an unchanged leg was written");
    assert!(written(&mut months.db) > 0);
    // Late changes, endings, recordings and new calls.
    for (what, how) in [
        ("change", json!({"share": 0.05, "seed": 7})),
        ("complete", json!({})),
        ("late", json!({})),
        ("grow", json!({"calls": 40, "at": "2025-11-05T10:00:00Z"})),
    ] {
        simulator.post(what, how);
        let run = step(&mut plain, &mut months);
        assert!(run.inserted + run.updated > 0, "{what} changed nothing: {run:?}");
    }
    months.exec("DELETE FROM dialfire.daily_stats; SELECT df_rebuild_stats('acme', '2025-10-20..2025-11-10')");
    assert_same(&mut plain.db, &mut months.db);
    // Who may not use the tenant sees no row, and nobody but the owner reads a month by its own name.
    let mut reader = months.connect_as("reader");
    let role = format!("{}_reader", months.database);
    for table in ["transactions", "connections", "recordings", "inbound_calls", "calls"] {
        let rows = format!("SELECT count(*) FROM dialfire.{table}");
        assert_eq!(one::<i64>(&mut reader, &rows), 0, "{table}");
        months.exec(&format!("GRANT USAGE ON FOREIGN SERVER acme TO {role}"));
        assert_eq!(one::<i64>(&mut reader, &rows), one::<i64>(&mut months.db, &rows), "{table}");
        months.exec(&format!("REVOKE USAGE ON FOREIGN SERVER acme FROM {role}"));
    }
    let error = refusal(&mut reader, "SELECT * FROM dialfire_2025.transactions_2025_11");
    assert_eq!(error.code().code(), "42501", "{error:?}");
}

fn log(id: &str, at: &str) -> Value {
    json!({"id": id, "agentId": "6a35206c88ba8e0f00000000", "isAgentDeleted": false, "createdAt": at, "duration": 60,
        "trialCall": false, "summary": "s", "transcript": "bot:a\n", "executedCallActions": []})
}

#[test]
fn a_call_that_moves_to_another_month_takes_its_legs_along_and_stands_once() {
    let simulator = Simulator::with(&["--days", "1", "--calls-per-day", "1"]);
    simulator.delete("highlevel");
    let ids: Vec<String> = (0..20).map(|n| format!("call{n:02}")).collect();
    let calls = |at: &str| -> Vec<Value> { ids.iter().map(|id| log(id, at)).collect() };
    simulator.post("highlevel", json!({"calls": calls("2025-10-31T20:00:00Z")}));
    let correct = |calls: &[Value]| {
        simulator.post("highlevel", json!({ "delete": &ids }));
        simulator.post("highlevel", json!({ "calls": calls }));
    };
    let mut tenant = parted(Tenant::highlevel(&simulator, "count_agents 'all'"));
    let range = "2025-10-30..2025-11-02";
    tenant.sync(range).expect("success").expect_counts(20, 0, 0);
    let days = "SELECT string_agg(DISTINCT t.tableoid::regclass || ' ' || t.day || ' ' || c.tableoid::regclass || ' ' || c.day, ', ')
                FROM dialfire.transactions t JOIN dialfire.connections c ON c.transaction_id = t.id";
    let counted = "SELECT string_agg(day || ' ' || attempts, ', ' ORDER BY day) FROM dialfire.daily_stats";
    let in_october = "dialfire_2025.transactions_2025_10 2025-10-31 dialfire_2025.connections_2025_10 2025-10-31";
    assert_eq!(tenant.one::<String>(days, &[]), in_october);
    // The vendor corrects the time.
    correct(&calls("2025-11-01T08:00:00Z"));
    tenant.sync(range).expect("success").expect_counts(0, 20, 0);
    let in_november = "dialfire_2025.transactions_2025_11 2025-11-01 dialfire_2025.connections_2025_11 2025-11-01";
    assert_eq!(tenant.one::<String>(days, &[]), in_november);
    assert_eq!(tenant.one::<String>(counted, &[]), "2025-11-01 20", "the day that they left still counts them");
    tenant.sync(range).expect("success").expect_counts(0, 0, 20);
    assert_in_place(&mut tenant.db);
    // Another time zone.
    correct(&calls("2025-10-31T23:00:00Z"));
    tenant.sync(range).expect("success").expect_counts(0, 20, 0);
    assert_eq!(tenant.one::<String>(days, &[]), in_november);
    tenant.exec("ALTER SERVER acme OPTIONS (SET timezone 'America/New_York'); SELECT df_rebuild_stats('acme', '2025-10-30..2025-11-02')");
    assert_eq!(tenant.one::<String>(days, &[]), in_october);
    assert_eq!(tenant.one::<String>(counted, &[]), "2025-10-31 20");
    assert_in_place(&mut tenant.db);
}

#[test]
fn webhooks_that_race_and_differ_in_the_month_store_a_call_once() {
    let mut tenant = raced(parted);
    assert_eq!(tenant.count("transactions"), 60);
    assert_eq!(tenant.count("connections"), 60);
    assert_in_place(&mut tenant.db);
    assert_eq!(tenant.one::<i64>("SELECT sum(attempts)::bigint FROM dialfire.daily_stats", &[]), 60);
}

#[test]
fn rows_that_are_stored_move_only_when_that_is_asked_for_and_others_objects_are_told() {
    let simulator = simulator();
    let mut tenant = whole(&simulator);
    // As an installation with months that was dropped leaves behind.
    tenant.exec("CREATE SCHEMA IF NOT EXISTS dialfire_2026; CREATE SCHEMA dialfire_2019");
    tenant.sync(RANGE).expect("success");
    tenant.exec("SELECT * FROM df_refresh()");
    let before = facts(&mut tenant.db);
    tenant.exec("CREATE VIEW public.mine WITH (security_barrier) AS SELECT t.id, count(c.id) FROM dialfire.transactions t LEFT JOIN dialfire.connections c
                 ON c.transaction_id = t.id GROUP BY t.id");
    tenant.exec("CREATE FUNCTION public.told(dialfire.transactions) RETURNS text LANGUAGE sql AS 'SELECT $1.id'");
    tenant.exec("CREATE MATERIALIZED VIEW public.theirs AS SELECT id FROM dialfire.recordings; CREATE PUBLICATION out FOR TABLE dialfire.inbound_calls");
    let error = tenant.refusal("SELECT * FROM df_partition()");
    assert_eq!(error.code().code(), "2BP01", "{error:?}");
    assert_eq!(error.detail(), Some("materialized view public.theirs, publication out."));
    tenant.exec("DROP MATERIALIZED VIEW public.theirs; DROP PUBLICATION out");
    tenant.exec("INSERT INTO dialfire.recordings (tenant, id, connection_id, transaction_id) SELECT 'other', i, i, i FROM generate_series(1, 10001) i");
    let error = tenant.refusal("SELECT * FROM df_partition()");
    assert_eq!(
        (error.code().code(), error.hint()),
        ("55006", Some("SELECT * FROM df_partition(move_rows => true) does it."))
    );
    let mut reader = tenant.connect_as("reader");
    tenant.exec(&format!("GRANT EXECUTE ON FUNCTION df_partition(boolean) TO {}_reader", tenant.database));
    assert_eq!(refusal(&mut reader, "SELECT * FROM df_partition()").code().code(), "42501");
    tenant.exec(&format!("GRANT SELECT ON dialfire.transactions TO {0}_reader WITH GRANT OPTION; GRANT USAGE ON FOREIGN SERVER acme TO {0}_reader",
        tenant.database));
    tenant.exec("SELECT * FROM df_partition(move_rows => true)");
    tenant.exec("DELETE FROM dialfire.recordings WHERE tenant = 'other'");
    for ((sql, before), now) in FACTS.iter().zip(before).zip(facts(&mut tenant.db)) {
        assert_eq!(before, now, "{sql}");
    }
    assert_in_place(&mut tenant.db);
    assert_truth(&mut tenant, &simulator);
    assert!(one::<bool>(
        &mut reader,
        "SELECT has_table_privilege('dialfire.transactions', 'SELECT WITH GRANT OPTION')"
    ));
    assert_eq!(
        tenant.one::<i64>("SELECT count(*) FROM public.mine", &[]),
        one::<i64>(&mut reader, "SELECT count(*) FROM dialfire.transactions")
    );
    assert_eq!(
        one::<i64>(
            &mut tenant.db,
            "SELECT count(*) FROM dialfire.transactions t WHERE t.told = t.id AND t.tenant = 'acme'"
        ),
        one::<i64>(&mut reader, "SELECT count(*) FROM dialfire.transactions")
    );
    let mine = "SELECT reloptions::text FROM pg_class WHERE relname = 'mine'";
    assert_eq!(tenant.one::<String>(mine, &[]), "{security_barrier=true}");
    tenant.sync(RANGE).expect("success");
    assert_eq!(tenant.one::<i64>("SELECT inserted + updated FROM dialfire.runs ORDER BY run_id DESC LIMIT 1", &[]), 0);
    tenant.exec("DROP EXTENSION dialfire_sync CASCADE");
    assert_eq!(
        tenant.one::<i64>("SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'dialfire%'", &[]),
        0
    );
}

#[test]
fn a_dump_brings_every_month_back() {
    let simulator = simulator();
    let mut tenant = parted(Tenant::of(&simulator));
    tenant.sync(RANGE).expect("success");
    tenant.exec("SELECT * FROM df_refresh()");
    let before = facts(&mut tenant.db);
    let fresh = Cluster::start();
    let mut admin = fresh.connect("postgres");
    let dump = tenant.cluster.program("pg_dump", &[&tenant.database]);
    admin.batch_execute("CREATE DATABASE restored").expect("a database");
    let errors = fresh.restore("restored", &format!("BEGIN;\n{dump}COMMIT;\n"));
    assert!(!errors.contains("ERROR"), "{errors}");
    let archive = tenant.cluster.file("months.dump");
    tenant.cluster.program("pg_dump", &["-Fc", "-f", &archive, &tenant.database]);
    admin.batch_execute("CREATE DATABASE in_jobs").expect("a database");
    fresh.program("pg_restore", &["-j", "2", "--exit-on-error", "-d", "in_jobs", &archive]);
    for database in ["restored", "in_jobs"] {
        let mut db = fresh.connect(database);
        db.batch_execute("SELECT * FROM df_refresh()").expect("the KPIs");
        for ((sql, before), now) in FACTS.iter().zip(&before).zip(facts(&mut db)) {
            assert_eq!(before, &now, "{database}: {sql}");
        }
        assert_in_place(&mut db);
        assert_truth_in(&mut db, "acme", &simulator, ALL_TIME, &[]);
        assert!(one::<bool>(&mut db, "SELECT dialfire.is_by_month()"));
        let sync = format!("SELECT inserted + updated FROM df_sync('acme', '{RANGE}')");
        assert_eq!(one::<i64>(&mut db, &sync), 0);
        let sync = "SELECT status FROM df_sync('acme', '2024-02')";
        assert_eq!(one::<String>(&mut db, sync), "success");
    }
    // And once more.
    let again = fresh.program("pg_dump", &["restored"]);
    assert!(again.contains("COPY dialfire_2025.transactions_2025_10"), "the months are not dumped");
}

#[test]
fn a_month_that_is_let_go_is_kept_elsewhere_counted_still_and_never_fetched_again() {
    let simulator = simulator();
    let mut tenant = parted(Tenant::with(&simulator, "start_date '2025-10-20'"));
    tenant.exec("CREATE SCHEMA old");
    let gone = "SELECT * FROM df_detach_month('2025-10-15', schema => 'old')";
    tenant.sync("2025-10-28..2025-11-10").expect("success");
    let error = tenant.refusal(gone);
    assert_eq!(error.code().code(), "55000", "{error:?}");
    assert!(
        error.message().contains("not wholly covered") && error.detail().unwrap_or_default().contains("of acme"),
        "{error:?}"
    );
    tenant.sync(RANGE).expect("success");
    tenant.exec("SELECT * FROM df_refresh()");
    for (call, code) in [
        ("df_detach_month('2025-10-01')", "22023"),
        ("df_detach_month('2025-10-01', 'old', true)", "22023"),
        ("df_detach_month(current_date, 'old')", "22023"),
        ("df_detach_month('2025-10-01', 'none')", "3F000"),
        ("df_detach_month('2025-10-01', 'dialfire_2025')", "22023"),
        ("df_detach_month('2024-10-01', 'old')", "42P01"),
        ("df_detach_month('2025-11-01', 'old')", "55000"),
        ("df_retain(0, 'old')", "22023"),
    ] {
        assert_eq!(tenant.refusal(&format!("SELECT * FROM {call}")).code().code(), code, "{call}");
    }
    let kpis = "SELECT md5(string_agg((to_jsonb(d) - 'changed_at')::text, ',' ORDER BY day, campaign_id, agent_id, agent_login))
                FROM dialfire.daily_stats d WHERE day < '2025-11-01'";
    let monthly =
        "SELECT string_agg(concat_ws(' ', month, attempts, connects, conversions, inbound), ',' ORDER BY month)
                   FROM dialfire.ingestion_monthly WHERE month < '2025-11-01'";
    let before: (String, String) = (tenant.one(kpis, &[]), tenant.one(monthly, &[]));
    let counts = |tenant: &mut Tenant| {
        ["transactions", "connections", "recordings", "inbound_calls"].map(|table| tenant.count(table))
    };
    let all = counts(&mut tenant);
    tenant.exec(gone);
    let left = counts(&mut tenant);
    for (n, table) in ["transactions", "connections", "recordings", "inbound_calls"].iter().enumerate() {
        let kept = tenant.one::<i64>(&format!("SELECT count(*) FROM old.{table}_2025_10"), &[]);
        assert!(kept > 0 && left[n] > 0 && kept + left[n] == all[n], "{table}: {kept} of {}", all[n]);
    }
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.transactions WHERE day < '2025-11-01'", &[]), 0);
    // Contacts bring their calls of all times; a change of one in November is taken, and October stays away.
    simulator.post("change", json!({"share": 0.2, "seed": 3}));
    simulator.forget_requests();
    let run = tenant.sync(RANGE);
    run.expect("success").says("months that were let go are not fetched");
    assert!(run.updated > 0 && run.inserted == 0, "{run:?}");
    assert!(
        simulator.requests().iter().all(|request| !request.to_string().contains("2025-10-2")),
        "October is asked for again"
    );
    tenant.sync("2025-10").expect("success").expect_counts(0, 0, 0);
    tenant.exec("CALL df_backfill('acme', '2025-10-20..2025-11-10')");
    tenant.exec("CALL df_reconcile('acme', '2025-10-20')");
    assert_eq!(counts(&mut tenant), left);
    tenant.exec("SELECT df_rebuild_stats('acme', '2025-10'); SELECT * FROM df_repair('acme', '2025-10-20..2025-11-10'); SELECT * FROM df_refresh()");
    assert_eq!(counts(&mut tenant), left);
    let after: (String, String) = (tenant.one(kpis, &[]), tenant.one(monthly, &[]));
    assert_eq!(after, before, "history's KPIs changed");
    let gaps = "SELECT count(*) FROM dialfire.coverage_gaps WHERE from_at < '2025-10-31 22:00+00'";
    assert_eq!(tenant.one::<i64>(gaps, &[]), 0, "October is reported as missing");
    let look = "SELECT COALESCE(string_agg(check_name, ', '), '') FROM df_verify('acme', '2025-10-20..2025-11-05')
                WHERE verdict = 'look' AND check_name IN ('campaigns not fully covered', 'rows of daily_stats that differ from the calls', 'transactions')";
    assert_eq!(tenant.one::<String>(look, &[]), "");
    let told = "SELECT string_agg(check_name || ' ' || value, ', ') FROM df_verify('acme', '2025-10-20..2025-10-25')";
    assert_eq!(tenant.one::<String>(told, &[]), "days whose calls were let go 6");
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM df_diagnose_calls('acme', '2025-10')", &[]), 0);
    // Who may read the old schema still sees only what is of his tenants.
    let mut reader = tenant.connect_as("reader");
    let role = format!("{}_reader", tenant.database);
    tenant.exec(&format!("GRANT USAGE ON SCHEMA old TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA old TO {role}"));
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM old.transactions_2025_10"), 0);
    tenant.exec(&format!("GRANT USAGE ON FOREIGN SERVER acme TO {role}"));
    assert!(one::<i64>(&mut reader, "SELECT count(*) FROM old.transactions_2025_10") > 0);
    let error = refusal(&mut reader, gone);
    assert_eq!(error.code().code(), "42501", "{error:?}");
    assert_eq!(tenant.refusal(gone).detail().map(|detail| detail.starts_with("It was let go")), Some(true));
    // All of it comes back from a dump, and the rest can be dropped.
    let dump = tenant.cluster.program("pg_dump", &[&tenant.database]);
    let fresh = Cluster::start();
    fresh.connect("postgres").batch_execute("CREATE DATABASE restored").expect("a database");
    let script = format!("CREATE ROLE {role};\n{dump}");
    let errors = fresh.restore("restored", &script);
    assert!(!errors.contains("ERROR"), "{errors}");
    let mut db = fresh.connect("restored");
    for table in ["old.transactions_2025_10", "dialfire.transactions", "dialfire.retired_months"] {
        let rows = format!("SELECT count(*) FROM {table}");
        assert_eq!(one::<i64>(&mut db, &rows), tenant.one::<i64>(&rows, &[]), "{table}");
    }
    assert_eq!(one::<i64>(&mut db, &format!("SELECT inserted + updated FROM df_sync('acme', '{RANGE}')")), 0);
    db.batch_execute("SELECT * FROM df_retain(3, drop => true, force => true)").expect("all old months go");
    assert_eq!(one::<i64>(&mut db, "SELECT count(*) FROM dialfire.transactions"), 0);
    assert_eq!(one::<i64>(&mut db, "SELECT count(*) FROM pg_namespace WHERE nspname = 'dialfire_2025'"), 0);
    assert_eq!(one::<String>(&mut db, "SELECT status FROM df_sync('acme')"), "success");
    assert_eq!(one::<i64>(&mut db, "SELECT count(*) FROM dialfire.transactions"), 0);
    assert!(one::<i64>(&mut db, "SELECT sum(attempts)::bigint FROM dialfire.daily_stats") > 500);
}

#[test]
fn a_schema_of_anothers_takes_no_month() {
    let simulator = simulator();
    let mut tenant = parted(Tenant::of(&simulator));
    let role = format!("{}_intruder", tenant.database);
    tenant.exec(&format!("CREATE ROLE {role}; CREATE SCHEMA dialfire_2025 AUTHORIZATION {role}"));
    let error = tenant.refusal(&format!("SELECT * FROM df_sync('acme', '{RANGE}')"));
    assert_eq!(error.code().code(), "42501", "{error:?}");
    assert_eq!(error.message(), format!("schema \"dialfire_2025\" belongs to role \"{role}\""));
    tenant.exec("ALTER SCHEMA dialfire_2025 OWNER TO postgres");
    tenant.sync(RANGE).expect("success");
}

#[test]
fn a_name_that_is_given_for_a_schema_is_only_a_name() {
    let simulator = simulator();
    let mut tenant = parted(Tenant::of(&simulator));
    tenant.sync(RANGE).expect("success");
    tenant.exec("CREATE TABLE public.victim (i int); CREATE SCHEMA \"old; DROP TABLE public.victim; --\"; CREATE SCHEMA \"Ol\"\"d'\"");
    tenant.exec("SELECT * FROM df_detach_month('2025-10-01', $$old; DROP TABLE public.victim; --$$, force => true)");
    tenant.exec("SELECT * FROM df_detach_month('2025-11-01', $$Ol\"d'$$, force => true)");
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM public.victim", &[]), 0);
    assert!(tenant.one::<i64>("SELECT count(*) FROM \"Ol\"\"d'\".transactions_2025_11", &[]) > 0);
}
