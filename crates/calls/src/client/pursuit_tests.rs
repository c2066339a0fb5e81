use super::super::stub::{get, say, wait_until, Act, Stub};
use super::*;
use crate::client::Request;
use crate::secret::Secret;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

fn ask(stub: &Stub) -> (Result<Answer, Error>, Vec<Attempt>, Duration) {
    let start = Instant::now();
    let (answer, lines) = stub.client(|settings| settings.attempts = 3).send(&get("/x"));
    (answer, lines, start.elapsed())
}

/// A vendor that once gives `first` and then is well.
fn once(first: impl Fn() -> Act + Send + Sync + 'static) -> Stub {
    Stub::new(move |nth, _| if nth == 0 { first() } else { say(200, "", "{}") })
}

fn statuses(lines: &[Attempt]) -> Vec<(u32, Option<u16>)> {
    lines.iter().map(|line| (line.attempt, line.status)).collect()
}

#[test]
fn a_429_waits_as_many_seconds_as_asked() {
    let (answer, lines, took) = ask(&once(|| say(429, "Retry-After: 1\r\n", "slow down")));
    assert_eq!(answer.unwrap().status, 200);
    assert!((1.0..2.0).contains(&took.as_secs_f64()), "{took:?}");
    assert_eq!(statuses(&lines), [(1, Some(429)), (2, Some(200))]);
    assert_eq!(lines[0].retry_after, Some(Duration::from_secs(1)));
    assert_eq!(lines[0].error.as_deref(), Some("slow down"));
    assert_eq!(lines[1].error, None);
}

#[test]
fn a_429_with_a_date_waits_by_the_vendors_clock() {
    let headers = "Date: Fri, 31 Dec 1999 23:59:58 GMT\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n";
    let (answer, _, took) = ask(&once(|| say(429, headers, "")));
    answer.unwrap();
    assert!((1.0..2.0).contains(&took.as_secs_f64()), "{took:?}");
}

#[test]
fn a_429_is_no_failure_but_ends_with_the_budget() {
    for headers in ["", "Retry-After: 0\r\n"] {
        let stub = Stub::new(move |_, _| say(429, headers, "busy"));
        let client = stub.client(|settings| {
            settings.attempts = 1;
            settings.wait_budget = Duration::from_millis(900);
        });
        let (answer, lines) = client.send(&get("/x"));
        let Err(Error::Exhausted { status: 429, attempts, body }) = answer else { panic!("{answer:?}") };
        assert_eq!((attempts as usize, body.as_str()), (lines.len(), "busy"));
        assert!((3..=6).contains(&lines.len()), "{lines:?}");
    }
}

#[test]
fn a_429_beyond_the_budget_fails_at_once() {
    let (answer, lines, took) = ask(&Stub::new(|_, _| say(429, "Retry-After: 3600\r\n", "")));
    let Err(Error::WaitBudget { wait, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!((wait, lines.len()), (Duration::from_secs(3600), 1));
    assert!(took < Duration::from_millis(500), "{took:?}");
}

#[test]
fn one_threads_429_holds_back_the_others() {
    let stub = once(|| say(429, "Retry-After: 1\r\n", ""));
    let client = stub.client(|_| {});
    thread::scope(|scope| {
        let first = scope.spawn(|| client.send(&get("/first")).0.unwrap());
        wait_until(|| client.allowed_in_flight() == 2);
        let start = Instant::now();
        let (answer, lines) = client.send(&get("/second"));
        answer.unwrap();
        assert_eq!(statuses(&lines), [(1, Some(200))]);
        assert!(start.elapsed() > Duration::from_millis(800), "{:?}", start.elapsed());
        first.join().unwrap();
    });
}

#[test]
fn what_passes_is_tried_again() {
    let short = || Act::Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":".into());
    let chunk = || Act::Cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n".into());
    for (name, stub, status) in [
        ("503", once(|| say(503, "", "")), Some(503)),
        ("500", once(|| say(500, "", "")), Some(500)),
        ("408", once(|| say(408, "", "")), Some(408)),
        ("cut before the answer", once(|| Act::Cut(vec![])), None),
        ("cut in the head", once(|| Act::Cut(b"HTTP/1.1 200 O".into())), None),
        ("not HTTP", once(|| Act::Cut(b"220 mail.test ESMTP\r\n\r\n".into())), None),
        ("body shorter than its length", once(short), None),
        ("body without its last chunk", once(chunk), None),
    ] {
        let (answer, lines, took) = ask(&stub);
        assert_eq!(answer.unwrap().body, b"{}", "{name}");
        assert_eq!(statuses(&lines), [(1, status), (2, Some(200))], "{name}");
        assert!(lines[0].error.is_some(), "{name}");
        assert!(took >= Duration::from_millis(125), "{name}: {took:?}");
    }
}

#[test]
fn what_does_not_pass_is_given_up() {
    let (answer, lines, _) = ask(&Stub::new(|_, _| say(502, "", "bad gateway")));
    let expected = Error::Exhausted { status: 502, attempts: 3, body: "bad gateway".to_owned() };
    assert_eq!((answer.unwrap_err(), lines.len()), (expected, 3));
    let (answer, lines, _) = ask(&Stub::new(|_, _| Act::Cut(vec![])));
    assert!(matches!(answer, Err(Error::Transport { attempts: 3, .. })), "{answer:?}");
    assert_eq!(statuses(&lines), [(1, None), (2, None), (3, None)]);
}

#[test]
fn a_refusal_is_final_and_says_why() {
    for status in [400, 401, 403, 404, 409, 410] {
        let (answer, lines, _) =
            ask(&Stub::new(move |_, _| say(status, "", format!("{status} - {}", "x".repeat(600)))));
        let Err(Error::Status { status: said, body }) = answer else { panic!("{answer:?}") };
        assert_eq!((said, body.chars().count(), lines.len()), (status, 200, 1));
        assert_eq!(lines[0].error.as_ref().unwrap().chars().count(), 500);
    }
}

#[test]
fn a_redirect_within_the_origin_is_followed_with_the_token() {
    let stub = Stub::new(|_, text| match text.starts_with("GET /x ") {
        true => say(302, "Location: /y?z=1\r\n", "moved"),
        false => say(200, "", "{}"),
    });
    let request = Request { token: Some(Secret::new("geheim")), ..get("/x") };
    let (answer, lines) = stub.client(|_| {}).send(&request);
    assert_eq!(answer.unwrap().url, format!("{}/y?z=1", stub.base()));
    assert_eq!(statuses(&lines), [(1, Some(302)), (1, Some(200))]);
    assert!(stub.seen().iter().all(|text| text.contains("authorization: Bearer geheim")));
}

#[test]
fn other_redirects_are_refused() {
    let other = Stub::new(|_, _| say(200, "", "{}"));
    for (location, method, requests) in [
        (format!("{}/y", other.base()), Method::Get, 1),
        ("https://evil.test/y".to_owned(), Method::Get, 1),
        ("/y".to_owned(), Method::Post, 1),
        ("/x".to_owned(), Method::Get, 6),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let headers = format!("Location: {location}\r\n");
            let stub = Stub::new(move |_, _| say(status, &headers, ""));
            let (answer, lines) = stub.client(|_| {}).send(&Request { method, ..get("/x") });
            assert_eq!(answer.unwrap_err(), Error::Redirect { location: location.clone() });
            assert_eq!((stub.seen().len(), lines.len()), (requests, requests));
        }
    }
    assert!(other.seen().is_empty());
}

