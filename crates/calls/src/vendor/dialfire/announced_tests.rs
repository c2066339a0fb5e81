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
    Event::parse(&format!("2026-11-01T00:00:00.{index:03}Z|md5|contact {contact}|0,{index}")).unwrap()
}

fn all(announced: &mut Announced) -> Vec<(String, Vec<Wanted>)> {
    let mut all = Vec::new();
    while !announced.is_empty() {
        all.extend(announced.take(7));
    }
    all
}

#[test]
fn beyond_the_limit_each_contact_comes_once_with_all_its_events() {
    let mut announced = Announced { limit: 50, ..Announced::default() };
    for index in 0..3 {
        for contact in 0..400 {
            announced.add(event(contact, index), &mut Nothing).unwrap();
        }
    }
    // Those whose contact is in memory are held with it.
    assert_eq!(announced.held.load(Relaxed), 150);
    let mut came = all(&mut announced);
    came.sort();
    let mut expected: Vec<_> = (0..400).map(|contact| format!("contact {contact}")).collect();
    expected.sort();
    assert_eq!(came.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), expected);
    assert!(came.iter().all(|(_, events)| events.iter().map(|e| e.transaction_index).eq(0..3)));
    assert_eq!(announced.held.load(Relaxed), 0);
}

#[test]
fn the_limit_is_that_of_all_walks_together() {
    let held = Arc::default();
    let mut walks = [0, 1].map(|_| Announced { limit: 10, ..Announced::default() });
    walks.iter_mut().for_each(|walk| walk.sharing(&held));
    for contact in 0..20 {
        walks.iter_mut().for_each(|walk| walk.add(event(contact, 0), &mut Nothing).unwrap());
    }
    assert_eq!(held.load(Relaxed), 10);
    let [mut first, mut second] = walks;
    assert_eq!(all(&mut first).len(), 20);
    second.give_up();
    assert!(second.is_empty());
    assert_eq!(held.load(Relaxed), 0);
}
