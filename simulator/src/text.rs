//! How values are written and read: instants, JSON strings, identifiers, hashes.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use md5::{Digest, Md5};
use std::fmt::Write;

pub const DAY: i64 = 86_400_000;

/// Appends `2026-11-21T12:00:00.000Z`. By hand, since a large tenant has millions of them.
pub fn push_time(out: &mut String, ms: i64) {
    let (days, rest) = (ms.div_euclid(DAY), ms.rem_euclid(DAY));
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    let mut digits = |value: i64, width: u32, after: char| {
        for place in (0..width).rev() {
            out.push(char::from(b'0' + (value / 10i64.pow(place) % 10) as u8));
        }
        out.push(after);
    };
    digits(year, 4, '-');
    digits(month, 2, '-');
    digits(doy - (153 * mp + 2) / 5 + 1, 2, 'T');
    digits(rest / 3_600_000, 2, ':');
    digits(rest / 60_000 % 60, 2, ':');
    digits(rest / 1000 % 60, 2, '.');
    digits(rest % 1000, 3, 'Z');
}

pub fn time(ms: i64) -> String {
    let mut out = String::with_capacity(24);
    push_time(&mut out, ms);
    out
}

/// A request's `from` and `to`: UTC without a zone, or a date.
pub fn parse_parameter(text: &str) -> Option<i64> {
    let instant = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok();
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    Some(instant.or_else(day)?.and_utc().timestamp_millis())
}

/// Any instant, with or without a zone, and with the digits that the event feed puts after `Z`.
pub fn parse_time(text: &str) -> Option<i64> {
    let text = text.find('Z').map_or(text, |z| &text[..=z]);
    let zoned = DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_millis());
    zoned.or_else(|| parse_parameter(text))
}

pub fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    if text.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
        let quoted = serde_json::Value::from(text).to_string();
        out.push_str(&quoted[1..quoted.len() - 1]);
    } else {
        out.push_str(text);
    }
    out.push('"');
}

pub fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
}

pub fn push_uuid(out: &mut String, id: u128) {
    let bytes = id.to_be_bytes();
    for (part, dash) in [(0..4, true), (4..6, true), (6..8, true), (8..10, true), (10..16, false)] {
        push_hex(out, &bytes[part]);
        if dash {
            out.push('-');
        }
    }
}

pub fn uuid(id: u128) -> String {
    let mut out = String::with_capacity(36);
    push_uuid(&mut out, id);
    out
}

pub fn push_md5(out: &mut String, text: &str) {
    push_hex(out, &Md5::digest(text.as_bytes()));
}

pub fn md5(text: &str) -> String {
    let mut out = String::with_capacity(32);
    push_md5(&mut out, text);
    out
}

/// Writes one JSON object; the keys are literals that need no escaping.
pub struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    pub fn new(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    /// Begins a member whose value the caller writes.
    pub fn key(&mut self, key: &str) -> &mut String {
        self.out.push_str(if self.empty { "\"" } else { ",\"" });
        self.empty = false;
        self.out.push_str(key);
        self.out.push_str("\":");
        self.out
    }

    pub fn text(&mut self, key: &str, value: &str) {
        push_quoted(self.key(key), value);
    }

    pub fn time(&mut self, key: &str, ms: i64) {
        let out = self.key(key);
        out.push('"');
        push_time(out, ms);
        out.push('"');
    }

    pub fn uuid(&mut self, key: &str, id: u128) {
        let out = self.key(key);
        out.push('"');
        push_uuid(out, id);
        out.push('"');
    }

    pub fn number(&mut self, key: &str, value: impl Into<i64>) {
        let value: i64 = value.into();
        let _ = write!(self.key(key), "{value}");
    }

    /// Seconds of a number of milliseconds, with decimals only where there are any.
    pub fn seconds(&mut self, key: &str, ms: u32) {
        let out = self.key(key);
        let _ = match ms % 1000 {
            0 => write!(out, "{}", ms / 1000),
            rest => write!(out, "{}.{rest:03}", ms / 1000),
        };
    }

    pub fn flag(&mut self, key: &str, value: bool) {
        self.key(key).push_str(if value { "true" } else { "false" });
    }

    pub fn end(self) {
        self.out.push('}');
    }
}

/// Writes one JSON array, an item a call.
pub fn push_array<T>(out: &mut String, items: impl IntoIterator<Item = T>, mut item: impl FnMut(&mut String, T)) {
    out.push('[');
    for (index, value) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        item(out, value);
    }
    out.push(']');
}
