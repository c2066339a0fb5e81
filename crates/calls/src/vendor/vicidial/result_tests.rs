use super::*;

fn of(body: Value) -> Result<Call, Box<Reject>> {
    result(body.as_object().expect("an object"), chrono_tz::America::New_York, &Outcomes::default())
}

#[test]
fn the_briefs_body_is_answered_with_the_briefs_object() {
    let call = of(json!({
        "uniqueid": "1634567890.123", "leadId": "12345", "campaignId": "CAMPAIGN001", "phoneNumber": "5551234567",
        "disposition": "SALE", "duration": 45, "agentId": "agent001", "timestamp": 1634567890
    }))
    .expect("a call");
    assert_eq!(call.transaction.id, "log:1634567890.123");
    assert_eq!(call.transaction.contact_id.as_deref(), Some("12345"));
    assert_eq!(call.transaction.user_login.as_deref(), Some("agent001"));
    assert_eq!(call.transaction.fired.map(|at| at.timestamp()), Some(1634567890));
    assert_eq!(call.connection.ended.map(|at| at.timestamp()), Some(1634567935));
    assert_eq!(call.connection.duration_ms, Some(45_000));
    assert_eq!(
        accepted(&call),
        json!({"success": true, "message": "Call result recorded", "data": {
            "recordId": "log:1634567890.123", "uniqueid": "1634567890.123", "disposition": "SALE"}})
    );
}

#[test]
fn the_table_of_fields_is_taken_whole() {
    let body = Map::from_iter(FIELDS.iter().map(|(name, _)| ((*name).to_owned(), json!("1"))));
    let call = result(&body, chrono_tz::UTC, &Outcomes::default()).expect("a call");
    let extra = call.transaction.extra.expect("more").0;
    for name in ["list_id", "phone_code", "comments", "alt_dial", "called_count"] {
        assert!(extra.contains(name), "{name}: {extra}");
    }
    assert_eq!(call.transaction.user_branch.as_deref(), Some("1"));
    assert_eq!(call.connection.hangup_party.as_deref(), Some("1"));
}

#[test]
fn a_body_without_an_id_or_a_time_is_rejected() {
    assert_eq!(of(json!({"leadId": 1, "timestamp": 1634567890})).unwrap_err().field, "uniqueid");
    assert_eq!(of(json!({"uniqueid": "x.1"})).unwrap_err().field, "start_epoch");
    assert!(of(json!({"uniqueid": "1634567890.123"})).is_ok(), "the unique id begins with the start");
}
