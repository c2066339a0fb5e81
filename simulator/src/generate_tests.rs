use crate::data::{Campaign, Connection, World};
use crate::testing::plan;
use crate::text;
use chrono::{DateTime, Timelike};

fn written(world: &World) -> String {
    let mut out = String::new();
    for campaign in &world.campaigns {
        for contact in &campaign.contacts {
            world.push_contact(&mut out, campaign, contact, true);
        }
        campaign.events.iter().for_each(|event| campaign.push_event(&mut out, event));
        campaign.inbound.iter().for_each(|call| world.push_inbound(&mut out, campaign, call));
    }
    out
}

fn transactions(world: &World) -> impl Iterator<Item = &crate::data::Transaction> {
    world.campaigns.iter().flat_map(|campaign| &campaign.contacts).flat_map(|contact| &contact.transactions)
}

fn connections(world: &World) -> Vec<&Connection> {
    transactions(world).flat_map(|t| &t.connections).collect()
}

#[test]
fn a_plan_makes_the_same_tenant_each_time_and_another_seed_another() {
    let first = written(&World::new(plan()));
    assert_eq!(first, written(&World::new(plan())));
    assert_ne!(first, written(&World::new(crate::data::Plan { seed: 43, ..plan() })));
}

#[test]
fn every_instant_lies_between_the_first_day_and_the_anchor() {
    let world = World::new(plan());
    let (start, anchor) = (text::time(world.plan.start()), text::time(world.plan.anchor));
    let everything = written(&world);
    let stamp =
        |at: usize| everything.get(at.checked_sub(10)?..at + 14).filter(|text| text::parse_time(text).is_some());
    let stamps: Vec<&str> = everything.match_indices('T').filter_map(|(at, _)| stamp(at)).collect();
    assert!(stamps.len() > 20_000, "{}", stamps.len());
    let follow_ups = everything.matches("\"$follow_up_date\":\"2").count();
    let outside = stamps.iter().filter(|stamp| **stamp < &*start || **stamp > &*anchor).count();
    assert!(outside <= follow_ups, "{outside} instants outside, {follow_ups} of them follow-ups");
}

#[test]
fn the_shares_are_those_of_the_plan() {
    let world = World::new(crate::data::Plan { calls_per_day: 4000, ..plan() });
    let all: Vec<_> = transactions(&world).collect();
    let share = |part: usize, of: usize| part as f64 / of as f64;
    let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 0.02, "{found} instead of {wanted}");
    assert_eq!(all.len(), 20_000);
    near(share(all.iter().filter(|t| t.agent.is_none()).count(), all.len()), 0.1);
    near(share(all.iter().filter(|t| t.connections.is_empty()).count(), all.len()), 0.4);
    let connections = connections(&world);
    near(share(connections.iter().filter(|c| !c.recordings.is_empty()).count(), connections.len()), 0.6);
    let recordings: Vec<_> = connections.iter().flat_map(|c| &c.recordings).collect();
    near(share(recordings.iter().filter(|r| !r.located).count(), recordings.len()), 0.05);
    assert_eq!(connections.iter().filter(|c| c.talk.is_none()).count(), 3);
    assert!(connections.iter().any(|c| !c.third_party.is_empty()));
    assert!(all.iter().any(|t| t.suffix.is_some()) && all.iter().any(|t| t.agent.is_some() && !t.login));
    let contacts: usize = world.campaigns.iter().map(|campaign| campaign.contacts.len()).sum();
    assert_eq!(contacts, 5000);
}

#[test]
fn some_events_of_a_contact_share_their_instant() {
    let world = World::new(plan());
    let contacts = world.campaigns.iter().flat_map(|campaign| &campaign.contacts);
    let twins = contacts.filter(|contact| contact.transactions.windows(2).any(|two| two[0].fired == two[1].fired));
    assert!(twins.count() > 0);
}

#[test]
fn calls_lie_on_both_sides_of_each_local_midnight() {
    // Clocks go back in the night of 25 October.
    let world = World::new(plan());
    let events = world.campaigns.iter().flat_map(|campaign| &campaign.events);
    let fired: Vec<i64> = events.map(|event| event.key.0).collect();
    for midnight in ["2026-10-24T21:00:00Z", "2026-10-25T22:00:00Z", "2026-10-26T22:00:00Z"] {
        let midnight = text::parse_time(midnight).unwrap();
        assert!(fired.contains(&midnight) && fired.contains(&(midnight - 1)), "{}", text::time(midnight));
    }
}

#[test]
fn the_last_campaign_is_empty_and_closed() {
    let world = World::new(plan());
    let closed: Vec<&Campaign> = world.campaigns.iter().filter(|campaign| !campaign.api).collect();
    assert!(matches!(closed.as_slice(), [one] if one.contacts.is_empty() && one.id.len() == 16));
}

#[test]
fn instants_are_written_as_chrono_writes_them() {
    for ms in [0, -1, 951_782_399_999, 951_782_400_000, 1_709_164_800_123, 4_102_444_799_001, -62_135_596_800_000] {
        let wanted = DateTime::from_timestamp_millis(ms).unwrap();
        assert_eq!(text::time(ms), wanted.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
        assert_eq!(text::parse_time(&text::time(ms)), Some(ms));
        assert!(wanted.hour() < 24);
    }
    assert_eq!(text::parse_time("1970-01-01T00:00:00.001Z0217"), Some(1));
    assert_eq!(text::parse_parameter("1970-01-02"), Some(text::DAY));
    assert_eq!(text::parse_parameter("1970-01-01T00:00:00.5"), Some(500));
    assert_eq!(text::parse_parameter("1970-01-01T00:00:00Z"), None);
}
