//! What is stored already of what a vendor announces or delivers.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use calls::range::{self, Window};
use calls::row::Transaction;
use calls::vendor::dialfire::{Event, Known};
use calls::vendor::vicidial::{Alike, Table};
use calls::vendor::{Aside, Stored};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi;

use crate::pg::memory::briefly;
use crate::pg::spill::Spill;
use crate::pg::values;
use crate::store::{date, instant};

/// What is held of whole days at once: eight bytes each, in a diagnosis 24.
const DAYS_LIMIT: usize = 500_000;
/// Reading a call of a day costs this part of looking an event up.
const SHARE: u64 = 4;

/// Looks events up by the checksum with which their transaction was stored or rejected.
pub struct Lookup<'a> {
    pub tenant: &'a str,
    pub zone: Tz,
    /// Nothing was stored when the run began, so that no event needs to be looked up.
    pub empty: bool,
    pub days: &'a mut Days,
}

/// What is held of something that is stored; a hash finds it.
pub trait Held {
    fn hash(&self) -> u64;
}

impl Held for u64 {
    fn hash(&self) -> u64 {
        *self
    }
}

/// What is stored of days of which so much is asked for that reading the day is cheaper. That something missing shares its
/// hash with something stored of its day happens once in some 10^14 times, and not in the next run, which hashes differently.
pub struct Days<H = u64> {
    pub hasher: RandomState,
    /// All of it will be asked for.
    expected: Option<(Window, Tz)>,
    days: HashMap<NaiveDate, Day<H>>,
    pub held: usize,
    pub limit: usize,
}

struct Day<H> {
    /// Since it was forgotten, if it was: whoever reads several large days in turn must not read them anew each time.
    asked: u64,
    was_forgotten: bool,
    calls: Option<u64>,
    /// In the order of their hashes.
    stored: Option<Vec<H>>,
}

impl<H> Default for Days<H> {
    fn default() -> Days<H> {
        Days { hasher: RandomState::new(), expected: None, days: HashMap::new(), held: 0, limit: DAYS_LIMIT }
    }
}

impl<H> Default for Day<H> {
    fn default() -> Day<H> {
        Day { asked: 0, was_forgotten: false, calls: None, stored: None }
    }
}

impl<H> Day<H> {
    fn forget(&mut self) {
        if self.stored.take().is_some() {
            (self.asked, self.was_forgotten) = (0, true);
        }
    }
}

impl<H: Held> Days<H> {
    /// With a window of which all will be asked for.
    pub fn expecting(window: Option<Window>, zone: Tz) -> Days<H> {
        Days { expected: window.map(|window| (window, zone)), ..Days::default() }
    }

    /// Hands over the places of those that are held; what is asked for by day and hash and is not may be stored as well.
    pub fn find(
        &mut self,
        tenant: &str,
        asked: &[(NaiveDate, u64)],
        read: impl Fn(NaiveDate) -> spi::Result<Vec<H>>,
        mut found: impl FnMut(usize, &H),
    ) -> spi::Result<()> {
        let mut days: BTreeMap<NaiveDate, u64> = BTreeMap::new();
        asked.iter().for_each(|(day, _)| *days.entry(*day).or_default() += 1);
        for (day, times) in days {
            if self.is_worth_it(tenant, day, times)? {
                self.hold(day, briefly(|| read(day))?);
            }
        }
        for (at, (day, hash)) in asked.iter().enumerate() {
            let stored = self.days.get(day).and_then(|day| day.stored.as_deref()).unwrap_or_default();
            let first = stored.partition_point(|held| held.hash() < *hash);
            stored[first..].iter().take_while(|held| held.hash() == *hash).for_each(|held| found(at, held));
        }
        Ok(())
    }

    fn is_worth_it(&mut self, tenant: &str, date: NaiveDate, times: u64) -> spi::Result<bool> {
        let is_expected = self.expected.is_some_and(|(window, zone)| hours(window, date, zone) * SHARE as i64 >= 24);
        let day = self.days.entry(date).or_default();
        day.asked += times;
        if day.stored.is_some() {
            return Ok(false);
        }
        if is_expected && !day.was_forgotten {
            return Ok(true);
        }
        let calls = match day.calls {
            Some(calls) => calls,
            None => *day.calls.insert(calls_of(tenant, date)?),
        };
        Ok(day.asked * SHARE >= calls)
    }

    fn hold(&mut self, date: NaiveDate, mut stored: Vec<H>) {
        if self.held > self.limit {
            self.days.values_mut().for_each(Day::forget);
            self.held = 0;
        }
        stored.sort_unstable_by_key(H::hash);
        self.held += stored.len();
        self.days.entry(date).or_default().stored = Some(stored);
    }
}

/// Whole hours of a day that lie in a window.
fn hours(window: Window, day: NaiveDate, zone: Tz) -> i64 {
    let midnight = |day: NaiveDate| range::instant(day.and_time(NaiveTime::MIN), zone);
    let (begin, end) = (midnight(day), day.succ_opt().map_or(DateTime::<Utc>::MAX_UTC, midnight));
    (end.min(window.to) - begin.max(window.from)).num_hours()
}

