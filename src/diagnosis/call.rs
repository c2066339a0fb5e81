//! The vendor's calls beside the stored ones: which are not stored just so, and why.

use std::collections::{BTreeMap, HashSet};

use calls::row::Batch;
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

/// A call as the vendor shows it.
pub struct Call {
    pub id: String,
    /// What tells whether it has changed; of Vapi's the milliseconds of its change.
    pub md5: Option<String>,
    pub source: Option<String>,
    pub agent_id: Option<String>,
    pub number: Option<String>,
    pub at: Option<DateTime<Utc>>,
    /// Table in which it is stored: transactions, inbound_calls or voice_calls.
    pub kind: &'static str,
}

/// Sources of the calls of a batch.
#[derive(Default)]
pub struct Sources {
    /// By how the ids of their calls begin.
    pub prefixes: BTreeMap<&'static str, String>,
    /// Of a tenant that has one source, whose calls do not name it.
    pub only: Option<String>,
}

impl Sources {
    pub fn calls(&self, batch: Batch) -> impl Iterator<Item = Call> + use<'_> {
        let transactions = batch.transactions.into_iter().map(|t| Call {
            source: self.of_prefix(&t.id).or(t.campaign_id),
            id: t.id,
            md5: t.event_md5,
            agent_id: t.user_id,
            number: t.phone,
            at: t.fired,
            kind: "transactions",
        });
        let inbound_calls = batch.inbound_calls.into_iter().map(|c| Call {
            id: c.id,
            md5: None,
            source: c.campaign_id,
            agent_id: c.user_id,
            number: c.remote_number,
            at: c.started,
            kind: "inbound_calls",
        });
        let briefs = batch.briefs.into_iter().map(|call| Call {
            id: call.id,
            md5: call.updated_at.map(|at| at.timestamp_millis().to_string()),
            source: self.only.clone(),
            agent_id: call.agent_id,
            number: call.number,
            at: call.created_at,
            kind: "voice_calls",
        });
        transactions.chain(inbound_calls).chain(briefs)
    }

    fn of_prefix(&self, id: &str) -> Option<String> {
        self.prefixes.iter().find(|(prefix, _)| id.starts_with(**prefix)).map(|(_, source)| source.clone())
    }
}

/// Those that are not stored just so, or do not count: few, so that only they are worth asking why.
pub fn differing(tenant: &Tenant, calls: Vec<Call>) -> spi::Result<Vec<Call>> {
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
        let places = values::one::<Vec<Option<i64>>>(&voice::with_gone_at(sql)?, &args)?;
        let places = places.unwrap_or_default().into_iter().flatten();
        let places: HashSet<usize> = places.map(|place| place as usize - 1).collect();
        differing.extend(calls.into_iter().enumerate().filter(|(at, _)| places.contains(at)).map(|(_, call)| call));
    }
    Ok(differing)
}

/// Why they differ; those that turn out not to are left out.
pub fn explain(tenant: &Tenant, calls: Vec<Call>) -> spi::Result<Vec<Finding>> {
    if calls.is_empty() {
        return Ok(Vec::new());
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
    let mut calls: Vec<Option<Call>> = calls.into_iter().map(Some).collect();
    let sql = voice::with_gone_at(COMPARE)?;
    Spi::connect(|client| {
        let rows = client.select(&sql, None, &args)?;
        briefly(|| {
            let mut findings = Vec::new();
            for row in rows {
                let number = row.get::<i64>(1)?.unwrap_or(1);
                let Some(call) = calls.get_mut(number as usize - 1).and_then(Option::take) else { continue };
                findings.push(Finding {
                    call_id: call.id,
                    status: match row.get::<String>(2)?.as_deref() {
                        Some("changed") => Status::Changed,
                        Some("rejected") => Status::Rejected,
                        _ => Status::OnlyVendor,
                    },
                    reason: row.get(3)?.unwrap_or_default(),
                    detail: row.get(4)?,
                    source: call.source,
                    agent_id: call.agent_id,
                    agent_name: row.get(5)?,
                    agent_status: row.get(6)?,
                    number: call.number,
                    at: call.at,
                });
            }
            Ok(findings)
        })
    })
}

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
    "{gone_at} IS NULL AND s.is_test IS NOT TRUE"
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
        SELECT v.id, (EXTRACT(epoch FROM v.updated_at) * 1000)::bigint::text, v.is_test, {gone_at}
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
