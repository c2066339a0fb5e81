//! Logins are resolved the same way every time, and an internal id never stands for one.

use integration::record::{contact, transaction, with, without, DAY};
use integration::simulator::{Simulator, ALL};
use integration::tenant::Tenant;
use serde_json::json;

const HEX: &str = "0123456789abcdef0123456789ABCDEF";

fn login_of(tenant: &mut Tenant, contact: &str) -> (Option<String>, bool) {
    let sql = "SELECT agent_login, is_human FROM dialfire.calls WHERE contact_id = $1";
    let row = tenant.db.query_one(sql, &[&contact]).unwrap();
    (row.get(0), row.get(1))
}

#[test]
fn human_events_have_a_login_and_others_legitimately_none() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync(ALL).expect("success");
    let count = |tenant: &mut Tenant, filter: &str| -> i64 {
        tenant.one(
            &format!(
                "SELECT count(*) FROM dialfire.calls JOIN dialfire.transactions t ON t.id = call_id WHERE {filter}"
            ),
            &[],
        )
    };
    assert!(count(&mut tenant, "t.is_human AND t.user_login IS NULL") > 0, "no login was missing: proves nothing");
    assert_eq!(count(&mut tenant, "t.is_human AND agent_login IS NULL"), 0);
    assert!(count(&mut tenant, "NOT t.is_human") > 0);
    assert_eq!(count(&mut tenant, "NOT t.is_human AND agent_login IS NOT NULL"), 0);
    assert_eq!(count(&mut tenant, "agent_login ~* '^[0-9a-f]{32}$'"), 0);
}

#[test]
fn logins_are_learned_from_events_where_the_list_of_users_is_hidden() {
    let simulator = Simulator::start();
    simulator.post("users", json!({"hidden": true}));
    simulator.contact(&contact("KNOWN", json!([transaction("10:00:00.000")])).to_string());
    simulator
        .contact(&contact("NAMELESS", json!([without(transaction("11:00:00.000"), "user_loginName")])).to_string());
    let stranger = with(without(transaction("12:00:00.000"), "user_loginName"), "user", json!("u-stranger"));
    simulator.contact(&contact("STRANGER", json!([stranger])).to_string());
    let mut tenant = Tenant::of(&simulator);
    let run = tenant.sync(DAY);
    run.expect("success");
    assert_eq!(run.reasons["list_of_users_refused"], 1, "{run:?}");
    assert_eq!(login_of(&mut tenant, "NAMELESS"), (Some("Anna.Test".to_owned()), true));
    assert_eq!(login_of(&mut tenant, "STRANGER"), (None, true));
}

#[test]
fn the_list_of_users_names_those_whom_no_event_names() {
    let simulator = Simulator::start();
    let mut tenant = Tenant::of(&simulator);
    tenant.sync(ALL).expect("success");
    let row = tenant.db.query_one("SELECT id, login FROM dialfire.agents LIMIT 1", &[]).unwrap();
    let (id, login): (String, String) = (row.get(0), row.get(1));
    tenant.exec("TRUNCATE dialfire.agents");
    let nameless = with(without(transaction("10:00:00.000"), "user_loginName"), "user", json!(id));
    simulator.contact(&contact("NAMELESS", json!([nameless])).to_string());
    tenant.sync(DAY).expect("success");
    assert_eq!(login_of(&mut tenant, "NAMELESS"), (Some(login), true));
}

#[test]
fn an_internal_id_in_the_place_of_a_login_is_not_shown_as_one() {
    let simulator = Simulator::start();
    let hashed = |clock, user: &str| with(with(transaction(clock), "user_loginName", json!(HEX)), "user", json!(user));
    simulator.contact(&contact("PLAIN", json!([transaction("09:00:00.000")])).to_string());
    simulator.contact(&contact("HASHED", json!([hashed("10:00:00.000", "u-anna")])).to_string());
    simulator.contact(&contact("UNKNOWN", json!([hashed("11:00:00.000", HEX)])).to_string());
    let mut tenant = Tenant::of(&simulator);
    tenant.sync(DAY).expect("success");
    assert_eq!(login_of(&mut tenant, "HASHED"), (Some("Anna.Test".to_owned()), true));
    assert_eq!(login_of(&mut tenant, "UNKNOWN"), (None, true));
    let hex = "SELECT count(*) FROM dialfire.agent_data WHERE transactions_user_login ~* '^[0-9a-f]{32}$'";
    assert_eq!(tenant.one::<i64>(hex, &[]), 0);
    let learned = "SELECT count(*) FROM dialfire.agents WHERE login ~* '^[0-9a-f]{32}$'";
    assert_eq!(tenant.one::<i64>(learned, &[]), 0);
}

#[test]
fn the_newest_event_decides_whatever_the_order_of_arrival() {
    let simulator = Simulator::start();
    simulator.post("users", json!({"hidden": true}));
    let named = |clock, login: &str| with(transaction(clock), "user_loginName", json!(login));
    simulator.contact(&contact("OLD", json!([named("09:00:00.000", "Anna.Before")])).to_string());
    simulator.contact(&contact("NEW", json!([named("15:00:00.000", "Anna.After")])).to_string());
    simulator
        .contact(&contact("NAMELESS", json!([without(transaction("10:00:00.000"), "user_loginName")])).to_string());
    let halves = [format!("[{DAY} 12:00+00,{DAY} 20:00+00)"), format!("[{DAY} 00:00+00,{DAY} 12:00+00)")];
    for order in [[0, 1], [1, 0]] {
        let mut tenant = Tenant::of(&simulator);
        for half in order {
            tenant.sync(&halves[half]).expect("success");
        }
        assert_eq!(login_of(&mut tenant, "NAMELESS"), (Some("Anna.After".to_owned()), true), "{order:?}");
    }
}
