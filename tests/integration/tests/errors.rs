//! What the person who typed the statement is told: SQLSTATE, message and what to do.

use integration::simulator::{Simulator, ALL};
use integration::tenant::Tenant;
use postgres::error::DbError;

/// The parts of an error that people and programs rely on.
fn expect(error: &DbError, code: &str, message: &str, hint: &str) {
    assert_eq!(error.code().code(), code, "{error:?}");
    assert!(error.message().contains(message), "{message:?} not in {error:?}");
    assert!(error.hint().unwrap_or_default().contains(hint), "{hint:?} not the hint of {error:?}");
    let first = error.message().chars().next().unwrap();
    assert!(first.is_lowercase() && !error.message().ends_with('.'), "not in the style of Postgres: {error:?}");
}

/// Every function that asks a vendor refuses in the same words.
const CALLS: [&str; 4] = [
    "SELECT * FROM df_sync('acme', 'yesterday')",
    "SELECT * FROM df_sync('acme')",
    "SELECT * FROM df_fetch('acme', 'yesterday')",
    "SELECT * FROM df_check('acme')",
];

fn tenant() -> Tenant {
    Tenant::at("http://127.0.0.1:1", "", "token 'abcdefgh'")
}

#[test]
fn an_unknown_tenant_is_told_with_the_way_to_make_one() {
    let mut tenant = tenant();
    for call in CALLS {
        let error = tenant.refusal(&call.replace("acme", "Nobody's"));
        expect(&error, "42601", "", "");
    }
    for call in CALLS {
        let error = tenant.refusal(&call.replace("acme", "Ghost Town"));
        expect(&error, "42704", "tenant \"Ghost Town\" does not exist", "CREATE SERVER \"Ghost Town\"");
    }
}

#[test]
fn a_server_of_another_wrapper_is_no_tenant() {
    let mut tenant = tenant();
    tenant.exec("CREATE FOREIGN DATA WRAPPER other; CREATE SERVER elsewhere FOREIGN DATA WRAPPER other");
    for call in CALLS {
        let error = tenant.refusal(&call.replace("acme", "elsewhere"));
        expect(&error, "42809", "server \"elsewhere\" is not a tenant", "dialfire.tenants");
    }
}

#[test]
fn a_missing_user_mapping_is_told() {
    let mut tenant = tenant();
    tenant.exec("DROP USER MAPPING FOR CURRENT_USER SERVER acme");
    for call in CALLS {
        expect(
            &tenant.refusal(call),
            "28000",
            "no user mapping of tenant \"acme\" for role \"postgres\"",
            "CREATE USER MAPPING FOR CURRENT_USER SERVER acme",
        );
    }
}

#[test]
fn a_mapping_without_a_token_is_told() {
    let mut tenant = tenant();
    tenant.exec("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (DROP token)");
    for call in CALLS {
        expect(&tenant.refusal(call), "28000", "no token for tenant \"acme\"", "ADD token");
    }
}

#[test]
fn an_empty_or_broken_token_is_refused_by_the_mapping() {
    let mut tenant = tenant();
    for token in ["", "   ", "two words", "line\nend", "tab\t"] {
        let error =
            tenant.refusal(&format!("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (SET token '{token}')"));
        expect(&error, "22023", "invalid value for option \"token\"", "");
        assert!(error.hint().is_some(), "{error:?}");
    }
}

#[test]
fn a_token_file_is_read_and_its_absence_told() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.exec(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (DROP token, ADD token_file '/nonexistent/token')",
    );
    let error = tenant.refusal(CALLS[0]);
    expect(&error, "58P01", "token_file of tenant \"acme\" cannot be read", "readable");
    let dir: String = tenant.one("SELECT current_setting('data_directory')", &[]);
    tenant.exec(&format!("COPY (SELECT 'tenant-secret-token') TO '{dir}/token'"));
    tenant.exec(&format!("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (SET token_file '{dir}/token')"));
    tenant.sync(ALL).expect("success");
    tenant.exec(&format!("COPY (SELECT 'two words') TO '{dir}/token'"));
    let error = tenant.refusal(CALLS[0]);
    expect(&error, "58P01", "cannot be read", "");
    assert!(!format!("{error:?}").contains("two words"), "what the file holds may be secret: {error:?}");
}

