//! Every form of range, every refusal, and the days on which clocks change.

use super::*;
use chrono_tz::Africa::Cairo;
use chrono_tz::America::{Havana, St_Johns};
use chrono_tz::Asia::Kolkata;
use chrono_tz::Europe::Nicosia;
use chrono_tz::Pacific::Apia;
use chrono_tz::UTC;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A Saturday; in Nicosia (UTC+2) it is 14:30.
fn now() -> DateTime<Utc> {
    at("2026-11-21T12:30:00Z")
}

fn read(text: &str) -> Result<Window, RangeError> {
    parse(text, Nicosia, now())
}

fn reads(text: &str, from: &str, to: &str) {
    assert_eq!(read(text), Ok(Window { from: at(from), to: at(to) }), "{text}");
}

const NOW: &str = "2026-11-21T12:30:00Z";

#[test]
fn words() {
    reads("today", "2026-11-20T22:00:00Z", NOW);
    reads("  YesterDay ", "2026-11-19T22:00:00Z", "2026-11-20T22:00:00Z");
    reads("last 90 minutes", "2026-11-21T11:00:00Z", NOW);
    reads("last hour", "2026-11-21T11:30:00Z", NOW);
    reads("Last\t 1   Hour", "2026-11-21T11:30:00Z", NOW);
    reads("last day", "2026-11-19T22:00:00Z", NOW);
    reads("last 14 days", "2026-11-06T22:00:00Z", NOW);
    reads("last 2 weeks", "2026-11-06T22:00:00Z", NOW);
    reads("last 1 month", "2026-10-20T21:00:00Z", NOW);
    reads("last 2 years", "2024-11-20T22:00:00Z", NOW);
    reads("last week", "2026-11-08T22:00:00Z", "2026-11-15T22:00:00Z");
    reads("last month", "2026-09-30T21:00:00Z", "2026-10-31T22:00:00Z");
    reads("last year", "2024-12-31T22:00:00Z", "2025-12-31T22:00:00Z");
    reads("this week", "2026-11-15T22:00:00Z", NOW);
    reads("this month", "2026-10-31T22:00:00Z", NOW);
    reads("this year", "2025-12-31T22:00:00Z", NOW);
}

#[test]
fn a_month_back_from_the_31st_is_the_last_day_of_the_shorter_month() {
    let window = parse("last 1 month", UTC, at("2026-03-31T09:00:00Z")).unwrap();
    assert_eq!(window.from, at("2026-02-28T00:00:00Z"));
}

#[test]
fn today_is_the_day_of_the_zone() {
    let late = at("2026-11-20T23:30:00Z");
    let from = |zone| parse("today", zone, late).unwrap().from;
    assert_eq!(from(UTC), at("2026-11-20T00:00:00Z"));
    assert_eq!(from(Kolkata), at("2026-11-20T18:30:00Z"));
    assert_eq!(from(Havana), at("2026-11-20T05:00:00Z"));
}

#[test]
fn calendar_periods() {
    reads("2026-11-05", "2026-11-04T22:00:00Z", "2026-11-05T22:00:00Z");
    reads("2026-07", "2026-06-30T21:00:00Z", "2026-07-31T21:00:00Z");
    reads("2025", "2024-12-31T22:00:00Z", "2025-12-31T22:00:00Z");
    reads("2026", "2025-12-31T22:00:00Z", NOW);
    reads("2026-11-01..2026-11-15", "2026-10-31T22:00:00Z", "2026-11-15T22:00:00Z");
    reads("2026-09 .. 2026-10", "2026-08-31T21:00:00Z", "2026-10-31T22:00:00Z");
    reads("2026-11-05..2026-11-05", "2026-11-04T22:00:00Z", "2026-11-05T22:00:00Z");
    reads("2025..yesterday", "2024-12-31T22:00:00Z", "2026-11-20T22:00:00Z");
    reads("2026-11-01..", "2026-10-31T22:00:00Z", NOW);
    reads("2026-11-01..9999", "2026-10-31T22:00:00Z", NOW);
}

#[test]
fn timestamps() {
    reads("2026-11-01 10:00..2026-11-01T12:30:15.5", "2026-11-01T08:00:00Z", "2026-11-01T10:30:15.5Z");
    reads("2026-11-01t10:00z..2026-11-01 13:00+02", "2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z");
    reads("2026-11-01 10:00:00.1234567 UTC..2026-11-01", "2026-11-01T10:00:00.123456Z", "2026-11-01T22:00:00Z");
    reads("2026-11-01T10:00-0330..2026-11-02", "2026-11-01T13:30:00Z", "2026-11-02T22:00:00Z");
    reads("2026-11-01T10:00:00+05:30..", "2026-11-01T04:30:00Z", NOW);
}

