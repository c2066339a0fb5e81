//! What happens at the vendor after the fact: calls are added, end, change, vanish, get their recordings.

use crate::data::{Connection, Contact, Event, Inbound, RawEvent, Transaction, World};
use crate::rng::Rng;
use crate::text;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grow {
    pub calls: u32,
    /// The first call; the others follow a millisecond apart.
    pub at: Option<String>,
    pub campaign: Option<String>,
    pub contact: Option<String>,
    #[serde(default)]
    pub in_progress: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verbatim {
    pub campaign: Option<String>,
    /// A JSON object, or the text of one in a string where it is no valid JSON.
    pub contact: Option<Box<RawValue>>,
    /// Where the contact does not tell.
    pub id: Option<String>,
    #[serde(default)]
    pub events: Vec<String>,
    /// Whether to derive events from the contact's transactions.
    pub derive: Option<bool>,
}

impl World {
    fn campaign_index(&self, id: Option<&String>) -> Option<usize> {
        match id {
            Some(id) => self.campaigns.iter().position(|campaign| campaign.id == *id),
            None => Some(0),
        }
    }

    /// Adds calls, half of them to contacts that exist; returns the instants of the first and the last.
    pub fn grow(&mut self, grow: &Grow, now: i64) -> Option<(i64, i64)> {
        let first = match &grow.at {
            Some(at) => text::parse_time(at)?,
            None => now - i64::from(grow.calls),
        };
        let fixed = grow.contact.as_ref().map(|id| {
            let mut places =
                self.campaigns.iter().enumerate().map(|(index, campaign)| (index, campaign.lookup.get(id)));
            places.find_map(|(index, contact)| Some((index, *contact? as usize)))
        });
        let only = grow.campaign.as_ref().map(|id| self.campaign_index(Some(id)));
        for call in 0..grow.calls {
            let campaign = only.unwrap_or(Some(call as usize % usize::from(self.plan.campaigns)))?;
            let (campaign, contact) = match fixed {
                Some(place) => place?,
                None => (campaign, self.some_contact(campaign, call % 2 == 0)),
            };
            self.add(campaign, contact, first + i64::from(call), grow.in_progress);
        }
        self.campaigns.iter_mut().for_each(|campaign| campaign.sort());
        Some((first, first + i64::from(grow.calls) - 1))
    }

    fn some_contact(&mut self, campaign: usize, existing: bool) -> usize {
        let index = self.rng.below(self.campaigns[campaign].contacts.len() as u64) as usize;
        if existing && self.campaigns[campaign].contacts.get(index).is_some_and(Contact::generated) {
            return index;
        }
        let contact = self.contact();
        self.campaigns[campaign].add_contact(contact) as usize
    }

    /// Applies a change to every generated transaction, and marks those that it changed.
    fn change(&mut self, now: i64, mut change: impl FnMut(&mut Transaction) -> bool) -> u32 {
        let mut changed = 0;
        let contacts = self.campaigns.iter_mut().flat_map(|campaign| &mut campaign.contacts);
        for contact in contacts.filter(|contact| contact.generated()) {
            for index in 0..contact.transactions.len() {
                if change(&mut contact.transactions[index]) {
                    contact.touch(index, now);
                    changed += 1;
                }
            }
        }
        changed
    }

    /// Ends every call in progress.
    pub fn complete(&mut self, now: i64) -> u32 {
        let (mut rng, plan) = (self.rng.clone(), self.plan.clone());
        self.rng.next();
        self.change(now, |transaction| {
            let open = transaction.connections.iter_mut().filter(|connection| connection.talk.is_none());
            let ended = open.map(|connection| {
                connection.talk = Some(rng.between(2000, 200_000));
                connection.record(&plan, &mut rng);
            });
            ended.count() > 0
        })
    }

    /// Publishes the locations of all recordings.
    pub fn publish(&mut self, now: i64) -> u32 {
        fn publish(connections: &mut [Connection]) -> bool {
            let mut changed = false;
            for connection in connections {
                for recording in connection.recordings.iter_mut().filter(|recording| !recording.located) {
                    (recording.located, changed) = (true, true);
                }
                changed |= publish(&mut connection.third_party);
            }
            changed
        }
        self.change(now, |transaction| publish(&mut transaction.connections))
    }

    /// Changes the `status_detail` of a share of the transactions.
    pub fn alter(&mut self, share: f64, seed: u64, now: i64) -> u32 {
        let mut rng = Rng::new(seed);
        self.change(now, |transaction| {
            let hit = rng.chance(share);
            if hit {
                transaction.detail = Cow::Owned(format!("geaendert_{}_{seed}", transaction.revision + 1));
            }
            hit
        })
    }

    pub fn delete(&mut self, id: &str) -> bool {
        for campaign in &mut self.campaigns {
            if let Some(index) = campaign.lookup.get(id).copied() {
                let gone =
                    |event: &Event| event.raw.as_ref().map_or(event.key.1 == index, |raw| raw.contact == Some(index));
                campaign.events.retain(|event| !gone(event));
                campaign.contacts[index as usize].deleted = true;
                return true;
            }
        }
        false
    }

    /// Serves a contact and events as they were sent; returns the contact's id and the number of events.
    pub fn insert(&mut self, verbatim: Verbatim, now: i64) -> Option<(String, usize)> {
        let campaign = self.campaign_index(verbatim.campaign.as_ref())?;
        let (raw, events) = (verbatim.contact, verbatim.events);
        let raw = raw.map(|raw| serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned()));
        let told = raw.as_ref().and_then(|raw| member(raw, "$id"));
        let id = verbatim.id.or_else(|| serde_json::from_str(&told?).ok()).unwrap_or_else(|| self.rng.id());
        let mut made: Vec<(Option<i64>, RawEvent)> = Vec::new();
        if let Some(raw) = raw {
            let index = self.place(campaign, &id, raw.clone().into(), now);
            if verbatim.derive.unwrap_or(true) {
                made.extend(derive(&raw, &id, index));
            }
        }
        let explicit = events.into_iter().map(|text| {
            let mut parts = text.split('|');
            let fired = parts.next().and_then(text::parse_time);
            let contact = parts.nth(1).and_then(|id| self.campaigns[campaign].lookup.get(id).copied());
            (fired, RawEvent { contact, text, ..RawEvent::default() })
        });
        made.extend(explicit);
        let count = made.len();
        let target = &mut self.campaigns[campaign];
        for (fired, event) in made {
            match fired {
                Some(fired) => {
                    let key = (fired, u32::MAX, self.rng.next() as u32);
                    target.events.push(Event { key, raw: Some(Box::new(event)) });
                }
                None => target.loose.push(event.text),
            }
        }
        target.sort();
        Some((id, count))
    }

    /// Puts a verbatim contact in the place of the one with its id, or behind all others.
    fn place(&mut self, campaign: usize, id: &str, raw: Box<str>, now: i64) -> u32 {
        self.delete(id);
        let contact = Contact { id: id.to_owned(), changed: now, raw: Some(raw), ..Contact::default() };
        let campaign = &mut self.campaigns[campaign];
        match campaign.lookup.get(id).copied() {
            Some(index) => {
                campaign.contacts[index as usize] = contact;
                index
            }
            None => campaign.add_contact(contact),
        }
    }

    /// Serves an inbound call as it was sent; one whose time cannot be read stands at the vendor's now.
    pub fn insert_inbound(&mut self, campaign: Option<&String>, raw: &RawValue, now: i64) -> Option<()> {
        let campaign = self.campaign_index(campaign)?;
        let at =
            member(raw.get(), "call_time").and_then(|at| text::parse_time(&serde_json::from_str::<String>(&at).ok()?));
        let call = Inbound {
            key: (at.unwrap_or(now), u32::MAX, self.rng.next() as u32),
            raw: Some(raw.get().into()),
            ..Inbound::default()
        };
        self.campaigns[campaign].inbound.push(call);
        self.campaigns[campaign].sort();
        Some(())
    }
}

