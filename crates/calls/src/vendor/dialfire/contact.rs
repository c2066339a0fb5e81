//! One contact as Dialfire nests it: `$task_log[] → transactions[] → connections[] → recordings[]`, to rows.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::value::RawValue;

use super::response::reject;
use crate::field::{self, Extra, Fault, Fields};
use crate::range::Window;
use crate::row::{Agent, Batch, Connection, Contact, Recording, Reject, Transaction, Whole};

/// Third parties of third parties: deeper than any real transfer, shallow enough for the stack.
const DEPTH_LIMIT: usize = 16;

/// A transaction that the event feed announced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    pub fired: DateTime<Utc>,
    pub md5: String,
    pub log_index: usize,
    pub transaction_index: usize,
}

/// Which of a contact's transactions to take, and how to read them.
pub struct Take<'a> {
    pub campaign_id: &'a str,
    pub zone: Tz,
    /// Transactions fired in here are taken although no event announced them.
    pub keep: &'a [Window],
    pub wanted: &'a [Wanted],
}

/// A transaction before it is decided whether it is taken.
struct Draft<'a> {
    log_index: usize,
    index: usize,
    raw: &'a RawValue,
    fields: Result<Fields<'a>, Fault>,
    fired_text: Option<Cow<'a, str>>,
    fired: Result<DateTime<Utc>, Fault>,
    sequence: Option<i64>,
    /// Position among the contact's transactions of the same instant.
    tie: Option<String>,
    repeats: bool,
    event_md5: Option<String>,
}

/// Adds the contact's rows to `out`; returns how many transactions it took that no event had announced.
pub fn read(raw: &RawValue, take: &Take, out: &mut Batch) -> u64 {
    let fields = match field::fields("contact", raw) {
        Ok(fields) => fields,
        Err(fault) => {
            out.rejects
                .push(Reject { campaign_id: owned(take.campaign_id), ..reject("contact", None, fault, raw.get()) });
            return 0;
        }
    };
    let id = fields.iter().find(|(name, _)| name == "$id").map(|(_, raw)| field::key("$id", raw));
    let id = match id {
        Some(Ok(Some(id))) => id,
        other => {
            let fault = other.and_then(Result::err).unwrap_or_else(|| missing("$id"));
            out.rejects
                .push(Reject { campaign_id: owned(take.campaign_id), ..reject("contact", None, fault, raw.get()) });
            return 0;
        }
    };
    match contact(&id, &fields, take) {
        Ok(contact) => out.contacts.push(contact),
        Err(fault) => {
            let payload = without_log(&fields);
            let rejected = reject("contact", Some(id.clone()), fault, &payload);
            out.rejects.push(Reject { campaign_id: owned(take.campaign_id), contact_id: Some(id.clone()), ..rejected });
        }
    }
    let log = fields.iter().find(|(name, _)| name == "$task_log").map(|(_, raw)| *raw);
    transactions(&id, log, take, out)
}

fn contact(id: &str, fields: &Fields, take: &Take) -> Result<Contact, Fault> {
    let mut own = Extra::default();
    let mut contact = Contact {
        id: id.to_owned(),
        campaign_id: owned(take.campaign_id),
        md5: None,
        ref_id: None,
        version: None,
        task_id: None,
        task: None,
        status: None,
        status_detail: None,
        phone: None,
        timezone: None,
        created_date: None,
        entry_date: None,
        fields: Whole("{}".to_owned()),
    };
    for (name, raw) in fields {
        let name = name.as_ref();
        match name {
            "$id" | "$task_log" => {}
            "$campaign_id" => contact.campaign_id = text(name, raw)?.or_else(|| owned(take.campaign_id)),
            "$md5" => contact.md5 = text(name, raw)?,
            "$ref" => contact.ref_id = text(name, raw)?,
            "$version" => contact.version = text(name, raw)?,
            "$task_id" => contact.task_id = text(name, raw)?,
            "$task" => contact.task = text(name, raw)?,
            "$status" => contact.status = text(name, raw)?,
            "$status_detail" => contact.status_detail = text(name, raw)?,
            "$phone" => contact.phone = text(name, raw)?,
            "$timezone" => contact.timezone = text(name, raw)?,
            "$created_date" => contact.created_date = field::instant(name, raw)?,
            "$entry_date" => contact.entry_date = field::instant(name, raw)?,
            _ => own.add(name, raw)?,
        }
    }
    if let Some(json) = own.finish() {
        contact.fields = Whole(json.0);
    }
    Ok(contact)
}