#[test]
fn literals_of_dates_are_days() {
    let (first, last) = ("2026-10-31T22:00:00Z", "2026-11-14T22:00:00Z");
    reads("[2026-11-01,2026-11-15)", first, last);
    reads("[2026-11-01, 2026-11-14]", first, last);
    reads("( 2026-10-31 ,2026-11-14]", first, last);
    reads("(\"2026-10-31\",\"2026-11-15\")", first, last);
    reads("[2026-11-01,)", first, NOW);
    reads("[2026-11-05,2026-11-05]", "2026-11-04T22:00:00Z", "2026-11-05T22:00:00Z");
}

#[test]
fn literals_of_timestamps_are_instants() {
    let whole = "[\"2026-11-01 00:00:00+02\",\"2026-11-15 00:00:00+02\")";
    reads(whole, "2026-10-31T22:00:00Z", "2026-11-14T22:00:00Z");
    reads("[2026-11-01T00:00:00Z,2026-11-02 00:00]", "2026-11-01T00:00:00Z", "2026-11-01T22:00:00.000001Z");
    reads("(2026-11-01 00:00,2026-11-02)", "2026-10-31T22:00:00.000001Z", "2026-11-01T22:00:00Z");
    reads("[2026-11-01 10:00,2026-11-01 10:00]", "2026-11-01T08:00:00Z", "2026-11-01T08:00:00.000001Z");
    reads("(2026-11-01 10:00,]", "2026-11-01T08:00:00.000001Z", NOW);
}

#[test]
fn refusals() {
    use RangeError::*;
    for text in
        ["empty", "last 0 days", "[2026-11-01,2026-11-01)", "(2026-11-01,2026-11-02)", "(2026-11-01,2026-11-01)"]
    {
        assert_eq!(read(text), Err(Empty), "{text}");
    }
    for text in ["infinity", "..", "..2026-11-01", "(,)", "[,2026-11-01]", "[2026-11-01,infinity)", "-infinity..2026"] {
        assert_eq!(read(text), Err(Infinite), "{text}");
    }
    for text in
        ["2026-11-15..2026-11-14", "[2026-11-15,2026-11-01)", "2026-11-01T10:00..2026-11-01T09:59", "2026..2025"]
    {
        assert!(matches!(read(text), Err(Reversed { .. })), "{text}");
    }
    for text in ["2027", "2026-11-22", "2026-12-01..", "[2026-11-21 14:30,2026-11-22)", "[2027-01-01,)"] {
        assert!(matches!(read(text), Err(Future { .. })), "{text}: {:?}", read(text));
    }
    for text in ["1969", "0000-01-01", "10000", "1969-12-31..2026", "9999-01-01..10000-01-01", "last 999999999 days"] {
        assert_eq!(read(text), Err(OutOfBounds), "{text}");
    }
    for text in
        ["last 999999999 hours", "last 999999999 months", "last 999999999 years", "[1969-06-01 00:00,2026-01-01)"]
    {
        assert_eq!(read(text), Err(OutOfBounds), "{text}");
    }
}

#[test]
fn what_cannot_be_read() {
    let texts =
        "|tomorrow|last|last days|last 3|last -3 days|last 3 fortnights|last 1 2 days|this|this day|this 2 weeks|\
        2026-13|2026-02-29|2026-11-31..|26-11-05|20261105|2026-11-05-01|2026-|-2026|+2026|2026-11-05 10:00|2026...|\
        2026-11-05 24:00..|2026-11-05 10:60..|2026-11-05 23:59:60..|2026-11-05 10..|2026-11-05 10:00:00...|\
        2026-11-05 10:00:00.1é..|2026-11-05 10:00+..|2026-11-05 10:00+16..|2026-11-05 10:00+2:60..|2026-11 10:00..|\
        2026-11-05 10:00.5..|[2026|[2026-11-01]|[|[)|[,|[2026-11-01,2026-11-02,2026-11-03)|[2026-11-01 2026-11-02)|\
        [\"2026-11-01,2026-11-02)|2026..2027..|½|۲۰۲۶|2026-11-05\0";
    for text in texts.split('|') {
        assert!(matches!(read(text), Err(RangeError::Unparsable { .. })), "{text:?}: {:?}", read(text));
    }
}

#[test]
fn messages_are_for_people() {
    let error = read("2026-13..2026-14").unwrap_err();
    assert_eq!(error.to_string(), "cannot read \"2026-13\" as a time or a range of time");
    assert!(error.hint().contains("last 14 days"));
    let error = read(&"x".repeat(10_000)).unwrap_err();
    assert!(error.to_string().len() < 200);
}

