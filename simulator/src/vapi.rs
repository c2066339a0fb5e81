//! Vapi's endpoints: one list of calls, newest first and without a cursor, single calls, assistants and phone numbers.

use crate::answer::{Answer, Content, JSON};
use crate::api::Call;
use crate::rng::Rng;
use crate::sim::Sim;
use crate::text;
use serde_json::{json, Value};
use std::cmp::Reverse;

const DEFAULT_LIMIT: usize = 100;
const MOST_LIMIT: usize = 1_000;
pub const ORG: &str = "46cf2995-2bee-44e3-838b-24151486fe4e";
const ASSISTANTS: [(&str, &str); 3] = [
    ("a0000000-0000-4000-8000-000000000001", "Anna"),
    ("a0000000-0000-4000-8000-000000000002", "Bruno"),
    ("a0000000-0000-4000-8000-000000000003", "Chloe"),
];
const LINES: [(&str, &str); 2] = [
    ("b0000000-0000-4000-8000-000000000001", "+14155550100"),
    ("b0000000-0000-4000-8000-000000000002", "+14155550101"),
];
const REASONS: [&str; 10] = [
    "customer-ended-call",
    "assistant-ended-call",
    "customer-ended-call",
    "silence-timed-out",
    "customer-did-not-answer",
    "customer-busy",
    "voicemail",
    "assistant-forwarded-call",
    "call.in-progress.error-vapifault-deepgram-transcriber-failed",
    "pipeline-error-openai-llm-failed",
];
const KINDS: [&str; 4] = ["outboundPhoneCall", "outboundPhoneCall", "inboundPhoneCall", "webCall"];
const NAMES: [&str; 6] = ["Maria Lopez", "John Smith", "Zoë Müller", "Ana Sousa", "Li Wei", "Omar Haddad"];

const ARTIFACT: &str = "\"artifact\":{";

/// What the organisation holds: calls, newest first.
#[derive(Default)]
pub struct Vapi {
    pub calls: Vec<Held>,
    /// Calls that only their ids find.
    pub unlisted: Vec<Held>,
    /// Calls a page at most, whatever is asked for.
    pub cap: Option<usize>,
}

/// A call as its text, with that by which it is found: a hundred thousand of them are held and read page by page.
pub struct Held {
    id: String,
    created: Option<i64>,
    updated: Option<i64>,
    json: String,
    /// Where presigned addresses belong.
    artifact: Option<usize>,
}

impl Held {
    pub fn new(call: &Value) -> Held {
        let time = |field: &str| call[field].as_str().and_then(text::parse_time);
        let json = call.to_string();
        let artifact = json.find(ARTIFACT).filter(|_| call["artifact"].is_object()).map(|at| at + ARTIFACT.len());
        let id = call["id"].as_str().unwrap_or_default().to_owned();
        Held { id, created: time("createdAt"), updated: time("updatedAt"), json, artifact }
    }

    pub fn is(&self, id: &str) -> bool {
        self.id == id
    }

    pub fn value(&self) -> Value {
        serde_json::from_str(&self.json).unwrap_or_default()
    }

    /// The call with addresses that are others in each answer.
    fn presigned(&self, now: i64) -> String {
        let Some((head, tail)) = self.artifact.map(|at| self.json.split_at(at)) else { return self.json.clone() };
        let expires = text::time(now + 3_600_000);
        let comma = if tail.starts_with('}') { "" } else { "," };
        format!(
            "{head}\"presignedMonoUrl\":\"https://storage.example.com/x.wav?X-Amz-Signature=presigned-secret-{now}\",\
             \"presignedUrlsExpiresAt\":\"{expires}\"{comma}{tail}"
        )
    }
}

impl Vapi {
    /// Puts calls, each in the place of one with its id.
    pub fn put(&mut self, calls: Vec<Value>) {
        for call in calls {
            self.calls.retain(|known| call["id"] != known.id.as_str());
            self.calls.push(Held::new(&call));
        }
        self.calls.sort_by_key(|call| Reverse(call.created));
    }