fn transactions(contact_id: &str, log: Option<&RawValue>, take: &Take, out: &mut Batch) -> u64 {
    let mut drafts = Vec::new();
    match log {
        None => {}
        Some(log) => match field::items("$task_log", log) {
            Err(fault) => {
                out.rejects.push(of(contact_id, take, reject("contact", owned(contact_id), fault, log.get())))
            }
            Ok(entries) => {
                for (log_index, entry) in entries.into_iter().enumerate() {
                    if let Err(fault) = draft(entry, log_index, &mut drafts) {
                        let rejected = reject("transaction", None, fault, entry.get());
                        out.rejects.push(of(contact_id, take, rejected));
                    }
                }
            }
        },
    }
    number_ties(&mut drafts);
    let unmatched = match_events(&mut drafts, take.wanted);
    for wanted in unmatched {
        let detail = format!("no transaction at {},{} or of that instant", wanted.log_index, wanted.transaction_index);
        let line = format!(
            "{}|{}|{contact_id}|{},{}",
            wanted.fired.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            wanted.md5,
            wanted.log_index,
            wanted.transaction_index
        );
        let fault = Fault::new("event_without_transaction", "$task_log", detail);
        let rejected = reject("event", None, fault, &serde_json::Value::from(line).to_string());
        out.rejects.push(Reject {
            event_md5: Some(wanted.md5.clone()),
            fired: Some(wanted.fired),
            ..of(contact_id, take, rejected)
        });
    }
    let mut unannounced = 0;
    for draft in drafts {
        let kept = draft.fired.as_ref().map_or(true, |fired| take.keep.iter().any(|window| window.contains(*fired)));
        if draft.repeats || (draft.event_md5.is_none() && !kept) {
            continue;
        }
        unannounced += u64::from(draft.event_md5.is_none());
        take_transaction(contact_id, draft, take, out);
    }
    unannounced
}

fn draft<'a>(entry: &'a RawValue, log_index: usize, drafts: &mut Vec<Draft<'a>>) -> Result<(), Fault> {
    for (name, raw) in field::fields("$task_log", entry)? {
        if name != "transactions" {
            continue;
        }
        for (index, raw) in field::items("transactions", raw)?.into_iter().enumerate() {
            let fields = field::fields("transaction", raw);
            let find = |wanted: &str| {
                fields.as_ref().ok().and_then(|f| f.iter().find(|(name, _)| name == wanted)).map(|(_, raw)| *raw)
            };
            let fired_text = find("fired").and_then(|raw| field::text("fired", raw).ok().flatten());
            let fired = match find("fired").map(|raw| field::instant("fired", raw)) {
                Some(Ok(Some(fired))) => Ok(fired),
                Some(Err(fault)) => Err(fault),
                _ => Err(missing("fired")),
            };
            let sequence = find("sequence_nr").and_then(|raw| field::integer("sequence_nr", raw).ok().flatten());
            drafts.push(Draft {
                log_index,
                index,
                raw,
                fired_text,
                fired,
                sequence,
                fields,
                tie: None,
                repeats: false,
                event_md5: None,
            });
        }
    }
    Ok(())
}

/// The vendor's client derives a transaction's id from contact and instant and so loses all but one of an instant.
/// The first of an instant keeps that id; the others carry their sequence number, or their rank where that repeats.
fn number_ties(drafts: &mut [Draft]) {
    let mut order: Vec<usize> = (0..drafts.len()).filter(|&i| drafts[i].fired_text.is_some()).collect();
    order.sort_by(|&a, &b| {
        let key = |d: &Draft| (d.sequence.unwrap_or(i64::MAX), d.log_index, d.index);
        drafts[a].fired_text.cmp(&drafts[b].fired_text).then_with(|| key(&drafts[a]).cmp(&key(&drafts[b])))
    });
    let groups = order.chunk_by(|&a, &b| drafts[a].fired_text == drafts[b].fired_text);
    let ties: Vec<Vec<usize>> = groups.filter(|group| group.len() > 1).map(<[usize]>::to_vec).collect();
    for group in ties {
        let mut taken = HashSet::new();
        let mut seen = HashSet::new();
        for (rank, at) in group.into_iter().enumerate() {
            if !seen.insert(drafts[at].raw.get()) {
                drafts[at].repeats = true;
                continue;
            }
            let sequence = drafts[at].sequence.filter(|s| !taken.contains(s));
            taken.extend(sequence);
            if rank > 0 {
                drafts[at].tie = Some(sequence.map_or_else(|| format!("#{rank}"), |s| s.to_string()));
            }
        }
    }
}

