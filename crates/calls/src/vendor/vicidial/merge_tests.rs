use super::*;
use crate::vendor::vicidial::{call, LogRow, Outcomes};

fn incoming(key: &str, end: Option<&str>, status: &str, is_archived: bool) -> Incoming {
    let row = LogRow {
        uniqueid: Some(key.to_owned()),
        lead_id: Some("7".to_owned()),
        start_epoch: Some("1763200000".to_owned()),
        end_epoch: end.map(str::to_owned),
        phone_number: Some("5557".to_owned()),
        status: Some(status.to_owned()),
        ..LogRow::default()
    };
    let call = call(Table::Log, &row, chrono_tz::UTC, &Outcomes::default()).expect("a call");
    Incoming { key: key.to_owned(), call, is_archived }
}

fn stored(id: &str, found: &Incoming) -> Alike {
    Alike {
        id: id.to_owned(),
        former: None,
        checksum: found.call.transaction.event_md5.clone(),
        has_ended: found.call.connection.ended.is_some(),
        status: found.call.connection.result.clone(),
    }
}

const END: Option<&str> = Some("1763200060");

fn ids(merged: &Merged) -> Vec<&str> {
    merged.calls.iter().map(|call| call.transaction.id.as_str()).collect()
}

#[test]
fn a_row_that_says_what_is_stored_is_left_alone() {
    let found = incoming("1.1", END, "SALE", false);
    let same = stored("log:1.1", &found);
    let merged = merge(Table::Log, vec![found], vec![vec![same]]);
    assert_eq!((merged.unchanged, merged.calls.len()), (1, 0));
    assert_eq!(merged.owners["1.1"].call_id, "log:1.1", "its recordings may have changed all the same");
}

#[test]
fn an_id_that_was_rewritten_is_the_same_call() {
    let before = stored("log:1.1", &incoming("1.1", None, "INCALL", false));
    let mut merged = merge(Table::Log, vec![incoming("1.9", END, "SALE", false)], vec![vec![before.clone()]]);
    assert_eq!(ids(&merged), ["log:1.9"]);
    assert_eq!(merged.suspects.len(), 1);
    let gone = merged.renamed(Table::Log, &HashSet::new(), &HashSet::from(["1.1".to_owned()]));
    assert_eq!(gone, [Renamed { from: "log:1.1".into(), to: "log:1.9".into(), former: "1.1".into() }]);
    assert_eq!(merged.owners["1.1"].call_id, "log:1.9", "recordings stand under the old id");
    // Both stand at the dialler: two calls.
    let mut merged = merge(Table::Log, vec![incoming("1.9", END, "SALE", false)], vec![vec![before]]);
    assert!(merged.renamed(Table::Log, &HashSet::from(["1.1".to_owned()]), &HashSet::new()).is_empty());
}

#[test]
fn a_call_that_comes_in_the_same_page_is_another_one() {
    let found = || vec![incoming("1.1", END, "A", false), incoming("1.2", END, "A", false)];
    let first = stored("log:1.1", &found()[0]);
    let merged = merge(Table::Log, found(), vec![vec![first.clone()], vec![first]]);
    assert_eq!((ids(&merged), merged.unchanged, merged.suspects.len()), (vec!["log:1.2"], 1, 0));
}

#[test]
fn an_archived_copy_neither_takes_a_call_back_nor_adds_one() {
    let done = Alike { former: Some("1.1".to_owned()), ..stored("log:1.9", &incoming("1.9", END, "SALE", false)) };
    for copy in [incoming("1.9", None, "INCALL", true), incoming("1.1", None, "INCALL", true)] {
        let merged = merge(Table::Log, vec![copy], vec![vec![done.clone()]]);
        assert_eq!((merged.calls.len(), merged.unchanged, merged.suspects.len()), (0, 1, 0));
    }
    // What the archive knows better is taken.
    let open = stored("log:1.9", &incoming("1.9", None, "INCALL", false));
    let merged = merge(Table::Log, vec![incoming("1.9", END, "SALE", true)], vec![vec![open]]);
    assert_eq!(ids(&merged), ["log:1.9"]);
}
