//! One comparison of vendor and database: pages stream by, and only differences are kept.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use calls::range::Window;
use calls::row::{Batch, Reject};
use calls::vendor::dialfire::{Event, Known};
use calls::vendor::{Stored, Walk};
use chrono::{DateTime, NaiveDate, Utc};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi;

use crate::error::Failure;
use crate::fetch::{self, Fetch, Fetched, Round};
use crate::ledger::Run;
use crate::lookup::{Days, Lookup};
use crate::pg::memory::briefly;
use crate::store::instant;
use crate::tenant::Tenant;

/// Calls compared by one statement.
const BATCH: usize = 2_000;

/// A call on which the two sides differ.
pub struct Finding {
    pub call_id: String,
    /// only_vendor, changed, rejected or only_database.
    pub status: &'static str,
    pub reason: String,
    pub detail: Option<String>,
    pub source: Option<String>,
    pub agent_id: Option<String>,
    pub agent_name: Option<String>,
    /// assigned, not_assigned, not_in_system or none.
    pub agent_status: Option<String>,
    pub number: Option<String>,
    pub at: Option<DateTime<Utc>>,
}

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
    pub findings: Vec<Finding>,
    pub errors: Vec<(String, String)>,
    /// Hashes of the ids that the vendor has shown.
    seen: HashSet<u64>,
    waiting: Vec<Call>,
    /// Of a tenant that has one source, whose calls do not name it.
    only_source: Option<String>,
    /// Sources by how the ids of their calls begin.
    prefixes: BTreeMap<&'static str, String>,
}

/// A call as the vendor shows it.
struct Call {
    id: String,
    md5: Option<String>,
    source: Option<String>,
    agent_id: Option<String>,
    number: Option<String>,
    at: Option<DateTime<Utc>>,
    /// Table in which it is stored: transactions, inbound_calls or voice_calls.
    kind: &'static str,
}

/// A stored call for which an event stands, so that the vendor has it unchanged.
struct Stands {
    id: String,
    agent_id: Option<String>,
    /// It counts, too.
    matches: bool,
}

/// Passes events on to the database and remembers which calls they stand for.
struct Remember<'a> {
    lookup: Lookup<'a>,
    counts_assigned: bool,
    calls: Vec<Stands>,
    rejected: Vec<String>,
}

