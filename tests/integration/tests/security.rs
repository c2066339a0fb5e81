//! Who may see and sync a tenant, where the server may go, and that nobody borrows the owner's rights.

use integration::hanging::Hanging;
use integration::simulator::{Simulator, ALL};
use integration::tenant::{refusal, words, Tenant, TOKEN};
use postgres::Client;

/// Every table and view with a tenant in it that anybody may look at.
fn relations(reader: &mut Client) -> Vec<String> {
    let sql = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
               WHERE nspname = 'dialfire' AND relkind IN ('r', 'v', 'm', 'p') AND relname NOT IN ('tenants', 'tenant_facts')
               AND has_table_privilege(c.oid, 'SELECT')
               AND EXISTS (SELECT FROM pg_attribute a WHERE attrelid = c.oid AND attname = 'tenant') ORDER BY 1";
    let names: Vec<String> = reader.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    for name in FILLED {
        assert!(names.contains(&format!("dialfire.{name}")), "{name} is not in {names:?}");
    }
    names
}

/// Those that a sync and a schedule fill.
const FILLED: [&str; 18] = [
    "agent_data",
    "agents",
    "calls",
    "campaigns",
    "connections",
    "contacts",
    "coverage",
    "daily_stats",
    "http_log",
    "inbound_calls",
    "ingestion_kpis",
    "ingestion_monthly",
    "recordings",
    "rejects",
    "rejects_open",
    "runs",
    "schedules",
    "transactions",
];

/// The rows of the tenant; a view may have one more for the sum of all.
fn count(db: &mut Client, relation: &str) -> i64 {
    let row = db.query_one(&format!("SELECT count(*) FROM {relation} WHERE tenant = 'acme'"), &[]);
    row.unwrap_or_else(|error| panic!("{relation}: {}", words(&error))).get(0)
}

#[test]
fn without_usage_no_row_is_seen_and_nothing_can_be_asked_and_with_it_both() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    simulator.fault("status", "contacts/transactions", serde_json::json!({"status": 503, "times": 1}));
    tenant.sync(ALL).expect("success");
    tenant.exec(
        "INSERT INTO dialfire.rejects (tenant, kind, reason, fingerprint) VALUES ('acme', 'event', 'test', 'f');
         INSERT INTO dialfire.schedules (tenant, job, every, owner) VALUES ('acme', 'sync', '1 day', 'nobody')",
    );
    let mut reader = tenant.connect_as("reader");
    let relations = relations(&mut reader);
    tenant.exec("SELECT df_refresh()");
    for name in FILLED {
        assert!(tenant.count(name) > 0, "{name} is empty: proves nothing");
    }
    for relation in &relations {
        assert_eq!(count(&mut reader, relation), 0, "{relation}");
    }
    let sum = reader.query_one("SELECT sum(attempts)::text FROM dialfire.ingestion_kpis", &[]).unwrap();
    assert_eq!(
        sum.get::<_, Option<String>>(0).filter(|sum| sum != "0"),
        None,
        "the sum of all tenants shows that of others"
    );
    for call in ["df_sync('acme', 'yesterday')", "df_sync('acme')", "df_fetch('acme', 'yesterday')", "df_check('acme')"]
    {
        assert_eq!(refusal(&mut reader, &format!("SELECT * FROM {call}")).code().code(), "42501", "{call}");
    }
    let role = format!("{}_reader", tenant.database);
    // The right to call is not the right to use the tenant.
    tenant.exec(&format!("GRANT EXECUTE ON FUNCTION df_sync(text, text, boolean) TO {role}"));
    let error = refusal(&mut reader, "SELECT * FROM df_sync('acme', 'yesterday'::text)");
    assert_eq!((error.code().code(), error.message()), ("42501", "permission denied for tenant \"acme\""));
    assert!(error.hint().unwrap().contains(&format!("GRANT USAGE ON FOREIGN SERVER acme TO {role}")), "{error:?}");
    tenant.exec(&format!("CALL df_grant('acme', '{role}')"));
    for relation in &relations {
        assert_eq!(count(&mut reader, relation), count(&mut tenant.db, relation), "{relation}");
    }
    let error = refusal(&mut reader, "SELECT * FROM df_sync('acme', 'yesterday')");
    assert_eq!(error.code().code(), "28000", "{error:?}");
    assert_eq!(error.message(), format!("no user mapping of tenant \"acme\" for role \"{role}\""));
    tenant.exec(&format!("CREATE USER MAPPING FOR {role} SERVER acme OPTIONS (token '{TOKEN}')"));
    let row = reader.query_one(&format!("SELECT status, inserted FROM df_sync('acme', '{ALL}')"), &[]).unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i64>(1)), ("success", 0));
    let by: String = tenant.one("SELECT role FROM dialfire.runs ORDER BY run_id DESC LIMIT 1", &[]);
    assert_eq!(by, role);
    tenant.exec(&format!("REVOKE USAGE ON FOREIGN SERVER acme FROM {role}"));
    for relation in &relations {
        assert_eq!(count(&mut reader, relation), 0, "{relation} after the revoke");
    }
}