#[test]
fn a_202_is_polled_until_it_is_done() {
    let stub = Stub::new(|nth, _| match nth {
        0 => say(202, "Location: /job/1\r\n", ""),
        1 => say(202, "Location: /job/1\r\nRetry-After: 1\r\n", ""),
        2 => say(503, "", ""),
        _ => say(200, "", "[1]"),
    });
    let request = Request { method: Method::Post, body: Some(b"[]".into()), ..get("/x") };
    let start = Instant::now();
    let (answer, lines) = stub.client(|_| {}).send(&request);
    assert_eq!(answer.unwrap().body, b"[1]");
    assert!(start.elapsed() > Duration::from_millis(1200), "{:?}", start.elapsed());
    assert_eq!(statuses(&lines), [(1, Some(202)), (1, Some(202)), (1, Some(503)), (2, Some(200))]);
    let seen = stub.seen();
    assert!(seen[0].starts_with("POST /x ") && seen[1..].iter().all(|text| text.starts_with("GET /job/1 ")));
    assert!(!seen[1].contains("content-type"));
}

#[test]
fn a_202_elsewhere_is_refused_and_an_endless_one_given_up() {
    let (answer, ..) = ask(&Stub::new(|_, _| say(202, "Location: https://evil.test/\r\n", "")));
    assert!(matches!(answer, Err(Error::Redirect { .. })), "{answer:?}");
    let stub = Stub::new(|_, _| say(202, "Location: /x\r\n", ""));
    let (answer, _) = stub.client(|settings| settings.wait_budget = Duration::from_millis(500)).send(&get("/x"));
    assert!(matches!(answer, Err(Error::WaitBudget { .. })), "{answer:?}");
    let (answer, ..) = ask(&Stub::new(|_, _| say(202, "", "accepted")));
    assert_eq!(answer.unwrap().status, 202);
}

#[test]
fn no_more_requests_fly_than_allowed() {
    let (flying, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let stub = Stub::new({
        let (flying, most) = (flying.clone(), most.clone());
        move |_, text| {
            most.fetch_max(flying.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(30));
            flying.fetch_sub(1, Ordering::SeqCst);
            say(if text.starts_with("GET /busy ") { 429 } else { 200 }, "", "{}")
        }
    });
    let client = stub.client(|settings| settings.concurrency = 4);
    let run = || {
        most.store(0, Ordering::SeqCst);
        thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(|| client.send(&get("/x")).0.unwrap()))));
        most.load(Ordering::SeqCst)
    };
    assert_eq!(run(), 4);
    client.probe(&get("/busy")).0.unwrap();
    assert_eq!((client.allowed_in_flight(), run()), (2, 2));
}
