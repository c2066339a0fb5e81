//! Values of a vendor's JSON that are still text, and a document of them that is scanned once however deep they nest.

use std::borrow::Cow;
use std::fmt;
use std::str::from_utf8;

use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Error, Result};

/// The fields of one object, in the order of the vendor.
pub type Fields<'a, R = &'a RawValue> = Vec<(Cow<'a, str>, R)>;

/// A value that is still text, and known to be well-formed.
pub trait Raw<'a>: Copy {
    fn get(self) -> &'a str;
    fn fields(self) -> Result<Fields<'a, Self>>;
    fn items(self) -> Result<Vec<Self>>;
}

/// serde's own `Cow` always copies; most keys and values can be borrowed.
#[derive(serde::Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

/// The text of a string, of which only one with escapes has to be copied.
pub fn string(json: &str) -> Result<Cow<'_, str>> {
    match json.contains('\\') {
        true => serde_json::from_str(json).map(|Borrowed(text)| text),
        false => Ok(Cow::Borrowed(&json[1..json.len() - 1])),
    }
}

/// Each level of nesting reads the text of its values again: right for small ones.
impl<'a> Raw<'a> for &'a RawValue {
    fn get(self) -> &'a str {
        self.get()
    }

    fn fields(self) -> Result<Fields<'a>> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(32);
                while let Some(Borrowed(key)) = map.next_key()? {
                    fields.push((key, map.next_value()?));
                }
                Ok(fields)
            }
        }
        serde_json::Deserializer::from_str(self.get()).deserialize_map(Collect)
    }

    fn items(self) -> Result<Vec<Self>> {
        serde_json::from_str(self.get())
    }
}

pub struct Document<'a> {
    text: &'a str,
    /// Every value and every key, each before what is in it.
    nodes: Vec<Node>,
}

struct Node {
    start: u32,
    end: u32,
    /// The node behind this one and all that is in it.
    next: u32,
}

/// A value of a document.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    document: &'a Document<'a>,
    at: usize,
}

impl<'a> Document<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Document<'a>> {
        // What is well-formed can be scanned without a second thought.
        serde_json::from_slice::<IgnoredAny>(bytes)?;
        let text = from_utf8(bytes).map_err(Error::custom)?;
        let nodes = if u32::try_from(text.len()).is_ok() { scan(text.as_bytes()) } else { Vec::new() };
        match nodes.is_empty() {
            true => Err(Error::custom("the document is larger than 4 GB")),
            false => Ok(Document { text, nodes }),
        }
    }

    pub fn root(&'a self) -> Value<'a> {
        Value { document: self, at: 0 }
    }
}

fn scan(text: &[u8]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::with_capacity(text.len() / 12);
    let mut open = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = at;
        at += 1;
        match text[start] {
            b'{' | b'[' => {
                open.push(nodes.len());
                nodes.push(Node { start: start as u32, end: 0, next: 0 });
                continue;
            }
            b'}' | b']' => {
                let next = nodes.len() as u32;
                if let Some(node) = open.pop().and_then(|node| nodes.get_mut(node)) {
                    (node.end, node.next) = (at as u32, next);
                }
                continue;
            }
            b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => continue,
            b'"' => {
                while text[at] != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            _ => {
                while at < text.len() && !matches!(text[at], b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
                    at += 1;
                }
            }
        }
        nodes.push(Node { start: start as u32, end: at as u32, next: nodes.len() as u32 + 1 });
    }
    nodes
}

impl<'a> Value<'a> {
    fn node(self) -> &'a Node {
        &self.document.nodes[self.at]
    }

    /// Of an array the items, of an object its keys and values in turn.
    fn children(self) -> impl Iterator<Item = Value<'a>> {
        let end = self.node().next as usize;
        let first = Some(self.at + 1).filter(|at| *at < end);
        std::iter::successors(first.map(|at| Value { at, ..self }), move |value| {
            let at = value.node().next as usize;
            (at < end).then_some(Value { at, ..self })
        })
    }

    pub fn field(self, name: &str) -> Option<Value<'a>> {
        let mut children = self.children();
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            if string(key.get()).is_ok_and(|key| key == name) {
                return Some(value);
            }
        }
        None
    }
}

impl<'a> Raw<'a> for Value<'a> {
    fn get(self) -> &'a str {
        let Node { start, end, .. } = *self.node();
        &self.document.text[start as usize..end as usize]
    }

    fn fields(self) -> Result<Fields<'a, Self>> {
        if !self.get().starts_with('{') {
            return <&RawValue>::fields(serde_json::from_str(self.get())?).map(|_| Vec::new());
        }
        let mut fields = Vec::with_capacity(32);
        let mut children = self.children();
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            fields.push((string(key.get())?, value));
        }
        Ok(fields)
    }

    fn items(self) -> Result<Vec<Self>> {
        match self.get().starts_with('[') {
            true => Ok(self.children().collect()),
            false => serde_json::from_str::<Vec<IgnoredAny>>(self.get()).map(|_| Vec::new()),
        }
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
