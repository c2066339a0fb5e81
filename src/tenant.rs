//! A tenant: a foreign server with the caller's user mapping, read and checked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use calls::client::Settings;
use calls::range::{self, Window};
use calls::secret::Secret;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Failure;
use crate::months;
use crate::oauth::Grant;
use crate::options::{base_url, campaign_tokens, duration, long_duration, reset_at, value};
use crate::vendor::Access;
use crate::{pg, settings, vault};

/// Days that `df_sync(tenant)` wants where no `start_date` says otherwise.
const DEFAULT_DAYS: u64 = 14;

pub struct Tenant {
    pub name: String,
    pub role: String,
    pub caller: pg_sys::Oid,
    pub zone: Tz,
    pub settle: TimeDelta,
    pub concurrency: usize,
    pub notify: bool,
    pub look_back: TimeDelta,
    /// A call that has not ended after this time is asked for.
    pub stuck_after: TimeDelta,
    /// How long the vendor keeps calls; what is older cannot be proven complete.
    pub retention: Option<TimeDelta>,
    pub access: Access,
    /// Where its access token comes from, if it does not stand in the mapping.
    pub grant: Option<Grant>,
    pub http: Settings,
    start_date: Option<NaiveDate>,
    pub reset_at: Option<DateTime<Utc>>,
    /// What is older was let go.
    pub retired: Option<NaiveDate>,
    /// Only calls of assigned agents count.
    pub counts_assigned: bool,
}

/// A tenant without its user mapping.
pub struct Offline {
    pub name: String,
    pub role: String,
    pub zone: Tz,
    pub notify: bool,
}

pub type Options = BTreeMap<String, String>;

impl Tenant {
    /// Reads the tenant with the rights and the user mapping of `caller`.
    pub fn load(name: &str, caller: pg_sys::Oid) -> Result<Tenant, Failure> {
        let role = pg::role::name(caller);
        let (server, options) = find_server(name, caller, &role)?;
        // Whoever asks for secrets fetches or stores.
        if pg::process::is_standby() {
            return Err(Failure::Standby);
        }
        // What opens a dialler's database is the user mapping of its own server.
        let mapping = match find_mapping(name, server, caller, &role) {
            Err(Failure::NoMapping { .. }) if value(&options, "vendor") == Some("vicidial") => Options::new(),
            found => found?,
        };
        let text = |option: &str| value(&options, option).map(str::to_owned);
        let number = |option: &str| value(&options, option).and_then(|v| v.parse::<usize>().ok()).unwrap_or(1);
        let time = |option: &str| value(&options, option).and_then(duration).unwrap_or(Duration::from_secs(60));
        let long = |option: &str| {
            let length = value(&options, option).and_then(long_duration);
            length.and_then(|length| TimeDelta::from_std(length).ok()).unwrap_or_default()
        };
        let zone = text("timezone").and_then(|zone| Tz::from_str(&zone).ok()).unwrap_or(Tz::UTC);
        let secrets = Secrets::read(name, &mapping, caller, &role)?;
        let vendor = text("vendor").unwrap_or_default();
        let access = Access::read(name, &vendor, &options, &secrets, zone)?;
        let grant = Grant::of(text("client_id"), &secrets);
        let retired = months::retired_until()?;
        Ok(Tenant {
            name: name.to_owned(),
            caller,
            zone,
            settle: TimeDelta::from_std(time("settle")).unwrap_or_default(),
            concurrency: number("concurrency"),
            notify: text("notify").is_some_and(|v| v == "true"),
            look_back: long("look_back"),
            stuck_after: long("stuck_after"),
            retention: text("retention_days").and_then(|days| days.parse().ok()).map(TimeDelta::days),
            // Nothing is older than null.
            reset_at: text("calls_reset_at")
                .and_then(|value| reset_at(&value, zone))
                .max(retired.map(|day| range::midnight(day, zone))),
            retired,
            counts_assigned: text("count_agents").is_some_and(|v| v == "assigned"),
            start_date: text("start_date").and_then(|day| NaiveDate::from_str(&day).ok()),
            access,
            grant,
            http: Settings {
                base: base_url(&text("base_url").unwrap_or_default(), &vendor),
                allowed_hosts: settings::allowed_hosts(),
                ca_file: text("ca_file").map(PathBuf::from),
                proxy: text("proxy").map(|proxy| with_auth(&proxy, mapping.get("proxy_auth"))),
                connect_timeout: time("connect_timeout"),
                request_timeout: time("request_timeout"),
                max_body: number("max_body_mb") as u64 * 1024 * 1024,
                attempts: number("attempts") as u32,
                wait_budget: time("wait_budget"),
                max_per_second: text("max_requests_per_second").and_then(|rate| rate.parse().ok()),
                daily_reserve: text("daily_reserve").and_then(|n| n.parse().ok()).unwrap_or_default(),
                concurrency: number("concurrency"),
                secrets: secrets.all(),
                ..Settings::default()
            },
            role,
        })
    }

