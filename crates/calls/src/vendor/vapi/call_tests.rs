use super::*;

const TAKE: Take = Take { zone: chrono_tz::Europe::Nicosia, region: Some("US"), is_brief: false };

fn polled(json: &str) -> Map<String, Value> {
    VoiceCall::of_poll(serde_json::from_str(json).unwrap(), TAKE).unwrap().to_json()
}

/// What the API really sent in 2025, with other values.
pub const ENDED: &str = r#"{"id":"c-1","orgId":"org-1","assistantId":"a-1","phoneNumberId":"p-1","type":"outboundPhoneCall",
    "createdAt":"2025-06-17T22:09:13.351Z","startedAt":"2025-06-17T22:09:30.485Z","endedAt":"2025-06-17T22:10:21.316Z",
    "updatedAt":"2025-06-17T22:10:26.647Z","cost":0.069,"status":"ended","endedReason":"voicemail",
    "transcript":"[legacy] AI: hello","recordingUrl":"https://storage.example/legacy.wav?X-Amz-Signature=abc",
    "summary":"[legacy]","customer":{"number":"(415) 555-2671","name":"Test"},
    "assistant":{"name":"Anna","model":{"messages":[{"content":"a prompt"}]},"server":{"secret":"s3cret"}},
    "assistantOverrides":{"variableValues":{"order":7,"apiKey":"s3cret"},"metadata":{"is_test_call":true}},
    "costBreakdown":{"total":0.069,"stt":0.0091},"costs":[{"type":"vapi","cost":1.89e-05}],
    "phoneCallProvider":"vapi","phoneCallTransport":"pstn","monitor":{"controlUrl":"https://s3cret.example"},
    "analysis":{"summary":"...","successEvaluation":"false","structuredData":{"leadScore":85}},
    "artifact":{"transcript":"User: hi","presignedMonoUrl":"https://s3cret.example/x",
        "recording":{"stereoUrl":"https://storage.example/stereo.wav","mono":{"combinedUrl":"https://storage.example/mono.wav"}}}}"#;

#[test]
fn a_call_becomes_a_row() {
    let row = polled(ENDED);
    for (column, value) in [
        ("id", Value::from("c-1")),
        ("direction", "outbound".into()),
        ("vendor_status", "ended".into()),
        ("ended_reason", "voicemail".into()),
        ("created_at", "2025-06-17T22:09:13.351Z".into()),
        ("cost", serde_json::from_str("0.069").unwrap()),
        ("customer_number", "(415) 555-2671".into()),
        ("customer_e164", "+14155552671".into()),
        ("customer_name", "Test".into()),
        ("assistant_name", "Anna".into()),
        ("structured_data", serde_json::json!({"leadScore": 85})),
        ("success_evaluation", "false".into()),
        ("is_test", true.into()),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
}

#[test]
fn its_day_is_the_tenants() {
    assert_eq!(polled(ENDED)["day"], "2025-06-18");
}

#[test]
fn the_artifact_outranks_where_older_versions_had_the_same() {
    let row = polled(ENDED);
    assert_eq!(row["transcript"], "User: hi");
    assert_eq!(row["summary"], "...");
    assert_eq!(row["stereo_recording_url"], "https://storage.example/stereo.wav");
}

#[test]
fn nothing_that_opens_something_becomes_part_of_a_row() {
    let row = Value::from(polled(ENDED)).to_string();
    for secret in ["s3cret", "X-Amz", "presigned", "a prompt"] {
        assert!(!row.contains(secret), "{secret} in {row}");
    }
    assert!(row.contains("\"order\":7"), "{row}");
}

#[test]
fn cost_keeps_its_digits() {
    let call = VoiceCall::of_poll(
        serde_json::from_str(r#"{"id":"c","createdAt":"2026-11-01T00:00:00Z","cost":0.10000000000000000001}"#).unwrap(),
        TAKE,
    )
    .unwrap();
    assert_eq!(call.values[At::cost as usize].as_deref(), Some("0.10000000000000000001"));
}

#[test]
fn the_parts_of_a_cost_keep_their_digits_too() {
    let json =
        r#"{"id":"c","createdAt":"2026-11-01T00:00:00Z","costs":[{"minutes":0.9264333333333333,"cost":1.89e-05}]}"#;
    let call = VoiceCall::of_poll(serde_json::from_str(json).unwrap(), TAKE).unwrap();
    assert_eq!(call.values[At::costs as usize].as_deref(), Some(r#"[{"minutes":0.9264333333333333,"cost":1.89e-05}]"#));
}

#[test]
fn a_web_call_is_a_test_and_neither_in_nor_outbound() {
    let row = polled(r#"{"id":"c","type":"webCall","createdAt":"2026-11-01T00:00:00Z","status":"queued"}"#);
    assert_eq!((&row["direction"], &row["is_test"]), (&Value::from("web"), &Value::from(true)));
}

#[test]
fn a_bad_field_spoils_its_own_call_and_says_which() {
    for (json, reason, field) in [
        (r#"{"createdAt":"2026-11-01T00:00:00Z"}"#, "missing_field", "id"),
        (r#"{"id":"c"}"#, "missing_field", "createdAt"),
        (r#"{"id":"c","createdAt":"2026-11-01T00:00:00"}"#, "timestamp_without_zone", "createdAt"),
        (r#"{"id":"c","createdAt":"2026-11-01T00:00:00Z","cost":"much"}"#, "bad_number", "cost"),
        (r#"{"id":"c","createdAt":"2026-11-01T00:00:00Z","customer":7}"#, "not_an_object", "customer"),
        (r#"{"id":"c","createdAt":"2026-11-01T00:00:00Z","transcript":"\u0000"}"#, "nul_character", "transcript"),
    ] {
        let fault = VoiceCall::of_poll(serde_json::from_str(json).unwrap(), TAKE).unwrap_err();
        assert_eq!((fault.reason, fault.field.as_str()), (reason, field), "{json}");
    }
}

#[test]
fn an_attempt_of_the_users_own_is_older_than_whatever_the_vendor_says() {
    let attempt = Attempt {
        at: "2025-06-17T22:09:13Z".parse().unwrap(),
        phone: Some("415 555 2671".to_owned()),
        name: None,
        direction: None,
        outcome: None,
        is_test: false,
        metadata: None,
    };
    let tracked = VoiceCall::tracked("c-1", &attempt, TAKE).unwrap();
    let polled = VoiceCall::of_poll(serde_json::from_str(ENDED).unwrap(), TAKE).unwrap();
    assert!(tracked.versions[At::created_at as usize] < polled.versions[At::created_at as usize]);
    assert_eq!(tracked.to_json()["customer_e164"], "+14155552671");
    assert_eq!(tracked.to_json()["tracked_outcome"], "queued");
}
