use super::super::stub::{get, say, Act, Stub};
use super::*;
use flate2::{write::GzEncoder, Compression};
use std::io::Write;
use std::time::Instant;
use ureq::config::Config;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

const LIMIT: u64 = 1000;

fn send(stub: &Stub) -> (Result<Vec<u8>, Error>, usize) {
    let (answer, lines) = stub.client(|settings| settings.max_body = LIMIT).send(&get("/x"));
    (answer.map(|answer| answer.body), lines.len())
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_body_may_reach_the_limit() {
    let body = vec![b'x'; LIMIT as usize];
    let (plain, packed) = (body.clone(), gzip(&body));
    assert_eq!(send(&Stub::new(move |_, _| say(200, "", &plain))), (Ok(body.clone()), 1));
    assert_eq!(send(&Stub::new(move |_, _| say(200, "Content-Encoding: gzip\r\n", &packed))), (Ok(body), 1));
}

#[test]
fn a_larger_body_is_refused_while_it_streams() {
    let too_large = (Err(Error::TooLarge { limit: LIMIT }), 1);
    let head = |line| format!("HTTP/1.1 200 OK\r\n{line}\r\n").into_bytes();
    let chunk = [b"1000\r\n".as_slice(), &[b'x'; 0x1000], b"\r\n"].concat();
    let flood = move |line, rest: Vec<u8>| Stub::new(move |_, _| Act::Flood(head(line), rest.clone()));
    assert_eq!(send(&Stub::new(|_, _| say(200, "", [b'x'; LIMIT as usize + 1]))), too_large);
    assert_eq!(send(&Stub::new(move |_, _| Act::Say(head("Content-Length: 99999999999\r\n")))), too_large);
    assert_eq!(send(&flood("Transfer-Encoding: chunked\r\n", chunk)), too_large);
    assert_eq!(send(&flood("", vec![b'x'; 4096])), too_large);
}

#[test]
fn a_gzip_bomb_counts_unpacked() {
    let bomb = gzip(&vec![0; 50 << 20]);
    let stub = Stub::new(move |_, _| say(200, "Content-Encoding: gzip\r\n", &bomb));
    let client = stub.client(|settings| settings.max_body = 1 << 20);
    let start = Instant::now();
    assert_eq!(client.send(&get("/x")).0.unwrap_err(), Error::TooLarge { limit: 1 << 20 });
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn an_explanation_without_end_is_cut() {
    let head = b"HTTP/1.1 403 Forbidden\r\n\r\n403 - Forbidden ";
    let (answer, requests) = send(&Stub::new(move |_, _| Act::Flood(head.into(), vec![b'x'; 4096])));
    assert!(matches!(answer, Err(Error::Status { status: 403, .. })), "{answer:?}");
    assert_eq!(requests, 1);
}

#[test]
fn a_drip_ends_with_the_request_timeout() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    for drip in [[head.as_slice(), &[b'x'; 1000]].concat(), head.repeat(20)] {
        let stub = Stub::new(move |_, _| Act::Drip(drip.clone()));
        let client = stub.client(|settings| {
            settings.request_timeout = Duration::from_millis(300);
            settings.attempts = 2;
        });
        let start = Instant::now();
        let (answer, lines) = client.send(&get("/x"));
        let cause = "no complete answer in time".to_owned();
        assert_eq!(answer.unwrap_err(), Error::Transport { attempts: 2, cause });
        assert!(lines.iter().all(|line| (250..450).contains(&line.duration.as_millis())), "{lines:?}");
        assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
    }
}

#[test]
fn connections_are_used_again() {
    let stub = Stub::new(|_, _| say(200, "", "{}"));
    let client = stub.client(|_| {});
    for _ in 0..3 {
        client.send(&get("/x")).0.unwrap();
    }
    assert_eq!((stub.seen().len(), stub.connections()), (3, 1));
}

#[derive(Debug)]
struct Stuck;

impl Resolver for Stuck {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        thread::sleep(Duration::from_secs(1));
        Err(ureq::Error::HostNotFound)
    }
}

#[test]
fn a_stuck_name_server_holds_nobody() {
    let agent = Agent::with_parts(Config::default(), DefaultConnector::default(), Stuck);
    let call = Call {
        method: Method::Get,
        uri: "https://vendor.test/".parse().unwrap(),
        headers: HeaderMap::new(),
        body: [].into(),
        secrets: Redactor::default(),
    };
    let start = Instant::now();
    let outcome = exchange(&agent, &call, LIMIT, || start.elapsed() > Duration::from_millis(100));
    assert!(matches!(outcome, Err(Fault::Lasting(Error::Canceled))));
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
}
