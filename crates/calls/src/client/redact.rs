//! Keeps tokens and passwords out of everything that is kept.

use super::address::segment;
use crate::secret::Secret;

/// The secrets that one request may meet again in an address, a body or an error.
#[derive(Clone, Debug, Default)]
pub(super) struct Redactor(Vec<Secret>);

impl Redactor {
    pub fn with(mut self, secrets: impl IntoIterator<Item = String>) -> Self {
        for secret in secrets {
            self.0.push(Secret::new(segment(&secret)));
            self.0.push(Secret::new(secret));
        }
        self
    }

    pub fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| secret.redact(&text))
    }

    /// The beginning of a body, on one line. Redacts before it cuts, so that no half of a secret is left.
    pub fn excerpt(&self, body: &[u8], chars: usize) -> String {
        let text = self.text(&String::from_utf8_lossy(body));
        text.trim().chars().take(chars).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

/// Whether a header or parameter carries a credential, to judge by its name. A short value is none, and hiding it
/// would hide every other word that it is part of.
pub(super) fn is_confidential(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    value.len() >= 8 && ["token", "key", "auth", "secret", "password"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
