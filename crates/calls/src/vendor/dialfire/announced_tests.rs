use std::convert::Infallible;

use super::*;
use crate::vendor::dialfire::Known;

struct Nothing;

impl Stored for Nothing {
    type Error = Infallible;
    fn known(&mut self, events: &[Event]) -> Result<Vec<Known>, Infallible> {
        Ok(vec![Known::No; events.len()])
    }
    fn changed(&mut self, _: &[(String, String)]) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }
    fn active(&mut self, _: &str, _: chrono::NaiveDate) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }
}

fn event(contact: usize, index: u32) -> Event {
    Event::parse(&format!("2026-11-01T00:00:00.{index:03}Z|md5 {contact}|contact {contact}|{contact},{index}")).unwrap()
}

fn announced(limit: usize, contacts: usize) -> Announced {
    let mut announced = Announced { limit, ..Announced::default() };
    for index in 0..3 {
        for contact in 0..contacts {
            announced.add(&event(contact, index), &mut Nothing).unwrap();
        }
    }
    announced
}

fn all(announced: &mut Announced) -> Vec<(String, Vec<Wanted>)> {
    let mut all = Vec::new();
    while !announced.is_empty() {
        let taken = announced.take(7);
        // Only the last ones are fewer.
        assert!(taken.len() == 7 || announced.is_empty());
        all.extend(taken);
    }
    all
}

fn expected(contact: usize) -> (String, Vec<Wanted>) {
    let wanted = |event: Event| Wanted {
        fired: event.fired,
        md5: event.md5.into(),
        log_index: event.log_index,
        transaction_index: event.transaction_index,
    };
    (format!("contact {contact}"), (0..3).map(|index| wanted(event(contact, index))).collect())
}

#[test]
fn contacts_come_in_the_order_of_their_first_event_with_all_their_events() {
    let mut announced = announced(LIMIT, 400);
    assert_eq!(all(&mut announced), (0..400).map(expected).collect::<Vec<_>>());
    assert_eq!(announced.held.load(Relaxed), 0);
}

#[test]
fn beyond_the_limit_each_contact_comes_once_too() {
    let mut announced = announced(10_000, 400);
    assert!(announced.held.load(Relaxed) == 0 && !announced.aside.is_empty());
    let mut came = all(&mut announced);
    came.sort_by_key(|(contact, _)| contact["contact ".len()..].parse::<usize>().unwrap());
    assert_eq!(came, (0..400).map(expected).collect::<Vec<_>>());
    assert_eq!(announced.held.load(Relaxed), 0);
}

#[test]
fn the_limit_is_that_of_all_walks_together() {
    let held = Arc::default();
    let mut walks = [0, 1].map(|_| Announced { limit: 500, ..Announced::default() });
    walks.iter_mut().for_each(|walk| walk.sharing(&held));
    for contact in 0..20 {
        walks.iter_mut().for_each(|walk| walk.add(&event(contact, 0), &mut Nothing).unwrap());
        assert!(held.load(Relaxed) <= 500);
    }
    let [mut first, mut second] = walks;
    assert_eq!(all(&mut first).len(), 20);
    second.give_up();
    assert!(second.is_empty());
    assert_eq!(held.load(Relaxed), 0);
}
