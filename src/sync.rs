//! One sync: fetch, normalise, store, and account for it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use calls::error::Error;
use calls::range::{self, Window};
use calls::row::{Agent, Batch};
use calls::vendor::{Path, Vendor, Walk};
use chrono::{DateTime, TimeDelta, Utc};
use pgrx::datum::{Interval, JsonB};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::alerts;
use crate::append::{self, By};
use crate::error::Failure;
use crate::fetch::{self, Fetch, Fetched, Round, Step};
use crate::follow;
use crate::ledger::{self, Run, Verdict};
use crate::lookup::{Days, Lookup};
use crate::months;
use crate::notify;
use crate::pg::memory::briefly;
use crate::pg::role::{self, AsOwner};
use crate::pg::snapshot::Snapshot;
use crate::store::{self, Changes};
use crate::tenant::Tenant;

/// Rows held before they are written: enough that a statement's own cost disappears, few enough to keep memory flat.
const FLUSH_ROWS: usize = 5_000;

#[pg_extern]
fn df_sync(
    tenant: &str,
    range: Option<&str>,
    dry_run: default!(bool, false),
) -> Result<
    TableIterator<
        'static,
        (
            name!(run_id, Option<i64>),
            name!(status, &'static str),
            name!(windows, i64),
            name!(fetched, i64),
            name!(inserted, i64),
            name!(updated, i64),
            name!(unchanged, i64),
            name!(skipped, i64),
            name!(rejected, i64),
            name!(requests, i64),
            name!(retries, i64),
            name!(duration, Interval),
            name!(skip_reasons, JsonB),
            name!(message, String),
        ),
    >,
    ErrorReport,
> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let now = Utc::now();
    let window = range.map(|range| range::parse(range, tenant.zone, now)).transpose().map_err(Failure::from)?;
    let mut run = Run::begin(&tenant, "manual", dry_run).map_err(Failure::from)?;
    let sync = Sync { tenant: &tenant, now, dry: dry_run };
    let verdict = with_vendor!(&tenant.access, V, access => sync.run::<V>(access, window, &mut run))?;
    let duration = run.write(&verdict).map_err(Failure::from)?;
    Ok(TableIterator::once((
        run.id,
        verdict.status,
        run.complete as i64,
        run.fetched as i64,
        run.calls.inserted as i64,
        run.calls.updated as i64,
        run.calls.unchanged as i64,
        run.skipped_in_all() as i64,
        run.rejected as i64,
        run.requests as i64,
        run.retries as i64,
        duration,
        JsonB(serde_json::to_value(&run.skipped).unwrap_or_default()),
        match verdict.hint {
            Some(hint) => format!("{}; {hint}", verdict.message),
            None => verdict.message,
        },
    )))
}

/// One tenant at one moment.
pub struct Sync<'a> {
    pub tenant: &'a Tenant,
    pub now: DateTime<Utc>,
    pub dry: bool,
}

/// A window of a source.
pub type Piece<V> = (<V as Vendor>::Source, Window);

/// What waits to be written.
#[derive(Default)]
struct Buffer {
    batch: Batch,
    /// Users of the vendor's that calls have taught us.
    agents: Vec<Agent>,
    days: Days,
    /// Users who did something under no login.
    nameless: HashSet<String>,
    /// How many calls of each agent came, where not all of them count.
    by_agent: BTreeMap<Option<String>, u64>,
}

