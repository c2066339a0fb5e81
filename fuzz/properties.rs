//! What holds for every input whatsoever, each tried by a fuzzer, and with the kept seeds by the unit tests.
#![allow(dead_code)]

use std::str::from_utf8;

use calls::json::{Document, Raw};
use calls::vendor::dialfire::{Dialfire, Event};
use calls::vendor::highlevel::HighLevel;
use calls::vendor::vapi::Vapi;
use calls::vendor::vicidial::{Config, Vicidial};
use calls::vendor::{Normalised, Vendor};
use calls::{instant, phone, range};
use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::value::RawValue;
use serde_json::Value;

/// Panics where what it says of every input is not so.
pub type Property = fn(&[u8]);

/// All that can be given as seeds, by the name of their folder.
pub const ALL: [(&str, Property); 10] = [
    ("document", document),
    ("dialfire", dialfire),
    ("highlevel", highlevel),
    ("vapi", vapi),
    ("vicidial", vicidial),
    ("config", config),
    ("event", event),
    ("range", range),
    ("phone", phone),
    ("instant", instant),
];

/// A document is one exactly where serde_json has one, with the same content, and both ways to take a value apart agree.
pub fn document(bytes: &[u8]) {
    let raw = serde_json::from_slice::<&RawValue>(bytes);
    let document = Document::new(bytes);
    assert_eq!(document.is_ok(), raw.is_ok());
    let (Ok(document), Ok(raw)) = (document, raw) else { return };
    alike(document.root(), raw);
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        assert_eq!(serde_json::from_str::<Value>(document.root().get()).ok(), Some(value));
    }
}

fn alike<'a>(ours: impl Raw<'a>, theirs: &'a RawValue) {
    assert_eq!(ours.get(), theirs.get());
    match (ours.fields(), theirs.fields()) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.len(), theirs.len());
            for ((name, value), (its_name, its_value)) in ours.into_iter().zip(theirs) {
                assert_eq!((name, value.get()), (its_name, its_value.get()));
            }
        }
        (ours, theirs) => assert_eq!(ours.is_ok(), theirs.is_ok()),
    }
    match (ours.items(), theirs.items()) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.len(), theirs.len());
            ours.into_iter().zip(theirs).for_each(|(ours, theirs)| alike(ours, theirs));
        }
        (ours, theirs) => assert_eq!(ours.is_ok(), theirs.is_ok()),
    }
}

pub fn dialfire(bytes: &[u8]) {
    payload::<Dialfire>(bytes, Some("results"));
}

pub fn highlevel(bytes: &[u8]) {
    payload::<HighLevel>(bytes, Some("callLogs"));
}

pub fn vapi(bytes: &[u8]) {
    payload::<Vapi>(bytes, None);
}

pub fn vicidial(bytes: &[u8]) {
    payload::<Vicidial>(bytes, None);
}

/// Every record becomes rows, or a reject with a reason; an array gives what its items give; asked twice, the answer is the
/// same; and no text holds what PostgreSQL cannot store.
fn payload<V: Vendor>(bytes: &[u8], page: Option<&str>) {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(bytes) else { return };
    let all = told::<V>(raw);
    assert_eq!(all, told::<V>(raw));
    if let Ok(items) = raw.items() {
        let rejected_whole = all.len() == 1 && all[0].contains("too_deep");
        let each: usize = items.into_iter().map(|item| told::<V>(item).len()).sum();
        assert!(all.len() == each || rejected_whole, "of {each} outcomes of the items {} are left", all.len());
        return;
    }
    let is_page = page.is_some_and(|page| raw.fields().is_ok_and(|f| f.iter().any(|(name, _)| name == page)));
    assert!(is_page || !all.is_empty(), "lost without a word");
}

fn told<V: Vendor>(raw: &RawValue) -> Vec<String> {
    V::normalise(raw, Some("DE"), Tz::Europe__Nicosia).into_iter().map(line).collect()
}

