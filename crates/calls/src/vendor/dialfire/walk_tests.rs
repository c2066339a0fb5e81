use std::convert::Infallible;

use super::*;
use crate::instant::parse;
use crate::secret::Secret;

/// A database that answers every event alike.
struct Always(Known);

impl Stored for Always {
    type Error = Infallible;
    fn known(&mut self, events: &[Event]) -> Result<Vec<Known>, Infallible> {
        Ok(vec![self.0; events.len()])
    }
    fn changed(&mut self, _: &[(String, String)]) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }
    fn active(&mut self, _: &str, _: NaiveDate) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }
}

fn window(from: &str, to: &str) -> Window {
    Window { from: parse(from).unwrap(), to: parse(to).unwrap() }
}

fn day() -> Window {
    window("2026-11-01T00:00:00Z", "2026-11-01T05:00:00Z")
}

fn walk(window: Window, places: usize) -> Walk {
    Walk::new(Source::for_tests("CAMPAIGN", Secret::new("t")), window, places, 2)
}

fn event(fired: &str, contact: &str) -> Event {
    Event::parse(&format!("{fired}|md5|{contact}|0,0")).unwrap()
}

fn page(events: Vec<Event>, cursor: Option<&str>, count: u64) -> Result<Outcome, Error> {
    let received = events.len() as u64;
    let page = PageFacts { cursor: cursor.map(str::to_owned), count: Some(count), received };
    Ok(Outcome::Events { events, page, rejects: Vec::new(), records: Vec::new() })
}

/// Answers every job of the walk by `answer`; returns the contacts asked for and how the walk ended.
fn drive(
    walk: &mut Walk,
    known: Known,
    mut answer: impl FnMut(&Window, Option<&str>) -> Result<Outcome, Error>,
) -> (Vec<Vec<String>>, Result<(), Error>) {
    let mut stored = Always(known);
    let mut asked = Vec::new();
    while let Ok(Some(job)) = walk.poll(&mut stored) {
        let outcome = match &job {
            Job::Events { window, cursor, .. } => answer(window, cursor.as_deref()),
            Job::InboundCalls { .. } => Ok(Outcome::InboundCalls {
                batch: Batch::default(),
                page: PageFacts { cursor: None, count: None, received: 0 },
            }),
            Job::Contacts { wanted, .. } => {
                asked.push(wanted.iter().map(|(id, _)| id.clone()).collect());
                Ok(Outcome::Contacts { batch: Batch::default(), unannounced: 0, missing: Vec::new() })
            }
            _ => unreachable!("a walk asks for nothing else"),
        };
        let Ok(accepted) = walk.accept(&job, outcome, &mut stored);
        if let Err(error) = accepted {
            return (asked, Err(error));
        }
    }
    assert!(walk.is_finished());
    (asked, Ok(()))
}

#[test]
fn follows_the_cursor_and_asks_for_each_contact_once() {
    let mut walk = walk(day(), 1);
    let (asked, ended) = drive(&mut walk, Known::No, |_, cursor| match cursor {
        None => page(vec![event("2026-11-01T01:00:00Z", "A"), event("2026-11-01T02:00:00Z", "B")], Some("x"), 2),
        Some("x") => page(Vec::new(), Some("y"), 0),
        _ => page(vec![event("2026-11-01T03:00:00Z", "A"), event("2026-11-01T04:00:00Z", "C")], None, 2),
    });
    assert_eq!(ended, Ok(()));
    assert_eq!(asked, [vec!["A", "B"], vec!["C"]]);
    assert_eq!((walk.counts.fetched, walk.counts.pages), (4, 4));
}

#[test]
fn what_is_stored_is_not_asked_for() {
    let events = || page(vec![event("2026-11-01T01:00:00Z", "A")], None, 1);
    let mut stored = walk(day(), 1);
    assert_eq!(drive(&mut stored, Known::Stored, |_, _| events()).0, Vec::<Vec<String>>::new());
    assert_eq!(stored.counts.unchanged, 1);
    let mut rejected = walk(day(), 1);
    assert_eq!(drive(&mut rejected, Known::Rejected, |_, _| events()).0, Vec::<Vec<String>>::new());
    assert_eq!(rejected.counts.skipped["rejected_before"], 1);
}

