//! What a database should hold after a complete sync: counts, checksums, rows. Verbatim contacts and calls are left
//! out, since only their author knows what is to become of them.

use crate::control::Shared;
use crate::data::{Campaign, Connection, Contact, Recording, Transaction, World};
use crate::render::LINE;
use crate::sim::Sim;
use crate::text;
use axum::extract::Query;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{json, Value};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    from: Option<String>,
    to: Option<String>,
    campaign: Option<String>,
}

/// The transactions fired in `[from, to)` of one campaign or of all.
struct Slice<'a> {
    world: &'a World,
    from: i64,
    to: i64,
    campaign: Option<String>,
}

/// One transaction and where it stands.
struct Place<'a> {
    campaign: &'a Campaign,
    contact: &'a Contact,
    sequence: usize,
    transaction: &'a Transaction,
    id: &'a str,
}

pub fn router() -> Router<Arc<Sim>> {
    Router::new()
        .route("/_control/truth", get(|sim: Shared, filter| truth(sim, filter, |slice| slice.summary())))
        .route(
            "/_control/truth/transactions",
            get(|sim: Shared, filter| truth(sim, filter, |slice| slice.transactions())),
        )
        .route(
            "/_control/truth/connections",
            get(|sim: Shared, filter| truth(sim, filter, |slice| slice.connections())),
        )
        .route("/_control/truth/recordings", get(|sim: Shared, filter| truth(sim, filter, |slice| slice.recordings())))
        .route("/_control/truth/contacts", get(|sim: Shared, filter| truth(sim, filter, |slice| slice.contacts())))
        .route("/_control/truth/inbound", get(|sim: Shared, filter| truth(sim, filter, |slice| slice.inbound())))
}

async fn truth(
    State(sim): Shared,
    Query(filter): Query<Filter>,
    show: fn(&Slice) -> Value,
) -> Result<Json<Value>, (StatusCode, String)> {
    let instant = |text: &Option<String>, default| match text {
        Some(text) => text::parse_time(text).ok_or((StatusCode::BAD_REQUEST, format!("unreadable instant {text}"))),
        None => Ok(default),
    };
    let (from, to) = (instant(&filter.from, i64::MIN)?, instant(&filter.to, i64::MAX)?);
    let world = sim.world();
    Ok(Json(show(&Slice { world: &world, from, to, campaign: filter.campaign })))
}

impl Contact {
    /// The ids of its transactions: md5(contact id ‖ fired), with the sequence number added for all but the first of
    /// those that share an instant.
    pub fn row_ids(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let ids = self.transactions.iter().enumerate().map(|(sequence, transaction)| {
            let fired = text::time(transaction.fired);
            match seen.insert(transaction.fired) {
                true => text::md5(&format!("{}{fired}", self.id)),
                false => text::md5(&format!("{}{fired}{sequence}", self.id)),
            }
        });
        ids.collect()
    }
}

