//! Stored calls that count, read by the day: most of the vendor's calls are among them, and need not be looked up.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use calls::range::Window;
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use pgrx::spi;

use super::call::Call;
use crate::lookup::Days;
use crate::pg::values;
use crate::store::{date, micros};
use crate::tenant::Tenant;
use crate::vendor::Access;
use crate::voice;

pub struct Counting {
    /// All of whose calls will be asked for. Of Dialfire's only those come whose events do not stand.
    expected: Option<Window>,
    zone: Tz,
    /// By the table that they stand in.
    days: BTreeMap<&'static str, Days>,
    /// Whose calls count; `None` where all do.
    assigned: Option<HashSet<String>>,
}

impl Counting {
    pub fn new(tenant: &Tenant, window: Window) -> spi::Result<Counting> {
        let assigned = match tenant.counts_assigned {
            true => Some(assigned(&tenant.name)?),
            false => None,
        };
        let expected = (!matches!(tenant.access, Access::Dialfire(_))).then_some(window);
        Ok(Counting { expected, zone: tenant.zone, days: BTreeMap::new(), assigned })
    }

    /// Those of the calls that are not known to be stored just so and to count.
    pub fn others(&mut self, tenant: &Tenant, calls: Vec<Call>) -> spi::Result<Vec<Call>> {
        let mut of_kind: BTreeMap<&'static str, Vec<Call>> = BTreeMap::new();
        calls.into_iter().for_each(|call| of_kind.entry(call.kind).or_default().push(call));
        let mut others = Vec::new();
        for (kind, calls) in of_kind {
            let days = self.days.entry(kind).or_insert_with(|| Days::expecting(self.expected, self.zone));
            let hasher = days.hasher.clone();
            let is_counted = |call: &Call| match &self.assigned {
                Some(assigned) => call.agent_id.as_ref().is_some_and(|agent| assigned.contains(agent)),
                None => true,
            };
            let (candidates, rest): (Vec<_>, Vec<_>) =
                calls.into_iter().partition(|call| call.at.is_some() && is_counted(call));
            let day = |at: DateTime<_>| at.with_timezone(&self.zone).date_naive();
            let asked = candidates
                .iter()
                .map(|call| (day(call.at.unwrap_or_default()), hash(&hasher, &call.id, call.md5.as_deref())));
            let asked: Vec<_> = asked.collect();
            let mut found = vec![false; candidates.len()];
            days.find(&tenant.name, &asked, |day| read(&tenant.name, kind, day, &hasher), |at, _| found[at] = true)?;
            others.extend(candidates.into_iter().zip(found).filter(|(_, found)| !found).map(|(call, _)| call));
            others.extend(rest);
        }
        Ok(others)
    }
}

fn hash(hasher: &RandomState, id: &str, md5: Option<&str>) -> u64 {
    hasher.hash_one((id, md5))
}

fn assigned(tenant: &str) -> spi::Result<HashSet<String>> {
    let sql = "SELECT array_agg(id) FROM dialfire.agents WHERE tenant = $1 AND assigned";
    let ids = values::read::<Vec<Option<String>>>(sql, &[tenant.into()])?;
    Ok(ids.unwrap_or_default().into_iter().flatten().collect())
}

/// The hashes of a day's calls that neither are tests nor have gone.
fn read(tenant: &str, kind: &str, day: NaiveDate, hasher: &RandomState) -> spi::Result<Vec<u64>> {
    let sql = match kind {
        "transactions" => TRANSACTIONS.to_owned(),
        "voice_calls" => voice::with_gone_at(VOICE_CALLS)?,
        _ => INBOUND_CALLS.to_owned(),
    };
    let mut hashes = Vec::new();
    values::parts(&sql, &[tenant.into(), date(day).into()], |rows| {
        for row in rows {
            let id: String = row.get(1)?.unwrap_or_default();
            let md5 = match kind {
                "voice_calls" => row.get(2)?.map(|at| micros(at).div_euclid(1_000).to_string()),
                _ => row.get(2)?,
            };
            hashes.push(hash(hasher, &id, md5.as_deref()));
        }
        Ok(())
    })?;
    Ok(hashes)
}

const TRANSACTIONS: &str = "
SELECT id, event_md5 FROM dialfire.transactions
WHERE tenant = $1 AND day = $2 AND gone_at IS NULL AND is_test IS NOT TRUE";
const VOICE_CALLS: &str = "
SELECT id, updated_at FROM dialfire.voice_calls
WHERE tenant = $1 AND day = $2 AND {gone_at} IS NULL AND is_test IS NOT TRUE";
const INBOUND_CALLS: &str = "
SELECT id, NULL::text FROM dialfire.inbound_calls WHERE tenant = $1 AND day = $2";
