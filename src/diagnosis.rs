//! One comparison of vendor and database: pages stream by, only differences are kept, and those on disk.

mod call;
mod counting;
mod finding;
mod standing;
mod stored;

pub use finding::{Finding, Findings, Status};

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use calls::range::Window;
use calls::row::{Batch, Reject};
use calls::vendor::Walk;
use chrono::{DateTime, Utc};
use pgrx::prelude::*;
use pgrx::spi;

use crate::error::Failure;
use crate::fetch::{self, Fetch, Fetched, Round};
use crate::ledger::Run;
use crate::pg::memory::briefly;
use crate::tenant::Tenant;
use call::{Call, Sources};
use counting::Counting;
use standing::Remember;
use stored::Stored;

/// Calls compared by one statement.
const BATCH: usize = 2_000;

pub struct AgentCalls {
    pub id: String,
    pub name: Option<String>,
    pub assigned: bool,
    pub calls: u64,
}

#[derive(Default)]
pub struct Diagnosis {
    /// `None` where all of the range lies before the tenant's reset.
    pub window: Option<Window>,
    pub sources: usize,
    pub vendor_total: u64,
    pub database_total: u64,
    pub matching: u64,
    pub changed: u64,
    pub missing: u64,
    pub rejected: u64,
    pub extra: u64,
    pub reasons: BTreeMap<String, u64>,
    pub agents: BTreeMap<String, AgentCalls>,
    pub findings: Findings,
    pub errors: Vec<(String, String)>,
    /// Hashes of the ids that the vendor has shown: eight bytes a call are all that grows without end with their number.
    seen: HashSet<u64>,
    /// Start of the oldest call that it has shown.
    oldest: Option<DateTime<Utc>>,
    waiting: Vec<Call>,
    /// Stored, and known not to count.
    odd: Vec<Call>,
    counting: Option<Counting>,
    of: Sources,
}

