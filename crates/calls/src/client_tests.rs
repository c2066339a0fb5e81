use super::stub::{get, say, wait_until, Act, Stub};
use super::*;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

const TOKEN: &str = "geheim+geheim/geheim==";

fn with_token(path: &str) -> Request {
    Request { token: Some(Secret::new(TOKEN)), ..get(path) }
}

#[test]
fn a_request_carries_what_it_was_given() {
    let stub =
        Stub::new(|_, _| say(200, "Content-Type: application/json\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "[]"));
    let request = Request {
        method: Method::Post,
        query: vec![("include_md5".to_owned(), "true".to_owned())],
        headers: vec![("Version".to_owned(), "2021-07-28".to_owned())],
        body: Some(b"[\"A\"]".into()),
        ..with_token("/contacts/")
    };
    let client = stub.client(|settings| settings.base += "/api");
    let (answer, lines) = client.send(&request);
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.json_bytes()), (200, Ok(b"[]".as_slice())));
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    assert_eq!(answer.date.unwrap().to_rfc3339(), "1994-11-06T08:49:37+00:00");
    assert_eq!(answer.url, format!("{}/api/contacts/?include_md5=true", stub.base()));
    let seen = &stub.seen()[0];
    for line in [
        "POST /api/contacts/?include_md5=true HTTP/1.1\r\n",
        &format!("\r\nauthorization: Bearer {TOKEN}\r\n"),
        "\r\nversion: 2021-07-28\r\n",
        "\r\ncontent-type: application/json\r\n",
        "\r\naccept: application/json\r\n",
        "\r\naccept-encoding: gzip\r\n",
        "\r\nuser-agent: dialfire_sync/",
        "\r\n\r\n[\"A\"]",
    ] {
        assert!(seen.contains(line), "{line:?} is not in {seen}");
    }
    let line = &lines[0];
    assert_eq!((line.method, line.status, line.attempt, line.bytes), ("POST", Some(200), 1, 2));
    assert_eq!((&line.url, &line.error, lines.len()), (&answer.url, &None, 1));
    assert!(line.duration > Duration::ZERO && (Utc::now() - line.at).num_seconds() < 5);
}

#[test]
fn headers_cannot_be_smuggled() {
    let stub = Stub::new(|_, _| say(200, "", ""));
    let client = stub.client(|_| {});
    for (name, value) in
        [("Host", "evil.test"), ("X-A", "a\r\nHost: evil.test"), ("X\r\n", "a"), ("Content-Length", "0")]
    {
        let request = Request { headers: vec![(name.to_owned(), value.to_owned())], ..get("/x") };
        assert!(matches!(client.send(&request), (Err(Error::Setting { .. }), lines) if lines.is_empty()), "{name}");
    }
    let (answer, line) = client.probe(&Request { token: Some(Secret::new("geheim\n")), ..get("/x") });
    assert!(!format!("{answer:?} {line:?}").contains("geheim"), "{answer:?}");
    assert!(matches!(answer, Err(Error::Setting { .. })), "{answer:?}");
    assert!(stub.seen().is_empty());
}

#[test]
fn secrets_are_never_kept() {
    let echo = format!("no access for {TOKEN} or geheim%2Bgeheim%2Fgeheim%3D%3D nor proxygeheim or other-secret");
    let location = format!("Location: https://evil.test/{TOKEN}\r\n");
    for status in [403, 503, 302] {
        let (echo, location) = (echo.clone(), location.clone());
        let proxy = Stub::new(move |_, text| match text.starts_with("CONNECT") {
            true => Act::Say(b"HTTP/1.1 200 OK\r\n\r\n".into()),
            false => say(status, &location, &echo),
        });
        let client = proxy.client(|settings| {
            settings.attempts = 1;
            settings.proxy = Some(format!("http://me:proxygeheim@127.0.0.1:{}", proxy.port));
        });
        let request = Request {
            query: vec![("access_token".to_owned(), TOKEN.to_owned())],
            headers: vec![("X-Api-Token".to_owned(), "other-secret".to_owned())],
            ..with_token("/x")
        };
        let (answer, lines) = client.send(&request);
        let kept = format!("{answer:?} {} {lines:?} {:?}", answer.as_ref().unwrap_err(), client.settings);
        assert!(!kept.contains("geheim") && !kept.contains("other-secret"), "{kept}");
        assert!(kept.contains("x?access_token=[secret]"), "{kept}");
        let (answer, line) = client.probe(&request);
        assert!(!format!("{line:?} {}", answer.unwrap().url).contains("geheim"));
    }
}

#[test]
fn a_probe_takes_every_status_and_asks_once() {
    let stub = Stub::new(|nth, _| match nth {
        0 => say(403, "Content-Type: text/plain\r\n", "403 - Forbidden"),
        1 => say(429, "Retry-After: 3600\r\n", ""),
        2 => say(302, "Location: /y\r\n", ""),
        3 => say(500, "", ""),
        _ => Act::Cut(vec![]),
    });
    let client = stub.client(|_| {});
    let (answer, line) = client.probe(&get("/x"));
    assert_eq!(answer.unwrap().body, b"403 - Forbidden");
    assert_eq!((line.status, line.error.as_deref()), (Some(403), Some("403 - Forbidden")));
    for status in [429, 302, 500] {
        assert_eq!(client.probe(&get("/x")).0.unwrap().status, status);
    }
    assert!(matches!(client.probe(&get("/x")).0, Err(Error::Transport { attempts: 1, .. })));
    assert_eq!(stub.seen().len(), 5);
}

