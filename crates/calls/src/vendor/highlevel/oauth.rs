//! A new access token for a refresh token, which the vendor takes only once.

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::{segment, Client, Method, Request};
use crate::error::Error;
use crate::field;
use crate::secret::Secret;
use crate::vendor::dialfire::parse;
use crate::vendor::{Exchange, Reply};

/// An app of the marketplace.
#[derive(Clone)]
pub struct App {
    pub client_id: String,
    pub client_secret: Secret,
}

pub struct Tokens {
    pub access: Secret,
    pub refresh: Secret,
    pub lives: TimeDelta,
}

/// Asks once: a repetition after a lost answer would present a token that is used up.
pub fn refresh(client: &Client, app: &App, token: &Secret) -> Reply<Tokens> {
    let exchange = Exchange::new(client);
    let form = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", app.client_secret.expose()),
        ("grant_type", "refresh_token"),
        ("refresh_token", token.expose()),
        ("user_type", "Location"),
    ];
    let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
    let request = Request {
        method: Method::Post,
        path: "/oauth/token".to_owned(),
        headers: vec![("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: Some(body.join("&").into_bytes()),
        ..Request::default()
    };
    let (answer, attempt) = client.probe(&request);
    let outcome = answer.and_then(|answer| match answer.status {
        200..=299 => read(answer.json_bytes()?, token),
        status => Err(Error::Status { status, body: answer.excerpt() }),
    });
    exchange.with(attempt).reply(outcome)
}

fn read(body: &[u8], used: &Secret) -> Result<Tokens, Error> {
    // The old refresh token is used up by now: nothing but a missing token may make this fail.
    #[derive(Deserialize)]
    struct Granted<'a> {
        access_token: String,
        refresh_token: Option<String>,
        #[serde(borrow)]
        expires_in: Option<&'a RawValue>,
    }
    let granted: Granted = parse("the token", body)?;
    let seconds = granted.expires_in.and_then(|raw| field::integer("expires_in", raw).ok().flatten());
    Ok(Tokens {
        access: Secret::new(granted.access_token),
        refresh: granted.refresh_token.map_or_else(|| used.clone(), Secret::new),
        lives: TimeDelta::try_seconds(seconds.unwrap_or(3600).clamp(60, 86_400 * 30)).unwrap_or_default(),
    })
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
mod tests;