    /// Makes calls from a seed, spread evenly over the time before `now`; the newest four have not ended.
    pub fn generate(&mut self, count: usize, days: u32, seed: u64, now: i64, phone_only: bool) {
        let mut rng = Rng::new(seed ^ 0x7A91);
        let step = i64::from(days) * 86_400_000 / (count.max(1) as i64);
        // None of them is there already: put would look each of them up.
        let kinds = if phone_only { &KINDS[..3] } else { &KINDS };
        let made = (0..count).map(|n| Held::new(&made_call(&mut rng, n, now - 60_000 - step * n as i64, kinds)));
        self.calls.extend(made);
        self.put(Vec::new());
    }
}

fn made_call(rng: &mut Rng, nth: usize, created: i64, kinds: &[&str]) -> Value {
    let id = text::uuid(rng.uuid());
    let (assistant, name) = rng.pick(&ASSISTANTS);
    let (line, number) = rng.pick(&LINES);
    let kind = kinds[rng.below(kinds.len() as u64) as usize];
    let customer = format!("+1415555{:04}", rng.below(10_000));
    let mut call = json!({"id": id, "orgId": ORG, "assistantId": assistant, "type": kind,
        "createdAt": text::time(created), "updatedAt": text::time(created), "status": "queued",
        "assistantOverrides": {"variableValues": {"order": nth}}});
    if kind != "webCall" {
        call["phoneNumberId"] = line.into();
        call["phoneCallProvider"] = "twilio".into();
        call["phoneCallProviderId"] = format!("CA{nth:032x}").into();
        call["phoneCallTransport"] = "pstn".into();
        call["customer"] = json!({"number": customer});
        call["phoneNumber"] = json!({"provider": "twilio", "number": number, "twilioAccountSid": "AC0",
            "twilioAuthToken": "line-auth-secret"});
        if rng.chance(0.7) {
            call["customer"]["name"] = rng.pick(&NAMES).into();
        }
    }
    if nth < 4 {
        call["status"] = ["queued", "ringing", "in-progress", "scheduled"][nth].into();
        return call;
    }
    let reason = rng.pick(&REASONS);
    let talk = rng.below(300_000) as i64;
    let ended = created + 17_000 + talk;
    // Vapi's parts never add up to its total.
    let total = (talk as f64 / 60_000.0 * 0.09 * 10_000.0).round() / 10_000.0;
    let end = json!({"status": "ended", "endedReason": reason, "endedAt": text::time(ended),
        "updatedAt": text::time(ended + 5_331), "cost": total,
        "costBreakdown": {"transport": 0, "stt": 0.0091, "llm": 0.0031, "tts": 0, "vapi": total, "chat": 0,
            "total": total, "llmPromptTokens": 813, "llmCompletionTokens": 187, "ttsCharacters": 818},
        "costs": [{"type": "vapi", "subType": "normal", "minutes": talk as f64 / 60_000.0, "cost": total}],
        "monitor": {"listenUrl": "wss://example.com/listen-secret", "controlUrl": "https://example.com/control-secret"}});
    merge(&mut call, end);
    if reason != "customer-did-not-answer" && reason != "customer-busy" {
        call["startedAt"] = text::time(created + 17_134).into();
        let score = rng.below(100);
        call["analysis"] = json!({"summary": format!("Call {nth} with {name}."), "successEvaluation": (score > 50).to_string(),
            "structuredData": {"leadScore": score}});
        // The expiry of a presigned address changes with every answer, as at the vendor.
        call["artifact"] = json!({"transcript": format!("AI: Hello, {name} speaking.\nUser: I call about order {nth}.\n"),
            "recordingUrl": format!("https://storage.example.com/{id}-mono.wav"),
            "stereoRecordingUrl": format!("https://storage.example.com/{id}-stereo.wav")});
    }
    call
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Everything below `/api/vapi`.
pub fn answer(sim: &Sim, call: &Call, rest: &[&str]) -> Result<Answer, u16> {
    let token = call.header(axum::http::header::AUTHORIZATION).strip_prefix("Bearer ");
    if token != Some(sim.world().plan.tenant_token.as_str()) {
        let body = json!({"message": "Invalid Key. Hot tip, you may be using the public key instead of the private key.",
            "error": "Unauthorized", "statusCode": 401});
        return Ok(Answer::whole(401, JSON, body.to_string()));
    }
    match (call.method.as_str(), rest) {
        ("GET", ["call"]) => list(sim, call),
        ("GET", ["call", id]) => one(sim, id),
        ("GET", ["assistant"]) => Ok(items(ASSISTANTS.iter().map(|(id, name)| {
            json!({"id": id, "orgId": ORG, "name": name, "createdAt": "2025-01-01T00:00:00.000Z",
                "updatedAt": "2025-01-01T00:00:00.000Z", "server": {"url": "https://example.com", "secret": "server-secret"}})
        }))),
        ("GET", ["phone-number"]) => Ok(items(LINES.iter().map(|(id, number)| {
            json!({"id": id, "orgId": ORG, "provider": "twilio", "number": number, "status": "active",
                "createdAt": "2025-01-01T00:00:00.000Z", "updatedAt": "2025-01-01T00:00:00.000Z",
                "twilioAccountSid": "AC0", "twilioAuthToken": "line-auth-secret"})
        }))),
        _ => Err(404),
    }
}

fn items(items: impl Iterator<Item = Value>) -> Answer {
    list_of(items.map(|item| item.to_string()).collect())
}

fn list_of(items: Vec<String>) -> Answer {
    Answer { status: 200, headers: Vec::new(), content: Content::List(items) }
}

fn list(sim: &Sim, call: &Call) -> Result<Answer, u16> {
    const BOUNDS: [&str; 8] = [
        "createdAtGt",
        "createdAtLt",
        "createdAtGe",
        "createdAtLe",
        "updatedAtGt",
        "updatedAtLt",
        "updatedAtGe",
        "updatedAtLe",
    ];
    let mut bounds = Vec::new();
    for bound in BOUNDS {
        if let Some(at) = call.query.get(bound) {
            bounds.push((bound.split_at(9), text::parse_time(at).filter(|_| at.ends_with('Z')).ok_or(400_u16)?));
        }
    }
    let asked = call.query.get("limit").map_or(Ok(DEFAULT_LIMIT), |limit| limit.parse().map_err(|_| 400_u16))?;
    if asked > MOST_LIMIT {
        return Err(400);
    }
    let vapi = sim.vapi();
    let limit = asked.min(vapi.cap.unwrap_or(MOST_LIMIT));
    let suits = |item: &&Held| {
        bounds.iter().all(|((field, relation), bound)| {
            let at = if *field == "createdAt" { item.created } else { item.updated };
            at.is_none_or(|at| match *relation {
                "Gt" => at > *bound,
                "Lt" => at < *bound,
                "Ge" => at >= *bound,
                _ => at <= *bound,
            })
        })
    };
    let same = |item: &&Held| {
        call.query.get("id").is_none_or(|id| *id == item.id)
            && ["assistantId", "phoneNumberId"]
                .iter()
                .all(|name| call.query.get(*name).is_none_or(|id| item.json.contains(&format!("\"{name}\":\"{id}\""))))
    };
    // Newer calls than those that are asked for are most of the list: they are not looked at one by one.
    let newest = bounds.iter().filter(|((field, relation), _)| *field == "createdAt" && relation.starts_with('L'));
    let newest = newest.map(|(_, bound)| *bound).min();
    let begin = newest.map_or(0, |bound| vapi.calls.partition_point(|item| item.created > Some(bound)));
    let found = vapi.calls[begin..].iter().filter(suits).filter(same);
    let now = sim.now();
    Ok(list_of(found.take(limit).map(|item| item.presigned(now)).collect()))
}

fn one(sim: &Sim, id: &str) -> Result<Answer, u16> {
    let vapi = sim.vapi();
    match vapi.calls.iter().chain(&vapi.unlisted).find(|call| call.id == id) {
        Some(call) => Ok(Answer::json(call.presigned(sim.now()))),
        None => {
            let body =
                json!({"message": "Couldn't get call. Call not found.", "error": "Not Found", "statusCode": 404});
            Ok(Answer::whole(404, JSON, body.to_string()))
        }
    }
}

#[cfg(test)]
#[path = "vapi_tests.rs"]
mod tests;
