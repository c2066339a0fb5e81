//! Fetching: walks of a tenant on helper threads, answers on the backend's own.

use std::collections::VecDeque;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use calls::client::{Attempt, Client};
use calls::error::Error;
use calls::pool::Pool;
use calls::row::Batch;
use calls::vendor::dialfire::Dialfire;
use calls::vendor::highlevel::HighLevel;
use calls::vendor::vapi::Vapi;
use calls::vendor::{Listed, Path, Reply, Stored, Vendor};
use chrono::{DateTime, Utc};

use crate::error::Failure;
use crate::oauth;
use crate::pg::bell::Bell;
use crate::pg::thread;
use crate::tenant::Tenant;

/// Threads beside those whose requests are in flight: while one reads an answer, another may ask.
const READERS: usize = 2;
/// Only a bound on oversleeping: whatever ends the wait rings or sets the latch.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

struct Ticket<J> {
    path: usize,
    job: J,
}

/// A vendor and who does its jobs.
pub trait Fetched: Vendor {
    /// Fills in what opens the tenant for this once.
    fn authorise(_tenant: &Tenant, access: Self::Access) -> Result<Self::Access, Failure> {
        Ok(access)
    }
    /// What does them in this backend; `None` where helper threads do.
    fn here(_tenant: &Tenant, _access: &Self::Access) -> Result<Option<Here<Self>>, Failure> {
        Ok(None)
    }
}

pub type Here<V> = Box<dyn FnMut(&<V as Vendor>::Job) -> Reply<<V as Vendor>::Outcome>>;

impl Fetched for Dialfire {}
impl Fetched for Vapi {}

impl Fetched for HighLevel {
    fn authorise(tenant: &Tenant, access: Self::Access) -> Result<Self::Access, Failure> {
        let token = match &tenant.grant {
            Some(grant) => Some(oauth::token(tenant, grant)?),
            None => access.token.clone(),
        };
        Ok(Self::Access { token, ..access })
    }
}

/// Asks one tenant's vendor.
pub struct Fetch<V: Vendor> {
    pub access: V::Access,
    hands: Hands<V>,
}

enum Hands<V: Vendor> {
    /// Dropping it ends them, in the middle of a request too.
    Threads(Box<Threads<V>>),
    /// One job after the other, when its answer is waited for.
    Here(Here<V>, VecDeque<Ticket<V::Job>>),
}

struct Threads<V: Vendor> {
    client: Arc<Client>,
    pool: Pool<Ticket<V::Job>, Reply<V::Outcome>>,
    bell: Bell,
    limit: usize,
}

impl<V: Vendor> Fetch<V> {
    pub fn start(tenant: &Tenant, access: V::Access) -> Result<Fetch<V>, Failure>
    where
        V: Fetched,
    {
        let access = V::authorise(tenant, access)?;
        let hands = match V::here(tenant, &access)? {
            Some(here) => Hands::Here(here, VecDeque::new()),
            None => Hands::Threads(Box::new(Threads::start(tenant, access.clone())?)),
        };
        Ok(Fetch { access, hands })
    }

    /// Runs one job and waits for it.
    pub fn ask(&mut self, job: V::Job) -> Reply<V::Outcome> {
        self.submit(Ticket { path: 0, job });
        self.next().1
    }

    fn submit(&mut self, ticket: Ticket<V::Job>) {
        match &mut self.hands {
            Hands::Threads(threads) => threads.pool.submit(ticket),
            Hands::Here(_, waiting) => waiting.push_back(ticket),
        }
    }

    fn outstanding(&self) -> usize {
        match &self.hands {
            Hands::Threads(threads) => threads.pool.outstanding(),
            Hands::Here(_, waiting) => waiting.len(),
        }
    }

    fn may_submit(&self) -> bool {
        match &self.hands {
            Hands::Threads(threads) => threads.pool.outstanding() < threads.limit,
            Hands::Here(_, waiting) => waiting.is_empty(),
        }
    }

    fn next(&mut self) -> (Ticket<V::Job>, Reply<V::Outcome>) {
        match &mut self.hands {
            Hands::Threads(threads) => threads.next(),
            Hands::Here(run, waiting) => {
                let ticket = waiting.pop_front().expect("a job is outstanding");
                let reply = run(&ticket.job);
                (ticket, reply)
            }
        }
    }
}

impl<V: Vendor> Threads<V> {
    fn start(tenant: &Tenant, access: V::Access) -> Result<Threads<V>, Failure> {
        let client = Client::new(tenant.http.clone())
            .map_err(|error| Failure::Vendor { tenant: tenant.name.clone(), error })
            .map(Arc::new)?;
        let vendor = V::new(client.clone(), access);
        let bell = Bell::new()?;
        let run = move |ticket: &Ticket<V::Job>| {
            catch_unwind(AssertUnwindSafe(|| vendor.run(&ticket.job))).unwrap_or_else(|_| Reply {
                outcome: Err(Error::answer("the answer made the reader fail; please report it")),
                attempts: Vec::new(),
                date: None,
            })
        };
        let pool = Pool::start(tenant.concurrency + READERS, &thread::spawn, run, bell.ringer())?;
        // More jobs than requests in flight: there is work left while the backend writes, and no more answers than that wait.
        Ok(Threads { client, pool, bell, limit: tenant.concurrency * 8 })
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

impl<V: Vendor> Drop for Threads<V> {
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
        if fetch.outstanding() == 0 {
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
        while fetch.may_submit() && idle < self.paths.len() {
            let at = self.turn % self.paths.len();
            self.turn += 1;
            let (path, failed) = &mut self.paths[at];
            let job = if failed.is_none() { path.poll(stored)? } else { None };
            match job {
                Some(job) => {
                    idle = 0;
                    fetch.submit(Ticket { path: at, job });
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
