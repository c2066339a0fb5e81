//! Waiting for helper threads without ever being deaf to Postgres.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use pgrx::{check_for_interrupts, pg_sys};

/// A socket pair: threads ring at one end, the backend waits at the other and at its latch.
pub struct Bell {
    heard: UnixStream,
    rung: Arc<UnixStream>,
}

impl Bell {
    pub fn new() -> std::io::Result<Bell> {
        let (heard, rung) = UnixStream::pair()?;
        heard.set_nonblocking(true)?;
        rung.set_nonblocking(true)?;
        Ok(Bell { heard, rung: Arc::new(rung) })
    }

    /// What a thread calls when it has something. A full socket is ringing already.
    pub fn ringer(&self) -> impl Fn() + Send + Sync + 'static {
        let rung = self.rung.clone();
        move || {
            let _ = (&*rung).write(&[1]);
        }
    }

    /// Returns when a thread rang, the latch was set or the time is over. Cancel, `statement_timeout`, termination and
    /// the barrier of `DROP DATABASE` are served here; a cancel leaves as an error.
    pub fn wait(&self, timeout: Duration) {
        check_for_interrupts!();
        let events =
            pg_sys::WL_LATCH_SET | pg_sys::WL_SOCKET_READABLE | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
        // SAFETY: main thread; MyLatch is this backend's own latch and the descriptor lives as long as `self`.
        unsafe {
            pg_sys::WaitLatchOrSocket(
                pg_sys::MyLatch,
                events as i32,
                self.heard.as_raw_fd(),
                i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX) as _,
                pg_sys::PG_WAIT_EXTENSION,
            );
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
        self.drain();
        check_for_interrupts!();
    }

    fn drain(&self) {
        let mut bytes = [0; 64];
        loop {
            match (&self.heard).read(&mut bytes) {
                Ok(n) if n > 0 => {}
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}
