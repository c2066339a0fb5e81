//! Counts and sums a day, campaign and agent of rows that are new, as `dialfire.stats_of` computes them of all rows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::row::{Connection, InboundCall, Recording, Transaction};

/// Beyond it a day's rows are cheaper counted in the database than held here.
const PLACES_LIMIT: usize = 50_000;

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    pub day: NaiveDate,
    pub campaign_id: String,
    pub agent_id: String,
    pub agent_login: String,
}

/// Columns of `daily_stats`. Seconds are sums of whole microseconds, which do not depend on the order of the rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tally {
    pub attempts: i64,
    pub human: i64,
    pub missing_login: i64,
    pub with_leg: i64,
    pub connects: i64,
    pub voicemails: i64,
    pub conversions: i64,
    pub recorded: i64,
    pub talk_ms: i64,
    pub talks: i64,
    pub wait_us: f64,
    pub waits: i64,
    pub pause_us: f64,
    pub pauses: i64,
    pub wrapup_us: f64,
    pub wrapups: i64,
    pub inbound: i64,
    pub inbound_answered: i64,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
}

impl Tally {
    fn add(&mut self, other: &Tally, times: i64) {
        for (sum, more) in [
            (&mut self.attempts, other.attempts),
            (&mut self.human, other.human),
            (&mut self.missing_login, other.missing_login),
            (&mut self.with_leg, other.with_leg),
            (&mut self.connects, other.connects),
            (&mut self.voicemails, other.voicemails),
            (&mut self.conversions, other.conversions),
            (&mut self.recorded, other.recorded),
            (&mut self.talk_ms, other.talk_ms),
            (&mut self.talks, other.talks),
            (&mut self.waits, other.waits),
            (&mut self.pauses, other.pauses),
            (&mut self.wrapups, other.wrapups),
            (&mut self.inbound, other.inbound),
            (&mut self.inbound_answered, other.inbound_answered),
        ] {
            *sum += times * more;
        }
        for (sum, more) in [
            (&mut self.wait_us, other.wait_us),
            (&mut self.pause_us, other.pause_us),
            (&mut self.wrapup_us, other.wrapup_us),
        ] {
            *sum += times as f64 * more;
        }
        self.first_at = [self.first_at, other.first_at].into_iter().flatten().min();
        self.last_at = self.last_at.max(other.last_at);
    }
}

#[derive(Debug, Default)]
pub struct Rollup {
    tallies: BTreeMap<Place, Tally>,
    /// Days that cannot be counted here.
    pub uncounted: BTreeSet<NaiveDate>,
}

/// What a vendor's words mean, in lower case: for one campaign, or for all of which "" stands.
#[derive(Debug, Default)]
pub struct Words(HashMap<String, HashMap<String, String>>);

impl Words {
    /// What was learned later counts.
    pub fn learn(&mut self, campaign_id: String, word: String, status: String) {
        self.0.entry(campaign_id).or_default().insert(word, status);
    }

    fn meaning(&self, campaign_id: &str, word: &str) -> Option<&str> {
        let word = word.to_ascii_lowercase();
        let of = |campaign_id| self.0.get(campaign_id).and_then(|words: &HashMap<String, String>| words.get(&word));
        of(campaign_id).or_else(|| of("")).map(String::as_str)
    }
}

/// What the legs of one transaction say together.
#[derive(Default)]
struct Legs {
    connected: bool,
    voicemail: bool,
    recorded: bool,
    is_foreign: bool,
    talk_ms: i64,
    talks: i64,
}