/// Gives each draft the checksum of its event; returns the events without a draft.
///
/// A position in the feed is as old as the line, so the instant decides and the position only breaks ties.
fn match_events<'w>(drafts: &mut [Draft], wanted: &'w [Wanted]) -> Vec<&'w Wanted> {
    let mut by_place = HashMap::new();
    let mut by_instant: HashMap<DateTime<Utc>, Vec<usize>> = HashMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        by_place.insert((draft.log_index, draft.index), at);
        if let Ok(fired) = draft.fired {
            by_instant.entry(fired).or_default().push(at);
        }
    }
    let place = |w: &Wanted| by_place.get(&(w.log_index, w.transaction_index)).copied();
    let exact = |d: &[Draft], w: &Wanted| place(w).filter(|&at| !d[at].repeats && d[at].fired.as_ref() == Ok(&w.fired));
    let instant = |d: &[Draft], w: &Wanted, repeats: bool| {
        by_instant.get(&w.fired)?.iter().copied().find(|&at| d[at].event_md5.is_none() && d[at].repeats == repeats)
    };
    let unreadable = |d: &[Draft], w: &Wanted| place(w).filter(|&at| d[at].fired.is_err());
    let mut left: Vec<&Wanted> = wanted.iter().collect();
    for rule in 0..4 {
        left.retain(|event| {
            let found = match rule {
                0 => exact(drafts, event),
                1 => instant(drafts, event, false),
                2 => unreadable(drafts, event),
                _ => instant(drafts, event, true),
            };
            let Some(at) = found.filter(|&at| drafts[at].event_md5.is_none()) else { return true };
            drafts[at].event_md5 = Some(event.md5.clone());
            false
        });
    }
    left
}

fn take_transaction(contact_id: &str, draft: Draft, take: &Take, out: &mut Batch) {
    let mut nested = Batch::default();
    match transaction(contact_id, &draft, take, &mut nested) {
        Ok(transaction) => {
            out.agents.extend(agent_of(&transaction));
            out.transactions.push(transaction);
            out.append(nested);
        }
        Err(fault) => {
            let key = draft.fired_text.as_deref().map(|fired| transaction_id(contact_id, fired, draft.tie.as_deref()));
            let rejected = reject("transaction", key, fault, draft.raw.get());
            out.rejects.push(Reject {
                event_md5: draft.event_md5,
                fired: draft.fired.ok(),
                ..of(contact_id, take, rejected)
            });
        }
    }
}

