//! A vendor on loopback for the tests: does with each request what its script says.

use super::{Client, Request, Settings};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub(crate) enum Act {
    /// Writes and keeps the connection.
    Say(Vec<u8>),
    /// Writes and cuts the connection.
    Cut(Vec<u8>),
    /// Keeps silent.
    Hang,
    /// Writes a byte every 50 ms.
    Drip(Vec<u8>),
    /// Writes the first once and the second for ever.
    Flood(Vec<u8>, Vec<u8>),
}

type Script = dyn Fn(usize, &str) -> Act + Send + Sync;

pub(crate) struct Stub {
    pub port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<Script>,
    count: AtomicUsize,
    connections: AtomicUsize,
    open: AtomicUsize,
    seen: Mutex<Vec<String>>,
    is_stopped: AtomicBool,
}

impl Stub {
    /// The script is given the number of the request, from 0, and its text.
    pub fn new(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            count: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            seen: Mutex::default(),
            is_stopped: AtomicBool::new(false),
        });
        let thread = Some(thread::spawn({
            let shared = shared.clone();
            move || shared.accept(&listener)
        }));
        Self { port, shared, thread }
    }

    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn client(&self, change: impl FnOnce(&mut Settings)) -> Client {
        let mut settings =
            Settings { base: self.base(), allowed_hosts: vec!["127.0.0.1".to_owned()], ..Settings::default() };
        change(&mut settings);
        Client::new(settings).unwrap()
    }

    /// The texts of all requests so far.
    pub fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub fn wait_for_request(&self) {
        wait_until(|| self.shared.count.load(Ordering::SeqCst) > 0);
    }

    /// Until the other side has closed every connection.
    pub fn wait_for_silence(&self) {
        wait_until(|| self.shared.open.load(Ordering::SeqCst) == 0);
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        let _ = self.thread.take().unwrap().join();
    }
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        let mut threads = Vec::new();
        while !self.is_stopped.load(Ordering::SeqCst) {
            match listener.accept() {
                Ok((stream, _)) => {
                    self.connections.fetch_add(1, Ordering::SeqCst);
                    let shared = self.clone();
                    self.open.fetch_add(1, Ordering::SeqCst);
                    threads.push(thread::spawn(move || {
                        let _ = shared.serve(stream);
                        shared.open.fetch_sub(1, Ordering::SeqCst);
                    }));
                }
                Err(_) => thread::sleep(Duration::from_millis(2)),
            }
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(Duration::from_millis(20)))?;
        stream.set_write_timeout(Some(Duration::from_millis(500)))?;
        while let Some(text) = self.read(&mut stream)? {
            self.seen.lock().unwrap().push(text.clone());
            match (self.script)(self.count.fetch_add(1, Ordering::SeqCst), &text) {
                Act::Say(bytes) => stream.write_all(&bytes)?,
                Act::Cut(bytes) => return stream.write_all(&bytes),
                Act::Hang => {}
                Act::Drip(bytes) => {
                    for byte in bytes {
                        stream.write_all(&[byte])?;
                        thread::sleep(Duration::from_millis(50));
                    }
                }
                Act::Flood(head, rest) => {
                    stream.write_all(&head)?;
                    while !self.is_stopped.load(Ordering::SeqCst) {
                        stream.write_all(&rest)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// One request, or none when the other side or the test has ended. What is not HTTP is never complete.
    fn read(&self, stream: &mut TcpStream) -> std::io::Result<Option<String>> {
        let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
        while !self.is_stopped.load(Ordering::SeqCst) {
            match stream.read(&mut part) {
                Ok(0) => break,
                Ok(length) => bytes.extend(&part[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    return Ok(Some(text.into_owned()));
                }
            }
        }
        Ok(None)
    }
}

pub(crate) fn say(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    Act::Say([head.as_bytes(), body].concat())
}

pub(crate) fn get(path: &str) -> Request {
    Request { path: path.to_owned(), ..Request::default() }
}

pub(crate) fn wait_until(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(5);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}
