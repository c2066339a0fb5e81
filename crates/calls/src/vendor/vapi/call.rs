//! A call of Vapi's, to columns that each know how new they are.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::field::{self, Fault};
use crate::json::Fields;
use crate::row::{Column, Row, Values};

macro_rules! columns {
    ($($name:ident $sql_type:literal,)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy)]
        enum At { $($name,)* seen }
        /// Appended to only: `seen` counts them.
        const COLUMNS: &[Column] = &[
            Column { name: "id", sql_type: "text", is_key: true, keeps_known: true },
            $(Column { name: stringify!($name), sql_type: $sql_type, is_key: false, keeps_known: true },)*
            Column { name: "seen", sql_type: "bigint[]", is_key: false, keeps_known: true },
        ];
    };
}

columns! {
    org_id "text",
    call_type "text",
    direction "text",
    vendor_status "text",
    ended_reason "text",
    ended_message "text",
    created_at "timestamptz",
    started_at "timestamptz",
    ended_at "timestamptz",
    updated_at "timestamptz",
    day "date",
    cost "numeric",
    cost_breakdown "jsonb",
    costs "jsonb",
    provider "text",
    transport "text",
    provider_call_id "text",
    assistant_id "text",
    assistant_name "text",
    squad_id "text",
    workflow_id "text",
    campaign_id "text",
    phone_number_id "text",
    line_number "text",
    customer_id "text",
    customer_number "text",
    customer_e164 "text",
    customer_name "text",
    customer_email "text",
    is_test "boolean",
    name "text",
    transferred_to "text",
    summary "text",
    success_evaluation "text",
    structured_data "jsonb",
    analysis "jsonb",
    transcript "text",
    recording_url "text",
    stereo_recording_url "text",
    metadata "jsonb",
    variables "jsonb",
    tracked_outcome "text",
}

/// Where a call's words come from: a poll shows the whole call, a message what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Message,
    Poll,
}

/// What becomes the text of a column, where the column is wanted.
trait Text {
    fn text(self) -> String;
}

impl Text for String {
    fn text(self) -> String {
        self
    }
}

impl Text for &str {
    fn text(self) -> String {
        self.to_owned()
    }
}

impl Text for Cow<'_, str> {
    fn text(self) -> String {
        self.into_owned()
    }
}

impl Text for DateTime<Utc> {
    fn text(self) -> String {
        self.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

/// The local day of an instant.
struct Day(DateTime<Utc>, Tz);

impl Text for Day {
    fn text(self) -> String {
        self.0.with_timezone(&self.1).date_naive().to_string()
    }
}

/// One call, or what is known of it. Values are texts that PostgreSQL reads.
#[derive(Debug, Clone, PartialEq)]
pub struct VoiceCall {
    pub id: String,
    created: Option<DateTime<Utc>>,
    changed: Option<DateTime<Utc>>,
    /// Only the columns of a [`Brief`] have values.
    is_brief: bool,
    values: Vec<Option<String>>,
    /// How new each value is: twice the vendor's milliseconds, and one more for a poll. That of the status is its rank,
    /// as a call never goes back.
    versions: Vec<Option<i64>>,
    seen: String,
}

/// A call of which only that is kept by which two sides are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Brief {
    pub id: String,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub agent_id: Option<String>,
    pub number: Option<String>,
}

/// What a call is read with.
#[derive(Clone, Copy)]
pub struct Take<'a> {
    pub zone: Tz,
    /// ISO code of the country of numbers without a prefix.
    pub region: Option<&'a str>,
    /// Leave out what nobody compares. Faults are found all the same.
    pub is_brief: bool,
}

impl Take<'_> {
    fn harmless(self, json: &str) -> Option<String> {
        if self.is_brief {
            None
        } else {
            harmless(json)
        }
    }
}

impl Row for VoiceCall {
    const TABLE: &'static str = "voice_calls";
    const COLUMNS: &'static [Column] = COLUMNS;

    fn id(&self) -> &str {
        &self.id
    }