fn transaction(contact_id: &str, draft: &Draft, take: &Take, out: &mut Batch) -> Result<Transaction, Fault> {
    let fields = draft.fields.as_ref().map_err(Clone::clone)?;
    let fired = draft.fired.clone()?;
    let fired_text = draft.fired_text.as_deref().ok_or_else(|| missing("fired"))?;
    let mut extra = Extra::default();
    let mut t = Transaction {
        id: transaction_id(contact_id, fired_text, draft.tie.as_deref()),
        campaign_id: owned(take.campaign_id),
        contact_id: owned(contact_id),
        fired: Some(fired),
        day: Some(local_day(fired, take.zone)),
        event_md5: draft.event_md5.clone(),
        sequence_nr: draft.sequence,
        event_type: None,
        task_id: None,
        task: None,
        status: None,
        status_detail: None,
        result: None,
        is_human: None,
        is_hi: None,
        revoked: None,
        user_id: None,
        user_login: None,
        user_branch: None,
        user_tenant_alias: None,
        actor: None,
        trigger: None,
        phone: None,
        pause_time_sec: None,
        edit_time_sec: None,
        wrapup_time_sec: None,
        wait_time_sec: None,
        extra: None,
    };
    let mut legs = None;
    for (name, raw) in fields {
        let name = name.as_ref();
        match name {
            "fired" => {}
            "id" if text(name, raw)?.as_deref() == Some(contact_id) => {}
            "connections" => legs = Some(*raw),
            "sequence_nr" => t.sequence_nr = field::integer(name, raw)?,
            "type" => t.event_type = text(name, raw)?,
            "task_id" => t.task_id = text(name, raw)?,
            "task" => t.task = text(name, raw)?,
            "status" => t.status = text(name, raw)?,
            "status_detail" => t.status_detail = text(name, raw)?,
            "result" => t.result = text(name, raw)?,
            "isHI" => t.is_hi = field::flag(name, raw)?,
            "revoked" => t.revoked = field::flag(name, raw)?,
            "user" => t.user_id = field::key(name, raw)?,
            "user_loginName" => match text(name, raw)? {
                Some(login) if is_internal_id(&login) => extra.add(name, raw)?,
                login => t.user_login = login.map(|l| l.trim().to_owned()),
            },
            "user_branch" => t.user_branch = text(name, raw)?,
            "user_tenantAlias" => t.user_tenant_alias = text(name, raw)?,
            "actor" => t.actor = text(name, raw)?,
            "trigger" => t.trigger = text(name, raw)?,
            "phone" => t.phone = text(name, raw)?,
            "pause_time_sec" => t.pause_time_sec = field::double(name, raw)?,
            "edit_time_sec" => t.edit_time_sec = field::double(name, raw)?,
            "wrapup_time_sec" => t.wrapup_time_sec = field::double(name, raw)?,
            "wait_time_sec" => t.wait_time_sec = field::double(name, raw)?,
            _ => extra.add(name, raw)?,
        }
    }
    t.extra = extra.finish();
    let has_user = t.user_id.is_some() || t.user_login.is_some();
    t.is_human = Some(t.is_hi.unwrap_or(has_user && t.status_detail.as_deref() != Some("$assigned")));
    if let Some(legs) = legs {
        let place = Place { contact_id, transaction_id: &t.id, take, fired };
        place.connections("connections", legs, None, 0, out);
    }
    Ok(t)
}

/// Where a connection hangs.
struct Place<'a> {
    contact_id: &'a str,
    transaction_id: &'a str,
    take: &'a Take<'a>,
    fired: DateTime<Utc>,
}

