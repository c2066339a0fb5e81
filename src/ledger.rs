//! The ledger: runs, coverage, rejects and the HTTP log.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use calls::client::Attempt;
use calls::error::Error;
use calls::range::Window;
use calls::row::{Batch, Reject};
use chrono::{DateTime, NaiveDate, Utc};
use pgrx::datum::{DatumWithOid, Interval, JsonB, TimestampWithTimeZone};
use pgrx::prelude::*;
use pgrx::spi;

use crate::error::Failure;
use crate::pg::values;
use crate::stats::News;
use crate::store::{instant, Changes};
use crate::tenant::Tenant;

/// What a run has done so far.
pub struct Run {
    pub tenant: String,
    /// What a source is called: campaign, location, organisation.
    pub unit: &'static str,
    role: String,
    kind: &'static str,
    /// `None` for a dry run, which writes nothing.
    pub id: Option<i64>,
    /// The row is committed and shows the run while it works.
    visible: bool,
    pub failures: Vec<(String, Error)>,
    /// The vendor's clock, as its first answer showed it.
    pub date: Option<DateTime<Utc>>,
    /// Days and sources of the calls that came since the last commit.
    pub days: BTreeSet<NaiveDate>,
    pub news: News,
    pub sources: BTreeSet<String>,
    began: Instant,
    started_at: TimestampWithTimeZone,
    pub windows: Vec<Window>,
    pub params: serde_json::Value,
    pub complete: u64,
    pub fetched: u64,
    pub calls: Changes,
    pub skipped: BTreeMap<String, u64>,
    pub rejected: u64,
    pub pages: u64,
    pub requests: u64,
    pub retries: u64,
    pub bytes: u64,
    has_rejects: bool,
}

/// How a run ended, in words.
#[derive(Clone)]
pub struct Verdict {
    pub status: &'static str,
    pub message: String,
    pub hint: Option<String>,
}

impl Verdict {
    pub fn in_progress(message: String) -> Verdict {
        Verdict { status: "in_progress", message, hint: None }
    }
}

impl Run {
    pub fn begin(tenant: &Tenant, kind: &'static str, dry: bool) -> spi::Result<Run> {
        Run::of(&tenant.name, &tenant.role, tenant.access.unit(), kind, dry)
    }

    pub fn of(tenant: &str, role: &str, unit: &'static str, kind: &'static str, dry: bool) -> spi::Result<Run> {
        let id = match dry {
            true => None,
            false => Spi::get_one("SELECT nextval('dialfire.runs_run_id_seq')")?,
        };
        let open = "SELECT EXISTS (SELECT FROM dialfire.rejects WHERE tenant = $1 AND resolved_at IS NULL)";
        Ok(Run {
            tenant: tenant.to_owned(),
            unit,
            role: role.to_owned(),
            kind,
            id,
            visible: false,
            failures: Vec::new(),
            date: None,
            days: BTreeSet::new(),
            news: News::default(),
            sources: BTreeSet::new(),
            began: Instant::now(),
            started_at: now()?,
            windows: Vec::new(),
            params: serde_json::json!({}),
            complete: 0,
            fetched: 0,
            calls: Changes::default(),
            skipped: BTreeMap::new(),
            rejected: 0,
            pages: 0,
            requests: 0,
            retries: 0,
            bytes: 0,
            has_rejects: Spi::get_one_with_args(open, &[tenant.into()])?.unwrap_or_default(),
        })
    }

    pub fn is_webhook(&self) -> bool {
        self.kind == "webhook"
    }

    pub fn skip(&mut self, reason: &str, times: u64) {
        *self.skipped.entry(reason.to_owned()).or_default() += times;
    }

