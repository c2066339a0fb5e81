//! Limits that a vendor announces with every answer: obeyed before it has to refuse.

use super::Client;
use crate::error::Error;
use std::time::Duration;
use ureq::http::HeaderMap;

/// A vendor that names no interval is given this long.
const INTERVAL: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(60);

impl Client {
    /// Pauses where the burst is used up by what is under way, and stops where the day's budget is.
    pub(super) fn obey(&self, headers: &HeaderMap) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        if let Some(left) = number("x-ratelimit-daily-remaining") {
            if left <= self.settings.daily_reserve {
                let limit = number("x-ratelimit-limit-daily");
                self.gate.spend(Error::DailyLimit { limit, left, reserve: self.settings.daily_reserve });
            }
        }
        // Of the requests in flight this one is answered; the others still count.
        if number("x-ratelimit-remaining").is_some_and(|left| left < self.gate.in_flight() as u64) {
            let interval = number("x-ratelimit-interval-milliseconds").map_or(INTERVAL, Duration::from_millis);
            self.gate.pause(interval.min(LONGEST));
        }
    }
}

#[cfg(test)]
#[path = "limit_tests.rs"]
mod tests;
