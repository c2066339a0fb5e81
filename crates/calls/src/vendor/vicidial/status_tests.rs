use super::*;

fn status(campaign_id: &str, code: &str, flags: &[&str]) -> Status {
    let flag = |name: &str| Some(if flags.contains(&name) { "Y" } else { "N" }.to_owned());
    Status {
        campaign_id: (!campaign_id.is_empty()).then(|| campaign_id.to_owned()),
        status: Some(code.to_owned()),
        sale: flag("sale"),
        dnc: flag("dnc"),
        not_interested: flag("not_interested"),
        unworkable: flag("unworkable"),
        ..Status::default()
    }
}

#[test]
fn a_campaigns_own_status_comes_before_the_systems() {
    let outcomes = Outcomes::of(&[
        status("", "SALE", &["sale"]),
        status("", "NI", &["not_interested"]),
        status("", "CALLBK", &[]),
        status("", "INCALL", &[]),
        status("TEST", "SALE", &["unworkable"]),
        status("TEST", "MYSALE", &["sale"]),
    ]);
    assert_eq!(outcomes.get("C1", "SALE"), Some("success"));
    assert_eq!(outcomes.get("C1", "sale"), Some("success"), "MariaDB's collation knows no case");
    assert_eq!(outcomes.get("TEST", "SALE"), Some("failed"));
    assert_eq!(outcomes.get("TEST", "MYSALE"), Some("success"));
    assert_eq!(outcomes.get("C1", "MYSALE"), None);
    assert_eq!(outcomes.get("C1", "NI"), Some("declined"));
    assert_eq!(outcomes.get("C1", "CALLBK"), Some("open"));
    assert_eq!(outcomes.get("C1", "INCALL"), None);
}

#[test]
fn flags_become_booleans_and_an_empty_enum_is_unknown() {
    let row = disposition(&Status { dnc: Some(String::new()), ..status("C1", "DNC", &[]) }).expect("a row");
    assert_eq!((row.id.as_str(), row.sale, row.dnc), ("C1/DNC", Some(false), None));
    assert!(disposition(&Status::default()).is_none());
}
