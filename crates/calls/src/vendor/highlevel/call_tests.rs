use super::*;

fn read_text(text: &str) -> (Batch, Option<String>) {
    let mut batch = Batch::default();
    let raw: &RawValue = serde_json::from_str(text).unwrap();
    let message = read(raw, "LOC", chrono_tz::Europe::Nicosia, &mut batch);
    (batch, message)
}

/// As observed, its values replaced.
const SINGLE: &str = r#"{"contactId": "contact_1", "createdAt": "2026-06-19T22:44:17.882Z", "duration": 116,
    "agentId": "6a35206c88ba8e0f1c707f02", "isAgentDeleted": false, "summary": "A summary.",
    "transcript": "bot:Hello\nhuman:Hi \nbot:Bye\n", "translation": null, "extractedData": {}, "trialCall": true,
    "id": "6a3547b12b6a75f640cf3e1d", "executedCallActions": [], "traceId": "b567e92a"}"#;

#[test]
fn a_log_becomes_a_transaction_a_leg_and_its_details() {
    let (batch, message) = read_text(SINGLE);
    assert_eq!(message, None);
    let (call, leg, details) = (&batch.transactions[0], &batch.connections[0], &batch.call_details[0]);
    assert_eq!(call.id, "6a3547b12b6a75f640cf3e1d");
    assert_eq!(call.user_id.as_deref(), Some("6a35206c88ba8e0f1c707f02"));
    assert_eq!(call.day.unwrap().to_string(), "2026-06-20", "the day in the tenant's zone");
    assert_eq!((call.is_test, call.is_human), (Some(true), Some(false)));
    assert_eq!(leg.duration_ms, Some(116_000));
    assert_eq!(leg.disconnected.unwrap() - leg.started.unwrap(), TimeDelta::seconds(116));
    assert_eq!(leg.connected, leg.started, "a web call that lasted was answered");
    assert_eq!(details.transcript.as_deref(), Some("bot:Hello\nhuman:Hi \nbot:Bye\n"));
    assert_eq!(details.extra.as_ref().map(|extra| extra.0.as_str()), Some(r#"{"isAgentDeleted":false}"#));
    assert!(batch.rejects.is_empty());
}

#[test]
fn a_webhook_and_the_later_poll_have_one_checksum() {
    let listed = SINGLE.replace(r#""traceId": "b567e92a""#, r#""transcriptWithToolCalls": [{"role": "agent"}]"#);
    let pushed = SINGLE
        .replace(r#""traceId": "b567e92a""#, r#""type": "VoiceAiCallEnd", "webhookId": "w", "locationId": "LOC""#);
    let sum = |text: &str| read_text(text).0.transactions[0].event_md5.clone().unwrap();
    assert_eq!(sum(&listed), sum(SINGLE));
    assert_eq!(sum(&pushed), sum(SINGLE));
    assert_ne!(sum(&SINGLE.replace("A summary.", "Another.")), sum(SINGLE));
}

#[test]
fn a_log_that_is_only_compared_is_read_as_one_that_is_stored() {
    let brief = |text: &str| {
        let mut batch = Batch::default();
        read_brief(serde_json::from_str(text).unwrap(), "LOC", chrono_tz::Europe::Nicosia, &mut batch);
        batch
    };
    let (whole, _) = read_text(SINGLE);
    assert_eq!(brief(SINGLE), Batch { transactions: whole.transactions, ..Batch::default() });
    for bad in [r#""transcript": {}"#, r#""transcriptWithToolCalls": ["\u0000"]"#, r#""newcomer": ["\u0000"]"#] {
        let text = SINGLE.replace(r#""translation": null"#, bad);
        assert_eq!(brief(&text), read_text(&text).0);
        assert_eq!(brief(&text).rejects.len(), 1);
    }
}

#[test]
fn a_call_without_an_agent_is_stored_all_the_same() {
    for agent in [r#""agentId": """#, r#""agentId": null"#, r#""other": 1"#] {
        let (batch, _) = read_text(&SINGLE.replace(r#""agentId": "6a35206c88ba8e0f1c707f02""#, agent));
        assert_eq!(batch.transactions[0].user_id, None);
    }
}

#[test]
fn a_bad_field_is_a_reject_that_names_it() {
    let reason = |text: &str| {
        let (batch, _) = read_text(text);
        assert!(batch.transactions.is_empty());
        let reject = &batch.rejects[0];
        (reject.kind, reject.reason, reject.field.clone(), reject.key.clone())
    };
    let id = Some("6a3547b12b6a75f640cf3e1d".to_owned());
    assert_eq!(
        reason(&SINGLE.replace("116", "-1")),
        ("call", "number_out_of_range", "duration".to_owned(), id.clone())
    );
    assert_eq!(reason(&SINGLE.replace("116", "\"long\"")), ("call", "bad_number", "duration".to_owned(), id.clone()));
    assert_eq!(
        reason(&SINGLE.replace("2026-06-19T22:44:17.882Z", "2026-06-19 22:44")),
        ("call", "bad_timestamp", "createdAt".to_owned(), id)
    );
    assert_eq!(reason(&SINGLE.replace("\"id\"", "\"no\"")).1, "missing_field");
    assert_eq!(reason("7").1, "not_an_object");
}

#[test]
fn a_message_tells_direction_status_and_whose_number_it_is() {
    let phone = SINGLE.replace(r#""traceId": "b567e92a""#, r#""fromNumber": "+35722000000", "messageId": "M1""#);
    let (mut batch, message) = read_text(&phone);
    assert_eq!(message.as_deref(), Some("M1"));
    assert_eq!(batch.connections[0].connected, None, "whether it was answered is for the message to say");
    let (call, leg) = (&mut batch.transactions[0], &mut batch.connections[0]);
    tell(&Told { direction: Some("outbound"), status: Some("no-answer".into()) }, call, leg);
    assert_eq!((call.direction.as_deref(), call.result.as_deref()), (Some("outbound"), Some("no-answer")));
    assert_eq!((leg.line_number.as_deref(), leg.remote_number.as_deref()), (Some("+35722000000"), None));
    assert_eq!(leg.connected, None);
}
