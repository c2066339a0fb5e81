//! `df_fetch` and `df_normalize`: the vendor's records to look at, nothing written.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::str::FromStr;

use calls::range::{self, Window};
use calls::row::Record;
use calls::vendor::dialfire::{Event, Known};
use calls::vendor::{Aside, Normalised, Stored, Vendor};
use chrono::{NaiveDate, Utc};
use chrono_tz::Tz;
use pgrx::datum::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::value::RawValue;

use crate::error::Failure;
use crate::fetch::{self, Fetch, Fetched, Round};
use crate::pg::json::RawJson;
use crate::pg::role::{self, AsOwner};
use crate::pg::spill::Spill;
use crate::tenant::Tenant;
use crate::vendor;

#[pg_extern]
fn df_fetch(
    tenant: &str,
    range: &str,
) -> Result<
    TableIterator<
        'static,
        (name!(source, String), name!(kind, &'static str), name!(key, Option<String>), name!(payload, RawJson)),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(records(tenant, range)?.map(|r| (r.campaign_id, r.kind, r.key, RawJson(r.payload)))))
}

/// Records as they arrive: no more of them are held than a few answers.
struct Fetching<V: Vendor> {
    tenant: String,
    fetch: Fetch<V>,
    round: Option<Round<V::Walk>>,
    ready: VecDeque<Record>,
}

impl<V: Vendor> Iterator for Fetching<V> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while self.ready.is_empty() {
            let Ok(step) = self.round.as_mut()?.step(&mut self.fetch, &mut Nothing);
            match step {
                Some(step) => self.ready.extend(step.batch.into_iter().flat_map(|batch| batch.records)),
                None => self.end(),
            }
        }
        self.ready.pop_front()
    }
}

fn records(tenant: &str, range: &str) -> Result<Box<dyn Iterator<Item = Record>>, Failure> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let window = range::parse(range, tenant.zone, Utc::now())?;
    with_vendor!(&tenant.access, V, access => Ok(Box::new(Fetching::<V>::begin(&tenant, access, window)?)))
}

impl<V: Fetched> Fetching<V> {
    fn begin(tenant: &Tenant, access: &V::Access, window: Window) -> Result<Fetching<V>, Failure> {
        let mut fetch = Fetch::<V>::start(tenant, V::raw(access.clone()))?;
        let listed = fetch::sources(&mut fetch).listed;
        let listed = listed.map_err(|error| Failure::Vendor { tenant: tenant.name.clone(), error })?;
        let walk = |source| V::walk(&fetch.access, source, window, &[], tenant.concurrency);
        let walks = listed.sources.into_iter().map(walk).collect();
        Ok(Fetching { tenant: tenant.name.clone(), fetch, round: Some(Round::new(walks)), ready: VecDeque::new() })
    }
}

impl<V: Vendor> Fetching<V> {
    /// A list that broke off must not look like one that ended.
    fn end(&mut self) {
        let failed = self.round.take().and_then(|round| round.ended().find_map(|(_, error)| error));
        if let Some(error) = failed {
            let failure = Failure::Vendor { tenant: self.tenant.clone(), error };
            ErrorReport::from(failure).report(PgLogLevel::ERROR);
        }
    }
}

struct Nothing;

impl Stored for Nothing {
    type Error = Infallible;

    fn aside(&mut self) -> Result<Box<dyn Aside>, Infallible> {
        Ok(Box::new(Spill::default()))
    }

    fn known(&mut self, events: &[Event]) -> Result<Vec<Known>, Infallible> {
        Ok(vec![Known::No; events.len()])
    }

    fn changed(&mut self, contacts: &[(String, String)]) -> Result<Vec<String>, Infallible> {
        Ok(contacts.iter().map(|(id, _)| id.clone()).collect())
    }

    fn active(&mut self, _: &str, _: NaiveDate) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }
}

#[pg_extern(immutable, parallel_safe)]
fn df_normalize(
    vendor: &str,
    payload: &str,
    timezone: default!(&str, "'UTC'"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(kind, &'static str),
            name!(id, Option<String>),
            name!(record, Option<JsonB>),
            name!(reason, Option<&'static str>),
            name!(field, Option<String>),
            name!(detail, Option<String>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(normalised(vendor, payload, timezone, None)?))
}

/// With the country of numbers without a prefix, as option `region` has it.
#[pg_extern(name = "df_normalize", immutable, parallel_safe)]
fn df_normalize_in(
    vendor: &str,
    payload: &str,
    timezone: &str,
    region: &str,
) -> Result<
    TableIterator<
        'static,
        (
            name!(kind, &'static str),
            name!(id, Option<String>),
            name!(record, Option<JsonB>),
            name!(reason, Option<&'static str>),
            name!(field, Option<String>),
            name!(detail, Option<String>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(normalised(vendor, payload, timezone, Some(region))?))
}

type Shown = (&'static str, Option<String>, Option<JsonB>, Option<&'static str>, Option<String>, Option<String>);

fn normalised(
    vendor: &str,
    payload: &str,
    timezone: &str,
    region: Option<&str>,
) -> Result<impl Iterator<Item = Shown>, Failure> {
    let rows = normalise(vendor, payload, timezone, region)?;
    Ok(rows.into_iter().map(|n| {
        let record = n.row.map(|row| JsonB(row.into()));
        let (reason, field, detail) =
            n.reject.map_or((None, None, None), |r| (Some(r.reason), Some(r.field), Some(r.detail)));
        (n.kind, n.id, record, reason, field, detail)
    }))
}

fn normalise(vendor: &str, payload: &str, timezone: &str, region: Option<&str>) -> Result<Vec<Normalised>, Failure> {
    let zone = Tz::from_str(timezone).map_err(|_| Failure::BadOption {
        option: "timezone".to_owned(),
        value: timezone.to_owned(),
        why: "It is not a time zone of the IANA database.".to_owned(),
        hint: "Write Area/City, such as Europe/Nicosia.".to_owned(),
    })?;
    if let Some(unknown) = region.filter(|region| !calls::phone::is_region(region)) {
        return Err(Failure::BadOption {
            option: "region".to_owned(),
            value: unknown.to_owned(),
            why: "It is not the ISO code of a country.".to_owned(),
            hint: "Write two capital letters, such as US.".to_owned(),
        });
    }
    let normalise = vendor::normaliser(vendor).ok_or_else(|| Failure::UnknownVendor(vendor.to_owned()))?;
    let raw: &RawValue = serde_json::from_str(payload.trim())
        .map_err(|error| Failure::Payload { why: format!("Not JSON: {error}.") })?;
    Ok(normalise(raw, region, zone))
}
