use super::*;

const CAMPAIGNS: &str = r#"[{"title":"TFR 1","owner":"fooowner","hidden":false,"status":"active","features":["camp_cust","camp_script"],"id":"campid12345","permissions":{"roles":["campaignAPI"],"token":"secret12345","actions":{}}},{"title":"TFR 2","owner":"fooowner","hidden":false,"status":"active","features":["camp_cust","camp_script"],"id":"campid23456","permissions":{"roles":[],"token":"secret23456","actions":{}}}]"#;

#[test]
fn campaigns_know_whether_they_are_open() {
    let list = campaigns(CAMPAIGNS.as_bytes()).unwrap();
    let open: Vec<_> = list.iter().map(|o| (o.campaign.title.as_deref().unwrap(), o.campaign.api_access)).collect();
    assert_eq!(open, [("TFR 1", Some(true)), ("TFR 2", Some(false))]);
    assert_eq!(list[0].token.as_ref().unwrap().expose(), "secret12345");
}

#[test]
fn an_answer_of_another_shape_is_an_error_and_not_an_empty_list() {
    for body in [r#"{"error":"quota exceeded"}"#, "[", "null", "<html>", ""] {
        assert!(campaigns(body.as_bytes()).is_err(), "{body}");
        assert!(page("events", body.as_bytes()).is_err(), "{body}");
        assert!(list("the contacts", body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn users_are_read_whatever_wraps_them() {
    let user = r#"{"id":"u1","loginName":"Jane.Doe","firstName":"Jane","lastName":"Doe"}"#;
    for body in [format!("[{user}]"), format!(r#"{{"results":[{user},{{"id":"u2"}},7]}}"#)] {
        let list = users(body.as_bytes()).unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!((list[0].login.as_str(), list[0].name.as_deref()), ("Jane.Doe", Some("Jane Doe")));
    }
}

#[test]
fn a_bad_line_does_not_spoil_its_page() {
    let body = br#"{"count":3,"results":["2026-11-01T10:00:00.000Z|m|C|0,0","rubbish",5],"cursor":""}"#;
    let page = page("events", body).unwrap();
    assert_eq!(page.cursor, None);
    let (events, rejects) = events(&page.results, "CAMPAIGN");
    assert_eq!((events.len(), rejects.len()), (1, 2));
    assert_eq!(rejects[0].payload, "\"rubbish\"");
}

#[test]
fn inbound_calls_get_our_names() {
    let raw: &RawValue = serde_json::from_str(
        r#"{"id":"I1","calling_number":"+49","called_number":"+357","call_time":"2026-11-01T22:30:00Z","hangup_time":"","dispatch_error":"0","x":1}"#,
    )
    .unwrap();
    let mut batch = Batch::default();
    inbound_calls(&[raw], "CAMPAIGN", chrono_tz::Europe::Nicosia, &mut batch);
    let call = &batch.inbound_calls[0];
    assert_eq!((call.remote_number.as_deref(), call.line_number.as_deref()), (Some("+49"), Some("+357")));
    assert_eq!((call.disconnected, call.dispatch_error), (None, Some(false)));
    assert_eq!(call.day.unwrap().to_string(), "2026-11-02");
}

#[test]
fn normalise_sorts_records_by_their_shape() {
    let kinds = |json: &str| {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        normalise(raw, "CAMPAIGN", chrono_tz::UTC)
            .into_iter()
            .map(|n| (n.kind, n.reject.map(|r| r.reason)))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(r#"{"$id":"C","$task_log":[{"transactions":[{"fired":"2026-11-01T10:00:00Z"}]}]}"#),
        [("contact", None), ("transaction", None)]
    );
    assert_eq!(kinds(r#"["2026-11-01T10:00:00.000Z|m|C|0,0"]"#), [("event", None)]);
    assert_eq!(
        kinds(r#"{"count":1,"results":[{"id":"I","call_time":"2026-11-01T10:00:00Z"}]}"#),
        [("inbound_call", None)]
    );
    assert_eq!(kinds("7"), [("payload", Some("not_an_object"))]);
    assert_eq!(kinds(r#"{"a":1}"#), [("contact", Some("missing_field"))]);
}
