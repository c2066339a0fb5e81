//! A time by which work is cancelled, as `statement_timeout` cancels a statement.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::OnceLock;
use std::time::Duration;

use pgrx::pg_sys;

type TimeoutId = std::ffi::c_uint;

extern "C-unwind" {
    #[link_name = "RegisterTimeout"]
    fn register(id: TimeoutId, handler: unsafe extern "C-unwind" fn()) -> TimeoutId;
    #[link_name = "enable_timeout_after"]
    fn enable_after(id: TimeoutId, milliseconds: std::ffi::c_int);
    #[link_name = "disable_timeout"]
    fn disable(id: TimeoutId, keep_indicator: bool);
}

/// As `utils/timeout.h` counts, which pgrx does not bind; a test reads the server's own.
#[cfg(any(feature = "pg15", feature = "pg16"))]
pub const USER_TIMEOUT: TimeoutId = 12;
#[cfg(any(feature = "pg17", feature = "pg18"))]
pub const USER_TIMEOUT: TimeoutId = 13;

static TIMER: OnceLock<TimeoutId> = OnceLock::new();
static EXPIRED: AtomicBool = AtomicBool::new(false);

/// Stands until it is dropped.
pub struct Deadline(TimeoutId);

impl Deadline {
    pub fn after(time: Duration) -> Deadline {
        EXPIRED.store(false, Ordering::Relaxed);
        let milliseconds = time.as_millis().clamp(1, i32::MAX as u128) as i32;
        // SAFETY: main thread of a backend or worker; Postgres has room for few timers, so one serves the process.
        let timer = *TIMER.get_or_init(|| unsafe { register(USER_TIMEOUT, expire) });
        // SAFETY: a timer of our own, registered above.
        unsafe { enable_after(timer, milliseconds) };
        Deadline(timer)
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        // SAFETY: our own timer; a cancellation that came too late to be served must not hit what comes next.
        unsafe {
            disable(self.0, false);
            if has_expired() {
                pg_sys::QueryCancelPending = 0;
            }
        }
    }
}

/// Whether the last deadline was not met.
pub fn has_expired() -> bool {
    EXPIRED.load(Ordering::Relaxed)
}

/// Runs in the handler of SIGALRM, so it does no more than the handler of a cancel request does.
unsafe extern "C-unwind" fn expire() {
    EXPIRED.store(true, Ordering::Relaxed);
    // SAFETY: flags that a signal may set, and a latch, which is made for it.
    unsafe {
        pg_sys::QueryCancelPending = 1;
        pg_sys::InterruptPending = 1;
        pg_sys::SetLatch(pg_sys::MyLatch);
    }
}
