//! What a tenant holds: users, campaigns, contacts with their transactions, inbound calls.

use crate::rng::Rng;
use crate::text;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

/// How much of what is generated.
#[derive(Clone)]
pub struct Plan {
    pub seed: u64,
    pub days: u32,
    pub calls_per_day: u32,
    pub agents: u16,
    pub campaigns: u16,
    pub non_human: f64,
    pub late_recordings: f64,
    /// Phone legs of a call, and recordings of a leg, on average; `None` as a dialler has them.
    pub legs: Option<f64>,
    pub recorded: Option<f64>,
    pub keep_rendered: bool,
    pub in_progress: u32,
    pub timezone: chrono_tz::Tz,
    /// The vendor's now, in milliseconds.
    pub anchor: i64,
    pub tenant: String,
    pub tenant_token: String,
}

pub struct World {
    pub plan: Plan,
    pub agents: Vec<Agent>,
    pub campaigns: Vec<Campaign>,
    pub rng: Rng,
}

pub struct Agent {
    pub id: String,
    pub first: &'static str,
    pub last: &'static str,
    pub login: String,
}

pub struct Campaign {
    pub id: String,
    pub title: String,
    pub token: String,
    /// Whether `campaignAPI` is among its roles.
    pub api: bool,
    pub tasks: [Task; 2],
    pub contacts: Vec<Contact>,
    pub lookup: HashMap<String, u32>,
    /// Sorted by key.
    pub events: Vec<Event>,
    /// Verbatim events whose time cannot be read: served in every window.
    pub loose: Vec<String>,
    /// Sorted by key.
    pub inbound: Vec<Inbound>,
}

pub struct Task {
    pub id: String,
    pub name: &'static str,
    pub title: &'static str,
}

/// The place of a row in a listing: instant, then two tie-breakers.
pub type Key = (i64, u32, u32);

pub struct Event {
    pub key: Key,
    /// A verbatim event; a generated one is found under (contact, transaction) in its key.
    pub raw: Option<Box<RawEvent>>,
}

#[derive(Default)]
pub struct RawEvent {
    pub text: String,
    pub contact: Option<u32>,
    /// Type, task and human interaction as far as they could be read.
    pub kind: Option<String>,
    pub task: Option<String>,
    pub human: Option<bool>,
}

#[derive(Default)]
pub struct Contact {
    pub id: String,
    /// Everything personal is derived from it.
    pub face: u64,
    pub created: i64,
    pub changed: i64,
    pub revision: u32,
    pub deleted: bool,
    pub transactions: Vec<Transaction>,
    /// With `keep_rendered`, the JSON with its `$md5`, until something changes.
    pub rendered: OnceLock<Box<str>>,
    /// Served as it is, instead of everything else.
    pub raw: Option<Box<str>>,
}

pub struct Transaction {
    pub fired: i64,
    /// Four digits after `Z` in the event feed.
    pub suffix: Option<u16>,
    pub agent: Option<u16>,
    /// Whether the payload carries the login beside the user's id.
    pub login: bool,
    pub kind: &'static str,
    pub status: &'static str,
    pub detail: Cow<'static, str>,
    pub trigger: &'static str,
    pub result: &'static str,
    /// Milliseconds of pause, edit, wrap-up and wait.
    pub times: [u32; 4],
    pub revoked: bool,
    pub version: u64,
    pub revision: u32,
    pub connections: Vec<Connection>,
}

pub struct Connection {
    pub id: u128,
    pub fired: i64,
    pub ring: u32,
    /// Absent while the call is in progress.
    pub talk: Option<u32>,
    pub result: &'static str,
    pub code: u16,
    pub hangup: &'static str,
    pub recordings: Vec<Recording>,
    pub third_party: Vec<Connection>,
}

pub struct Recording {
    pub id: u128,
    pub started: i64,
    pub stopped: i64,
    /// Whether the vendor has published its location.
    pub located: bool,
}

#[derive(Default)]
pub struct Inbound {
    pub key: Key,
    pub id: u128,
    pub contact: Option<u32>,
    pub agent: Option<u16>,
    pub calling: u64,
    pub wait: u32,
    pub talk: u32,
    pub dispatch_error: bool,
    pub raw: Option<Box<str>>,
}

impl Contact {
    pub fn phone(&self) -> String {
        format!("+49{}", 3_000_000_000 + self.face % 6_000_000_000)
    }

    pub fn reference(&self) -> String {
        format!("AP-{:08}", self.face % 100_000_000)
    }

    pub fn md5(&self) -> String {
        match &self.raw {
            Some(raw) => text::md5(raw),
            None => text::md5(&format!("{}{}", self.id, self.revision)),
        }
    }

    pub fn generated(&self) -> bool {
        self.raw.is_none() && !self.deleted
    }

    /// Marks one transaction, and with it the contact, as changed.
    pub fn touch(&mut self, transaction: usize, now: i64) {
        self.transactions[transaction].revision += 1;
        self.revision += 1;
        self.changed = now;
        self.rendered.take();
    }
}

impl Campaign {
    /// Contacts share a task in turns of three transactions: the entry in `$task_log` and the place in it.
    pub fn place(transaction: usize) -> (usize, usize) {
        (transaction / 3, transaction % 3)
    }

    pub fn task(&self, transaction: usize) -> &Task {
        &self.tasks[Self::place(transaction).0 % 2]
    }

    pub fn contact(&self, id: &str) -> Option<&Contact> {
        let contact = &self.contacts[*self.lookup.get(id)? as usize];
        (!contact.deleted).then_some(contact)
    }

    pub fn add_contact(&mut self, contact: Contact) -> u32 {
        let index = self.contacts.len() as u32;
        self.lookup.insert(contact.id.clone(), index);
        self.contacts.push(contact);
        index
    }

    pub fn sort(&mut self) {
        self.events.sort_unstable_by_key(|event| event.key);
        self.inbound.sort_unstable_by_key(|call| call.key);
    }
}

impl Transaction {
    /// The vendor's notion of human interaction (`hi=true`).
    pub fn interactive(&self) -> bool {
        self.agent.is_some() && self.detail != "$assigned"
    }
}

impl Connection {
    pub fn talked(&self) -> bool {
        self.result == "connect"
    }

    pub fn connected(&self) -> i64 {
        self.fired + i64::from(self.ring)
    }

    pub fn disconnected(&self) -> Option<i64> {
        Some(self.connected() + i64::from(self.talk?))
    }
}

impl Recording {
    pub fn filename(&self) -> String {
        format!("PR_{}.mp3", text::uuid(self.id))
    }

    pub fn location(&self) -> Option<String> {
        self.located.then(|| format!("https://vault.24dial.com/vr/{}", self.filename()))
    }
}