impl Slice<'_> {
    fn campaigns(&self) -> impl Iterator<Item = &Campaign> {
        let wanted = |campaign: &&Campaign| campaign.api && self.campaign.as_ref().is_none_or(|id| *id == campaign.id);
        self.world.campaigns.iter().filter(wanted)
    }

    fn each(&self, mut visit: impl FnMut(Place)) {
        for campaign in self.campaigns() {
            for contact in campaign.contacts.iter().filter(|contact| contact.generated()) {
                for ((sequence, transaction), id) in contact.transactions.iter().enumerate().zip(contact.row_ids()) {
                    if (self.from..self.to).contains(&transaction.fired) {
                        visit(Place { campaign, contact, sequence, transaction, id: &id });
                    }
                }
            }
        }
    }

    fn each_connection(&self, mut visit: impl FnMut(&Place, &Connection, Option<&Connection>)) {
        self.each(|place| {
            for connection in &place.transaction.connections {
                visit(&place, connection, None);
                connection.third_party.iter().for_each(|third| visit(&place, third, Some(connection)));
            }
        });
    }

    fn user(&self, agent: Option<u16>) -> (Option<&str>, Option<&str>) {
        let agent = agent.map(|agent| &self.world.agents[usize::from(agent)]);
        (agent.map(|agent| &*agent.id), agent.map(|agent| &*agent.login))
    }

    fn summary(&self) -> Value {
        let (mut transactions, mut connections, mut recordings) = (Vec::new(), Vec::new(), Vec::new());
        let (mut contacts, mut by_status, mut human) = (HashSet::new(), BTreeMap::<_, u64>::new(), 0u64);
        let (mut duration, mut talks) = (0u64, 0u64);
        self.each(|place| {
            transactions.push(place.id.to_owned());
            contacts.insert(place.contact.id.clone());
            *by_status.entry(place.transaction.status).or_default() += 1;
            human += u64::from(place.transaction.agent.is_some());
        });
        self.each_connection(|_, connection, _| {
            connections.push(text::uuid(connection.id));
            recordings.extend(connection.recordings.iter().map(|recording| recording_id(connection, recording)));
            duration += u64::from(connection.talk.unwrap_or(0));
            talks += u64::from(connection.talked());
        });
        let inbound: Vec<String> = self.inbound_calls().map(|(_, call)| text::uuid(call.id)).collect();
        let raw: usize =
            self.campaigns().map(|c| c.contacts.iter().filter(|contact| contact.raw.is_some()).count()).sum();
        json!({
            "campaigns": self.campaigns().map(|campaign| json!({"id": campaign.id, "title": campaign.title})).collect::<Vec<_>>(),
            "contacts": contacts.len(), "transactions": transactions.len(), "connections": connections.len(),
            "recordings": recordings.len(), "inbound": inbound.len(), "human": human, "by_status": by_status,
            "connected": talks, "duration_ms": duration, "verbatim_contacts": raw,
            "checksums": {
                "contacts": checksum(contacts.into_iter().collect()), "transactions": checksum(transactions),
                "connections": checksum(connections), "recordings": checksum(recordings), "inbound": checksum(inbound),
            },
        })
    }

    fn transactions(&self) -> Value {
        let mut rows = Vec::new();
        self.each(|Place { campaign, contact, sequence, transaction: t, id }| {
            let (user_id, user_login) = self.user(t.agent);
            let task = campaign.task(sequence);
            let seconds = |index: usize| t.agent.map(|_| f64::from(t.times[index]) / 1000.0);
            rows.push(json!({"id": id, "contact_id": contact.id, "campaign_id": campaign.id, "task_id": task.id,
                "task": task.name, "fired": text::time(t.fired), "type": t.kind, "status": t.status,
                "status_detail": t.detail, "user_id": user_id, "user_login": user_login, "login_in_payload": t.login,
                "is_human": t.agent.is_some(), "sequence_nr": sequence, "pause_time_sec": seconds(0),
                "edit_time_sec": seconds(1), "wrapup_time_sec": seconds(2), "wait_time_sec": seconds(3),
                "result": t.result, "trigger": t.trigger, "revoked": t.revoked, "connections": t.connections.len()}));
        });
        Value::Array(rows)
    }

    fn connections(&self) -> Value {
        let mut rows = Vec::new();
        self.each_connection(|place, c, parent| {
            let (user_id, user_login) = self.user(place.transaction.agent);
            rows.push(json!({"id": text::uuid(c.id), "parent_connection_id": parent.map(|parent| text::uuid(parent.id)),
                "transaction_id": place.id, "contact_id": place.contact.id, "campaign_id": place.campaign.id,
                "phone": place.contact.phone(), "fired": text::time(c.fired), "started": text::time(c.fired),
                "connected": c.talked().then(|| text::time(c.connected())), "disconnected": c.disconnected().map(text::time),
                "ended": c.disconnected().map(text::time), "duration": c.talk, "result": c.result, "code": c.code,
                "hangup_party": c.talk.map(|_| c.hangup), "user_id": user_id, "user_login": user_login,
                "technology": if parent.is_some() { "transfer" } else { "sip" }, "third_party": parent.is_some()}));
        });
        Value::Array(rows)
    }

    fn recordings(&self) -> Value {
        let mut rows = Vec::new();
        self.each_connection(|place, connection, _| {
            for recording in &connection.recordings {
                rows.push(
                    json!({"id": recording_id(connection, recording), "connection_id": text::uuid(connection.id),
                    "transaction_id": place.id, "contact_id": place.contact.id, "campaign_id": place.campaign.id,
                    "started": text::time(recording.started), "stopped": text::time(recording.stopped),
                    "filename": recording.filename(), "location": recording.location()}),
                );
            }
        });
        Value::Array(rows)
    }

    fn contacts(&self) -> Value {
        let (mut rows, mut seen) = (Vec::new(), HashSet::new());
        self.each(|Place { campaign, contact, .. }| {
            let Some(last) = contact.transactions.last().filter(|_| seen.insert(contact.id.clone())) else { return };
            let (task, person) = (campaign.task(contact.transactions.len() - 1), contact.person());
            rows.push(
                json!({"id": contact.id, "ref": contact.reference(), "campaign_id": campaign.id, "task_id": task.id,
                "task": task.name, "status": last.status, "status_detail": last.detail, "phone": contact.phone(),
                "created_date": text::time(contact.created), "firma": person.company, "notiz": person.note,
                "Geprüfte_Anrede": person.salutation, "AP_Vorname": person.first, "AP_Nachname": person.last,
                "mitarbeiter": person.staff, "md5": contact.md5(), "transactions": contact.transactions.len()}),
            );
        });
        Value::Array(rows)
    }

    fn inbound_calls(&self) -> impl Iterator<Item = (&Campaign, &crate::data::Inbound)> {
        let calls = self.campaigns().flat_map(|campaign| campaign.inbound.iter().map(move |call| (campaign, call)));
        calls.filter(|(_, call)| call.raw.is_none() && (self.from..self.to).contains(&call.key.0))
    }

    fn inbound(&self) -> Value {
        let row = |(campaign, call): (&Campaign, &crate::data::Inbound)| {
            let (user_id, user_login) = self.user(call.agent);
            let connected = call.key.0 + i64::from(call.wait);
            json!({"id": text::uuid(call.id), "campaign_id": campaign.id, "line_id": campaign.line(),
                "task_id": campaign.tasks[0].id, "task_name": campaign.tasks[0].name,
                "contact_id": call.contact.map(|contact| &campaign.contacts[contact as usize].id),
                "remote_number": format!("+{}", call.calling), "line_number": LINE, "started": text::time(call.key.0),
                "connected": call.agent.map(|_| text::time(connected)),
                "disconnected": text::time(connected + i64::from(call.talk)), "user_id": user_id,
                "user_login": user_login, "state": call.state(), "disposition": call.disposition(),
                "dispatch_error": call.dispatch_error})
        };
        Value::from_iter(self.inbound_calls().map(row))
    }
}

#[cfg(test)]
pub fn rows(world: &World, table: &str) -> Value {
    let slice = Slice { world, from: i64::MIN, to: i64::MAX, campaign: None };
    match table {
        "transactions" => slice.transactions(),
        "connections" => slice.connections(),
        "recordings" => slice.recordings(),
        _ => slice.contacts(),
    }
}

/// A recording is known by its connection and start, so that a later location updates it.
fn recording_id(connection: &Connection, recording: &Recording) -> String {
    text::md5(&format!("{}{}", text::uuid(connection.id), text::time(recording.started)))
}

/// In SQL: `md5(coalesce(string_agg(id, ',' ORDER BY id COLLATE "C"), ''))`.
fn checksum(mut ids: Vec<String>) -> String {
    ids.sort_unstable();
    text::md5(&ids.join(","))
}

#[cfg(test)]
#[path = "truth_tests.rs"]
mod tests;