    fn columns(rows: &[Self]) -> Vec<Values<'_>> {
        let ids = Values::Texts(rows.iter().map(|row| Some(row.id.as_str())).collect());
        let column = |at: usize| Values::Texts(rows.iter().map(|row| row.values[at].as_deref()).collect());
        let seen = Values::Texts(rows.iter().map(|row| Some(row.seen.as_str())).collect());
        std::iter::once(ids).chain((0..At::seen as usize).map(column)).chain([seen]).collect()
    }

    fn to_json(&self) -> Map<String, Value> {
        let values = COLUMNS[1..].iter().zip(&self.values).map(|(column, value)| {
            let value = value.as_deref().map_or(Value::Null, |text| match column.sql_type {
                "jsonb" | "numeric" | "boolean" => serde_json::from_str(text).unwrap_or(Value::Null),
                _ => Value::from(text),
            });
            (column.name.to_owned(), value)
        });
        std::iter::once(("id".to_owned(), Value::from(self.id.as_str()))).chain(values).collect()
    }
}

impl VoiceCall {
    fn new(id: String, take: Take) -> VoiceCall {
        let columns = At::seen as usize;
        VoiceCall {
            id,
            created: None,
            changed: None,
            is_brief: take.is_brief,
            values: vec![None; columns],
            versions: vec![None; columns],
            seen: String::new(),
        }
    }

    /// The local day on which it was created.
    pub fn day(&self) -> Option<NaiveDate> {
        self.values[At::day as usize].as_deref()?.parse().ok()
    }

    /// When the vendor changed it, as a version.
    pub fn updated(&self) -> Option<i64> {
        self.versions[At::updated_at as usize]
    }

    /// A column as text.
    pub fn value(&self, name: &str) -> Option<&str> {
        let at = COLUMNS[1..].iter().position(|column| column.name == name)?;
        self.values[at].as_deref()
    }

    /// The vendor's word for how far it is.
    pub fn status(&self) -> Option<&str> {
        self.values[At::vendor_status as usize].as_deref()
    }

    fn sealed(mut self) -> VoiceCall {
        let versions = self.versions.iter().map(|v| v.map_or_else(|| "NULL".to_owned(), |v| v.to_string()));
        self.seen = format!("{{{}}}", versions.collect::<Vec<_>>().join(","));
        self
    }

    fn set(&mut self, at: At, value: Option<impl Text>, version: i64) {
        let Some(value) = value.filter(|_| self.versions[at as usize].is_none_or(|known| known <= version)) else {
            return;
        };
        self.versions[at as usize] = Some(version);
        if !self.is_brief || matches!(at, At::assistant_id | At::customer_number) {
            self.values[at as usize] = Some(value.text());
        }
    }

    /// A call as the list or a single request shows it.
    pub fn of_poll(raw: &RawValue, take: Take) -> Result<VoiceCall, Fault> {
        VoiceCall::of_object(&Object::read("call", raw)?, take)
    }

    pub fn of_object(fields: &Object, take: Take) -> Result<VoiceCall, Fault> {
        let mut call = VoiceCall::new(fields.id()?, take);
        let version = fields.version(&["updatedAt", "createdAt"], Origin::Poll)?;
        call.identity(fields, version, take)?;
        call.outcome(fields, version, take)?;
        call.reach(fields.text("status")?, Origin::Poll);
        if call.created.is_none() {
            return Err(Fault::new("missing_field", "createdAt", "\"createdAt\" is missing"));
        }
        Ok(if take.is_brief { call } else { call.sealed() })
    }

    /// What two sides are compared by.
    pub fn into_brief(mut self) -> Brief {
        let mut take = |at: At| self.values[at as usize].take();
        Brief {
            agent_id: take(At::assistant_id),
            number: take(At::customer_number),
            id: self.id,
            created_at: self.created,
            updated_at: self.changed,
        }
    }

    /// A call as a message shows it: `message.call` is a copy from when the call was created, so that it says who, and the
    /// message says what happened.
    pub fn of_message(message: &Object, status: &str, take: Take) -> Result<VoiceCall, Fault> {
        let snapshot = message.object("call")?.ok_or_else(no_call_id)?;
        let id = snapshot.id().map_err(|_| no_call_id())?;
        let mut call = VoiceCall::new(id, take);
        let created = snapshot.version(&["updatedAt", "createdAt"], Origin::Message)?;
        call.identity(&snapshot, created, take)?;
        let dates = ["timestamp", "endedAt", "startedAt"];
        let version = message.version(&dates, Origin::Message)?.max(created);
        // What stands in the copy after all: some payloads carry the reason there.
        let mut late = snapshot;
        late.keep(&["startedAt", "endedAt", "endedReason", "endedMessage", "analysis", "artifact", "cost"]);
        call.outcome(&late, created, take)?;
        call.identity(message, version, take)?;
        call.outcome(message, version, take)?;
        call.reach(Some(Cow::Borrowed(status)), Origin::Message);
        Ok(call.sealed())
    }

