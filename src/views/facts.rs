//! What is known of the tables that Dialfire's own sync client writes, by their columns and not by their names: a prefix or
//! another schema changes nothing.

use pgrx::pg_sys::{self, Oid};

use crate::pg::query_tree::{Expr, Kind, Relation};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One row an attempt or event.
    Events,
    /// One row a phone leg.
    Connections,
    Recordings,
    Contacts,
}

/// A login as the vendor delivers it; absent where a machine acted.
pub const LOGINS: [&str; 2] = ["user_loginName", "user_login"];

const DATES: [&str; 16] = [
    "fired",
    "started",
    "stopped",
    "initiated",
    "connected",
    "disconnected",
    "ended",
    "call_initiated",
    "call_connected",
    "call_disconnected",
    "$changed",
    "$created_date",
    "$entry_date",
    "$follow_up_date",
    "created_date",
    "entry_date",
];

pub fn shape(relation: &Relation) -> Option<Shape> {
    let has = |name: &str| relation.types.iter().any(|column| column.name == name);
    if has("connection_id") && has("started") && (has("location") || has("stopped")) {
        Some(Shape::Recordings)
    } else if has("transaction_id") && has("started") {
        Some(Shape::Connections)
    } else if has("fired") && has("contact_id") && !has("transaction_id") {
        Some(Shape::Events)
    } else if has("$id") || has("id") && has("campaign_id") && has("fields") {
        Some(Shape::Contacts)
    } else {
        None
    }
}

pub fn is_text(ty: Oid) -> bool {
    [pg_sys::TEXTOID, pg_sys::VARCHAROID, pg_sys::BPCHAROID].contains(&ty)
}

pub fn is_instant(ty: Oid) -> bool {
    [pg_sys::DATEOID, pg_sys::TIMESTAMPOID, pg_sys::TIMESTAMPTZOID, pg_sys::TIMEOID, pg_sys::TIMETZOID].contains(&ty)
}

/// Whether a column of that name, being text, holds dates or times.
pub fn names_a_date(column: &str) -> bool {
    let name = column.to_lowercase();
    DATES.contains(&name.as_str())
        || ["_date", "_at", "_timestamp", "_datetime"].iter().any(|end| name.ends_with(end))
        || ["date", "timestamp", "datetime"].contains(&name.as_str())
}

/// Whether it begins as `2026-11` does.
pub fn looks_like_a_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 7
        && bytes[..7].iter().enumerate().all(|(at, byte)| if at == 4 { *byte == b'-' } else { byte.is_ascii_digit() })
}

/// A constant that is written as a date.
pub fn is_date_constant(expr: Expr) -> bool {
    expr.all().iter().any(|part| match part.kind() {
        Kind::Constant(constant) => constant.text.is_some_and(|text| looks_like_a_date(&text)),
        _ => false,
    })
}
