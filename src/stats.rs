//! The rollup, kept by every sync and rebuilt on demand; and ranges, for SQL that needs them.

use std::collections::BTreeSet;

use calls::range;
use calls::rollup::{Place, Rollup, Tally, Words};
use chrono::{NaiveDate, Utc};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::append::Met;
use crate::error::Failure;
use crate::pg::role::{self, AsOwner};
use crate::store::instant;
use crate::tenant::Tenant;

/// What a sync has done to the rollup, to be written with it.
#[derive(Default)]
pub struct News {
    /// Days with calls that may have changed: they are computed anew.
    pub changed: BTreeSet<NaiveDate>,
    /// Of calls that are new: it is added.
    pub added: Rollup,
    pub met: Met,
}

impl News {
    /// Returns the rows that changed.
    pub fn keep(self, tenant: &str) -> spi::Result<u64> {
        let News { mut changed, mut added, .. } = self;
        changed.append(&mut added.uncounted);
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
    let days: Vec<String> = days.iter().map(NaiveDate::to_string).collect();
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
    let first = window.from.with_timezone(&tenant.zone).date_naive().pred_opt().unwrap_or_default();
    let days = first.iter_days().take(days.unwrap_or_default() as usize + 1).collect();
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