#[test]
fn days_in_which_the_clock_changes() {
    let hours = |text: &str, zone| {
        let window = parse(text, zone, now()).unwrap();
        (window.to - window.from).num_minutes() as f64 / 60.0
    };
    assert_eq!(hours("2026-03-29", Nicosia), 23.0);
    assert_eq!(hours("2026-10-25", Nicosia), 25.0);
    assert_eq!(hours("2026-10-26", Nicosia), 24.0);
    assert_eq!(hours("2026-03-29", Kolkata), 24.0);
    assert_eq!(hours("2026-03-08", Havana), 23.0);
    assert_eq!(hours("2026-11-01", Havana), 25.0);
    assert_eq!(hours("2026-04-24", Cairo), 23.0);
}

#[test]
fn a_day_begins_at_its_first_instant() {
    // 00:00 does not exist: the day begins at 01:00.
    assert_eq!(midnight(day("2026-03-08"), Havana), at("2026-03-08T05:00:00Z"));
    assert_eq!(midnight(day("2026-04-24"), Cairo), at("2026-04-23T22:00:00Z"));
    // 00:00 exists twice: the day begins with the first.
    assert_eq!(midnight(day("2026-11-01"), Havana), at("2026-11-01T04:00:00Z"));
    // A day that does not exist at all.
    assert_eq!(midnight(day("2011-12-30"), Apia), midnight(day("2011-12-31"), Apia));
    assert_eq!(midnight(day("2026-11-21"), Kolkata), at("2026-11-20T18:30:00Z"));
}

#[test]
fn wall_time_that_is_skipped_is_the_end_of_the_gap() {
    let window = parse("2026-03-29 03:30..2026-03-29 05:00", Nicosia, now()).unwrap();
    assert_eq!(window, Window { from: at("2026-03-29T01:00:00Z"), to: at("2026-03-29T02:00:00Z") });
}

#[test]
fn every_day_begins_at_its_midnight_and_ends_where_the_next_begins() {
    for zone in [Nicosia, Havana, Cairo, Kolkata, Apia, UTC, St_Johns] {
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        for today in day("2012-01-01").iter_days().take_while(|day| day.year() < 2027) {
            let Window { from, to } = days(today, today + Days::new(1), zone).unwrap();
            let last = from - TimeDelta::seconds(1);
            assert_eq!((local(last), local(from)), (today - Days::new(1), today), "{zone}");
            assert!((23..=25).contains(&(to - from).num_hours()), "{zone} {today}");
        }
    }
}

#[test]
fn typed_windows() {
    let window = |from, to| clip(Window { from: at(from), to: at(to) }, now());
    let clipped = window("2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z").unwrap();
    assert_eq!(clipped, Window { from: at("2026-11-21T00:00:00Z"), to: now() });
    assert_eq!(window(NOW, NOW), Err(RangeError::Empty));
    assert!(matches!(window(NOW, "2026-11-21T12:29:59Z"), Err(RangeError::Reversed { .. })));
    assert!(matches!(window(NOW, "2026-11-22T00:00:00Z"), Err(RangeError::Future { .. })));
    assert_eq!(window("1969-12-30T00:00:00Z", NOW), Err(RangeError::OutOfBounds));
    let reversed = days(day("2026-11-02"), day("2026-11-01"), Nicosia);
    assert!(matches!(reversed, Err(RangeError::Reversed { .. })));
    assert_eq!(days(day("2026-11-02"), day("2026-11-02"), Nicosia), Err(RangeError::Empty));
    assert_eq!(days(NaiveDate::MIN, NaiveDate::MAX, Nicosia), Err(RangeError::OutOfBounds));
}

#[test]
fn no_text_panics_and_every_window_is_sound() {
    let seeds =
        "today|last 14 days|last 3 months|this week|2026-11-05|2025-11|2024..2026-11-05|2026-11-01T10:00:00.5+02:30..|\
        [\"2026-11-01 00:00:00+02\",\"2026-11-15 00:00:00+02\")|(2026-10-25,2026-10-31]|[2026-11-01 10:00z,infinity)";
    let seeds: Vec<Vec<char>> = seeds.split('|').map(|seed| seed.chars().collect()).collect();
    let letters: Vec<char> = "0123456789-:.,+TZ[]()\" \u{a0}daysé😀\0".chars().collect();
    let mut state = 42_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let mut readable = 0;
    for _ in 0..20_000 {
        let mut text = seeds[below(seeds.len())].clone();
        for _ in 0..below(4) {
            let (place, letter) = (below(text.len()), letters[below(letters.len())]);
            match below(4) {
                0 => text.insert(place, letter),
                1 if text.len() > 1 => drop(text.remove(place)),
                2 => text.extend(seeds[below(seeds.len())].clone()),
                _ => text[place] = letter,
            }
        }
        let text: String = text.into_iter().collect();
        let zone = [Nicosia, Havana, Cairo, Kolkata][below(4)];
        match parse(&text, zone, now()) {
            Ok(Window { from, to }) => {
                assert!(from < to && to <= now(), "{text:?}: {from} {to}");
                readable += 1;
            }
            Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
        }
    }
    assert!((5_000..15_000).contains(&readable), "{readable} of the mutated texts could be read");
}
