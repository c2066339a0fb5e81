//! Fetching: walks of a tenant on helper threads, answers on the backend's own.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use calls::client::Client;
use calls::error::Error;
use calls::pool::Pool;
use calls::row::Batch;
use calls::vendor::dialfire::{Access, Dialfire, Job, Listed, Outcome, Path, Reply, Stored};
use chrono::{DateTime, Utc};

use crate::error::Failure;
use crate::pg::bell::Bell;
use crate::pg::thread;
use crate::tenant::Tenant;

/// Only a bound on oversleeping: whatever ends the wait rings or sets the latch.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

struct Ticket {
    path: usize,
    job: Job,
}

/// Helper threads that ask one tenant's vendor. Dropping it ends them, in the middle of a request too.
pub struct Fetch {
    client: Arc<Client>,
    pool: Pool<Ticket, Reply>,
    bell: Bell,
    limit: usize,
}

impl Fetch {
    pub fn start(tenant: &Tenant, access: Access) -> Result<Fetch, Failure> {
        let client = Client::new(tenant.http.clone())
            .map_err(|error| Failure::Vendor { tenant: tenant.name.clone(), error })
            .map(Arc::new)?;
        let dialfire = Dialfire::new(client.clone(), access);
        let bell = Bell::new()?;
        let run = move |ticket: &Ticket| {
            catch_unwind(AssertUnwindSafe(|| dialfire.run(&ticket.job))).unwrap_or_else(|_| Reply {
                outcome: Err(Error::answer("the answer made the reader fail; please report it")),
                attempts: Vec::new(),
                date: None,
            })
        };
        let pool = Pool::start(tenant.concurrency, &thread::spawn, run, bell.ringer())?;
        // Twice as many jobs as threads: they work on while the backend writes, and no more answers than that wait.
        Ok(Fetch { client, pool, bell, limit: tenant.concurrency * 2 })
    }

    /// Runs one job and waits for it.
    pub fn ask(&mut self, job: Job) -> Reply {
        self.pool.submit(Ticket { path: 0, job });
        self.next().1
    }

    fn next(&mut self) -> (Ticket, Reply) {
        loop {
            match self.pool.take() {
                Some(done) => return done,
                None => self.bell.wait(LONGEST_WAIT),
            }
        }
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.client.shutdown();
    }
}

/// The campaigns of a tenant, those that can be fetched with their source.
pub fn campaigns(fetch: &mut Fetch) -> (Reply, Vec<Listed>) {
    let mut reply = fetch.ask(Job::Campaigns);
    let list = match &mut reply.outcome {
        Ok(Outcome::Campaigns(list)) => std::mem::take(list),
        _ => Vec::new(),
    };
    (reply, list)
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
    pub attempts: Vec<calls::client::Attempt>,
    /// What is to be stored; `None` where the path has failed.
    pub batch: Option<Batch>,
}

impl<P: Path> Round<P> {
    pub fn new(paths: Vec<P>) -> Round<P> {
        Round { paths: paths.into_iter().map(|path| (path, None)).collect(), turn: 0, date: None }
    }

    /// The next answer, or `None` when every path has ended.
    pub fn step<S: Stored>(&mut self, fetch: &mut Fetch, stored: &mut S) -> Result<Option<Step>, S::Error> {
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

    fn submit<S: Stored>(&mut self, fetch: &mut Fetch, stored: &mut S) -> Result<(), S::Error> {
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