    pub fn skipped_in_all(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Counts requests and keeps those that failed.
    pub fn log(&mut self, attempts: &[Attempt]) -> spi::Result<()> {
        self.requests += attempts.len() as u64;
        self.retries += attempts.iter().filter(|a| a.attempt > 1).count() as u64;
        self.bytes += attempts.iter().map(|a| a.bytes).sum::<u64>();
        let failed: Vec<&Attempt> =
            attempts.iter().filter(|a| a.status.is_none_or(|status| !(200..300).contains(&status))).collect();
        if failed.is_empty() || self.id.is_none() {
            return Ok(());
        }
        let args: [DatumWithOid; 11] = [
            self.tenant.as_str().into(),
            self.id.into(),
            failed.iter().map(|a| instant(a.at)).collect::<Vec<_>>().into(),
            failed.iter().map(|a| a.method).collect::<Vec<_>>().into(),
            failed.iter().map(|a| a.url.as_str()).collect::<Vec<_>>().into(),
            failed.iter().map(|a| a.status.map(i32::from)).collect::<Vec<_>>().into(),
            failed.iter().map(|a| a.attempt as i32).collect::<Vec<_>>().into(),
            failed.iter().map(|a| a.duration.as_secs_f64() * 1000.0).collect::<Vec<_>>().into(),
            failed.iter().map(|a| a.bytes as i64).collect::<Vec<_>>().into(),
            failed.iter().map(|a| a.retry_after.map(|wait| wait.as_secs_f64())).collect::<Vec<_>>().into(),
            failed.iter().map(|a| a.error.as_ref().map(|e| e.replace('\0', ""))).collect::<Vec<_>>().into(),
        ];
        Spi::run_with_args(
            "INSERT INTO dialfire.http_log
                (tenant, run_id, at, method, url, status, attempt, duration_ms, bytes, retry_after, error)
             SELECT $1, $2, * FROM unnest($3::timestamptz[], $4::text[], $5::text[], $6::int[], $7::int[],
                $8::float8[], $9::bigint[], $10::float8[], $11::text[])",
            &args,
        )
    }

    /// Quarantines what a batch rejects, and releases what it brings after all.
    pub fn quarantine(&mut self, batch: &Batch) -> spi::Result<()> {
        if self.id.is_none() {
            self.rejected += batch.rejects.len() as u64;
            return Ok(());
        }
        if self.has_rejects {
            release(&self.tenant, batch)?;
        }
        if !batch.rejects.is_empty() {
            self.has_rejects = true;
            let (announced, along): (Vec<_>, Vec<_>) = batch.rejects.iter().partition(|r| r.was_asked_for());
            reject(&self.tenant, self.id, &announced)?;
            // What was fetched for another's sake and is known to be bad is no news of this run.
            self.rejected += announced.len() as u64 + reject(&self.tenant, self.id, &along)?;
        }
        Ok(())
    }

    /// Shows the run before it works, for those who commit: a crash leaves the row behind.
    pub fn show(&mut self) -> spi::Result<()> {
        if self.id.is_none() || self.visible {
            return Ok(());
        }
        self.visible = true;
        Spi::run_with_args(
            "INSERT INTO dialfire.runs (tenant, run_id, kind, status, role, started_at)
             VALUES ($1, $2, $3, 'in_progress', $4, $5)",
            &[
                self.tenant.as_str().into(),
                self.id.into(),
                self.kind.into(),
                self.role.as_str().into(),
                self.started_at.into(),
            ],
        )
    }

    /// Writes the run's row. A run that shows nothing before its end writes it in one piece, so that no dead row stays.
    pub fn write(&self, verdict: &Verdict) -> spi::Result<Interval> {
        let micros = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        let duration = Interval::from_micros(micros);
        if self.id.is_none() {
            return Ok(duration);
        }
        let skipped = serde_json::to_value(&self.skipped).unwrap_or_default();
        let args: [DatumWithOid; 23] = [
            self.tenant.as_str().into(),
            self.id.into(),
            verdict.status.into(),
            self.role.as_str().into(),
            self.started_at.into(),
            duration.into(),
            self.windows.iter().map(|w| instant(w.from)).collect::<Vec<_>>().into(),
            self.windows.iter().map(|w| instant(w.to)).collect::<Vec<_>>().into(),
            JsonB(self.params.clone()).into(),
            (self.complete as i64).into(),
            (self.fetched as i64).into(),
            (self.calls.inserted as i64).into(),
            (self.calls.updated as i64).into(),
            (self.calls.unchanged as i64).into(),
            (self.skipped_in_all() as i64).into(),
            (self.rejected as i64).into(),
            (self.pages as i64).into(),
            (self.requests as i64).into(),
            (self.retries as i64).into(),
            (self.bytes as i64).into(),
            JsonB(skipped).into(),
            vec![Some(verdict.message.as_str()), verdict.hint.as_deref()].into(),
            self.kind.into(),
        ];
        Spi::run_with_args(
            "INSERT INTO dialfire.runs
                (tenant, run_id, status, role, started_at, finished_at, duration, range, params, windows, fetched,
                 inserted, updated, unchanged, skipped, rejected, pages, requests, retries, bytes, skip_reasons,
                 message, hint, kind)
             SELECT $1, $2, $3, $4, $5, CASE WHEN $3 <> 'in_progress' THEN clock_timestamp() END, $6,
                COALESCE((SELECT range_agg(tstzrange(f, t)) FROM unnest($7::timestamptz[], $8::timestamptz[]) AS w(f, t)),
                         '{}'),
                $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22[1], $22[2], $23
             ON CONFLICT (tenant, run_id) DO UPDATE SET
                (status, finished_at, duration, range, params, windows, fetched, inserted, updated, unchanged, skipped,
                 rejected, pages, requests, retries, bytes, skip_reasons, message, hint) =
                (excluded.status, excluded.finished_at, excluded.duration, excluded.range, excluded.params,
                 excluded.windows, excluded.fetched, excluded.inserted, excluded.updated, excluded.unchanged,
                 excluded.skipped, excluded.rejected, excluded.pages, excluded.requests, excluded.retries,
                 excluded.bytes, excluded.skip_reasons, excluded.message, excluded.hint)",
            &args,
        )?;
        if verdict.status != "in_progress" && self.kind != "diagnostic" {
            check_thresholds(&self.tenant)?;
        }
        Ok(duration)
    }
}

/// Begins and ends the alarms that the ledger itself gives cause for.
pub fn check_thresholds(tenant: &str) -> spi::Result<()> {
    Spi::run_with_args("SELECT dialfire.check_thresholds($1)", &[tenant.into()])
}

/// Runs that nobody works on any more: their backend is gone, or is another one by now. A job of the worker's could not
/// tell its schedule either.
pub fn mark_crashed() -> spi::Result<()> {
    // Many statements: a distributed Postgres joins neither the local list of processes nor all tenants at once.
    let (tenants, ids, pids, begun) = Spi::connect(|client| {
        let row = client
            .select(
                "SELECT array_agg(tenant), array_agg(run_id), array_agg(pid), array_agg(started_at)
                 FROM dialfire.runs WHERE status = 'in_progress'",
                Some(1),
                &[],
            )?
            .first();
        Ok::<_, spi::Error>((
            row.get::<Vec<String>>(1)?,
            row.get::<Vec<i64>>(2)?,
            row.get::<Vec<i32>>(3)?,
            row.get::<Vec<TimestampWithTimeZone>>(4)?,
        ))
    })?;
    let dead = Spi::connect(|client| {
        let rows = client.select(
            "SELECT r.tenant, r.id FROM unnest($1, $2, $3, $4) AS r(tenant, id, pid, started_at)
             WHERE NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = r.pid AND a.backend_start <= r.started_at)",
            None,
            &[tenants.into(), ids.into(), pids.into(), begun.into()],
        )?;
        rows.map(|row| Ok((row.get(1)?.unwrap_or_default(), row.get(2)?.unwrap_or_default())))
            .collect::<spi::Result<Vec<(String, i64)>>>()
    })?;
    for (tenant, run) in dead {
        let overtime = Spi::get_one_with_args::<bool>(
            "SELECT EXISTS (SELECT FROM dialfire.schedules s,
                (SELECT kind, started_at FROM dialfire.runs WHERE tenant = $1 AND run_id = $2) r
                WHERE s.tenant = $1 AND s.job = r.kind AND r.started_at + s.max_runtime < clock_timestamp())",
            &[tenant.as_str().into(), run.into()],
        )?;
        let why = match overtime {
            Some(true) => "it took longer than max_runtime and was ended",
            _ => "the process that ran it is gone",
        };
        let message = format!("{why}; what it committed is kept, the rest is fetched again");
        Spi::run_with_args(
            "UPDATE dialfire.runs SET status = 'crashed', finished_at = $3, message = $4
             WHERE tenant = $1 AND run_id = $2 AND status = 'in_progress'",
            &[tenant.as_str().into(), run.into(), now()?.into(), message.as_str().into()],
        )?;
        Spi::run_with_args(
            "UPDATE dialfire.schedules s SET last_finished = d.finished_at, last_status = 'failed', last_message = d.message
             FROM (SELECT kind, started_at, finished_at, message FROM dialfire.runs WHERE tenant = $1 AND run_id = $2) d
             WHERE s.tenant = $1 AND s.job = d.kind AND s.last_started <= d.started_at
               AND (s.last_finished < s.last_started) IS NOT FALSE",
            &[tenant.as_str().into(), run.into()],
        )?;
    }
    // Of a tenant whose sync does not run at all no run would tell. `Spi::run` would take a transaction id even where nothing
    // begins or ends, and its commit is WAL.
    values::read::<i64>(
        "SELECT sum(dialfire.check_thresholds(s.tenant))::bigint FROM dialfire.schedules s WHERE s.job = 'sync' AND s.enabled",
        &[],
    )?;
    Ok(())
}

