//! Counting what a view loses: as the view's owner, who reads it anyway, and only for so long.

use std::time::{Duration, Instant};

use pgrx::prelude::*;

use super::catalog::View;
use crate::pg::deadline::{self, Deadline};
use crate::pg::query_tree::{Expr, Query};
use crate::pg::role::{self, AsOwner};
use crate::pg::transaction::{attempt, is_cancel, message};

const LATE: &str = "counting took too long; raise count_within";

pub struct Counter {
    owner: pg_sys::Oid,
    ends: Instant,
    /// Why nothing is counted at all.
    closed: Option<String>,
}

/// A number, or the reason for there being none.
pub type Count = Result<i64, String>;

impl Counter {
    pub fn of(view: &View, limit: Duration) -> Counter {
        let closed = if limit.is_zero() {
            Some("count_within is 0".to_owned())
        } else if !role::has_rights_of(view.owner) {
            // Its functions would run with the rights of whoever looks.
            Some(format!("the view belongs to {}", view.owner_name))
        } else {
            None
        };
        Counter { owner: view.owner, ends: Instant::now() + limit, closed }
    }

    /// The rows that meet, before they are grouped or cut.
    pub fn rows(&self, query: Query) -> Count {
        self.run(|| format!("SELECT pg_catalog.count(*) FROM ({}) AS rows_of_it", query.rows_of(&[]).sql()))
    }

    /// All rows of a statement.
    pub fn all(&self, sql: &str) -> Count {
        self.run(|| format!("SELECT pg_catalog.count(*) FROM ({}) AS rows_of_it", sql.trim_end().trim_end_matches(';')))
    }

    /// Rows that lack the one and have the other.
    pub fn lacking(&self, query: Query, lacks: Expr, has: Expr) -> Count {
        self.run(|| {
            format!(
                "SELECT pg_catalog.count(*) FROM ({}) AS rows_of_it(a, b) WHERE a IS NULL AND b IS NOT NULL",
                query.rows_of(&[lacks, has]).sql()
            )
        })
    }

    /// Among some rows that have both: how many say the same, and how many do not.
    pub fn agreement(&self, query: Query, one: Expr, other: Expr) -> Result<(i64, i64), String> {
        let both = |condition: &str| {
            self.run(|| {
                format!(
                    "SELECT pg_catalog.count(*) FROM (SELECT a::text, b::text FROM ({}) AS rows_of_it(a, b)
                     WHERE a IS NOT NULL AND b IS NOT NULL LIMIT 1000) AS sample WHERE {condition}",
                    query.rows_of(&[one, other]).sql()
                )
            })
        };
        Ok((both("a = b")?, both("a <> b")?))
    }

    fn run(&self, sql: impl FnOnce() -> String) -> Count {
        if let Some(reason) = &self.closed {
            return Err(reason.clone());
        }
        let left = self.ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(LATE.to_owned());
        }
        let owner = self.owner;
        let counted = {
            let _deadline = Deadline::after(left);
            attempt(|| {
                let _owner = AsOwner::of_view(owner);
                Spi::get_one::<i64>(&sql())
            })
        };
        match counted {
            Ok(Ok(Some(rows))) => Ok(rows),
            Ok(_) => Err("the count returned nothing".to_owned()),
            Err(error) if !is_cancel(&error) => Err(message(&error)),
            Err(_) if deadline::has_expired() => Err(LATE.to_owned()),
            // The user's own cancel.
            Err(error) => error.rethrow(),
        }
    }
}
