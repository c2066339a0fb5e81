//! Secrets of Supabase Vault, by what `tests/vault` installs in its place where it is not there itself.

use integration::simulator::{Simulator, ALL};
use integration::tenant::{refusal, words, Tenant};
use postgres::error::DbError;

const SECRET: &str = "Vq5-distinctive-vault-Secret_37";

/// Tenant `acme`, whose token Vault has under that name.
fn tenant(simulator: &Simulator) -> Tenant {
    let mut tenant = Tenant::at(&simulator.base_url, "", "token_vault 'token of acme'");
    tenant.exec("CREATE EXTENSION supabase_vault");
    tenant.exec(&format!("SELECT vault.create_secret('{SECRET}', 'token of acme')"));
    tenant
}

fn simulator() -> Simulator {
    Simulator::with(&["--anchor", "2025-11-15T12:00:00Z", "--days", "2", "--tenant-token", SECRET])
}

fn expect(error: &DbError, code: &str, detail: &str, hint: &str) {
    assert_eq!(error.code().code(), code, "{error:?}");
    assert_eq!(error.message(), "token_vault of tenant \"acme\" cannot be read");
    assert!(error.detail().unwrap_or_default().contains(detail), "{error:?}");
    assert!(error.hint().unwrap_or_default().contains(hint), "{error:?}");
}

const CHECK: &str = "SELECT * FROM df_check('acme')";

#[test]
fn a_secret_of_vault_opens_the_tenant_and_stands_in_no_mapping_log_or_dump() {
    let simulator = simulator();
    let mut tenant = tenant(&simulator);
    tenant.sync(ALL).expect("success");
    simulator.fault("status", "", serde_json::json!({"status": 403, "body": format!("no: {SECRET}")}));
    let run = tenant.sync("2025-11-14");
    run.expect("failed").says("no: [secret]");
    let mapping: String = tenant.one("SELECT umoptions::text FROM pg_user_mapping", &[]);
    assert_eq!(mapping, "{\"token_vault=token of acme\"}");
    let logged: String = tenant.one("SELECT string_agg(l::text, '') FROM dialfire.http_log l", &[]);
    let dump = tenant.cluster.program("pg_dump", &["--dbname", &tenant.database]);
    assert!(dump.contains("token_vault 'token of acme'"), "the mapping is not in the dump: proves nothing");
    for text in [logged, dump, tenant.cluster.log()] {
        assert!(!text.contains(SECRET), "{text}");
    }
    // What Vault is told, the next statement uses.
    simulator.heal();
    tenant.exec("SELECT vault.update_secret(id, 'old') FROM vault.secrets");
    tenant.sync("2025-11-14").expect("failed").says("403");
}

#[test]
fn a_mapping_opens_no_secret_of_vault_that_its_user_could_not_read() {
    let simulator = simulator();
    let mut tenant = tenant(&simulator);
    let mut clerk = tenant.connect_as("clerk");
    let role = format!("{}_clerk", tenant.database);
    tenant.exec(&format!("CALL df_grant('acme', '{role}')"));
    clerk
        .batch_execute("CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token_vault 'token of acme')")
        .unwrap();
    let granted = [
        "GRANT USAGE ON SCHEMA vault TO",
        "GRANT SELECT ON vault.decrypted_secrets TO",
        "GRANT EXECUTE ON FUNCTION vault._crypto_aead_det_decrypt TO",
    ];
    for grant in granted {
        for call in [CHECK, "SELECT * FROM df_sync('acme', 'yesterday')", "SELECT * FROM df_fetch('acme', 'yesterday')"]
        {
            let error = refusal(&mut clerk, call);
            expect(
                &error,
                "42501",
                &format!("\"{role}\" may not"),
                &format!("GRANT SELECT ON vault.decrypted_secrets TO {role};"),
            );
        }
        tenant.exec(&format!("{grant} {role}"));
    }
    let sync = clerk.query_one(&format!("SELECT status FROM df_sync('acme', '{ALL}')"), &[]);
    assert_eq!(sync.unwrap_or_else(|error| panic!("{}", words(&error))).get::<_, &str>(0), "success");
    // Whose right ends, ends at once.
    tenant.exec(&format!("REVOKE SELECT ON vault.decrypted_secrets FROM {role}"));
    expect(&refusal(&mut clerk, CHECK), "42501", "may not read", "every secret");
}

#[test]
fn what_is_missing_in_vault_is_named_and_what_is_there_is_not_quoted() {
    let simulator = simulator();
    let mut tenant = Tenant::at(&simulator.base_url, "", "token_vault 'it''s'");
    expect(&tenant.refusal(CHECK), "42704", "supabase_vault is not created", "into option token");
    tenant.exec("CREATE EXTENSION supabase_vault");
    expect(&tenant.refusal(CHECK), "42704", "no secret \"it's\"", "vault.create_secret('…', 'it''s')");
    tenant.exec("SELECT vault.create_secret('two words', 'it''s')");
    let error = tenant.refusal(CHECK);
    expect(&error, "42704", "\"it's\" is not one word", "vault.update_secret");
    assert!(!format!("{error:?}").contains("two words"), "{error:?}");
}

#[test]
fn a_schema_of_vaults_name_that_is_not_vaults_runs_nothing() {
    let simulator = simulator();
    let mut tenant = Tenant::at(&simulator.base_url, "", "token_vault 'token of acme'");
    tenant.exec(
        "CREATE TABLE caught (who text);
         CREATE SCHEMA vault;
         CREATE FUNCTION vault.trap() RETURNS text LANGUAGE sql AS $$ INSERT INTO caught VALUES (current_user) RETURNING 'x' $$;
         CREATE VIEW vault.decrypted_secrets AS SELECT 'token of acme'::text AS name, vault.trap() AS decrypted_secret",
    );
    expect(&tenant.refusal(CHECK), "42704", "not created", "CREATE EXTENSION supabase_vault");
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM caught", &[]), 0);
    tenant.exec("SELECT * FROM vault.decrypted_secrets");
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM caught", &[]), 1, "the trap does not work: proves nothing");
}

#[test]
fn a_webhook_is_believed_by_a_secret_of_vault() {
    use integration::vapi;
    let simulator = vapi::simulator();
    let mut tenant = vapi::tenant(&simulator, "");
    tenant.exec(
        "CREATE EXTENSION supabase_vault;
         ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (ADD webhook_secret_vault 'of webhooks')",
    );
    tenant.exec(&format!("SELECT vault.create_secret('{}', 'of webhooks')", vapi::WEBHOOK_SECRET));
    let answer = vapi::ingest(&mut tenant.db, &vapi::status_update("c-1", "queued", 0));
    assert_eq!(answer.http_status, 200, "{answer:?}");
    tenant.exec("SELECT vault.update_secret(id, 'another') FROM vault.secrets");
    let answer = vapi::ingest(&mut tenant.db, &vapi::status_update("c-1", "ringing", 1));
    assert_eq!(answer.http_status, 401, "{answer:?}");
}
