//! Instants as vendors write them, to UTC.

use chrono::{DateTime, Datelike, Utc};

/// Why a text is not an instant. The words are the reasons that stand in `rejects`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAnInstant {
    WithoutZone,
    OutOfRange,
    Unparsable,
}

impl NotAnInstant {
    pub fn reason(self) -> &'static str {
        match self {
            NotAnInstant::WithoutZone => "timestamp_without_zone",
            NotAnInstant::OutOfRange => "timestamp_out_of_range",
            NotAnInstant::Unparsable => "bad_timestamp",
        }
    }
}

/// Reads ISO 8601 with an offset. A time without one is refused, not guessed: a guess is an hour off twice a year.
/// Digits after `Z` are dropped: Dialfire's event feed numbers events of one millisecond there.
/// Digits beyond microseconds are cut off, as Postgres keeps no more.
pub fn parse(text: &str) -> Result<DateTime<Utc>, NotAnInstant> {
    let text = without_counter(text.trim());
    let instant = DateTime::parse_from_rfc3339(text).map_err(|_| why_not(text))?.with_timezone(&Utc);
    if !(1970..=9999).contains(&instant.year()) {
        return Err(NotAnInstant::OutOfRange);
    }
    Ok(DateTime::from_timestamp_micros(instant.timestamp_micros()).unwrap_or(instant))
}

fn without_counter(text: &str) -> &str {
    match text.rfind(['Z', 'z']) {
        Some(at) if at + 1 < text.len() && text[at + 1..].bytes().all(|b| b.is_ascii_digit()) => &text[..=at],
        _ => text,
    }
}

fn why_not(text: &str) -> NotAnInstant {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 4 || text.starts_with("0000-") {
        return NotAnInstant::OutOfRange;
    }
    let looks_local = digits == 4 && text.len() >= 10 && !text.contains(['Z', 'z', '+']) && text.rfind('-') < Some(10);
    if looks_local && DateTime::parse_from_rfc3339(&as_utc(text)).is_ok() {
        NotAnInstant::WithoutZone
    } else {
        NotAnInstant::Unparsable
    }
}

fn as_utc(text: &str) -> String {
    if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        format!("{text}Z")
    }
}

#[cfg(test)]
#[path = "instant_tests.rs"]
mod tests;