#[test]
fn a_repeated_line_counts_once() {
    let mut walk = walk(day(), 1);
    let twice = || vec![event("2026-11-01T01:00:00Z", "A"), event("2026-11-01T01:00:00Z", "A")];
    let (asked, _) = drive(&mut walk, Known::No, |_, _| page(twice(), None, 2));
    assert_eq!(asked, [["A"]]);
    assert_eq!(walk.counts.skipped["duplicate_event"], 1);
}

#[test]
fn the_edges_belong_to_the_neighbours() {
    let mut walk = walk(day(), 1);
    let edges = || {
        vec![
            event("2026-10-31T23:59:59.999Z", "before"),
            event("2026-11-01T00:00:00.000Z", "first"),
            event("2026-11-01T04:59:59.999Z", "last"),
            event("2026-11-01T05:00:00.000Z", "after"),
            event("2026-10-20T00:00:00.000Z", "changed"),
        ]
    };
    let (asked, _) = drive(&mut walk, Known::No, |_, _| page(edges(), None, 5));
    assert_eq!(asked.concat(), ["first", "last", "changed"]);
    assert_eq!(walk.counts.fetched, 3);
}

#[test]
fn slices_touch_and_none_is_left_out() {
    let month = window("2026-10-01T00:00:00Z", "2026-11-01T00:00:00.001Z");
    let mut seen = Vec::new();
    let mut walk = walk(month, 4);
    let (_, ended) = drive(&mut walk, Known::No, |window, _| {
        seen.push(*window);
        page(Vec::new(), None, 0)
    });
    assert_eq!(ended, Ok(()));
    seen.sort_by_key(|w| w.from);
    assert_eq!(seen.len(), 4);
    assert_eq!((seen[0].from, seen[3].to), (month.from, month.to));
    assert!(seen.windows(2).all(|pair| pair[0].to == pair[1].from));
}

#[test]
fn a_cursor_that_comes_again_is_an_error() {
    let (_, ended) = drive(&mut walk(day(), 1), Known::No, |_, _| page(Vec::new(), Some("same"), 0));
    assert!(ended.unwrap_err().to_string().contains("followed before"));
}

#[test]
fn a_short_page_is_an_error_whatever_count_means() {
    let one = || vec![event("2026-11-01T01:00:00Z", "A")];
    // count of the list: 3 announced, 1 came.
    let (_, ended) = drive(&mut walk(day(), 1), Known::No, |_, _| page(one(), None, 3));
    assert!(ended.unwrap_err().to_string().contains("short"));
    // count of the page: the second page lacks one.
    let mut pages = 0;
    let (_, ended) = drive(&mut walk(day(), 1), Known::No, |_, _| {
        pages += 1;
        match pages {
            1 => page(one(), Some("a"), 1),
            2 => page(one(), Some("b"), 2),
            3 => page(one(), Some("c"), 1),
            _ => page(one(), None, 1),
        }
    });
    assert!(ended.unwrap_err().to_string().contains("short"));
    // count of the page: every page lacks one.
    let mut pages = 0;
    let (_, ended) = drive(&mut walk(day(), 1), Known::No, |_, _| {
        pages += 1;
        page(one(), ["a", "b"].get(pages - 1).copied(), 2)
    });
    assert!(ended.unwrap_err().to_string().contains("short"));
    // count of the list on every page, and all of it came.
    let mut pages = 0;
    let (_, ended) = drive(&mut walk(day(), 1), Known::No, |_, _| {
        pages += 1;
        page(one(), (pages == 1).then_some("a"), 2)
    });
    assert_eq!(ended, Ok(()));
}

#[test]
fn an_error_ends_the_window_and_no_inbound_calls_do_not() {
    let failed = Error::Exhausted { status: 500, attempts: 5, body: String::new() };
    let (_, ended) = drive(&mut walk(day(), 1), Known::No, |_, _| Err(failed.clone()));
    assert_eq!(ended, Err(failed));
    let mut walk = walk(day(), 1);
    let mut stored = Always(Known::No);
    let Ok(events) = walk.poll(&mut stored);
    let Ok(inbound) = walk.poll(&mut stored);
    let (events, inbound) = (events.unwrap(), inbound.unwrap());
    let absent = Error::Status { status: 404, body: "404 - Not Found".to_owned() };
    assert!(matches!(walk.accept(&inbound, Err(absent), &mut stored), Ok(Ok(_))));
    assert!(matches!(walk.accept(&events, page(Vec::new(), None, 0), &mut stored), Ok(Ok(_))));
    assert!(walk.is_finished());
    assert_eq!(walk.counts.skipped["no_inbound_calls"], 1);
}