#[test]
fn a_token_of_another_scope_is_a_failed_run_that_names_both_kinds() {
    let simulator = Simulator::start();
    let campaign = simulator.campaigns().remove(0);
    let mut tenant = Tenant::at(&simulator.base_url, "", &format!("token 'campaign-token-{campaign}'"));
    let run = tenant.sync("yesterday");
    run.expect("failed").says("the list of campaigns did not arrive").says("403 - Forbidden");
    run.says("tenant token").says("\"campaign_tokens\" the tokens of single campaigns").says("df_check");
    let error = tenant.refusal("SELECT * FROM df_fetch('acme', 'yesterday')");
    expect(&error, "28000", "403", "campaign_tokens");
}

#[test]
fn ranges_that_make_no_sense_are_refused() {
    let mut tenant = tenant();
    for (range, code, message) in [
        ("'2026-01-15..2026-01-01'", "22023", "the range is reversed"),
        ("'[2026-01-15,2026-01-01)'", "22023", "the range is reversed"),
        ("'[2026-01-15,2026-01-15)'", "22023", "the range is empty"),
        ("'empty'", "22023", "the range is empty"),
        ("'last 0 days'", "22023", "the range is empty"),
        ("daterange('2026-01-15', '2026-01-15')", "22023", "the range is empty"),
        ("tstzrange('2026-01-15', '2026-01-15')", "22023", "the range is empty"),
        ("tstzrange(NULL, '2026-01-15')", "22023", "the range is infinite"),
        ("tstzrange('-infinity', '2026-01-15')", "22023", "the range is infinite"),
        ("tstzrange('2026-01-01', 'infinity')", "22023", "the range is infinite"),
        ("daterange(NULL, NULL)", "22023", "the range is infinite"),
        ("daterange('-infinity', 'infinity')", "22023", "the range is infinite"),
        ("'..2026-01-01'", "22023", "the range is infinite"),
        ("'9998-01-01..9998-02-01'", "22023", "nothing of the range has happened yet"),
        ("daterange(current_date + 2, current_date + 3)", "22023", "nothing of the range has happened yet"),
        ("tstzrange(now() + interval '1 hour', NULL)", "22023", "nothing of the range has happened yet"),
        ("'0001-01-01'", "22023", "the range leaves the years 1970 to 9999"),
        ("daterange('4000-01-01 BC', '2026-01-01')", "", ""),
        ("'some day'", "22007", "cannot read \"some day\""),
        ("'2026-02-30'", "22007", "cannot read"),
        ("'2026-13'", "22007", "cannot read"),
        ("'last week of may'", "22007", "cannot read"),
        ("''", "22007", "cannot read"),
        ("'[2026-01-01'", "22007", "cannot read"),
        ("repeat('x', 100000)", "22007", "cannot read"),
    ] {
        for call in ["df_sync", "df_fetch"] {
            let error = tenant.refusal(&format!("SELECT * FROM {call}('acme', {range})"));
            if code.is_empty() {
                assert!(["22007", "22023"].contains(&error.code().code()), "{range}: {error:?}");
                continue;
            }
            expect(&error, code, message, "");
            assert!(error.hint().is_some_and(|hint| hint.ends_with('.')), "{range}: {error:?}");
            assert!(error.message().len() < 400, "{range}: {} bytes", error.message().len());
        }
    }
    assert_eq!(tenant.count("runs"), 0);
}

#[test]
fn a_null_range_or_tenant_is_never_taken_for_everything() {
    let mut tenant = tenant();
    for call in ["df_sync(NULL, 'yesterday')", "df_sync(NULL::text)", "df_fetch('acme', NULL::text)", "df_check(NULL)"]
    {
        let rows = tenant.db.query(&format!("SELECT * FROM {call}"), &[]);
        assert!(rows.as_ref().map_or(true, Vec::is_empty), "{call}: {rows:?}");
    }
    assert_eq!(tenant.count("runs"), 0);
}
