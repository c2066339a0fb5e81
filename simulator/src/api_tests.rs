use crate::testing::{all, ask, first_campaign, get, plan, post_contacts, sim};
use crate::text;
use axum::http::Method;
use serde_json::Value;
use std::collections::HashSet;

fn status(path: &str, token: &str) -> u16 {
    ask(&sim(), Method::GET, path, token, "").0
}

#[test]
fn each_token_opens_its_own_scope_only() {
    let sim = sim();
    let (id, token) = first_campaign(&sim);
    let (other, closed) = (sim.world().campaigns[1].id.clone(), sim.world().campaigns[2].id.clone());
    let tenant = "tenant-secret-token";
    assert_eq!(status("tenants/9c6d0163/campaigns/", tenant), 200);
    assert_eq!(status("tenants/9c6d0163/campaigns", tenant), 200);
    assert_eq!(status("tenants/9c6d0163/users/list", tenant), 200);
    assert_eq!(status("tenants/00000000/campaigns/", tenant), 403);
    assert_eq!(status("tenants/9c6d0163/campaigns/", &token), 403);
    assert_eq!(status("tenants/9c6d0163/campaigns/", ""), 403);
    assert_eq!(status("tenants/9c6d0163/campaigns/", "nonsense"), 403);
    assert_eq!(status(&format!("campaigns/{id}/tasks/"), &token), 200);
    assert_eq!(status(&format!("campaigns/{id}/tasks/"), tenant), 403);
    assert_eq!(status(&format!("campaigns/{other}/tasks/"), &token), 403);
    assert_eq!(status(&format!("campaigns/{id}/tasks/?access_token={token}"), ""), 403);
    assert_eq!(status(&format!("campaigns/{id}/reports/a/report/de_DE?access_token={token}"), ""), 202);
    assert_eq!(status(&format!("campaigns/{closed}/tasks/"), &format!("campaign-token-{closed}")), 403);
    assert_eq!(status(&format!("campaigns/{id}/nothing"), &token), 404);
    assert_eq!(ask(&sim, Method::GET, "tenants/x/y", "", "").1, "403 - Forbidden");
    assert_eq!(ask(&sim, Method::GET, "nothing", "", "").1, "404 - Not Found");
}

#[test]
fn the_pages_of_the_feed_hold_each_event_once() {
    let sim = sim();
    let (events, pages) = all(&sim, "contacts/transactions/?limit=7");
    let distinct: HashSet<&str> = events.iter().filter_map(Value::as_str).collect();
    let wanted: usize = sim.world().campaigns[0].contacts.iter().map(|contact| contact.transactions.len()).sum();
    assert_eq!((events.len(), distinct.len(), pages), (wanted, wanted, wanted.div_ceil(7)));
    let last = get(&sim, "contacts/transactions/?limit=1000&from=2026-10-27");
    assert_eq!(last["cursor"], "");
}

#[test]
fn the_pages_of_the_contacts_hold_each_contact_once_and_end_without_a_cursor() {
    let sim = sim();
    let wanted = sim.world().campaigns[0].contacts.len();
    for path in ["contacts/list", "contacts/ids/", "contacts/list?changedSince=2000-01-01"] {
        let join = if path.contains('?') { '&' } else { '?' };
        let (rows, pages) = all(&sim, &format!("{path}{join}limit=50"));
        let distinct: HashSet<String> = rows.iter().map(Value::to_string).collect();
        assert_eq!((rows.len(), distinct.len(), pages), (wanted, wanted, wanted.div_ceil(50)), "{path}");
    }
    assert!(get(&sim, "contacts/list?limit=1000").get("cursor").is_none());
    let (changed, _) = all(&sim, "contacts/list?changedSince=2026-10-26");
    assert!(!changed.is_empty() && changed.len() < wanted);
}

#[test]
fn the_pages_of_the_inbound_calls_hold_each_call_once() {
    let sim = sim();
    let wanted = sim.world().campaigns[0].inbound.len();
    let (rows, _) = all(&sim, "inbound/calls/?from=2026-10-22&to=2026-10-28&limit=9");
    let distinct: HashSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert!(wanted > 9 && rows.len() == wanted && distinct.len() == wanted);
}

#[test]
fn a_cursor_serves_only_the_listing_that_it_came_from() {
    let sim = sim();
    let (id, token) = first_campaign(&sim);
    let cursor = get(&sim, "contacts/transactions/?limit=5&hi=true")["cursor"].as_str().unwrap().to_owned();
    let with =
        |path: &str| ask(&sim, Method::GET, &format!("campaigns/{id}/contacts/{path}&cursor={cursor}"), &token, "").0;
    assert_eq!(with("transactions/?limit=5&hi=true"), 200);
    assert_eq!(with("transactions/?limit=5"), 400);
    assert_eq!(with("list?limit=5"), 400);
    assert_eq!(ask(&sim, Method::GET, &format!("campaigns/{id}/contacts/list?cursor=x"), &token, "").0, 400);
}

