//! The canonical rows: what every vendor's records become, one struct a table.
//!
//! Field names are column names. Instants are UTC; units stand in the comments of `sql/`.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::copy;
use crate::vendor::vapi::{Brief, VoiceCall};

/// A value that `jsonb` accepts, as JSON text; see [`crate::field::json`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Json(pub String);

/// Like [`Json`], but a newer value replaces the stored one instead of being kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Whole(pub String);

/// A number of money, as its decimal text: doubles would lose cents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Decimal(pub String);

impl Default for Whole {
    fn default() -> Whole {
        Whole("{}".to_owned())
    }
}

/// One column of a table.
pub struct Column {
    pub name: &'static str,
    pub sql_type: &'static str,
    pub is_key: bool,
    /// Known values are kept where the new one is absent.
    pub keeps_known: bool,
}

/// One column of many rows, ready to become a Postgres array.
pub enum Values<'a> {
    Texts(Vec<Option<&'a str>>),
    Integers(Vec<Option<i64>>),
    Doubles(Vec<Option<f64>>),
    Flags(Vec<Option<bool>>),
    Instants(Vec<Option<DateTime<Utc>>>),
    Days(Vec<Option<NaiveDate>>),
}

/// A row of one table, readable by column.
pub trait Row: Sized {
    const TABLE: &'static str;
    const COLUMNS: &'static [Column];
    fn id(&self) -> &str;
    fn columns(rows: &[Self]) -> Vec<Values<'_>>;
    fn to_json(&self) -> Map<String, Value>;
}

/// A row that COPY can take; see [`crate::copy`].
pub trait Tuple: Row {
    fn encode(&self, out: &mut Vec<u8>);
}

/// A type that a field of a row may have.
pub trait Cell: Sized {
    const SQL_TYPE: &'static str;
    const IS_KEY: bool = false;
    const KEEPS_KNOWN: bool = true;
    fn gather<'a>(cells: impl Iterator<Item = &'a Self>) -> Values<'a>
    where
        Self: 'a;
    fn encode(&self, out: &mut Vec<u8>);
    fn to_json(&self) -> Value;
}

impl Cell for String {
    const SQL_TYPE: &'static str = "text";
    const IS_KEY: bool = true;
    fn gather<'a>(cells: impl Iterator<Item = &'a Self>) -> Values<'a> {
        Values::Texts(cells.map(|c| Some(c.as_str())).collect())
    }
    fn encode(&self, out: &mut Vec<u8>) {
        copy::text(self, out);
    }
    fn to_json(&self) -> Value {
        Value::from(self.as_str())
    }
}

macro_rules! cell {
    ($type:ty, $sql:literal, $values:ident, $gather:expr, $encode:expr, $json:expr) => {
        impl Cell for Option<$type> {
            const SQL_TYPE: &'static str = $sql;
            fn gather<'a>(cells: impl Iterator<Item = &'a Self>) -> Values<'a> {
                Values::$values(cells.map($gather).collect())
            }
            fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    Some(value) => $encode(value, out),
                    None => copy::null(out),
                }
            }
            fn to_json(&self) -> Value {
                self.as_ref().map_or(Value::Null, $json)
            }
        }
    };
}

cell!(String, "text", Texts, |c| c.as_deref(), copy::text, |c| Value::from(c.as_str()));
cell!(i64, "bigint", Integers, |c| *c, copy::bigint, |c| Value::from(*c));
cell!(f64, "double precision", Doubles, |c| *c, copy::double, |c| Value::from(*c));
cell!(bool, "boolean", Flags, |c| *c, copy::boolean, |c| Value::from(*c));
cell!(DateTime<Utc>, "timestamptz", Instants, |c| *c, copy::timestamptz, |c| {
    c.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
});
cell!(NaiveDate, "date", Days, |c| *c, copy::date, |c| c.to_string().into());
cell!(Decimal, "numeric", Texts, |c| c.as_ref().map(|d| d.0.as_str()), copy::numeric, |c| parsed(&c.0));
cell!(Json, "jsonb", Texts, |c| c.as_ref().map(|j| j.0.as_str()), copy::json, |c| parsed(&c.0));

