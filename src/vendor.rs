//! The vendors that a tenant can have. Everything that depends on which one it is goes through `with_vendor!`.

use calls::secret::Secret;
use calls::vendor::dialfire::{self, Dialfire};
use calls::vendor::highlevel::{self, HighLevel};
use calls::vendor::vapi::{self, Vapi};
use calls::vendor::vicidial::{self, Vicidial};
use calls::vendor::{Normalised, Vendor};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::value::RawValue;

use crate::append::By;
use crate::error::Failure;
use crate::oauth::Grant;
use crate::options::{duration, value};
use crate::tenant::{Options, Secrets};

/// How one tenant's vendor is opened.
pub enum Access {
    Dialfire(dialfire::Access),
    HighLevel(highlevel::Access),
    Vapi(vapi::Access),
    Vicidial(vicidial::Access),
}

impl Access {
    pub fn read(tenant: &str, vendor: &str, options: &Options, secrets: &Secrets, zone: Tz) -> Result<Access, Failure> {
        let text = |option: &str| value(options, option).unwrap_or_default().to_owned();
        let number = |option: &str| value(options, option).and_then(|v| v.parse::<usize>().ok()).unwrap_or(1);
        match vendor {
            "dialfire" if secrets.token.is_none() && secrets.campaign_tokens.is_empty() => Err(Failure::NoToken {
                tenant: tenant.to_owned(),
                wanted: "none of token, token_vault, token_file and campaign_tokens",
                add: "token",
            }),
            "dialfire" => Ok(Access::Dialfire(dialfire::Access {
                account: text("account"),
                token: secrets.token.clone(),
                campaign_tokens: secrets.campaign_tokens.clone(),
                campaigns: list(&text("campaigns")),
                page_size: number("page_size"),
                batch: number("batch"),
                zone,
                raw: false,
                pending: Default::default(),
            })),
            "highlevel" if secrets.token.is_none() && Grant::of(given(options, "client_id"), secrets).is_none() => Err(Failure::NoToken {
                tenant: tenant.to_owned(),
                wanted: "none of token, token_vault and token_file, nor client_secret and refresh_token beside the server option client_id",
                add: "token",
            }),
            "highlevel" => Ok(Access::HighLevel(highlevel::Access {
                location: text("account"),
                token: secrets.token.clone(),
                version: text("api_version"),
                page_size: number("page_size"),
                conversations: text("conversations") == "true",
                zone,
                raw: false,
                is_brief: false,
                keys: webhook_keys(&text("webhook_key")).unwrap_or_default(),
            })),
            "vapi" => Ok(Access::Vapi(vapi::Access {
                account: Some(text("account")).filter(|account| !account.is_empty()),
                // Who only receives webhooks needs no key to the API.
                token: secrets
                    .token
                    .clone()
                    .or_else(|| secrets.webhook_secret.as_ref().map(|_| Secret::new("")))
                    .ok_or_else(|| Failure::NoToken {
                        tenant: tenant.to_owned(),
                        wanted: "none of token, token_vault and token_file",
                        add: "token",
                    })?,
                webhooks: webhook_auth(options),
                webhook_secret: secrets.webhook_secret.clone(),
                page_size: number("page_size"),
                zone,
                region: Some(text("region")).filter(|region| !region.is_empty()),
                raw: false,
                is_brief: false,
            })),
            "vicidial" => Ok(Access::Vicidial(vicidial::Access {
                schema: text("schema"),
                page_size: number("page_size"),
                zone,
                api_key: secrets.token.clone(),
                raw: false,
                is_brief: false,
            })),
            _ => Err(Failure::UnknownVendor(vendor.to_owned())),
        }
    }

    pub fn vendor(&self) -> &'static str {
        match self {
            Access::Dialfire(_) => "dialfire",
            Access::HighLevel(_) => "highlevel",
            Access::Vapi(_) => "vapi",
            Access::Vicidial(_) => "vicidial",
        }
    }

    /// What is looked up to tell new calls from known ones.
    pub fn newcomers(&self) -> By {
        match self {
            Access::Vicidial(_) => By::Call,
            _ => By::Contact,
        }
    }

    /// What a source is called.
    pub fn unit(&self) -> &'static str {
        match self {
            Access::Dialfire(_) => "campaign",
            Access::HighLevel(_) => "location",
            Access::Vapi(_) => "organisation",
            Access::Vicidial(_) => "table",
        }
    }
}

/// How Vapi was told to authenticate its webhooks.
fn webhook_auth(options: &Options) -> vapi::Auth {
    let text = |option: &str| value(options, option).unwrap_or_default().to_owned();
    let header = Some(text("webhook_header")).filter(|header| !header.is_empty());
    match text("webhook_auth").as_str() {
        "none" => vapi::Auth::None,
        "hmac" => vapi::Auth::Hmac(vapi::Hmac {
            algorithm: text("webhook_algorithm"),
            header: header.unwrap_or_else(|| "x-signature".to_owned()),
            timestamp_header: text("webhook_timestamp_header"),
            message_id_header: text("webhook_message_id_header"),
            payload_format: text("webhook_payload_format"),
            prefix: text("webhook_signature_prefix"),
            is_base64: text("webhook_encoding") == "base64",
            secret_is_base64: text("webhook_secret_is_base64") == "true",
            url: text("webhook_url"),
            tolerance: value(options, "webhook_tolerance")
                .and_then(duration)
                .and_then(|length| TimeDelta::from_std(length).ok())
                .unwrap_or_default(),
        }),
        _ => vapi::Auth::Bearer { header },
    }
}

/// The vendor's keys, or another one in place of that of its algorithm.
pub fn webhook_keys(key: &str) -> Option<highlevel::Keys> {
    match key {
        "" => Some(highlevel::Keys::default()),
        key => highlevel::Keys::default().with(key),
    }
}

fn given(options: &Options, option: &str) -> Option<String> {
    value(options, option).map(str::to_owned)
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// Evaluates an expression in which `$vendor` is the type of a tenant's vendor and `$access` its access.
macro_rules! with_vendor {
    ($of:expr, $vendor:ident, $access:ident => $body:expr) => {
        match $of {
            $crate::vendor::Access::Dialfire($access) => {
                type $vendor = calls::vendor::dialfire::Dialfire;
                $body
            }
            $crate::vendor::Access::HighLevel($access) => {
                type $vendor = calls::vendor::highlevel::HighLevel;
                $body
            }
            $crate::vendor::Access::Vapi($access) => {
                type $vendor = calls::vendor::vapi::Vapi;
                $body
            }
            $crate::vendor::Access::Vicidial($access) => {
                type $vendor = calls::vendor::vicidial::Vicidial;
                $body
            }
        }
    };
}

type Normalise = fn(&RawValue, Option<&str>, Tz) -> Vec<Normalised>;

pub fn normaliser(vendor: &str) -> Option<Normalise> {
    match vendor {
        "dialfire" => Some(Dialfire::normalise),
        "highlevel" => Some(HighLevel::normalise),
        "vapi" => Some(Vapi::normalise),
        "vicidial" => Some(Vicidial::normalise),
        _ => None,
    }
}
