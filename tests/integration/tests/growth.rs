//! More than one server: standbys that answer, and Citus, on which each tenant has a node.

use integration::cluster::Cluster;
use integration::place::{recent, Place, PATIENCE};
use integration::simulator::{Simulator, ALL};
use integration::tenant::{create, refusal, words, Tenant, TOKEN};
use integration::{until, vapi};
use postgres::{Client, NoTls};

#[test]
fn a_standby_answers_what_only_reads_and_refuses_to_fetch_with_a_hint() {
    let simulator = recent();
    let mut place = Place::lent();
    place.tenant("acme", &simulator.base_url, "");
    let standby = Cluster::standby_of(&place.cluster);
    place.exec("SELECT * FROM df_sync('acme'); SELECT * FROM df_refresh()");
    let mut db = standby.connect(&place.database);
    let calls = place.one::<i64>("SELECT count(*) FROM dialfire.calls", &[]);
    until("the standby has the rows and the KPIs", PATIENCE, || {
        let refreshed = db.query_one("SELECT count(*) FROM dialfire.refreshes", &[]).unwrap().get::<_, i64>(0);
        refreshed == 2 && db.query_one("SELECT count(*) FROM dialfire.calls", &[]).unwrap().get::<_, i64>(0) == calls
    });
    for sql in [
        "SELECT count(*) FROM dialfire.agent_data",
        "SELECT attempts FROM dialfire.ingestion_kpis WHERE tenant = 'acme'",
        "SELECT attempts FROM dialfire.ingestion_monthly",
        "SELECT count(*) FROM df_verify('acme', 'last 3 days') WHERE verdict = 'ok'",
        "SELECT count(*) FROM df_why('acme', (SELECT min(call_id) FROM dialfire.calls))",
        "SELECT count(*) FROM dialfire.coverage_gaps WHERE length > interval '1 hour'",
        "SELECT sum(calls)::bigint FROM df_dashboard_stats('acme')",
    ] {
        let read = |db: &mut Client| -> i64 {
            db.query_one(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {}", words(&error))).get(0)
        };
        assert_eq!(read(&mut db), read(&mut place.db), "{sql}");
    }
    for sql in [
        "SELECT * FROM df_sync('acme')",
        "SELECT * FROM df_sync('acme', 'yesterday')",
        "CALL df_backfill('acme', 'yesterday')",
        "SELECT * FROM df_repair('acme', 'yesterday')",
        "SELECT * FROM df_schedule('acme')",
        "SELECT * FROM df_sync('acme', 'yesterday', dry_run => true)",
        "SELECT * FROM df_fetch('acme', 'yesterday')",
        "SELECT * FROM df_check('acme')",
        "SELECT df_rebuild_stats('acme', 'yesterday')",
    ] {
        let error = refusal(&mut db, sql);
        assert_eq!(error.code().code(), "25006", "{sql}: {error:?}");
        assert!(error.hint().unwrap_or_default().contains("primary"), "{sql}: {error:?}");
    }
    assert!(!standby.log().contains("dialfire_sync scheduler"), "{}", integration::place::tail(&standby.log()));
}

#[test]
fn distributing_without_citus_says_what_is_missing() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let error = tenant.refusal("SELECT * FROM df_distribute(apply => true)");
    assert_eq!(error.code().code(), "55000", "{error:?}");
    assert!(error.hint().unwrap_or_default().contains("CREATE EXTENSION citus"), "{error:?}");
    tenant.exec("DROP ROLE IF EXISTS distributes_nothing; CREATE ROLE distributes_nothing");
    tenant.exec("GRANT EXECUTE ON FUNCTION df_distribute(boolean) TO distributes_nothing");
    let error = tenant.refusal("SET ROLE distributes_nothing; SELECT * FROM df_distribute()");
    assert_eq!(error.code().code(), "55000", "{error:?}");
    tenant.exec("RESET ROLE; REVOKE ALL ON FUNCTION df_distribute(boolean) FROM distributes_nothing; DROP ROLE distributes_nothing");
}