/// The day of an event, and its hash.
pub fn event(hasher: &RandomState, zone: Tz, event: &Event) -> (NaiveDate, u64) {
    let day = event.fired.with_timezone(&zone).date_naive();
    (day, hash(hasher, &event.contact_id, instant(event.fired), &event.md5))
}

pub fn hash(hasher: &RandomState, contact_id: &str, fired: TimestampWithTimeZone, md5: &str) -> u64 {
    hasher.hash_one((contact_id, pg_sys::TimestampTz::from(fired), md5))
}

impl Days {
    /// Which of the events are stored; the others may be as well.
    fn events(&mut self, tenant: &str, zone: Tz, events: &[Event]) -> spi::Result<Vec<bool>> {
        let hasher = self.hasher.clone();
        let asked: Vec<_> = events.iter().map(|e| event(&hasher, zone, e)).collect();
        let mut stored = vec![false; events.len()];
        self.find(tenant, &asked, |day| events_of(tenant, day, &hasher), |at, _| stored[at] = true)?;
        Ok(stored)
    }
}

fn events_of(tenant: &str, day: NaiveDate, hasher: &RandomState) -> spi::Result<Vec<u64>> {
    let mut events = Vec::new();
    values::parts(
        "SELECT contact_id, fired, event_md5 FROM dialfire.transactions
         WHERE tenant = $1 AND day = $2 AND contact_id IS NOT NULL AND event_md5 IS NOT NULL",
        &[tenant.into(), date(day).into()],
        |rows| {
            for row in rows {
                let (contact, md5) =
                    (row.get::<String>(1)?.unwrap_or_default(), row.get::<String>(3)?.unwrap_or_default());
                if let Some(fired) = row.get(2)? {
                    events.push(hash(hasher, &contact, fired, &md5));
                }
            }
            Ok(())
        },
    )?;
    Ok(events)
}

/// About how many calls of a day are stored.
fn calls_of(tenant: &str, day: NaiveDate) -> spi::Result<u64> {
    let calls = Spi::get_one_with_args::<i64>(
        "SELECT sum(attempts)::bigint FROM dialfire.daily_stats WHERE tenant = $1 AND day = $2",
        &[tenant.into(), date(day).into()],
    )?;
    Ok(calls.unwrap_or_default() as u64)
}