impl Cell for Whole {
    const SQL_TYPE: &'static str = "jsonb";
    const KEEPS_KNOWN: bool = false;
    fn gather<'a>(cells: impl Iterator<Item = &'a Self>) -> Values<'a> {
        Values::Texts(cells.map(|c| Some(c.0.as_str())).collect())
    }
    fn encode(&self, out: &mut Vec<u8>) {
        copy::jsonb(&self.0, out);
    }
    fn to_json(&self) -> Value {
        parsed(&self.0)
    }
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}

macro_rules! row {
    ($(#[$doc:meta])* $name:ident in $table:literal { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Deserialize)]
        #[serde(default)]
        pub struct $name { $(pub $field: $type,)* }

        impl Row for $name {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [Column] = &[$(Column {
                name: stringify!($field),
                sql_type: <$type as Cell>::SQL_TYPE,
                is_key: <$type as Cell>::IS_KEY,
                keeps_known: <$type as Cell>::KEEPS_KNOWN,
            },)*];
            fn id(&self) -> &str {
                &self.id
            }
            fn columns(rows: &[Self]) -> Vec<Values<'_>> {
                vec![$(<$type as Cell>::gather(rows.iter().map(|row| &row.$field)),)*]
            }
            fn to_json(&self) -> Map<String, Value> {
                [$((stringify!($field).to_owned(), self.$field.to_json()),)*].into_iter().collect()
            }
        }

        impl Tuple for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                $(self.$field.encode(out);)*
            }
        }
    };
}

row!(
    /// A campaign: the unit in which Dialfire is fetched.
    Campaign in "campaigns" {
        id: String,
        title: Option<String>,
        status: Option<String>,
        hidden: Option<bool>,
        api_access: Option<bool>,
    }
);

row!(
    /// A person or number that is called. `fields` holds the campaign's own fields.
    Contact in "contacts" {
        id: String,
        campaign_id: Option<String>,
        md5: Option<String>,
        ref_id: Option<String>,
        version: Option<String>,
        task_id: Option<String>,
        task: Option<String>,
        status: Option<String>,
        status_detail: Option<String>,
        phone: Option<String>,
        timezone: Option<String>,
        created_date: Option<DateTime<Utc>>,
        entry_date: Option<DateTime<Utc>>,
        fields: Whole,
    }
);

row!(
    /// One attempt or event on a contact.
    Transaction in "transactions" {
        id: String,
        campaign_id: Option<String>,
        contact_id: Option<String>,
        fired: Option<DateTime<Utc>>,
        day: Option<NaiveDate>,
        event_md5: Option<String>,
        event_type: Option<String>,
        task_id: Option<String>,
        task: Option<String>,
        status: Option<String>,
        status_detail: Option<String>,
        result: Option<String>,
        direction: Option<String>,
        is_test: Option<bool>,
        is_human: Option<bool>,
        is_hi: Option<bool>,
        revoked: Option<bool>,
        user_id: Option<String>,
        user_login: Option<String>,
        user_branch: Option<String>,
        user_tenant_alias: Option<String>,
        actor: Option<String>,
        trigger: Option<String>,
        phone: Option<String>,
        pause_time_sec: Option<f64>,
        edit_time_sec: Option<f64>,
        wrapup_time_sec: Option<f64>,
        wait_time_sec: Option<f64>,
        sequence_nr: Option<i64>,
        extra: Option<Json>,
    }
);

row!(
    /// One phone leg of a transaction.
    Connection in "connections" {
        id: String,
        transaction_id: Option<String>,
        contact_id: Option<String>,
        parent_connection_id: Option<String>,
        is_third_party: Option<bool>,
        transfer_target_address: Option<String>,
        call_uuid: Option<String>,
        global_call_uuid: Option<String>,
        task_id: Option<String>,
        user_id: Option<String>,
        actor: Option<String>,
        phone: Option<String>,
        remote_number: Option<String>,
        line_number: Option<String>,
        technology: Option<String>,
        dialerdomain: Option<String>,
        result: Option<String>,
        code: Option<i64>,
        hangup_party: Option<String>,
        fired: Option<DateTime<Utc>>,
        initiated: Option<DateTime<Utc>>,
        started: Option<DateTime<Utc>>,
        connected: Option<DateTime<Utc>>,
        disconnected: Option<DateTime<Utc>>,
        ended: Option<DateTime<Utc>>,
        call_initiated: Option<DateTime<Utc>>,
        call_connected: Option<DateTime<Utc>>,
        call_disconnected: Option<DateTime<Utc>>,
        duration_ms: Option<i64>,
        extra: Option<Json>,
    }
);

