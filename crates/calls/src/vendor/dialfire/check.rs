//! Whether a tenant can be fetched, step by step from the network to the single campaign.

use std::time::Instant;

use chrono::{TimeDelta, Utc};

use super::request::Access;
use super::response;
use crate::client::{segment, Client, Method, Request, Settings};
use crate::error::Error;
use crate::secret::Secret;
use crate::vendor::check::{describe, Check, Checks};

/// Campaigns tried with their own token; the others are only listed.
const CAMPAIGN_LIMIT: usize = 50;

pub fn check(client: &Client, access: &Access, settings: &Settings) -> Vec<Check> {
    let mut checks = Checks::new(client, settings);
    if checks.network() {
        checks.vendor(access);
    }
    checks.done
}

impl Checks<'_> {
    fn vendor(&mut self, access: &Access) {
        let Some(token) = access.token.clone() else {
            let detail = "no tenant token; only the campaigns of campaign_tokens are fetched".to_owned();
            self.note(Instant::now(), "auth bearer", "skipped", detail, None);
            let own: Vec<_> = access.campaign_tokens.clone().into_iter().collect();
            own.into_iter().for_each(|(id, token)| self.campaign(&id, None, Some(token)));
            return;
        };
        let path = format!("/tenants/{}/campaigns/", segment(&access.account));
        let since = Instant::now();
        let answer = self.client.probe(&get(&path, Vec::new(), Some(&token), None)).0;
        let opened = match &answer {
            Ok(answer) if answer.status == 200 => answer.read(response::campaigns).map_err(|error| error.to_string()),
            Ok(answer) => Err(describe(answer)),
            Err(error) => Err(error.to_string()),
        };
        match &opened {
            Ok(list) => self.note(since, "auth bearer", "ok", format!("200, {} campaigns", list.len()), None),
            Err(detail) => {
                let status = answer.as_ref().map_or(0, |a| a.status);
                let error = Error::Status { status, body: String::new() };
                self.note(since, "auth bearer", "failed", detail.clone(), error.hint());
            }
        }
        self.other_style("auth x-api-token", &token, get(&path, Vec::new(), None, Some(&token)));
        let query = vec![("access_token".to_owned(), token.expose().to_owned())];
        self.other_style("auth access_token", &token, get(&path, query, None, None));
        for opened in opened.unwrap_or_default().into_iter().take(CAMPAIGN_LIMIT) {
            let own = access.campaign_tokens.get(&opened.campaign.id).cloned();
            let is_open = own.is_some() || opened.campaign.api_access == Some(true);
            let token = own.or(opened.token).filter(|_| is_open);
            self.campaign(&opened.campaign.id, opened.campaign.title.as_deref(), token);
        }
        if let Ok(answer) = answer {
            self.clock(&answer);
        }
    }

    /// Styles that others report; the sync uses Bearer only, so a refusal is no failure.
    fn other_style(&mut self, step: &str, token: &Secret, request: Request) {
        let since = Instant::now();
        match self.client.probe(&request).0 {
            Ok(answer) if answer.status == 200 => {
                self.note(since, step, "ok", "200, but not used: the sync sends Bearer".to_owned(), None);
            }
            Ok(answer) => {
                self.note(since, step, "skipped", format!("{}, not used", describe(&answer)), None);
            }
            Err(error) => self.note(since, step, "skipped", token.redact(&error.to_string()), None),
        }
    }

    fn campaign(&mut self, id: &str, title: Option<&str>, token: Option<Secret>) {
        let since = Instant::now();
        let step = format!("campaign {id}");
        let name = title.map(|t| format!("\"{t}\": ")).unwrap_or_default();
        let Some(token) = token else {
            let hint = "give the campaign the role campaignAPI at the vendor, or its token in campaign_tokens";
            return self.note(since, &step, "warning", format!("{name}no API access, skipped"), Some(hint));
        };
        let path = format!("/campaigns/{}/contacts/transactions/", segment(id));
        let to = Utc::now();
        let time = |at: chrono::DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string();
        let query = vec![
            ("from".to_owned(), time(to - TimeDelta::minutes(1))),
            ("to".to_owned(), time(to)),
            ("limit".to_owned(), "1".to_owned()),
        ];
        match self.client.probe(&get(&path, query, Some(&token), None)).0 {
            Ok(answer) if answer.status == 200 => {
                let readable = answer.read(|body| response::page("a page of events", body).map(drop));
                match readable {
                    Ok(()) => self.note(since, &step, "ok", format!("{name}events can be read"), None),
                    Err(error) => self.note(since, &step, "failed", format!("{name}{error}"), error.hint()),
                }
            }
            Ok(answer) => {
                let hint = "the sync token differs: put it into campaign_tokens of the user mapping";
                self.note(since, &step, "failed", format!("{name}{}", describe(&answer)), Some(hint));
            }
            Err(error) => self.note(since, &step, "failed", format!("{name}{error}"), error.hint()),
        }
    }
}

fn get(path: &str, query: Vec<(String, String)>, bearer: Option<&Secret>, header: Option<&Secret>) -> Request {
    Request {
        method: Method::Get,
        path: path.to_owned(),
        query,
        token: bearer.cloned(),
        headers: header.map(|token| ("X-Api-Token".to_owned(), token.expose().to_owned())).into_iter().collect(),
        body: None,
    }
}