    /// An attempt from a table of the user's own: older than whatever the vendor says of it.
    pub fn tracked(id: &str, attempt: &Attempt, take: Take) -> Result<VoiceCall, Fault> {
        let mut call = VoiceCall::new(id.to_owned(), take);
        let version = attempt.at.timestamp_millis() * 2;
        call.set(At::created_at, Some(attempt.at), version);
        call.set(At::day, Some(Day(attempt.at, take.zone)), version);
        call.number(attempt.phone.as_deref().map(Cow::Borrowed), version, take);
        call.set(At::direction, attempt.direction.as_deref(), version);
        call.set(At::customer_name, attempt.name.as_deref(), version);
        call.set(At::metadata, attempt.metadata.as_deref().and_then(harmless), version);
        if attempt.is_test {
            call.set(At::is_test, Some("true"), version);
        }
        call.set(At::tracked_outcome, Some(attempt.outcome.as_deref().unwrap_or("queued")), version);
        Ok(call.sealed())
    }

    fn identity(&mut self, from: &Object, version: i64, take: Take) -> Result<(), Fault> {
        for (at, name) in [
            (At::org_id, "orgId"),
            (At::provider, "phoneCallProvider"),
            (At::transport, "phoneCallTransport"),
            (At::provider_call_id, "phoneCallProviderId"),
            (At::assistant_id, "assistantId"),
            (At::squad_id, "squadId"),
            (At::workflow_id, "workflowId"),
            (At::campaign_id, "campaignId"),
            (At::phone_number_id, "phoneNumberId"),
            (At::customer_id, "customerId"),
            (At::name, "name"),
        ] {
            self.set(at, from.key(name)?, version);
        }
        // A message has a type of its own.
        if let Some(call_type) = from.text("type")?.filter(|_| from.has("id")) {
            let direction = match call_type.as_ref() {
                "inboundPhoneCall" => "inbound",
                "outboundPhoneCall" => "outbound",
                _ => "web",
            };
            self.set(At::direction, Some(direction), version);
            if call_type == "webCall" {
                self.set(At::is_test, Some("true"), version);
            }
            self.set(At::call_type, Some(call_type), version);
        }
        if let Some(created) = from.instant("createdAt")? {
            self.created = Some(created);
            self.set(At::created_at, Some(created), version);
            self.set(At::day, Some(Day(created, take.zone)), version);
        }
        if let Some(changed) = from.instant("updatedAt")? {
            self.changed = Some(changed);
            self.set(At::updated_at, Some(changed), version);
        }
        if let Some(customer) = from.object("customer")? {
            let number = match customer.text("number")? {
                None => customer.text("sipUri")?,
                number => number,
            };
            self.number(number, version, take);
            self.set(At::customer_name, customer.text("name")?, version);
            self.set(At::customer_email, customer.text("email")?, version);
        }
        // Of configurations only what names them: they hold prompts and keys.
        if let Some(line) = from.object("phoneNumber")? {
            self.set(At::line_number, line.text("number")?, version);
            self.set(At::phone_number_id, line.key("id")?, version);
        }
        let mut metadata = from.json("metadata")?;
        let mut variables = None;
        if let Some(assistant) = from.object("assistant")? {
            self.set(At::assistant_name, assistant.text("name")?, version);
            self.set(At::assistant_id, assistant.key("id")?, version);
            metadata = metadata.or(assistant.json("metadata")?);
        }
        if let Some(overrides) = from.object("assistantOverrides")? {
            variables = overrides.json("variableValues")?;
            metadata = metadata.or(overrides.json("metadata")?);
        }
        if !take.is_brief && [metadata, variables].iter().flatten().any(|json| says_test(json)) {
            self.set(At::is_test, Some("true"), version);
        }
        self.set(At::variables, variables.and_then(|json| take.harmless(json)), version);
        self.set(At::metadata, metadata.and_then(|json| take.harmless(json)), version);
        Ok(())
    }

