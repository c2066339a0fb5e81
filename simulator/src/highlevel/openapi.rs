//! Checks a value against a schema of an OpenAPI 3.0 document: as much of it as the vendor's documents use.

use serde_json::Value;
use std::path::{Path, PathBuf};

pub struct Document {
    folder: PathBuf,
    pub root: Value,
}

impl Document {
    pub fn open(path: &str) -> Document {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs").join(path);
        let text = std::fs::read_to_string(&path).unwrap();
        Document { folder: path.parent().unwrap().to_owned(), root: serde_json::from_str(&text).unwrap() }
    }

    /// What is wrong with the answer to an operation, by its path, method and status; nothing where all is well.
    pub fn faults(&self, path: &str, method: &str, status: u16, body: &Value) -> Vec<String> {
        let content = &self.root["paths"][path][method]["responses"][status.to_string()]["content"];
        let schema = &content["application/json"]["schema"];
        assert!(!schema.is_null(), "the document knows no {status} of {method} {path}");
        let mut faults = Vec::new();
        self.check(schema, body, "body", &mut faults);
        faults
    }

    pub fn parameters(&self, path: &str, method: &str) -> Vec<String> {
        let parameters = self.root["paths"][path][method]["parameters"].as_array().unwrap();
        let query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    }

    fn check(&self, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
        if let Some(reference) = schema["$ref"].as_str() {
            let (file, pointer) = reference.split_once('#').unwrap();
            if file.is_empty() {
                return self.check(self.root.pointer(pointer).unwrap(), value, place, faults);
            }
            let text = std::fs::read_to_string(self.folder.join(file)).unwrap();
            let other = Document { folder: self.folder.clone(), root: serde_json::from_str(&text).unwrap() };
            return other.check(other.root.pointer(pointer).unwrap(), value, place, faults);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(part, value, place, faults);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let fits = |choice| {
                let mut inner = Vec::new();
                self.check(choice, value, place, &mut inner);
                inner.is_empty()
            };
            if !choices.iter().any(fits) {
                faults.push(format!("{place}: none of the alternatives"));
            }
        }
        let is_right = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("number") => value.is_number(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("boolean") => value.is_boolean(),
            _ => true,
        };
        let may_lack = value.is_null() && schema["nullable"] == true;
        if !(is_right || may_lack) {
            faults.push(format!("{place}: {value} is no {}", schema["type"]));
        }
        if schema["format"] == "date-time" && value.as_str().is_some_and(|text| crate::text::parse_time(text).is_none())
        {
            faults.push(format!("{place}: {value} is no instant"));
        }
        if let Some(words) = schema["enum"].as_array() {
            if !words.contains(value) {
                faults.push(format!("{place}: {value} is not among {words:?}"));
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.is_object() && value.get(name).is_none() {
                faults.push(format!("{place}: {name} is missing"));
            }
        }
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(field) = value.get(name) {
                self.check(inner, field, &format!("{place}.{name}"), faults);
            }
        }
        for (number, item) in value.as_array().into_iter().flatten().enumerate() {
            if !schema["items"].is_null() {
                self.check(&schema["items"], item, &format!("{place}[{number}]"), faults);
            }
        }
    }
}
