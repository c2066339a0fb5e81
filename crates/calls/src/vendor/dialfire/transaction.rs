//! The transactions of a contact: which are taken, under which id, and their fields.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::checksum::Checksum;
use super::contact::{missing, of, owned, text, Take};
use super::event::Event;
use super::leg::Place;
use super::response::reject;
use crate::field::{self, Extra, Fault};
use crate::json::{Fields, Raw};
use crate::row::{Agent, Batch, Reject, Transaction};

/// A transaction that the event feed announced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    pub fired: DateTime<Utc>,
    pub md5: Checksum,
    pub log_index: u32,
    pub transaction_index: u32,
}

/// A transaction before it is decided whether it is taken.
struct Draft<'a, R> {
    log_index: u32,
    index: u32,
    raw: R,
    fields: Result<Fields<'a, R>, Fault>,
    fired_text: Option<Cow<'a, str>>,
    fired: Result<DateTime<Utc>, Fault>,
    sequence: Option<i64>,
    /// Position among the contact's transactions of the same instant.
    tie: Option<String>,
    repeats: bool,
    event_md5: Option<String>,
}

pub(super) fn transactions<'a>(contact_id: &str, log: Option<impl Raw<'a>>, take: &Take, out: &mut Batch) -> u64 {
    let mut drafts = Vec::new();
    match log {
        None => {}
        Some(log) => match field::items("$task_log", log) {
            Err(fault) => {
                out.rejects.push(of(contact_id, take, reject("contact", owned(contact_id), fault, log.get())))
            }
            Ok(entries) => {
                for (log_index, entry) in (0..).zip(entries) {
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
        let line = Event {
            fired: wanted.fired,
            md5: wanted.md5.to_string(),
            contact_id: contact_id.to_owned(),
            log_index: wanted.log_index,
            transaction_index: wanted.transaction_index,
        }
        .to_string();
        let fault = Fault::new("event_without_transaction", "$task_log", detail);
        let rejected = reject("event", None, fault, &serde_json::Value::from(line).to_string());
        out.rejects.push(Reject {
            event_md5: Some(wanted.md5.to_string()),
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

fn draft<'a, R: Raw<'a>>(entry: R, log_index: u32, drafts: &mut Vec<Draft<'a, R>>) -> Result<(), Fault> {
    for (name, raw) in field::fields("$task_log", entry)? {
        if name != "transactions" {
            continue;
        }
        for (index, raw) in (0..).zip(field::items("transactions", raw)?) {
            drafts.push(Draft::of(raw, log_index, index));
        }
    }
    Ok(())
}

impl<'a, R: Raw<'a>> Draft<'a, R> {
    fn of(raw: R, log_index: u32, index: u32) -> Draft<'a, R> {
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
        Draft { log_index, index, raw, fired_text, fired, sequence, fields, tie: None, repeats: false, event_md5: None }
    }
}

/// One transaction that stands alone, under the id that it was stored with.
pub(super) fn stored<'a>(id: &str, contact_id: &str, raw: impl Raw<'a>, take: &Take, out: &mut Batch) {
    let (taken, rejected) = (out.transactions.len(), out.rejects.len());
    take_transaction(contact_id, Draft::of(raw, 0, 0), take, out);
    out.transactions[taken..].iter_mut().for_each(|t| id.clone_into(&mut t.id));
    out.rejects[rejected..].iter_mut().for_each(|r| r.key = owned(id));
}

/// The vendor's client derives a transaction's id from contact and instant and so loses all but one of an instant.
/// The first of an instant keeps that id; the others carry their sequence number, or their rank where that repeats.
fn number_ties<'a, R: Raw<'a>>(drafts: &mut [Draft<'a, R>]) {
    let mut order: Vec<usize> = (0..drafts.len()).filter(|&i| drafts[i].fired_text.is_some()).collect();
    order.sort_by(|&a, &b| {
        let key = |d: &Draft<R>| (d.sequence.unwrap_or(i64::MAX), d.log_index, d.index);
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
fn match_events<'w, R>(drafts: &mut [Draft<R>], wanted: &'w [Wanted]) -> Vec<&'w Wanted> {
    let mut by_place = HashMap::new();
    let mut by_instant: HashMap<DateTime<Utc>, Vec<usize>> = HashMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        by_place.insert((draft.log_index, draft.index), at);
        if let Ok(fired) = draft.fired {
            by_instant.entry(fired).or_default().push(at);
        }
    }
    let place = |w: &Wanted| by_place.get(&(w.log_index, w.transaction_index)).copied();
    let exact =
        |d: &[Draft<R>], w: &Wanted| place(w).filter(|&at| !d[at].repeats && d[at].fired.as_ref() == Ok(&w.fired));
    let instant = |d: &[Draft<R>], w: &Wanted, repeats: bool| {
        by_instant.get(&w.fired)?.iter().copied().find(|&at| d[at].event_md5.is_none() && d[at].repeats == repeats)
    };
    let unreadable = |d: &[Draft<R>], w: &Wanted| place(w).filter(|&at| d[at].fired.is_err());
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
            drafts[at].event_md5 = Some(event.md5.to_string());
            false
        });
    }
    left
}

fn take_transaction<'a, R: Raw<'a>>(contact_id: &str, draft: Draft<'a, R>, take: &Take, out: &mut Batch) {
    let mut nested = Batch::default();
    match transaction(contact_id, &draft, take, &mut nested) {
        Ok(transaction) => {
            meet_agent(&transaction, &mut out.agents);
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

fn transaction<'a, R: Raw<'a>>(
    contact_id: &str,
    draft: &Draft<'a, R>,
    take: &Take,
    out: &mut Batch,
) -> Result<Transaction, Fault> {
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
        ..Transaction::default()
    };
    let mut legs = None;
    for &(ref name, raw) in fields {
        let name = name.as_ref();
        match name {
            "fired" => {}
            "id" if text(name, raw)?.as_deref() == Some(contact_id) => {}
            "connections" => legs = Some(raw),
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

/// A user under a login, with the newest of the calls that say so.
fn meet_agent(t: &Transaction, agents: &mut Vec<Agent>) {
    let (Some(id), Some(login)) = (&t.user_id, &t.user_login) else { return };
    let (branch, seen) = (t.user_branch.clone(), t.fired);
    match agents.iter_mut().find(|agent| agent.id == *id && agent.login == *login) {
        Some(known) if known.seen >= seen => {}
        Some(known) => (known.branch, known.seen) = (branch, seen),
        None => agents.push(Agent { id: id.clone(), login: login.clone(), branch, name: None, seen }),
    }
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

pub(super) fn md5(parts: &[&str]) -> String {
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