fn line(Normalised { kind, id, row, reject }: Normalised) -> String {
    assert_eq!(row.is_some(), reject.is_none());
    if let Some(row) = &row {
        row.iter().for_each(|(name, value)| storable(name, value));
    }
    let why = reject.map(|reject| {
        assert!(!reject.reason.is_empty() && !reject.detail.contains('\0'), "{reject:?}");
        (reject.reason, reject.field, reject.detail, reject.payload)
    });
    format!("{kind} {id:?} {row:?} {why:?}")
}

fn storable(name: &str, value: &Value) {
    match value {
        Value::String(text) => assert!(!text.contains('\0'), "{name}: {text:?}"),
        Value::Array(items) => items.iter().for_each(|item| storable(name, item)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            assert!(!key.contains('\0'), "{name}: {key:?}");
            storable(key, value);
        }),
        _ => {}
    }
}

/// What is read of the dialler's file holds neither a comment nor blanks.
pub fn config(bytes: &[u8]) {
    let Ok(text) = from_utf8(bytes) else { return };
    let Config { server, database, user, port, .. } = Config::read(text);
    for value in [server, database, user, port].into_iter().flatten() {
        assert!(!value.is_empty() && !value.contains(['#', ';', ' ', '>', '\t', '\r', '\n', '=']), "{value:?}");
    }
}

/// A line of the feed that is read says the same when it is written again.
pub fn event(bytes: &[u8]) {
    let Ok(line) = from_utf8(bytes) else { return };
    let Ok(event) = Event::parse(line) else { return };
    let fired = event.fired.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let again = format!("{fired}|{}|{}|{},{}", event.md5, event.contact_id, event.log_index, event.transaction_index);
    assert_eq!(Event::parse(&again), Ok(event));
}

/// The first byte chooses the zone. A range that is read ends after it begins and not after now, and is read again from what
/// PostgreSQL prints for it.
pub fn range(bytes: &[u8]) {
    const ZONES: [Tz; 6] = [
        Tz::UTC,
        Tz::Europe__Nicosia,
        Tz::America__Santiago,
        Tz::Asia__Kathmandu,
        Tz::Pacific__Apia,
        Tz::Africa__Cairo,
    ];
    let Some((first, Ok(text))) = bytes.split_first().map(|(first, rest)| (*first, from_utf8(rest))) else { return };
    let zone = ZONES[usize::from(first) % ZONES.len()];
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_773) + TimeDelta::microseconds(43_200_000_001);
    let read = range::parse(text, zone, now);
    assert_eq!(read, range::parse(&format!(" {text}\t"), zone, now));
    let Ok(window) = read else { return };
    assert!(window.from < window.to && window.to <= now, "{window:?}");
    let print = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string();
    if window.from.year() >= 1970 {
        let literal = format!("[\"{}\",\"{}\")", print(window.from), print(window.to));
        assert_eq!(range::parse(&literal, zone, now), Ok(window), "{literal}");
    }
}

/// A number in E.164 is `+` and digits, and is its own E.164, wherever it is read.
pub fn phone(bytes: &[u8]) {
    let Ok(text) = from_utf8(bytes) else { return };
    for region in [None, Some("DE"), Some("US"), Some("CY"), Some("xx")] {
        let Some(number) = phone::e164(text, region) else { continue };
        let digits = number.strip_prefix('+').unwrap_or_default();
        assert!(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()), "{number}");
        assert_eq!(phone::e164(&number, region), Some(number));
    }
}

/// An instant that is read lies in the years of PostgreSQL and vendors, in whole microseconds, and is read again.
pub fn instant(bytes: &[u8]) {
    let Ok(text) = from_utf8(bytes) else { return };
    let Ok(at) = instant::parse(text) else { return };
    assert!((1970..=9999).contains(&at.year()) && at.timestamp_subsec_nanos() % 1000 == 0, "{at:?}");
    assert_eq!(instant::parse(&at.to_rfc3339()), Ok(at));
}
