use std::convert::Infallible;

use chrono::NaiveDate;

use super::*;
use crate::instant::parse;
use crate::vendor::dialfire::{Event, Known};
use crate::vendor::vapi::{Take, VoiceCall};

struct Nothing;

impl Stored for Nothing {
    type Error = Infallible;
    fn known(&mut self, events: &[Event]) -> Result<Vec<Known>, Infallible> {
        Ok(vec![Known::No; events.len()])
    }
    fn changed(&mut self, _: &[(String, String)]) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }
    fn active(&mut self, _: &str, _: NaiveDate) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }
}

/// Ids with the seconds after midnight at which they were created.
type Calls = Vec<(&'static str, i64)>;

fn at(second: i64) -> DateTime<Utc> {
    parse("2026-11-01T00:00:00Z").unwrap() + TimeDelta::seconds(second)
}

fn day() -> Span {
    Span::Created(Window { from: at(0), to: at(3_600) })
}

fn walk(span: Span, limit: usize) -> Walk {
    Walk::new(Arc::new(Source { id: "org".to_owned() }), span, 4, limit)
}

/// The vendor: what it holds, newest first, cut by the parameters.
fn page(calls: &Calls, job: &Job) -> Outcome {
    let Job::Calls { span, up_to, limit, .. } = job else { unreachable!("a walk asks for nothing else") };
    let mut found: Calls = calls.clone();
    found.retain(|(_, second)| match span {
        Span::Created(window) => {
            window.from <= at(*second) && up_to.map_or(at(*second) < window.to, |up| at(*second) <= up)
        }
        Span::Changed(since) => *since <= at(*second + 60) && up_to.is_none_or(|up| at(*second) <= up),
    });
    found.sort_by_key(|(_, second)| -second);
    found.truncate(*limit);
    listing(&found, *limit)
}

fn listing(found: &Calls, limit: usize) -> Outcome {
    let mut batch = Batch::default();
    let take = Take { zone: chrono_tz::UTC, region: None, is_brief: false };
    let mut listed = Vec::new();
    for (id, second) in found {
        let json = serde_json::json!({"id": id, "createdAt": at(*second).to_rfc3339(), "updatedAt": at(*second + 60).to_rfc3339()}).to_string();
        batch.voice_calls.push(VoiceCall::of_poll(serde_json::from_str(&json).unwrap(), take).unwrap());
        listed.push(Listed { id: (*id).to_owned(), created_at: at(*second), updated_at: Some(at(*second + 60)) });
    }
    Outcome::Calls { batch, listed, received: found.len(), limit }
}

fn drive(walk: &mut Walk, mut answer: impl FnMut(&Job) -> Outcome) -> Result<Vec<String>, Error> {
    let mut stored = Vec::new();
    for _ in 0..100 {
        let Ok(Some(job)) = walk.poll(&mut Nothing) else {
            assert!(walk.is_finished());
            return Ok(stored);
        };
        let outcome = answer(&job);
        let Ok(batch) = walk.accept(&job, Ok(outcome), &mut Nothing);
        stored.extend(batch?.voice_calls.into_iter().map(|call| call.id));
    }
    panic!("the walk does not end")
}

#[test]
fn every_call_of_the_window_comes_once_whatever_the_size_of_a_page() {
    let calls: Calls =
        vec![("a", 10), ("b", 20), ("c", 20), ("d", 20), ("e", 30), ("f", 40), ("before", -1), ("after", 3_600)];
    for limit in 1..10 {
        let mut walk = walk(day(), limit);
        let mut got = drive(&mut walk, |job| page(&calls, job)).unwrap_or_else(|error| panic!("{limit}: {error}"));
        got.sort();
        assert_eq!(got, ["a", "b", "c", "d", "e", "f"], "{limit} a page");
        assert_eq!(walk.counts.fetched, 6);
    }
}

#[test]
fn more_calls_of_one_millisecond_than_a_page_holds_need_a_larger_page() {
    let calls: Calls = ["a", "b", "c", "d", "e", "f", "g"].into_iter().map(|id| (id, 7)).collect();
    assert_eq!(drive(&mut walk(day(), 2), |job| page(&calls, job)).unwrap().len(), 7);
}

#[test]
fn a_list_that_cannot_go_on_is_an_error_and_no_end() {
    let same = |_: &Job| {
        let Outcome::Calls { batch, listed, limit, .. } = listing(&vec![("a", 7)], 1) else { unreachable!() };
        Outcome::Calls { batch, listed, received: MOST, limit: limit.max(MOST) }
    };
    let error = drive(&mut walk(day(), MOST), same).unwrap_err().to_string();
    assert!(error.contains("cannot go on"), "{error}");
}

#[test]
fn a_list_in_another_order_is_an_error() {
    let error = drive(&mut walk(day(), 5), |_| listing(&vec![("a", 7), ("b", 8)], 5)).unwrap_err().to_string();
    assert!(error.contains("descending order"), "{error}");
}

#[test]
fn a_short_page_is_no_end_while_it_brings_something_new() {
    let calls: Calls = (0..9).map(|n| (["a", "b", "c", "d", "e", "f", "g", "h", "i"][n], n as i64)).collect();
    // The vendor gives three at most, whatever it is asked for.
    let got = drive(&mut walk(day(), 100), |job| {
        let Job::Calls { span, up_to, .. } = job else { unreachable!() };
        let Outcome::Calls { batch, listed, received, .. } =
            page(&calls, &Job::Calls { feed: 0, span: *span, up_to: *up_to, limit: 3 })
        else {
            unreachable!()
        };
        Outcome::Calls { batch, listed, received, limit: 100 }
    });
    assert_eq!(got.unwrap().len(), 9);
}

#[test]
fn a_walk_of_changes_knows_the_newest_of_them() {
    let calls: Calls = vec![("a", 10), ("b", 900), ("c", 500)];
    let mut changed = walk(Span::Changed(at(400)), 2);
    let mut got = drive(&mut changed, |job| page(&calls, job)).unwrap();
    got.sort();
    assert_eq!(got, ["b", "c"]);
    assert_eq!(changed.newest_change, Some(at(960)));
}

#[test]
fn a_long_window_is_read_from_several_places_at_once() {
    let mut long = walk(Span::Created(Window { from: at(0), to: at(86_400) }), 100);
    let asked: Vec<Job> = std::iter::from_fn(|| long.poll(&mut Nothing).unwrap()).collect();
    assert_eq!(asked.len(), 4);
}
