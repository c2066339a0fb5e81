//! The JSON of the vendor: contacts with everything nested in them, inbound calls, events.

use crate::data::{Campaign, Connection, Contact, Event, Inbound, Recording, Transaction, World};
use crate::text::{self, push_array, Object, DAY};

impl World {
    /// One full contact; `md5` adds the `$md5` that `include_md5=true` asks for.
    pub fn push_contact(&self, out: &mut String, campaign: &Campaign, contact: &Contact, md5: bool) {
        match &contact.raw {
            None if self.plan.keep_rendered && md5 => out.push_str(contact.rendered.get_or_init(|| {
                let mut rendered = String::new();
                self.push_generated(&mut rendered, campaign, contact, md5);
                rendered.into_boxed_str()
            })),
            Some(raw) => push_raw(out, raw, md5.then(|| contact.md5())),
            None => self.push_generated(out, campaign, contact, md5),
        }
    }

    fn push_generated(&self, out: &mut String, campaign: &Campaign, contact: &Contact, md5: bool) {
        let last = contact.transactions.len().saturating_sub(1);
        let (task, newest) = (campaign.task(last), contact.transactions.last());
        let (status, detail) = newest.map_or(("open", "$none"), |newest| (newest.status, &*newest.detail));
        let fired = newest.map_or(contact.created, |newest| newest.fired);
        let person = contact.person();
        let mut object = Object::new(out);
        object.text("$id", &contact.id);
        object.text("$ref", &contact.reference());
        object.text("$version", &version(contact.face.wrapping_add(u64::from(contact.revision))));
        if md5 {
            object.text("$md5", &contact.md5());
        }
        object.text("$campaign_id", &campaign.id);
        object.text("$task_id", &task.id);
        object.text("$task", task.name);
        object.text("$status", status);
        object.text("$status_detail", detail);
        object.text("$phone", &contact.phone());
        object.text("$timezone", "Europe/Berlin");
        object.text("$caller_id", "");
        object.time("$created_date", contact.created);
        object.time("$entry_date", fired);
        match detail.starts_with("$follow_up") {
            true => object.time("$follow_up_date", fired + DAY),
            false => object.text("$follow_up_date", ""),
        }
        object.text("$call_order", "");
        object.text("$source", "Import");
        object.text("$comment", person.note);
        object.text("$error", "");
        object.text("$trigger", newest.map_or("other", |newest| newest.trigger));
        object.text("firma", &person.company);
        object.text("notiz", person.note);
        object.text("Geprüfte_Anrede", person.salutation);
        object.text("AP_Vorname", person.first);
        object.text("AP_Nachname", person.last);
        object.text("strasse", &person.street);
        object.text("plz", person.town.0);
        object.text("ort", person.town.1);
        object.number("mitarbeiter", person.staff);
        object.text("newsletter", ["", "true", "false"][person.staff as usize % 3]);
        object.text("$owner", "");
        if let Some(newest) = newest {
            let login = newest.agent.map_or("", |agent| &self.agents[usize::from(agent)].login);
            object.text(&format!("$${}_task", task.name), task.name);
            object.text(&format!("$${}_user", task.name), login);
            object.time(&format!("$${}_date", task.name), fired);
            object.text(&format!("$${}_status", task.name), status);
            object.text(&format!("$${}_status_detail", task.name), detail);
        }
        let recording = contact.transactions.iter().flat_map(|t| &t.connections).flat_map(|c| &c.recordings).last();
        object.text("$recording_url", &recording.and_then(Recording::location).unwrap_or_default());
        object.text("$recording", "");
        self.push_task_log(object.key("$task_log"), campaign, contact);
        object.end();
    }