#[test]
fn a_role_sees_the_tenants_that_it_may_use_and_no_other() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync("2025-11-10").expect("success");
    tenant.exec(
        "CREATE SERVER other FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account 'x');
         INSERT INTO dialfire.runs (tenant, role, status) VALUES ('other', 'x', 'success')",
    );
    let mut reader = tenant.connect_as("reader");
    tenant.exec(&format!("GRANT USAGE ON FOREIGN SERVER other TO {}_reader", tenant.database));
    let seen: String =
        reader.query_one("SELECT string_agg(DISTINCT tenant, ',') FROM dialfire.runs", &[]).unwrap().get(0);
    assert_eq!(seen, "other");
    assert_eq!(count(&mut reader, "dialfire.calls"), 0);
}

#[test]
fn nobody_but_the_owner_writes() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync("2025-11-10").expect("success");
    let mut reader = tenant.connect_as("reader");
    let role = format!("{}_reader", tenant.database);
    tenant.exec(&format!("CALL df_grant('acme', '{role}')"));
    // What a word means for a tenant is said by whoever may use it, and for nobody else.
    let words = "dialfire.call_statuses";
    for relation in relations(&mut reader).into_iter().filter(|relation| relation != words) {
        for sql in [
            format!("DELETE FROM {relation}"),
            format!("UPDATE {relation} SET tenant = 'mine'"),
            format!("INSERT INTO {relation} (tenant) VALUES ('mine')"),
            format!("TRUNCATE {relation}"),
        ] {
            let code = refusal(&mut reader, &sql).code().code().to_owned();
            assert!(["42501", "42809", "55000", "0A000"].contains(&code.as_str()), "{sql}: {code}");
        }
    }
    let say = |tenant: &str| {
        format!(
            "INSERT INTO {words} (vendor, vendor_status, status, tenant) VALUES ('dialfire', 'w', 'busy', '{tenant}')"
        )
    };
    for sql in [say("mine"), say(""), format!("UPDATE {words} SET status = 'busy'"), format!("TRUNCATE {words}")] {
        assert_eq!(refusal(&mut reader, &sql).code().code(), "42501", "{sql}");
    }
    assert_eq!(reader.execute(&say("acme"), &[]).expect("a word of its own tenant"), 1);
    assert_eq!(reader.execute(&format!("DELETE FROM {words}"), &[]).expect("its own word again"), 1);
    for sql in
        ["CREATE TABLE dialfire.mine ()", "SELECT nextval('dialfire.runs_run_id_seq')", "DROP SCHEMA dialfire CASCADE"]
    {
        assert_eq!(refusal(&mut reader, sql).code().code(), "42501", "{sql}");
    }
}

#[test]
fn what_fetches_or_writes_is_closed_to_the_public() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    let open = "SELECT coalesce(string_agg(p.oid::regprocedure::text, ', ' ORDER BY 1), '') FROM pg_proc p
        JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'dialfire_sync'
        WHERE EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
          AND NOT CASE p.prosecdef
              WHEN true THEN p.proname IN ('scheduler_pid', 'stats_signature')
              ELSE p.proname IN ('df_normalize', 'df_options', 'df_range', 'df_verify', 'df_why', 'stats_of', 'usable_tenants',
                                    'status_of', 'call_document', 'df_dashboard_stats', 'person', 'df_audit_views', 'df_compare', 'instant',
                                    'vendor_of', 'counts_assigned', 'skipped_calls', 'df_astguiclient', 'df_vicidial_columns',
                                    'event_document', 'df_may_see', 'read_tenants', 'all_tenants', 'coverage_of', 'health_of',
                                    'errors_today', 'main_legs', 'token_hash', 'csrf_token', 'tenant_or_first', 'show', 'show_share', 'in_url',
                                    'may_act', 'retired_until', 'month_tables', 'is_by_month',
                                    -- They call what is closed with the rights of the caller.
                                    'dashboard_act', 'dashboard_diagnosis', 'dashboard_ingest')
          END";
    assert_eq!(tenant.one::<String>(open, &[]), "");
    let pure =
        "SELECT count(DISTINCT proname) FROM pg_proc WHERE proname IN ('df_sync', 'df_fetch', 'df_check', 'df_grant')";
    assert_eq!(tenant.one::<i64>(pure, &[]), 4);
}

