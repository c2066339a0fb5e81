//! Reports: asked for with a 202 and a `Location`, ready at the second look.

use crate::answer::{Answer, TEXT};
use crate::api::Call;
use crate::data::{Campaign, Transaction, World};
use crate::rng::Rng;
use crate::text::{self, DAY};
use serde_json::{json, Value};
use std::collections::{BTreeMap, HashMap};

pub struct Reports {
    rng: Rng,
    /// The path of a job, the looks until it is ready, its answer.
    jobs: HashMap<String, (u32, String, &'static str)>,
}

impl Reports {
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::new(seed ^ 0xFACE), jobs: HashMap::new() }
    }

    pub fn start(&mut self, world: &World, campaign: &Campaign, call: &Call, now: i64) -> Answer {
        let Some((columns, groups)) = compute(world, campaign, call, now) else { return Answer::refuse(400) };
        let job = self.rng.id();
        let path = format!("campaigns/{}/reports/jobs/{job}", campaign.id);
        let tree = call.query.get("asTree").is_none_or(|tree| tree == "true");
        let (body, kind) =
            if tree { (as_tree(&columns, groups), crate::answer::JSON) } else { (as_csv(&columns, groups), TEXT) };
        self.jobs.insert(path.clone(), (1, body, kind));
        Answer::whole(202, TEXT, String::new()).with("location", format!("/api/{path}"))
    }

    pub fn poll(&mut self, path: &str, job: &str) -> Result<Answer, u16> {
        let (looks, body, kind) = self.jobs.get_mut(path).filter(|_| !job.is_empty()).ok_or(404u16)?;
        if *looks > 0 {
            *looks -= 1;
            return Ok(Answer::whole(202, TEXT, String::new()).with("location", format!("/api/{path}")));
        }
        Ok(Answer::whole(200, kind, body.clone()))
    }
}

type Groups = BTreeMap<String, Vec<f64>>;

/// The sums of the asked columns by user or by date, over `timespan=X-Yday`, UTC days back from now.
fn compute(world: &World, campaign: &Campaign, call: &Call, now: i64) -> Option<(Vec<String>, Groups)> {
    let span = call.query.get("timespan").map_or("0-0day", String::as_str);
    let (from, to) = span.strip_suffix("day")?.split_once('-')?;
    let midnight = now - now.rem_euclid(DAY);
    let day = |back: &str| Some(midnight - back.parse::<i64>().ok()? * DAY);
    let range = day(from)?..day(to)? + DAY;
    let columns: Vec<String> = (0..).map_while(|index| call.query.get(&format!("column{index}")).cloned()).collect();
    let by_user = call.query.get("group0").is_none_or(|group| group == "user");
    let mut groups = Groups::new();
    for contact in campaign.contacts.iter().filter(|contact| contact.generated()) {
        for transaction in contact.transactions.iter().filter(|t| range.contains(&t.fired)) {
            let Some(agent) = transaction.agent else { continue };
            let group = if by_user {
                world.agents[usize::from(agent)].login.clone()
            } else {
                text::time(transaction.fired)[..10].to_owned()
            };
            let sums = groups.entry(group).or_insert_with(|| vec![0.0; columns.len()]);
            for (sum, column) in sums.iter_mut().zip(&columns) {
                *sum += value(transaction, column);
            }
        }
    }
    Some((columns, groups))
}

fn value(t: &Transaction, column: &str) -> f64 {
    let hours = |index: usize| f64::from(t.times[index]) / 3_600_000.0;
    let count = |yes: bool| f64::from(u8::from(yes));
    match column {
        "completed" => count(t.status != "open"),
        "success" => count(t.status == "success"),
        "count" => 1.0,
        "connects" => count(t.connections.iter().any(|connection| connection.talked())),
        "pauseTime" => hours(0),
        "workTime" => hours(1) + hours(2),
        "wrapupTime" => hours(2),
        "waitTimeDialer" => hours(3),
        _ => 0.0,
    }
}

fn as_tree(columns: &[String], groups: Groups) -> String {
    let define = |name: &String| json!({"name": name, "title": name, "conf": {}});
    let group = |(value, columns): (String, Vec<f64>)| json!({"value": value, "columns": columns, "groups": []});
    json!({"columnDefs": Value::from_iter(columns.iter().map(define)), "groupDefs": [{"name": "user"}],
        "groups": Value::from_iter(groups.into_iter().map(group))})
    .to_string()
}

fn as_csv(columns: &[String], groups: Groups) -> String {
    let mut out = format!("group;{}\n", columns.join(";"));
    for (group, values) in groups {
        let values: Vec<String> = values.iter().map(f64::to_string).collect();
        out.push_str(&format!("{group};{}\n", values.join(";")));
    }
    out
}
