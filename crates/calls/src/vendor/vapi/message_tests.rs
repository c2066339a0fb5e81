use super::*;
use crate::row::Row;

const TAKE: Take = Take { zone: chrono_tz::UTC, region: None, is_brief: false };

fn event(body: &str) -> Event {
    read(body, TAKE).unwrap_or_else(|refused| panic!("{refused:?}"))
}

/// What really came in 2024, with other values: the copy of the call is from when it was created.
const REFUSED: &str = r#"{"message":{"type":"status-update","status":"ended",
    "endedReason":"assistant-request-returned-invalid-assistant","timestamp":"2024-07-13T21:28:01.344Z",
    "call":{"id":"c-1","orgId":"o","createdAt":"2024-07-13T21:27:59.738Z","updatedAt":"2024-07-13T21:27:59.738Z",
        "type":"inboundPhoneCall","status":"ringing","assistantId":null,"customer":{"number":"+15550100002"}},
    "phoneNumber":{"id":"p","number":"+15550100003","twilioAuthToken":"s3cret"},"customer":{"number":"+15550100002"}}}"#;

#[test]
fn the_outcome_stands_in_the_message_and_the_identity_in_its_call() {
    let event = event(REFUSED);
    let row = event.call.to_json();
    assert_eq!((event.kind.as_str(), event.status.as_str()), ("status-update", "ended"));
    assert_eq!(row["vendor_status"], "ended");
    assert_eq!(row["ended_reason"], "assistant-request-returned-invalid-assistant");
    assert_eq!((&row["id"], &row["direction"]), (&"c-1".into(), &"inbound".into()));
    assert_eq!(row["line_number"], "+15550100003");
    assert!(!serde_json::Value::from(row).to_string().contains("s3cret"));
}

#[test]
fn a_timestamp_is_read_as_text_and_as_milliseconds() {
    let as_number = REFUSED.replace("\"2024-07-13T21:28:01.344Z\"", "1720906081344");
    assert_eq!(event(&as_number).call, event(REFUSED).call);
}

#[test]
fn a_report_ends_the_call_and_brings_its_analysis() {
    let row = event(
        r#"{"message":{"type":"end-of-call-report","endedReason":"customer-ended-call","timestamp":1727030665008,
        "startedAt":"2024-09-22T18:44:22Z","endedAt":"2024-09-22T18:44:25Z","cost":0.0123,
        "analysis":{"summary":"booked","structuredData":{"leadScore":85}},
        "artifact":{"transcript":"AI: hi","recordingUrl":"https://storage.example/r.wav"},
        "call":{"id":"c-2","createdAt":"2024-09-22T18:44:20.097Z","updatedAt":"2024-09-22T18:44:20.097Z","type":"webCall","status":"queued"}}}"#,
    )
    .call
    .to_json();
    assert_eq!((&row["vendor_status"], &row["summary"]), (&"ended".into(), &"booked".into()));
    assert_eq!((&row["transcript"], &row["is_test"]), (&"AI: hi".into(), &true.into()));
}

#[test]
fn a_reason_in_the_copy_of_the_call_counts_where_the_message_has_none() {
    let moved = REFUSED
        .replace("\"endedReason\":\"assistant-request-returned-invalid-assistant\",", "")
        .replace("\"status\":\"ringing\"", "\"status\":\"ringing\",\"endedReason\":\"customer-busy\"");
    assert_eq!(event(&moved).call.to_json()["ended_reason"], "customer-busy");
}

#[test]
fn other_messages_are_ignored_with_or_without_a_call() {
    for kind in ["speech-update", "call.started", "transcript[transcriptType=\\\"final\\\"]", "hang"] {
        let body = format!(r#"{{"message":{{"type":"{kind}"}}}}"#);
        assert!(matches!(read(&body, TAKE), Err(Refused::Ignored { .. })), "{kind}");
    }
}

#[test]
fn a_message_that_names_no_call_is_refused() {
    for call in ["", r#","call":null"#, r#","call":{}"#, r#","call":{"id":""}"#, r#","call":{"id":null}"#] {
        let body = format!(r#"{{"message":{{"type":"status-update","status":"queued"{call}}}}}"#);
        match read(&body, TAKE) {
            Err(Refused::Bad { call_id: None, fault }) => assert_eq!(fault.field, "call.id", "{call}"),
            other => panic!("{call}: {other:?}"),
        }
    }
}

#[test]
fn what_is_no_message_is_unreadable() {
    for body in ["", "nothing", "[]", "{}", r#"{"message":7}"#, r#"{"message":{}}"#, r#"{"message":{"type":null}}"#] {
        assert!(matches!(read(body, TAKE), Err(Refused::Unreadable { .. })), "{body}");
    }
}
