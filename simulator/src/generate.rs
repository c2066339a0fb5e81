//! Makes a tenant from a plan: the same plan gives the same tenant.

use crate::data::{Agent, Campaign, Connection, Contact, Event, Inbound, Plan, Recording, Task, Transaction, World};
use crate::rng::Rng;
use crate::text::DAY;
use chrono::{TimeDelta, TimeZone, Timelike};
use std::borrow::Cow;
use std::collections::HashMap;

/// Before the anchor only calls in progress: every other one has ended by then.
const QUIET: i64 = 600_000;
const TITLES: [&str; 6] = ["Akquise Nord", "Akquise Süd", "Bestandskunden", "Terminierung", "Nachfass", "Umfrage"];

const OUTCOMES: [(&str, &str, u32); 12] = [
    ("open", "$none", 45),
    ("open", "$follow_up_auto", 18),
    ("open", "$follow_up_personal", 6),
    ("open", "$assigned", 2),
    ("declined", "KI_Ansprechpartner", 7),
    ("declined", "falsche_Zielgruppe", 4),
    ("declined", "KI_Gatekeeper", 4),
    ("success", "Termin", 4),
    ("success", "Infomail", 2),
    ("failed", "$wrong_number", 3),
    ("failed", "$do_not_call", 2),
    ("failed", "$unavailable", 3),
];
const MISSES: [(&str, u16); 4] = [("noanswer", 480), ("busy", 486), ("answeringmachine", 200), ("invalid", 404)];

impl World {
    pub fn new(plan: Plan) -> Self {
        let mut rng = Rng::new(plan.seed);
        let agents = (0..plan.agents).map(|index| Agent::new(index, &mut rng)).collect();
        let campaigns = (0..=plan.campaigns).map(|index| campaign(index, index < plan.campaigns, &mut rng)).collect();
        let mut world = Self { agents, campaigns, rng, plan };
        world.fill();
        world
    }

    fn fill(&mut self) {
        let instants = instants(&self.plan, &mut self.rng);
        let contacts = instants.len().div_ceil(4);
        let mut whose: Vec<usize> = (0..contacts).collect();
        whose.extend((contacts..instants.len()).map(|_| self.rng.below(contacts as u64) as usize));
        self.rng.shuffle(&mut whose);

        let campaigns = usize::from(self.plan.campaigns);
        for index in 0..contacts {
            let contact = self.contact();
            self.campaigns[index % campaigns].add_contact(contact);
        }
        let in_progress = instants.len() - (self.plan.in_progress as usize).min(instants.len());
        for (index, (fired, contact)) in instants.into_iter().zip(whose).enumerate() {
            let (campaign, contact) = (contact % campaigns, contact / campaigns);
            // Some events of a contact share their instant: the vendor's own client loses one of them.
            let twin = index < in_progress && self.rng.chance(0.003);
            let last = self.campaigns[campaign].contacts[contact].transactions.last().filter(|_| twin);
            self.add(campaign, contact, last.map_or(fired, |last| last.fired), index >= in_progress);
        }
        for index in 0..campaigns {
            self.add_inbound(index);
            self.campaigns[index].sort();
        }
    }

    pub fn contact(&mut self) -> Contact {
        Contact { id: self.rng.id(), face: self.rng.next(), ..Contact::default() }
    }

    /// Adds one transaction, and its event at the end of the feed, which the caller sorts.
    pub fn add(&mut self, campaign: usize, contact: usize, fired: i64, in_progress: bool) {
        let made = transaction(&self.plan, &mut self.rng, fired, in_progress);
        let campaign = &mut self.campaigns[campaign];
        let target = &mut campaign.contacts[contact];
        if target.transactions.is_empty() {
            let lead = self.rng.below(20 * DAY as u64) as i64;
            target.created = (fired - lead).max(self.plan.start().min(fired));
        }
        let key = (fired, contact as u32, target.transactions.len() as u32);
        target.changed = target.changed.max(fired);
        target.transactions.push(made);
        target.revision += 1;
        target.rendered.take();
        campaign.events.push(Event { key, raw: None });
    }