row!(
    /// One recording of a connection.
    Recording in "recordings" {
        id: String,
        connection_id: Option<String>,
        transaction_id: Option<String>,
        contact_id: Option<String>,
        started: Option<DateTime<Utc>>,
        stopped: Option<DateTime<Utc>>,
        filename: Option<String>,
        location: Option<String>,
        extra: Option<Json>,
    }
);

row!(
    /// One call that came in on a line.
    InboundCall in "inbound_calls" {
        id: String,
        campaign_id: Option<String>,
        line_id: Option<String>,
        contact_id: Option<String>,
        task_id: Option<String>,
        task_name: Option<String>,
        user_id: Option<String>,
        remote_number: Option<String>,
        line_number: Option<String>,
        started: Option<DateTime<Utc>>,
        day: Option<NaiveDate>,
        connected: Option<DateTime<Utc>>,
        disconnected: Option<DateTime<Utc>>,
        state: Option<String>,
        disposition: Option<String>,
        connectable_time: Option<String>,
        dispatch_error: Option<bool>,
        extra: Option<Json>,
    }
);

row!(
    /// What a voice AI says of a call, beside its transaction of the same id.
    CallDetail in "call_details" {
        id: String,
        campaign_id: Option<String>,
        ended_reason: Option<String>,
        summary: Option<String>,
        transcript: Option<String>,
        messages: Option<Json>,
        analysis: Option<Json>,
        actions: Option<Json>,
        cost: Option<Decimal>,
        cost_breakdown: Option<Json>,
        vendor_created_at: Option<DateTime<Utc>>,
        vendor_updated_at: Option<DateTime<Utc>>,
        extra: Option<Json>,
    }
);

row!(
    /// A phone line of the tenant's own.
    PhoneNumber in "phone_numbers" {
        id: String,
        number: Option<String>,
        e164: Option<String>,
        name: Option<String>,
        provider: Option<String>,
        status: Option<String>,
        assistant_id: Option<String>,
    }
);

row!(
    /// A code with which a call ends, as the dialler's managers have defined it.
    Disposition in "dispositions" {
        id: String,
        campaign_id: Option<String>,
        code: Option<String>,
        title: Option<String>,
        category: Option<String>,
        selectable: Option<bool>,
        human_answered: Option<bool>,
        sale: Option<bool>,
        dnc: Option<bool>,
        customer_contact: Option<bool>,
        not_interested: Option<bool>,
        unworkable: Option<bool>,
        scheduled_callback: Option<bool>,
        completed: Option<bool>,
        answering_machine: Option<bool>,
        min_sec: Option<i64>,
        max_sec: Option<i64>,
    }
);

/// Which login belongs to an internal user id, and since when we know.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    pub id: String,
    pub login: String,
    pub branch: Option<String>,
    pub name: Option<String>,
    /// The event that taught us, or `None` where the vendor's list of users did, which outranks events.
    pub seen: Option<DateTime<Utc>>,
}

/// A record that is not stored, with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject {
    /// event, contact, transaction, connection, recording, inbound_call, call, message or attempt.
    pub kind: &'static str,
    pub key: Option<String>,
    pub campaign_id: Option<String>,
    pub contact_id: Option<String>,
    pub event_md5: Option<String>,
    pub fired: Option<DateTime<Utc>>,
    pub reason: &'static str,
    pub field: String,
    pub detail: String,
    /// The record as it came, JSON text.
    pub payload: String,
}

impl Reject {
    /// The window holds it; otherwise it only came along with a contact that was fetched for another's sake.
    pub fn was_asked_for(&self) -> bool {
        self.event_md5.is_some() || matches!(self.kind, "event" | "inbound_call" | "call" | "message" | "attempt")
    }
}