#[test]
fn windows_are_half_open_until_the_bounds_are_set_otherwise() {
    let sim = sim();
    let count = |from: i64, to: i64| {
        let bound = |ms| text::time(ms).trim_end_matches('Z').to_owned();
        all(&sim, &format!("contacts/transactions/?from={}&to={}", bound(from), bound(to))).0.len()
    };
    let at = sim.world().campaigns[0].events[20].key.0;
    assert_eq!((count(at, at + 1), count(at - 1, at), count(at + 1, at + 1)), (1, 0, 0));
    sim.set(|settings| (settings.from_inclusive, settings.to_inclusive) = (false, true));
    assert_eq!((count(at, at + 1), count(at - 1, at)), (0, 1));
}

#[test]
fn times_with_a_zone_and_limits_of_zero_are_refused() {
    let sim = sim();
    let (id, token) = first_campaign(&sim);
    for query in ["from=2026-10-26T00:00:00Z", "to=yesterday", "limit=0", "limit=x"] {
        let path = format!("campaigns/{id}/contacts/transactions/?{query}");
        assert_eq!(ask(&sim, Method::GET, &path, &token, "").0, 400, "{query}");
    }
}

#[test]
fn the_filters_of_the_feed_take_their_part() {
    let sim = sim();
    let count = |query: &str| all(&sim, &format!("contacts/transactions/?limit=1000&{query}")).0.len();
    let everything = count("");
    assert_eq!(count("type=update") + count("type=dial_result"), everything);
    assert_eq!(count("tasks=anrufen") + count("tasks=fc_"), everything);
    assert_eq!(count("tasks=fc_,anrufen"), everything);
    let world = sim.world();
    let contacts = &world.campaigns[0].contacts;
    assert_eq!(count("hi=true"), contacts.iter().flat_map(|c| &c.transactions).filter(|t| t.interactive()).count());
}

#[test]
fn an_event_points_at_its_transaction() {
    let sim = sim();
    for event in all(&sim, "contacts/transactions/?limit=1000").0.iter().step_by(13) {
        let parts: Vec<&str> = event.as_str().unwrap().split('|').collect();
        let [fired, md5, contact, place] = parts.as_slice() else { panic!("{event}") };
        let (entry, place) = place.split_once(',').unwrap();
        let contacts: Value = serde_json::from_str(&post_contacts(&sim, &[contact])).unwrap();
        let entry = &contacts[0]["$task_log"][entry.parse::<usize>().unwrap()];
        let transaction = &entry["transactions"][place.parse::<usize>().unwrap()];
        assert_eq!(transaction["fired"], fired[..24], "{event}");
        assert_eq!(md5.len(), 32);
    }
}

#[test]
fn contacts_come_in_batches_with_the_md5_of_the_list() {
    let sim = sim();
    let (id, token) = first_campaign(&sim);
    let list = get(&sim, "contacts/list?limit=101")["results"].clone();
    let ids: Vec<&str> = list.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    let contacts: Value = serde_json::from_str(&post_contacts(&sim, &ids[..100])).unwrap();
    for (contact, row) in contacts.as_array().unwrap().iter().zip(list.as_array().unwrap()) {
        assert_eq!((&contact["$id"], &contact["$md5"]), (&row["id"], &row["md5"]));
    }
    assert_eq!(contacts.as_array().unwrap().len(), 100);
    assert_eq!(post_contacts(&sim, &ids), "413 - Payload Too Large");
    assert_eq!(post_contacts(&sim, &["UNKNOWN"]), "[]");
    let path = format!("campaigns/{id}/contacts/");
    assert_eq!(ask(&sim, Method::POST, &path, &token, "no json").0, 400);
    let flat = get(&sim, &format!("contacts/{}/flat_view", ids[0]));
    assert_eq!(flat, get(&sim, &format!("contacts/{}/flat_view", flat["$ref"].as_str().unwrap())));
    assert!(flat.get("$md5").is_none() && flat["$task_log"].is_array());
}

#[test]
fn a_report_is_ready_at_the_second_look() {
    let sim = sim();
    let (id, token) = first_campaign(&sim);
    let query = "timespan=4-0day&group0=user&column0=completed&column1=success";
    let path = format!("campaigns/{id}/reports/editsDef_v2/report/de_DE/Europe/Nicosia?{query}");
    assert_eq!(ask(&sim, Method::GET, &path, &token, "").0, 202);
    let job = format!("campaigns/{id}/reports/jobs/");
    assert_eq!(ask(&sim, Method::GET, &format!("{job}UNKNOWN"), &token, "").0, 404);
    let mut reports = sim.reports();
    let world = sim.world();
    let call = super::Call::new(Method::GET, format!("/api/{path}").parse().unwrap(), Default::default(), vec![]);
    let answer = reports.start(&world, &world.campaigns[0], &call, plan().anchor);
    let location = answer.headers[0].1.trim_start_matches("/api/").to_owned();
    assert_eq!(reports.poll(&location, "job").unwrap().status, 202);
    let ready = reports.poll(&location, "job").unwrap();
    let body: Value = serde_json::from_str(&ready.content.render(&mut sim.cursors())).unwrap();
    assert_eq!((ready.status, body["groups"].as_array().unwrap().len()), (200, 5));
}

#[test]
fn users_can_be_hidden() {
    let sim = sim();
    let users = || ask(&sim, Method::GET, "tenants/9c6d0163/users/", "tenant-secret-token", "");
    assert_eq!(serde_json::from_str::<Value>(&users().1).unwrap().as_array().unwrap().len(), 5);
    sim.set(|settings| settings.users_hidden = true);
    assert_eq!(users().0, 404);
}
