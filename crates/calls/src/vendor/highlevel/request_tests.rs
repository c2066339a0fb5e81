use std::time::Duration;

use super::*;
use crate::client::stub::{say, Stub};
use crate::instant::parse as instant;

/// What becomes of one job where the vendor answers so.
fn answered(job: Job, status: u16, body: &'static str) -> Result<Outcome, Error> {
    let stub = Stub::new(move |_, _| say(status, "Content-Type: application/json; charset=utf-8\r\n", body));
    let access = Access {
        location: "LOC".to_owned(),
        token: None,
        version: "2021-04-15".to_owned(),
        page_size: 50,
        conversations: true,
        zone: Tz::UTC,
        raw: false,
        is_brief: false,
        keys: super::super::Keys::default(),
    };
    HighLevel::new(
        Arc::new(stub.client(|settings| (settings.attempts, settings.wait_budget) = (1, Duration::ZERO))),
        access,
    )
    .run(&job)
    .outcome
}

fn window() -> Window {
    Window { from: instant("2026-06-19T00:00:00Z").unwrap(), to: instant("2026-06-20T00:00:00Z").unwrap() }
}

fn page(body: &'static str) -> Result<Page, Error> {
    answered(Job::Calls { window: window(), page: 1, round: 1 }, 200, body).map(|outcome| match outcome {
        Outcome::Calls(page) => *page,
        _ => panic!("no page of calls"),
    })
}

#[test]
fn a_page_counts_under_either_name_as_number_or_text_or_not_at_all() {
    let log = r#"{"id":"a","createdAt":"2026-06-19T13:44:17.882Z"}"#;
    for (total, expected) in [
        (r#""total":1"#, Some(1)),
        (r#""total":"1","page":"1","pageSize":"50""#, Some(1)),
        (r#""total":1.0"#, Some(1)),
        (r#""total":null,"totalRecords":1,"traceId":"t""#, Some(1)),
        (r#""totalRecords":1"#, Some(1)),
        (r#""traceId":"t""#, None),
    ] {
        let body: &'static str = format!(r#"{{"callLogs":[{log}],{total}}}"#).leak();
        let page = page(body).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!((page.total, page.received, page.keys), (expected, 1, vec!["a".to_owned()]), "{body}");
    }
}

#[test]
fn an_empty_account_has_a_page_of_nothing_and_an_answer_without_a_list_is_none() {
    for body in [r#"{"callLogs":[],"totalRecords":0,"traceId":"t"}"#, r#"{"callLogs":null,"total":0}"#] {
        let page = page(body).unwrap();
        assert_eq!((page.received, page.total), (0, Some(0)), "{body}");
    }
    for body in [
        r#"{"total":0}"#,
        r#"{"message":"ok"}"#,
        r#"{"callLogs":{"a":1},"total":1}"#,
        r#"{"callLogs":[],"total":"many"}"#,
    ] {
        assert!(page(body).is_err(), "{body}");
    }
}

#[test]
fn one_bad_log_spoils_no_other() {
    let page = page(
        r#"{"callLogs":[{"id":"a","createdAt":"2026-06-19T13:44:17.882Z","duration":"116"},null,"x",
        {"id":"b","createdAt":1781876657882,"duration":116.0,"trialCall":"false","summary":null,"transcript":null,
         "executedCallActions":null,"extractedData":null,"contactId":null,"fromNumber":null,"messageId":null},
        {"id":"c"}],"total":5}"#,
    )
    .unwrap();
    let stored: Vec<&str> = page.batch.transactions.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(stored, ["a", "b"]);
    assert_eq!(page.batch.transactions[0].fired, page.batch.transactions[1].fired, "milliseconds are an instant too");
    assert_eq!(page.batch.connections[0].duration_ms, Some(116_000));
    assert_eq!((page.batch.rejects.len(), page.keys.len(), page.received), (3, 5, 5));
}

#[test]
fn messages_are_read_whatever_their_cursor_and_words_look_like() {
    let messages = |body| match answered(Job::Messages { window: window(), cursor: None }, 200, body) {
        Ok(Outcome::Messages { told, cursor, .. }) => (told, cursor),
        Ok(_) => panic!("no messages"),
        Err(error) => panic!("{error}"),
    };
    let (told, cursor) = messages(
        r#"{"messages":[{"id":"m1","direction":"Inbound","meta":{"callDuration":"116","callStatus":"No_Answer"}},
            {"id":"m2","direction":null,"meta":null},{"id":"m3","meta":{"call":{"duration":1,"status":"ringing"}}},
            {"id":"m4","direction":"sideways","meta":{"callStatus":null}}],"nextCursor":17,"total":"4"}"#,
    );
    assert_eq!(cursor.as_deref(), Some("17"));
    let of = |nth: usize| (told[nth].1.direction, told[nth].1.status.as_deref());
    assert_eq!(
        [of(0), of(1), of(2), of(3)],
        [(Some("inbound"), Some("no-answer")), (None, None), (None, Some("ringing")), (None, None)]
    );
    for body in
        [r#"{"messages":[],"total":0}"#, r#"{"messages":null,"nextCursor":null}"#, r#"{"messages":[],"nextCursor":""}"#]
    {
        assert_eq!(messages(body), (vec![], None), "{body}");
    }
}

#[test]
fn an_agent_without_a_name_is_one_and_an_unreadable_one_spoils_no_other() {
    let body = r#"{"agents":[{"id":"a1","agentName":"Anna","inboundNumber":null},{"id":"a2","agentName":null},{"id":null},
        {"id":"a3"}],"total":"4","page":1,"pageSize":50}"#;
    let Ok(Outcome::Agents(agents)) = answered(Job::Agents, 200, body) else { panic!("no agents") };
    let logins: Vec<(&str, &str)> = agents.iter().map(|agent| (agent.id.as_str(), agent.login.as_str())).collect();
    assert_eq!(logins, [("a1", "Anna"), ("a2", "a2"), ("a3", "a3")]);
}

#[test]
fn only_a_404_says_that_a_call_is_gone() {
    let asked = |status, body| match answered(Job::Call { id: "a".to_owned() }, status, body) {
        Ok(Outcome::Call(Found::Call(batch))) => format!("{} calls", batch.transactions.len()),
        Ok(Outcome::Call(Found::Gone)) => "gone".to_owned(),
        Ok(Outcome::Call(Found::Foreign)) => "foreign".to_owned(),
        Ok(_) => panic!("no call"),
        Err(_) => "an error".to_owned(),
    };
    assert_eq!(asked(200, r#"{"id":"a","createdAt":"2026-06-19T13:44:17.882Z","traceId":"t"}"#), "1 calls");
    assert_eq!(asked(404, r#"{"statusCode":404,"message":"Call log not found"}"#), "gone");
    assert_eq!(asked(400, r#"{"statusCode":400,"message":"invalid id"}"#), "foreign");
    for status in [401, 403, 429, 500] {
        assert_eq!(asked(status, "{}"), "an error", "{status}");
    }
}