    /// The tenant for those who do not ask its vendor.
    pub fn offline(name: &str, caller: pg_sys::Oid) -> Result<Offline, Failure> {
        let role = pg::role::name(caller);
        let (_, options) = find_server(name, caller, &role)?;
        let text = |option: &str| value(&options, option).unwrap_or_default();
        if text("vendor") != "dialfire" {
            return Err(Failure::NotOfDialfire(name.to_owned()));
        }
        let zone = Tz::from_str(text("timezone")).unwrap_or(Tz::UTC);
        Ok(Offline { name: name.to_owned(), zone, notify: text("notify") == "true", role })
    }

    /// Whether the caller may use the tenant, for those who need no user mapping.
    pub fn may_use(name: &str, caller: pg_sys::Oid) -> Result<(), Failure> {
        find_server(name, caller, &pg::role::name(caller)).map(drop)
    }

    /// The time zone alone, for those who look and need no user mapping.
    pub fn zone_of(name: &str, caller: pg_sys::Oid) -> Result<Tz, Failure> {
        let (_, options) = find_server(name, caller, &pg::role::name(caller))?;
        Ok(value(&options, "timezone").and_then(|zone| Tz::from_str(zone).ok()).unwrap_or(Tz::UTC))
    }

    /// The first instant that is wanted without being asked for.
    pub fn wanted_from(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = now.with_timezone(&self.zone).date_naive();
        let first = self.start_date.or(today.checked_sub_days(Days::new(DEFAULT_DAYS))).unwrap_or(today);
        let first = range::midnight(first, self.zone);
        let first = self.reset_at.map_or(first, |reset| first.max(reset));
        // What the vendor has forgotten cannot be fetched.
        self.retention.map_or(first, |length| first.max(now - length))
    }

    /// What of a window is still asked for; `None` where all of it lies before the reset.
    pub fn since_reset(&self, window: Window) -> Option<Window> {
        let from = self.reset_at.map_or(window.from, |reset| window.from.max(reset));
        (from < window.to).then_some(Window { from, ..window })
    }
}

fn find_server(name: &str, caller: pg_sys::Oid, role: &str) -> Result<(pg_sys::Oid, Options), Failure> {
    let found = Spi::connect(|client| {
        let rows = client.select(
            "SELECT s.oid, s.srvoptions, w.fdwname = 'dialfire_sync', has_server_privilege($2, s.oid, 'USAGE')
             FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE s.srvname = $1::name",
            Some(1),
            &[name.into(), caller.into()],
        )?;
        let row = rows.into_iter().next();
        row.map(|row| {
            Ok::<_, pgrx::spi::Error>((
                row.get::<pg_sys::Oid>(1)?.unwrap_or(pg_sys::InvalidOid),
                row.get::<Vec<Option<String>>>(2)?.unwrap_or_default(),
                row.get::<bool>(3)?.unwrap_or_default(),
                row.get::<bool>(4)?.unwrap_or_default(),
            ))
        })
        .transpose()
    })?;
    match found {
        None => Err(Failure::UnknownTenant(name.to_owned())),
        Some((_, _, false, _)) => Err(Failure::NotATenant(name.to_owned())),
        Some((_, _, _, false)) => Err(Failure::NoUsage { tenant: name.to_owned(), role: role.to_owned() }),
        Some((server, options, true, true)) => Ok((server, pairs(options))),
    }
}

