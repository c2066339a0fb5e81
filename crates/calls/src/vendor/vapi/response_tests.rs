use super::*;
use crate::secret::Secret;

fn access(account: Option<&str>) -> Access {
    Access {
        account: account.map(str::to_owned),
        token: Secret::new("t"),
        webhooks: super::super::signature::Auth::None,
        webhook_secret: None,
        page_size: 100,
        zone: chrono_tz::UTC,
        region: None,
        raw: false,
        is_brief: false,
    }
}

const PAGE: &str = r#"[{"id":"a","orgId":"o","createdAt":"2026-11-01T00:00:02Z","updatedAt":"2026-11-01T00:00:03Z"},
    {"id":"b","orgId":"o","createdAt":"2026-11-01T00:00:01Z","cost":"much"},
    {"id":"c","orgId":"o","createdAt":"2026-11-01T00:00:00Z"}]"#;

#[test]
fn one_bad_call_is_rejected_and_its_siblings_are_not() {
    let Ok(Outcome::Calls { batch, listed, received, .. }) = calls(PAGE.as_bytes(), &access(None), 100) else {
        panic!()
    };
    assert_eq!(batch.voice_calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!((batch.rejects[0].key.as_deref(), batch.rejects[0].reason), (Some("b"), "bad_number"));
    assert_eq!((listed.len(), received), (3, 3));
}

#[test]
fn a_call_that_is_only_compared_is_found_as_bad_as_one_that_is_stored() {
    let access = Access { is_brief: true, ..access(None) };
    let Ok(Outcome::Calls { batch, listed, .. }) = calls(PAGE.as_bytes(), &access, 100) else { panic!() };
    assert_eq!((batch.voice_calls.len(), listed.len()), (0, 3));
    let millis = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.timestamp_millis());
    let briefs: Vec<_> = batch.briefs.iter().map(|b| (&*b.id, millis(b.created_at), millis(b.updated_at))).collect();
    let second = 1_793_491_200_000;
    assert_eq!(briefs, [("a", Some(second + 2_000), Some(second + 3_000)), ("c", Some(second), None)]);
    assert_eq!((batch.rejects[0].key.as_deref(), batch.rejects[0].reason), (Some("b"), "bad_number"));
}

#[test]
fn a_token_of_another_organisation_is_an_error() {
    let error = calls(PAGE.as_bytes(), &access(Some("46cf2995-2bee-44e3-838b-24151486fe4e")), 100)
        .err()
        .map(|error| error.to_string());
    assert!(error.unwrap_or_default().contains("opens organisation \"o\""));
}

#[test]
fn an_answer_that_is_no_list_is_an_error_that_quotes_nothing() {
    for body in [r#"{"error":"s3cret"}"#, "", "<html>s3cret", "[{"] {
        let error = calls(body.as_bytes(), &access(None), 100).err().expect("an error").to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn names_are_learned_from_the_lists() {
    let agents = assistants(br#"[{"id":"a1","name":" Anna "},{"id":"a2"},{"id":"a3","name":""}]"#).unwrap();
    assert_eq!(agents.iter().map(|a| (a.id.as_str(), a.login.as_str())).collect::<Vec<_>>(), [("a1", "Anna")]);
    let lines =
        phone_numbers(br#"[{"id":"p1","number":"+1 415 555 2671","twilioAuthToken":"s3cret"}]"#, access(None).take())
            .unwrap();
    assert_eq!(lines[0].e164.as_deref(), Some("+14155552671"));
}

#[test]
fn any_shape_of_the_vendors_is_recognised() {
    let raw: &RawValue = serde_json::from_str(
        r#"[{"id":"a","createdAt":"2026-11-01T00:00:00Z"},{"message":{"type":"hang"}},{"message":{"type":"status-update",
            "status":"queued","call":{"id":"b"}}}]"#,
    )
    .unwrap();
    let take = Take { zone: chrono_tz::UTC, region: None, is_brief: false };
    let mut found: Vec<_> =
        normalise(raw, take).into_iter().map(|n| (n.kind, n.id, n.reject.map(|r| r.reason))).collect();
    found.sort();
    assert_eq!(
        found,
        [
            ("call", Some("a".to_owned()), None),
            ("call", Some("b".to_owned()), None),
            ("message", None, Some("ignored_message"))
        ]
    );
}
