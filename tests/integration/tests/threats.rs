//! By-passes of row security, and names that want to be SQL.

use integration::simulator::{Simulator, ALL};
use integration::tenant::{words, Tenant};

/// Tells whatever it is asked about, and is cheap, so that a planner would ask it first.
const LEAK: &str = "CREATE TABLE told (what text); GRANT ALL ON told TO PUBLIC;
    CREATE FUNCTION leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
    $$ BEGIN INSERT INTO told VALUES ($1); RETURN true; END $$;
    CREATE OPERATOR ~~~ (RIGHTARG = text, FUNCTION = leak);";

#[test]
fn a_function_that_leaks_is_shown_no_row_of_a_tenant_that_may_not_be_used() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync(ALL).expect("success");
    tenant.exec(&format!("SELECT df_refresh(); {LEAK}"));
    let mut reader = tenant.connect_as("reader");
    let relations = "SELECT array_agg(format('%I.%I', n.nspname, c.relname)) FROM pg_class c
        JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname = 'dialfire' AND relkind IN ('r', 'v', 'p') AND relname NOT IN ('tenants', 'tenant_facts')
          AND has_table_privilege(c.oid, 'SELECT')
          AND EXISTS (SELECT FROM pg_attribute a WHERE attrelid = c.oid AND attname = 'tenant')";
    let relations: Vec<String> = reader.query_one(relations, &[]).unwrap().get(0);
    assert!(relations.len() > 25, "{relations:?}");
    let asked = |relation: &str| {
        format!("SELECT count(*) FROM {relation} r WHERE ~~~ (r.tenant || r::text) AND r.tenant = 'acme'")
    };
    for relation in &relations {
        reader.query(&asked(relation), &[]).unwrap_or_else(|error| panic!("{relation}: {}", words(&error)));
    }
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM told WHERE what LIKE 'acme%'", &[]), 0);
    // An error tells no more than the function would.
    for relation in &relations {
        let sql =
            format!("SELECT count(*) FROM {relation} r WHERE r.tenant = 'acme' AND (r.tenant || r::text)::int > 0");
        if let Err(error) = reader.query(&sql, &[]) {
            assert!(!words(&error).contains("acme("), "{relation}: {}", words(&error));
        }
    }
    tenant.exec(&asked("dialfire.calls"));
    let told: i64 = tenant.one("SELECT count(*) FROM told WHERE what LIKE 'acme%'", &[]);
    assert!(told > 0, "the leak does not work: proves nothing");
}

#[test]
fn names_of_a_table_of_attempts_are_names() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of_vendor("vapi", "org", &simulator.base_url, "", "token 'abcdefgh'");
    tenant.exec(
        r#"CREATE TABLE "x""; DROP TABLE dialfire.runs; --" (id text, phone text, called_at timestamptz, call_outcome text,
               metadata jsonb, "i'd""; DROP TABLE dialfire.runs; --" text);
           INSERT INTO "x""; DROP TABLE dialfire.runs; --" VALUES ('1', '+4930123456', now(), 'queued', '{}', 'v1')"#,
    );
    let mapping = r#"{"tenant": "acme", "call_id": "i''d\"; DROP TABLE dialfire.runs; --"}"#;
    let import = |relation: &str| format!("SELECT rows FROM df_import_tracking('{relation}', '{mapping}')");
    assert_eq!(tenant.one::<i64>(&import(r#""x""; DROP TABLE dialfire.runs; --""#), &[]), 1);
    assert_eq!(tenant.one::<String>("SELECT string_agg(call_id, ' ') FROM dialfire.calls", &[]), "v1");
    let error = tenant.refusal(&import("x; DROP TABLE dialfire.runs"));
    assert!(["42P01", "42601", "42602", "22023"].contains(&error.code().code()), "{error:?}");
    assert!(tenant.count("runs") >= 0);
}
