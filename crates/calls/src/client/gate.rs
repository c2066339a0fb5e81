//! When a request may go: pauses asked for by the vendor, pace, requests in flight, and the end.

use crate::error::Error;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many clean answers let one more request fly.
const CLEAN_RUN: u32 = 50;
const LONG: Duration = Duration::from_secs(3600);

/// Shared by all threads of a client; every sleep in it ends at [`Gate::close`].
pub(super) struct Gate {
    state: Mutex<State>,
    bell: Condvar,
    concurrency: usize,
    interval: Duration,
}

struct State {
    is_closed: bool,
    in_flight: usize,
    allowed: usize,
    clean: u32,
    halved: Instant,
    not_before: Instant,
    next_start: Instant,
    /// Requests that may still start in the vendor's interval, where it announces one.
    credits: Option<Credits>,
    /// Nothing may be asked any more.
    spent: Option<Error>,
}

struct Credits {
    left: u64,
    interval: Duration,
    /// When they were last counted with nothing else in flight.
    since: Instant,
    answered: Instant,
}

/// The right to have one request in flight, until dropped.
pub(super) struct Permit<'a> {
    gate: &'a Gate,
    start: Instant,
}

impl Gate {
    pub fn new(concurrency: usize, interval: Duration) -> Self {
        let now = Instant::now();
        let concurrency = concurrency.max(1);
        let state = State {
            is_closed: false,
            in_flight: 0,
            allowed: concurrency,
            clean: 0,
            halved: now,
            not_before: now,
            next_start: now,
            credits: None,
            spent: None,
        };
        Self { state: Mutex::new(state), bell: Condvar::new(), concurrency, interval }
    }

    /// Waits for its turn. Only the time that the vendor asked for is taken from `budget`.
    pub fn enter(&self, budget: &mut Duration) -> Result<Permit<'_>, Error> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let pause = state.not_before.saturating_duration_since(now);
            let pace = state.next_start.saturating_duration_since(now);
            if state.is_closed {
                return Err(Error::Canceled);
            }
            if let Some(spent) = &state.spent {
                return Err(spent.clone());
            }
            if pause > *budget {
                return Err(Error::WaitBudget { wait: pause, left: *budget });
            }
            let is_used_up = state.credits.as_ref().is_some_and(|credits| credits.left == 0);
            if let (true, true, 0, Some(credits)) = (is_used_up, pause.is_zero(), state.in_flight, &mut state.credits) {
                // The answer to one more says how many may follow it.
                credits.left = 1;
                let until = credits.since + credits.interval;
                state.not_before = until;
                continue;
            }
            let nap = if !pause.is_zero() {
                pause
            } else if state.in_flight >= state.allowed || is_used_up {
                LONG
            } else {
                pace
            };
            if nap.is_zero() {
                break;
            }
            state = self.bell.wait_timeout(state, nap).unwrap_or_else(PoisonError::into_inner).0;
            if !pause.is_zero() {
                *budget = budget.saturating_sub(now.elapsed());
            }
        }
        let start = Instant::now();
        state.in_flight += 1;
        state.next_start = start + self.interval;
        if let Some(credits) = &mut state.credits {
            credits.left = credits.left.saturating_sub(1);
        }
        Ok(Permit { gate: self, start })
    }

    /// Holds back all threads for so long.
    pub fn pause(&self, wait: Duration) {
        let mut state = self.lock();
        state.not_before = state.not_before.max(Instant::now() + wait);
    }

    /// Lets nothing through any more: the vendor's budget is used up.
    pub fn spend(&self, error: Error) {
        self.lock().spent = Some(error);
        self.bell.notify_all();
    }

    /// Holds back this thread for so long.
    pub fn sleep(&self, wait: Duration, budget: &mut Duration) -> Result<(), Error> {
        let start = Instant::now();
        let closed = self.bell.wait_timeout_while(self.lock(), wait, |state| !state.is_closed);
        *budget = budget.saturating_sub(start.elapsed());
        match closed.unwrap_or_else(PoisonError::into_inner).0.is_closed {
            true => Err(Error::Canceled),
            false => Ok(()),
        }
    }

    pub fn close(&self) {
        self.lock().is_closed = true;
        self.bell.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub fn allowed(&self) -> usize {
        self.lock().allowed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// What the vendor says is left of its interval. Of the others in flight nobody knows whether they are counted yet,
    /// and answers may overtake each other: only one that nothing overlapped may raise what is left.
    pub fn credit(&self, left: u64, interval: Duration) {
        let mut state = self.gate.lock();
        let now = Instant::now();
        let left = left.saturating_sub(state.in_flight.saturating_sub(1) as u64);
        state.credits = Some(match state.credits.take() {
            Some(known) if self.start < known.answered => {
                Credits { left: left.min(known.left), interval, answered: now, ..known }
            }
            _ => Credits { left, interval, since: now, answered: now },
        });
    }

    /// Learns from the answer how many requests the vendor bears. Of several 429 that answer requests of the same
    /// moment, only the first halves.
    pub fn learn(&self, status: u16) {
        let mut state = self.gate.lock();
        match status {
            429 => {
                state.clean = 0;
                if self.start >= state.halved {
                    state.halved = Instant::now();
                    state.allowed = (state.allowed / 2).max(1);
                }
            }
            200..=299 => {
                state.clean += 1;
                if state.clean == CLEAN_RUN {
                    state.clean = 0;
                    state.allowed = (state.allowed + 1).min(self.gate.concurrency);
                }
            }
            _ => {}
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.gate.lock().in_flight -= 1;
        self.gate.bell.notify_all();
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
