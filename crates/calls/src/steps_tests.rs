use super::*;
use crate::instant::parse;

fn window(from: &str, to: &str) -> Window {
    Window { from: parse(from).unwrap(), to: parse(to).unwrap() }
}

#[test]
fn days_are_local_and_as_long_as_they_are() {
    let steps = cut(window("2026-10-23T21:00:00Z", "2026-10-26T10:00:00Z"), Step::Days(1), chrono_tz::Europe::Nicosia);
    let hours: Vec<_> = steps.iter().map(|w| (w.to - w.from).num_hours()).collect();
    assert_eq!(hours, [24, 25, 12]);
    assert!(steps.windows(2).all(|pair| pair[0].to == pair[1].from));
}

#[test]
fn a_step_of_time_ends_at_the_window() {
    let steps =
        cut(window("2026-11-01T00:00:00Z", "2026-11-01T05:30:00Z"), Step::Time(TimeDelta::hours(2)), chrono_tz::UTC);
    assert_eq!(steps.iter().map(|w| (w.to - w.from).num_minutes()).collect::<Vec<_>>(), [120, 120, 90]);
}

#[test]
fn parts_are_clipped_and_empty_ones_left_out() {
    let gaps = [
        window("2026-11-01T00:00:00Z", "2026-11-01T02:00:00Z"),
        window("2026-11-01T03:00:00Z", "2026-11-01T09:00:00Z"),
    ];
    let step = window("2026-11-01T02:00:00Z", "2026-11-01T04:00:00Z");
    assert_eq!(within(&gaps, step), [window("2026-11-01T03:00:00Z", "2026-11-01T04:00:00Z")]);
}
