//! Where a request may go: below the base address, and from there only to the same origin.

use crate::error::Error;
use std::{fmt::Write, net::IpAddr};
use ureq::http::Uri;

/// The checked base address, without a slash at its end.
pub(super) struct Base(String);

impl Base {
    pub fn new(base: &str, allowed_hosts: &[String]) -> Result<Self, Error> {
        let bad = |why: &str| Error::Setting { what: format!("base address: {why}") };
        if base.contains(['?', '#', '@']) {
            return Err(bad("no user, query or fragment may stand in it"));
        }
        let base = base.trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| bad("it is not of the form https://host[:port]/path"))?;
        let host = host(&uri);
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(&host) => {}
            _ => return Err(bad("only https is allowed, or http to the loopback host")),
        }
        if !allowed_hosts.contains(&host) {
            return Err(Error::HostNotAllowed { host });
        }
        Ok(Self(base.to_owned()))
    }

    pub fn uri(&self, path: &str, query: &[(String, String)]) -> Result<Uri, Error> {
        let bad = |why: &str| Error::Setting { what: format!("request path: {why}") };
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte));
        if !path.starts_with('/') || !plain || path.split('/').any(is_dots) {
            return Err(bad("it is not made of safe segments"));
        }
        let mut text = format!("{}{path}", self.0);
        for (at, (name, value)) in query.iter().enumerate() {
            let mark = if at == 0 { '?' } else { '&' };
            let _ = write!(text, "{mark}{}={}", segment(name), segment(value));
        }
        text.parse().map_err(|_| bad("the address is too long"))
    }
}

/// Percent-encodes everything but unreserved characters: fit for one path segment or one query value.
pub fn segment(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => drop(write!(out, "%{byte:02X}")),
        }
        out
    })
}

/// The address that a Location header at `from` names; `None` if it is of another scheme, host or port.
pub(super) fn follow(from: &Uri, location: &str) -> Option<Uri> {
    let here = format!("{}://{}", from.scheme_str()?, from.authority()?);
    let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_absolute = location.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?']));
    let text = match location.as_bytes() {
        _ if is_absolute => location.to_owned(),
        [b'/', b'/', ..] => format!("{}:{location}", from.scheme_str()?),
        [b'/', ..] => format!("{here}{location}"),
        [b'?', ..] => format!("{here}{}{location}", from.path()),
        _ => format!("{here}{folder}/{location}"),
    };
    let to: Uri = text.parse().ok()?;
    (origin(&to) == origin(from)).then_some(to)
}

fn origin(uri: &Uri) -> (Option<&str>, String, Option<u16>, bool) {
    let port = uri.port_u16().or(match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    });
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    (uri.scheme_str(), host(uri), port, has_user)
}

/// Lower case, and an IPv6 address without its brackets.
fn host(uri: &Uri) -> String {
    uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
