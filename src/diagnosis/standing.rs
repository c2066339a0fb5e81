//! Stored calls for which the vendor's list of events stands: their contacts are not asked for.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::RandomState;

use calls::range::Window;
use calls::vendor::dialfire::{Event, Known};
use calls::vendor::{Aside, Stored};
use chrono::{DateTime, NaiveDate};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi;

use super::call::Call;
use super::hash;
use crate::lookup::{self, Days, Held};
use crate::pg::memory::briefly;
use crate::pg::spill::Spill;
use crate::pg::values;
use crate::store::{date, instant};
use crate::tenant::Tenant;

/// A call that is stored, counts, and is the vendor's as long as its event stands.
#[derive(Clone, Copy)]
pub struct Stands {
    event: u64,
    /// Hash of its id.
    pub call: u64,
    /// Its place in [`Agents`].
    pub agent: u32,
}

impl Held for Stands {
    fn hash(&self) -> u64 {
        self.event
    }
}

/// The ids of agents, each once.
#[derive(Default)]
pub struct Agents {
    places: HashMap<String, u32>,
    ids: Vec<String>,
}

impl Agents {
    /// 0 is nobody.
    fn place(&mut self, id: Option<String>) -> u32 {
        let Some(id) = id else { return 0 };
        if let Some(place) = self.places.get(&id) {
            return *place;
        }
        self.ids.push(id.clone());
        *self.places.entry(id).or_insert(self.ids.len() as u32)
    }

    pub fn id(&self, place: u32) -> Option<&str> {
        self.ids.get((place as usize).checked_sub(1)?).map(String::as_str)
    }
}

/// Passes events on to the database and remembers which calls they stand for.
pub struct Remember<'a> {
    pub tenant: &'a Tenant,
    pub days: Days<Stands>,
    pub agents: RefCell<Agents>,
    pub matching: Vec<Stands>,
    /// Stored calls that do not count.
    pub odd: Vec<Call>,
    pub rejected: Vec<String>,
}

impl<'a> Remember<'a> {
    pub fn new(tenant: &'a Tenant, window: Window) -> Remember<'a> {
        Remember {
            tenant,
            days: Days::expecting(Some(window), tenant.zone),
            agents: RefCell::default(),
            matching: Vec::new(),
            odd: Vec::new(),
            rejected: Vec::new(),
        }
    }

    /// Takes in the stored calls for which events stand, and returns the places of those events.
    fn look_up(&mut self, events: &[&Event]) -> spi::Result<HashSet<usize>> {
        if events.is_empty() {
            return Ok(HashSet::new());
        }
        let args: [DatumWithOid; 5] = [
            self.tenant.name.as_str().into(),
            events.iter().map(|e| e.contact_id.as_str()).collect::<Vec<_>>().into(),
            events.iter().map(|e| instant(e.fired)).collect::<Vec<_>>().into(),
            events.iter().map(|e| e.md5.as_str()).collect::<Vec<_>>().into(),
            self.tenant.counts_assigned.into(),
        ];
        let mut agents = self.agents.borrow_mut();
        Spi::connect(|client| {
            let rows = client.select(KNOWN, None, &args)?;
            briefly(|| {
                let mut places = HashSet::new();
                for row in rows {
                    places.insert(row.get::<i64>(8)?.unwrap_or(1) as usize - 1);
                    let (id, agent_id) = (row.get::<String>(1)?.unwrap_or_default(), row.get(2)?);
                    if row.get(3)? == Some(true) {
                        self.matching.push(Stands { event: 0, call: hash(&id), agent: agents.place(agent_id) });
                        continue;
                    }
                    self.odd.push(Call {
                        id,
                        md5: row.get(4)?,
                        source: row.get(5)?,
                        agent_id,
                        number: row.get(6)?,
                        at: row.get::<i64>(7)?.and_then(DateTime::from_timestamp_micros),
                        kind: "transactions",
                    });
                }
                Ok(places)
            })
        })
    }
}

impl Stored for Remember<'_> {
    type Error = spi::Error;

    fn aside(&mut self) -> spi::Result<Box<dyn Aside>> {
        Ok(Box::new(Spill::default()))
    }