impl Place<'_> {
    fn connections(&self, name: &str, raw: &RawValue, parent: Option<&str>, depth: usize, out: &mut Batch) {
        let legs = match field::items(name, raw) {
            Ok(_) if depth > DEPTH_LIMIT => Err(Fault::new("too_deep", name, "third parties nested too deeply")),
            other => other,
        };
        match legs {
            Ok(legs) => legs.into_iter().for_each(|leg| {
                if let Err(fault) = self.connection(leg, parent, depth, out) {
                    self.reject("connection", fault, leg, out);
                }
            }),
            Err(fault) => self.reject("connection", fault, raw, out),
        }
    }

    fn connection(&self, raw: &RawValue, parent: Option<&str>, depth: usize, out: &mut Batch) -> Result<(), Fault> {
        let fields = field::fields("connection", raw)?;
        let mut extra = Extra::default();
        let mut fired_text = None;
        let mut recordings = None;
        let mut third_parties = None;
        let mut c = Connection {
            id: String::new(),
            transaction_id: owned(self.transaction_id),
            contact_id: owned(self.contact_id),
            parent_connection_id: parent.map(str::to_owned),
            is_third_party: parent.is_some().then_some(true),
            transfer_target_address: None,
            call_uuid: None,
            global_call_uuid: None,
            task_id: None,
            user_id: None,
            actor: None,
            phone: None,
            remote_number: None,
            line_number: None,
            technology: None,
            dialerdomain: None,
            result: None,
            code: None,
            hangup_party: None,
            fired: None,
            initiated: None,
            started: None,
            connected: None,
            disconnected: None,
            ended: None,
            call_initiated: None,
            call_connected: None,
            call_disconnected: None,
            duration_ms: None,
            extra: None,
        };
        for (name, raw) in &fields {
            let name = name.as_ref();
            match name {
                "id" => c.id = field::key(name, raw)?.unwrap_or_default(),
                "recordings" => recordings = Some(*raw),
                "third_party_connections" => third_parties = Some(*raw),
                "parent_connection_id" => c.parent_connection_id = text(name, raw)?.or(c.parent_connection_id),
                "isThirdPartyConnection" => c.is_third_party = field::flag(name, raw)?.or(c.is_third_party),
                "transfer_target_address" => c.transfer_target_address = text(name, raw)?,
                "call_uuid" => c.call_uuid = text(name, raw)?,
                "global_call_uuid" => c.global_call_uuid = text(name, raw)?,
                "task_id" => c.task_id = text(name, raw)?,
                "user" => c.user_id = text(name, raw)?,
                "actor" => c.actor = text(name, raw)?,
                "phone" => c.phone = text(name, raw)?,
                "remote_number" => c.remote_number = text(name, raw)?,
                "line_number" => c.line_number = text(name, raw)?,
                "technology" => c.technology = text(name, raw)?,
                "dialerdomain" => c.dialerdomain = text(name, raw)?,
                "result" => c.result = text(name, raw)?,
                "code" => c.code = field::integer(name, raw)?,
                "hangup_party" => c.hangup_party = text(name, raw)?,
                "fired" => {
                    fired_text = field::text(name, raw)?;
                    c.fired = field::instant(name, raw)?;
                }
                "initiated" => c.initiated = field::instant(name, raw)?,
                "started" => c.started = field::instant(name, raw)?,
                "connected" => c.connected = field::instant(name, raw)?,
                "disconnected" => c.disconnected = field::instant(name, raw)?,
                "ended" => c.ended = field::instant(name, raw)?,
                "call_initiated" => c.call_initiated = field::instant(name, raw)?,
                "call_connected" => c.call_connected = field::instant(name, raw)?,
                "call_disconnected" => c.call_disconnected = field::instant(name, raw)?,
                "duration" => c.duration_ms = field::integer(name, raw)?,
                _ => extra.add(name, raw)?,
            }
        }
        if c.id.is_empty() {
            // Older payloads have no id; the vendor's first client derived it in this way.
            let fired = fired_text.ok_or_else(|| missing("id"))?;
            c.id = md5(&[self.transaction_id, &fired]);
        }
        c.extra = extra.finish();
        if let Some(raw) = recordings {
            self.recordings(&c.id, raw, out);
        }
        if let Some(raw) = third_parties {
            self.connections("third_party_connections", raw, Some(&c.id), depth + 1, out);
        }
        out.connections.push(c);
        Ok(())
    }

    fn recordings(&self, connection_id: &str, raw: &RawValue, out: &mut Batch) {
        let items = match field::items("recordings", raw) {
            Ok(items) => items,
            Err(fault) => return self.reject("recording", fault, raw, out),
        };
        let mut taken = HashSet::new();
        for (rank, raw) in items.into_iter().enumerate() {
            match self.recording(connection_id, raw) {
                Ok(mut recording) => {
                    if !taken.insert(recording.id.clone()) {
                        recording.id = md5(&[&recording.id, &format!("#{rank}")]);
                    }
                    out.recordings.push(recording);
                }
                Err(fault) => {
                    self.reject("recording", fault, raw, out);
                    if let Some(rejected) = out.rejects.last_mut() {
                        rejected.key = owned(connection_id);
                    }
                }
            }
        }
    }

    fn recording(&self, connection_id: &str, raw: &RawValue) -> Result<Recording, Fault> {
        let mut extra = Extra::default();
        let mut started_text = None;
        let mut r = Recording {
            id: String::new(),
            connection_id: owned(connection_id),
            transaction_id: owned(self.transaction_id),
            contact_id: owned(self.contact_id),
            started: None,
            stopped: None,
            filename: None,
            location: None,
            extra: None,
        };
        for (name, raw) in &field::fields("recording", raw)? {
            let name = name.as_ref();
            match name {
                "started" => {
                    started_text = field::text(name, raw)?;
                    r.started = field::instant(name, raw)?;
                }
                "stopped" => r.stopped = field::instant(name, raw)?,
                "filename" => r.filename = text(name, raw)?,
                "location" => r.location = text(name, raw)?,
                _ => extra.add(name, raw)?,
            }
        }
        // The location is no part of the key: it arrives later and must find the row that waits for it.
        let key = started_text.as_deref().or(r.location.as_deref()).ok_or_else(|| missing("started"))?;
        r.id = md5(&[connection_id, key]);
        r.extra = extra.finish();
        Ok(r)
    }

    fn reject(&self, kind: &'static str, fault: Fault, raw: &RawValue, out: &mut Batch) {
        let rejected = reject(kind, owned(self.transaction_id), fault, raw.get());
        out.rejects.push(Reject { fired: Some(self.fired), ..of(self.contact_id, self.take, rejected) });
    }
}

