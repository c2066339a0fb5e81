use super::super::stub::{get, say, Stub};
use super::*;
use std::time::Instant;

#[test]
fn a_burst_that_is_used_up_is_waited_out_before_the_429() {
    let stub = Stub::new(|nth, _| {
        let left = if nth == 0 { 0 } else { 99 };
        say(200, &format!("X-RateLimit-Remaining: {left}\r\nX-RateLimit-Interval-Milliseconds: 700\r\n"), "{}")
    });
    let client = stub.client(|_| {});
    let start = Instant::now();
    client.send(&get("/x")).0.unwrap();
    assert!(start.elapsed() < Duration::from_millis(500));
    client.send(&get("/x")).0.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(650), "{:?}", start.elapsed());
    assert_eq!(stub.seen().len(), 2, "no request was refused");
}

#[test]
fn the_last_requests_of_the_day_are_not_asked_for() {
    let headers = "X-RateLimit-Limit-Daily: 200000\r\nX-RateLimit-Daily-Remaining: 1000\r\n";
    let stub = Stub::new(move |_, _| say(200, headers, "{}"));
    let client = stub.client(|settings| settings.daily_reserve = 1000);
    client.send(&get("/x")).0.unwrap();
    let error = client.send(&get("/x")).0.unwrap_err();
    assert_eq!(error, Error::DailyLimit { limit: Some(200_000), left: 1000, reserve: 1000 });
    assert_eq!(stub.seen().len(), 1);
}

#[test]
fn a_vendor_without_limits_is_not_held_back() {
    let stub = Stub::new(|_, _| say(200, "X-RateLimit-Remaining: 99\r\n", "{}"));
    let client = stub.client(|_| {});
    let start = Instant::now();
    (0..5).for_each(|_| drop(client.send(&get("/x")).0.unwrap()));
    assert!(start.elapsed() < Duration::from_secs(1));
}
