//! `df_ingest`: a webhook, as the raw bytes of its body. The answer says which HTTP status a web front gives.

use calls::row::{Batch, Reject};
use calls::vendor::{highlevel, vapi, vicidial};
use chrono::Utc;
use pgrx::datum::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;
use serde_json::Value;

use crate::error::Failure;
use crate::ledger::{Run, Verdict};
use crate::pg::role::{self, AsOwner};
use crate::stats::Counted;
use crate::sync::Sync;
use crate::tenant::Tenant;
use crate::vendor::Access;

#[pg_extern]
fn df_ingest(
    tenant: &str,
    body: &[u8],
    headers: default!(Option<JsonB>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(http_status, i32),
            name!(outcome, &'static str),
            name!(call_id, Option<String>),
            name!(detail, String),
            name!(response, Option<JsonB>),
        ),
    >,
    ErrorReport,
> {
    let answer = ingest(tenant, body, &Headers::read(headers.map(|headers| headers.0)))?;
    let response = answer.response.map(JsonB);
    Ok(TableIterator::once((answer.http_status, answer.outcome, answer.call_id, answer.detail, response)))
}

/// What a web front needs to know.
struct Answer {
    http_status: i32,
    /// stored, unchanged, duplicate, ignored, refused or rejected.
    outcome: &'static str,
    call_id: Option<String>,
    detail: String,
    /// The body that the sender expects, where he does.
    response: Option<Value>,
}

impl Answer {
    fn new(http_status: i32, outcome: &'static str, call_id: Option<String>, detail: impl Into<String>) -> Answer {
        Answer { http_status, outcome, call_id, detail: detail.into(), response: None }
    }

    fn refused(http_status: i32, why: impl ToString) -> Answer {
        Answer::new(http_status, "refused", None, why.to_string())
    }

    fn ignored(kind: &str) -> Answer {
        let kind: String = kind.chars().take(100).collect();
        Answer::new(200, "ignored", None, format!("messages of type \"{kind}\" say nothing about the life of a call"))
    }
}

/// A believed message about a call.
struct Event {
    call_id: String,
    kind: String,
    status: String,
    batch: Batch,
}

fn ingest(tenant: &str, body: &[u8], headers: &Headers) -> Result<Answer, Failure> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let event = match &tenant.access {
        Access::Vapi(access) => of_vapi(access, body, headers),
        Access::HighLevel(access) => of_highlevel(access, &tenant, body, headers),
        Access::Vicidial(access) => return of_vicidial(access, &tenant, body, headers),
        _ => return Err(Failure::NoWebhooks { tenant: tenant.name }),
    };
    match event {
        Ok(event) => {
            let mut run = Run::begin(&tenant, "webhook", false)?;
            let answer = store(&tenant, event, &mut run)?;
            record(&mut run, &answer)?;
            Ok(answer)
        }
        // Messages that nobody asked for come by the hundred a call.
        Err(answer) if answer.outcome == "ignored" => Ok(answer),
        Err(answer) => {
            record(&mut Run::begin(&tenant, "webhook", false)?, &answer)?;
            Ok(answer)
        }
    }
}

fn of_vapi(access: &vapi::Access, body: &[u8], headers: &Headers) -> Result<Event, Answer> {
    let find = |name: &str| headers.find(name);
    vapi::verify(&access.webhooks, access.webhook_secret.as_ref(), find, body, Utc::now())
        .map_err(|why| Answer::refused(401, why))?;
    let text = std::str::from_utf8(body).map_err(|_| Answer::refused(400, "the body is not UTF-8"))?;
    match vapi::read_message(text, access.take()) {
        Ok(event) => Ok(Event {
            call_id: event.call.id.clone(),
            kind: event.kind,
            status: event.status,
            batch: Batch { voice_calls: vec![event.call], ..Batch::default() },
        }),
        Err(vapi::Refused::Ignored { kind }) => Err(Answer::ignored(&kind)),
        Err(vapi::Refused::Unreadable { why }) => Err(Answer::refused(400, why)),
        Err(vapi::Refused::Bad { call_id: None, fault }) => Err(Answer::refused(400, fault.detail)),
        Err(vapi::Refused::Bad { call_id: Some(call_id), fault }) => {
            let reject: Reject = vapi::reject_message(&call_id, access, fault, text);
            let batch = Batch { rejects: vec![reject], ..Batch::default() };
            Ok(Event { call_id, kind: "rejected".to_owned(), status: String::new(), batch })
        }
    }
}

fn of_highlevel(access: &highlevel::Access, tenant: &Tenant, body: &[u8], headers: &Headers) -> Result<Event, Answer> {
    let find = |name: &str| headers.find(name);
    let open = highlevel::webhook::open(&access.keys, find, body, &access.location, tenant.zone, Utc::now());
    let delivery = open.map_err(|why| match why {
        highlevel::Untrusted::Shape(_) => Answer::refused(400, why),
        _ => Answer::refused(401, why),
    })?;
    let mut batch = delivery.batch;
    // Whether it is the other side's only the direction says, which a webhook lacks; until then the leg has it.
    batch.transactions.iter_mut().for_each(|call| call.phone = None);
    match delivery.call_id {
        Some(call_id) if !batch.is_empty() => Ok(Event { call_id, kind: delivery.event, status: delivery.id, batch }),
        _ => Err(Answer::ignored(&delivery.event)),
    }
}

/// The body of `POST /api/v1/call-results`.
fn of_vicidial(access: &vicidial::Access, tenant: &Tenant, body: &[u8], headers: &Headers) -> Result<Answer, Failure> {
    let mut run = Run::begin(tenant, "webhook", false)?;
    let (mut answer, accepted) = match read_result(access, tenant, body, headers) {
        Ok((event, accepted)) => (store(tenant, event, &mut run)?, Some(accepted)),
        Err(answer) => (answer, None),
    };
    let response = accepted.filter(|_| answer.http_status == 200);
    answer.response = response.or_else(|| Some(vicidial::refused(&answer.detail)));
    record(&mut run, &answer)?;
    Ok(answer)
}

fn read_result(
    access: &vicidial::Access,
    tenant: &Tenant,
    body: &[u8],
    headers: &Headers,
) -> Result<(Event, Value), Answer> {
    let key = headers.find("x-api-key").unwrap_or_default();
    if access.api_key.as_ref().is_some_and(|secret| !secret.is(key)) {
        return Err(Answer::refused(401, "header x-api-key is not the token of the user mapping"));
    }
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
        return Err(Answer::refused(400, "the body is not a JSON object"));
    };
    let outcomes = outcomes(&tenant.name).map_err(|error| Answer::refused(500, error))?;
    let event = |call_id: String, status: String, batch: Batch| Event {
        call_id,
        kind: "call result".to_owned(),
        status,
        batch,
    };
    Ok(match vicidial::result(&object, access.zone, &outcomes) {
        Ok(call) => {
            let accepted = vicidial::accepted(&call);
            let (call_id, status) = (call.transaction.id.clone(), call.connection.result.clone().unwrap_or_default());
            let mut batch = Batch::default();
            batch.take(call);
            if batch.rejects.is_empty() && known(&tenant.name, &batch).map_err(|error| Answer::refused(500, error))? {
                batch = Batch::default();
            }
            (event(call_id, status, batch), accepted)
        }
        Err(reject) => {
            let call_id = reject.key.clone().unwrap_or_default();
            (event(call_id, String::new(), Batch { rejects: vec![*reject], ..Batch::default() }), Value::Null)
        }
    })
}

