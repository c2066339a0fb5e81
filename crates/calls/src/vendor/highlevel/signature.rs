//! Whether a webhook comes from HighLevel: signatures over the bytes of its body.

use base64::prelude::{Engine, BASE64_STANDARD};
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm, ED25519, RSA_PKCS1_2048_8192_SHA256};

/// The vendor's key for `X-GHL-Signature`, as it publishes it.
const ED25519_KEY: &str = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=";
/// The vendor's key for the older `X-WH-Signature`.
const RSA_KEY: &str = "MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSC\
Frm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCpVpt4XHIcBOK4u3cLSqJGOLaPuXw6\
dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfB\
csedpinheNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpv\
uxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3OdeCVx5klVXXZQGNHOs8gF\
3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKU\
J062fRtN+rLYZUV+BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXp\
IocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVNA5rw576PwTzN\
h/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhC\
HULgCsnuDJHcrGNd5/Ddm5hxGQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJ\
PQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IGKAyk\
T1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ==";

/// Why a webhook is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    #[error("it is not signed: neither X-GHL-Signature nor X-WH-Signature")]
    Unsigned,
    #[error("the signature {0} does not fit the body")]
    Forged(&'static str),
    #[error("its body is no webhook of HighLevel: {0}")]
    Shape(String),
    #[error("it is of location \"{0}\"")]
    Location(String),
    #[error("it was sent {0} s from now, more than the window of replays allows")]
    Replayed(i64),
}

/// Public keys, DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    ed25519: Vec<u8>,
    rsa: Vec<u8>,
}

impl Default for Keys {
    fn default() -> Keys {
        let of = |text| spki(text).unwrap_or_default();
        Keys { ed25519: of(ED25519_KEY), rsa: of(RSA_KEY) }
    }
}

impl Keys {
    /// The vendor's, with another one in place of that of its algorithm; base64 or PEM of a SubjectPublicKeyInfo.
    pub fn with(self, key: &str) -> Option<Keys> {
        let key = spki(key)?;
        Some(match key.len() {
            32 => Keys { ed25519: key, ..self },
            _ => Keys { rsa: key, ..self },
        })
    }

    /// Checks the newer signature where there is one, else the older. `header` is asked in lower case.
    pub fn verify<'a>(&self, header: impl Fn(&str) -> Option<&'a str>, body: &[u8]) -> Result<(), Untrusted> {
        let check = |name, algorithm: &'static dyn VerificationAlgorithm, key: &[u8], signature: &str| {
            let signature = BASE64_STANDARD.decode(signature.trim()).map_err(|_| Untrusted::Forged(name))?;
            UnparsedPublicKey::new(algorithm, key).verify(body, &signature).map_err(|_| Untrusted::Forged(name))
        };
        // Whatever passes webhooks on may add an empty one.
        let header = |name| header(name).filter(|signature| !signature.trim().is_empty());
        match (header("x-ghl-signature"), header("x-wh-signature")) {
            (Some(signature), _) => check("X-GHL-Signature", &ED25519, &self.ed25519, signature),
            (None, Some(signature)) => check("X-WH-Signature", &RSA_PKCS1_2048_8192_SHA256, &self.rsa, signature),
            (None, None) => Err(Untrusted::Unsigned),
        }
    }
}

/// The key inside a SubjectPublicKeyInfo, which is what ring takes.
fn spki(text: &str) -> Option<Vec<u8>> {
    let plain: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let plain: String = plain.chars().filter(|c| !c.is_whitespace()).collect();
    let der = BASE64_STANDARD.decode(plain).ok()?;
    let (info, _) = element(&der, 0x30)?;
    let (_, rest) = element(info, 0x30)?;
    let (bits, _) = element(rest, 0x03)?;
    bits.split_first().filter(|(unused, _)| **unused == 0).map(|(_, key)| key.to_vec())
}

/// The content of a DER element and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7F => (usize::from(*length), rest),
        0x81 | 0x82 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7F))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    (*first == tag).then(|| rest.split_at_checked(length)).flatten()
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
