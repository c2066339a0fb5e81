//! Whatever the vendor does wrong: the truth in the end, or a run that says why not. Never an error, never a gap.

use integration::hanging::Hanging;
use integration::rows::assert_truth;
use integration::simulator::{Simulator, ALL};
use integration::tenant::{Run, Tenant};
use serde_json::{json, Value};

pub const EVENTS: &str = "contacts/transactions";
pub const CONTACTS: &str = "contacts/?include_md5";

/// Quick to give up, so that what lasts is over soon.
const OPTIONS: &str = "attempts '2', wait_budget '20 s', request_timeout '10 s', page_size '20'";

pub struct Scene {
    pub simulator: Simulator,
    pub tenant: Tenant,
}

impl Scene {
    pub fn new() -> Scene {
        let simulator = Simulator::start();
        let tenant = Tenant::with(&simulator, OPTIONS);
        Scene { simulator, tenant }
    }

    pub fn statuses(&mut self, run: &Run) -> Vec<Option<i32>> {
        self.tenant.http_log(run).iter().map(|line| line.get("status")).collect()
    }

    pub fn covered(&mut self) -> i64 {
        self.tenant.count("coverage")
    }
}

/// The fault passes: one sync arrives at the truth. Returns what the HTTP log has of it.
pub fn passes(kind: &str, path: &str, more: Value) -> (Scene, Run) {
    let mut scene = Scene::new();
    scene.simulator.fault(kind, path, more);
    let run = scene.tenant.sync(ALL);
    run.expect("success");
    let hits = scene.simulator.get("faults")[0]["hits"].as_i64().unwrap();
    assert!(hits > 0, "the fault hit nothing: {kind}");
    assert_truth(&mut scene.tenant, &scene.simulator);
    assert_eq!(scene.covered(), 3);
    (scene, run)
}

/// The fault lasts: the run fails and says why, nothing is covered, and when it is over one sync arrives at the truth.
pub fn lasts(kind: &str, path: &str, more: Value, reason: &str) -> (Scene, Run) {
    let mut scene = Scene::new();
    scene.simulator.fault(kind, path, more);
    let run = scene.tenant.sync(ALL);
    run.expect("failed").says(reason);
    assert_eq!((scene.covered(), run.windows), (0, 0), "{run:?}");
    let ledger: String =
        scene.tenant.one("SELECT status || ': ' || message FROM dialfire.runs WHERE run_id = $1", &[&run.id]);
    assert!(ledger.starts_with("failed: ") && ledger.contains(reason), "{ledger}");
    scene.simulator.heal();
    scene.tenant.sync(ALL).expect("success");
    assert_truth(&mut scene.tenant, &scene.simulator);
    assert_eq!(scene.covered(), 3);
    (scene, run)
}

#[test]
fn a_passing_5xx_is_asked_again() {
    let (mut scene, run) = passes("status", "", json!({"status": 503, "times": 1}));
    assert_eq!((scene.statuses(&run), run.retries), (vec![Some(503)], 1));
    let (mut scene, run) = passes("status", CONTACTS, json!({"status": 500, "times": 1, "skip": 2}));
    assert_eq!(scene.statuses(&run), [Some(500)]);
}

#[test]
fn a_lasting_5xx_fails_and_is_logged_each_time() {
    let (mut scene, run) = lasts("status", EVENTS, json!({"status": 502}), "502 after 2 attempts");
    let statuses = scene.statuses(&run);
    assert!(statuses.len() >= 6 && statuses.iter().all(|status| *status == Some(502)), "{statuses:?}");
}

#[test]
fn a_cut_connection_is_asked_again() {
    for path in [EVENTS, CONTACTS, "campaigns/"] {
        let (mut scene, run) = passes("cut", path, json!({"times": 1}));
        let log = scene.tenant.http_log(&run);
        assert_eq!(log.len(), 1, "{path}");
        assert_eq!(log[0].get::<_, Option<i32>>("status"), None, "{path}");
        assert!(log[0].get::<_, Option<String>>("error").is_some(), "{path}");
    }
}