impl Sync<'_> {
    /// Everything in the transaction of the caller. `asked` is `None` for what is wanted and not covered yet.
    fn run<V: Fetched>(&self, access: &V::Access, asked: Option<Window>, run: &mut Run) -> Result<Verdict, Failure> {
        let mut fetch = Fetch::<V>::start(self.tenant, access.clone())?;
        match self.open(&mut fetch, run)? {
            Ok(sources) => {
                let pieces = self.pieces::<V>(&sources, asked)?;
                let retired = self.tenant.retired.map(|day| range::midnight(day, self.tenant.zone));
                if asked.is_some_and(|asked| retired.is_some_and(|until| asked.from < until)) {
                    run.skip("retired_month", 1);
                }
                let before = run.calls;
                self.read(&mut fetch, pieces, run)?;
                if asked.is_none() {
                    follow::read(self, &mut fetch, &sources, run)?;
                }
                self.publish(run, before)?;
                Ok(verdict(run, self.dry))
            }
            Err(refused) => Ok(refused),
        }
    }

    /// The sources of the tenant, or why there are none.
    pub fn open<V: Vendor>(
        &self,
        fetch: &mut Fetch<V>,
        run: &mut Run,
    ) -> Result<Result<Vec<V::Source>, Verdict>, Failure> {
        let fetch::Sources { listed, attempts, date } = fetch::sources(fetch);
        run.log(&attempts)?;
        run.date = date;
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => {
                let message = format!("the list of {}s did not arrive: {error}", self.tenant.access.unit());
                return Ok(Err(Verdict { status: "failed", message, hint: error.hint_for(&self.tenant.name) }));
            }
        };
        run.failures.extend(listed.failures);
        listed.skipped.into_iter().for_each(|(reason, times)| run.skip(reason, times));
        // Before the first row is written: whoever comes second is to hear who runs, not to wait for his row.
        self.lock::<V>(&listed.sources)?;
        store::upsert(&self.tenant.name, listed.campaigns, self.dry)?;
        store::batch(&self.tenant.name, listed.names, self.dry)?;
        for source in &listed.sources {
            follow::begin::<V>(self, &fetch.access, source, run)?;
        }
        Ok(Ok(listed.sources))
    }

    /// Takes sources until the end of the transaction.
    fn lock<'b, V: Vendor>(&self, sources: impl IntoIterator<Item = &'b V::Source>) -> Result<(), Failure> {
        let ids: BTreeSet<&str> = sources.into_iter().map(V::id).collect();
        match self.dry {
            true => Ok(()),
            false => ids.into_iter().try_for_each(|source| ledger::lock(&self.tenant.name, source)),
        }
    }

    /// What to fetch: what was asked for, or what is wanted and not covered yet.
    fn pieces<V: Vendor>(&self, sources: &[V::Source], asked: Option<Window>) -> Result<Vec<Piece<V>>, Failure> {
        let wanted = Window { from: self.tenant.wanted_from(self.now), to: self.now };
        let mut pieces = Vec::new();
        for source in sources {
            let windows = match asked {
                Some(window) => self.tenant.since_reset(window).into_iter().collect(),
                None if wanted.from < wanted.to => ledger::gaps(&self.tenant.name, V::id(source), wanted)?,
                None => Vec::new(),
            };
            pieces.extend(windows.into_iter().map(|window| (source.clone(), window)));
        }
        Ok(pieces)
    }

    /// Fetches windows, stores what they bring, covers those that are complete and counts: one transaction's work.
    pub fn fetch<V: Vendor>(&self, fetch: &mut Fetch<V>, pieces: Vec<Piece<V>>, run: &mut Run) -> Result<(), Failure> {
        let before = run.calls;
        self.read(fetch, pieces, run)?;
        self.publish(run, before)
    }

    fn read<V: Vendor>(&self, fetch: &mut Fetch<V>, pieces: Vec<Piece<V>>, run: &mut Run) -> Result<(), Failure> {
        self.lock::<V>(pieces.iter().map(|(source, _)| source))?;
        run.windows.extend(pieces.iter().map(|(_, window)| *window));
        self.record_params(V::params(&fetch.access), run);
        let mut covered: BTreeMap<String, Vec<Window>> = BTreeMap::new();
        for (source, _) in &pieces {
            if !covered.contains_key(V::id(source)) {
                let windows = ledger::covered(&self.tenant.name, V::id(source))?;
                covered.insert(V::id(source).to_owned(), windows);
            }
        }
        // Each place that a list is read from ends in a page that is not full.
        let places = self.tenant.concurrency.div_ceil(pieces.len().max(1));
        let walk = |(source, window): Piece<V>| {
            let keep = covered.get(V::id(&source)).map_or(&[][..], Vec::as_slice);
            V::walk(&fetch.access, source, window, keep, places)
        };
        let walks = pieces.into_iter().map(walk).collect();
        run.news.met.from_nothing = store::is_empty(&self.tenant.name)?;
        let mut round = Round::new(walks);
        self.drain(fetch, &mut round, run)?;
        self.conclude(round, run)
    }

    /// Brings the rollup up to date with what changed since `before`, and tells whoever listens. It is a transaction's
    /// last work: from then on webhooks of the tenant wait for its end.
    pub fn publish(&self, run: &mut Run, before: Changes) -> Result<(), Failure> {
        let (days, sources) = (std::mem::take(&mut run.days), std::mem::take(&mut run.sources));
        let news = std::mem::take(&mut run.news);
        let changed = run.calls.inserted + run.calls.updated > before.inserted + before.updated;
        if !self.dry && changed {
            store::analyze_if_grown(run.calls.inserted - before.inserted)?;
            news.keep(&self.tenant.name)?;
            notify::tell(self.tenant, run, before, &days, &sources)?;
        }
        Ok(())
    }

    /// Follows the paths of a round to their ends and stores what they bring.
    pub fn drain<V, P>(&self, fetch: &mut Fetch<V>, round: &mut Round<P>, run: &mut Run) -> Result<(), Failure>
    where
        V: Vendor,
        P: Path<Job = V::Job, Outcome = V::Outcome>,
    {
        let mut buffer = Buffer::default();
        while briefly(|| self.advance(fetch, round, &mut buffer, run))? {}
        briefly(|| self.flush(&mut buffer.batch, run))?;
        if !self.dry {
            store::agents(&self.tenant.name, buffer.agents)?;
        }
        self.name_agents(buffer.nameless, fetch, run)?;
        self.tally(&buffer.by_agent, run)
    }

    /// One answer; false when there is none any more.
    fn advance<V, P>(
        &self,
        fetch: &mut Fetch<V>,
        round: &mut Round<P>,
        buffer: &mut Buffer,
        run: &mut Run,
    ) -> Result<bool, Failure>
    where
        V: Vendor,
        P: Path<Job = V::Job, Outcome = V::Outcome>,
    {
        let empty = run.news.met.from_nothing;
        let mut stored = Lookup { tenant: &self.tenant.name, zone: self.tenant.zone, empty, days: &mut buffer.days };
        let Some(step) = round.step(fetch, &mut stored)? else { return Ok(false) };
        self.take(step, buffer, run)?;
        Ok(true)
    }

    fn record_params(&self, params: serde_json::Map<String, serde_json::Value>, run: &mut Run) {
        let span = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        let mut all = serde_json::Map::from_iter([
            ("from".to_owned(), span(run.windows.iter().map(|w| w.from).min()).into()),
            ("to".to_owned(), span(run.windows.iter().map(|w| w.to).max()).into()),
            ("base_url".to_owned(), self.tenant.http.base.as_str().into()),
        ]);
        all.extend(params);
        run.params = all.into();
    }

    fn take(&self, step: Step, buffer: &mut Buffer, run: &mut Run) -> Result<(), Failure> {
        run.log(&step.attempts)?;
        let Some(mut batch) = step.batch else { return Ok(()) };
        buffer.agents.append(&mut batch.agents);
        if buffer.agents.len() >= FLUSH_ROWS {
            buffer.agents = store::newest_agents(std::mem::take(&mut buffer.agents));
        }
        let nameless = batch.transactions.iter().filter(|t| t.user_login.is_none());
        buffer.nameless.extend(nameless.filter_map(|t| t.user_id.clone()));
        buffer.nameless.extend(batch.inbound_calls.iter().filter_map(|c| c.user_id.clone()));
        if self.tenant.counts_assigned {
            for call in &batch.transactions {
                match call.is_test {
                    Some(true) => run.skip("test_call", 1),
                    _ => *buffer.by_agent.entry(call.user_id.clone()).or_default() += 1,
                }
            }
        }
        buffer.batch.append(batch);
        if buffer.batch.len() >= FLUSH_ROWS {
            self.flush(&mut buffer.batch, run)?;
        }
        Ok(())
    }

    pub fn flush(&self, buffer: &mut Batch, run: &mut Run) -> Result<(), Failure> {
        let mut batch = std::mem::take(buffer);
        if let Some(until) = self.tenant.retired {
            months::let_go(&mut batch, until);
        }
        run.quarantine(&batch)?;
        run.days.extend(batch.days());
        run.sources.extend(batch.sources());
        let has_calls = !(batch.transactions.is_empty() && batch.inbound_calls.is_empty());
        if has_calls && !self.dry {
            months::queue(&self.tenant.name, run.is_webhook())?;
        }
        let subjects = if self.dry { Vec::new() } else { alerts::subjects(&self.tenant.name, &batch)? };
        // Whether a call counts may depend on its agent, and that is looked up.
        if !self.dry && !self.tenant.counts_assigned {
            run.calls.inserted +=
                append::newcomers(&self.tenant.name, self.tenant.access.newcomers(), &mut batch, &mut run.news)?;
        }
        if batch.is_empty() && batch.agents.is_empty() {
            *buffer = batch;
            return Ok(());
        }
        let before = self.moment()?;
        let (calls, written) = store::batch(&self.tenant.name, batch, self.dry)?;
        briefly(|| run.news.take(&self.tenant.name, before, written))?;
        run.calls.add(calls);
        Ok(alerts::raise(&self.tenant.name, subjects)?)
    }

    /// The moment before a write, to count calls as they were. None where others, as a dialler's webhooks, may write them
    /// meanwhile, where whether a call counts depends on more than the call, and where no snapshot shows other nodes.
    fn moment(&self) -> spi::Result<Option<Snapshot>> {
        let is_own = self.tenant.access.newcomers() == By::Contact && !self.tenant.counts_assigned;
        Ok(match is_own && !self.dry && !store::is_distributed()? {
            true => Snapshot::now(),
            false => None,
        })
    }

    /// Asks for the list of users, once a run and only where a login is missing that no event has taught us.
    fn name_agents<V: Vendor>(
        &self,
        users: HashSet<String>,
        fetch: &mut Fetch<V>,
        run: &mut Run,
    ) -> Result<(), Failure> {
        let Some(job) = V::list_agents() else { return Ok(()) };
        if self.dry || users.is_empty() || !store::lacks_login(&self.tenant.name, users.into_iter().collect())? {
            return Ok(());
        }
        let reply = fetch.ask(job);
        run.log(&reply.attempts)?;
        match reply.outcome.ok().and_then(V::agents) {
            Some(agents) => store::agents(&self.tenant.name, agents)?,
            // The calls are stored; their logins come with the next event or the next run.
            _ => run.skip("list_of_users_refused", 1),
        }
        Ok(())
    }

    /// Calls that are stored and do not count, by reason; the words are those of `calls.skip_reason`.
    fn tally(&self, by_agent: &BTreeMap<Option<String>, u64>, run: &mut Run) -> Result<(), Failure> {
        let known: Vec<&str> = by_agent.keys().filter_map(Option::as_deref).collect();
        let assigned = store::assigned(&self.tenant.name, known)?;
        for (agent, calls) in by_agent {
            match agent.as_ref().map(|id| assigned.get(id)) {
                None => run.skip("no_agent_id_in_call", *calls),
                Some(None) => run.skip("agent_not_in_system", *calls),
                Some(Some(false)) => run.skip("agent_not_assigned_to_user", *calls),
                Some(Some(true)) => {}
            }
        }
        Ok(())
    }

    fn conclude<W: Walk>(&self, round: Round<W>, run: &mut Run) -> Result<(), Failure> {
        // What the vendor has not shown yet by its own clock cannot be called complete.
        let clock = run.date.or(round.date).map_or(self.now, |date| date.min(self.now));
        for (walk, error) in round.ended() {
            let counts = walk.counts();
            run.fetched += counts.fetched;
            run.calls.unchanged += counts.unchanged;
            run.pages += counts.pages;
            for (reason, times) in &counts.skipped {
                run.skip(reason, *times);
            }
            match error {
                Some(error) => run.failures.push((walk.source_id().to_owned(), error)),
                None => {
                    run.complete += 1;
                    self.cover(&walk, clock - self.tenant.settle)?;
                }
            }
        }
        run.fetched = run.fetched.saturating_sub(std::mem::take(&mut run.calls.repeated));
        Ok(())
    }

    fn cover(&self, walk: &impl Walk, shown: DateTime<Utc>) -> Result<(), Failure> {
        let window = walk.window();
        // Of time that the vendor has forgotten an empty page proves nothing.
        let kept = self.tenant.retention.map_or(window.from, |length| self.now - length);
        let covered = Window { from: window.from.max(kept), to: window.to.min(shown) };
        // A repair fetches moments, and they would only fray the coverage.
        if !self.dry && covered.to - covered.from >= TimeDelta::seconds(1) {
            ledger::cover(&self.tenant.name, walk.source_id(), covered)?;
        }
        Ok(())
    }
}