impl Diagnosis {
    pub fn make<V: Fetched>(
        tenant: &Tenant,
        access: &V::Access,
        window: Window,
        run: &mut Run,
    ) -> Result<Diagnosis, Failure> {
        let mut made = Diagnosis { window: tenant.since_reset(window), ..Diagnosis::default() };
        let Some(window) = made.window else { return Ok(made) };
        run.windows.push(window);
        run.params = V::params(access).into();
        let mut fetch = Fetch::<V>::start(tenant, V::brief(access.clone()))?;
        let fetch::Sources { listed, attempts, .. } = fetch::sources(&mut fetch);
        run.log(&attempts)?;
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => {
                made.errors.push(("list of sources".to_owned(), error.to_string()));
                return Ok(made);
            }
        };
        made.sources = listed.sources.len();
        made.of.only = listed.sources.first().map(|source| V::id(source).to_owned());
        made.of.prefixes =
            listed.sources.iter().filter_map(|source| Some((V::prefix(source)?, V::id(source).to_owned()))).collect();
        let walk = |source| V::walk(&fetch.access, source, window, &[], tenant.concurrency);
        let walks = listed.sources.into_iter().map(walk).collect();
        let mut round: Round<V::Walk> = Round::new(walks);
        let mut remember = Remember::new(tenant, window);
        made.counting = Some(Counting::new(tenant, window)?);
        while let Some(step) = briefly(|| round.step(&mut fetch, &mut remember))? {
            run.log(&step.attempts)?;
            made.recall(&mut remember);
            made.take(step.batch.unwrap_or_default(), &mut remember);
            if made.waiting.len() + made.odd.len() >= BATCH {
                briefly(|| made.compare(tenant))?;
            }
        }
        briefly(|| made.compare(tenant))?;
        let mut seen_whole = Vec::new();
        for (walk, error) in round.ended() {
            made.vendor_total += walk.counts().fetched;
            run.pages += walk.counts().pages;
            match error {
                None => seen_whole.push(walk.source_id().to_owned()),
                Some(error) => made.errors.push((walk.source_id().to_owned(), error.to_string())),
            }
        }
        made.look_back(tenant, &seen_whole, window)?;
        made.name_agents(tenant)?;
        Ok(made)
    }

    /// Takes in the calls for which events stand.
    fn recall(&mut self, remember: &mut Remember) {
        for stands in remember.matching.drain(..) {
            if self.seen.insert(stands.call) {
                self.matching += 1;
                self.meet(remember.agents.borrow().id(stands.agent));
            }
        }
        self.odd.append(&mut remember.odd);
    }

    fn meet(&mut self, agent: Option<&str>) {
        let Some(id) = agent else { return };
        match self.agents.get_mut(id) {
            Some(agent) => agent.calls += 1,
            None => {
                let agent = AgentCalls { id: id.to_owned(), name: None, assigned: false, calls: 1 };
                self.agents.insert(id.to_owned(), agent);
            }
        }
    }

    fn take(&mut self, mut batch: Batch, remember: &mut Remember) {
        for md5 in remember.rejected.drain(..) {
            self.reject("rejected before", md5, None);
        }
        for reject in std::mem::take(&mut batch.rejects).into_iter().filter(Reject::was_asked_for) {
            let detail = format!("{}: {} ({})", reject.field, reject.reason, reject.detail);
            let key = reject.key.clone().or(reject.event_md5.clone()).unwrap_or_default();
            self.seen.insert(hash(&key));
            self.reject(&detail, key, Some(reject));
        }
        self.waiting.extend(self.of.calls(batch));
    }

    fn reject(&mut self, detail: &str, call_id: String, reject: Option<Reject>) {
        self.keep(&[Finding {
            call_id,
            status: Status::Rejected,
            reason: "rejected".to_owned(),
            detail: Some(detail.to_owned()),
            source: reject.as_ref().and_then(|r| r.campaign_id.clone()),
            agent_id: None,
            agent_name: None,
            agent_status: None,
            number: None,
            at: reject.and_then(|r| r.fired),
        }]);
    }

    /// Looks the waiting calls up, and keeps those that are missing, do not count, or have changed.
    fn compare(&mut self, tenant: &Tenant) -> spi::Result<()> {
        let (mut calls, mut odd) = (std::mem::take(&mut self.waiting), std::mem::take(&mut self.odd));
        // A contact that is delivered for two events brings its calls twice.
        calls.retain(|call| self.seen.insert(hash(&call.id)));
        odd.retain(|call| self.seen.insert(hash(&call.id)));
        for call in calls.iter().chain(&odd) {
            self.meet(call.agent_id.as_deref());
            self.oldest = self.oldest.into_iter().chain(call.at).min();
        }
        let found = calls.len() + odd.len();
        if let Some(counting) = &mut self.counting {
            calls = counting.others(tenant, calls)?;
        }
        let mut calls = call::differing(tenant, calls)?;
        calls.append(&mut odd);
        let findings = call::explain(tenant, calls)?;
        self.matching += (found - findings.len()) as u64;
        self.keep(&findings);
        Ok(())
    }

    fn keep(&mut self, findings: &[Finding]) {
        for finding in findings {
            match finding.status {
                Status::Changed => self.changed += 1,
                Status::Rejected => self.rejected += 1,
                Status::OnlyDatabase => self.extra += 1,
                Status::OnlyVendor => {
                    self.missing += 1;
                    *self.reasons.entry(finding.reason.clone()).or_default() += 1;
                }
            }
            self.findings.push(finding);
        }
    }

    /// Finds what the vendor has not shown of the sources.
    fn look_back(&mut self, tenant: &Tenant, sources: &[String], window: Window) -> spi::Result<()> {
        let prefix =
            |source: &str| self.of.prefixes.iter().find(|(_, name)| *name == source).map(|(prefix, _)| *prefix);
        let (own, named): (Vec<&str>, Vec<&str>) =
            sources.iter().map(String::as_str).partition(|source| prefix(source).is_some());
        let mut all: Vec<_> = own.into_iter().map(|source| (vec![source], prefix(source))).collect();
        all.extend((!named.is_empty()).then_some((named, None)));
        for (sources, prefix) in all {
            self.find_unseen(&Stored { tenant, sources, prefix, window })?;
        }
        Ok(())
    }

    fn find_unseen(&mut self, stored: &Stored) -> spi::Result<()> {
        stored.each(|calls| {
            self.database_total += calls.iter().filter(|(_, counts)| *counts).count() as u64;
            let unseen = calls.into_iter().map(|(id, _)| id).filter(|id| !self.seen.contains(&hash(id)));
            let unseen: Vec<String> = unseen.collect();
            if !unseen.is_empty() {
                let findings = stored.explain(unseen, self.oldest)?;
                self.keep(&findings);
            }
            Ok(())
        })
    }

    fn name_agents(&mut self, tenant: &Tenant) -> spi::Result<()> {
        let ids: Vec<&str> = self.agents.keys().map(String::as_str).collect();
        let known = Spi::connect(|client| {
            let rows = client.select(
                "SELECT id, login, assigned FROM dialfire.agents WHERE tenant = $1 AND id = ANY ($2)",
                None,
                &[tenant.name.as_str().into(), ids.into()],
            )?;
            rows.map(|row| Ok((row.get::<String>(1)?, row.get::<String>(2)?, row.get::<bool>(3)?)))
                .collect::<spi::Result<Vec<_>>>()
        })?;
        for (id, name, assigned) in known {
            if let Some(agent) = id.and_then(|id| self.agents.get_mut(&id)) {
                agent.name = name;
                agent.assigned = assigned == Some(true) || !tenant.counts_assigned;
            }
        }
        Ok(())
    }
}

fn hash(text: &str) -> u64 {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    hash.finish()
}