pub fn now() -> spi::Result<TimestampWithTimeZone> {
    let now = Spi::get_one("SELECT clock_timestamp()")?;
    now.ok_or(spi::Error::InvalidPosition)
}

/// Keeps rejects; returns how many of them are new.
fn reject(tenant: &str, run: Option<i64>, rejects: &[&Reject]) -> spi::Result<u64> {
    if rejects.is_empty() {
        return Ok(0);
    }
    let texts = |of: &dyn Fn(&Reject) -> Option<String>| rejects.iter().map(|r| of(r)).collect::<Vec<_>>();
    let args: [DatumWithOid; 12] = [
        tenant.into(),
        run.into(),
        texts(&|r| r.campaign_id.clone()).into(),
        texts(&|r| Some(r.kind.to_owned())).into(),
        texts(&|r| r.key.clone()).into(),
        texts(&|r| r.contact_id.clone()).into(),
        rejects.iter().map(|r| r.fired.map(instant)).collect::<Vec<_>>().into(),
        texts(&|r| Some(r.reason.to_owned())).into(),
        texts(&|r| Some(r.field.replace('\0', ""))).into(),
        texts(&|r| Some(r.detail.replace('\0', ""))).into(),
        texts(&|r| Some(r.payload.clone())).into(),
        texts(&|r| r.event_md5.clone()).into(),
    ];
    let fresh = Spi::get_one_with_args::<i64>(
        "WITH kept AS (INSERT INTO dialfire.rejects AS r
            (tenant, run_id, source, kind, key, contact_id, fired, reason, field, detail, payload, event_md5, fingerprint)
         SELECT DISTINCT ON (f.fingerprint) $1, $2, i.source, i.kind, i.key, i.contact_id, i.fired, i.reason, i.field,
                i.detail, i.payload::json, i.event_md5, f.fingerprint
         FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::text[],
                     $10::text[], $11::text[], $12::text[])
              AS i(source, kind, key, contact_id, fired, reason, field, detail, payload, event_md5)
         CROSS JOIN LATERAL (SELECT md5(concat_ws('|', i.kind, i.reason, i.key, i.contact_id, i.fired, i.payload)))
              AS f(fingerprint)
         ORDER BY f.fingerprint
         ON CONFLICT (tenant, fingerprint) DO UPDATE SET run_id = excluded.run_id,
            event_md5 = COALESCE(excluded.event_md5, r.event_md5), detail = excluded.detail, times = r.times + 1,
            last_seen = excluded.last_seen, resolved_at = NULL
         RETURNING xmax = 0 AS is_new)
         SELECT count(*) FILTER (WHERE is_new) FROM kept",
        &args,
    )?;
    Ok(fresh.unwrap_or_default() as u64)
}