    fn push_task_log(&self, out: &mut String, campaign: &Campaign, contact: &Contact) {
        push_array(out, contact.transactions.chunks(3).enumerate(), |out, (entry, group)| {
            let task = campaign.task(entry * 3);
            let last = &group[group.len() - 1];
            let mut object = Object::new(out);
            push_array(object.key("transactions"), group.iter().enumerate(), |out, (place, transaction)| {
                self.push_transaction(out, campaign, contact, entry * 3 + place, transaction);
            });
            object.text("status", last.status);
            object.text("status_detail", &last.detail);
            object.time("fired", last.fired);
            object.text("campaign_id", &campaign.id);
            object.text("task_id", &task.id);
            object.text("task_name", task.name);
            object.text("task_title", task.title);
            object.text("task_type", "OutboundTask");
            object.flag("task_hi", true);
            object.end();
        });
    }

    fn push_transaction(&self, out: &mut String, campaign: &Campaign, contact: &Contact, seq: usize, t: &Transaction) {
        let task = campaign.task(seq);
        let mut object = Object::new(out);
        object.text("type", t.kind);
        object.text("task_id", &task.id);
        object.text("task", task.name);
        object.text("status", t.status);
        object.text("status_detail", &t.detail);
        object.time("fired", t.fired);
        object.text("trigger", t.trigger);
        object.text("actor", if t.agent.is_some() { "agent" } else { "system" });
        if let Some(agent) = t.agent.map(|agent| &self.agents[usize::from(agent)]) {
            object.text("user", &agent.id);
            if t.login {
                object.text("user_loginName", &agent.login);
                object.text("user_branch", "Zentrale");
                object.text("user_tenantAlias", "acme");
            }
            object.seconds("pause_time_sec", t.times[0]);
            object.seconds("edit_time_sec", t.times[1]);
            object.seconds("wrapup_time_sec", t.times[2]);
            object.seconds("wait_time_sec", t.times[3]);
        }
        object.flag("isHI", t.agent.is_some());
        object.flag("revoked", t.revoked);
        object.text("result", t.result);
        object.text("id", &contact.id);
        object.text("ref", &contact.reference());
        object.text("phone", &contact.phone());
        object.text("timezone", "Europe/Berlin");
        object.time("created_date", contact.created);
        object.time("entry_date", t.fired);
        object.key("data").push_str("{}");
        object.number("sequence_nr", seq as i64);
        object.number("next_sequence_nr", seq as i64 + 1);
        object.text("version", &version(t.version.wrapping_add(u64::from(t.revision))));
        // The vendor leaves the key out of some events without a call, and sends an empty array in others.
        if !t.connections.is_empty() || t.version.is_multiple_of(2) {
            let user = t.agent.map(|agent| &*self.agents[usize::from(agent)].id);
            push_array(object.key("connections"), &t.connections, |out, connection| {
                push_connection(out, &task.id, user, &contact.phone()[1..], connection, None);
            });
        }
        object.end();
    }

    /// One item of `inbound/calls/`.
    pub fn push_inbound(&self, out: &mut String, campaign: &Campaign, call: &Inbound) {
        if let Some(raw) = &call.raw {
            return out.push_str(raw);
        }
        let connected = call.key.0 + i64::from(call.wait);
        let user = call.agent.map_or("", |agent| &self.agents[usize::from(agent)].id);
        let contact = call.contact.map_or("", |contact| &campaign.contacts[contact as usize].id);
        let mut object = Object::new(out);
        object.uuid("id", call.id);
        object.text("line_id", &campaign.line());
        object.text("campaign_id", &campaign.id);
        object.text("task_id", &campaign.tasks[0].id);
        object.text("task_name", campaign.tasks[0].name);
        object.text("contact_id", contact);
        object.text("calling_number", &format!("+{}", call.calling));
        object.text("called_number", LINE);
        object.time("call_time", call.key.0);
        match call.agent {
            Some(_) => object.time("connect_time", connected),
            None => object.text("connect_time", ""),
        }
        object.time("hangup_time", connected + i64::from(call.talk));
        object.text("user", user);
        object.text("state", call.state());
        object.time("connectable_time", call.key.0 + 200);
        object.text("disposition", call.disposition());
        object.flag("dispatch_error", call.dispatch_error);
        object.end();
    }
}

/// The number that inbound calls dial.
pub const LINE: &str = "+498912345678";