/// A record as the vendor sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub campaign_id: String,
    pub kind: &'static str,
    pub key: Option<String>,
    /// JSON text.
    pub payload: String,
}

/// A row that hangs under a contact, or is one.
pub trait OfContact: Row {
    fn contact_id(&self) -> Option<&str>;
    /// The transaction that it is or hangs under.
    fn call_id(&self) -> Option<&str>;
}

impl OfContact for Contact {
    fn contact_id(&self) -> Option<&str> {
        Some(&self.id)
    }

    fn call_id(&self) -> Option<&str> {
        None
    }
}

impl OfContact for Transaction {
    fn contact_id(&self) -> Option<&str> {
        self.contact_id.as_deref()
    }

    fn call_id(&self) -> Option<&str> {
        Some(&self.id)
    }
}

impl OfContact for Connection {
    fn contact_id(&self) -> Option<&str> {
        self.contact_id.as_deref()
    }

    fn call_id(&self) -> Option<&str> {
        self.transaction_id.as_deref()
    }
}

impl OfContact for Recording {
    fn contact_id(&self) -> Option<&str> {
        self.contact_id.as_deref()
    }

    fn call_id(&self) -> Option<&str> {
        self.transaction_id.as_deref()
    }
}

/// A call that the vendor has given another id since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    pub from: String,
    pub to: String,
    /// The vendor's own key in `from`.
    pub former: String,
}

/// What one answer of a vendor becomes.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    pub contacts: Vec<Contact>,
    pub transactions: Vec<Transaction>,
    pub connections: Vec<Connection>,
    pub recordings: Vec<Recording>,
    pub inbound_calls: Vec<InboundCall>,
    pub call_details: Vec<CallDetail>,
    pub voice_calls: Vec<VoiceCall>,
    /// In their place where calls are only compared.
    pub briefs: Vec<Brief>,
    pub phone_numbers: Vec<PhoneNumber>,
    pub agents: Vec<Agent>,
    pub rejects: Vec<Reject>,
    pub records: Vec<Record>,
    pub dispositions: Vec<Disposition>,
    /// To be done before the rows are stored.
    pub renamed: Vec<Renamed>,
}

impl Batch {
    pub fn append(&mut self, other: Batch) {
        self.contacts.extend(other.contacts);
        self.transactions.extend(other.transactions);
        self.connections.extend(other.connections);
        self.recordings.extend(other.recordings);
        self.inbound_calls.extend(other.inbound_calls);
        self.call_details.extend(other.call_details);
        self.voice_calls.extend(other.voice_calls);
        self.briefs.extend(other.briefs);
        self.phone_numbers.extend(other.phone_numbers);
        self.agents.extend(other.agents);
        self.rejects.extend(other.rejects);
        self.records.extend(other.records);
        self.dispositions.extend(other.dispositions);
        self.renamed.extend(other.renamed);
    }

    /// Local days of its calls.
    pub fn days(&self) -> BTreeSet<NaiveDate> {
        let outbound = self.transactions.iter().filter_map(|t| t.day);
        let inbound = self.inbound_calls.iter().filter_map(|c| c.day);
        outbound.chain(inbound).chain(self.voice_days()).collect()
    }

    /// Local days of its calls of voice agents.
    pub fn voice_days(&self) -> BTreeSet<NaiveDate> {
        self.voice_calls.iter().filter_map(VoiceCall::day).collect()
    }

    /// Sources of its calls.
    pub fn sources(&self) -> BTreeSet<String> {
        let outbound = self.transactions.iter().filter_map(|t| t.campaign_id.clone());
        outbound.chain(self.inbound_calls.iter().filter_map(|c| c.campaign_id.clone())).collect()
    }

    /// Rows held, as a measure of memory.
    pub fn len(&self) -> usize {
        self.contacts.len()
            + self.transactions.len()
            + self.connections.len()
            + self.recordings.len()
            + self.inbound_calls.len()
            + self.call_details.len()
            // They bring their transcripts.
            + self.voice_calls.len() * 10
            + self.phone_numbers.len()
            + self.rejects.len()
            + self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
