//! A long window in steps, each small enough for one transaction.

use chrono::{Days, TimeDelta};
use chrono_tz::Tz;

use crate::range::{midnight, Window};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Whole local days, whatever their length.
    Days(u64),
    Time(TimeDelta),
}

/// Oldest first; the first and last step may be shorter.
pub fn cut(window: Window, step: Step, zone: Tz) -> Vec<Window> {
    let mut steps = Vec::new();
    let mut from = window.from;
    while from < window.to {
        let end = match step {
            Step::Days(days) => {
                let day = from.with_timezone(&zone).date_naive();
                day.checked_add_days(Days::new(days.max(1))).map(|day| midnight(day, zone))
            }
            Step::Time(length) => from.checked_add_signed(length.max(TimeDelta::minutes(1))),
        };
        // A zone's clock may jump over a midnight, but never backwards over a whole step.
        let to = end.filter(|end| *end > from).unwrap_or(window.to).min(window.to);
        steps.push(Window { from, to });
        from = to;
    }
    steps
}

/// The parts of `windows` that lie in `step`.
pub fn within(windows: &[Window], step: Window) -> Vec<Window> {
    let parts = windows.iter().map(|w| Window { from: w.from.max(step.from), to: w.to.min(step.to) });
    parts.filter(|part| part.from < part.to).collect()
}

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
