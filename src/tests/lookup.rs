//! Whether an event is stored, by looking it up and by reading its day.

#[pgrx::pg_schema]
mod tests {
    use std::cell::RefCell;

    use calls::range::Window;
    use calls::vendor::dialfire::{Event, Known};
    use calls::vendor::Stored;
    use chrono::{DateTime, Datelike, NaiveDate, Utc};
    use chrono_tz::Tz;
    use pgrx::prelude::*;

    use crate::lookup::{Days, Lookup};

    /// What is said of four events, of which only the first is stored, and how many of their day were read for it.
    fn known(tenant: &str, calls_of_day: i64) -> (Vec<Known>, usize) {
        for sql in [
            "INSERT INTO dialfire.transactions (tenant, campaign_id, id, contact_id, fired, day, event_md5, is_human)
             VALUES ($1, 'k', 't1', 'c1', '2026-11-05T23:30:00Z', '2026-11-06', 'm1', true),
                    ($1, 'k', 't2', 'c2', '2026-11-06T12:00:00Z', '2026-11-06', 'm2', true),
                    ($1, 'k', 't3', 'c3', '2026-11-06T13:00:00Z', '2026-11-06', NULL, true)",
            "INSERT INTO dialfire.rejects (tenant, contact_id, event_md5, kind, reason, fingerprint)
             VALUES ($1, 'c9', 'm9', 'transaction', 'missing_field', 'f')",
            "INSERT INTO dialfire.daily_stats SELECT * FROM dialfire.stats_of($1, '{2026-11-06}')",
        ] {
            Spi::run_with_args(sql, &[tenant.into()]).unwrap();
        }
        let set = "UPDATE dialfire.daily_stats SET attempts = $2 WHERE tenant = $1";
        Spi::run_with_args(set, &[tenant.into(), calls_of_day.into()]).unwrap();
        let lines = [
            "2026-11-05T23:30:00Z|m1|c1|0,0",
            "2026-11-05T23:30:00Z|m2|c1|0,0",
            "2026-11-06T12:00:00.001Z|m2|c2|0,0",
            "2026-11-06T12:00:00Z|m9|c9|0,0",
        ];
        let events: Vec<Event> = lines.iter().map(|line| Event::parse(line).unwrap()).collect();
        let mut days = Days::default();
        let mut lookup = Lookup { tenant, zone: Tz::Europe__Berlin, empty: false, days: &mut days };
        let known = lookup.known(&events).unwrap();
        (known, days.held)
    }

    #[pg_test]
    fn days_that_do_not_fit_are_not_read_for_each_question() {
        for sql in [
            "INSERT INTO dialfire.transactions (tenant, campaign_id, id, contact_id, fired, day, event_md5, is_human)
             VALUES ('large', 'k', 't1', 'c1', '2026-11-06T12:00:00Z', '2026-11-06', 'm1', true),
                    ('large', 'k', 't2', 'c2', '2026-11-07T12:00:00Z', '2026-11-07', 'm2', true)",
            "INSERT INTO dialfire.daily_stats SELECT * FROM dialfire.stats_of('large', '{2026-11-06,2026-11-07}')",
            "UPDATE dialfire.daily_stats SET attempts = 9 WHERE tenant = 'large'",
        ] {
            Spi::run(sql).unwrap();
        }
        let at = |time: &str| time.parse::<DateTime<Utc>>().unwrap();
        let window = Window { from: at("2026-11-06T00:00:00Z"), to: at("2026-11-08T00:00:00Z") };
        let mut days: Days = Days::expecting(Some(window), Tz::UTC);
        days.limit = 0;
        let read = RefCell::new(Vec::new());
        for day in [6, 7, 6, 7, 6, 6] {
            let day = NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
            let stored = |day: NaiveDate| {
                read.borrow_mut().push(day.day());
                Ok(vec![1])
            };
            days.find("large", &[(day, 1)], stored, |_, _| {}).unwrap();
        }
        assert_eq!(*read.borrow(), [6, 7, 6], "the third time that a forgotten day of nine calls is asked for");
    }

    #[pg_test]
    fn an_event_is_known_by_contact_instant_and_checksum_however_it_is_looked_up() {
        let expected = vec![Known::Stored, Known::No, Known::No, Known::Rejected];
        assert_eq!(known("by_day", 3), (expected.clone(), 2));
        assert_eq!(known("one_by_one", 1_000_000), (expected, 0));
    }
}
