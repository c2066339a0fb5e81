//! Fetching: walks of a tenant on helper threads, answers on the backend's own.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use calls::client::{Attempt, Client};
use calls::error::Error;
use calls::pool::Pool;
use calls::row::Batch;
use calls::vendor::{Listed, Path, Reply, Stored, Vendor};
use chrono::{DateTime, Utc};

use crate::error::Failure;
use crate::pg::bell::Bell;
use crate::pg::thread;
use crate::tenant::Tenant;

/// Only a bound on oversleeping: whatever ends the wait rings or sets the latch.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

struct Ticket<J> {
    path: usize,
    job: J,
}

/// Helper threads that ask one tenant's vendor. Dropping it ends them, in the middle of a request too.
pub struct Fetch<V: Vendor> {
    pub access: V::Access,
    client: Arc<Client>,
    pool: Pool<Ticket<V::Job>, Reply<V::Outcome>>,
    bell: Bell,
    limit: usize,
}

impl<V: Vendor> Fetch<V> {
    pub fn start(tenant: &Tenant, access: V::Access) -> Result<Fetch<V>, Failure> {
        let client = Client::new(tenant.http.clone())
            .map_err(|error| Failure::Vendor { tenant: tenant.name.clone(), error })
            .map(Arc::new)?;
        let vendor = V::new(client.clone(), access.clone());
        let bell = Bell::new()?;
        let run = move |ticket: &Ticket<V::Job>| {
            catch_unwind(AssertUnwindSafe(|| vendor.run(&ticket.job))).unwrap_or_else(|_| Reply {
                outcome: Err(Error::answer("the answer made the reader fail; please report it")),
                attempts: Vec::new(),
                date: None,
            })
        };
        let pool = Pool::start(tenant.concurrency, &thread::spawn, run, bell.ringer())?;
        // Twice as many jobs as threads: they work on while the backend writes, and no more answers than that wait.
        Ok(Fetch { access, client, pool, bell, limit: tenant.concurrency * 2 })
    }

    /// Runs one job and waits for it.
    pub fn ask(&mut self, job: V::Job) -> Reply<V::Outcome> {
        self.pool.submit(Ticket { path: 0, job });
        self.next().1
    }

    fn next(&mut self) -> (Ticket<V::Job>, Reply<V::Outcome>) {
        loop {
            match self.pool.take() {
                Some(done) => return done,
                None => self.bell.wait(LONGEST_WAIT),
            }
        }
    }
}

impl<V: Vendor> Drop for Fetch<V> {
    fn drop(&mut self) {
        self.client.shutdown();
    }
}

/// What the sources of a tenant are, and the answer that said so.
pub struct Sources<V: Vendor> {
    pub listed: Result<Listed<V::Source>, Error>,
    pub attempts: Vec<Attempt>,
    pub date: Option<DateTime<Utc>>,
}

pub fn sources<V: Vendor>(fetch: &mut Fetch<V>) -> Sources<V> {
    let Some(job) = V::list(&fetch.access) else {
        return Sources { listed: V::listed(&fetch.access, None), attempts: Vec::new(), date: None };
    };
    let Reply { outcome, attempts, date } = fetch.ask(job);
    Sources { listed: outcome.and_then(|outcome| V::listed(&fetch.access, Some(outcome))), attempts, date }
}

/// Several paths at once, each taking its turn.
pub struct Round<P> {
    paths: Vec<(P, Option<Error>)>,
    turn: usize,
    /// The vendor's clock, as its first answer showed it.
    pub date: Option<DateTime<Utc>>,
}

/// One answer, worked into its path.
pub struct Step {
    pub attempts: Vec<Attempt>,
    /// What is to be stored; `None` where the path has failed.
    pub batch: Option<Batch>,
}

impl<P: Path> Round<P> {
    pub fn new(paths: Vec<P>) -> Round<P> {
        Round { paths: paths.into_iter().map(|path| (path, None)).collect(), turn: 0, date: None }
    }

    /// The next answer, or `None` when every path has ended.
    pub fn step<V, S>(&mut self, fetch: &mut Fetch<V>, stored: &mut S) -> Result<Option<Step>, S::Error>
    where
        V: Vendor<Job = P::Job, Outcome = P::Outcome>,
        S: Stored,
    {
        self.submit(fetch, stored)?;
        if fetch.pool.outstanding() == 0 {
            return Ok(None);
        }
        let (Ticket { path, job }, reply) = fetch.next();
        self.date = self.date.or(reply.date);
        let attempts = reply.attempts;
        let (path, failed) = &mut self.paths[path];
        if failed.is_some() {
            return Ok(Some(Step { attempts, batch: None }));
        }
        let batch = match path.accept(&job, reply.outcome, stored)? {
            Ok(batch) => Some(batch),
            Err(error) => {
                *failed = Some(error);
                None
            }
        };
        Ok(Some(Step { attempts, batch }))
    }

    fn submit<V, S>(&mut self, fetch: &mut Fetch<V>, stored: &mut S) -> Result<(), S::Error>
    where
        V: Vendor<Job = P::Job, Outcome = P::Outcome>,
        S: Stored,
    {
        let mut idle = 0;
        while fetch.pool.outstanding() < fetch.limit && idle < self.paths.len() {
            let at = self.turn % self.paths.len();
            self.turn += 1;
            let (path, failed) = &mut self.paths[at];
            let job = if failed.is_none() { path.poll(stored)? } else { None };
            match job {
                Some(job) => {
                    idle = 0;
                    fetch.pool.submit(Ticket { path: at, job });
                }
                None => idle += 1,
            }
        }
        Ok(())
    }

    /// Each path with the error that ended it, if one did.
    pub fn ended(self) -> impl Iterator<Item = (P, Option<Error>)> {
        self.paths.into_iter().map(|(path, failed)| {
            let failed = failed.or_else(|| (!path.is_finished()).then(|| Error::answer("the window was not finished")));
            (path, failed)
        })
    }
}
