//! Helper threads that no Postgres signal handler can run on.

use std::mem::MaybeUninit;

const YIELDING: libc::c_int = 5;

/// Starts a thread with every signal blocked and less than the backend's priority; threads that it starts inherit both.
///
/// A handler of Postgres's that runs on a foreign thread would set the latch of nobody or jump off a stack that is not
/// the backend's. And a sync takes as long as its backend writes: what it waits for comes early enough.
pub fn spawn(task: Box<dyn FnOnce() + Send>) -> std::io::Result<()> {
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: both sets are written by the calls before they are read; only this thread's mask changes.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let spawned = std::thread::Builder::new().name("dialfire fetch".to_owned()).spawn(move || {
        // SAFETY: on Linux it concerns the calling thread alone; where it is refused nothing is lost.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, YIELDING) };
        task();
    });
    // SAFETY: `before` was filled above.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
    }
    spawned.map(drop)
}
