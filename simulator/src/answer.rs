//! What an endpoint answers, kept in parts so that a fault can spoil it before it is sent.

use crate::data::Key;
use crate::rng::Rng;
use crate::text::{push_array, push_quoted, Object};
use axum::http::StatusCode;
use std::collections::HashMap;

pub const TEXT: &str = "text/plain; charset=utf-8";
pub const JSON: &str = "application/json; charset=utf-8";

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub content: Content,
}

pub enum Content {
    Whole {
        kind: &'static str,
        body: String,
    },
    /// A JSON array; the items are JSON.
    List(Vec<String>),
    Page(Page),
}

/// One page of a listing; the items are JSON.
pub struct Page {
    pub items: Vec<String>,
    /// Instead of the number of items.
    pub count: Option<usize>,
    /// The row after which this page began.
    pub begin: Option<Key>,
    /// The row after which the next page begins, if there is one.
    pub next: Option<Key>,
    /// The request without its cursor and limit: a cursor serves only the listing that it came from.
    pub scope: String,
    /// Instead of a new cursor.
    pub cursor: Option<String>,
    /// Some listings end with an empty cursor, others with none.
    pub empty_at_end: bool,
}

/// The cursors that have been given out.
pub struct Cursors {
    rng: Rng,
    known: HashMap<String, (String, Option<Key>)>,
}

impl Answer {
    pub fn refuse(status: u16) -> Self {
        let reason = StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or("Unknown");
        Self::whole(status, TEXT, format!("{status} - {reason}"))
    }

    pub fn json(body: String) -> Self {
        Self::whole(200, JSON, body)
    }

    pub fn whole(status: u16, kind: &'static str, body: String) -> Self {
        Self { status, headers: Vec::new(), content: Content::Whole { kind, body } }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Page> for Answer {
    fn from(page: Page) -> Self {
        Self { status: 200, headers: Vec::new(), content: Content::Page(page) }
    }
}

impl Content {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Whole { kind, .. } => kind,
            _ => JSON,
        }
    }

    pub fn render(self, cursors: &mut Cursors) -> String {
        let items = match self {
            Self::Whole { body, .. } => return body,
            Self::List(items) => items,
            Self::Page(page) => return page.render(cursors),
        };
        let mut out = String::with_capacity(items.iter().map(|item| item.len() + 1).sum::<usize>() + 2);
        push_array(&mut out, &items, |out, item| out.push_str(item));
        out
    }
}

impl Page {
    fn render(self, cursors: &mut Cursors) -> String {
        let mut out = String::with_capacity(self.items.iter().map(|item| item.len() + 1).sum::<usize>() + 128);
        let mut object = Object::new(&mut out);
        object.number("count", self.count.unwrap_or(self.items.len()) as i64);
        push_array(object.key("results"), &self.items, |out, item| out.push_str(item));
        let cursor = self.cursor.or_else(|| self.next.map(|next| cursors.give(&self.scope, Some(next))));
        match cursor {
            Some(cursor) => push_quoted(object.key("cursor"), &cursor),
            None if self.empty_at_end => object.text("cursor", ""),
            None => (),
        }
        object.end();
        out
    }
}

impl Cursors {
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::new(!seed), known: HashMap::new() }
    }

    pub fn give(&mut self, scope: &str, after: Option<Key>) -> String {
        let cursor = self.rng.opaque();
        self.known.insert(cursor.clone(), (scope.to_owned(), after));
        cursor
    }

    /// Where the listing goes on; nothing for a cursor that was not given out for this listing.
    pub fn find(&self, cursor: &str, scope: &str) -> Option<Option<Key>> {
        self.known.get(cursor).filter(|(known, _)| known == scope).map(|(_, after)| *after)
    }
}
