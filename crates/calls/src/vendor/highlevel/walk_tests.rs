use std::convert::Infallible;

use chrono::NaiveDate;

use super::*;
use crate::instant::parse;
use crate::row::Transaction;
use crate::vendor::dialfire::{Event, Known};
use crate::vendor::Walk as _;

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

fn walk() -> Walk {
    let window = Window { from: parse("2026-11-01T00:00:00Z").unwrap(), to: parse("2026-11-02T00:00:00Z").unwrap() };
    Walk::new(Arc::new(Location { id: "LOC".to_owned() }), window, 2, false)
}

/// A vendor that answers each page from the list as it is at that moment.
fn follow(
    walk: &mut Walk,
    mut list: impl FnMut(u64, u32) -> (Vec<&'static str>, Option<u64>),
) -> (Vec<String>, Option<Error>) {
    let mut stored = Vec::new();
    while let Ok(Some(job)) = walk.poll(&mut Nothing) {
        let Job::Calls { page, round, .. } = &job else { panic!("no page of calls") };
        let (ids, total) = list(*page, *round);
        let mut answer = Page { received: ids.len() as u64, total, ..Page::default() };
        for id in ids {
            answer.keys.push(id.to_owned());
            answer.messages.push(None);
            answer.batch.transactions.push(Transaction {
                id: id.to_owned(),
                fired: parse("2026-11-01T10:00:00Z").ok(),
                ..Transaction::default()
            });
        }
        match walk.accept(&job, Ok(Outcome::Calls(Box::new(answer))), &mut Nothing) {
            Ok(Ok(batch)) => stored.extend(batch.transactions.into_iter().map(|call| call.id)),
            Ok(Err(error)) => return (stored, Some(error)),
        }
    }
    (stored, None)
}

#[test]
fn every_page_is_read_until_the_total_is_there() {
    let mut walk = walk();
    let pages = [vec!["a", "b"], vec!["c", "d"], vec!["e"]];
    let (stored, error) = follow(&mut walk, |page, _| (pages[page as usize - 1].clone(), Some(5)));
    assert_eq!((stored.len(), error), (5, None));
    assert!(walk.is_finished());
    assert_eq!((walk.counts().fetched, walk.counts().pages), (5, 3));
}

#[test]
fn a_vendor_that_gives_fewer_a_page_than_asked_is_read_to_the_end() {
    let mut walk = walk();
    let (stored, error) = follow(&mut walk, |page, _| (vec![["a", "b", "c"][page as usize - 1]], Some(3)));
    assert_eq!((stored, error), (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], None));
}

#[test]
fn an_empty_account_is_finished_after_one_page() {
    let mut walk = walk();
    assert_eq!(follow(&mut walk, |_, _| (vec![], Some(0))), (vec![], None));
    assert!(walk.is_finished());
}

#[test]
fn without_a_total_only_an_empty_page_ends_the_list() {
    let mut walk = walk();
    let pages = [vec!["a", "b"], vec!["c"], vec![]];
    let (stored, error) = follow(&mut walk, |page, _| (pages[page as usize - 1].clone(), None));
    assert_eq!((stored.len(), error), (3, None));
    assert!(walk.is_finished());
}

#[test]
fn a_list_that_shifts_is_read_again_and_nothing_is_stored_twice() {
    let mut walk = walk();
    let (stored, error) = follow(&mut walk, |page, round| match (round, page) {
        (1, 1) => (vec!["a", "b"], Some(3)),
        // A call that began earlier has ended only now: it pushes "b" to the second page.
        (1, _) => (vec!["b", "c"], Some(4)),
        (_, 1) => (vec!["0", "a"], Some(4)),
        (_, _) => (vec!["b", "c"], Some(4)),
    });
    assert_eq!(error, None);
    assert_eq!(stored, ["a", "b", "c", "0"]);
    assert!(walk.is_finished());
    assert_eq!(walk.counts().skipped.get("list_read_again"), Some(&1));
    assert_eq!(walk.counts().fetched, 4);
}

#[test]
fn a_list_that_never_adds_up_is_an_error_of_the_window() {
    let mut walk = walk();
    let (_, error) =
        follow(&mut walk, |page, _| if page == 1 { (vec!["a", "b"], Some(4)) } else { (vec!["c"], Some(4)) });
    let error = error.unwrap().to_string();
    assert!(error.contains("4 were announced, 3 arrived"), "{error}");
    assert!(!walk.is_finished());
}

#[test]
fn a_server_that_repeats_its_first_page_is_an_error() {
    let mut walk = walk();
    let (_, error) = follow(&mut walk, |_, _| (vec!["a", "b"], Some(6)));
    assert!(error.unwrap().to_string().contains("came twice"));
}

#[test]
fn messages_that_may_not_be_read_cost_direction_and_status_only() {
    let mut walk = Walk { messages: Messages::Ready(None), ..walk() };
    let job = walk.poll(&mut Nothing).unwrap().unwrap();
    let refused = Err(Error::Status { status: 401, body: String::new() });
    assert!(walk.accept(&job, refused, &mut Nothing).unwrap().is_ok());
    assert_eq!(walk.counts().skipped.get("messages_not_readable"), Some(&1));
    assert!(matches!(walk.poll(&mut Nothing).unwrap(), Some(Job::Calls { page: 1, .. })));
}

#[test]
fn messages_that_fail_for_a_passing_reason_leave_the_window_open() {
    let mut walk = Walk { messages: Messages::Ready(None), ..walk() };
    let job = walk.poll(&mut Nothing).unwrap().unwrap();
    let failed = Err(Error::Exhausted { status: 503, attempts: 5, body: String::new() });
    assert!(walk.accept(&job, failed, &mut Nothing).unwrap().is_err());
    assert!(!walk.is_finished());
}
