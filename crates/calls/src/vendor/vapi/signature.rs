//! Whether a webhook comes from the organisation: a secret in a header, or a signature over the bytes of its body.

use base64::prelude::{Engine, BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use ring::hmac;

use crate::secret::Secret;

/// How the vendor was told to authenticate itself, as in its settings of a custom credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Nobody asks; whoever can call the function can send a webhook.
    None,
    /// The secret itself, with or without `Bearer`; `None` takes `Authorization` and `X-Vapi-Secret`.
    Bearer {
        header: Option<String>,
    },
    Hmac(Hmac),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hmac {
    /// sha256, sha512 or sha1.
    pub algorithm: String,
    pub header: String,
    pub timestamp_header: String,
    pub message_id_header: String,
    /// With {timestamp}, {body}, {method}, {url} and {svix-id}.
    pub payload_format: String,
    pub prefix: String,
    pub is_base64: bool,
    pub secret_is_base64: bool,
    pub url: String,
    /// How far from now a signed timestamp may lie.
    pub tolerance: TimeDelta,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    #[error("the tenant's user mapping has no webhook_secret")]
    NoSecret,
    #[error("it has no header {0}")]
    NoHeader(String),
    #[error("the secret in header {0} is another one")]
    WrongSecret(String),
    #[error("the signature in header {0} does not fit the body")]
    Forged(String),
    #[error("the timestamp in header {0} cannot be read")]
    Timestamp(String),
    #[error("it was signed {0} s from now, more than webhook_tolerance allows")]
    Replayed(i64),
}

/// `header` is asked in lower case.
pub fn verify<'a>(
    auth: &Auth,
    secret: Option<&Secret>,
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Untrusted> {
    let secret = match auth {
        Auth::None => return Ok(()),
        _ => secret.ok_or(Untrusted::NoSecret)?,
    };
    match auth {
        Auth::None => Ok(()),
        Auth::Bearer { header: name } => {
            let names: Vec<&str> = match name {
                Some(name) => vec![name],
                None => vec!["Authorization", "X-Vapi-Secret"],
            };
            let given = names.iter().find_map(|name| Some((*name, header(&name.to_ascii_lowercase())?)));
            let (name, given) = given.ok_or_else(|| Untrusted::NoHeader(names.join(" or ")))?;
            let given = given.trim();
            let bare =
                given.get(..7).filter(|start| start.eq_ignore_ascii_case("bearer ")).map_or(given, |_| &given[7..]);
            let fits = is_same(bare.trim().as_bytes(), secret.expose().as_bytes());
            fits.then_some(()).ok_or_else(|| Untrusted::WrongSecret(name.to_owned()))
        }
        Auth::Hmac(hmac) => hmac.verify(secret, header, body, now),
    }
}

impl Hmac {
    fn verify<'a>(
        &self,
        secret: &Secret,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Untrusted> {
        let find = |name: &str| {
            let value = header(&name.to_ascii_lowercase()).map(str::trim).filter(|value| !value.is_empty());
            value.ok_or_else(|| Untrusted::NoHeader(name.to_owned()))
        };
        let signature = find(&self.header)?;
        let mut signed = Vec::with_capacity(body.len() + 64);
        for part in parts(&self.payload_format) {
            match part {
                "{body}" => signed.extend_from_slice(body),
                "{timestamp}" => {
                    let timestamp = find(&self.timestamp_header)?;
                    let at = instant(timestamp).ok_or_else(|| Untrusted::Timestamp(self.timestamp_header.clone()))?;
                    let age = now - at;
                    if age.abs() > self.tolerance {
                        return Err(Untrusted::Replayed(age.num_seconds()));
                    }
                    signed.extend_from_slice(timestamp.as_bytes());
                }
                "{svix-id}" => signed.extend_from_slice(find(&self.message_id_header)?.as_bytes()),
                "{method}" => signed.extend_from_slice(b"POST"),
                "{url}" => signed.extend_from_slice(self.url.as_bytes()),
                text => signed.extend_from_slice(text.as_bytes()),
            }
        }
        let forged = || Untrusted::Forged(self.header.clone());
        let key = match self.secret_is_base64 {
            true => BASE64_STANDARD.decode(secret.expose()).map_err(|_| forged())?,
            false => secret.expose().as_bytes().to_vec(),
        };
        let algorithm = match self.algorithm.as_str() {
            "sha512" => hmac::HMAC_SHA512,
            "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            _ => hmac::HMAC_SHA256,
        };
        let key = hmac::Key::new(algorithm, &key);
        // While a secret is rotated Svix sends one signature for each, apart by blanks.
        let fits = signature.split_ascii_whitespace().any(|one| {
            let bare = one.strip_prefix(self.prefix.as_str()).unwrap_or(one);
            let tag = if self.is_base64 { BASE64_STANDARD.decode(bare).ok() } else { unhex(bare) };
            tag.is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
        });
        fits.then_some(()).ok_or_else(forged)
    }
}

/// Literal text and placeholders, in order.
fn parts(format: &str) -> Vec<&str> {
    const NAMES: [&str; 5] = ["{body}", "{timestamp}", "{svix-id}", "{method}", "{url}"];
    let mut parts = Vec::new();
    let mut rest = format;
    while !rest.is_empty() {
        let next = NAMES.iter().filter_map(|name| Some((rest.find(name)?, *name))).min();
        match next {
            Some((0, name)) => {
                parts.push(&rest[..name.len()]);
                rest = &rest[name.len()..];
            }
            Some((at, _)) => {
                parts.push(&rest[..at]);
                rest = &rest[at..];
            }
            None => {
                parts.push(rest);
                rest = "";
            }
        }
    }
    parts
}

/// Seconds or milliseconds since 1970, or ISO: the vendor does not say which.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    match text.parse::<i64>() {
        Ok(number) if number.abs() < 100_000_000_000 => DateTime::from_timestamp(number, 0),
        Ok(number) => DateTime::from_timestamp_millis(number),
        Err(_) => crate::instant::parse(text).ok(),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let whole = digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    whole.then(|| {
        text.as_bytes()
            .chunks(2)
            .map(|pair| {
                let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or_default() as u8;
                digit(pair[0]) << 4 | digit(pair[1])
            })
            .collect()
    })
}

/// Takes as long whatever differs.
fn is_same(given: &[u8], known: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, known);
    hmac::verify(&key, given, hmac::sign(&key, known).as_ref()).is_ok()
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