/// How a run ended, by what it counted.
pub fn verdict(run: &Run, dry: bool) -> Verdict {
    let windows = run.windows.len() as u64;
    let failures: &[(String, Error)] = &run.failures;
    let status = match () {
        () if !failures.is_empty() && run.complete == 0 => "failed",
        () if !failures.is_empty() || run.rejected > 0 => "partial",
        () => "success",
    };
    let mut parts = vec![match windows {
        0 if run.skipped_in_all() > 0 && run.complete == 0 && run.calls.touched() == 0 => "nothing to fetch".to_owned(),
        0 => "nothing to fetch: all that is wanted is covered".to_owned(),
        _ => format!("{} of {} complete", run.complete, counted(windows, "window")),
    }];
    if dry {
        parts.push("dry run, nothing written".to_owned());
    }
    if run.rejected > 0 {
        parts.push(format!("{} rejected, see dialfire.rejects_open", counted(run.rejected, "record")));
    }
    if run.skipped.contains_key("retired_month") {
        parts.push("months that were let go are not fetched, see dialfire.retired_months".to_owned());
    }
    if let Some(closed) = run.skipped.get("campaign_without_api") {
        parts.push(format!("{} without role campaignAPI skipped", counted(*closed, "campaign")));
    }
    if run.skipped.contains_key("messages_not_readable") {
        parts.push(
            "direction and status stay unknown: the token lacks the scope conversations/message.readonly".to_owned(),
        );
    }
    let not_assigned =
        ["agent_not_assigned_to_user", "agent_not_in_system"].iter().filter_map(|why| run.skipped.get(*why));
    match not_assigned.sum::<u64>() {
        0 => {}
        calls => parts.push(format!("{} do not count, see dialfire.unassigned_agents", counted(calls, "call"))),
    }
    parts.extend(failures.iter().take(3).map(|(source, error)| format!("{} {source}: {error}", run.unit)));
    if failures.len() > 3 {
        parts.push(format!("{} failed too, see dialfire.http_log", counted(failures.len() as u64 - 3, "window")));
    }
    let hint = failures.first().and_then(|(_, error)| error.hint_for(&run.tenant));
    Verdict { status, message: parts.join("; "), hint }
}

pub fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