    fn known(&mut self, events: &[Event]) -> spi::Result<Vec<Known>> {
        let mut known = vec![Known::No; events.len()];
        let (tenant, hasher) = (self.tenant, self.days.hasher.clone());
        let asked: Vec<_> = events.iter().map(|event| lookup::event(&hasher, tenant.zone, event)).collect();
        let (agents, matching) = (&self.agents, &mut self.matching);
        self.days.find(
            &tenant.name,
            &asked,
            |day| stands_of(tenant, day, &hasher, agents),
            |at, stands| {
                known[at] = Known::Stored;
                matching.push(*stands);
            },
        )?;
        let left: Vec<usize> = (0..events.len()).filter(|at| known[*at] == Known::No).collect();
        let stored = self.look_up(&left.iter().map(|at| &events[*at]).collect::<Vec<_>>())?;
        let (stored, left): (Vec<_>, Vec<_>) =
            left.into_iter().enumerate().partition(|(place, _)| stored.contains(place));
        stored.into_iter().for_each(|(_, at)| known[at] = Known::Stored);
        let asked: Vec<&Event> = left.iter().map(|(_, at)| &events[*at]).collect();
        let said = lookup::one_by_one(&tenant.name, &asked)?;
        let such = |wanted: Known| asked.iter().zip(&said).filter(move |(_, said)| **said == wanted).map(|(e, _)| *e);
        self.rejected.extend(such(Known::Rejected).map(|event| event.md5.clone()));
        // Stored by somebody meanwhile.
        self.look_up(&such(Known::Stored).collect::<Vec<_>>())?;
        left.into_iter().zip(said).for_each(|((_, at), said)| known[at] = said);
        Ok(known)
    }

    fn changed(&mut self, _: &[(String, String)]) -> spi::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn active(&mut self, _: &str, _: NaiveDate) -> spi::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// The calls of a day that count.
fn stands_of(
    tenant: &Tenant,
    day: NaiveDate,
    hasher: &RandomState,
    agents: &RefCell<Agents>,
) -> spi::Result<Vec<Stands>> {
    let (mut agents, mut stands) = (agents.borrow_mut(), Vec::new());
    let args: [DatumWithOid; 3] = [tenant.name.as_str().into(), date(day).into(), tenant.counts_assigned.into()];
    values::parts(OF_DAY, &args, |rows| {
        for row in rows {
            let text = |column| Ok::<_, spi::Error>(row.get::<String>(column)?.unwrap_or_default());
            let Some(fired) = row.get(2)? else { continue };
            let event = lookup::hash(hasher, &text(1)?, fired, &text(3)?);
            stands.push(Stands { event, call: hash(&text(4)?), agent: agents.place(row.get(5)?) });
        }
        Ok(())
    })?;
    Ok(stands)
}

/// The calls of a day that count, with their events.
const OF_DAY: &str = "
SELECT t.contact_id, t.fired, t.event_md5, t.id, t.user_id
FROM dialfire.transactions t
WHERE t.tenant = $1 AND t.day = $2 AND t.contact_id IS NOT NULL AND t.event_md5 IS NOT NULL AND t.gone_at IS NULL
  AND t.is_test IS NOT TRUE AND (NOT $3 OR EXISTS (
    SELECT FROM dialfire.agents a WHERE a.tenant = $1 AND a.id = t.user_id AND a.assigned))";

/// The calls for which events stand, and whether they count.
const KNOWN: &str = "
SELECT t.id, t.user_id, t.gone_at IS NULL AND t.is_test IS NOT TRUE AND (NOT $5 OR EXISTS (
           SELECT FROM dialfire.agents a WHERE a.tenant = $1 AND a.id = t.user_id AND a.assigned)),
       t.event_md5, t.campaign_id, t.phone, (EXTRACT(epoch FROM t.fired) * 1000000)::bigint, e.n
FROM unnest($2::text[], $3::timestamptz[], $4::text[]) WITH ORDINALITY AS e(contact_id, fired, md5, n)
JOIN dialfire.transactions t ON t.tenant = $1 AND t.contact_id = e.contact_id AND t.fired = e.fired AND t.event_md5 = e.md5";
