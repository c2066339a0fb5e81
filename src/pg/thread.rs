//! Helper threads that no Postgres signal handler can run on.

use std::io;
use std::mem::MaybeUninit;
use std::panic::resume_unwind;
use std::thread::{scope, Builder};

const YIELDING: libc::c_int = 5;

/// Of malloc's heaps each keeps what was freed in it, and every thread would take one of its own.
const HEAPS: libc::c_int = 2;

/// Starts a thread with every signal blocked and less than the backend's priority; threads that it starts inherit both.
///
/// A sync takes as long as its backend writes: what it waits for comes early enough.
pub fn spawn(task: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    deaf(|| {
        builder().spawn(move || {
            // SAFETY: on Linux it concerns the calling thread alone; where it is refused nothing is lost.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, YIELDING) };
            task();
        })
    })
    .map(drop)
}

/// Does `task` on a thread of its own while `work` is done here. Where `work` ends in an error, `task` is waited for all the same.
pub fn beside<T: Send>(task: impl FnOnce() -> T + Send, work: impl FnOnce()) -> T {
    scope(|scope| {
        let task = deaf(|| builder().spawn_scoped(scope, task)).unwrap_or_else(|error| panic!("no thread: {error}"));
        work();
        task.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn builder() -> Builder {
    Builder::new().name("dialfire fetch".to_owned())
}

/// Blocks every signal for the thread that `start` starts: a handler of Postgres's that runs on a foreign thread would set
/// the latch of nobody or jump off a stack that is not the backend's.
fn deaf<T>(start: impl FnOnce() -> T) -> T {
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: both sets are written by the calls before they are read; only this thread's mask changes. The number of heaps is
    // this backend's, and stays as it is once it has more than one.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let started = start();
    // SAFETY: `before` was filled above.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
    }
    started
}
