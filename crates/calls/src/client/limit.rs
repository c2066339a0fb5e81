//! Limits that a vendor announces with every answer: obeyed before it has to refuse.

use super::gate::Permit;
use super::Client;
use crate::error::Error;
use std::time::Duration;
use ureq::http::HeaderMap;

/// A vendor that names no interval is given this long.
const INTERVAL: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(60);

impl Client {
    /// Pauses where the burst is used up, and stops where the day's budget is.
    pub(super) fn obey(&self, headers: &HeaderMap, permit: &Permit) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        if let Some(left) = number("x-ratelimit-daily-remaining") {
            if left <= self.settings.daily_reserve {
                let limit = number("x-ratelimit-limit-daily");
                self.gate.spend(Error::DailyLimit { limit, left, reserve: self.settings.daily_reserve });
            }
        }
        if let Some(left) = number("x-ratelimit-remaining") {
            let interval = number("x-ratelimit-interval-milliseconds").map_or(INTERVAL, Duration::from_millis);
            permit.credit(left, interval.min(LONGEST));
        }
    }
}

#[cfg(test)]
#[path = "limit_tests.rs"]
mod tests;
