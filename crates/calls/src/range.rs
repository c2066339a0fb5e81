//! What a person types for a range of time, read into a window of instants.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, TimeDelta, TimeZone, Timelike,
    Utc,
};
use chrono_tz::Tz;

/// A half-open window of time, `[from, to)`, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

impl Window {
    /// All of time.
    pub const ALL: Window = Window { from: DateTime::<Utc>::MIN_UTC, to: DateTime::<Utc>::MAX_UTC };

    pub fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.from <= instant && instant < self.to
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    #[error("cannot read \"{text}\" as a time or a range of time")]
    Unparsable { text: String },
    #[error("the range is reversed: {to} lies before {from}")]
    Reversed { from: DateTime<Utc>, to: DateTime<Utc> },
    #[error("the range is empty")]
    Empty,
    #[error("the range is infinite")]
    Infinite,
    #[error("nothing of the range has happened yet: it begins at {from}, now it is {now}")]
    Future { from: DateTime<Utc>, now: DateTime<Utc> },
    #[error("the range leaves the years 1970 to 9999")]
    OutOfBounds,
}

impl RangeError {
    pub fn hint(&self) -> &'static str {
        match self {
            RangeError::Unparsable { .. } => {
                "write today, yesterday, last 14 days, this month, 2026-11-05, 2026-11, 2026-11-01..2026-11-15, \
                 2026-11-01.. or a range literal such as [2026-11-01,2026-11-15)"
            }
            RangeError::Reversed { .. } => "the earlier bound comes first",
            RangeError::Empty => {
                "the upper bound of [a,b) is excluded; 2026-11-05 or [2026-11-05,2026-11-05] is one day"
            }
            RangeError::Infinite => "give a first day; a range without an end, as in 2026-11-01.., reaches until now",
            RangeError::Future { .. } => "the range must begin in the past; its end may lie in the future",
            RangeError::OutOfBounds => "check the year",
        }
    }
}

/// A day, month or year (`whole`), or an instant, whose start is its end.
struct Bound {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    whole: bool,
}

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// Reads what a person types. Days are cut in `zone`; `now` clips an upper end in the future.
pub fn parse(text: &str, zone: Tz, now: DateTime<Utc>) -> Result<Window, RangeError> {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let line = words.join(" ");
    let window = match words[..] {
        ["empty"] => return Err(RangeError::Empty),
        ["this" | "last", ..] => relative(&words, zone, now)?,
        _ if line.starts_with(['[', '(']) => literal(&line, zone, now)?,
        _ => match line.split_once("..") {
            Some((first, last)) => span(first.trim(), last.trim(), zone, now)?,
            None => match bound(&line, zone, now)? {
                Bound { start, end, whole: true } => Window { from: start, to: end },
                _ => return Err(unreadable(&line)),
            },
        },
    };
    clip(window, now)
}

/// The window of whole local days.
pub fn days(first: NaiveDate, last_exclusive: NaiveDate, zone: Tz) -> Result<Window, RangeError> {
    // The day after the last one of 9999 is a legitimate end.
    if [first, last_exclusive].iter().any(|day| !(1970..=10_000).contains(&day.year())) {
        return Err(RangeError::OutOfBounds);
    }
    let (from, to) = (midnight(first, zone), midnight(last_exclusive, zone));
    match first.cmp(&last_exclusive) {
        Ordering::Less => Ok(Window { from, to }),
        Ordering::Equal => Err(RangeError::Empty),
        Ordering::Greater => Err(RangeError::Reversed { from, to }),
    }
}

/// The first instant of the local day.
pub fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    instant(day.and_time(NaiveTime::MIN), zone)
}

/// Refuses a window that is reversed, empty, wholly in the future or out of bounds; ends the others at `now`.
pub fn clip(window: Window, now: DateTime<Utc>) -> Result<Window, RangeError> {
    let Window { from, to } = window;
    if from > to {
        return Err(RangeError::Reversed { from, to });
    }
    if from == to {
        return Err(RangeError::Empty);
    }
    // The local midnight of 1970-01-01 lies before the epoch in the eastern zones.
    if from < DateTime::UNIX_EPOCH - TimeDelta::days(1) || from.year() > 9999 {
        return Err(RangeError::OutOfBounds);
    }
    if from >= now {
        return Err(RangeError::Future { from, now });
    }
    Ok(Window { from, to: to.min(now) })
}

