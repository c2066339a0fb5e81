//! The rollup, kept by every sync and rebuilt on demand; and ranges, for SQL that needs them.

use std::collections::BTreeSet;
use std::ffi::CStr;

use calls::range;
use calls::rollup::{Place, Rollup, Tally, Words};
use calls::row::{Connection, InboundCall, Recording, Transaction};
use chrono::{NaiveDate, Utc};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::append::Met;
use crate::days;
use crate::error::Failure;
use crate::legs;
use crate::months;
use crate::pg::role::{self, AsOwner};
use crate::pg::snapshot::Snapshot;
use crate::store::{instant, Written};
use crate::tenant::Tenant;

/// Calls that may be counted before and after they changed; beyond it whole days are counted more cheaply.
const SHIFT_LIMIT: usize = 50_000;

/// What a sync has done to the rollup, to be written with it.
#[derive(Default)]
pub struct News {
    /// Days with calls that may have changed: they are computed anew.
    pub changed: BTreeSet<NaiveDate>,
    /// Of calls that are new: it is added.
    pub added: Rollup,
    pub met: Met,
    shifted: usize,
}

impl News {
    /// Takes in what was written since a moment. Where there is none, and where days are cheaper, their days are counted.
    pub fn take(&mut self, tenant: &str, before: Option<Snapshot>, written: Written) -> spi::Result<()> {
        self.changed.extend(&written.days);
        self.shifted += written.calls.len() + written.inbound_calls.len();
        match before.zip(Snapshot::now()) {
            _ if written.calls.is_empty() && written.inbound_calls.is_empty() => {}
            Some((before, now)) if self.shifted <= SHIFT_LIMIT => {
                let words = words(tenant)?;
                let [before, now] = [before, now].map(|at| rollup(tenant, &at, &written, &words));
                self.added.shift(before, now);
            }
            _ => self.changed.extend(written.days_of_calls(tenant)?),
        }
        Ok(())
    }

    /// Returns the rows that changed.
    pub fn keep(self, tenant: &str) -> spi::Result<u64> {
        let News { mut changed, mut added, .. } = self;
        changed.append(&mut added.uncounted);
        changed.append(&mut days::file(tenant)?);
        Ok(keep(tenant, &changed)? + add(tenant, added.into_added(&changed))?)
    }
}

/// What one call has added to the rollup, so that a webhook need not count its whole day again.
pub struct Counted {
    call_id: String,
    is_stored: bool,
    before: Option<String>,
}

impl Counted {
    /// Before the call is written; it is nobody else's until the end of the transaction. None where the database has the
    /// objects of a version that counts whole days.
    pub fn now(tenant: &str, call_id: &str) -> spi::Result<Option<Counted>> {
        if Spi::get_one::<bool>("SELECT to_regprocedure('dialfire.stats_of_call(text, text)') IS NULL")? == Some(true) {
            return Ok(None);
        }
        let is_stored = Spi::connect_mut(|client| {
            let lock = "SELECT 1 FROM dialfire.voice_calls WHERE tenant = $1 AND id = $2 FOR NO KEY UPDATE";
            Ok::<_, spi::Error>(!client.update(lock, Some(1), &[tenant.into(), call_id.into()])?.is_empty())
        })?;
        Ok(Some(Counted { call_id: call_id.to_owned(), is_stored, before: of_call(tenant, call_id)? }))
    }

    /// Whether nobody else has stored the call since: how it was counted then is not known.
    pub fn is_own(&self, inserted: u64) -> bool {
        self.is_stored || inserted > 0
    }

    /// After it was written.
    pub fn shift(self, tenant: &str) -> spi::Result<()> {
        lock(tenant, Counting::Changes)?;
        let after = of_call(tenant, &self.call_id)?;
        Spi::run_with_args(
            "SELECT dialfire.shift_stats($1::dialfire.daily_stats, $2::dialfire.daily_stats)",
            &[self.before.into(), after.into()],
        )
    }
}

fn of_call(tenant: &str, call_id: &str) -> spi::Result<Option<String>> {
    Spi::get_one_with_args(
        "SELECT (SELECT d::text FROM dialfire.stats_of_call($1, $2) d)",
        &[tenant.into(), call_id.into()],
    )
}

