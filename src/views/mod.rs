//! The user's own views: what hides calls in them, and mending it.

use std::time::Duration;

use pgrx::datum::{Interval, JsonB};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::pg::role::AsOwner;

mod audit;
mod catalog;
mod count;
mod facts;
mod fallback;
mod harden;
mod inflated;
mod level;
mod mend;
mod place;
mod replace;
mod text_dates;

#[pg_extern]
fn df_audit_views(
    schema: &str,
    count_within: default!(Interval, "'5 seconds'"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(view, String),
            name!(finding, &'static str),
            name!(severity, &'static str),
            name!(detail, String),
            name!(rows_lost, Option<i64>),
            name!(hint, String),
        ),
    >,
    ErrorReport,
> {
    let limit = duration(&count_within);
    let _qualified = AsOwner::nobody_else();
    let found = audit::schema(schema, limit)?;
    Ok(TableIterator::new(found.into_iter().map(|f| (f.view, f.finding, f.severity, f.detail, f.rows_lost, f.hint))))
}

#[pg_extern]
fn df_harden_view(
    view: &str,
    apply: default!(bool, false),
    fallbacks: default!(Option<JsonB>, "NULL"),
    keep: default!(Option<&str>, "NULL"),
    count_within: default!(Interval, "'5 seconds'"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(view, String),
            name!(changes, Vec<String>),
            name!(not_mended, Vec<String>),
            name!(definition, String),
            name!(rows_before, Option<i64>),
            name!(rows_after, Option<i64>),
            name!(applied, bool),
        ),
    >,
    ErrorReport,
> {
    let oid = catalog::resolve(view)?;
    let _qualified = AsOwner::nobody_else();
    let wishes = harden::Wishes { fallbacks: harden::given(fallbacks)?, keep, limit: duration(&count_within) };
    let h = harden::harden(oid, &wishes, apply)?;
    Ok(TableIterator::once((h.view, h.changes, h.not_mended, h.statement, h.rows_before, h.rows_after, h.applied)))
}

#[pg_extern]
fn df_unharden_view(view: &str) -> Result<String, ErrorReport> {
    let oid = catalog::resolve(view)?;
    let _qualified = AsOwner::nobody_else();
    Ok(replace::unharden(oid)?)
}

fn duration(limit: &Interval) -> Duration {
    Duration::from_micros(u64::try_from(limit.as_micros()).unwrap_or(0))
}