/// What must be the same however many nodes there are.
pub const FACTS: [&str; 9] = [
    "SELECT md5(string_agg(concat_ws('|', id, contact_id, fired, day, status, user_login), ',' ORDER BY id COLLATE \"C\"))
     FROM dialfire.transactions WHERE tenant = 'acme'",
    "SELECT md5(string_agg(concat_ws('|', id, transaction_id, result, duration_ms), ',' ORDER BY id COLLATE \"C\"))
     FROM dialfire.connections WHERE tenant = 'acme'",
    "SELECT md5(string_agg(concat_ws('|', id, connection_id, location), ',' ORDER BY id COLLATE \"C\"))
     FROM dialfire.recordings WHERE tenant = 'acme'",
    "SELECT md5(string_agg((to_jsonb(d) - 'changed_at')::text, ',' ORDER BY day, campaign_id, agent_id, agent_login))
     FROM dialfire.daily_stats d WHERE tenant = 'acme'",
    "SELECT md5(string_agg(to_jsonb(c)::text, ',' ORDER BY call_id COLLATE \"C\")) FROM dialfire.calls c WHERE tenant = 'acme'",
    "SELECT md5(string_agg(to_jsonb(c)::text, ',' ORDER BY transaction_id, connections_id, recordings_started))
     FROM dialfire.agent_data c WHERE tenant = 'acme'",
    // Sums of doubles end in other digits in another order of rows.
    "SELECT md5(string_agg(concat_ws(' ', month, k, CASE jsonb_typeof(v) WHEN 'number' THEN round(v::numeric, 9)::text ELSE v::text END), ','
        ORDER BY month, k)) FROM dialfire.ingestion_monthly m, jsonb_each(to_jsonb(m)) e (k, v) WHERE tenant = 'acme'",
    "SELECT string_agg(check_name || value || verdict, ', ') FROM df_verify('acme', '2025-11-01..2025-11-15')
     WHERE check_name <> 'KPI matviews that are older than the calls'",
    "SELECT md5(string_agg(covered::text, ',' ORDER BY source)) FROM dialfire.coverage WHERE tenant = 'acme'",
];

/// What a dashboard shows: the first makes hits, which the others have.
const NEWS: [&str; 8] = [
    "SELECT NULLIF(df_alert_rule('acme', 'hot_lead', '$.status ? (@ == \"success\")'), 0)::text",
    "SELECT d::text FROM df_dashboard_stats('acme', '2025-11-01..2025-11-15') d WHERE calls > 0 AND hot_leads > 0",
    "SELECT string_agg(concat_ws('|', kind, rule, severity, call_id, caller_name, phone, agent_name, what), ',' ORDER BY call_id COLLATE \"C\")
     FROM dialfire.recent_activity WHERE tenant = 'acme'",
    "SELECT d::text FROM df_dashboard_stats('robot', '2025-11-01..2025-11-16') d WHERE calls > 0",
    "SELECT md5(string_agg(concat_ws('|', call_id, started_at, status, agent_login, talk_ms, counts), ',' ORDER BY call_id COLLATE \"C\"))
     FROM dialfire.calls WHERE tenant = 'robot'",
    "SELECT string_agg(concat_ws('|', day, campaign_id, agent_id, attempts, connects, talk_ms), ',' ORDER BY day, campaign_id, agent_id)
     FROM dialfire.daily_stats WHERE tenant = 'robot'",
    "SELECT string_agg(DISTINCT state, ',') FROM dialfire.coverage_days WHERE tenant = 'acme'",
    "SELECT string_agg(concat_ws('|', rank, what), ',' ORDER BY rank, what) FROM dialfire.attention WHERE tenant = 'robot'",
];