impl Campaign {
    pub fn line(&self) -> String {
        format!("LINE{}", &self.id[..8])
    }

    /// `fired|md5|contact|entry,place`; the md5 changes with anything in the transaction.
    pub fn push_event(&self, out: &mut String, event: &Event) {
        let (fired, contact, index) = event.key;
        let contact = &self.contacts[contact as usize];
        let transaction = &contact.transactions[index as usize];
        let (entry, place) = Self::place(index as usize);
        text::push_time(out, fired);
        if let Some(suffix) = transaction.suffix {
            out.push_str(&format!("{suffix:04}"));
        }
        out.push('|');
        text::push_md5(out, &format!("{}{fired} {index} {}", contact.id, transaction.revision));
        out.push_str(&format!("|{}|{entry},{place}", contact.id));
    }
}

impl Inbound {
    pub fn state(&self) -> &'static str {
        if self.agent.is_some() {
            "connected"
        } else {
            "abandoned"
        }
    }

    pub fn disposition(&self) -> &'static str {
        if self.agent.is_some() {
            "answered"
        } else {
            "hangup"
        }
    }
}

/// A verbatim contact, with `$md5` put in as its first member where it is asked for and missing.
fn push_raw(out: &mut String, raw: &str, md5: Option<String>) {
    match (md5, raw.strip_prefix('{')) {
        (Some(md5), Some(rest)) if !raw.contains("\"$md5\"") => {
            let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
            out.push_str(&format!("{{\"$md5\":\"{md5}\"{comma}"));
            out.push_str(rest);
        }
        _ => out.push_str(raw),
    }
}

fn version(number: u64) -> String {
    crate::rng::Rng::new(number).id()
}

fn push_connection(
    out: &mut String,
    task: &str,
    user: Option<&str>,
    phone: &str,
    c: &Connection,
    parent: Option<u128>,
) {
    let mut object = Object::new(out);
    object.uuid("id", c.id);
    if let Some(parent) = parent {
        object.uuid("parent_connection_id", parent);
        object.text("transfer_target_address", LINE);
    }
    object.uuid("call_uuid", c.id ^ 1);
    object.uuid("global_call_uuid", parent.unwrap_or(c.id) ^ 2);
    object.text("task_id", task);
    object.text("phone", &format!("+{phone}"));
    if let Some(user) = user {
        object.text("user", user);
    }
    object.text("actor", if user.is_some() { "agent" } else { "dialer" });
    object.text("isThirdPartyConnection", if parent.is_some() { "true" } else { "false" });
    object.text("dialerdomain", "dialer1.24dial.com");
    for key in ["fired", "started", "initiated", "call_initiated"] {
        object.time(key, c.fired);
    }
    if c.talked() {
        object.time("connected", c.connected());
        object.time("call_connected", c.connected());
    }
    if let (Some(disconnected), Some(talk)) = (c.disconnected(), c.talk) {
        object.time("disconnected", disconnected);
        object.time("call_disconnected", disconnected);
        object.time("ended", disconnected);
        object.number("duration", talk);
        object.text("hangup_party", c.hangup);
    }
    object.text("remote_number", phone);
    object.text("line_number", &LINE[1..]);
    object.text("technology", if parent.is_some() { "transfer" } else { "sip" });
    object.text("result", c.result);
    object.number("code", c.code);
    if !c.third_party.is_empty() {
        push_array(object.key("third_party_connections"), &c.third_party, |out, third| {
            push_connection(out, task, user, phone, third, Some(c.id));
        });
    }
    if !c.recordings.is_empty() {
        push_array(object.key("recordings"), &c.recordings, push_recording);
    }
    object.end();
}

fn push_recording(out: &mut String, recording: &Recording) {
    let mut object = Object::new(out);
    match recording.location() {
        Some(location) => object.text("location", &location),
        None => object.key("location").push_str("null"),
    }
    object.text("filename", &recording.filename());
    object.time("started", recording.started);
    object.time("stopped", recording.stopped);
    object.end();
}