type Members = HashMap<String, Box<RawValue>>;

fn member(raw: &str, name: &str) -> Option<String> {
    Some(serde_json::from_str::<Members>(raw).ok()?.get(name)?.get().to_owned())
}

/// The events of a verbatim contact, as far as its transactions can be read.
fn derive(raw: &str, id: &str, contact: u32) -> Vec<(Option<i64>, RawEvent)> {
    let entries = member(raw, "$task_log").and_then(|log| serde_json::from_str::<Vec<Box<RawValue>>>(&log).ok());
    let mut made = Vec::new();
    for (entry, text) in entries.unwrap_or_default().iter().enumerate() {
        let transactions = member(text.get(), "transactions");
        let transactions = transactions.and_then(|list| serde_json::from_str::<Vec<Box<RawValue>>>(&list).ok());
        for (place, transaction) in transactions.unwrap_or_default().iter().enumerate() {
            let Ok(members) = serde_json::from_str::<Members>(transaction.get()) else { continue };
            let read = |name: &str| serde_json::from_str::<String>(members.get(name)?.get()).ok();
            let Some(fired) = read("fired") else { continue };
            let event = RawEvent {
                text: format!("{fired}|{}|{id}|{entry},{place}", text::md5(transaction.get())),
                contact: Some(contact),
                kind: read("type"),
                task: read("task"),
                human: Some(members.contains_key("user") && read("status_detail").as_deref() != Some("$assigned")),
            };
            made.push((text::parse_time(&fired), event));
        }
    }
    made
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