/// Whether the call is stored as a sync has read it, which knows more than a result says and is never taken back by it.
fn known(tenant: &str, batch: &Batch) -> spi::Result<bool> {
    let Some(connection) = batch.connections.first() else { return Ok(false) };
    let known = Spi::get_one_with_args::<bool>(
        "SELECT EXISTS (SELECT FROM dialfire.connections c LEFT JOIN dialfire.call_statuses m
            ON m.vendor = 'vicidial' AND m.tenant = '' AND m.word = lower(c.result)
         WHERE c.tenant = $1 AND c.id = $2 AND (c.result = $3 OR c.ended IS NOT NULL AND m.status IS DISTINCT FROM 'in_progress'
            AND $3 IN (SELECT vendor_status FROM dialfire.call_statuses WHERE vendor = 'vicidial' AND status = 'in_progress')))",
        &[tenant.into(), connection.id.as_str().into(), connection.result.as_deref().into()],
    )?;
    Ok(known.unwrap_or_default())
}

/// What the dialler's flags make of its codes, as the last sync has stored them.
fn outcomes(tenant: &str) -> spi::Result<vicidial::Outcomes> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT campaign_id, code, sale, dnc, not_interested, unworkable FROM dialfire.dispositions WHERE tenant = $1",
            None,
            &[tenant.into()],
        )?;
        let flag = |set: Option<bool>| set.map(|set| if set { "Y" } else { "N" }.to_owned());
        let statuses = rows.map(|row| {
            Ok(vicidial::Status {
                campaign_id: row.get(1)?,
                status: row.get(2)?,
                sale: flag(row.get(3)?),
                dnc: flag(row.get(4)?),
                not_interested: flag(row.get(5)?),
                unworkable: flag(row.get(6)?),
                ..vicidial::Status::default()
            })
        });
        Ok(vicidial::Outcomes::of(&statuses.collect::<spi::Result<Vec<_>>>()?))
    })
}

