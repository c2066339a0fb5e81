use super::{Fault, Faults};
use crate::api::Call;
use crate::testing::{Reply, Server};
use axum::http::Method;
use serde_json::{json, Value};

const FEED: &str = "contacts/transactions/?limit=10";

/// The feed's first page while one fault of this kind stands.
fn with(fault: Value) -> (Server, Reply) {
    let server = Server::start();
    server.control("POST", "faults", &fault.to_string());
    let reply = server.get(FEED);
    (server, reply)
}

fn rows(reply: &Reply) -> Vec<Value> {
    reply.json()["results"].as_array().unwrap().clone()
}

fn hits(fault: Value, requests: usize) -> Vec<bool> {
    let mut faults = Faults::new(1);
    faults.list.push(serde_json::from_value::<Fault>(fault).unwrap());
    let call =
        |_| Call::new(Method::POST, "/api/campaigns/X/contacts/?a=b".parse().unwrap(), Default::default(), vec![]);
    (0..requests).map(|index| !faults.choose(&call(index)).is_empty()).collect()
}

#[test]
fn a_fault_hits_the_requests_that_it_names_and_no_others() {
    assert_eq!(hits(json!({"kind": "hang", "skip": 2, "times": 1}), 4), [false, false, true, false]);
    assert_eq!(hits(json!({"kind": "hang", "method": "post", "path": "contacts/"}), 2), [true, true]);
    assert_eq!(hits(json!({"kind": "hang", "method": "GET"}), 1), [false]);
    assert_eq!(hits(json!({"kind": "hang", "path": "a=b"}), 1), [true]);
    assert_eq!(hits(json!({"kind": "hang", "path": "inbound"}), 1), [false]);
    assert_eq!(hits(json!({"kind": "repeat_cursor"}), 1), [false]);
    let some = hits(json!({"kind": "hang", "share": 0.1}), 1000);
    assert!((60..140).contains(&some.iter().filter(|hit| **hit).count()));
    assert_eq!(some, hits(json!({"kind": "hang", "share": 0.1}), 1000));
    assert!(serde_json::from_value::<Fault>(json!({"kind": "hang", "tims": 1})).is_err());
}

#[test]
fn latencies_add_up_and_leave_the_way_to_one_other_fault() {
    let server = Server::start();
    for fault in [
        json!({"kind": "latency", "value": 30}),
        json!({"kind": "latency", "value": 30}),
        json!({"kind": "status"}),
        json!({"kind": "not_json"}),
    ] {
        server.control("POST", "faults", &fault.to_string());
    }
    let begun = std::time::Instant::now();
    assert_eq!(server.get(FEED).status, 500);
    assert!(begun.elapsed().as_millis() >= 60);
    let hits: Vec<Value> =
        server.control("GET", "faults", "").as_array().unwrap().iter().map(|f| f["hits"].clone()).collect();
    assert_eq!(hits, [1, 1, 1, 0]);
    server.control("DELETE", "faults", "");
    assert_eq!(server.get(FEED).status, 200);
}

#[test]
fn a_status_comes_with_its_plain_text() {
    let (_server, reply) = with(json!({"kind": "status", "status": 403}));
    assert_eq!((reply.status, reply.text()), (403, "403 - Forbidden".into()));
}

#[test]
fn retry_after_is_told_in_seconds_or_as_a_date() {
    let (server, reply) = with(json!({"kind": "retry_after_seconds", "value": 3, "times": 1}));
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("3")));
    assert_eq!(server.get(FEED).status, 200);
    let (_server, reply) = with(json!({"kind": "retry_after_date", "value": 60, "status": 503}));
    let date = |name| chrono::DateTime::parse_from_rfc2822(&reply.header(name).unwrap().to_uppercase()).unwrap();
    let wait = (date("retry-after") - date("date")).num_seconds();
    assert!(reply.status == 503 && (59..=61).contains(&wait), "{wait}");
}

#[test]
fn a_cut_breaks_the_connection_before_the_promised_end() {
    let (_server, reply) = with(json!({"kind": "cut", "value": 100}));
    let promised: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert_eq!(reply.body.len(), 100);
    assert!(reply.status == 200 && promised > 100);
}

#[test]
fn a_truncated_answer_is_complete_http_but_no_json() {
    let (_server, reply) = with(json!({"kind": "truncate"}));
    let promised: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert_eq!((reply.status, reply.body.len()), (200, promised));
    assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
}

#[test]
fn wrong_bodies_come_with_200() {
    let (_server, reply) = with(json!({"kind": "html_login"}));
    assert!(reply.status == 200 && reply.header("content-type").unwrap().starts_with("text/html"));
    let (_server, reply) = with(json!({"kind": "error_body_200"}));
    assert_eq!((reply.status, reply.json()), (200, json!({"error": "quota exceeded"})));
    let (_server, reply) = with(json!({"kind": "not_json", "body": "oops"}));
    assert_eq!((reply.status, reply.text()), (200, "oops".into()));
}