impl Stored for Lookup<'_> {
    type Error = spi::Error;

    fn aside(&mut self) -> spi::Result<Box<dyn Aside>> {
        Ok(Box::new(Spill::default()))
    }

    fn known(&mut self, events: &[Event]) -> spi::Result<Vec<Known>> {
        if events.is_empty() || self.empty {
            return Ok(vec![Known::No; events.len()]);
        }
        let stored = self.days.events(self.tenant, self.zone, events)?;
        let left: Vec<&Event> = events.iter().zip(&stored).filter(|(_, stored)| !**stored).map(|(e, _)| e).collect();
        let mut left = one_by_one(self.tenant, &left)?.into_iter();
        let known = stored.into_iter().map(|stored| match stored {
            true => Known::Stored,
            false => left.next().unwrap_or(Known::No),
        });
        Ok(known.collect())
    }

    fn changed(&mut self, contacts: &[(String, String)]) -> spi::Result<Vec<String>> {
        let args: [DatumWithOid; 3] = [
            self.tenant.into(),
            contacts.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().into(),
            contacts.iter().map(|(_, md5)| md5.as_str()).collect::<Vec<_>>().into(),
        ];
        let changed = values::one::<Vec<Option<String>>>(
            "WITH back AS (UPDATE dialfire.contacts SET gone_at = NULL, changed_at = now()
                 WHERE tenant = $1 AND id = ANY ($2) AND gone_at IS NOT NULL)
             SELECT array_agg(i.id) FROM unnest($2::text[], $3::text[]) AS i(id, md5)
             LEFT JOIN dialfire.contacts c ON c.tenant = $1 AND c.id = i.id
             WHERE c.md5 IS DISTINCT FROM i.md5 OR c.gone_at IS NOT NULL",
            &args,
        )?;
        Ok(changed.unwrap_or_default().into_iter().flatten().collect())
    }

    fn active(&mut self, campaign_id: &str, since: NaiveDate) -> spi::Result<Vec<String>> {
        let active = values::one::<Vec<Option<String>>>(
            "SELECT array_agg(DISTINCT t.contact_id) FROM dialfire.transactions t
             JOIN dialfire.contacts c ON c.tenant = t.tenant AND c.id = t.contact_id AND c.gone_at IS NULL
             WHERE t.tenant = $1 AND t.campaign_id = $2 AND t.day >= $3::date
               AND t.fired >= $3::date::timestamp AT TIME ZONE 'UTC'",
            &[self.tenant.into(), campaign_id.into(), since.to_string().into()],
        )?;
        Ok(active.unwrap_or_default().into_iter().flatten().collect())
    }

    fn has_calls(&mut self, window: Window) -> spi::Result<bool> {
        if self.empty {
            return Ok(false);
        }
        let found = Spi::get_one_with_args::<bool>(
            "SELECT EXISTS (SELECT FROM dialfire.transactions WHERE tenant = $1
             AND day BETWEEN ($2 AT TIME ZONE 'UTC')::date - 2 AND ($3 AT TIME ZONE 'UTC')::date + 2)",
            &[self.tenant.into(), instant(window.from).into(), instant(window.to).into()],
        )?;
        Ok(found.unwrap_or_default())
    }

    fn alike(&mut self, calls: &[&Transaction]) -> spi::Result<Vec<Vec<Alike>>> {
        let args: [DatumWithOid; 5] = [
            self.tenant.into(),
            calls.iter().map(|c| c.contact_id.as_deref()).collect::<Vec<_>>().into(),
            calls.iter().map(|c| c.fired.map(instant)).collect::<Vec<_>>().into(),
            calls.iter().map(|c| c.phone.as_deref()).collect::<Vec<_>>().into(),
            calls.iter().map(|c| c.direction.as_deref()).collect::<Vec<_>>().into(),
        ];
        let mut alike = vec![Vec::new(); calls.len()];
        Spi::connect(|client| {
            let rows = client.select(
                "SELECT i.n, t.id, c.global_call_uuid, t.event_md5, c.ended IS NOT NULL, c.result
                 FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::text[])
                    WITH ORDINALITY AS i(contact_id, fired, phone, direction, n)
                 CROSS JOIN LATERAL (
                    SELECT * FROM dialfire.transactions t
                    WHERE t.tenant = $1 AND t.contact_id = i.contact_id AND t.fired = i.fired
                      AND t.phone IS NOT DISTINCT FROM i.phone AND t.direction = i.direction LIMIT 100) t
                 LEFT JOIN LATERAL (
                    SELECT * FROM dialfire.connections c WHERE c.tenant = $1 AND c.id = t.id LIMIT 1) c ON true",
                None,
                &args,
            )?;
            briefly(|| {
                for row in rows {
                    let at = row.get::<i64>(1)?.unwrap_or(1) as usize - 1;
                    alike[at].push(Alike {
                        id: row.get(2)?.unwrap_or_default(),
                        former: row.get(3)?,
                        checksum: row.get(4)?,
                        has_ended: row.get(5)?.unwrap_or_default(),
                        status: row.get(6)?,
                    });
                }
                Ok(alike)
            })
        })
    }

    fn open_calls(&mut self, table: Table, window: Window) -> spi::Result<Vec<String>> {
        let open = values::one::<Vec<Option<String>>>(
            "SELECT array_agg(o.id) FROM (
                SELECT t.id FROM dialfire.connections c
                JOIN dialfire.transactions t ON t.tenant = c.tenant AND t.id = c.transaction_id
                WHERE c.tenant = $1 AND c.disconnected IS NULL AND c.ended IS NULL AND c.call_disconnected IS NULL
                  AND t.direction = $2 AND t.fired >= $3 - interval '1 day' AND t.fired < $3 LIMIT 900) o",
            &[self.tenant.into(), table.direction().into(), instant(window.from).into()],
        )?;
        let ids = open.unwrap_or_default().into_iter().flatten();
        Ok(ids.filter_map(|id| table.key_of(&id).map(str::to_owned)).collect())
    }
}

pub fn one_by_one(tenant: &str, events: &[&Event]) -> spi::Result<Vec<Known>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let args: [DatumWithOid; 4] = [
        tenant.into(),
        events.iter().map(|e| e.contact_id.as_str()).collect::<Vec<_>>().into(),
        events.iter().map(|e| instant(e.fired)).collect::<Vec<_>>().into(),
        events.iter().map(|e| e.md5.as_str()).collect::<Vec<_>>().into(),
    ];
    let codes = values::one::<Vec<Option<i32>>>(
        "SELECT array_agg(CASE WHEN t.known THEN 1 WHEN r.known THEN 2 ELSE 0 END ORDER BY e.n)
         FROM unnest($2::text[], $3::timestamptz[], $4::text[]) WITH ORDINALITY AS e(contact_id, fired, md5, n)
         LEFT JOIN LATERAL (
             SELECT true AS known FROM dialfire.transactions t
             WHERE t.tenant = $1 AND t.contact_id = e.contact_id AND t.fired = e.fired AND t.event_md5 = e.md5
             LIMIT 1) t ON true
         LEFT JOIN LATERAL (
             SELECT true AS known FROM dialfire.rejects r
             WHERE r.tenant = $1 AND r.contact_id = e.contact_id AND r.event_md5 = e.md5
               AND r.resolved_at IS NULL AND r.reason <> 'contact_not_delivered'
             LIMIT 1) r ON t.known IS NULL",
        &args,
    )?;
    let known = codes.unwrap_or_default().into_iter().map(|code| match code {
        Some(1) => Known::Stored,
        Some(2) => Known::Rejected,
        _ => Known::No,
    });
    Ok(known.collect())
}