impl Stored for Remember<'_> {
    type Error = spi::Error;

    fn known(&mut self, events: &[Event]) -> spi::Result<Vec<Known>> {
        let known = self.lookup.known(events)?;
        let stored = |wanted: Known| events.iter().zip(&known).filter(move |(_, k)| **k == wanted).map(|(e, _)| e);
        self.rejected.extend(stored(Known::Rejected).map(|e| e.md5.clone()));
        if !known.contains(&Known::Stored) {
            return Ok(known);
        }
        let args: [DatumWithOid; 5] = [
            self.lookup.tenant.into(),
            stored(Known::Stored).map(|e| e.contact_id.as_str()).collect::<Vec<_>>().into(),
            stored(Known::Stored).map(|e| instant(e.fired)).collect::<Vec<_>>().into(),
            stored(Known::Stored).map(|e| e.md5.as_str()).collect::<Vec<_>>().into(),
            self.counts_assigned.into(),
        ];
        let found = Spi::connect(|client| {
            let row = client.select(KNOWN, Some(1), &args)?.first();
            let ids = row.get::<Vec<Option<String>>>(1)?.unwrap_or_default();
            let agents = row.get::<Vec<Option<String>>>(2)?.unwrap_or_default();
            let matching = row.get::<Vec<Option<bool>>>(3)?.unwrap_or_default();
            let found = ids.into_iter().zip(agents).zip(matching);
            Ok::<_, spi::Error>(found.map(|((id, agent_id), matches)| Stands {
                id: id.unwrap_or_default(),
                agent_id,
                matches: matches.unwrap_or_default(),
            }))
        })?;
        self.calls.extend(found);
        Ok(known)
    }

    fn changed(&mut self, _: &[(String, String)]) -> spi::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn active(&mut self, _: &str, _: NaiveDate) -> spi::Result<Vec<String>> {
        Ok(Vec::new())
    }
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
        made.only_source = listed.sources.first().map(|source| V::id(source).to_owned());
        made.prefixes =
            listed.sources.iter().filter_map(|source| Some((V::prefix(source)?, V::id(source).to_owned()))).collect();
        let walk = |source| V::walk(&fetch.access, source, window, &[], tenant.concurrency);
        let walks = listed.sources.into_iter().map(walk).collect();
        let mut round: Round<V::Walk> = Round::new(walks);
        let mut days = Days::default();
        let mut remember = Remember {
            lookup: Lookup { tenant: &tenant.name, zone: tenant.zone, empty: false, days: &mut days },
            counts_assigned: tenant.counts_assigned,
            calls: Vec::new(),
            rejected: Vec::new(),
        };
        while let Some(step) = briefly(|| round.step(&mut fetch, &mut remember))? {
            run.log(&step.attempts)?;
            briefly(|| made.recall(tenant, &mut remember))?;
            made.take(step.batch.unwrap_or_default(), &mut remember);
            if made.waiting.len() >= BATCH {
                briefly(|| made.compare(tenant))?;
            }
        }
        briefly(|| made.compare(tenant))?;
        for (walk, error) in round.ended() {
            made.vendor_total += walk.counts().fetched;
            run.pages += walk.counts().pages;
            match error {
                None => made.look_back(tenant, walk.source_id(), window)?,
                Some(error) => made.errors.push((walk.source_id().to_owned(), error.to_string())),
            }
        }
        made.name_agents(tenant)?;
        Ok(made)
    }

    /// Takes in the calls for which events stand.
    fn recall(&mut self, tenant: &Tenant, remember: &mut Remember) -> spi::Result<()> {
        let mut odd = Vec::new();
        for call in remember.calls.drain(..) {
            match call.matches {
                false => odd.push(call.id),
                true if self.seen.insert(hash(&call.id)) => {
                    self.matching += 1;
                    self.meet(call.agent_id.as_deref());
                }
                true => {}
            }
        }
        if odd.is_empty() {
            return Ok(());
        }
        let found = Spi::connect(|client| {
            let rows = client.select(
                "SELECT id, event_md5, campaign_id, user_id, phone, (EXTRACT(epoch FROM fired) * 1000000)::bigint
                 FROM dialfire.transactions WHERE tenant = $1 AND id = ANY ($2)",
                None,
                &[tenant.name.as_str().into(), odd.into()],
            )?;
            rows.map(|row| {
                Ok(Call {
                    id: row.get(1)?.unwrap_or_default(),
                    md5: row.get(2)?,
                    source: row.get(3)?,
                    agent_id: row.get(4)?,
                    number: row.get(5)?,
                    at: row.get::<i64>(6)?.and_then(DateTime::from_timestamp_micros),
                    kind: "transactions",
                })
            })
            .collect::<spi::Result<Vec<_>>>()
        })?;
        self.waiting.extend(found);
        Ok(())
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

    fn take(&mut self, batch: Batch, remember: &mut Remember) {
        for md5 in remember.rejected.drain(..) {
            self.reject("rejected before", md5, None);
        }
        self.waiting.extend(batch.transactions.into_iter().map(|t| Call {
            source: source_of(&self.prefixes, &t.id).or(t.campaign_id),
            id: t.id,
            md5: t.event_md5,
            agent_id: t.user_id,
            number: t.phone,
            at: t.fired,
            kind: "transactions",
        }));
        self.waiting.extend(batch.inbound_calls.into_iter().map(|c| Call {
            id: c.id,
            md5: None,
            source: c.campaign_id,
            agent_id: c.user_id,
            number: c.remote_number,
            at: c.started,
            kind: "inbound_calls",
        }));
        self.waiting.extend(batch.briefs.into_iter().map(|call| Call {
            id: call.id,
            md5: call.updated_at.map(|at| at.timestamp_millis().to_string()),
            source: self.only_source.clone(),
            agent_id: call.agent_id,
            number: call.number,
            at: call.created_at,
            kind: "voice_calls",
        }));
        for reject in batch.rejects.into_iter().filter(Reject::was_asked_for) {
            let detail = format!("{}: {} ({})", reject.field, reject.reason, reject.detail);
            let key = reject.key.clone().or(reject.event_md5.clone()).unwrap_or_default();
            self.seen.insert(hash(&key));
            self.reject(&detail, key, Some(reject));
        }
    }

    fn reject(&mut self, detail: &str, call_id: String, reject: Option<Reject>) {
        self.rejected += 1;
        self.findings.push(Finding {
            call_id,
            status: "rejected",
            reason: "rejected".to_owned(),
            detail: Some(detail.to_owned()),
            source: reject.as_ref().and_then(|r| r.campaign_id.clone()),
            agent_id: None,
            agent_name: None,
            agent_status: None,
            number: None,
            at: reject.and_then(|r| r.fired),
        });
    }

    /// Looks the waiting calls up, and keeps those that are missing, do not count, or have changed.
    fn compare(&mut self, tenant: &Tenant) -> spi::Result<()> {
        let mut calls = std::mem::take(&mut self.waiting);
        // A contact that is delivered for two events brings its calls twice.
        calls.retain(|call| self.seen.insert(hash(&call.id)));
        if calls.is_empty() {
            return Ok(());
        }
        for call in &calls {
            self.meet(call.agent_id.as_deref());
        }
        let found = calls.len();
        let calls = differing(tenant, calls)?;
        self.matching += (found - calls.len()) as u64;
        if calls.is_empty() {
            return Ok(());
        }
        let texts = |of: fn(&Call) -> Option<&str>| calls.iter().map(of).collect::<Vec<_>>();
        let args: [DatumWithOid; 8] = [
            tenant.name.as_str().into(),
            texts(|c| Some(&c.id)).into(),
            texts(|c| c.md5.as_deref()).into(),
            texts(|c| c.source.as_deref()).into(),
            texts(|c| c.agent_id.as_deref()).into(),
            calls.iter().map(|c| c.at.map(instant)).collect::<Vec<_>>().into(),
            texts(|c| Some(c.kind)).into(),
            tenant.counts_assigned.into(),
        ];
        let differing = Spi::connect(|client| {
            let rows = client.select(COMPARE, None, &args)?;
            rows.map(|row| {
                let text = |n| row.get::<String>(n);
                Ok((row.get::<i64>(1)?.unwrap_or(1), text(2)?, text(3)?, text(4)?, text(5)?, text(6)?))
            })
            .collect::<spi::Result<Vec<_>>>()
        })?;
        self.matching += (calls.len() - differing.len()) as u64;
        let mut calls: Vec<Option<Call>> = calls.into_iter().map(Some).collect();
        for (number, status, reason, detail, agent_name, agent_status) in differing {
            let Some(call) = calls.get_mut(number as usize - 1).and_then(Option::take) else { continue };
            let reason = reason.unwrap_or_default();
            let status = match status.as_deref() {
                Some("changed") => "changed",
                Some("rejected") => "rejected",
                _ => "only_vendor",
            };
            match status {
                "changed" => self.changed += 1,
                "rejected" => self.rejected += 1,
                _ => {
                    self.missing += 1;
                    *self.reasons.entry(reason.clone()).or_default() += 1;
                }
            }
            self.findings.push(Finding {
                call_id: call.id,
                status,
                reason,
                detail,
                source: call.source,
                agent_id: call.agent_id,
                agent_name,
                agent_status,
                number: call.number,
                at: call.at,
            });
        }
        Ok(())
    }

    /// The other direction: what the database has of a source and the vendor has not shown.
    fn look_back(&mut self, tenant: &Tenant, source: &str, window: Window) -> spi::Result<()> {
        let day = |at: DateTime<Utc>| at.with_timezone(&tenant.zone).date_naive().to_string();
        let prefix = self.prefixes.iter().find(|(_, name)| *name == source).map(|(prefix, _)| *prefix);
        let args = || -> [DatumWithOid; 8] {
            [
                tenant.name.as_str().into(),
                source.into(),
                instant(window.from).into(),
                instant(window.to).into(),
                day(window.from).into(),
                day(window.to).into(),
                tenant.counts_assigned.into(),
                prefix.into(),
            ]
        };
        let each = format!("{STORED} {COUNTED}");
        let mut cursor =
            Spi::connect(|client| Ok::<_, spi::Error>(client.try_open_cursor(&each, &args())?.detach_into_name()))?;
        loop {
            // A connection a batch: what a cursor has fetched stays until its connection ends.
            let (unseen, next) = briefly(|| {
                Spi::connect(|client| {
                    let mut open = client.find_cursor(&cursor)?;
                    let rows = open.fetch(BATCH as i64)?;
                    if rows.is_empty() {
                        return Ok::<_, spi::Error>((Vec::new(), None));
                    }
                    let mut unseen = Vec::new();
                    for row in rows {
                        let id: String = row.get(1)?.unwrap_or_default();
                        self.database_total += u64::from(row.get::<bool>(2)?.unwrap_or_default());
                        if !self.seen.contains(&hash(&id)) {
                            unseen.push(id);
                        }
                    }
                    Ok((unseen, Some(open.detach_into_name())))
                })
            })?;
            if !unseen.is_empty() {
                let args = args().into_iter().chain([unseen.into()]).collect::<Vec<_>>();
                briefly(|| self.only_here(source, &args))?;
            }
            match next {
                Some(name) => cursor = name,
                None => return Ok(()),
            }
        }
    }

    fn only_here(&mut self, source: &str, args: &[DatumWithOid]) -> spi::Result<()> {
        Spi::connect(|client| {
            for row in client.select(&format!("{STORED} {EXPLAINED}"), None, args)? {
                self.extra += 1;
                self.findings.push(Finding {
                    call_id: row.get(1)?.unwrap_or_default(),
                    status: "only_database",
                    reason: row.get(2)?.unwrap_or_default(),
                    detail: None,
                    source: Some(source.to_owned()),
                    agent_id: row.get(3)?,
                    agent_name: row.get(4)?,
                    agent_status: row.get(5)?,
                    number: row.get(6)?,
                    at: row.get::<i64>(7)?.and_then(DateTime::from_timestamp_micros),
                });
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

fn source_of(prefixes: &BTreeMap<&'static str, String>, id: &str) -> Option<String> {
    prefixes.iter().find(|(prefix, _)| id.starts_with(**prefix)).map(|(_, source)| source.clone())
}

/// Those that are not stored just so, or do not count: few, so that only they are worth asking why.
fn differing(tenant: &Tenant, calls: Vec<Call>) -> spi::Result<Vec<Call>> {
    let mut differing = Vec::new();
    let mut of_kind: BTreeMap<&str, Vec<Call>> = BTreeMap::new();
    calls.into_iter().for_each(|call| of_kind.entry(call.kind).or_default().push(call));
    for (kind, calls) in of_kind {
        let sql = match kind {
            "transactions" => DIFFERING_TRANSACTIONS,
            "voice_calls" => DIFFERING_VOICE_CALLS,
            _ => DIFFERING_INBOUND_CALLS,
        };
        let texts = |of: fn(&Call) -> Option<&str>| calls.iter().map(of).collect::<Vec<_>>();
        let args: [DatumWithOid; 5] = [
            tenant.name.as_str().into(),
            texts(|c| Some(&c.id)).into(),
            texts(|c| c.md5.as_deref()).into(),
            texts(|c| c.agent_id.as_deref()).into(),
            tenant.counts_assigned.into(),
        ];
        let places = Spi::get_one_with_args::<Vec<Option<i64>>>(sql, &args)?.unwrap_or_default();
        let places: HashSet<usize> = places.into_iter().flatten().map(|place| place as usize - 1).collect();
        differing.extend(calls.into_iter().enumerate().filter(|(at, _)| places.contains(at)).map(|(_, call)| call));
    }
    Ok(differing)
}

fn hash(text: &str) -> u64 {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    hash.finish()
}

/// The calls for which events stand, and whether they count.
const KNOWN: &str = "
SELECT array_agg(t.id), array_agg(t.user_id), array_agg(t.gone_at IS NULL AND t.is_test IS NOT TRUE AND (NOT $5 OR EXISTS (
    SELECT FROM dialfire.agents a WHERE a.tenant = $1 AND a.id = t.user_id AND a.assigned)))
FROM unnest($2::text[], $3::timestamptz[], $4::text[]) AS e(contact_id, fired, md5)
JOIN dialfire.transactions t ON t.tenant = $1 AND t.contact_id = e.contact_id AND t.fired = e.fired AND t.event_md5 = e.md5";

macro_rules! differing {
    ($table:literal, $as_delivered:literal, $counts:literal) => {
        concat!(
            "SELECT array_agg(i.n) FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS i(id, md5, agent_id, n)
             LEFT JOIN LATERAL (SELECT true AS matches FROM dialfire.",
            $table,
            " s WHERE s.tenant = $1 AND s.id = i.id AND (i.md5 IS NULL OR ",
            $as_delivered,
            ") AND ",
            $counts,
            " AND (NOT $5 OR EXISTS (SELECT FROM dialfire.agents a WHERE a.tenant = $1 AND a.id = i.agent_id AND a.assigned))
             LIMIT 1) s ON true WHERE s.matches IS NULL"
        )
    };
}

const DIFFERING_TRANSACTIONS: &str =
    differing!("transactions", "s.event_md5 = i.md5", "s.gone_at IS NULL AND s.is_test IS NOT TRUE");
const DIFFERING_VOICE_CALLS: &str = differing!(
    "voice_calls",
    "s.updated_at = to_timestamp(i.md5::bigint / 1000.0::double precision)",
    "s.is_test IS NOT TRUE"
);
/// Where agents decide, COMPARE looks at these again, and lets them pass.
const DIFFERING_INBOUND_CALLS: &str = differing!("inbound_calls", "true", "true");

/// Of the vendor's calls those that are not stored, do not count, or are stored otherwise. The reasons of what is stored
/// are those of `calls.skip_reason`.
const COMPARE: &str = "
WITH i AS (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])
        WITH ORDINALITY AS u(id, md5, source, agent_id, at, kind, n)
), found AS (
    SELECT i.*, t.id IS NOT NULL AS is_stored, t.event_md5, t.is_test, t.gone_at,
           a.id IS NOT NULL AS is_known, a.assigned, a.login
    FROM i
    LEFT JOIN LATERAL (
        SELECT t.id, t.event_md5, t.is_test, t.gone_at FROM dialfire.transactions t
        WHERE i.kind = 'transactions' AND t.tenant = $1 AND t.id = i.id
        UNION ALL
        SELECT c.id, NULL, NULL, NULL FROM dialfire.inbound_calls c
        WHERE i.kind = 'inbound_calls' AND c.tenant = $1 AND c.id = i.id
        UNION ALL
        SELECT v.id, (EXTRACT(epoch FROM v.updated_at) * 1000)::bigint::text, v.is_test, NULL
        FROM dialfire.voice_calls v
        WHERE i.kind = 'voice_calls' AND v.tenant = $1 AND v.id = i.id
    ) t ON true
    LEFT JOIN dialfire.agents a ON a.tenant = $1 AND a.id = i.agent_id
), judged AS (
    SELECT f.*, CASE
        WHEN NOT f.is_stored THEN NULL
        WHEN f.gone_at IS NOT NULL THEN 'deleted_at_vendor'
        WHEN f.is_test THEN 'test_call'
        WHEN NOT $8 OR f.kind = 'inbound_calls' THEN NULL
        WHEN f.agent_id IS NULL THEN 'no_agent_id_in_call'
        WHEN NOT f.is_known THEN 'agent_not_in_system'
        WHEN NOT f.assigned THEN 'agent_not_assigned_to_user'
    END AS excluded
    FROM found f
)
SELECT j.n,
       CASE WHEN j.is_stored AND j.excluded IS NULL THEN 'changed' WHEN r.id IS NOT NULL THEN 'rejected' ELSE 'only_vendor' END,
       CASE
           WHEN j.excluded IS NOT NULL THEN j.excluded
           WHEN j.is_stored THEN 'changed_since'
           WHEN r.id IS NOT NULL THEN 'rejected'
           WHEN v.is_covered THEN 'late_arrival'
           WHEN w.run_id IS NOT NULL THEN 'window_failed'
           ELSE 'not_covered_yet'
       END,
       CASE
           WHEN j.is_stored THEN NULL
           WHEN r.id IS NOT NULL THEN format('%s: %s (%s)', r.field, r.reason, r.detail)
           WHEN v.is_covered THEN 'the vendor showed it after its time had been covered'
           WHEN w.run_id IS NOT NULL THEN format('run %s: %s', w.run_id, COALESCE(h.said, w.message))
       END,
       j.login,
       CASE WHEN j.agent_id IS NULL THEN 'none' WHEN NOT j.is_known THEN 'not_in_system'
            WHEN j.assigned OR NOT $8 THEN 'assigned' ELSE 'not_assigned' END
FROM judged j
LEFT JOIN LATERAL (
    SELECT r.id, r.field, r.reason, r.detail FROM dialfire.rejects r
    WHERE NOT j.is_stored AND r.tenant = $1 AND r.key = j.id AND r.resolved_at IS NULL ORDER BY r.id DESC LIMIT 1
) r ON true
LEFT JOIN LATERAL (
    SELECT true AS is_covered FROM dialfire.coverage v
    WHERE NOT j.is_stored AND v.tenant = $1 AND v.source = j.source AND v.covered @> j.at
) v ON true
LEFT JOIN LATERAL (
    SELECT w.run_id, w.message FROM dialfire.runs w
    WHERE NOT j.is_stored AND v.is_covered IS NULL AND w.tenant = $1 AND w.range @> j.at
      AND w.status IN ('failed', 'partial', 'crashed') AND w.kind <> 'diagnostic'
    ORDER BY w.run_id DESC LIMIT 1
) w ON true
LEFT JOIN LATERAL (
    SELECT format('%s %s answered %s', h.method, h.url, COALESCE(h.status::text, h.error)) AS said
    FROM dialfire.http_log h WHERE h.tenant = $1 AND h.run_id = w.run_id ORDER BY h.id DESC LIMIT 1
) h ON true
WHERE NOT j.is_stored OR j.excluded IS NOT NULL OR j.event_md5 IS DISTINCT FROM j.md5 AND j.md5 IS NOT NULL";

/// What is stored of a source and not marked as gone.
const STORED: &str = "
WITH stored AS (
    SELECT t.id, t.user_id, t.phone, t.fired, t.is_test, false AS is_inbound FROM dialfire.transactions t
    WHERE t.tenant = $1 AND ($8::text IS NULL AND t.campaign_id = $2 OR starts_with(t.id, $8)) AND t.day BETWEEN $5::date AND $6::date
      AND t.fired >= $3 AND t.fired < $4 AND t.gone_at IS NULL
    UNION ALL
    SELECT c.id, c.user_id, c.remote_number, c.started, false, true FROM dialfire.inbound_calls c
    WHERE c.tenant = $1 AND c.campaign_id = $2 AND c.day BETWEEN $5::date AND $6::date
      AND c.started >= $3 AND c.started < $4
    UNION ALL
    SELECT v.id, v.assistant_id, v.customer_number, v.created_at, v.is_test, false FROM dialfire.voice_calls v
    WHERE v.tenant = $1 AND v.created_at >= $3 AND v.created_at < $4
)
";

const COUNTED: &str = "
SELECT s.id, s.is_test IS NOT TRUE AND (s.is_inbound OR NOT $7 OR EXISTS (
    SELECT FROM dialfire.agents a WHERE a.tenant = $1 AND a.id = s.user_id AND a.assigned))
FROM stored s";

/// Of those in $9, why the vendor may lack them.
const EXPLAINED: &str = "
SELECT s.id,
       CASE WHEN v.covered @> s.fired THEN 'deleted_at_vendor' ELSE 'extra_in_database' END,
       s.user_id,
       a.login,
       CASE WHEN s.user_id IS NULL THEN 'none' WHEN a.id IS NULL THEN 'not_in_system'
            WHEN a.assigned OR NOT $7 THEN 'assigned' ELSE 'not_assigned' END,
       s.phone,
       (EXTRACT(epoch FROM s.fired) * 1000000)::bigint
FROM stored s
LEFT JOIN dialfire.agents a ON a.tenant = $1 AND a.id = s.user_id
LEFT JOIN dialfire.coverage v ON v.tenant = $1 AND v.source = $2
WHERE s.id = ANY ($9)";