#[test]
fn a_connection_that_is_always_cut_fails() {
    lasts("cut", EVENTS, json!({}), "no answer after 2 attempts");
}

#[test]
fn a_truncated_page_is_not_the_last_one() {
    lasts("truncate", EVENTS, json!({}), "a page of events cannot be read");
    lasts("truncate", CONTACTS, json!({}), "the contacts cannot be read");
}

#[test]
fn a_login_page_is_not_an_empty_list() {
    lasts("html_login", EVENTS, json!({}), "an HTML page, not JSON");
    lasts("html_login", "tenants/", json!({}), "an HTML page, not JSON");
}

#[test]
fn an_error_with_status_200_is_not_an_empty_list() {
    lasts("error_body_200", EVENTS, json!({}), "quota exceeded");
    lasts("error_body_200", CONTACTS, json!({}), "quota exceeded");
    lasts("error_body_200", "inbound/calls", json!({}), "quota exceeded");
    lasts("error_body_200", "tenants/", json!({}), "quota exceeded");
}

#[test]
fn prose_instead_of_json_is_told() {
    lasts("not_json", EVENTS, json!({}), "temporarily not available");
}

#[test]
fn a_repeated_cursor_is_an_error_and_no_end() {
    lasts("repeat_cursor", EVENTS, json!({}), "a cursor that was followed before");
}

#[test]
fn an_empty_page_in_the_middle_is_not_the_end() {
    passes("empty_page", EVENTS, json!({"skip": 1, "times": 1}));
    passes("empty_page", EVENTS, json!({"times": 2}));
}

#[test]
fn a_short_page_is_an_error() {
    lasts("short_page", EVENTS, json!({}), "a page is short");
    lasts("short_page", "inbound/calls", json!({"value": 1}), "a page is short");
}

#[test]
fn duplicate_events_are_stored_once_and_counted_as_skipped() {
    let (_, run) = passes("duplicate_events", EVENTS, json!({}));
    assert!(run.reasons["duplicate_event"].as_i64().unwrap() > 100, "{run:?}");
}

#[test]
fn reordered_events_change_nothing() {
    passes("reorder_events", EVENTS, json!({}));
}

#[test]
fn a_redirect_to_another_host_is_refused_and_no_token_leaves() {
    let other = Hanging::silent();
    for path in [EVENTS, CONTACTS, "tenants/"] {
        let location = format!("http://localhost:{}", other.port());
        lasts("redirect_other_host", path, json!({"body": location}), "redirect refused");
    }
    assert_eq!((other.accepted(), other.heard().len()), (0, 0), "the other host was asked");
}

#[test]
fn a_redirect_on_the_same_host_is_followed() {
    let (mut scene, run) = passes("redirect_same_host", EVENTS, json!({"times": 1}));
    assert_eq!(scene.statuses(&run), [Some(307)]);
}

#[test]
fn a_redirect_that_goes_round_in_circles_ends() {
    lasts("redirect_same_host", EVENTS, json!({}), "redirect refused");
}

#[test]
fn a_403_names_the_tenant_token_and_the_campaign_tokens() {
    let mut scene = Scene::new();
    let campaign = scene.simulator.campaigns().remove(0);
    let secrets = format!("ADD campaign_tokens '{campaign}=campaign-token-of-somebody-else'");
    scene.tenant.exec(&format!("ALTER USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS ({secrets})"));
    let run = scene.tenant.sync(ALL);
    run.expect("partial").says("403 - Forbidden").says("tenant token").says("campaign_tokens").says(&campaign);
    assert_eq!((run.windows, scene.covered()), (2, 2), "the other campaigns are complete: {run:?}");
    assert!(scene.statuses(&run).contains(&Some(403)));
    let uncovered = "SELECT count(*) FROM dialfire.coverage WHERE source = $1";
    assert_eq!(scene.tenant.one::<i64>(uncovered, &[&campaign]), 0);
}

