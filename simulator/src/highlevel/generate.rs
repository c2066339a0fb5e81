//! Calls, agents and messages from a seed, in the shapes that real answers showed.

use super::{Location, Log};
use crate::rng::Rng;
use crate::text;
use serde::Deserialize;
use serde_json::{json, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    pub calls: usize,
    /// The first starts here, the last before `to`.
    pub from: String,
    pub to: String,
    #[serde(default = "one")]
    pub agents: usize,
    #[serde(default)]
    pub seed: u64,
    /// Calls without a phone, by share: they have neither number nor message.
    #[serde(default)]
    pub web: f64,
    /// Take agents from this one on, so that several generations have different ones.
    #[serde(default)]
    pub first_agent: usize,
    /// Do not list the agents.
    #[serde(default)]
    pub deleted: bool,
}

fn one() -> usize {
    1
}

const STATUSES: [&str; 8] =
    ["completed", "completed", "completed", "completed", "completed", "voicemail", "no-answer", "busy"];

impl Location {
    /// What a location has that nobody has told anything: ten calls a day of three agents.
    pub fn fill(&mut self, days: u32, anchor: i64) {
        let from = text::time(anchor - i64::from(days) * 86_400_000);
        let calls = days as usize * 10;
        let plan = Generate {
            calls,
            from,
            to: text::time(anchor),
            agents: 3,
            seed: 42,
            web: 0.1,
            first_agent: 0,
            deleted: false,
        };
        self.generate(&plan);
    }

    pub fn generate(&mut self, plan: &Generate) -> Option<()> {
        let (from, to) = (text::parse_time(&plan.from)?, text::parse_time(&plan.to)?);
        let mut rng = Rng::new(plan.seed ^ 0x4117);
        for number in plan.first_agent..plan.first_agent + plan.agents {
            if !plan.deleted && !self.agents.iter().any(|agent| agent["id"] == agent_id(number)) {
                self.agents.push(agent(&self.id, number));
            }
        }
        let first = self.logs.len();
        let mut logs = Vec::with_capacity(plan.calls);
        for number in 0..plan.calls {
            let at = from + (to - from) * number as i64 / plan.calls.max(1) as i64;
            let agent = plan.first_agent + number % plan.agents.max(1);
            let is_web = rng.chance(plan.web);
            let log = log(&mut rng, first + number, at, &agent_id(agent), is_web, plan.deleted);
            if !is_web {
                let message = message(&self.id, first + number, at, &log, rng.next() as usize);
                self.messages.push(message);
            }
            logs.push(Log::new(&log));
        }
        self.logs.extend(logs);
        self.logs.sort_by_key(|log| log.at);
        self.messages.sort_by(|a, b| a["dateAdded"].as_str().cmp(&b["dateAdded"].as_str()));
        Some(())
    }
}

pub fn agent_id(number: usize) -> String {
    format!("6a35206c88ba8e0f{number:08x}")
}

fn agent(location: &str, number: usize) -> Value {
    json!({"id": agent_id(number), "locationId": location, "agentName": format!("Agent {}", number + 1),
        "businessName": "BrightSmile Dental", "welcomeMessage": "Hello", "agentPrompt": "You book appointments.",
        "voiceId": "g6xIsTj2HwM6VR4iXFCw", "language": "en-US", "patienceLevel": "high", "responsiveness": 1, "maxCallDuration": 900,
        "sendUserIdleReminders": true, "reminderAfterIdleTimeSeconds": 4, "inboundNumber": "+35722000000",
        "inboundNumbers": [], "callEndWorkflowIds": [], "agentWorkingHours": [], "timezone": "Europe/Nicosia",
        "isAgentAsBackupDisabled": false, "translation": {"enabled": false}, "toolCallStrictMode": true, "actions": []})
}

fn log(rng: &mut Rng, number: usize, at: i64, agent: &str, is_web: bool, deleted: bool) -> Value {
    let duration = 20 + rng.next() % 600;
    let mut log = json!({"id": format!("6a3547b12b6a75f6{number:08x}"), "agentId": agent, "isAgentDeleted": deleted,
        "createdAt": text::time(at), "duration": duration, "trialCall": is_web,
        "summary": format!("Caller {number} asked for an appointment."),
        "transcript": "bot:Hello, how can I help?\nhuman:I need an appointment. \nbot:Tomorrow at nine?\nhuman:Yes.\n",
        "translation": null, "extractedData": {"first_name": "Anna", "last_name": null}, "executedCallActions": [],
        "transcriptWithToolCalls": [
            {"role": "agent", "content": "Hello, how can I help?", "startTime": 0.4, "endTime": 2.1},
            {"role": "user", "content": "I need an appointment.", "startTime": 2.9, "endTime": 4.6}]});
    if !is_web {
        log["contactId"] = format!("contact{number:013}").into();
        log["fromNumber"] = format!("+3579{:07}", number % 10_000_000).into();
        log["messageId"] = format!("message{number:013}").into();
    }
    log
}

fn message(location: &str, number: usize, at: i64, log: &Value, dice: usize) -> Value {
    let direction = if dice.is_multiple_of(3) { "outbound" } else { "inbound" };
    json!({"id": log["messageId"], "type": 1, "messageType": "TYPE_CALL", "locationId": location,
        "contactId": log["contactId"], "conversationId": format!("conversation{number:08}"),
        "dateAdded": text::time(at + 800), "direction": direction, "status": "delivered", "contentType": "text/plain",
        "meta": {"callDuration": log["duration"].to_string(), "callStatus": STATUSES[dice % STATUSES.len()]}})
}
