use super::*;
use serde_json::json;

const ZONE: Tz = chrono_tz::America::New_York;

fn row(fields: Value) -> LogRow {
    LogRow::from_json(fields.as_object().expect("an object"))
}

fn ended() -> LogRow {
    row(json!({
        "uniqueid": "1763300000.42", "lead_id": 77, "list_id": 101, "campaign_id": "TEST", "call_date": "2025-11-16 08:33:20",
        "start_epoch": 1763300000, "end_epoch": 1763300060, "length_in_sec": 60, "status": "SALE", "phone_code": "1",
        "phone_number": "5551234567", "user": "6666", "user_group": "AGENTS", "term_reason": "CALLER", "comments": "AUTO",
        "alt_dial": "MAIN", "called_count": 2
    }))
}

fn stored(table: Table, row: &LogRow) -> Call {
    call(table, row, ZONE, &Outcomes::default()).expect("a call")
}

fn instant(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

#[test]
fn an_outbound_row_is_a_transaction_with_its_leg() {
    let call = stored(Table::Log, &ended());
    let (t, c) = (&call.transaction, &call.connection);
    assert_eq!((t.id.as_str(), c.id.as_str()), ("log:1763300000.42", "log:1763300000.42"));
    assert_eq!((t.fired, c.started, c.ended), (instant(1763300000), instant(1763300000), instant(1763300060)));
    assert_eq!(t.day, chrono::NaiveDate::from_ymd_opt(2025, 11, 16));
    assert_eq!((t.direction.as_deref(), t.contact_id.as_deref()), (Some("outbound"), Some("77")));
    assert_eq!((c.result.as_deref(), t.status_detail.as_deref()), (Some("SALE"), Some("SALE")));
    assert_eq!((c.duration_ms, c.hangup_party.as_deref()), (Some(60_000), Some("CALLER")));
    assert_eq!(
        (t.is_human, t.user_login.as_deref(), t.user_branch.as_deref()),
        (Some(true), Some("6666"), Some("AGENTS"))
    );
    assert!(call.faults.is_empty());
}

#[test]
fn a_live_call_is_stored_without_its_end() {
    let live = LogRow {
        end_epoch: None,
        length_in_sec: None,
        user: Some("VDAD".into()),
        status: Some("QUEUE".into()),
        ..ended()
    };
    let call = stored(Table::Log, &live);
    assert!(call.agent.is_none());
    assert_eq!((call.connection.ended, call.connection.duration_ms), (None, None));
    assert_eq!((call.transaction.is_human, call.transaction.user_login.as_deref()), (Some(false), None));
    assert_eq!(call.transaction.actor.as_deref(), Some("VDAD"));
}

#[test]
fn an_inbound_hop_waits_before_it_talks() {
    let hop = LogRow { closecallid: Some("912".into()), queue_seconds: Some("12.50".into()), ..ended() };
    let call = stored(Table::Closer, &hop);
    assert_eq!(call.transaction.id, "closer:912");
    assert_eq!(call.transaction.direction.as_deref(), Some("inbound"));
    assert_eq!(call.connection.connected, instant(1763300000).map(|at| at + TimeDelta::milliseconds(12_500)));
    assert_eq!(call.connection.duration_ms, Some(47_500));
    let dropped = LogRow { user: Some("VDCL".into()), status: Some("DROP".into()), ..hop };
    let call = stored(Table::Closer, &dropped);
    assert_eq!((call.connection.connected, call.connection.duration_ms), (None, Some(60_000)));
}

#[test]
fn the_epoch_says_when_and_the_wall_clock_only_where_it_cannot() {
    // The hour that comes twice: 01:30 in New York is two instants.
    for start in [1762061400, 1762065000] {
        let twice =
            LogRow { call_date: Some("2025-11-02 01:30:00".into()), start_epoch: Some(start.to_string()), ..ended() };
        assert_eq!(stored(Table::Log, &twice).transaction.fired, instant(start));
    }
    let no_epoch = LogRow { start_epoch: None, end_epoch: None, ..ended() };
    assert_eq!(stored(Table::Log, &no_epoch).transaction.fired, instant(1763300000));
    let zero_date = LogRow { call_date: Some("0000-00-00 00:00:00".into()), ..ended() };
    assert_eq!(stored(Table::Log, &zero_date).transaction.fired, instant(1763300000));
    let neither = LogRow { start_epoch: Some("0".into()), ..zero_date };
    let rejected = call(Table::Log, &neither, ZONE, &Outcomes::default()).unwrap_err();
    assert_eq!((rejected.reason, rejected.field.as_str()), ("missing_field", "start_epoch"));
    assert!(rejected.payload.contains("1763300000.42"));
    let absurd = LogRow { start_epoch: Some("4294967295".into()), end_epoch: None, ..ended() };
    let call = stored(Table::Log, &absurd);
    assert_eq!(call.transaction.fired, instant(1763300000));
    assert_eq!(call.faults[0].reason, "timestamp_out_of_range");
}

#[test]
fn a_bad_value_is_named_and_its_call_is_stored() {
    for length in ["-5", "4000000000"] {
        let call = stored(Table::Log, &LogRow { length_in_sec: Some(length.into()), ..ended() });
        assert_eq!((call.faults[0].reason, call.faults[0].field.as_str()), ("number_out_of_range", "length_in_sec"));
        assert_eq!((call.connection.duration_ms, call.connection.ended), (None, instant(1763300060)));
    }
    let call = stored(Table::Log, &LogRow { end_epoch: Some("4294967295".into()), ..ended() });
    assert_eq!(call.faults[0].field, "end_epoch");
    assert_eq!(call.connection.ended, instant(1763300060), "it has ended, if not then");
    let mut cells = vec![None; LogRow::COLUMNS.len()];
    for (column, value) in [("uniqueid", &b"1.2"[..]), ("start_epoch", b"1763300000"), ("user", b"\xff\x80x")] {
        cells[LogRow::COLUMNS.iter().position(|name| *name == column).expect("a column")] = Some(value);
    }
    let broken = LogRow::read(&cells);
    let call = stored(Table::Log, &broken);
    assert_eq!((call.faults[0].reason, call.faults[0].field.as_str()), ("bad_string", "user"));
    assert_eq!(call.transaction.user_login.as_deref(), Some("\u{FFFD}\u{FFFD}x"));
}

#[test]
fn an_empty_enum_is_no_reason() {
    let call = stored(Table::Log, &LogRow { term_reason: Some(String::new()), ..ended() });
    assert_eq!(call.connection.hangup_party, None);
    assert!(call.faults.is_empty());
}

#[test]
fn the_checksum_tells_null_from_empty_and_columns_apart() {
    let sum = |row: &LogRow| stored(Table::Log, row).transaction.event_md5;
    let all = [
        ended(),
        LogRow { comments: None, ..ended() },
        LogRow { comments: Some(String::new()), ..ended() },
        LogRow { comments: Some("AUTOM".into()), alt_dial: Some("AIN".into()), ..ended() },
    ];
    let sums: std::collections::HashSet<_> = all.iter().map(sum).collect();
    assert_eq!(sums.len(), all.len());
}

#[test]
fn a_recording_belongs_to_a_unique_id_or_to_a_hop() {
    let of = |vicidial_id: &str, location: Value| {
        let row = json!({"recording_id": 5, "vicidial_id": vicidial_id, "lead_id": 77, "start_epoch": 1763300001,
            "end_epoch": 1763300059, "filename": "x", "location": location, "server_ip": "10.0.0.9"});
        normalise(row.as_object().expect("an object"), ZONE).recordings.remove(0)
    };
    let outbound = of("1763300000.42", json!("http://10.0.0.9/RECORDINGS/x.mp3"));
    assert_eq!((outbound.id.as_str(), outbound.connection_id.as_deref()), ("rec:5", Some("log:1763300000.42")));
    assert_eq!(outbound.location.as_deref(), Some("http://10.0.0.9/RECORDINGS/x.mp3"));
    assert_eq!(outbound.started, instant(1763300001));
    assert_eq!(of("912", json!("x")).connection_id.as_deref(), Some("closer:912"));
    assert_eq!(of("912", json!("x")).location, None, "a file name is no address");
}