    fn number(&mut self, number: Option<Cow<str>>, version: i64, take: Take) {
        let written = number.as_deref().filter(|_| !take.is_brief);
        let e164 = written.and_then(|number| crate::phone::e164(number, take.region));
        self.set(At::customer_number, number, version);
        self.set(At::customer_e164, e164, version);
    }

    fn outcome(&mut self, from: &Object, version: i64, take: Take) -> Result<(), Fault> {
        self.set(At::started_at, from.instant("startedAt")?, version);
        self.set(At::ended_at, from.instant("endedAt")?, version);
        self.set(At::ended_reason, from.key("endedReason")?, version);
        self.set(At::ended_message, from.text("endedMessage")?, version);
        self.set(At::cost, from.number("cost")?, version);
        self.set(At::cost_breakdown, from.json("costBreakdown")?.and_then(|json| take.harmless(json)), version);
        self.set(At::costs, from.json("costs")?.and_then(|json| take.harmless(json)), version);
        if let Some(destination) = from.object("destination")? {
            let number = match destination.text("number")? {
                None => destination.text("sipUri")?,
                number => number,
            };
            self.set(At::transferred_to, number, version);
        }
        // The fields above are where older API versions had what is in `artifact` and `analysis` today.
        let artifact = from.object("artifact")?;
        let parts = [artifact.as_ref(), Some(from)];
        let first = |name: &str| -> Result<Option<Cow<str>>, Fault> {
            parts.iter().flatten().find_map(|part| part.text(name).transpose()).transpose()
        };
        self.set(At::transcript, first("transcript")?, version);
        self.set(At::recording_url, first("recordingUrl")?.and_then(lasting_url), version);
        self.set(At::stereo_recording_url, first("stereoRecordingUrl")?.and_then(lasting_url), version);
        if let Some(recording) = artifact.as_ref().map(|artifact| artifact.object("recording")).transpose()?.flatten() {
            let stereo = recording.text("stereoUrl")?.and_then(lasting_url);
            let mono = recording.object("mono")?.map(|mono| mono.text("combinedUrl")).transpose()?.flatten();
            self.set_if_absent(At::stereo_recording_url, stereo, version);
            self.set_if_absent(At::recording_url, mono.and_then(lasting_url), version);
        }
        self.set(At::summary, from.text("summary")?, version);
        if let Some(analysis) = from.object("analysis")? {
            self.set(At::summary, analysis.text("summary")?, version);
            self.set(At::success_evaluation, analysis.text("successEvaluation")?, version);
            self.set(
                At::structured_data,
                analysis.json("structuredData")?.and_then(|json| take.harmless(json)),
                version,
            );
            let whole = analysis.whole();
            self.set(At::analysis, (whole.get() != "{}").then(|| take.harmless(whole.get())).flatten(), version);
        }
        Ok(())
    }

    fn set_if_absent(&mut self, at: At, value: Option<impl Text>, version: i64) {
        if self.versions[at as usize] != Some(version) {
            self.set(at, value, version);
        }
    }

    fn reach(&mut self, status: Option<Cow<str>>, origin: Origin) {
        let Some(status) = status else { return };
        let rank = match status.as_ref() {
            "scheduled" => 1,
            "queued" => 2,
            "ringing" => 3,
            "in-progress" => 4,
            "forwarding" => 5,
            "ended" => 8,
            "deletion-failed" => 7,
            "not-found" => 0,
            // A word of tomorrow: after the call has begun, and before its end.
            _ => 6,
        };
        self.set(At::vendor_status, Some(status), rank * 2 + i64::from(origin == Origin::Poll));
    }
}

/// A row of a user's own table of attempts.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub at: DateTime<Utc>,
    pub phone: Option<String>,
    pub name: Option<String>,
    pub direction: Option<String>,
    pub outcome: Option<String>,
    pub is_test: bool,
    pub metadata: Option<String>,
}

fn no_call_id() -> Fault {
    Fault::new("missing_field", "call.id", "\"message.call.id\" is missing: nobody could tell which call is meant")
}

