//! How long to wait before asking again, and when to give up.

use chrono::{DateTime, Utc};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use ureq::http::{header, HeaderMap, HeaderName};

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);
const DAY: Duration = Duration::from_secs(86_400);

/// What one request has been through.
pub(super) struct Patience {
    most_failures: u32,
    pub failures: u32,
    pub throttled: u32,
    pub polls: u32,
    pub redirects: u32,
    /// How long it may still wait altogether.
    pub budget: Duration,
}

impl Patience {
    pub fn new(most_failures: u32, budget: Duration) -> Self {
        Self { most_failures, failures: 0, throttled: 0, polls: 0, redirects: 0, budget }
    }

    /// Redirects and polls begin no new attempt.
    pub fn attempt(&self) -> u32 {
        1 + self.failures + self.throttled
    }

    /// The wait before the next attempt, which is at least the one `asked` for; `None` to give up.
    pub fn fail(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.failures += 1;
        let wait = backoff(self.failures).max(asked.unwrap_or_default());
        (self.failures < self.most_failures && wait <= self.budget).then_some(wait)
    }
}

/// The pause after the `nth` failure: doubling, and between a half and the whole of it by chance.
pub(super) fn backoff(nth: u32) -> Duration {
    let whole = LONGEST.min(FIRST * 2u32.pow(nth.saturating_sub(1).min(10)));
    let chance = RandomState::new().hash_one(nth) as u32;
    whole / 2 + (whole / 2).mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

/// What Retry-After asks for, in seconds or as a date. A date is measured against the answer's own clock, since
/// the vendor's and ours may differ.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => {
            let now = date(headers, header::DATE).unwrap_or_else(Utc::now);
            (date(headers, header::RETRY_AFTER)? - now).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(DAY))
}

pub(super) fn date(headers: &HeaderMap, name: HeaderName) -> Option<DateTime<Utc>> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(DateTime::parse_from_rfc2822(text).ok()?.to_utc())
}

#[cfg(test)]
#[path = "patience_tests.rs"]
mod tests;