#[test]
fn hosts_that_are_not_allowed_are_refused_before_a_connection() {
    let vendor = Hanging::silent();
    let mut tenant = Tenant::at(&vendor.url("http"), "", "token 'abcdefgh'");
    for hosts in ["api.dialfire.com", "", "localhost", "127.0.0.1.example.com", "*"] {
        tenant.exec(&format!("SET dialfire_sync.allowed_hosts = '{hosts}'"));
        for call in ["df_sync('acme', 'yesterday')", "df_fetch('acme', 'yesterday')"] {
            let error = tenant.refusal(&format!("SELECT * FROM {call}"));
            assert_eq!(error.code().code(), "42501", "{error:?}");
            assert!(error.message().contains("host \"127.0.0.1\" is not allowed"), "{error:?}");
            assert!(error.hint().unwrap().contains("dialfire_sync.allowed_hosts"), "{error:?}");
        }
        let failed = "SELECT count(*) FROM df_check('acme') WHERE status = 'failed' AND step = 'allowed hosts'";
        assert_eq!(tenant.one::<i64>(failed, &[]), 1);
    }
    assert_eq!(vendor.accepted(), 0);
    let mut reader = tenant.connect_as("reader");
    assert_eq!(refusal(&mut reader, "SET dialfire_sync.allowed_hosts = 'localhost'").code().code(), "42501");
}

#[test]
fn plain_http_is_for_loopback_only() {
    let mut tenant = Tenant::at("http://127.0.0.1:1", "", "token 'abcdefgh'");
    for url in [
        "http://api.dialfire.com/api",
        "http://10.0.0.1/api",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "https://u:p@127.0.0.1",
        "file:///etc/passwd",
    ] {
        let error = tenant.refusal(&format!("ALTER SERVER acme OPTIONS (SET base_url '{url}')"));
        assert_eq!(error.code().code(), "22023", "{url}: {error:?}");
        assert!(error.hint().is_some(), "{url}: {error:?}");
    }
}

#[test]
fn files_and_proxies_are_for_superusers() {
    let mut tenant = Tenant::at("http://127.0.0.1:1", "", "token 'abcdefgh'");
    let mut owner = tenant.connect_as("owner");
    let role = format!("{}_owner", tenant.database);
    tenant.exec(&format!("GRANT USAGE ON FOREIGN DATA WRAPPER dialfire_sync TO {role}"));
    owner
        .batch_execute("CREATE SERVER mine FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account 'x')")
        .unwrap();
    for sql in [
        "ALTER SERVER mine OPTIONS (ADD ca_file '/etc/passwd')",
        "ALTER SERVER mine OPTIONS (ADD proxy 'http://10.0.0.1:3128')",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER mine OPTIONS (token_file '/etc/passwd')",
    ] {
        let error = refusal(&mut owner, sql);
        assert_eq!(error.code().code(), "42501", "{sql}: {error:?}");
        assert!(error.message().starts_with("permission denied to set option"), "{sql}: {error:?}");
    }
    tenant.exec("ALTER SERVER mine OPTIONS (ADD ca_file '/etc/ssl/certs/ca-certificates.crt')");
    let error = refusal(&mut owner, "ALTER SERVER mine OPTIONS (SET ca_file '/etc/shadow')");
    assert_eq!(error.code().code(), "42501");
}

