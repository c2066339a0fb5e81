//! Stored calls for which the vendor's list of events stands: their contacts are not asked for.

use calls::vendor::dialfire::{Event, Known};
use calls::vendor::{Aside, Stored};
use chrono::{DateTime, NaiveDate};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi;

use super::call::Call;
use crate::lookup::Lookup;
use crate::pg::memory::briefly;
use crate::store::instant;

/// A stored call for which an event stands, so that the vendor has it unchanged.
pub struct Stands {
    pub id: String,
    pub agent_id: Option<String>,
    /// It counts, too.
    pub matches: bool,
}

/// Passes events on to the database and remembers which calls they stand for.
pub struct Remember<'a> {
    pub lookup: Lookup<'a>,
    pub counts_assigned: bool,
    pub calls: Vec<Stands>,
    pub rejected: Vec<String>,
}

impl Stored for Remember<'_> {
    type Error = spi::Error;

    fn aside(&mut self) -> spi::Result<Box<dyn Aside>> {
        self.lookup.aside()
    }

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
            briefly(|| {
                let ids = row.get::<Vec<Option<String>>>(1)?.unwrap_or_default();
                let agents = row.get::<Vec<Option<String>>>(2)?.unwrap_or_default();
                let matching = row.get::<Vec<Option<bool>>>(3)?.unwrap_or_default();
                let found = ids.into_iter().zip(agents).zip(matching);
                Ok::<_, spi::Error>(found.map(|((id, agent_id), matches)| Stands {
                    id: id.unwrap_or_default(),
                    agent_id,
                    matches: matches.unwrap_or_default(),
                }))
            })
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

/// Stored calls as the vendor would show them.
pub fn stored(tenant: &str, ids: Vec<String>) -> spi::Result<Vec<Call>> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT id, event_md5, campaign_id, user_id, phone, (EXTRACT(epoch FROM fired) * 1000000)::bigint
             FROM dialfire.transactions WHERE tenant = $1 AND id = ANY ($2)",
            None,
            &[tenant.into(), ids.into()],
        )?;
        let calls = rows.map(|row| {
            Ok(Call {
                id: row.get(1)?.unwrap_or_default(),
                md5: row.get(2)?,
                source: row.get(3)?,
                agent_id: row.get(4)?,
                number: row.get(5)?,
                at: row.get::<i64>(6)?.and_then(DateTime::from_timestamp_micros),
                kind: "transactions",
            })
        });
        briefly(|| calls.collect())
    })
}

/// The calls for which events stand, and whether they count.
const KNOWN: &str = "
SELECT array_agg(t.id), array_agg(t.user_id), array_agg(t.gone_at IS NULL AND t.is_test IS NOT TRUE AND (NOT $5 OR EXISTS (
    SELECT FROM dialfire.agents a WHERE a.tenant = $1 AND a.id = t.user_id AND a.assigned)))
FROM unnest($2::text[], $3::timestamptz[], $4::text[]) AS e(contact_id, fired, md5)
JOIN dialfire.transactions t ON t.tenant = $1 AND t.contact_id = e.contact_id AND t.fired = e.fired AND t.event_md5 = e.md5";
