//! The other direction: what the database has of a source and the vendor has not shown.

use calls::range::Window;
use chrono::{DateTime, Utc};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi;

use super::finding::{Finding, Status};
use crate::pg::memory::briefly;
use crate::pg::values;
use crate::store::instant;
use crate::tenant::Tenant;
use crate::voice;

/// What is stored of some sources in a window.
pub struct Stored<'a> {
    pub tenant: &'a Tenant,
    pub sources: Vec<&'a str>,
    /// How the ids of its calls begin, where campaign_id does not name the source, which is the only one then.
    pub prefix: Option<&'static str>,
    pub window: Window,
}

impl Stored<'_> {
    fn args(&self) -> [DatumWithOid<'_>; 8] {
        let day = |at: DateTime<Utc>| at.with_timezone(&self.tenant.zone).date_naive().to_string();
        [
            self.tenant.name.as_str().into(),
            self.sources.clone().into(),
            instant(self.window.from).into(),
            instant(self.window.to).into(),
            day(self.window.from).into(),
            day(self.window.to).into(),
            self.tenant.counts_assigned.into(),
            self.prefix.into(),
        ]
    }

    /// Hands over the ids of the calls and whether they count, part by part.
    pub fn each(&self, mut take: impl FnMut(Vec<(String, bool)>) -> spi::Result<()>) -> spi::Result<()> {
        let sql = voice::with_gone_at(&format!("{STORED} {COUNTED}"))?;
        values::parts(&sql, &self.args(), |rows| {
            let calls = rows.map(|row| Ok((row.get(1)?.unwrap_or_default(), row.get(2)?.unwrap_or_default())));
            take(calls.collect::<spi::Result<_>>()?)
        })
    }

    /// Why the vendor may lack some of them, whose oldest call is given.
    pub fn explain(&self, ids: Vec<String>, oldest: Option<DateTime<Utc>>) -> spi::Result<Vec<Finding>> {
        let sql = voice::with_gone_at(&format!("{STORED} {EXPLAINED}"))?;
        let args: Vec<_> = self.args().into_iter().chain([ids.into(), oldest.map(instant).into()]).collect();
        Spi::connect(|client| {
            let rows = client.select(&sql, None, &args)?;
            let findings = rows.map(|row| {
                Ok(Finding {
                    call_id: row.get(1)?.unwrap_or_default(),
                    status: Status::OnlyDatabase,
                    reason: row.get(2)?.unwrap_or_default(),
                    detail: None,
                    source: row.get(8)?,
                    agent_id: row.get(3)?,
                    agent_name: row.get(4)?,
                    agent_status: row.get(5)?,
                    number: row.get(6)?,
                    at: row.get::<i64>(7)?.and_then(DateTime::from_timestamp_micros),
                })
            });
            briefly(|| findings.collect())
        })
    }
}

/// What is stored of the sources and not marked as gone. All sources at once: no index finds the calls of one.
const STORED: &str = "
WITH stored AS (
    SELECT t.id, t.user_id, t.phone, t.fired, t.is_test, false AS is_inbound, false AS is_voice,
        CASE WHEN $8::text IS NULL THEN t.campaign_id ELSE ($2::text[])[1] END AS source
    FROM dialfire.transactions t
    WHERE t.tenant = $1 AND ($8::text IS NULL AND t.campaign_id = ANY ($2::text[]) OR starts_with(t.id, $8))
      AND t.day BETWEEN $5::date AND $6::date AND t.fired >= $3 AND t.fired < $4 AND t.gone_at IS NULL
    UNION ALL
    SELECT c.id, c.user_id, c.remote_number, c.started, false, true, false, c.campaign_id FROM dialfire.inbound_calls c
    WHERE c.tenant = $1 AND c.campaign_id = ANY ($2::text[]) AND c.day BETWEEN $5::date AND $6::date
      AND c.started >= $3 AND c.started < $4
    UNION ALL
    SELECT v.id, v.assistant_id, v.customer_number, v.created_at, v.is_test, false, true, ($2::text[])[1]
    FROM dialfire.voice_calls v
    WHERE v.tenant = $1 AND v.created_at >= $3 AND v.created_at < $4 AND {gone_at} IS NULL
)
";

const COUNTED: &str = "
SELECT s.id, s.is_test IS NOT TRUE AND (s.is_inbound OR NOT $7 OR EXISTS (
    SELECT FROM dialfire.agents a WHERE a.tenant = $1 AND a.id = s.user_id AND a.assigned))
FROM stored s";

/// Of those in $9, why the vendor may lack them; $10 is the oldest call that it shows.
const EXPLAINED: &str = "
SELECT s.id,
       CASE WHEN NOT v.covered @> s.fired OR v.covered IS NULL THEN 'extra_in_database'
            WHEN s.is_voice AND ($10::timestamptz IS NULL OR s.fired < $10) THEN 'older_than_vendor_shows'
            ELSE 'deleted_at_vendor' END,
       s.user_id,
       a.login,
       CASE WHEN s.user_id IS NULL THEN 'none' WHEN a.id IS NULL THEN 'not_in_system'
            WHEN a.assigned OR NOT $7 THEN 'assigned' ELSE 'not_assigned' END,
       s.phone,
       (EXTRACT(epoch FROM s.fired) * 1000000)::bigint,
       s.source
FROM stored s
LEFT JOIN dialfire.agents a ON a.tenant = $1 AND a.id = s.user_id
LEFT JOIN dialfire.coverage v ON v.tenant = $1 AND v.source = s.source
WHERE s.id = ANY ($9)";