/// An address without its query: that of a presigned one is a secret, and another each time.
fn lasting_url(url: Cow<str>) -> Option<Cow<str>> {
    fn bare(url: &str) -> Option<&str> {
        let bare = url.split(['?', '#']).next().unwrap_or_default().trim();
        (!bare.is_empty()).then_some(bare)
    }
    match url {
        Cow::Borrowed(url) => bare(url).map(Cow::Borrowed),
        Cow::Owned(url) => bare(&url).map(|bare| Cow::Owned(bare.to_owned())),
    }
}

/// JSON without what opens something, or `None` where nothing is left.
fn harmless(json: &str) -> Option<String> {
    let whole: Value = serde_json::from_str(json).ok()?;
    let mut value = whole.clone();
    prune(&mut value);
    let is_empty = matches!(&value, Value::Null) || value.as_object().is_some_and(Map::is_empty);
    // As it came where nothing is taken away: doubles would change the last digits of money.
    (!is_empty).then(|| if value == whole { json.to_owned() } else { value.to_string() })
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| !is_confidential(name));
            map.values_mut().for_each(prune);
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

fn is_confidential(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    matches!(plain.as_str(), "credentials" | "credential" | "headers" | "authorization" | "token")
        || ["secret", "password", "authtoken", "accesstoken", "apikey", "presigned", "privatekey"]
            .iter()
            .any(|word| plain.contains(word))
}

fn says_test(json: &str) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(json) else { return false };
    ["is_test_call", "isTestCall", "is_test", "isTest"].iter().any(|name| match value.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        _ => false,
    })
}

/// The fields of an object of the vendor's, found by name.
pub struct Object<'a> {
    raw: &'a RawValue,
    fields: Fields<'a>,
}

impl<'a> Object<'a> {
    pub fn read(name: &str, raw: &'a RawValue) -> Result<Object<'a>, Fault> {
        Ok(Object { raw, fields: field::fields(name, raw)? })
    }

    fn find(&self, name: &str) -> Option<&'a RawValue> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, raw)| *raw).filter(|raw| raw.get() != "null")
    }

    fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn keep(&mut self, names: &[&str]) {
        self.fields.retain(|(field, _)| names.contains(&field.as_ref()));
    }

    fn whole(&self) -> &'a RawValue {
        self.raw
    }

    pub fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        self.find(name).map(|raw| field::text(name, raw)).transpose().map(Option::flatten)
    }

    fn key(&self, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        self.find(name).map(|raw| field::name_of(name, raw)).transpose().map(Option::flatten)
    }

    pub fn id(&self) -> Result<String, Fault> {
        self.key("id")?
            .map(Cow::into_owned)
            .ok_or_else(|| Fault::new("missing_field", "id", "\"id\" is missing or empty"))
    }

    /// An instant, as ISO text or as milliseconds since 1970.
    pub fn instant(&self, name: &str) -> Result<Option<DateTime<Utc>>, Fault> {
        let Some(raw) = self.find(name) else { return Ok(None) };
        if raw.get().starts_with('"') {
            return field::instant(name, raw);
        }
        let Some(millis) = field::integer(name, raw)? else { return Ok(None) };
        let at = DateTime::from_timestamp_millis(millis).filter(|_| (0..253_402_300_800_000).contains(&millis));
        at.map(Some).ok_or_else(|| Fault::new("timestamp_out_of_range", name, format!("{millis} is no time")))
    }

    /// The digits as they came: money is not rounded.
    fn number(&self, name: &str) -> Result<Option<String>, Fault> {
        let Some(raw) = self.find(name) else { return Ok(None) };
        let number = field::double(name, raw)?;
        Ok(number.and(field::text(name, raw)?).map(|text| text.trim().to_owned()))
    }

    fn json(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        let Some(raw) = self.find(name) else { return Ok(None) };
        let json = field::json(name, raw)?;
        Ok((!matches!(json, "{}" | "[]" | "\"\"")).then_some(json))
    }

    pub fn object(&self, name: &str) -> Result<Option<Object<'a>>, Fault> {
        self.find(name).map(|raw| Object::read(name, raw)).transpose()
    }

    /// Twice the milliseconds of the first of these times that is there, and one more for a poll.
    fn version(&self, names: &[&str], origin: Origin) -> Result<i64, Fault> {
        for name in names {
            if let Some(at) = self.instant(name)? {
                return Ok(at.timestamp_millis() * 2 + i64::from(origin == Origin::Poll));
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