/// What some calls add to the rollup, as the database was at a moment.
fn rollup(tenant: &str, at: &Snapshot, written: &Written, words: &Words) -> Rollup {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Stored {
        transactions: Vec<Transaction>,
        connections: Vec<Connection>,
        recordings: Vec<Recording>,
        inbound_calls: Vec<InboundCall>,
    }
    let args = [tenant.into(), written.calls.clone().into(), written.inbound_calls.clone().into()];
    let stored = at.read(STORED, &args).unwrap_or_default();
    let stored: Stored = serde_json::from_str(&stored).expect("rows read as they were written");
    let mut rollup = Rollup::default();
    let Stored { transactions, connections, recordings, inbound_calls } = &stored;
    rollup.add(&refs(transactions), &refs(connections), &refs(recordings), words);
    rollup.add_inbound(&refs(inbound_calls));
    rollup
}

fn refs<R>(rows: &[R]) -> Vec<&R> {
    rows.iter().collect()
}

/// What counts of the calls $2 and the inbound calls $3.
const STORED: &CStr = c"
    WITH t AS (
        SELECT id, day, campaign_id, user_id, user_login, fired, is_human, status, direction, is_test, wait_time_sec,
            pause_time_sec, wrapup_time_sec
        FROM dialfire.transactions WHERE tenant = $1 AND id = ANY ($2) AND gone_at IS NULL
    ), c AS (
        SELECT c.id, c.transaction_id, c.result, c.duration_ms FROM t CROSS JOIN LATERAL (
            SELECT * FROM dialfire.connections c WHERE c.tenant = $1 AND c.transaction_id = t.id LIMIT 1000000) c
    ), r AS (
        SELECT r.id, r.connection_id, r.location FROM c CROSS JOIN LATERAL (
            SELECT * FROM dialfire.recordings r
            WHERE r.tenant = $1 AND r.connection_id = c.id AND r.location IS NOT NULL LIMIT 1) r
    ), i AS (
        SELECT id, day, campaign_id, user_id, started, connected
        FROM dialfire.inbound_calls WHERE tenant = $1 AND id = ANY ($3)
    )
    SELECT json_build_object(
        'transactions', (SELECT COALESCE(json_agg(t), '[]') FROM t),
        'connections', (SELECT COALESCE(json_agg(c), '[]') FROM c),
        'recordings', (SELECT COALESCE(json_agg(r), '[]') FROM r),
        'inbound_calls', (SELECT COALESCE(json_agg(i), '[]') FROM i))";

enum Counting {
    /// Of whole days: what is not committed is not seen, and nothing may be added meanwhile.
    Days,
    Changes,
}

/// Until the end of the transaction, and after the calls are written, so that nobody waits for calls while he counts.
fn lock(tenant: &str, counting: Counting) -> spi::Result<()> {
    let kind = match counting {
        Counting::Days => "",
        Counting::Changes => "_shared",
    };
    Spi::run_with_args(
        &format!("SELECT pg_advisory_xact_lock{kind}(hashtextextended('dialfire_sync stats ' || $1, 0))"),
        &[tenant.into()],
    )
}

fn add(tenant: &str, added: impl Iterator<Item = (Place, Tally)>) -> spi::Result<u64> {
    #[derive(serde::Serialize)]
    struct Added {
        #[serde(flatten)]
        place: Place,
        #[serde(flatten)]
        tally: Tally,
    }
    let added: Vec<Added> = added.map(|(place, tally)| Added { place, tally }).collect();
    if added.is_empty() {
        return Ok(0);
    }
    let added = serde_json::to_string(&added).unwrap_or_default();
    lock(tenant, Counting::Changes)?;
    let changed =
        Spi::get_one_with_args::<i64>("SELECT dialfire.add_stats($1, $2::json)", &[tenant.into(), added.into()])?;
    Ok(changed.unwrap_or_default() as u64)
}

