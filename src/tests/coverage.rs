//! Coverage: what is proven complete, and what is left.

#[pgrx::pg_schema]
mod tests {
    use calls::range::Window;
    use chrono::{DateTime, TimeDelta, Utc};
    use pgrx::prelude::*;

    use crate::ledger::{cover, gaps};

    fn hour(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hour)
    }

    fn window(from: i64, to: i64) -> Window {
        Window { from: hour(from), to: hour(to) }
    }

    /// The gaps of [0, 24), in hours.
    fn left(source: &str) -> Vec<(i64, i64)> {
        let hours = |at: DateTime<Utc>| (at - hour(0)).num_hours();
        gaps("t", source, window(0, 24)).unwrap().iter().map(|gap| (hours(gap.from), hours(gap.to))).collect()
    }

    #[pg_test]
    fn what_is_not_covered_is_left() {
        assert_eq!(left("K1"), [(0, 24)]);
        cover("t", "K1", window(6, 8)).unwrap();
        assert_eq!(left("K1"), [(0, 6), (8, 24)]);
        cover("t", "K1", window(20, 30)).unwrap();
        assert_eq!(left("K1"), [(0, 6), (8, 20)]);
        cover("t", "K1", window(-5, 21)).unwrap();
        assert_eq!(left("K1"), []);
    }

    #[pg_test]
    fn windows_that_meet_leave_no_gap_between_them() {
        cover("t", "K1", window(0, 12)).unwrap();
        cover("t", "K1", window(12, 24)).unwrap();
        assert_eq!(left("K1"), []);
        assert_eq!(
            Spi::get_one::<i32>("SELECT cardinality(array(SELECT unnest(covered))) FROM dialfire.coverage"),
            Ok(Some(1))
        );
    }

    #[pg_test]
    fn a_gap_of_a_microsecond_is_one() {
        let short = Window { from: hour(0), to: hour(24) - TimeDelta::microseconds(1) };
        cover("t", "K1", short).unwrap();
        let left = gaps("t", "K1", window(0, 24)).unwrap();
        assert_eq!(left, [Window { from: short.to, to: hour(24) }]);
    }

    #[pg_test]
    fn sources_and_tenants_are_covered_apart() {
        cover("t", "K1", window(0, 24)).unwrap();
        cover("u", "K2", window(0, 24)).unwrap();
        assert_eq!(left("K2"), [(0, 24)]);
    }

    #[pg_test]
    fn covering_again_writes_nothing() {
        let place = "SELECT ctid || ' ' || xmax FROM dialfire.coverage";
        cover("t", "K1", window(0, 24)).unwrap();
        let before = Spi::get_one::<String>(place).unwrap();
        cover("t", "K1", window(3, 7)).unwrap();
        assert_eq!(Spi::get_one::<String>(place).unwrap(), before);
    }
}
