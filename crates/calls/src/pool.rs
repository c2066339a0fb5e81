//! Helper threads that run jobs and hand back what came of them.
//!
//! The thread that owns the pool never blocks in here: it submits, is woken, and takes. Threads live until the pool is
//! dropped; whoever drops it first shuts the client down, so that a thread in the middle of a request ends at once.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Starts a thread; the extension passes one that blocks every signal first.
pub type Spawn<'a> = &'a dyn Fn(Box<dyn FnOnce() + Send>) -> std::io::Result<()>;

pub struct Pool<J, R> {
    shared: Arc<Shared<J, R>>,
    outstanding: usize,
}

struct Shared<J, R> {
    queues: Mutex<Queues<J, R>>,
    work: Condvar,
}

struct Queues<J, R> {
    waiting: VecDeque<J>,
    done: VecDeque<(J, R)>,
    closed: bool,
}

impl<J: Send + 'static, R: Send + 'static> Pool<J, R> {
    /// `run` does one job on a helper thread; `wake` tells the owner that [`Pool::take`] has something.
    pub fn start(
        threads: usize,
        spawn: Spawn,
        run: impl Fn(&J) -> R + Send + Sync + 'static,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let queues = Queues { waiting: VecDeque::new(), done: VecDeque::new(), closed: false };
        let shared = Arc::new(Shared { queues: Mutex::new(queues), work: Condvar::new() });
        let pool = Pool { shared, outstanding: 0 };
        let task = Arc::new((run, wake));
        for _ in 0..threads {
            let (shared, task) = (pool.shared.clone(), task.clone());
            spawn(Box::new(move || serve(&shared, &task.0, &task.1)))?;
        }
        Ok(pool)
    }

    pub fn submit(&mut self, job: J) {
        self.outstanding += 1;
        self.shared.lock().waiting.push_back(job);
        self.shared.work.notify_one();
    }

    pub fn take(&mut self) -> Option<(J, R)> {
        let done = self.shared.lock().done.pop_front()?;
        self.outstanding -= 1;
        Some(done)
    }

    /// Jobs submitted and not taken yet.
    pub fn outstanding(&self) -> usize {
        self.outstanding
    }
}

impl<J, R> Drop for Pool<J, R> {
    fn drop(&mut self) {
        let mut queues = self.shared.lock();
        queues.closed = true;
        queues.waiting.clear();
        self.shared.work.notify_all();
    }
}

impl<J, R> Shared<J, R> {
    /// A poisoned lock only means that a thread panicked; the queues are whole after every statement.
    fn lock(&self) -> MutexGuard<'_, Queues<J, R>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve<J, R>(shared: &Shared<J, R>, run: &impl Fn(&J) -> R, wake: &impl Fn()) {
    loop {
        let mut queues = shared.lock();
        let job = loop {
            if queues.closed {
                return;
            }
            match queues.waiting.pop_front() {
                Some(job) => break job,
                None => queues = shared.work.wait(queues).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(queues);
        let result = run(&job);
        let mut queues = shared.lock();
        if queues.closed {
            return;
        }
        queues.done.push_back((job, result));
        drop(queues);
        wake();
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
