//! What a client is told about its vendor and its network.

use super::redact::Redactor;
use crate::{error::Error, secret::Secret};
use std::{fmt, fs, path::PathBuf, time::Duration};
use ureq::tls::{parse_pem, PemItem, RootCerts, TlsConfig};
use ureq::{http::HeaderValue, Agent, Proxy};

#[derive(Clone)]
pub struct Settings {
    /// "https://api.dialfire.com/api"; http only where the host is loopback.
    pub base: String,
    /// Lower case; the host of `base` must be one of them.
    pub allowed_hosts: Vec<String>,
    /// PEM file of the only authorities to trust; without it, those of Mozilla.
    pub ca_file: Option<PathBuf>,
    /// "http(s)://[user:password@]host:port"; the environment's proxies are not used.
    pub proxy: Option<String>,
    /// Limits name resolution, and then TCP and TLS together.
    pub connect_timeout: Duration,
    /// Limits one attempt from its first byte to its last.
    pub request_timeout: Duration,
    /// Bytes of one body after decompression.
    pub max_body: u64,
    /// How often one request may fail before it is given up; a 429 is not a failure.
    pub attempts: u32,
    /// How long one request may wait altogether, for 429, 5xx and 202.
    pub wait_budget: Duration,
    /// Pace of the whole client, whatever the number of threads.
    pub max_per_second: Option<f64>,
    /// Requests of the vendor's daily limit that are left to others.
    pub daily_reserve: u64,
    /// Requests in flight at most.
    pub concurrency: usize,
    pub user_agent: String,
    /// Shown nowhere, not even where the vendor echoes them in answer to something else.
    pub secrets: Vec<Secret>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base: String::new(),
            allowed_hosts: Vec::new(),
            ca_file: None,
            proxy: None,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(60),
            max_body: 64 << 20,
            attempts: 5,
            wait_budget: Duration::from_secs(120),
            max_per_second: None,
            daily_reserve: 0,
            concurrency: 4,
            user_agent: concat!("dialfire_sync/", env!("CARGO_PKG_VERSION")).to_owned(),
            secrets: Vec::new(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base", &self.base)
            .field("proxy", &self.proxy.as_ref().map(|_| "[secret]"))
            .finish_non_exhaustive()
    }
}

/// Requests do not take equally long to arrive: spaced exactly, one too many could be counted within a second.
const SLACK: f64 = 1.03;

impl Settings {
    /// The time between the starts of two requests.
    pub(super) fn interval(&self) -> Result<Duration, Error> {
        match self.max_per_second {
            None => Ok(Duration::ZERO),
            Some(pace) if (0.001..=1e6).contains(&pace) => Ok(Duration::from_secs_f64(SLACK / pace)),
            Some(pace) => Err(setting(format!("{pace} requests a second, not between 0.001 and 1000000"))),
        }
    }

    /// A ureq agent that follows no redirect and takes every status for an answer, and what it must not reveal.
    pub(super) fn agent(&self) -> Result<(Agent, Redactor), Error> {
        HeaderValue::from_str(&self.user_agent).map_err(|_| setting("the user agent is not a header value"))?;
        let proxy = self.proxy.as_deref().map(proxy).transpose()?;
        let secrets = proxy.iter().flat_map(|proxy| proxy.password()).map(str::to_owned);
        let known = self.secrets.iter().map(|secret| secret.expose().to_owned());
        let secrets = Redactor::default().with(secrets.chain(known));
        let roots = self.ca_file.as_ref().map_or(Ok(RootCerts::WebPki), roots)?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(proxy)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_resolve(Some(self.connect_timeout))
            .timeout_connect(Some(self.connect_timeout))
            .timeout_global(Some(self.request_timeout))
            .max_idle_connections(self.concurrency)
            .max_idle_connections_per_host(self.concurrency)
            .user_agent(self.user_agent.as_str())
            .accept("application/json")
            .build();
        Ok((config.into(), secrets))
    }
}

fn proxy(text: &str) -> Result<Proxy, Error> {
    Some(text)
        .filter(|text| text.starts_with("http://") || text.starts_with("https://"))
        .and_then(|text| Proxy::new(text).ok())
        .filter(|proxy| !proxy.host().is_empty())
        .ok_or_else(|| setting("the proxy is not of the form http(s)://[user:password@]host:port"))
}

fn roots(file: &PathBuf) -> Result<RootCerts, Error> {
    let bad = |why: String| setting(format!("ca file \"{}\": {why}", file.display()));
    let pem = fs::read(file).map_err(|error| bad(error.to_string()))?;
    let items: Vec<_> = parse_pem(&pem).collect::<Result<_, _>>().map_err(|error| bad(error.to_string()))?;
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(bad("no certificate in it".to_owned()));
    }
    Ok(certificates.into())
}

fn setting(what: impl Into<String>) -> Error {
    Error::Setting { what: what.into() }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
