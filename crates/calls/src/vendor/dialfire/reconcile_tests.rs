use std::convert::Infallible;

use super::super::request::PageFacts;
use super::*;
use crate::secret::Secret;
use crate::vendor::dialfire::{Event, Known};

/// Stores contact "same" with the vendor's checksum, and knows "gone", which the vendor does not list.
struct Database;

impl Stored for Database {
    type Error = Infallible;
    fn known(&mut self, events: &[Event]) -> Result<Vec<Known>, Infallible> {
        Ok(vec![Known::No; events.len()])
    }
    fn changed(&mut self, contacts: &[(String, String)]) -> Result<Vec<String>, Infallible> {
        Ok(contacts.iter().filter(|(id, _)| id != "same").map(|(id, _)| id.clone()).collect())
    }
    fn active(&mut self, _: &str, _: NaiveDate) -> Result<Vec<String>, Infallible> {
        Ok(vec!["same".to_owned(), "gone".to_owned()])
    }
}

#[test]
fn fetches_what_differs_and_asks_for_whoever_is_not_listed() {
    let source = Source::for_tests("CAMPAIGN", Secret::new("t"));
    let mut path = Reconcile::new(source, NaiveDate::default(), Vec::new(), 10);
    let mut asked = Vec::new();
    while let Ok(Some(job)) = path.poll(&mut Database) {
        let outcome = match &job {
            Job::ContactList { cursor, .. } => {
                let (id, next) = if cursor.is_none() { ("same", Some("x".to_owned())) } else { ("other", None) };
                let entries = vec![(id.to_owned(), "md5".to_owned())];
                Outcome::ContactList { entries, page: PageFacts { cursor: next, count: None, received: 1 } }
            }
            Job::Contacts { wanted, .. } => {
                let ids: Vec<String> = wanted.iter().map(|(id, _)| id.clone()).collect();
                let missing = ids.iter().filter(|id| *id == "gone").cloned().collect();
                asked.extend(ids);
                Outcome::Contacts { batch: Batch::default(), unannounced: 0, missing }
            }
            _ => unreachable!("reconciling asks for nothing else"),
        };
        assert!(matches!(path.accept(&job, Ok(outcome), &mut Database), Ok(Ok(_))));
    }
    assert!(path.is_finished());
    assert_eq!(asked, ["other", "gone"]);
    assert_eq!(path.gone, ["gone"]);
    assert_eq!((path.counts.fetched, path.counts.unchanged), (2, 1));
}
