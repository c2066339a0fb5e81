//! Every option of a tenant: its name, default, unit and check.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use calls::range;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Failure;
use crate::pg;

/// Where an option stands: on the server, which everybody can read, or in the user mapping, which hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Server,
    Mapping,
}

struct Opt {
    name: &'static str,
    place: Place,
    /// Vendors that have it; empty for all.
    vendors: &'static [&'static str],
    default: Option<&'static str>,
    superuser: bool,
    check: fn(&str) -> Result<(), (String, &'static str)>,
    about: &'static str,
}

const fn server(
    name: &'static str,
    default: Option<&'static str>,
    check: fn(&str) -> Result<(), (String, &'static str)>,
    about: &'static str,
) -> Opt {
    Opt { name, place: Place::Server, vendors: &[], default, superuser: false, check, about }
}

const fn mapping(
    name: &'static str,
    check: fn(&str) -> Result<(), (String, &'static str)>,
    about: &'static str,
) -> Opt {
    Opt { name, place: Place::Mapping, vendors: &[], default: None, superuser: false, check, about }
}

impl Opt {
    const fn of(self, vendors: &'static [&'static str]) -> Opt {
        Opt { vendors, ..self }
    }

    /// Whether a tenant of this vendor has it; without a vendor, whether any has.
    fn suits(&self, vendor: Option<&str>) -> bool {
        self.vendors.is_empty() || vendor.is_none_or(|vendor| self.vendors.contains(&vendor))
    }
}

const VENDORS: &[&str] = &["dialfire", "highlevel", "vapi", "vicidial"];
const DIALFIRE: &[&str] = &["dialfire"];
const HIGHLEVEL: &[&str] = &["highlevel"];
const VAPI: &[&str] = &["vapi"];
const VICIDIAL: &[&str] = &["vicidial"];

/// An option that vendors set differently stands here once for each of them.
const OPTIONS: &[Opt] = &[
    server("vendor", None, is_vendor, "vendor of the tenant: dialfire, highlevel, vapi, vicidial"),
    server("account", None, is_account, "id of the tenant at the vendor"),
    server("schema", None, is_text, "schema of the foreign tables of the dialler's database").of(VICIDIAL),
    server("timezone", Some("UTC"), is_timezone, "IANA zone in which days are cut, such as Europe/Nicosia"),
    server("base_url", Some("https://api.dialfire.com/api"), is_url, "where the API is; https, or http on loopback")
        .of(DIALFIRE),
    server(
        "base_url",
        Some("https://services.leadconnectorhq.com"),
        is_url,
        "where the API is; https, or http on loopback",
    )
    .of(HIGHLEVEL),
    server("base_url", Some("https://api.vapi.ai"), is_url, "where the API is; https, or http on loopback").of(VAPI),
    server("campaigns", None, is_text, "comma-separated ids of the campaigns to fetch; default all").of(DIALFIRE),
    server("start_date", None, is_date, "first day that df_sync(tenant) wants; default 14 days before today"),
    server(
        "settle",
        Some("20 minutes"),
        is_interval,
        "time before now that is fetched but not yet called covered; a call is listed when it ends, under its start",
    )
    .of(HIGHLEVEL),
    server(
        "look_back",
        Some("2 days"),
        is_long_interval,
        "time before now that scheduled jobs read again for late changes",
    )
    .of(HIGHLEVEL),
    server("count_agents", Some("assigned"), is_count_agents, "whose calls count: all, or those of assigned agents")
        .of(HIGHLEVEL),
    server("count_agents", Some("all"), is_count_agents, "whose calls count: all, or those of assigned agents"),
    server("calls_reset_at", None, is_reset, "sync and diagnosis begin here; what is stored stays"),
    server("settle", Some("2 minutes"), is_interval, "time before now that is fetched but not yet called covered"),
    server(
        "look_back",
        Some("6 hours"),
        is_long_interval,
        "time before now that scheduled jobs read again for late changes",
    ),
    server(
        "notify",
        Some("false"),
        is_boolean,
        "true: pg_notify on channel dialfire_sync after each commit of changes",
    ),
    server("page_size", Some("1000"), is_page_size, "records a page").of(DIALFIRE),
    server("page_size", Some("50"), is_small_page_size, "calls a page").of(HIGHLEVEL),
    server("api_version", Some("2021-04-15"), is_version, "header Version of every request").of(HIGHLEVEL),
    server("client_id", None, is_text, "id of the marketplace app, where the mapping has a refresh_token")
        .of(HIGHLEVEL),
    server("conversations", Some("true"), is_boolean, "read the messages of calls for direction and status")
        .of(HIGHLEVEL),
    server("daily_reserve", Some("1000"), is_reserve, "requests of the vendor's daily limit that are left to others")
        .of(HIGHLEVEL),
    server(
        "webhook_key",
        None,
        is_webhook_key,
        "public key of webhooks, base64 of a SubjectPublicKeyInfo; default those that the vendor publishes",
    )
    .of(HIGHLEVEL),
    server("page_size", Some("100"), is_vapi_page_size, "calls a page").of(VAPI),
    server("region", None, is_region, "ISO code of the country of numbers without a prefix, such as US").of(VAPI),
    server("retention_days", Some("14"), is_retention, "days for which the vendor keeps calls: 14 with Pay-As-You-Go")
        .of(VAPI),
    server("webhook_auth", Some("bearer"), is_webhook_auth, "what proves a webhook: bearer, hmac or none").of(VAPI),
    server(
        "webhook_header",
        None,
        is_text,
        "header of secret or signature; default Authorization or X-Vapi-Secret, with hmac x-signature",
    )
    .of(VAPI),
    server("webhook_algorithm", Some("sha256"), is_algorithm, "hmac: sha256, sha512 or sha1").of(VAPI),
    server("webhook_payload_format", Some("{timestamp}.{body}"), is_payload_format, "hmac: what is signed").of(VAPI),
    server("webhook_timestamp_header", Some("x-timestamp"), is_text, "hmac: header of {timestamp}").of(VAPI),
    server("webhook_message_id_header", Some("svix-id"), is_text, "hmac: header of {svix-id}").of(VAPI),
    server("webhook_signature_prefix", None, is_text, "hmac: what stands before the signature, such as sha256=")
        .of(VAPI),
    server("webhook_encoding", Some("hex"), is_encoding, "hmac: hex or base64").of(VAPI),
    server("webhook_secret_is_base64", Some("false"), is_boolean, "hmac: true where the secret is base64").of(VAPI),
    server("webhook_url", None, is_text, "hmac: what stands for {url}").of(VAPI),
    server("webhook_tolerance", Some("5 minutes"), is_interval, "hmac: how far from now {timestamp} may lie").of(VAPI),
    server("stuck_after", Some("1 hour"), is_long_interval, "a call that has not ended by then is asked for").of(VAPI),
    server("page_size", Some("2000"), is_page_size, "rows a statement").of(VICIDIAL),
    server("batch", Some("20"), is_batch, "contacts a request").of(DIALFIRE),
    server("concurrency", Some("4"), is_concurrency, "requests in flight"),
    server("max_requests_per_second", None, is_rate, "requests a second; default no limit but the vendor's"),
    server("connect_timeout", Some("10 s"), is_interval, "limit of connecting"),
    server("request_timeout", Some("60 s"), is_interval, "limit of one attempt, body included"),
    server("attempts", Some("5"), is_attempts, "attempts of a request that fails for a passing reason"),
    server("wait_budget", Some("2 minutes"), is_interval, "limit of waiting and retrying of one request"),
    server("max_body_mb", Some("64"), is_megabytes, "largest answer, MiB"),
    Opt { superuser: true, ..server("ca_file", None, is_path, "PEM file of authorities to trust; superuser") },
    Opt { superuser: true, ..server("proxy", None, is_proxy, "http://host:port of a proxy; superuser") },
    mapping("token", is_secret, "tenant token of the vendor"),
    mapping("campaign_tokens", is_tokens, "tokens of single campaigns: ID=token,ID=token").of(DIALFIRE),
    mapping("webhook_secret", is_secret, "what webhooks bring or are signed with").of(VAPI),
    mapping("client_secret", is_secret, "secret of the marketplace app").of(HIGHLEVEL),
    mapping("refresh_token", is_secret, "refresh token of the app's installation, in place of a token").of(HIGHLEVEL),
    mapping("token_vault", is_text, "secret of Supabase Vault that is the token"),
    mapping("webhook_secret_vault", is_text, "secret of Supabase Vault that is the webhook_secret").of(VAPI),
    mapping("client_secret_vault", is_text, "secret of Supabase Vault that is the client_secret").of(HIGHLEVEL),
    mapping("refresh_token_vault", is_text, "secret of Supabase Vault that is the refresh_token").of(HIGHLEVEL),
    mapping("proxy_auth", is_secret, "user:password for the proxy"),
    Opt { superuser: true, ..mapping("token_file", is_path, "file that holds the token; superuser") },
];

/// Checks the options of CREATE and ALTER SERVER and USER MAPPING.
#[pg_extern]
fn df_validator(options: Vec<Option<String>>, catalog: pg_sys::Oid) -> Result<(), ErrorReport> {
    let place = match catalog {
        pg_sys::ForeignServerRelationId => Some(Place::Server),
        pg_sys::UserMappingRelationId => Some(Place::Mapping),
        _ => None,
    };
    let given: BTreeMap<String, String> = options
        .into_iter()
        .flatten()
        .filter_map(|option| option.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    let vendor = given.get("vendor").map(String::as_str);
    if let Some(vendor) = vendor {
        check(place, None, "vendor", vendor)?;
    }
    for (name, value) in &given {
        check(place, vendor, name, value)?;
    }
    if place == Some(Place::Server) {
        let place_of_calls = match vendor {
            Some("vicidial") => {
                ("schema", "Add schema '…', where df_setup_vicidial made the foreign tables, to OPTIONS.")
            }
            _ => ("account", "Add account '…', the tenant's id at the vendor, to OPTIONS."),
        };
        for (required, hint) in [
            ("vendor", format!("Add vendor '…' to OPTIONS. {KNOWN_VENDORS}")),
            (place_of_calls.0, place_of_calls.1.to_owned()),
        ] {
            if !given.contains_key(required) {
                return Err(Failure::MissingOption { option: required.to_owned(), hint }.into());
            }
        }
    }
    Ok(())
}

fn check(place: Option<Place>, vendor: Option<&str>, name: &str, value: &str) -> Result<(), Failure> {
    let mut here = OPTIONS.iter().filter(|o| Some(o.place) == place && o.suits(vendor));
    let Some(option) = here.clone().find(|o| o.name == name) else {
        let mut known: Vec<&str> = Vec::new();
        for option in here.by_ref().filter(|o| o.name != name) {
            if !known.contains(&option.name) {
                known.push(option.name);
            }
        }
        let known = known.join(", ");
        let hint = match OPTIONS.iter().find(|o| o.name == name) {
            Some(option) if Some(option.place) == place => {
                format!("It is an option of tenants of vendor {}.", option.vendors.join(", "))
            }
            Some(option) if option.place == Place::Server => "It is an option of the server.".to_owned(),
            Some(_) => "It belongs to the user mapping, which hides it.".to_owned(),
            None => "SELECT * FROM df_options() describes each.".to_owned(),
        };
        return Err(Failure::UnknownOption {
            option: name.to_owned(),
            known: if known.is_empty() { "none".to_owned() } else { known },
            hint,
        });
    };
    if option.superuser && !pg::role::is_superuser() {
        return Err(Failure::SuperuserOption { option: name.to_owned() });
    }
    // Somebody who puts a password or token into an address must not read it in the server's log.
    let is_secret = place == Some(Place::Mapping) || value.contains(['@', '?', '#']);
    (option.check)(value).map_err(|(why, hint)| Failure::BadOption {
        option: name.to_owned(),
        value: if is_secret { "[secret]".to_owned() } else { value.to_owned() },
        why,
        hint: hint.to_owned(),
    })
}

/// For hints.
pub const KNOWN_VENDORS: &str = "Known vendors: dialfire, highlevel, vapi, vicidial.";

type Checked = Result<(), (String, &'static str)>;

fn is_vendor(value: &str) -> Checked {
    match VENDORS.contains(&value) {
        true => Ok(()),
        false => Err((format!("\"{value}\" is not a vendor that this version knows."), KNOWN_VENDORS)),
    }
}

fn is_account(value: &str) -> Checked {
    let plain = !value.is_empty()
        && value.len() <= 64
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    plain.then_some(()).ok_or_else(|| {
        (
            "An account is made of letters, digits, - and _.".to_owned(),
            "Dialfire's is 8 hexadecimal digits, such as 9c6d0163; HighLevel's is the id of a location.",
        )
    })
}

fn is_timezone(value: &str) -> Checked {
    (Tz::from_str(value).is_ok() && pg::zone::postgres_knows(value)).then_some(()).ok_or_else(|| {
        (
            "It is not a time zone of the IANA database.".to_owned(),
            "Write Area/City, such as Europe/Nicosia; SELECT name FROM pg_timezone_names lists them.",
        )
    })
}

fn is_url(value: &str) -> Checked {
    use calls::client::{Client, Settings};
    use calls::error::Error;
    // No host is allowed here: which ones are is decided when the vendor is asked.
    let what =
        match Client::new(Settings { base: value.trim().trim_end_matches('/').to_owned(), ..Settings::default() }) {
            Ok(_) | Err(Error::HostNotAllowed { .. }) => return Ok(()),
            Err(Error::Setting { what }) => what,
            Err(error) => error.to_string(),
        };
    Err((capital(&what), "Write https://host/api; plain http is for loopback only."))
}

fn is_proxy(value: &str) -> Checked {
    let is_address = value.starts_with("http://") || value.starts_with("https://");
    let why = match () {
        () if value.contains('@') => "A password does not belong here: server options are public.",
        () if !is_address => "It is not of the form http://host:port.",
        () => return Ok(()),
    };
    Err((why.to_owned(), "Write http://host:port and put user:password into option proxy_auth of the user mapping."))
}

fn is_date(value: &str) -> Checked {
    NaiveDate::from_str(value)
        .map(drop)
        .map_err(|_| ("It is not a date.".to_owned(), "Write YYYY-MM-DD, such as 2026-11-01."))
}

fn is_count_agents(value: &str) -> Checked {
    match value {
        "all" | "assigned" => Ok(()),
        _ => Err(("It is neither all nor assigned.".to_owned(), "Write all or assigned.")),
    }
}

fn is_reset(value: &str) -> Checked {
    reset_at(value, Tz::UTC).map(drop).ok_or_else(|| {
        (
            "It is neither a date nor an instant.".to_owned(),
            "Write YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ, with the offset.",
        )
    })
}

/// A local day, or an instant with its offset.
pub fn reset_at(value: &str, zone: Tz) -> Option<DateTime<Utc>> {
    match value.len() {
        10 => NaiveDate::from_str(value).ok().map(|day| range::midnight(day, zone)),
        _ => calls::instant::parse(value).ok(),
    }
}

fn is_interval(value: &str) -> Checked {
    duration(value).map(drop).ok_or_else(|| {
        (
            "It is not a positive interval of at most a day.".to_owned(),
            "Write a number and a unit, such as 90 s or 2 minutes.",
        )
    })
}

fn is_long_interval(value: &str) -> Checked {
    let sound = long_duration(value).is_some();
    sound.then_some(()).ok_or_else(|| {
        (
            "It is not a positive interval of at most 31 days.".to_owned(),
            "Write a number and a unit, such as 6 hours or 3 days.",
        )
    })
}

fn is_boolean(value: &str) -> Checked {
    match value {
        "true" | "false" => Ok(()),
        _ => Err(("It is not a boolean.".to_owned(), "Write true or false.")),
    }
}

fn is_page_size(value: &str) -> Checked {
    is_between(value, 1, 10_000, "Write a number from 1 to 10000.")
}

fn is_small_page_size(value: &str) -> Checked {
    is_between(value, 1, 50, "Write a number from 1 to 50.")
}

fn is_reserve(value: &str) -> Checked {
    is_between(value, 0, 200_000, "Write a number from 0 to 200000.")
}

fn is_version(value: &str) -> Checked {
    let plain = !value.is_empty() && value.len() <= 20 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    plain.then_some(()).ok_or_else(|| ("It is not a version.".to_owned(), "Write 2021-04-15, 2021-07-28 or v3."))
}

fn is_webhook_key(value: &str) -> Checked {
    crate::vendor::webhook_keys(value)
        .filter(|_| !value.is_empty())
        .map(drop)
        .ok_or_else(|| ("It is not a public key.".to_owned(), "Write the base64 text between the lines of a PEM file."))
}

fn is_vapi_page_size(value: &str) -> Checked {
    is_between(value, 1, 1000, "Write a number from 1 to 1000.")
}

fn is_webhook_auth(value: &str) -> Checked {
    is_one_of(value, &["bearer", "hmac", "none"], "Write bearer, hmac or none.")
}

fn is_algorithm(value: &str) -> Checked {
    is_one_of(value, &["sha256", "sha512", "sha1"], "Write sha256, sha512 or sha1.")
}

fn is_encoding(value: &str) -> Checked {
    is_one_of(value, &["hex", "base64"], "Write hex or base64.")
}

fn is_payload_format(value: &str) -> Checked {
    value.contains("{body}").then_some(()).ok_or_else(|| {
        (
            "A signature that does not cover the body proves nothing.".to_owned(),
            "Write {timestamp}.{body}, or as Vapi has it.",
        )
    })
}

fn is_one_of(value: &str, words: &[&str], hint: &'static str) -> Checked {
    words.contains(&value).then_some(()).ok_or_else(|| ("It is none of the words that are known.".to_owned(), hint))
}

fn is_retention(value: &str) -> Checked {
    is_between(value, 1, 3660, "Write a number of days from 1 to 3660.")
}

fn is_region(value: &str) -> Checked {
    calls::phone::is_region(value).then_some(()).ok_or_else(|| {
        ("It is not the ISO code of a country with numbers.".to_owned(), "Write two capital letters, such as US or DE.")
    })
}

fn is_batch(value: &str) -> Checked {
    is_between(value, 1, 100, "Write a number from 1 to 100.")
}

fn is_concurrency(value: &str) -> Checked {
    is_between(value, 1, 32, "Write a number from 1 to 32.")
}

fn is_attempts(value: &str) -> Checked {
    is_between(value, 1, 20, "Write a number from 1 to 20.")
}

fn is_megabytes(value: &str) -> Checked {
    is_between(value, 1, 1024, "Write a number from 1 to 1024.")
}

fn is_between(value: &str, least: i64, most: i64, hint: &'static str) -> Checked {
    match value.parse::<i64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(()),
        Ok(_) => Err((format!("It lies outside {least} to {most}."), hint)),
        Err(_) => Err(("It is not a whole number.".to_owned(), hint)),
    }
}

fn is_rate(value: &str) -> Checked {
    match value.parse::<f64>() {
        Ok(rate) if (0.01..=1000.0).contains(&rate) => Ok(()),
        _ => Err(("It is not a number from 0.01 to 1000.".to_owned(), "Write requests a second, such as 5.")),
    }
}

fn is_text(value: &str) -> Checked {
    let filled = !value.trim().is_empty();
    filled.then_some(()).ok_or_else(|| ("It is empty.".to_owned(), "Leave the option out instead."))
}

fn is_path(value: &str) -> Checked {
    let absolute = value.starts_with('/');
    absolute.then_some(()).ok_or_else(|| ("It is not an absolute path.".to_owned(), "Write /path/to/file."))
}

fn is_secret(value: &str) -> Checked {
    match value {
        _ if value.trim().is_empty() => Err(("It is empty.".to_owned(), "Copy the token from the vendor's settings.")),
        _ if value.chars().any(|c| c.is_control() || c.is_whitespace()) => {
            Err(("It holds blanks or control characters.".to_owned(), "Copy it again, without line ends."))
        }
        _ => Ok(()),
    }
}

fn is_tokens(value: &str) -> Checked {
    campaign_tokens(value).map(drop).ok_or_else(|| {
        ("It is not a list of campaign=token.".to_owned(), "Write CAMPAIGN=token,CAMPAIGN=token, or a JSON object.")
    })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str() + ".").unwrap_or_default()
}

/// A base of Dialfire's without a path gets the vendor's.
pub fn base_url(value: &str, vendor: &str) -> String {
    let trimmed = value.trim().trim_end_matches('/');
    match trimmed.split_once("://") {
        Some((_, rest)) if vendor == "dialfire" && !rest.contains('/') => format!("{trimmed}/api"),
        _ => trimmed.to_owned(),
    }
}

const DAY: Duration = Duration::from_secs(86_400);

pub fn duration(value: &str) -> Option<Duration> {
    long_duration(value).filter(|length| *length <= DAY)
}

pub fn long_duration(value: &str) -> Option<Duration> {
    let micros = u64::try_from(Interval::from_str(value).ok()?.as_micros()).ok()?;
    Some(Duration::from_micros(micros)).filter(|length| !length.is_zero() && *length <= DAY * 31)
}

pub fn campaign_tokens(value: &str) -> Option<BTreeMap<String, String>> {
    let tokens: BTreeMap<String, String> = if value.trim_start().starts_with('{') {
        serde_json::from_str(value).ok()?
    } else {
        value
            .split(',')
            .map(|pair| pair.split_once('=').map(|(id, token)| (id.trim().to_owned(), token.trim().to_owned())))
            .collect::<Option<_>>()?
    };
    let sound = !tokens.is_empty() && tokens.iter().all(|(id, token)| !id.is_empty() && is_secret(token).is_ok());
    sound.then_some(tokens)
}

/// The given value, else the vendor's default.
pub fn value<'a>(given: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    let vendor = given.get("vendor").map(String::as_str);
    let default = || OPTIONS.iter().find(|o| o.name == name && o.suits(vendor)).and_then(|o| o.default);
    given.get(name).map(String::as_str).or_else(default)
}

/// Every option with its place, default and meaning.
#[pg_extern(stable, parallel_safe)]
fn df_options() -> TableIterator<
    'static,
    (
        name!(option, &'static str),
        name!(place, &'static str),
        name!(vendor, Option<String>),
        name!(default_value, Option<&'static str>),
        name!(superuser_only, bool),
        name!(description, &'static str),
    ),
> {
    TableIterator::new(OPTIONS.iter().map(|o| {
        let place = if o.place == Place::Server { "server" } else { "user mapping" };
        let vendor = (!o.vendors.is_empty()).then(|| o.vendors.join(", "));
        (o.name, place, vendor, o.default, o.superuser, o.about)
    }))
}
