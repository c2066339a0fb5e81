//! Single fields of a vendor's JSON, read leniently in type and strictly in meaning.
//!
//! Objects are taken apart into raw fields first, so that one bad value spoils its own record and not the page.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::instant;
use crate::json::{self, Fields, Raw};

/// Longest text that becomes part of a key: Postgres cannot index an entry beyond a third of a page.
const KEY_LIMIT: usize = 200;

/// Why a record is not stored, in the words of `rejects`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub reason: &'static str,
    pub field: String,
    pub detail: String,
}

impl Fault {
    pub fn new(reason: &'static str, field: &str, detail: impl Into<String>) -> Self {
        Fault { reason, field: field.to_owned(), detail: detail.into() }
    }
}

pub fn fields<'a, R: Raw<'a>>(name: &str, raw: R) -> Result<Fields<'a, R>, Fault> {
    raw.fields().map_err(|e| Fault::new("not_an_object", name, e.to_string()))
}

pub fn items<'a, R: Raw<'a>>(name: &str, raw: R) -> Result<Vec<R>, Fault> {
    match raw.get() {
        "null" => Ok(Vec::new()),
        _ => raw.items().map_err(|e| Fault::new("not_an_array", name, e.to_string())),
    }
}

/// `None` for null and for the empty string, which is how Dialfire says "unset". Numbers and booleans become text.
pub fn text<'a>(name: &str, raw: impl Raw<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    let json = raw.get();
    let text = match json.as_bytes()[0] {
        b'"' => {
            let text = json::string(json).map_err(|e| Fault::new("bad_string", name, e.to_string()))?;
            // Only an escape can mean it.
            if matches!(&text, Cow::Owned(text) if text.contains('\0')) {
                return Err(nul(name));
            }
            text
        }
        b'n' => return Ok(None),
        b'{' | b'[' => return Err(Fault::new("not_a_text", name, "an object or array stands where a text belongs")),
        _ => Cow::Borrowed(json),
    };
    Ok((!text.trim().is_empty()).then_some(text))
}

fn nul(name: &str) -> Fault {
    Fault::new("nul_character", name, "the text holds \\u0000, which PostgreSQL cannot store")
}

pub fn fits_key(text: &str) -> bool {
    text.len() <= KEY_LIMIT
}

/// A text that identifies something.
pub fn key<'a>(name: &str, raw: impl Raw<'a>) -> Result<Option<String>, Fault> {
    Ok(name_of(name, raw)?.map(Cow::into_owned))
}

/// The same, borrowed where it can be.
pub fn name_of<'a>(name: &str, raw: impl Raw<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    match text(name, raw)? {
        Some(text) if !fits_key(&text) => {
            Err(Fault::new("key_too_long", name, format!("{} bytes, at most {KEY_LIMIT}", text.len())))
        }
        other => Ok(other.map(|text| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        })),
    }
}

pub fn double<'a>(name: &str, raw: impl Raw<'a>) -> Result<Option<f64>, Fault> {
    let Some(text) = text(name, raw)? else { return Ok(None) };
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(Fault::new("bad_number", name, format!("\"{}\" is not a number", excerpt(&text)))),
    }
}

pub fn integer<'a>(name: &str, raw: impl Raw<'a>) -> Result<Option<i64>, Fault> {
    if let Ok(number) = raw.get().parse::<i64>() {
        return Ok(Some(number));
    }
    match double(name, raw)? {
        None => Ok(None),
        Some(number) if number.abs() < 9e15 => Ok(Some(number.round() as i64)),
        Some(number) => Err(Fault::new("number_out_of_range", name, format!("{number} is out of range"))),
    }
}

pub fn flag<'a>(name: &str, raw: impl Raw<'a>) -> Result<Option<bool>, Fault> {
    match text(name, raw)?.as_deref().map(str::trim) {
        None => Ok(None),
        Some("true" | "1" | "TRUE" | "True") => Ok(Some(true)),
        Some("false" | "0" | "FALSE" | "False") => Ok(Some(false)),
        Some(other) => Err(Fault::new("bad_boolean", name, format!("\"{}\" is not a boolean", excerpt(other)))),
    }
}

pub fn instant<'a>(name: &str, raw: impl Raw<'a>) -> Result<Option<DateTime<Utc>>, Fault> {
    let Some(text) = text(name, raw)? else { return Ok(None) };
    instant::parse(&text).map(Some).map_err(|why| Fault::new(why.reason(), name, format!("\"{}\"", excerpt(&text))))
}

/// Checks that `jsonb` will take the value: no NUL, no lone surrogate, no number or depth beyond its limits.
pub fn json<'a>(name: &str, raw: impl Raw<'a>) -> Result<&'a str, Fault> {
    let json = raw.get();
    if json.starts_with('"') {
        if json.contains('\\') {
            text(name, raw)?;
        }
        return Ok(json);
    }
    let HasNul(has_nul) = serde_json::from_str(json).map_err(|e| Fault::new("bad_json", name, e.to_string()))?;
    match has_nul {
        true => Err(nul(name)),
        false => Ok(json),
    }
}

/// Whether a text or a key within holds NUL. All of it is read, and nothing is kept.
struct HasNul(bool);

impl<'de> Deserialize<'de> for HasNul {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<HasNul, D::Error> {
        value.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = HasNul;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<HasNul, E> {
        Ok(HasNul(false))
    }
    fn visit_bool<E>(self, _: bool) -> Result<HasNul, E> {
        Ok(HasNul(false))
    }
    fn visit_i64<E>(self, _: i64) -> Result<HasNul, E> {
        Ok(HasNul(false))
    }
    fn visit_u64<E>(self, _: u64) -> Result<HasNul, E> {
        Ok(HasNul(false))
    }
    fn visit_f64<E>(self, _: f64) -> Result<HasNul, E> {
        Ok(HasNul(false))
    }
    fn visit_str<E>(self, text: &str) -> Result<HasNul, E> {
        Ok(HasNul(text.contains('\0')))
    }
    /// What is borrowed has no escapes, and only an escape can mean it.
    fn visit_borrowed_str<E>(self, _: &'de str) -> Result<HasNul, E> {
        Ok(HasNul(false))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<HasNul, A::Error> {
        let mut found = false;
        while let Some(HasNul(within)) = items.next_element()? {
            found |= within;
        }
        Ok(HasNul(found))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<HasNul, A::Error> {
        let mut found = false;
        while let Some((HasNul(key), HasNul(value))) = fields.next_entry()? {
            found |= key | value;
        }
        Ok(HasNul(found))
    }
}

/// Collects fields that have no column of their own into one JSON object.
#[derive(Default)]
pub struct Extra(String);

impl Extra {
    pub fn add<'a>(&mut self, name: &str, raw: impl Raw<'a>) -> Result<(), Fault> {
        if matches!(raw.get(), "null" | "\"\"" | "[]" | "{}") {
            return Ok(());
        }
        if name.contains('\0') {
            return Err(Fault::new("nul_character", "", "a field's name holds \\u0000"));
        }
        let json = json(name, raw)?;
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&serde_json::Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(json);
        Ok(())
    }

    pub fn finish(mut self) -> Option<crate::row::Json> {
        if self.0.is_empty() {
            return None;
        }
        self.0.push('}');
        Some(crate::row::Json(self.0))
    }
}

/// The beginning of a vendor's text, for messages.
pub fn excerpt(text: &str) -> &str {
    match text.char_indices().nth(100) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