fn find_mapping(name: &str, server: pg_sys::Oid, caller: pg_sys::Oid, role: &str) -> Result<Options, Failure> {
    let options = Spi::connect(|client| {
        let rows = client.select(
            "SELECT umoptions FROM pg_user_mapping WHERE umserver = $1 AND umuser IN ($2, 0) ORDER BY umuser DESC",
            Some(1),
            &[server.into(), caller.into()],
        )?;
        rows.into_iter().next().map(|row| row.get::<Vec<Option<String>>>(1)).transpose()
    })?;
    options
        .map(|options| pairs(options.unwrap_or_default()))
        .ok_or_else(|| Failure::NoMapping { tenant: name.to_owned(), role: role.to_owned() })
}

fn pairs(options: Vec<Option<String>>) -> Options {
    options
        .into_iter()
        .flatten()
        .filter_map(|option| option.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect()
}

/// What the user mapping hides.
pub struct Secrets {
    pub token: Option<Secret>,
    pub client_secret: Option<Secret>,
    pub refresh_token: Option<Secret>,
    pub campaign_tokens: BTreeMap<String, Secret>,
    pub webhook_secret: Option<Secret>,
}

impl Secrets {
    fn read(tenant: &str, mapping: &Options, caller: pg_sys::Oid, role: &str) -> Result<Secrets, Failure> {
        let hidden = |option: &str| match mapping.get(option).filter(|secret| !secret.is_empty()) {
            Some(secret) => Ok(Some(Secret::new(secret))),
            None => {
                let option = format!("{option}_vault");
                mapping.get(&option).map(|name| vault::read(tenant, &option, name, caller, role)).transpose()
            }
        };
        let token = match (hidden("token")?, mapping.get("token_file")) {
            (None, Some(path)) => Some(Secret::new(read_token(tenant, path)?)),
            (token, _) => token,
        };
        let tokens = mapping.get("campaign_tokens").and_then(|list| campaign_tokens(list)).unwrap_or_default();
        Ok(Secrets {
            token,
            client_secret: hidden("client_secret")?,
            refresh_token: hidden("refresh_token")?,
            campaign_tokens: tokens.into_iter().map(|(id, token)| (id, Secret::new(token))).collect(),
            webhook_secret: hidden("webhook_secret")?,
        })
    }

    /// Shown nowhere.
    fn all(self) -> Vec<Secret> {
        let app = self.client_secret.into_iter().chain(self.refresh_token);
        self.token.into_iter().chain(app).chain(self.webhook_secret).chain(self.campaign_tokens.into_values()).collect()
    }
}

fn read_token(tenant: &str, path: &str) -> Result<String, Failure> {
    let broken = |cause: String| Failure::TokenFile { tenant: tenant.to_owned(), option: "token_file", cause };
    let text = std::fs::read_to_string(path).map_err(|error| broken(format!("\"{path}\": {error}.")))?;
    let token = text.trim().to_owned();
    let sound = !token.is_empty() && !token.contains(|c: char| c.is_whitespace() || c.is_control());
    if !sound {
        return Err(broken(format!("\"{path}\" does not hold one token and nothing else.")));
    }
    Ok(token)
}

fn with_auth(proxy: &str, auth: Option<&String>) -> String {
    match (auth, proxy.split_once("://")) {
        (Some(auth), Some((scheme, rest))) => format!("{scheme}://{auth}@{rest}"),
        _ => proxy.to_owned(),
    }
}
