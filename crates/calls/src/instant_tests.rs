use super::*;

fn micros(text: &str) -> i64 {
    parse(text).unwrap().timestamp_micros()
}

#[test]
fn reads_what_dialfire_writes() {
    assert_eq!(parse("2021-09-02T15:34:39.960Z").unwrap().to_rfc3339(), "2021-09-02T15:34:39.960+00:00");
    assert_eq!(micros("2018-10-17T08:07:46.468Z0217"), micros("2018-10-17T08:07:46.468Z"));
    assert_eq!(micros("2021-09-02T17:34:39.96+02:00"), micros("2021-09-02T15:34:39.960Z"));
}

#[test]
fn cuts_the_seventh_digit() {
    assert_eq!(micros("2026-11-01T00:00:00.1234567Z") % 1_000_000, 123_456);
}

#[test]
fn refuses_a_time_without_zone() {
    for text in ["2026-11-01T10:00:00", "2026-11-01T10:00:00.123", "2026-11-01", "2026-11-01 10:00:00"] {
        assert_eq!(parse(text), Err(NotAnInstant::WithoutZone), "{text}");
    }
}

#[test]
fn refuses_years_that_no_call_has() {
    for text in ["0000-00-00T00:00:00Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
        assert_eq!(parse(text), Err(NotAnInstant::OutOfRange), "{text}");
    }
}

#[test]
fn refuses_the_rest() {
    for text in
        ["", "n/a", "Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "Zürich", "é", "2026-11-01T10:00:00Z12x"]
    {
        assert_eq!(parse(text), Err(NotAnInstant::Unparsable), "{text}");
    }
}