/// `this month`, `last month`, `last 3 months`.
fn relative(words: &[&str], zone: Tz, now: DateTime<Utc>) -> Result<Window, RangeError> {
    let today = now.with_timezone(&zone).date_naive();
    let error = || unreadable(&words.join(" "));
    let (count, unit) = match *words {
        ["this", unit] => {
            let first = first_of(unit, today).ok_or_else(error)?;
            return Ok(until_now(midnight(first, zone), now));
        }
        ["last", unit @ ("week" | "month" | "year")] => {
            let last_exclusive = first_of(unit, today).ok_or_else(error)?;
            let first = last_exclusive.pred_opt().and_then(|day| first_of(unit, day));
            return days(first.ok_or(RangeError::OutOfBounds)?, last_exclusive, zone);
        }
        ["last", unit @ ("minute" | "hour" | "day")] => (1, unit),
        ["last", count, unit] => (number(count, 1..=9).ok_or_else(error)?, unit.strip_suffix('s').unwrap_or(unit)),
        _ => return Err(error()),
    };
    if count == 0 {
        return Err(RangeError::Empty);
    }
    let first = match unit {
        "minute" => return Ok(until_now(now - TimeDelta::minutes(count.into()), now)),
        "hour" => return Ok(until_now(now - TimeDelta::hours(count.into()), now)),
        "day" => today.checked_sub_days(Days::new(count.into())),
        "week" => today.checked_sub_days(Days::new(7 * u64::from(count))),
        "month" => today.checked_sub_months(Months::new(count)),
        "year" => count.checked_mul(12).and_then(|months| today.checked_sub_months(Months::new(months))),
        _ => return Err(error()),
    };
    let first = first.filter(|day| day.year() >= 1970).ok_or(RangeError::OutOfBounds)?;
    Ok(until_now(midnight(first, zone), now))
}

fn first_of(unit: &str, day: NaiveDate) -> Option<NaiveDate> {
    match unit {
        "week" => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
        "month" => day.with_day(1),
        "year" => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        _ => None,
    }
}

/// `A..B`, both ends included as far as they are days, months or years, and `A..`.
fn span(first: &str, last: &str, zone: Tz, now: DateTime<Utc>) -> Result<Window, RangeError> {
    if first.is_empty() {
        return Err(RangeError::Infinite);
    }
    let from = bound(first, zone, now)?.start;
    if last.is_empty() {
        return Ok(until_now(from, now));
    }
    let last = bound(last, zone, now)?;
    if last.end <= from && last.start < from {
        return Err(RangeError::Reversed { from, to: last.start });
    }
    Ok(Window { from, to: last.end })
}

/// What Postgres prints for a `daterange` (both bounds are whole days) or a `tstzrange`.
fn literal(line: &str, zone: Tz, now: DateTime<Utc>) -> Result<Window, RangeError> {
    let inner = line.strip_prefix(['[', '(']).and_then(|rest| rest.strip_suffix([']', ')']));
    let (lower, upper) = inner.and_then(|inner| inner.split_once(',')).ok_or_else(|| unreadable(line))?;
    let (lower, upper) = (unquote(lower), unquote(upper));
    if lower.is_empty() {
        return Err(RangeError::Infinite);
    }
    let lower = bound(lower, zone, now)?;
    let upper = if upper.is_empty() { None } else { Some(bound(upper, zone, now)?) };
    let dates = lower.whole && upper.as_ref().is_none_or(|upper| upper.whole);
    let past = |bound: &Bound| if dates { bound.end } else { bound.start + MICROSECOND };
    let from = if line.starts_with('[') { lower.start } else { past(&lower) };
    let Some(upper) = upper else {
        return Ok(until_now(from, now));
    };
    let to = if line.ends_with(']') { past(&upper) } else { upper.start };
    if upper.start < lower.start {
        return Err(RangeError::Reversed { from: lower.start, to: upper.start });
    }
    if to <= from {
        return Err(RangeError::Empty);
    }
    Ok(Window { from, to })
}

fn unquote(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text).trim()
}

/// Never empty, so that a start in the future is told as such.
fn until_now(from: DateTime<Utc>, now: DateTime<Utc>) -> Window {
    Window { from, to: now.max(from + MICROSECOND) }
}

