//! Whether a vendor can be reached, step by step, and whether its clock is ours.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use ureq::http::Uri;

use crate::client::{Answer, Client, Request, Settings};

/// A vendor's clock further off than this makes "until now" mean something else over there.
const CLOCK_LIMIT: TimeDelta = TimeDelta::seconds(60);

#[derive(Clone)]
pub struct Check {
    pub step: String,
    /// ok, warning, failed or skipped.
    pub status: &'static str,
    pub detail: String,
    pub hint: Option<String>,
    pub duration: Duration,
}

/// The checks of one tenant, as they are made.
pub struct Checks<'a> {
    pub client: &'a Client,
    settings: &'a Settings,
    pub done: Vec<Check>,
}

impl<'a> Checks<'a> {
    pub fn new(client: &'a Client, settings: &'a Settings) -> Checks<'a> {
        Checks { client, settings, done: Vec::new() }
    }

    pub fn note(&mut self, since: Instant, step: &str, status: &'static str, detail: String, hint: Option<&str>) {
        let hint = hint.map(str::to_owned);
        self.done.push(Check { step: step.to_owned(), status, detail, hint, duration: since.elapsed() });
    }

    /// DNS, TCP and TLS; false where it makes no sense to go on.
    pub fn network(&mut self) -> bool {
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
        match self.client.probe(&Request { path: "/".to_owned(), ..Request::default() }).0 {
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

    pub fn clock(&mut self, answer: &Answer) {
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

pub fn describe(answer: &Answer) -> String {
    format!("{}: {}", answer.status, answer.excerpt())
}