impl Rollup {
    /// Whole transactions: with all their legs, and those with all their recordings.
    pub fn add(
        &mut self,
        transactions: &[&Transaction],
        connections: &[&Connection],
        recordings: &[&Recording],
        words: &Words,
    ) {
        let heard = recordings.iter().filter(|r| r.location.is_some());
        let heard: HashSet<&str> = heard.filter_map(|r| r.connection_id.as_deref()).collect();
        let campaigns = transactions.iter().filter_map(|t| Some((t.id.as_str(), t.campaign_id.as_deref()?)));
        let campaigns: HashMap<&str, &str> = campaigns.collect();
        let mut legs: HashMap<&str, Legs> = HashMap::new();
        for c in connections {
            let transaction = c.transaction_id.as_deref().unwrap_or_default();
            let leg = legs.entry(transaction).or_default();
            let word = c.result.as_deref().unwrap_or_default();
            // Postgres's lower case of other letters depends on its locale.
            leg.is_foreign |= !word.is_ascii();
            let status = words.meaning(campaigns.get(transaction).copied().unwrap_or_default(), word);
            leg.recorded |= heard.contains(c.id.as_str());
            leg.voicemail |= status == Some("voicemail");
            if status == Some("completed") {
                leg.connected = true;
                leg.talk_ms += c.duration_ms.unwrap_or_default();
                leg.talks += i64::from(c.duration_ms.is_some());
            }
        }
        for t in transactions {
            let leg = legs.get(t.id.as_str());
            let Some(day) = t.day else { continue };
            if t.is_test == Some(true) {
                continue;
            }
            if leg.is_some_and(|leg| leg.is_foreign) {
                self.uncounted.insert(day);
            }
            let is = |yes: bool| i64::from(yes);
            let tally = self.tally(day, &t.campaign_id, &t.user_id, t.user_login.as_deref(), t.fired);
            let is_outbound = t.direction.as_deref() != Some("inbound");
            let is_human = is_outbound && t.is_human == Some(true);
            tally.attempts += is(is_outbound);
            tally.inbound += is(!is_outbound);
            tally.human += is(is_human);
            tally.missing_login += is(is_human && t.user_login.is_none());
            tally.conversions += is(is_outbound && t.status.as_deref() == Some("success"));
            for (seconds, sum, count) in [
                (t.wait_time_sec, &mut tally.wait_us, &mut tally.waits),
                (t.pause_time_sec, &mut tally.pause_us, &mut tally.pauses),
                (t.wrapup_time_sec, &mut tally.wrapup_us, &mut tally.wrapups),
            ] {
                *sum += seconds.map_or(0.0, |seconds| (seconds * 1e6).round_ties_even());
                *count += is(seconds.is_some());
            }
            if let Some(leg) = leg {
                tally.inbound_answered += is(!is_outbound && leg.connected);
                tally.with_leg += is(is_outbound);
                tally.connects += is(is_outbound && leg.connected);
                tally.voicemails += is(is_outbound && leg.voicemail && !leg.connected);
                tally.recorded += is(is_outbound && leg.connected && leg.recorded);
                tally.talk_ms += leg.talk_ms;
                tally.talks += leg.talks;
            }
        }
        self.limit();
    }

    pub fn add_inbound(&mut self, calls: &[&InboundCall]) {
        for c in calls {
            let Some(day) = c.day else { continue };
            let tally = self.tally(day, &c.campaign_id, &c.user_id, None, c.started);
            tally.inbound += 1;
            tally.inbound_answered += i64::from(c.connected.is_some());
        }
        self.limit();
    }

    fn tally(
        &mut self,
        day: NaiveDate,
        campaign_id: &Option<String>,
        agent_id: &Option<String>,
        agent_login: Option<&str>,
        at: Option<DateTime<Utc>>,
    ) -> &mut Tally {
        let place = Place {
            day,
            campaign_id: campaign_id.clone().unwrap_or_default(),
            agent_id: agent_id.clone().unwrap_or_default(),
            agent_login: agent_login.unwrap_or_default().to_owned(),
        };
        let tally = self.tallies.entry(place).or_default();
        tally.first_at = [tally.first_at, at].into_iter().flatten().min();
        tally.last_at = tally.last_at.max(at);
        tally
    }

    /// What calls have become, counted before and after they changed.
    pub fn shift(&mut self, before: Rollup, mut after: Rollup) {
        self.uncounted.extend(before.uncounted.iter().chain(&after.uncounted));
        for (place, was) in before.tallies {
            let tally = after.tallies.entry(place.clone()).or_default();
            // Which of the other calls is the first or the last then, only the database knows.
            let is_within =
                tally.first_at.is_some_and(|first| Some(first) <= was.first_at) && tally.last_at >= was.last_at;
            if !is_within {
                self.uncounted.insert(place.day);
            }
            tally.add(&was, -1);
        }
        for (place, tally) in after.tallies {
            self.tallies.entry(place).or_default().add(&tally, 1);
        }
        self.limit();
    }

    fn limit(&mut self) {
        if self.tallies.len() > PLACES_LIMIT {
            self.uncounted.extend(self.tallies.keys().map(|place| place.day));
            self.tallies.clear();
        }
    }

    /// What is to be added to the days that are not computed anew.
    pub fn into_added(self, computed: &BTreeSet<NaiveDate>) -> impl Iterator<Item = (Place, Tally)> + use<'_> {
        self.tallies.into_iter().filter(|(place, _)| !computed.contains(&place.day))
    }
}

#[cfg(test)]
#[path = "rollup_tests.rs"]
mod tests;