#[test]
fn a_page_is_not_json() {
    let answer = |body: &str, kind: Option<&str>| Answer {
        secrets: Default::default(),
        status: 200,
        body: body.as_bytes().to_vec(),
        content_type: kind.map(str::to_owned),
        date: None,
        url: String::new(),
    };
    let page = "the vendor answered 200 with an HTML page, not JSON";
    assert_eq!(answer("\r\n <!DOCTYPE html>", None).json_bytes(), Err(Error::answer(page)));
    assert_eq!(answer("Log in", Some("Text/HTML; charset=utf-8")).json_bytes(), Err(Error::answer(page)));
    assert!(answer(" \n", Some("application/json")).json_bytes().unwrap_err().to_string().contains("empty body"));
    assert_eq!(answer(" {}", Some("text/plain")).json_bytes(), Ok(b" {}".as_slice()));
}

#[test]
fn the_pace_holds_over_all_threads() {
    let stub = Stub::new(|_, _| say(200, "", "{}"));
    let client = stub.client(|settings| settings.max_per_second = Some(20.0));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..3).for_each(|_| drop(client.send(&get("/x")).0.unwrap())));
        }
    });
    assert!((0.4..1.0).contains(&start.elapsed().as_secs_f64()), "{:?}", start.elapsed());
}

/// Sends, shuts the client down while the request is stuck, and expects the end within 100 ms.
fn shut_down_while(stuck: &str, client: Client, is_stuck: impl Fn()) {
    let ended = thread::scope(|scope| {
        let sender = scope.spawn(|| (client.send(&get("/x")).0, Instant::now()));
        is_stuck();
        thread::sleep(Duration::from_millis(60));
        let start = Instant::now();
        client.shutdown();
        let (answer, end) = sender.join().unwrap();
        assert_eq!(answer.unwrap_err(), Error::Canceled, "{stuck}");
        end - start
    });
    println!("{stuck}: ended {ended:?} after shutdown");
    assert!(ended < Duration::from_millis(100), "{stuck}: {ended:?}");
    assert_eq!(client.send(&get("/x")).0.unwrap_err(), Error::Canceled, "{stuck}");
    assert_eq!(client.probe(&get("/x")).0.unwrap_err(), Error::Canceled, "{stuck}");
}

#[test]
fn shutdown_ends_a_hanging_answer() {
    let stub = Stub::new(|_, _| Act::Hang);
    shut_down_while("hang", stub.client(|_| {}), || stub.wait_for_request());
    stub.wait_for_silence();
}

#[test]
fn shutdown_ends_a_dripping_body() {
    for head in ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        let stub = Stub::new(move |_, _| Act::Say(head.into()));
        shut_down_while("body", stub.client(|_| {}), || stub.wait_for_request());
        stub.wait_for_silence();
    }
    let stub = Stub::new(|_, _| Act::Drip([b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 20]].concat()));
    shut_down_while("drip", stub.client(|_| {}), || stub.wait_for_request());
}

#[test]
fn shutdown_ends_a_tls_handshake() {
    let stub = Stub::new(|_, _| Act::Hang);
    let client = stub.client(|settings| settings.base = format!("https://127.0.0.1:{}", stub.port));
    shut_down_while("tls handshake", client, || wait_until(|| stub.connections() > 0));
    stub.wait_for_silence();
}

#[test]
fn shutdown_ends_a_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let knock = || TcpStream::connect_timeout(&address, Duration::from_millis(200));
    let queue: Vec<_> = std::iter::from_fn(|| knock().ok()).take(10_000).collect();
    assert!(knock().is_err(), "the queue of {} connections is not full", queue.len());
    let stub = Stub::new(|_, _| Act::Hang);
    let client = stub.client(|settings| settings.base = format!("http://{address}"));
    shut_down_while("connect", client, || {});
}

#[test]
fn shutdown_ends_a_back_off() {
    let stub = Stub::new(|_, _| say(503, "Retry-After: 60\r\n", ""));
    shut_down_while("back-off", stub.client(|_| {}), || stub.wait_for_request());
    let stub = Stub::new(|_, _| say(429, "Retry-After: 60\r\n", ""));
    shut_down_while("pause", stub.client(|_| {}), || stub.wait_for_request());
}

#[test]
fn an_answer_that_cannot_be_read_is_quoted_without_secrets() {
    const OTHER: &str = "a-secret-at-the-edge";
    let stub = Stub::new(|_, _| say(200, "", format!("{}{OTHER} {TOKEN}", "x".repeat(90))));
    let client = stub.client(|settings| settings.secrets = vec![Secret::new(OTHER)]);
    let answer = client.send(&with_token("/x")).0.unwrap();
    let error = answer.read(|_| Err::<(), _>(Error::answer("no"))).unwrap_err().to_string();
    assert_eq!(error, format!("no; the answer begins: {}[secret] [", "x".repeat(90)));
}

#[test]
fn an_answer_that_may_hold_tokens_is_not_quoted() {
    let stub = Stub::new(|_, _| say(200, "", r#"{"permissions": {"Token": "of-a-campaign"}}"#));
    let answer = stub.client(|_| {}).send(&get("/x")).0.unwrap();
    assert_eq!(answer.read(|_| Err::<(), _>(Error::answer("no"))).unwrap_err().to_string(), "no");
}
