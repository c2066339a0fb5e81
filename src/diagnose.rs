//! `df_diagnose`: the vendor's calls against the database's, one by one, with the reason for every difference.

use std::collections::BTreeMap;

use calls::range;
use chrono::{SecondsFormat, Utc};
use pgrx::datum::{JsonB, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::{json, Value};

use crate::diagnosis::{Diagnosis, Finding};
use crate::error::Failure;
use crate::ledger::{Run, Verdict};
use crate::pg::role::{self, AsOwner};
use crate::store::instant;
use crate::tenant::Tenant;

/// Calls that one JSON document lists at most; `df_diagnose_calls` lists all.
const LISTED: usize = 10_000;

#[pg_extern]
fn df_diagnose(tenant: &str, range: &str) -> Result<JsonB, ErrorReport> {
    let (tenant, diagnosis) = diagnose(tenant, range)?;
    Ok(JsonB(document(&tenant, &diagnosis)))
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
    Ok(TableIterator::new(diagnosis.findings.into_iter().map(|f| {
        let at = f.at.map(instant);
        (f.call_id, f.status, f.reason, f.detail, f.source, f.agent_id, f.agent_name, f.agent_status, f.number, at)
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
fn document(tenant: &Tenant, d: &Diagnosis) -> Value {
    let time = |at: chrono::DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
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
    let call = |f: &Finding| {
        json!({"callId": f.call_id, "status": status(f, vendor), "agentId": f.agent_id, "agentStatus": f.agent_status,
            "reason": f.reason, "detail": f.detail, "fromNumber": f.number, "callDate": f.at.map(time)})
    };
    let of = |wanted: fn(&Finding) -> bool| -> Vec<Value> {
        d.findings.iter().filter(|f| wanted(f)).take(LISTED).map(call).collect()
    };
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
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    reasons.extend(d.reasons.iter().map(|(reason, calls)| (reason.as_str(), *calls)));
    json!({
        "summary": summary,
        "missingCalls": of(|f| f.status == "only_vendor"),
        "otherCalls": of(|f| f.status != "only_vendor"),
        "reasonBreakdown": reasons,
        "agentAnalysis": {
            "totalAgentsInCalls": d.agents.len(),
            "assignedToUser": d.agents.values().filter(|agent| agent.assigned).count(),
            "unassignedAgents": agents,
        },
        "errors": d.errors.iter().map(|(source, error)| json!({"source": source, "error": error})).collect::<Vec<_>>(),
    })
}

fn status(finding: &Finding, vendor: &str) -> String {
    match finding.status {
        "only_vendor" => format!("only_{vendor}"),
        other => other.to_owned(),
    }
}