fn bound(text: &str, zone: Tz, now: DateTime<Utc>) -> Result<Bound, RangeError> {
    let today = now.with_timezone(&zone).date_naive();
    if text.trim_start_matches(['+', '-']) == "infinity" {
        return Err(RangeError::Infinite);
    }
    let (first, last_exclusive) = match text {
        "today" => (today, today + Days::new(1)),
        "yesterday" => (today - Days::new(1), today),
        _ => match text.split_once([' ', 't']) {
            Some((day, clock)) => {
                let day = if day.matches('-').count() == 2 { calendar(day)?.0 } else { return Err(unreadable(text)) };
                let at = timestamp(day, clock, zone).ok_or_else(|| unreadable(text))?;
                return Ok(Bound { start: at, end: at, whole: false });
            }
            None => calendar(text)?,
        },
    };
    Ok(Bound { start: midnight(first, zone), end: midnight(last_exclusive, zone), whole: true })
}

/// The days of `2026`, `2026-11` or `2026-11-05`.
fn calendar(text: &str) -> Result<(NaiveDate, NaiveDate), RangeError> {
    let parts: Option<Vec<u32>> = text.split('-').map(|part| number(part, 1..=5)).collect();
    let year_has_four_digits = text.find('-').unwrap_or(text.len()) >= 4;
    let parts = parts.filter(|_| year_has_four_digits).ok_or_else(|| unreadable(text))?;
    if !(1970..=9999).contains(&parts[0]) {
        return Err(RangeError::OutOfBounds);
    }
    let day = |month, day| NaiveDate::from_ymd_opt(parts[0] as i32, month, day).ok_or_else(|| unreadable(text));
    Ok(match parts[1..] {
        [] => (day(1, 1)?, day(1, 1)? + Months::new(12)),
        [m] => (day(m, 1)?, day(m, 1)? + Months::new(1)),
        [m, d] => (day(m, d)?, day(m, d)? + Days::new(1)),
        _ => return Err(unreadable(text)),
    })
}

/// `10:00`, `10:00:00.123456+02`, `10:00z`; without an offset it is the wall time in `zone`.
fn timestamp(day: NaiveDate, clock: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let (clock, zone_text) = clock.split_at(clock.find(['+', '-', 'z', 'u']).unwrap_or(clock.len()));
    let time =
        ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(clock.trim_end(), form).ok())?;
    let wall = day.and_time(time.trunc_subsecs(6));
    match zone_text {
        _ if time.nanosecond() >= 1_000_000_000 => None, // 23:59:60
        "" => Some(instant(wall, zone)),
        "z" | "utc" => Some(wall.and_utc()),
        _ if zone_text.starts_with('+') => Some(wall.and_utc() - offset(&zone_text[1..])?),
        _ => Some(wall.and_utc() + offset(zone_text.strip_prefix('-')?)?),
    }
}

/// `02`, `0230` or `02:30`.
fn offset(text: &str) -> Option<TimeDelta> {
    let (hours, minutes) = text.split_once(':').or_else(|| text.split_at_checked(2))?;
    let minutes = if minutes.is_empty() { 0 } else { number(minutes, 2..=2)? };
    let hours = number(hours, 1..=2).filter(|hours| *hours < 16 && minutes < 60)?;
    Some(TimeDelta::minutes((hours * 60 + minutes).into()))
}

/// The first instant at which a clock in `zone` shows `wall` or, where it skips that, a later time.
pub fn instant(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    if let Some(at) = zone.from_local_datetime(&wall).earliest() {
        return at.with_timezone(&Utc);
    }
    // No zone lies a day from UTC, so the end of the gap is between these two.
    let second = wall.and_utc().timestamp();
    let (mut before, mut after) = (second - 86_400, second + 86_400);
    let at = |second: i64| DateTime::from_timestamp(second, 0).unwrap_or(DateTime::UNIX_EPOCH);
    while after - before > 1 {
        let middle = (before + after) / 2;
        if at(middle).with_timezone(&zone).naive_local() < wall {
            before = middle;
        } else {
            after = middle;
        }
    }
    at(after)
}

fn number(text: &str, digits: RangeInclusive<usize>) -> Option<u32> {
    let plain = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn unreadable(text: &str) -> RangeError {
    RangeError::Unparsable { text: text.chars().take(100).collect() }
}

#[cfg(test)]
#[path = "range_tests.rs"]
mod tests;
