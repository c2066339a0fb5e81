//! Whether a tenant can be fetched, step by step from the network to the single campaign.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use ureq::http::Uri;

use super::request::Access;
use super::response;
use crate::client::{segment, Answer, Client, Method, Request, Settings};
use crate::error::Error;
use crate::secret::Secret;

/// Campaigns tried with their own token; the others are only listed.
const CAMPAIGN_LIMIT: usize = 50;
/// A vendor's clock further off than this makes "until now" mean something else over there.
const CLOCK_LIMIT: TimeDelta = TimeDelta::seconds(60);

pub struct Check {
    pub step: String,
    /// ok, warning, failed or skipped.
    pub status: &'static str,
    pub detail: String,
    pub hint: Option<String>,
    pub duration: Duration,
}

struct Checks<'a> {
    client: &'a Client,
    access: &'a Access,
    settings: &'a Settings,
    done: Vec<Check>,
}

pub fn check(client: &Client, access: &Access, settings: &Settings) -> Vec<Check> {
    let mut checks = Checks { client, access, settings, done: Vec::new() };
    if checks.network() {
        checks.vendor();
    }
    checks.done
}

impl Checks<'_> {
    fn note(&mut self, since: Instant, step: &str, status: &'static str, detail: String, hint: Option<&str>) {
        let hint = hint.map(str::to_owned);
        self.done.push(Check { step: step.to_owned(), status, detail, hint, duration: since.elapsed() });
    }

    /// DNS, TCP and TLS; false where it makes no sense to go on.
    fn network(&mut self) -> bool {
        let uri: Uri = match self.settings.base.parse() {
            Ok(uri) => uri,
            Err(_) => return true,
        };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_https = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        if self.settings.proxy.is_some() {
            let since = Instant::now();
            self.note(since, "dns", "skipped", "the proxy resolves the name".to_owned(), None);
            self.note(since, "tcp", "skipped", "the proxy connects".to_owned(), None);
        } else {
            let since = Instant::now();
            let addresses: Vec<_> = match (host.as_str(), port).to_socket_addrs() {
                Ok(found) => found.collect(),
                Err(error) => {
                    let hint = "check the name in base_url and the server's resolver";
                    self.note(since, "dns", "failed", format!("{host}: {error}"), Some(hint));
                    return false;
                }
            };
            let listed: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
            self.note(since, "dns", "ok", format!("{host} is {}", listed.join(", ")), None);
            let since = Instant::now();
            let connected = addresses.iter().map(|a| TcpStream::connect_timeout(a, self.settings.connect_timeout));
            match connected.reduce(Result::or) {
                Some(Ok(_)) => self.note(since, "tcp", "ok", format!("port {port} answers"), None),
                Some(Err(error)) => {
                    let hint = "a firewall between database and vendor, or a wrong port in base_url";
                    self.note(since, "tcp", "failed", format!("port {port}: {error}"), Some(hint));
                    return false;
                }
                None => return false,
            }
        }
        if !is_https {
            self.note(Instant::now(), "tls", "skipped", "plain http to loopback".to_owned(), None);
            return true;
        }
        let since = Instant::now();
        match self.client.probe(&get("/", Vec::new(), None, None)).0 {
            Ok(_) => {
                self.note(since, "tls", "ok", "the certificate is trusted".to_owned(), None);
                true
            }
            Err(error) => {
                let hint = "a private authority needs the server option ca_file";
                self.note(since, "tls", "failed", error.to_string(), Some(hint));
                false
            }
        }
    }

    fn vendor(&mut self) {
        let Some(token) = self.access.token.clone() else {
            let detail = "no tenant token; only the campaigns of campaign_tokens are fetched".to_owned();
            self.note(Instant::now(), "auth bearer", "skipped", detail, None);
            let own: Vec<_> = self.access.campaign_tokens.clone().into_iter().collect();
            own.into_iter().for_each(|(id, token)| self.campaign(&id, None, Some(token)));
            return;
        };
        let path = format!("/tenants/{}/campaigns/", segment(&self.access.account));
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
            let own = self.access.campaign_tokens.get(&opened.campaign.id).cloned();
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

    fn clock(&mut self, answer: &Answer) {
        let since = Instant::now();
        let Some(date) = answer.date else {
            return self.note(since, "clock", "skipped", "the vendor sends no Date".to_owned(), None);
        };
        let off = Utc::now() - date;
        let detail = format!("{} s apart", off.num_seconds().abs());
        if off.abs() > CLOCK_LIMIT {
            let hint = "set the server's clock (NTP): windows end by the earlier of the two clocks";
            self.note(since, "clock", "warning", detail, Some(hint));
        } else {
            self.note(since, "clock", "ok", detail, None);
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

fn describe(answer: &Answer) -> String {
    format!("{}: {}", answer.status, answer.excerpt())
}
