//! Whether an organisation can be fetched, from the network to its lists.

use std::time::Instant;

use super::request::Access;
use crate::client::{Client, Request, Settings};
use crate::vendor::check::describe;
use crate::vendor::{Check, Checks};

const KEY_HINT: &str = "the token is the private API key of the organisation (dashboard, API Keys), not the public one";

pub fn check(client: &Client, access: &Access, settings: &Settings) -> Vec<Check> {
    let mut checks = Checks::new(client, settings);
    if checks.network() {
        for (step, path) in [("calls", "/call"), ("assistants", "/assistant"), ("phone numbers", "/phone-number")] {
            list(&mut checks, access, step, path);
        }
    }
    checks.done
}

fn list(checks: &mut Checks, access: &Access, step: &str, path: &str) {
    let since = Instant::now();
    let request = Request {
        path: path.to_owned(),
        query: vec![("limit".to_owned(), "1".to_owned())],
        token: Some(access.token.clone()),
        ..Request::default()
    };
    match checks.client.probe(&request).0 {
        Ok(answer) if answer.status == 200 && answer.body.trim_ascii_start().starts_with(b"[") => {
            checks.note(since, step, "ok", "the list can be read".to_owned(), None);
            if step == "calls" {
                checks.clock(&answer);
            }
        }
        Ok(answer) if answer.status == 200 => {
            let hint = "base_url does not lead to Vapi's API; it is https://api.vapi.ai";
            checks.note(since, step, "failed", "the answer is not a list".to_owned(), Some(hint));
        }
        Ok(answer) => {
            // Names may be hidden from a key; calls are what is fetched.
            let status = if step == "calls" { "failed" } else { "warning" };
            checks.note(since, step, status, describe(&answer), Some(KEY_HINT));
        }
        Err(error) => checks.note(since, step, "failed", error.to_string(), error.hint()),
    }
}
