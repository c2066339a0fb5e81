//! What is stored already of what a vendor announces or delivers.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use calls::range::Window;
use calls::row::Transaction;
use calls::vendor::dialfire::{Event, Known};
use calls::vendor::vicidial::{Alike, Table};
use calls::vendor::{Aside, Stored};
use chrono::NaiveDate;
use chrono_tz::Tz;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi;

use crate::pg::memory::briefly;
use crate::pg::spill::Spill;
use crate::pg::values;
use crate::store::{date, instant};

/// Events of whole days held at once, eight bytes each.
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

/// The stored events of days of which so many are asked for that reading the day is cheaper.
#[derive(Default)]
pub struct Days {
    hasher: RandomState,
    days: HashMap<NaiveDate, Day>,
    pub held: usize,
}

#[derive(Default)]
struct Day {
    asked: u64,
    calls: Option<u64>,
    /// Sorted hashes. That a missing event shares one with a stored one of its day happens once in some 10^14 events, and
    /// not in the next run, which hashes differently.
    stored: Option<Vec<u64>>,
}

impl Days {
    /// Which of the events are stored; the others may be as well.
    fn find(&mut self, tenant: &str, zone: Tz, events: &[Event]) -> spi::Result<Vec<bool>> {
        let of_day = |event: &Event| event.fired.with_timezone(&zone).date_naive();
        let mut asked: BTreeMap<NaiveDate, u64> = BTreeMap::new();
        events.iter().for_each(|event| *asked.entry(of_day(event)).or_default() += 1);
        for (day, events) in asked {
            self.ask(tenant, day, events)?;
        }
        let is_stored = |event: &Event| {
            let stored = self.days.get(&of_day(event)).and_then(|day| day.stored.as_deref());
            let hash = || self.hash(&event.contact_id, instant(event.fired), &event.md5);
            stored.is_some_and(|stored| stored.binary_search(&hash()).is_ok())
        };
        Ok(events.iter().map(is_stored).collect())
    }

    fn ask(&mut self, tenant: &str, date: NaiveDate, events: u64) -> spi::Result<()> {
        let day = self.days.entry(date).or_default();
        day.asked += events;
        if day.stored.is_some() {
            return Ok(());
        }
        let calls = match day.calls {
            Some(calls) => calls,
            None => *day.calls.insert(calls_of(tenant, date)?),
        };
        if day.asked * SHARE < calls {
            return Ok(());
        }
        if self.held > DAYS_LIMIT {
            self.days.values_mut().for_each(|day| day.stored = None);
            self.held = 0;
        }
        let stored = self.read(tenant, date)?;
        self.held += stored.len();
        self.days.entry(date).or_default().stored = Some(stored);
        Ok(())
    }

    fn read(&self, tenant: &str, day: NaiveDate) -> spi::Result<Vec<u64>> {
        let mut stored: Vec<u64> = Spi::connect(|client| {
            let row = client
                .select(
                    "SELECT array_agg(contact_id), array_agg(fired),
                        array_agg(event_md5)
                     FROM dialfire.transactions
                     WHERE tenant = $1 AND day = $2 AND contact_id IS NOT NULL AND event_md5 IS NOT NULL",
                    Some(1),
                    &[tenant.into(), date(day).into()],
                )?
                .first();
            briefly(|| {
                let contacts = row.get::<Vec<Option<String>>>(1)?.unwrap_or_default();
                let fired = row.get::<Vec<Option<TimestampWithTimeZone>>>(2)?.unwrap_or_default();
                let checksums = row.get::<Vec<Option<String>>>(3)?.unwrap_or_default();
                let events = contacts.into_iter().zip(fired).zip(checksums);
                let hashes = events.map(|((contact, fired), md5)| Some(self.hash(&contact?, fired?, &md5?)));
                Ok::<_, spi::Error>(hashes.flatten().collect())
            })
        })?;
        stored.sort_unstable();
        Ok(stored)
    }

    fn hash(&self, contact_id: &str, fired: TimestampWithTimeZone, md5: &str) -> u64 {
        self.hasher.hash_one((contact_id, pg_sys::TimestampTz::from(fired), md5))
    }
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
        let stored = self.days.find(self.tenant, self.zone, events)?;
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

fn one_by_one(tenant: &str, events: &[&Event]) -> spi::Result<Vec<Known>> {
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