const DELIVERY: &str = r#"SELECT http_status::bigint FROM df_ingest('robot', '{"message": {"type": "status-update", "status": "STATUS",
    "timestamp": 1763200001000, "call": {"id": "7420f27a", "type": "outboundPhoneCall", "status": "STATUS",
    "createdAt": "2025-11-14T10:00:01.000Z", "updatedAt": "2025-11-14T10:00:05.000Z"}}}', '{"X-Vapi-Secret": "shared"}') WHERE outcome = 'stored'"#;

pub fn facts(db: &mut Client) -> Vec<Option<String>> {
    let read = |sql: &&str| db.query_one(*sql, &[]).unwrap_or_else(|error| panic!("{sql}: {}", words(&error))).get(0);
    FACTS.iter().map(read).collect()
}

fn one(db: &mut Client, sql: &str) -> i64 {
    db.query_one(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {}", words(&error))).get(0)
}

#[test]
fn three_nodes_of_citus_say_what_one_server_says() {
    let simulator = Simulator::start();
    let mut alone = Tenant::of(&simulator);
    if alone.one::<i64>("SELECT count(*) FROM pg_available_extensions WHERE name = 'citus'", &[]) == 0 {
        println!("not run: Citus is not available");
        return;
    }
    let halves = ["[2025-11-01 12:00+00,2025-11-08 12:00+00)", "[2025-11-08 12:00+00,2025-11-15 12:00+00)"];
    halves.iter().for_each(|half| assert_eq!(alone.sync(half).status, "success"));
    alone.exec("SELECT * FROM df_refresh()");

    let nodes: Vec<Cluster> = (0..3)
        .map(|_| {
            Cluster::with("shared_preload_libraries = 'citus, dialfire_sync'\nwal_level = logical\nmax_prepared_transactions = 100\n")
        })
        .collect();
    for node in &nodes {
        node.connect("postgres").batch_execute("CREATE DATABASE spread").expect("a database");
        node.connect("spread").batch_execute("CREATE EXTENSION citus").expect("Citus");
    }
    let coordinator = &nodes[0];
    let mut db = coordinator.connect("spread");
    let exec = |db: &mut Client, sql: &str| {
        db.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {}", words(&error)));
    };
    let refused = "CREATE EXTENSION dialfire_sync";
    exec(&mut db, refused);
    let error = refusal(&mut db, "SELECT * FROM df_distribute()");
    assert_eq!(error.code().code(), "55000", "{error:?}");
    assert!(error.hint().unwrap_or_default().contains("citus_add_node"), "{error:?}");
    exec(&mut db, &format!("SELECT citus_set_coordinator_host('{}', 5432)", coordinator.socket()));
    for node in &nodes[1..] {
        exec(&mut db, &format!("SELECT citus_add_node('{}', 5432)", node.socket()));
    }

    create(&mut db, &simulator.base_url, "start_date '2025-11-01'", &format!("token '{TOKEN}'"));
    exec(
        &mut db,
        &format!(
            "CREATE SERVER other FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account '9c6d0163',
             timezone 'Europe/Nicosia', base_url '{}');
         CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (token '{TOKEN}');
         CREATE ROLE reads_acme LOGIN; GRANT USAGE ON FOREIGN SERVER acme TO reads_acme",
            simulator.base_url
        ),
    );
    exec(&mut db, &format!("SELECT * FROM df_sync('acme', '{}')", halves[0]));
    let stored = one(&mut db, "SELECT count(*) FROM dialfire.transactions");
    assert!(one(&mut db, "SELECT count(*) FROM df_distribute() WHERE state = 'to do'") > 20);
    assert_eq!(one(&mut db, "SELECT count(*) FROM pg_dist_partition"), 0, "a dry run did something");
    assert!(one(&mut db, "SELECT count(*) FROM df_distribute(apply => true) WHERE state = 'done'") > 20);
    assert_eq!(one(&mut db, "SELECT count(*) FROM df_distribute(apply => true) WHERE state <> 'as it should be'"), 0);
    assert_eq!(one(&mut db, "SELECT count(*) FROM dialfire.transactions"), stored, "rows were lost on the way");
    assert_eq!(one(&mut db, "SELECT count(DISTINCT colocationid) FROM pg_dist_partition WHERE partmethod = 'h'"), 1);

    exec(&mut db, "CALL df_backfill('acme', '2025-11-08..2025-11-15')");
    exec(&mut db, &format!("SELECT * FROM df_sync('acme', '{}')", halves[1]));
    let again = format!("SELECT inserted + updated FROM df_sync('acme', '{ALL}')");
    assert_eq!(one(&mut db, &again), 0, "asking again wrote something");
    exec(&mut db, &format!("SELECT * FROM df_sync('other', '{ALL}')"));
    exec(
        &mut db,
        "DELETE FROM dialfire.transactions WHERE tenant = 'acme' AND id IN (
            SELECT id FROM dialfire.transactions WHERE tenant = 'acme' AND day = '2025-11-10' ORDER BY id LIMIT 3)",
    );
    assert_eq!(one(&mut db, "SELECT inserted FROM df_repair('acme', '2025-11-10')"), 3);
    exec(&mut db, "SELECT * FROM df_refresh()");
    // The backfill fetched days, the tenant alone the same time as instants: coverage is the one that was asked.
    let (mut here, mut there) = (facts(&mut alone.db), facts(&mut db));
    here.pop();
    there.pop();
    for ((sql, one), three) in FACTS.iter().zip(here).zip(there) {
        assert!(one.is_some(), "{sql} finds nothing");
        assert_eq!(one, three, "{sql}");
    }
    vapi::fill(&simulator, 200, 5);
    let robot = format!(
        "CREATE SERVER robot FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'vapi', account '{}', region 'US',
            timezone 'America/New_York', base_url '{}/vapi');
         CREATE USER MAPPING FOR CURRENT_USER SERVER robot OPTIONS (token '{TOKEN}', webhook_secret 'shared')",
        vapi::ORG,
        simulator.base_url
    );
    for db in [&mut alone.db, &mut db] {
        exec(db, &robot);
        assert_eq!(one(db, "SELECT inserted FROM df_sync('robot', '2025-11-01..2025-11-16')"), 200);
        assert_eq!(one(db, "SELECT inserted + updated FROM df_sync('robot', '2025-11-01..2025-11-16')"), 0);
        for status in ["queued", "in-progress"] {
            assert_eq!(one(db, &DELIVERY.replace("STATUS", status)), 200, "a webhook that says {status}");
        }
    }
    for sql in NEWS {
        let [here, there] = [&mut alone.db, &mut db].map(|db| -> Option<String> {
            db.query_one(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {}", words(&error))).get(0)
        });
        assert!(here.is_some(), "{sql} finds nothing");
        assert_eq!(here, there, "{sql}");
    }
    assert_eq!(one(&mut db, "SELECT pg_relation_size('dialfire.transactions')"), 0, "rows went past Citus");

    let mut reader = coordinator.config("spread").user("reads_acme").connect(NoTls).expect("a reader");
    for view in ["transactions", "calls", "agent_data", "daily_stats", "ingestion_monthly", "sync_health", "runs"] {
        let seen = format!("SELECT count(*) FROM dialfire.{view} WHERE tenant <> 'acme'");
        assert_eq!(one(&mut reader, &seen), 0, "{view} shows another's");
        assert!(one(&mut reader, &format!("SELECT count(*) FROM dialfire.{view}")) > 0, "{view} shows nothing");
    }

    exec(&mut db, "SELECT * FROM df_schedule('acme', '10 seconds')");
    until("the worker has done every job", PATIENCE, || {
        one(&mut db, "SELECT count(*) FROM dialfire.schedules WHERE last_status = 'success'") == 5
    });
    assert_eq!(one(&mut db, "SELECT count(*) FROM dialfire.runs WHERE status = 'crashed'"), 0);
    for node in &nodes[1..] {
        assert!(!node.log().contains("dialfire_sync job"), "a job ran on a worker node");
    }
}
