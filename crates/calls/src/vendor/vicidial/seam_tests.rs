use super::*;

fn reasons(json: &str) -> Vec<&'static str> {
    let payload = serde_json::from_str::<&RawValue>(json).expect("JSON");
    let all = Vicidial::normalise(payload, None, Tz::UTC);
    all.into_iter().map(|one| one.reject.map_or(one.kind, |reject| reject.reason)).collect()
}

#[test]
fn an_array_gives_what_its_items_give_however_deep_they_lie() {
    let row = r#"{"uniqueid": "1763300000.42", "start_epoch": "1763300000", "status": "SALE"}"#;
    let alone = reasons(row);
    assert_eq!(alone, ["transaction", "connection"]);
    let twice = ["transaction", "transaction", "connection", "connection"];
    assert_eq!(reasons(&format!("[[{row}], [], [[{row}]]]")), twice);
    assert_eq!(reasons("[[1]]"), ["not_an_object"]);
    assert_eq!(reasons(&format!("{}{}", "[".repeat(50), "]".repeat(50))), ["too_deep"]);
}