    fn add_inbound(&mut self, campaign: usize) {
        let plan = &self.plan;
        let count = u64::from(plan.days) * u64::from(plan.calls_per_day) / 20 / u64::from(plan.campaigns);
        let contacts = self.campaigns[campaign].contacts.len() as u64;
        let rng = &mut self.rng;
        for serial in 0..count as u32 {
            let at = plan.start() + rng.below((plan.anchor - QUIET - plan.start()) as u64) as i64;
            let taken = rng.chance(0.8);
            let call = Inbound {
                key: (at, serial, 0),
                id: rng.uuid(),
                contact: rng.chance(0.7).then(|| rng.below(contacts) as u32),
                agent: taken.then(|| rng.below(u64::from(plan.agents)) as u16),
                calling: 493_000_000_000 + rng.below(6_000_000_000),
                wait: rng.between(1000, 40_000),
                talk: if taken { rng.between(5000, 240_000) } else { 0 },
                dispatch_error: !taken && rng.chance(0.1),
                raw: None,
            };
            self.campaigns[campaign].inbound.push(call);
        }
    }
}

impl Plan {
    pub fn start(&self) -> i64 {
        self.anchor - i64::from(self.days) * DAY
    }
}

fn campaign(index: u16, api: bool, rng: &mut Rng) -> Campaign {
    let id = rng.id();
    let title = TITLES[usize::from(index) % TITLES.len()];
    let title = if api { format!("{title} {}", index + 1) } else { "Ohne API".into() };
    let task = |rng: &mut Rng, name, title| Task { id: rng.id(), name, title };
    Campaign {
        token: format!("campaign-token-{id}"),
        id,
        title,
        api,
        tasks: [task(rng, "anrufen_stufe", "Anrufen"), task(rng, "fc_telefonie", "Follow-up")],
        contacts: Vec::new(),
        lookup: HashMap::new(),
        events: Vec::new(),
        loose: Vec::new(),
        inbound: Vec::new(),
    }
}

/// When the transactions happen, in order: on each local midnight and one millisecond before it, mostly in working
/// hours otherwise, and at the end those that are in progress.
fn instants(plan: &Plan, rng: &mut Rng) -> Vec<i64> {
    let total = plan.days as usize * plan.calls_per_day as usize;
    let in_progress = (plan.in_progress as usize).min(total);
    let mut instants: Vec<i64> = midnights(plan).into_iter().flat_map(|midnight| [midnight - 1, midnight]).collect();
    instants.truncate((total - in_progress) / 2);
    for index in 0..total - in_progress - instants.len() {
        let from = plan.start() + (index as i64 % i64::from(plan.days)) * DAY;
        instants.push(working_instant(plan, rng, from));
    }
    instants.sort_unstable();
    instants.extend((0..in_progress as i64).map(|i| plan.anchor - 300_000 + i * 270_000 / in_progress as i64));
    instants
}

fn midnights(plan: &Plan) -> Vec<i64> {
    let Some(start) = plan.timezone.timestamp_millis_opt(plan.start()).single() else { return Vec::new() };
    (1..=i64::from(plan.days))
        .filter_map(|day| (start.date_naive() + TimeDelta::days(day)).and_hms_opt(0, 0, 0))
        .filter_map(|local| plan.timezone.from_local_datetime(&local).earliest())
        .map(|midnight| midnight.timestamp_millis())
        .filter(|midnight| *midnight > plan.start() && *midnight < plan.anchor - QUIET)
        .collect()
}

fn working_instant(plan: &Plan, rng: &mut Rng, from: i64) -> i64 {
    loop {
        let at = from + rng.below((DAY - QUIET) as u64) as i64;
        let hour = plan.timezone.timestamp_millis_opt(at).single().map(|local| local.hour());
        if hour.is_some_and(|hour| (8..18).contains(&hour)) || rng.chance(0.05) {
            return at;
        }
    }
}