fn store(tenant: &Tenant, event: Event, run: &mut Run) -> Result<Answer, Failure> {
    let Event { call_id, kind, status, mut batch } = event;
    let rejected = batch.rejects.first().map(|reject| format!("field \"{}\": {}", reject.field, reject.detail));
    run.fetched = 1;
    let before = run.calls;
    let sync = Sync { tenant, now: Utc::now(), dry: false };
    if let Some(why) = rejected {
        sync.flush(&mut batch, run)?;
        let detail = format!("{why}; the message is in dialfire.rejects_open");
        return Ok(Answer::new(422, "rejected", Some(call_id), detail));
    }
    let is_new = note(&tenant.name, &call_id, &kind, &status)?;
    let counted = match batch.voice_calls.is_empty() {
        true => None,
        false => Counted::now(&tenant.name, &call_id)?,
    };
    sync.flush(&mut batch, run)?;
    let changed = run.calls.inserted + run.calls.updated > 0;
    if let Some(counted) = counted.filter(|counted| counted.is_own(run.calls.inserted)) {
        run.news.changed.clear();
        if changed {
            counted.shift(&tenant.name)?;
        }
    }
    sync.publish(run, before)?;
    let (outcome, detail) = match (changed, is_new) {
        (true, _) if run.calls.inserted > 0 => ("stored", format!("{kind} {status}: the call is new")),
        (true, _) => ("stored", format!("{kind} {status}: the call has changed")),
        (false, true) => ("unchanged", format!("{kind} {status}: all of it was known already")),
        (false, false) => ("duplicate", format!("{kind} {status}: it came before")),
    };
    Ok(Answer::new(200, outcome, Some(call_id), detail))
}

/// Remembers the delivery; whether it is the first of its kind.
fn note(tenant: &str, call_id: &str, kind: &str, status: &str) -> spi::Result<bool> {
    let is_new = Spi::get_one_with_args::<bool>(
        "INSERT INTO dialfire.webhook_events AS w (tenant, call_id, event, status) VALUES ($1, $2, left($3, 200), left($4, 200))
         ON CONFLICT (tenant, call_id, event, status) DO UPDATE SET times = w.times + 1, last_at = excluded.last_at
         RETURNING times = 1",
        &[tenant.into(), call_id.into(), kind.into(), status.into()],
    )?;
    Ok(is_new.unwrap_or_default())
}

fn record(run: &mut Run, answer: &Answer) -> Result<(), Failure> {
    let status = match answer.outcome {
        "refused" => "failed",
        "rejected" => "partial",
        _ => "success",
    };
    run.complete = u64::from(status == "success");
    run.params =
        serde_json::json!({ "http_status": answer.http_status, "outcome": answer.outcome, "call_id": answer.call_id });
    run.write(&Verdict { status, message: answer.detail.clone(), hint: None })?;
    Ok(())
}

/// Names in lower case; a header that came several times has its first value.
struct Headers(Vec<(String, String)>);

impl Headers {
    fn read(headers: Option<Value>) -> Headers {
        let Some(Value::Object(map)) = headers else { return Headers(Vec::new()) };
        let text = |value: Value| match value {
            Value::String(text) => Some(text),
            Value::Array(values) => values.into_iter().find_map(|value| value.as_str().map(str::to_owned)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Headers(map.into_iter().filter_map(|(name, value)| Some((name.to_ascii_lowercase(), text(value)?))).collect())
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