#[test]
fn one_failing_campaign_does_not_hold_up_the_others() {
    let mut scene = Scene::new();
    let campaign = scene.simulator.campaigns().remove(1);
    scene.simulator.fault("status", &format!("campaigns/{campaign}/{EVENTS}"), json!({"status": 500, "skip": 2}));
    let run = scene.tenant.sync(ALL);
    run.expect("partial").says(format!("campaign {campaign}: the vendor still answered 500"));
    assert_eq!((run.windows, scene.covered()), (2, 2));
    scene.simulator.heal();
    scene.tenant.sync(ALL).expect("success");
    assert_truth(&mut scene.tenant, &scene.simulator);
}

#[test]
fn a_contact_that_is_announced_and_not_delivered_waits_in_quarantine_and_is_healed() {
    let mut scene = Scene::new();
    let contacts = scene.simulator.get("truth/contacts");
    let contact = contacts[0]["id"].as_str().unwrap();
    scene.simulator.fault("drop_contact", CONTACTS, json!({"body": contact}));
    let run = scene.tenant.sync(ALL);
    run.expect("partial").says("rejected");
    assert_eq!(run.rejected, contacts[0]["transactions"].as_i64().unwrap(), "each of its events: {run:?}");
    let open = "SELECT count(*) FROM dialfire.rejects_open WHERE reason = 'contact_not_delivered' AND contact_id = $1";
    assert_eq!(scene.tenant.one::<i64>(open, &[&contact]), run.rejected);
    let again = scene.tenant.sync(ALL);
    again.expect("partial");
    assert_eq!(again.rejected, run.rejected, "still missing, and asked for again");
    scene.simulator.heal();
    scene.tenant.sync(ALL).expect("success");
    assert_eq!(scene.tenant.one::<i64>(open, &[&contact]), 0);
    assert_truth(&mut scene.tenant, &scene.simulator);
}

#[test]
fn a_vendor_that_hangs_runs_into_the_request_timeout() {
    for kind in ["hang", "drip"] {
        let mut scene = Scene::new();
        scene.tenant.exec("ALTER SERVER acme OPTIONS (SET request_timeout '2 s')");
        scene.simulator.fault(kind, EVENTS, json!({}));
        let run = scene.tenant.sync(ALL);
        run.expect("failed").says("no complete answer in time");
        let statuses = scene.statuses(&run);
        assert!(!statuses.is_empty() && statuses.iter().all(Option::is_none), "{kind}: {statuses:?}");
        assert_eq!(scene.covered(), 0);
    }
    let mut scene = Scene::new();
    // Long enough for the answers of a busy machine.
    scene.tenant.exec("ALTER SERVER acme OPTIONS (SET request_timeout '5 s')");
    scene.simulator.fault("hang", EVENTS, json!({"times": 1}));
    scene.tenant.sync(ALL).expect("success");
    assert_truth(&mut scene.tenant, &scene.simulator);
}

#[test]
fn a_vendor_that_is_not_there_is_told() {
    let mut tenant = Tenant::at("http://127.0.0.1:1/api", "attempts '2'", "token 'abcdefgh'");
    let run = tenant.sync("yesterday");
    run.expect("failed").says("the list of campaigns did not arrive").says("after 2 attempts");
    assert_eq!(tenant.http_log(&run).len(), 2);
}

#[test]
fn a_vendor_whose_clock_is_behind_is_not_called_covered_beyond_it() {
    let now = chrono::Utc::now();
    let anchor = now.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let simulator = Simulator::with(&["--anchor", &anchor, "--days", "2", "--calls-per-day", "50"]);
    simulator.post("clock", json!({"shift_seconds": -7200}));
    let mut tenant = Tenant::of(&simulator);
    tenant.sync("last 3 hours").expect("success");
    let ahead = "SELECT count(*) FROM dialfire.coverage WHERE upper(covered) > now() - interval '2 hours'";
    assert_eq!((tenant.one::<i64>(ahead, &[]), tenant.count("coverage")), (0, 3));
}