fn transaction(plan: &Plan, rng: &mut Rng, fired: i64, in_progress: bool) -> Transaction {
    let human = in_progress || !rng.chance(plan.non_human);
    let (status, detail) = if in_progress { ("open", "$none") } else { outcome(rng) };
    let dialed = !human && rng.chance(0.5);
    let (status, detail) = match (human, dialed) {
        (true, _) => (status, detail),
        (_, true) => ("open", rng.pick(&["$none", "$follow_up_auto"])),
        _ => rng.pick(&[
            ("open", "$assigned"),
            ("failed", "$duplicate"),
            ("open", "$revoked"),
            ("failed", "$invalid_contact"),
        ]),
    };
    let connections = match (human, dialed) {
        _ if in_progress => 1,
        _ if plan.legs.is_some() => (0..2).filter(|_| rng.chance(plan.legs.unwrap_or(0.0) / 2.0)).count(),
        (true, _) if detail == "$assigned" => 0,
        (true, _) => [0, 1, 2][usize::from(rng.chance(0.625)) * (1 + usize::from(rng.chance(0.12)))],
        (_, dialed) => usize::from(dialed),
    };
    let mut at = fired;
    let connections: Vec<Connection> = (0..connections)
        .map(|_| {
            let made = connection(plan, rng, at, human, in_progress);
            at = made.disconnected().unwrap_or(at) + 1500;
            made
        })
        .collect();
    let mut seconds = |low, high| match rng.below(10) {
        0 => rng.between(low * 1000, high * 1000),
        _ => rng.between(low, high) * 1000,
    };
    let times = if human { [seconds(0, 60), seconds(5, 300), seconds(1, 90), seconds(0, 120)] } else { [0; 4] };
    Transaction {
        fired,
        suffix: rng.chance(0.02).then(|| rng.below(10_000) as u16),
        agent: human.then(|| rng.below(u64::from(plan.agents)) as u16),
        login: human && !rng.chance(0.03),
        kind: if dialed { "dial_result" } else { "update" },
        status,
        detail: Cow::Borrowed(detail),
        trigger: if human { "agent" } else { rng.pick(&["dialer", "import", "other"]) },
        result: connections.last().map_or("", |connection| connection.result),
        times,
        revoked: detail == "$revoked",
        version: rng.next(),
        revision: 0,
        connections,
    }
}

fn outcome(rng: &mut Rng) -> (&'static str, &'static str) {
    let mut left = rng.below(OUTCOMES.iter().map(|(_, _, weight)| u64::from(*weight)).sum()) as u32;
    for (status, detail, weight) in OUTCOMES {
        if left < weight {
            return (status, detail);
        }
        left -= weight;
    }
    unreachable!("less than the sum of the weights")
}

fn connection(plan: &Plan, rng: &mut Rng, fired: i64, human: bool, in_progress: bool) -> Connection {
    let talked = in_progress || human && rng.chance(0.76);
    let (result, code) = if talked { ("connect", 200) } else { rng.pick(&MISSES) };
    let mut made = Connection {
        id: rng.uuid(),
        fired,
        ring: rng.between(1000, 20_000),
        talk: (!in_progress).then(|| if talked { rng.between(2000, 200_000) } else { 0 }),
        result,
        code,
        hangup: rng.pick(&["agent", "client"]),
        recordings: Vec::new(),
        third_party: Vec::new(),
    };
    if let Some(share) = plan.recorded.filter(|_| !in_progress) {
        if rng.chance(share) {
            made.record(plan, rng);
        }
        return made;
    }
    if !talked || in_progress {
        return made;
    }
    if rng.chance(0.87) {
        made.record(plan, rng);
    }
    if rng.chance(0.03) {
        let mut third = connection(plan, rng, made.connected() + 500, false, false);
        (third.result, third.code, third.ring) = ("connect", 200, 900);
        third.talk = made.talk.map(|talk| talk.saturating_sub(1400));
        third.record(plan, rng);
        made.third_party.push(third);
    }
    made
}

impl Connection {
    /// Adds the recordings of a call that has ended; a few calls have two of them.
    pub fn record(&mut self, plan: &Plan, rng: &mut Rng) {
        let Some(end) = self.disconnected() else { return };
        let start = self.connected() + i64::from(rng.between(0, 40));
        let middle = start + (end - start) / 2;
        let parts = if rng.chance(0.03) { vec![(start, middle), (middle + 1, end)] } else { vec![(start, end)] };
        for (started, stopped) in parts {
            let stopped = (stopped - i64::from(rng.between(40, 1200))).max(started);
            let located = !rng.chance(plan.late_recordings);
            self.recordings.push(Recording { id: rng.uuid(), started, stopped, located });
        }
    }
}

#[cfg(test)]
#[path = "generate_tests.rs"]
mod tests;