/// Functions and operators that would be found before those of pg_catalog, and tell who ran them.
const TRAPS: &str = "CREATE SCHEMA trap;
    CREATE TABLE trap.caught (who text, what text);
    GRANT ALL ON trap.caught TO PUBLIC;
    GRANT USAGE ON SCHEMA trap TO PUBLIC;
    CREATE FUNCTION trap.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO trap.caught VALUES (current_user, 'eq text'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
    CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.eq);
    CREATE FUNCTION trap.eq(name, name) RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO trap.caught VALUES (current_user, 'eq name'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
    CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.eq);
    CREATE FUNCTION trap.eq(name, text) RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO trap.caught VALUES (current_user, 'eq name text'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
    CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = text, FUNCTION = trap.eq);
    CREATE FUNCTION trap.eq(oid, oid) RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO trap.caught VALUES (current_user, 'eq oid'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
    CREATE OPERATOR trap.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = trap.eq);
    CREATE FUNCTION trap.md5(text) RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO trap.caught VALUES (current_user, 'md5'); RETURN pg_catalog.md5($1); END $$;
    CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO trap.caught VALUES (current_user, 'now'); RETURN pg_catalog.now(); END $$;
    CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO trap.caught VALUES (current_user, 'clock'); RETURN pg_catalog.clock_timestamp(); END $$;
    CREATE VIEW trap.pg_extension AS SELECT * FROM pg_catalog.pg_extension WHERE false;
    CREATE VIEW trap.pg_foreign_server AS SELECT * FROM pg_catalog.pg_foreign_server WHERE false;
    GRANT SELECT ON ALL TABLES IN SCHEMA trap TO PUBLIC;";

#[test]
fn a_search_path_of_the_callers_runs_nothing_as_the_owner() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.exec(TRAPS);
    let mut caller = tenant.connect_as("caller");
    let role = format!("{}_caller", tenant.database);
    tenant.exec(&format!(
        "CALL df_grant('acme', '{role}'); CREATE USER MAPPING FOR {role} SERVER acme OPTIONS (token '{TOKEN}')"
    ));
    caller.batch_execute("SET search_path = trap, pg_catalog, public; SELECT 'a'::text = 'b'::text").unwrap();
    let works: i64 = tenant.one("SELECT count(*) FROM trap.caught", &[]);
    assert_eq!(works, 1, "the trap does not work: proves nothing");
    for call in [
        format!("df_sync('acme', '{ALL}')"),
        format!("df_sync('acme', '{ALL}', dry_run => true)"),
        "df_sync('acme', daterange('2025-11-05', '2025-11-06'))".to_owned(),
        "df_sync('acme', tstzrange('2025-11-05', '2025-11-06'))".to_owned(),
        "df_sync('acme')".to_owned(),
        "df_fetch('acme', '2025-11-05')".to_owned(),
        "df_check('acme')".to_owned(),
    ] {
        caller
            .batch_execute(&format!("SELECT * FROM public.{call}"))
            .unwrap_or_else(|error| panic!("{call}: {}", words(&error)));
        // What the caller runs as the caller is the caller's own business.
        let caught = "SELECT coalesce(string_agg(who || ': ' || what, ', '), '') FROM trap.caught WHERE who <> $1";
        assert_eq!(tenant.one::<String>(caught, &[&role]), "", "{call}");
    }
    let path: String = caller.query_one("SHOW search_path", &[]).unwrap().get(0);
    assert_eq!(path, "trap, pg_catalog, public");
    let user: String = caller.query_one("SELECT current_user::text", &[]).unwrap().get(0);
    assert_eq!(user, role);
}

#[test]
fn after_an_error_the_caller_is_the_caller_again() {
    let mut tenant = Tenant::at("http://127.0.0.1:1", "attempts '1'", "token 'abcdefgh'");
    let mut caller = tenant.connect_as("caller");
    let role = format!("{}_caller", tenant.database);
    tenant.exec(&format!("CALL df_grant('acme', '{role}')"));
    caller.batch_execute("SET search_path = public").unwrap();
    for sql in [
        "SELECT * FROM df_sync('acme', 'yesterday')",
        "SELECT * FROM df_sync('acme', 'nonsense')",
        "SELECT * FROM df_fetch('acme', 'yesterday')",
    ] {
        let sql = format!("DO $$ BEGIN PERFORM 1 FROM ({sql}) q; EXCEPTION WHEN OTHERS THEN
            IF current_user <> '{role}' OR current_setting('search_path') <> 'public' THEN RAISE 'still somebody else'; END IF; END $$");
        caller.batch_execute(&sql).unwrap_or_else(|error| panic!("{sql}: {}", words(&error)));
        let user: String = caller.query_one("SELECT current_user::text", &[]).unwrap().get(0);
        assert_eq!(user, role);
    }
}