fn release(tenant: &str, batch: &Batch) -> spi::Result<()> {
    let args: [DatumWithOid; 8] = [
        tenant.into(),
        batch.transactions.iter().map(|t| t.id.as_str()).collect::<Vec<_>>().into(),
        batch.contacts.iter().map(|c| c.id.as_str()).collect::<Vec<_>>().into(),
        batch.inbound_calls.iter().map(|c| c.id.as_str()).collect::<Vec<_>>().into(),
        batch.transactions.iter().map(|t| t.contact_id.as_deref()).collect::<Vec<_>>().into(),
        batch.transactions.iter().map(|t| t.fired.map(instant)).collect::<Vec<_>>().into(),
        batch.connections.iter().map(|c| c.id.as_str()).collect::<Vec<_>>().into(),
        batch.voice_calls.iter().map(|c| c.id.as_str()).collect::<Vec<_>>().into(),
    ];
    Spi::run_with_args(
        "UPDATE dialfire.rejects r SET resolved_at = now()
         WHERE tenant = $1 AND resolved_at IS NULL
           AND (kind IN ('transaction', 'connection', 'call') AND key = ANY ($2)
             OR kind = 'recording' AND key = ANY ($7)
             OR kind = 'contact' AND key = ANY ($3)
             OR kind = 'inbound_call' AND key = ANY ($4)
             OR kind IN ('call', 'message', 'attempt') AND key = ANY ($8)
             OR kind IN ('event', 'transaction') AND (contact_id, fired) IN (
                SELECT * FROM unnest($5::text[], $6::timestamptz[])))",
        &args,
    )
}

