//! Vendors that take a connection and then leave the client hanging.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub struct Hanging {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    accepted: AtomicUsize,
    heard: Mutex<Vec<u8>>,
}

impl Hanging {
    /// Reads and never says a word: an HTTP server that is stuck, and for https one stuck in the handshake.
    pub fn silent() -> Hanging {
        Hanging::new(None)
    }

    /// Promises a long answer and sends one byte of it a second.
    pub fn dripping() -> Hanging {
        Hanging::new(Some("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n["))
    }

    fn new(greeting: Option<&'static str>) -> Hanging {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let thread = Some(std::thread::spawn({
            let shared = shared.clone();
            move || serve(&listener, greeting, &shared)
        }));
        Hanging { port, shared, thread }
    }

    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections it has taken.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(SeqCst)
    }

    /// Everything that it was told.
    pub fn heard(&self) -> Vec<u8> {
        self.shared.heard.lock().expect("no panic").clone()
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.shared.over.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, greeting: Option<&str>, shared: &Shared) {
    let mut streams: Vec<(TcpStream, Instant, bool)> = Vec::new();
    while !shared.over.load(SeqCst) {
        if let Ok((stream, _)) = listener.accept() {
            let _ = stream.set_nonblocking(true);
            shared.accepted.fetch_add(1, SeqCst);
            streams.push((stream, Instant::now(), false));
        }
        streams.retain_mut(|(stream, next, greeted)| {
            let mut bytes = [0; 4096];
            let open = match stream.read(&mut bytes) {
                Ok(0) => false,
                Ok(read) => {
                    shared.heard.lock().expect("no panic").extend(&bytes[..read]);
                    true
                }
                Err(error) => error.kind() == ErrorKind::WouldBlock,
            };
            if let Some(greeting) = greeting.filter(|_| *next <= Instant::now()) {
                let _ = stream.write_all(if *greeted { b" " } else { greeting.as_bytes() });
                (*greeted, *next) = (true, Instant::now() + Duration::from_secs(1));
            }
            open
        });
        std::thread::sleep(Duration::from_millis(2));
    }
}
