use super::*;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn wall_of(from: &str, to: &str, zone: Tz) -> (String, String) {
    let Wall { from, to } = wall(Window { from: utc(from), to: utc(to) }, zone);
    (from.to_string(), to.to_string())
}

#[test]
fn a_window_is_what_the_clock_shows_in_it() {
    let zone = chrono_tz::America::New_York;
    let shown = wall_of("2025-11-05T15:00:00.5Z", "2025-11-05T16:00:00.5Z", zone);
    assert_eq!(shown, ("2025-11-05 10:00:00".to_owned(), "2025-11-05 11:00:01".to_owned()));
}

#[test]
fn the_hour_that_comes_twice_is_read_whole() {
    let zone = chrono_tz::America::New_York;
    // 01:30 daylight time to 01:15 standard time: the clock shows 01:30 to 02:00, and then 01:00 to 01:15.
    let (from, to) = wall_of("2025-11-02T05:30:00Z", "2025-11-02T06:15:00Z", zone);
    assert!(from.as_str() <= "2025-11-02 01:00:00" && to.as_str() >= "2025-11-02 02:00:00", "{from} {to}");
}

#[test]
fn windows_tile_the_wall() {
    for zone in [chrono_tz::America::New_York, chrono_tz::Europe::Nicosia, chrono_tz::Australia::Lord_Howe] {
        let mut at = utc("2025-03-01T00:00:00Z");
        let mut reached = wall(Window { from: at, to: at + TimeDelta::minutes(7) }, zone).from;
        while at < utc("2025-12-31T00:00:00Z") {
            let next = at + TimeDelta::minutes(437);
            let Wall { from, to } = wall(Window { from: at, to: next }, zone);
            // A clock set forward leaves wall time that nobody ever sees.
            let skipped = offset(next, zone) - offset(at, zone);
            assert!(from <= reached + skipped.max(TimeDelta::zero()), "{zone} {at}: {from} after {reached}");
            (at, reached) = (next, to);
        }
    }
}

#[test]
fn a_wrong_zone_shows_and_a_bent_row_does_not() {
    let zone = chrono_tz::America::New_York;
    let start = utc("2025-11-05T15:00:00Z").timestamp().to_string();
    let mut drift = Drift::default();
    for _ in 0..3 {
        assert_eq!(drift.verdict(zone), None);
        drift.see(Some("2025-11-05 11:00:03"), Some(&start), zone);
    }
    assert!(drift.verdict(zone).is_some_and(|what| what.contains("+1 h") && what.contains("America/New_York")));
    drift.see(Some("2025-11-05 10:00:03"), Some(&start), zone);
    assert_eq!(drift.verdict(zone), None, "some rows fit");
    let mut drift = Drift::default();
    for date in ["0000-00-00 00:00:00", "2025-11-05 11:07:00", "2020-01-01 00:00:00", "2025-11-05 10:03:00"] {
        for _ in 0..9 {
            drift.see(Some(date), Some(&start), zone);
            drift.see(Some(date), Some("0"), zone);
        }
    }
    assert_eq!((drift.verdict(zone), drift.fits()), (None, 9));
}

#[test]
fn a_date_is_read_as_mariadb_writes_it_and_a_zero_date_is_none() {
    let read = |text| shown(text).map(|at| at.to_string());
    assert_eq!(read("2025-11-05 10:07:59").as_deref(), Some("2025-11-05 10:07:59"));
    assert_eq!(read("2025-11-05 10:07:59.25").as_deref(), Some("2025-11-05 10:07:59"));
    let none =
        ["", "2025-11-05", "0000-00-00 00:00:00", "2025-02-30 10:00:00", "2025-11-05 24:00:00", "2025/11/05 10:00:00"];
    for text in none.into_iter().chain(["2025-11-0x 10:00:00", "2025-11-05 10:00:0é", "+025-11-05 10:00:00"]) {
        assert_eq!(read(text), None, "{text}");
    }
}