#[test]
fn a_repeated_cursor_leads_back_to_the_same_page() {
    let server = Server::start();
    let cursor = server.get(FEED).json()["cursor"].as_str().unwrap().to_owned();
    let page = format!("{FEED}&cursor={cursor}");
    assert_ne!(server.get(&page).json()["cursor"], *cursor);
    server.control("POST", "faults", r#"{"kind": "repeat_cursor"}"#);
    assert_eq!(server.get(&page).json()["cursor"], *cursor);
}

#[test]
fn an_empty_page_has_a_cursor_to_the_rows_that_it_left_out() {
    let (server, reply) = with(json!({"kind": "empty_page", "times": 1}));
    assert!(rows(&reply).is_empty());
    let next = server.get(&format!("{FEED}&cursor={}", reply.json()["cursor"].as_str().unwrap()));
    assert_eq!(rows(&next), rows(&server.get(FEED)));
}

#[test]
fn a_short_page_counts_more_rows_than_it_holds() {
    let (server, reply) = with(json!({"kind": "short_page", "value": 4, "times": 1}));
    assert_eq!((rows(&reply).len(), &reply.json()["count"]), (4, &json!(10)));
    assert_eq!(rows(&reply), rows(&server.get(FEED))[..4]);
}

#[test]
fn events_come_twice_or_in_another_order() {
    let (server, reply) = with(json!({"kind": "duplicate_events", "value": 3, "times": 1}));
    let straight = rows(&server.get(FEED));
    assert_eq!((rows(&reply).len(), &rows(&reply)[10..], &reply.json()["count"]), (13, &straight[..3], &json!(13)));
    server.control("POST", "faults", r#"{"kind": "reorder_events"}"#);
    let mut mixed = rows(&server.get(FEED));
    assert_ne!(mixed, straight);
    mixed.sort_by_key(Value::to_string);
    assert_eq!(mixed.len(), 10);
}

#[test]
fn an_oversize_answer_is_as_long_as_asked_for() {
    let (_server, reply) = with(json!({"kind": "oversize", "value": 300_000}));
    assert!(reply.status == 200 && reply.header("transfer-encoding") == Some("chunked"));
    assert!(reply.body.len() >= 300_000);
}

#[test]
fn redirects_lead_to_this_host_or_to_another() {
    let (server, reply) = with(json!({"kind": "redirect_same_host", "times": 1}));
    assert!(reply.status == 307 && reply.header("location").unwrap().starts_with("/api/campaigns/"));
    server.control("POST", "faults", r#"{"kind": "redirect_other_host", "body": "http://evil.example"}"#);
    assert!(server.get(FEED).header("location").unwrap().starts_with("http://evil.example/api/"));
}

#[test]
fn a_hanging_request_gets_nothing_and_a_dripping_one_little() {
    let (server, reply) = with(json!({"kind": "hang", "times": 1}));
    assert_eq!((reply.status, reply.head.as_str()), (0, ""));
    server.control("POST", "faults", r#"{"kind": "drip", "value": 400}"#);
    let reply = server.get("tasks/");
    assert!(reply.status == 200 && reply.header("content-length").is_some());
    assert!((2..20).contains(&reply.body.len()), "{}", reply.body.len());
}

#[test]
fn a_contact_is_left_out() {
    let server = Server::start();
    let (id, token) = crate::testing::first_campaign(&server.sim);
    let ids: Vec<String> = server.sim.world().campaigns[0].contacts[..3].iter().map(|c| c.id.clone()).collect();
    server.control("POST", "faults", &json!({"kind": "drop_contact", "body": ids[1], "times": 1}).to_string());
    let path = format!("/api/campaigns/{id}/contacts/");
    let ask = || server.raw("POST", &path, &token, &json!(ids).to_string()).json();
    assert_eq!((ask()[1]["$id"].clone(), ask()[1]["$id"].clone()), (json!(ids[2]), json!(ids[1])));
}

#[test]
fn the_rate_limit_refuses_and_counts() {
    let server = Server::start();
    server.control("POST", "rate_limit", r#"{"per_second": 2}"#);
    let statuses: Vec<u16> = (0..4).map(|_| server.get("tasks/").status).collect();
    assert!(statuses.starts_with(&[200, 200]) && statuses.contains(&429), "{statuses:?}");
    assert!(server.control("GET", "requests", "")["rate_limit_violations"].as_u64() > Some(0));
}

#[test]
fn the_log_counts_requests_and_never_tells_a_token() {
    let server = Server::start();
    let (id, token) = crate::testing::first_campaign(&server.sim);
    server.get("tasks/");
    server.raw("GET", &format!("/api/campaigns/{id}/reports/a/report/b?access_token={token}"), "", "");
    server.raw("GET", "/api/tenants/9c6d0163/campaigns/", "tenant-secret-token", "");
    let log = server.control("GET", "requests", "");
    assert_eq!(log["by_kind"], json!({"GET tasks": 1, "GET reports": 1, "GET campaigns": 1}));
    assert_eq!((&log["total"], &log["last"][2]["scope"]), (&json!(3), &json!("tenant")));
    assert!(!log.to_string().contains("token-") && log.to_string().contains("access_token=***"));
    server.control("DELETE", "requests", "");
    assert_eq!(server.control("GET", "requests", "")["total"], 0);
}

#[test]
fn the_clock_can_be_shifted() {
    let server = Server::start();
    let date =
        |reply: &Reply| chrono::DateTime::parse_from_rfc2822(&reply.header("date").unwrap().to_uppercase()).unwrap();
    let before = date(&server.get("tasks/"));
    server.control("POST", "clock", r#"{"shift_seconds": 3600}"#);
    assert!((3595..3610).contains(&(date(&server.get("tasks/")) - before).num_seconds()));
}
