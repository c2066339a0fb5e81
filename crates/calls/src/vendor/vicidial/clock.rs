//! The dialler's two clocks: `start_epoch` and `end_epoch` are instants, `call_date` is what a clock on the wall shows.
//!
//! Only `call_date` has an index, so windows of instants become ranges of wall time. These ranges tile the wall as the
//! windows tile time, whatever the row's epochs say: a row is found by its `call_date` in one of them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use crate::range::Window;

/// A half-open range of wall time, in whole seconds as `call_date` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wall {
    pub from: NaiveDateTime,
    pub to: NaiveDateTime,
}

const SECOND: TimeDelta = TimeDelta::seconds(1);

/// All that a clock in `zone` shows during the window. Where it is set back within, that hour counts twice and is read
/// whole.
pub fn wall(window: Window, zone: Tz) -> Wall {
    let shown = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    let (from, to) = (shown(window.from), shown(window.to));
    let set_back = (offset(window.from, zone) - offset(window.to, zone)).max(TimeDelta::zero());
    let floor = |at: NaiveDateTime| at.with_nanosecond(0).unwrap_or(at);
    let ceiling = |at: NaiveDateTime| if at.nanosecond() == 0 { at } else { floor(at) + SECOND };
    Wall { from: floor(from - set_back), to: ceiling(to + set_back) }
}

fn offset(at: DateTime<Utc>, zone: Tz) -> TimeDelta {
    TimeDelta::seconds(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc().into())
}

/// `call_date` as MariaDB writes it; `None` for a zero date.
pub fn shown(text: &str) -> Option<NaiveDateTime> {
    let text = text.as_bytes().get(..19)?;
    let signs = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    let number = |from: usize, to: usize| {
        let digit = |digit: &u8| digit.is_ascii_digit().then(|| u32::from(digit - b'0'));
        text[from..to].iter().try_fold(0, |all, sign| Some(all * 10 + digit(sign)?))
    };
    let date = NaiveDate::from_ymd_opt(number(0, 4)? as i32, number(5, 7)?, number(8, 10)?)?;
    let shown = date.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?);
    shown.filter(|_| signs.iter().all(|(at, sign)| text[*at] == *sign))
}

/// Rows of one disagreement from which on it is the zone, and no accident of a row.
const ENOUGH: u64 = 3;

/// How far the dialler's clock on the wall is from the tenant's zone, by its rows.
#[derive(Debug, Default, Clone)]
pub struct Drift {
    fits: u64,
    /// By quarters of an hour, in which zones differ.
    off: BTreeMap<i64, u64>,
}

impl Drift {
    pub fn see(&mut self, call_date: Option<&str>, start_epoch: Option<&str>, zone: Tz) {
        let (Some(date), Some(start)) = (call_date.and_then(shown), start_epoch.and_then(epoch)) else { return };
        let off = (date - start.with_timezone(&zone).naive_local()).num_seconds();
        match (off + 450).div_euclid(900) {
            0 => self.fits += 1,
            // Of fifteen minutes only the first are a zone's; a row that somebody has bent lies anywhere.
            quarters if (off - quarters * 900).abs() <= 90 && quarters.abs() <= 26 * 4 => {
                *self.off.entry(quarters).or_default() += 1;
            }
            _ => {}
        }
    }

    /// What is wrong, if so many rows say the same that it must be the zone.
    pub fn verdict(&self, zone: Tz) -> Option<String> {
        let (quarters, rows) = self.off.iter().max_by_key(|(_, rows)| **rows)?;
        (*rows >= ENOUGH && *rows > self.fits * 3).then(|| {
            let hours = *quarters as f64 / 4.0;
            format!("call_date is {hours:+} h off the start_epoch of {rows} rows: the dialler's zone is not {zone}")
        })
    }

    pub fn fits(&self) -> u64 {
        self.fits
    }
}

/// Seconds since 1970 that are a time; 0 stands for none.
pub fn epoch(text: &str) -> Option<DateTime<Utc>> {
    let seconds: i64 = text.trim().parse().ok()?;
    DateTime::from_timestamp(seconds, 0).filter(|_| seconds > 0)
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