/// Adds a window to what is covered; does nothing where it is covered already.
pub fn cover(tenant: &str, source: &str, window: Window) -> spi::Result<()> {
    let args: [DatumWithOid; 4] =
        [tenant.into(), source.into(), instant(window.from).into(), instant(window.to).into()];
    Spi::run_with_args(
        "INSERT INTO dialfire.coverage AS c (tenant, source, covered)
         SELECT $1, $2, tstzmultirange(tstzrange($3, $4))
         WHERE NOT EXISTS (SELECT FROM dialfire.coverage e
                           WHERE e.tenant = $1 AND e.source = $2 AND e.covered @> tstzrange($3, $4))
         ON CONFLICT (tenant, source) DO UPDATE SET covered = c.covered + excluded.covered, changed_at = excluded.changed_at",
        &args,
    )
}

/// The parts of a window that are not covered yet.
pub fn gaps(tenant: &str, source: &str, wanted: Window) -> spi::Result<Vec<Window>> {
    let args: [DatumWithOid; 4] =
        [tenant.into(), source.into(), instant(wanted.from).into(), instant(wanted.to).into()];
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT (EXTRACT(epoch FROM lower(gap)) * 1000000)::bigint, (EXTRACT(epoch FROM upper(gap)) * 1000000)::bigint
             FROM unnest(tstzmultirange(tstzrange($3, $4)) - COALESCE(
                (SELECT covered FROM dialfire.coverage WHERE tenant = $1 AND source = $2), '{}')) AS gap
             ORDER BY lower(gap)",
            None,
            &args,
        )?;
        windows(rows)
    })
}

/// What is covered of a source.
pub fn covered(tenant: &str, source: &str) -> spi::Result<Vec<Window>> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT (EXTRACT(epoch FROM lower(r)) * 1000000)::bigint, (EXTRACT(epoch FROM upper(r)) * 1000000)::bigint
             FROM dialfire.coverage, unnest(covered) AS r WHERE tenant = $1 AND source = $2",
            None,
            &[tenant.into(), source.into()],
        )?;
        windows(rows)
    })
}

fn windows(rows: spi::SpiTupleTable) -> spi::Result<Vec<Window>> {
    let at = |micros: Option<i64>| micros.and_then(DateTime::from_timestamp_micros).unwrap_or_default();
    rows.map(|row| Ok(Window { from: at(row.get(1)?), to: at(row.get(2)?) })).collect()
}

/// A number for an advisory lock. A collision only makes two syncs wait for each other.
fn key(tenant: &str, what: &str) -> i64 {
    let mut hash = DefaultHasher::new();
    ("dialfire_sync", tenant, what).hash(&mut hash);
    hash.finish() as i64
}

pub fn jobs_key(tenant: &str) -> i64 {
    key(tenant, "all jobs")
}

/// Of the only scheduler of a database. No tenant has an empty name.
pub fn scheduler_key() -> i64 {
    key("", "scheduler")
}

/// Whether nobody does a job of the tenant; nobody can begin one before this transaction ends.
pub fn is_idle(tenant: &str) -> spi::Result<bool> {
    let got = Spi::get_one_with_args::<bool>("SELECT pg_try_advisory_xact_lock($1)", &[jobs_key(tenant).into()])?;
    Ok(got == Some(true))
}

/// Takes the source for this transaction, when whoever has it is done.
pub fn wait(tenant: &str, source: &str) -> spi::Result<()> {
    Spi::run_with_args("SELECT pg_advisory_xact_lock($1)", &[key(tenant, source).into()])
}

/// Takes the source for this transaction, or says who has it.
pub fn lock(tenant: &str, source: &str) -> Result<(), Failure> {
    let key = key(tenant, source);
    let got = Spi::get_one_with_args::<bool>("SELECT pg_try_advisory_xact_lock($1)", &[key.into()])?;
    if got == Some(true) {
        return Ok(());
    }
    let (pid, by) = Spi::get_two_with_args::<i32, String>(
        "SELECT l.pid, format('begun by role \"%s\" at %s', a.usename, date_trunc('second', a.xact_start))
         FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (l.classid::bigint << 32) | l.objid::bigint = $1",
        &[key.into()],
    )
    .unwrap_or_default();
    Err(Failure::Busy {
        tenant: tenant.to_owned(),
        source_id: source.to_owned(),
        by: by.unwrap_or_else(|| "which has just ended".to_owned()),
        pid: pid.unwrap_or_default(),
    })
}
