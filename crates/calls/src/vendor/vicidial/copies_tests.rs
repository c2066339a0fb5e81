use super::*;

fn row(uniqueid: &str, lead: &str, end: Option<&str>, status: &str) -> LogRow {
    LogRow {
        uniqueid: Some(uniqueid.to_owned()),
        lead_id: Some(lead.to_owned()),
        start_epoch: Some("1763200000".to_owned()),
        end_epoch: end.map(str::to_owned),
        phone_number: Some(format!("555{lead}")),
        status: Some(status.to_owned()),
        ..LogRow::default()
    }
}

fn ids(rows: &[LogRow]) -> Vec<&str> {
    rows.iter().filter_map(|row| row.uniqueid.as_deref()).collect()
}

#[test]
fn a_live_row_comes_before_its_copy() {
    let live = [row("1.1", "1", Some("1763200060"), "SALE")];
    let archived = vec![row("1.1", "1", None, "INCALL"), row("1.2", "2", Some("1763200070"), "NI")];
    assert_eq!(ids(&without_copies(Table::Log, &live, archived)), ["1.2"]);
}

#[test]
fn a_copy_under_an_id_that_was_rewritten_since_is_no_call() {
    let live = [row("1.9", "1", Some("1763200060"), "SALE")];
    assert!(without_copies(Table::Log, &live, vec![row("1.1", "1", None, "INCALL")]).is_empty());
    let both = vec![row("1.1", "1", None, "INCALL"), row("1.9", "1", Some("1763200060"), "SALE")];
    assert_eq!(ids(&without_copies(Table::Log, &[], both)), ["1.9"]);
}

#[test]
fn calls_that_have_ended_are_two_calls_however_alike_they_are() {
    let alike = vec![row("1.1", "1", Some("1763200060"), "A"), row("1.2", "1", Some("1763200060"), "A")];
    assert_eq!(ids(&without_copies(Table::Log, &[], alike)), ["1.1", "1.2"]);
    let open = vec![row("1.1", "1", None, "INCALL"), row("1.2", "1", None, "INCALL")];
    assert_eq!(ids(&without_copies(Table::Log, &[], open)), ["1.1", "1.2"]);
}
