//! What can go wrong between us and a vendor, in words for people.

use std::time::Duration;

/// One failed exchange or one answer that cannot be trusted. The text never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("host \"{host}\" is not allowed")]
    HostNotAllowed { host: String },
    #[error("the vendor answered {status}: {body}")]
    Status { status: u16, body: String },
    #[error("the vendor still answered {status} after {}: {body}", times(.attempts))]
    Exhausted { status: u16, attempts: u32, body: String },
    #[error("the vendor asks to wait {}, longer than the {} left for waiting", seconds(.wait), seconds(.left))]
    WaitBudget { wait: Duration, left: Duration },
    #[error("the vendor's daily limit{} is used up: {left} requests left, {reserve} of them reserved", of(.limit))]
    DailyLimit { limit: Option<u64>, left: u64, reserve: u64 },
    #[error("no answer after {}: {cause}", times(.attempts))]
    Transport { attempts: u32, cause: String },
    #[error("redirect refused: {location}")]
    Redirect { location: String },
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("{what}")]
    Answer { what: String },
    #[error("bad setting: {what}")]
    Setting { what: String },
    #[error("{what}")]
    Dialler { what: String, hint: &'static str },
    #[error("canceled")]
    Canceled,
}

fn seconds(d: &Duration) -> String {
    format!("{} s", d.as_secs())
}

fn of(limit: &Option<u64>) -> String {
    limit.map(|limit| format!(" of {limit}")).unwrap_or_default()
}

fn times(attempts: &u32) -> String {
    match attempts {
        1 => "1 attempt".to_owned(),
        many => format!("{many} attempts"),
    }
}

impl Error {
    /// An answer that arrived and makes no sense: unparsable, short, repeated, not adding up.
    pub fn answer(what: impl Into<String>) -> Self {
        Error::Answer { what: what.into() }
    }

    /// [`Error::hint`] with the tenant's name where something is to be typed.
    pub fn hint_for(&self, tenant: &str) -> Option<String> {
        self.hint().map(|hint| hint.replace("df_check('…')", &format!("df_check('{}')", tenant.replace('\'', "''"))))
    }

    /// What the reader can do about it; `None` where waiting and trying again is the whole advice.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::HostNotAllowed { .. } => Some(
                "a superuser adds it: ALTER SYSTEM SET dialfire_sync.allowed_hosts = '…'; SELECT pg_reload_conf()",
            ),
            Error::Status { status: 401 | 403, .. } => Some(
                "the token is wrong, expired or of another scope: user mapping option \"token\" takes the tenant token, \
                 \"campaign_tokens\" the tokens of single campaigns; SELECT * FROM df_check('…') tries each",
            ),
            Error::Status { status: 404, .. } => {
                Some("check the server options \"account\" and \"base_url\"")
            }
            Error::Exhausted { status: 429, .. } | Error::WaitBudget { .. } => {
                Some("lower the server option \"max_requests_per_second\" or \"concurrency\"")
            }
            Error::DailyLimit { .. } => Some(
                "it is counted anew within a day, and the rest is fetched then; \"daily_reserve\" says how many requests a \
                 day are left to others",
            ),
            Error::TooLarge { .. } => Some("raise the server option \"max_body_mb\" or lower \"batch\""),
            Error::Redirect { .. } => Some("set the server option \"base_url\" to the final address"),
            Error::Dialler { hint, .. } => Some(hint),
            _ => None,
        }
    }
}
