//! The phone legs of a transaction with their recordings, third parties included.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::contact::{missing, of, owned, text, Take};
use super::response::reject;
use super::transaction::md5;
use crate::field::{self, Extra, Fault};
use crate::json::Raw;
use crate::row::{Batch, Connection, Recording, Reject};

/// Third parties of third parties: deeper than any real transfer, shallow enough for the stack.
const DEPTH_LIMIT: usize = 16;

/// Where a connection hangs.
pub(super) struct Place<'a> {
    pub contact_id: &'a str,
    pub transaction_id: &'a str,
    pub take: &'a Take<'a>,
    pub fired: DateTime<Utc>,
}

impl Place<'_> {
    pub fn connections<'a>(&self, name: &str, raw: impl Raw<'a>, parent: Option<&str>, depth: usize, out: &mut Batch) {
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

    pub fn connection<'a>(
        &self,
        raw: impl Raw<'a>,
        parent: Option<&str>,
        depth: usize,
        out: &mut Batch,
    ) -> Result<(), Fault> {
        let fields = field::fields("connection", raw)?;
        let mut extra = Extra::default();
        let mut fired_text = None;
        let mut recordings = None;
        let mut third_parties = None;
        let mut c = Connection {
            transaction_id: owned(self.transaction_id),
            contact_id: owned(self.contact_id),
            parent_connection_id: parent.map(str::to_owned),
            is_third_party: parent.is_some().then_some(true),
            ..Connection::default()
        };
        for &(ref name, raw) in &fields {
            let name = name.as_ref();
            match name {
                "id" => c.id = field::key(name, raw)?.unwrap_or_default(),
                "recordings" => recordings = Some(raw),
                "third_party_connections" => third_parties = Some(raw),
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

    pub fn recordings<'a>(&self, connection_id: &str, raw: impl Raw<'a>, out: &mut Batch) {
        let items = match field::items("recordings", raw) {
            Ok(items) => items,
            Err(fault) => return self.reject_recording(connection_id, fault, raw, out),
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
                Err(fault) => self.reject_recording(connection_id, fault, raw, out),
            }
        }
    }

    pub fn recording<'a>(&self, connection_id: &str, raw: impl Raw<'a>) -> Result<Recording, Fault> {
        let mut extra = Extra::default();
        let mut started_text = None;
        let mut r = Recording {
            connection_id: owned(connection_id),
            transaction_id: owned(self.transaction_id),
            contact_id: owned(self.contact_id),
            ..Recording::default()
        };
        for &(ref name, raw) in &field::fields("recording", raw)? {
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

    /// A recording has no id of its own; it can be read again by its connection's.
    fn reject_recording<'a>(&self, connection_id: &str, fault: Fault, raw: impl Raw<'a>, out: &mut Batch) {
        self.reject("recording", fault, raw, out);
        if let Some(rejected) = out.rejects.last_mut() {
            rejected.key = owned(connection_id);
        }
    }

    pub fn reject<'a>(&self, kind: &'static str, fault: Fault, raw: impl Raw<'a>, out: &mut Batch) {
        let rejected = reject(kind, owned(self.transaction_id), fault, raw.get());
        out.rejects.push(Reject { fired: Some(self.fired), ..of(self.contact_id, self.take, rejected) });
    }
}
