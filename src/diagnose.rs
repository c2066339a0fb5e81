//! `df_diagnose`: the vendor's calls against the database's, one by one, with the reason for every difference.

use calls::range;
use chrono::{DateTime, SecondsFormat, Utc};
use pgrx::datum::{JsonB, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::{json, Value};

use crate::diagnosis::{Diagnosis, Finding, Status};
use crate::error::Failure;
use crate::ledger::{Run, Verdict};
use crate::pg::role::{self, AsOwner};
use crate::store::instant;
use crate::tenant::Tenant;

/// Calls that each list of a document has at most; `df_diagnose_calls` has all of them.
const LISTED: usize = 1_000;

#[pg_extern]
fn df_diagnose(tenant: &str, range: &str) -> Result<JsonB, ErrorReport> {
    let (tenant, diagnosis) = diagnose(tenant, range)?;
    Ok(JsonB(document(&tenant, diagnosis)))
}

#[pg_extern]
fn df_diagnose_calls(
    tenant: &str,
    range: &str,
) -> Result<
    TableIterator<
        'static,
        (
            name!(call_id, String),
            name!(status, &'static str),
            name!(reason, String),
            name!(detail, Option<String>),
            name!(source, Option<String>),
            name!(agent_id, Option<String>),
            name!(agent_name, Option<String>),
            name!(agent_status, Option<String>),
            name!(from_number, Option<String>),
            name!(call_date, Option<TimestampWithTimeZone>),
        ),
    >,
    ErrorReport,
> {
    let (_, diagnosis) = diagnose(tenant, range)?;
    Ok(TableIterator::new(diagnosis.findings.read().map(|f| {
        let at = f.at.map(instant);
        (
            f.call_id,
            f.status.name(),
            f.reason,
            f.detail,
            f.source,
            f.agent_id,
            f.agent_name,
            f.agent_status,
            f.number,
            at,
        )
    })))
}

/// Compares and leaves a run in the ledger; nothing else is written.
fn diagnose(tenant: &str, range: &str) -> Result<(Tenant, Diagnosis), Failure> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let window = range::parse(range, tenant.zone, Utc::now())?;
    let mut run = Run::begin(&tenant, "diagnostic", false)?;
    let diagnosis = with_vendor!(&tenant.access, V, access => Diagnosis::make::<V>(&tenant, access, window, &mut run))?;
    run.fetched = diagnosis.vendor_total;
    run.calls.unchanged = diagnosis.matching;
    for (reason, calls) in &diagnosis.reasons {
        run.skip(reason, *calls);
    }
    run.write(&verdict(&diagnosis))?;
    Ok((tenant, diagnosis))
}

pub fn verdict(diagnosis: &Diagnosis) -> Verdict {
    let status = match diagnosis.errors.len() {
        0 => "success",
        failed if failed < diagnosis.sources => "partial",
        _ => "failed",
    };
    let d = diagnosis;
    let mut message = format!(
        "{} at the vendor, {} count here: {} match, {} changed, {} missing, {} rejected, {} only here",
        d.vendor_total, d.database_total, d.matching, d.changed, d.missing, d.rejected, d.extra
    );
    for (source, error) in d.errors.iter().take(3) {
        message = format!("{message}; {source}: {error}");
    }
    Verdict { status, message, hint: None }
}

/// The brief's document, its names included; `vendorTotal` and the rest beyond it are ours.
fn document(tenant: &Tenant, d: Diagnosis) -> Value {
    let mut summary = json!({
        "dateRange": {"start": d.window.map(|w| time(w.from)), "end": d.window.map(|w| time(w.to))},
        "vendorTotal": d.vendor_total,
        "databaseTotal": d.database_total,
        "matching": d.matching,
        "missingInDatabase": d.missing,
        "extraInDatabase": d.extra,
        "changed": d.changed,
        "rejected": d.rejected,
        "complete": d.errors.is_empty(),
    });
    let vendor = tenant.access.vendor();
    summary[format!("{vendor}Total")] = d.vendor_total.into();
    let agents: Vec<Value> = d
        .agents
        .values()
        .filter(|agent| !agent.assigned)
        .map(|agent| {
            let mut entry = json!({"agentId": agent.id, "name": agent.name, "inSystem": agent.name.is_some(),
                "callCount": agent.calls});
            entry[format!("{vendor}Id")] = agent.id.as_str().into();
            entry
        })
        .collect();
    let (mut missing, mut others) = (List::default(), List::default());
    for finding in d.findings.read() {
        let list = if finding.status == Status::OnlyVendor { &mut missing } else { &mut others };
        list.add(&finding, vendor);
    }
    json!({
        "summary": summary,
        "missingCalls": missing.calls,
        "otherCalls": others.calls,
        "notListed": {"missingCalls": missing.not_listed, "otherCalls": others.not_listed},
        "reasonBreakdown": d.reasons,
        "agentAnalysis": {
            "totalAgentsInCalls": d.agents.len(),
            "assignedToUser": d.agents.values().filter(|agent| agent.assigned).count(),
            "unassignedAgents": agents,
        },
        "errors": d.errors.iter().map(|(source, error)| json!({"source": source, "error": error})).collect::<Vec<_>>(),
    })
}

/// The first calls of a list, and how many more there are.
#[derive(Default)]
struct List {
    calls: Vec<Value>,
    not_listed: u64,
}

impl List {
    fn add(&mut self, f: &Finding, vendor: &str) {
        if self.calls.len() == LISTED {
            self.not_listed += 1;
            return;
        }
        let status = match f.status {
            Status::OnlyVendor => format!("only_{vendor}"),
            other => other.name().to_owned(),
        };
        self.calls
            .push(json!({"callId": f.call_id, "status": status, "agentId": f.agent_id, "agentStatus": f.agent_status,
            "reason": f.reason, "detail": f.detail, "fromNumber": f.number, "callDate": f.at.map(time)}));
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