/// What the words of the tenant's vendor mean: to everybody, to the tenant, to its campaigns.
pub fn words(tenant: &str) -> spi::Result<Words> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT campaign_id, word, status FROM dialfire.call_statuses
             WHERE vendor = dialfire.vendor_of($1) AND tenant IN ('', $1) ORDER BY tenant",
            None,
            &[tenant.into()],
        )?;
        let mut words = Words::default();
        for row in rows {
            let (campaign_id, word, status) = (row.get(1)?, row.get(2)?, row.get(3)?);
            words.learn(campaign_id.unwrap_or_default(), word.unwrap_or_default(), status.unwrap_or_default());
        }
        Ok(words)
    })
}

/// Brings the rollup up to date for days whose calls have changed.
pub fn keep(tenant: &str, days: &BTreeSet<NaiveDate>) -> spi::Result<u64> {
    if days.is_empty() {
        return Ok(0);
    }
    let filed = days::file(tenant)?;
    // Of calls that were let go the figures stay.
    let retired = months::retired_until()?;
    let days = days.union(&filed).filter(|day| retired.is_none_or(|until| **day >= until));
    let days: Vec<String> = days.map(NaiveDate::to_string).collect();
    lock(tenant, Counting::Days)?;
    let changed = Spi::get_one_with_args::<i64>(
        "SELECT dialfire.keep_stats($1, $2::text[]::date[])",
        &[tenant.into(), days.into()],
    )?;
    Ok(changed.unwrap_or_default() as u64)
}

/// Cuts the calls of a range into the tenant's days again and recomputes the rollup; returns the rows that changed.
#[pg_extern]
fn df_rebuild_stats(tenant: &str, range: &str) -> Result<i64, ErrorReport> {
    Ok(rebuild(tenant, range)?)
}

fn rebuild(tenant: &str, range: &str) -> Result<i64, Failure> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let window = range::parse(range, tenant.zone, Utc::now())?;
    let first = window.from.with_timezone(&tenant.zone).date_naive().pred_opt().unwrap_or_default();
    if months::are_parted() {
        let last = window.to.with_timezone(&tenant.zone).date_naive();
        months::make([first, last, last.succ_opt().unwrap_or(last)].into())?;
    }
    // A day more on both sides: another zone may have put a call there.
    let days = Spi::get_one_with_args::<i64>(
        "WITH bounds AS (
            SELECT ($2 AT TIME ZONE $4)::date - 1 AS first_day, ($3 AT TIME ZONE $4)::date + 1 AS last_day
         ), moved AS (
            UPDATE dialfire.transactions t SET day = (t.fired AT TIME ZONE $4)::date FROM bounds b
            WHERE t.tenant = $1 AND t.day BETWEEN b.first_day AND b.last_day
              AND t.day <> (t.fired AT TIME ZONE $4)::date
         ), moved_inbound AS (
            UPDATE dialfire.inbound_calls i SET day = (i.started AT TIME ZONE $4)::date FROM bounds b
            WHERE i.tenant = $1 AND i.day BETWEEN b.first_day AND b.last_day
              AND i.day <> (i.started AT TIME ZONE $4)::date
         ) SELECT (last_day - first_day)::bigint FROM bounds",
        &[
            tenant.name.as_str().into(),
            instant(window.from).into(),
            instant(window.to).into(),
            tenant.zone.name().into(),
        ],
    )?;
    days::rebuild(&tenant.name, first, days.unwrap_or_default())?;
    let days: BTreeSet<_> = first.iter_days().take(days.unwrap_or_default() as usize + 1).collect();
    days.iter().try_for_each(|day| legs::rebuild(&tenant.name, *day))?;
    Ok(keep(&tenant.name, &days)? as i64)
}

/// The instants of a range as people type it, for the tenant; upper end at most now.
#[pg_extern]
fn df_range(tenant: &str, range: &str) -> Result<pgrx::Range<TimestampWithTimeZone>, ErrorReport> {
    Ok(range_of(tenant, range)?)
}

fn range_of(tenant: &str, range: &str) -> Result<pgrx::Range<TimestampWithTimeZone>, Failure> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let zone = Tenant::zone_of(tenant, caller)?;
    let window = range::parse(range, zone, Utc::now())?;
    Ok(pgrx::Range::new(
        pgrx::datum::RangeBound::Inclusive(instant(window.from)),
        pgrx::datum::RangeBound::Exclusive(instant(window.to)),
    ))
}