/// Reads a quarantined record again, as the place where it hung allows.
pub fn reread(rejected: &Reject, zone: Tz) -> Batch {
    let mut out = Batch::default();
    let (Some(contact_id), Ok(raw)) =
        (rejected.contact_id.as_deref(), serde_json::from_str::<&RawValue>(&rejected.payload))
    else {
        return out;
    };
    let campaign_id = rejected.campaign_id.as_deref().unwrap_or_default();
    let take = Take { campaign_id, zone, keep: &[Window::ALL], wanted: &[] };
    let key = rejected.key.as_deref().unwrap_or_default();
    match (rejected.kind, rejected.fired) {
        ("contact", _) => drop(read(raw, &take, &mut out)),
        ("transaction", _) => {
            let log = format!(r#"[{{"transactions":[{}]}}]"#, raw.get());
            if let Ok(log) = serde_json::from_str::<&RawValue>(&log) {
                transactions(contact_id, Some(log), &take, &mut out);
            }
            for transaction in &mut out.transactions {
                transaction.event_md5.clone_from(&rejected.event_md5);
                // Alone it cannot know that it shares its instant with another; its key can.
                if !key.is_empty() && transaction.id != key {
                    let place = std::mem::replace(&mut transaction.id, key.to_owned());
                    let legs = out.connections.iter_mut().filter_map(|c| c.transaction_id.as_mut());
                    let recordings = out.recordings.iter_mut().filter_map(|r| r.transaction_id.as_mut());
                    legs.chain(recordings).filter(|id| **id == place).for_each(|id| *id = key.to_owned());
                }
            }
        }
        ("connection", Some(fired)) => {
            let place = Place { contact_id, transaction_id: key, take: &take, fired };
            if let Err(fault) = place.connection(raw, None, 0, &mut out) {
                place.reject("connection", fault, raw, &mut out);
            }
        }
        _ => {}
    }
    out
}

fn agent_of(t: &Transaction) -> Option<Agent> {
    Some(Agent {
        id: t.user_id.clone()?,
        login: t.user_login.clone()?,
        branch: t.user_branch.clone(),
        name: None,
        seen: t.fired,
    })
}

/// Dialfire delivers 32 hexadecimal digits where a login is unknown: an internal id, not a login.
pub fn is_internal_id(login: &str) -> bool {
    let login = login.trim();
    login.len() == 32 && login.bytes().all(|b| b.is_ascii_hexdigit())
}

pub fn local_day(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

fn transaction_id(contact_id: &str, fired: &str, tie: Option<&str>) -> String {
    md5(&[contact_id, fired, tie.unwrap_or_default()])
}

fn md5(parts: &[&str]) -> String {
    use md5::{Digest, Md5};
    let mut hash = Md5::new();
    parts.iter().for_each(|part| hash.update(part));
    let mut hex = String::with_capacity(32);
    for byte in hash.finalize() {
        hex.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        hex.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
    }
    hex
}

fn text(name: &str, raw: &RawValue) -> Result<Option<String>, Fault> {
    Ok(field::text(name, raw)?.map(Cow::into_owned))
}

fn owned(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn missing(field: &str) -> Fault {
    Fault::new("missing_field", field, format!("\"{field}\" is missing or empty"))
}

fn of(contact_id: &str, take: &Take, rejected: Reject) -> Reject {
    Reject { contact_id: owned(contact_id), campaign_id: owned(take.campaign_id), ..rejected }
}

fn without_log(fields: &Fields) -> String {
    let own: Vec<String> = fields
        .iter()
        .filter(|(name, _)| name != "$task_log")
        .map(|(name, raw)| format!("{}:{}", serde_json::Value::from(name.as_ref()), raw.get()))
        .collect();
    format!("{{{}}}", own.join(","))
}

#[cfg(test)]
#[path = "contact_tests.rs"]
mod tests;
