//! Rows in the binary format of COPY: the cheapest way into a table, for rows that are known to be new.

use chrono::{DateTime, NaiveDate, Utc};

use crate::row::{Decimal, Json, Tuple};

/// Signature, flags, and no extension of the header.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;
const NULL: i32 = -1;
/// As a date.
const INFINITY: [u8; 4] = i32::MAX.to_be_bytes();
/// Of `jsonb`'s text.
const JSONB_VERSION: u8 = 1;
/// Microseconds and days from 1970 to 2000, where Postgres begins to count.
pub const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
pub const POSTGRES_EPOCH_DAYS: i32 = 10_957;

/// The rows with their tenant before the columns of `R`, and behind them `more` that `append` writes.
pub fn encode<'a, R: Tuple + 'a>(
    tenant: &str,
    rows: impl Iterator<Item = &'a R>,
    more: usize,
    append: impl Fn(&R, &mut Vec<u8>),
) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    for row in rows {
        out.extend(((1 + R::COLUMNS.len() + more) as i16).to_be_bytes());
        text(tenant, &mut out);
        row.encode(&mut out);
        append(row, &mut out);
    }
    out.extend(TRAILER.to_be_bytes());
    out
}

pub fn text(value: &str, out: &mut Vec<u8>) {
    sized(value.as_bytes(), out);
}

pub fn json(value: &Json, out: &mut Vec<u8>) {
    jsonb(&value.0, out);
}

pub fn jsonb(value: &str, out: &mut Vec<u8>) {
    out.extend((value.len() as i32 + 1).to_be_bytes());
    out.push(JSONB_VERSION);
    out.extend(value.as_bytes());
}

pub fn bigint(value: &i64, out: &mut Vec<u8>) {
    sized(&value.to_be_bytes(), out);
}

pub fn double(value: &f64, out: &mut Vec<u8>) {
    sized(&value.to_be_bytes(), out);
}

/// Groups of four digits around the point, as the type stores them.
pub fn numeric(value: &Decimal, out: &mut Vec<u8>) {
    let (mantissa, exponent) = value.0.split_once(['e', 'E']).unwrap_or((&value.0, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: Vec<u8> =
        whole.bytes().chain(fraction.bytes()).filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
    let mut scale = fraction.len() as i32 - exponent.parse::<i32>().unwrap_or(0);
    digits.resize(digits.len() + scale.min(0).unsigned_abs() as usize, 0);
    scale = scale.max(0);
    // Zeros before and behind, so that groups begin at the point.
    let missing = (scale - digits.len() as i32).max(0);
    digits.splice(0..0, std::iter::repeat_n(0, missing as usize));
    let before = (digits.len() as i32 - scale + 3) / 4;
    digits.splice(0..0, std::iter::repeat_n(0, (before * 4 + scale) as usize - digits.len()));
    digits.resize(digits.len().next_multiple_of(4), 0);
    let groups: Vec<i16> = digits.chunks(4).map(|g| g.iter().fold(0, |all, &d| all * 10 + i16::from(d))).collect();
    let sign: u16 = if mantissa.starts_with('-') { 0x4000 } else { 0 };
    out.extend((8 + 2 * groups.len() as i32).to_be_bytes());
    out.extend((groups.len() as i16).to_be_bytes());
    out.extend((before as i16 - 1).to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend((scale as i16).to_be_bytes());
    groups.iter().for_each(|group| out.extend(group.to_be_bytes()));
}

pub fn boolean(value: &bool, out: &mut Vec<u8>) {
    sized(&[u8::from(*value)], out);
}

pub fn timestamptz(value: &DateTime<Utc>, out: &mut Vec<u8>) {
    bigint(&(value.timestamp_micros() - POSTGRES_EPOCH), out);
}

pub fn date(value: &NaiveDate, out: &mut Vec<u8>) {
    let days = value.signed_duration_since(NaiveDate::default()).num_days() as i32 - POSTGRES_EPOCH_DAYS;
    sized(&days.to_be_bytes(), out);
}

/// Infinity where there is none.
pub fn day(value: Option<NaiveDate>, out: &mut Vec<u8>) {
    match value {
        Some(day) => date(&day, out),
        None => sized(&INFINITY, out),
    }
}

pub fn text_or_null(value: Option<&str>, out: &mut Vec<u8>) {
    match value {
        Some(value) => text(value, out),
        None => null(out),
    }
}

pub fn null(out: &mut Vec<u8>) {
    out.extend(NULL.to_be_bytes());
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend((bytes.len() as i32).to_be_bytes());
    out.extend(bytes);
}

#[cfg(test)]
#[path = "copy_tests.rs"]
mod tests;
