use super::*;
use crate::testing::{ask, sim};
use axum::http::Method;
use std::sync::OnceLock;

const TOKEN: &str = "tenant-secret-token";

/// What the vendor's OpenAPI document says of the answers.
fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::from_str(include_str!("../specs/vapi.json")).unwrap())
}

/// Everything in which a value differs from a schema.
fn faults(value: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/components/schemas/")) {
        return faults(value, &document()["components"]["schemas"][name], path, found);
    }
    let mut fault = |what: String| found.push(format!("{path}: {what}"));
    let is_right = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    if !(is_right || value.is_null() && schema["nullable"] == true) {
        fault(format!("{value} is no {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        fault(format!("{value} is not in the enumeration"));
    }
    if schema["format"] == "date-time" && value.as_str().is_none_or(|text| text::parse_time(text).is_none()) {
        fault(format!("{value} is no instant"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            fault(format!("{name} is missing"));
        }
    }
    if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, field) in fields {
            match known.get(name) {
                Some(schema) => faults(field, schema, &format!("{path}.{name}"), found),
                None => found.push(format!("{path}: the document has no {name}")),
            }
        }
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        faults(item, &schema["items"], &format!("{path}[{at}]"), found);
    }
    for schema in schema["allOf"].as_array().into_iter().flatten() {
        faults(value, schema, path, found);
    }
    for choice in ["oneOf", "anyOf"] {
        let Some(schemas) = schema[choice].as_array() else { continue };
        let suits = |schema: &&Value| {
            let mut found = Vec::new();
            faults(value, schema, path, &mut found);
            found.is_empty()
        };
        if schemas.iter().filter(suits).count() == 0 {
            found.push(format!("{path}: {value} suits none of {choice}"));
        }
    }
}

fn assert_suits(value: &Value, schema: &str) {
    let mut found = Vec::new();
    let schemas = &document()["components"]["schemas"];
    assert!(schemas[schema].is_object(), "the document has no {schema}");
    faults(value, &schemas[schema], schema, &mut found);
    assert_eq!(found, Vec::<String>::new());
}

fn filled(count: usize) -> Sim {
    let sim = sim();
    let now = sim.now();
    sim.vapi().generate(count, 2, 7, now, false);
    sim
}

fn get(sim: &Sim, path: &str) -> Value {
    let (status, body) = ask(sim, Method::GET, &format!("vapi/{path}"), TOKEN, "");
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn ids(page: &Value) -> Vec<String> {
    page.as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn calls_are_what_the_document_says() {
    let sim = filled(300);
    let page = get(&sim, "call?limit=1000");
    assert_eq!(page.as_array().unwrap().len(), 300);
    for call in page.as_array().unwrap() {
        assert_suits(call, "Call");
    }
    assert_suits(&get(&sim, &format!("call/{}", ids(&page)[9])), "Call");
}

#[test]
fn names_are_what_the_document_says() {
    let sim = sim();
    get(&sim, "assistant").as_array().unwrap().iter().for_each(|item| assert_suits(item, "Assistant"));
    get(&sim, "phone-number").as_array().unwrap().iter().for_each(|item| assert_suits(item, "TwilioPhoneNumber"));
}

#[test]
fn the_check_against_the_document_finds_what_is_wrong() {
    let sim = filled(9);
    let good = get(&sim, "call")[8].clone();
    for (field, value) in [
        ("status", json!("done")),
        ("createdAt", json!("yesterday")),
        ("cost", json!("1")),
        ("costs", json!([{"type": 1}])),
        ("foo", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let mut found = Vec::new();
        faults(&bad, &document()["components"]["schemas"]["Call"], "Call", &mut found);
        assert!(!found.is_empty(), "{field}");
    }
}

#[test]
fn the_parameters_are_the_documents() {
    let parameters = document()["paths"]["/call"]["get"]["parameters"].as_array().unwrap();
    let names: Vec<_> = parameters.iter().map(|p| p["name"].as_str().unwrap()).collect();
    for name in
        ["limit", "id", "assistantId", "phoneNumberId", "createdAtGe", "createdAtLe", "createdAtLt", "updatedAtGe"]
    {
        assert!(names.contains(&name), "{name}");
    }
    assert!(!names.contains(&"page") && !names.contains(&"cursor"));
}

#[test]
fn the_list_is_newest_first_and_cut_by_its_bounds() {
    let sim = filled(250);
    let first = get(&sim, "call");
    assert_eq!(first.as_array().unwrap().len(), DEFAULT_LIMIT);
    let oldest = first[99]["createdAt"].as_str().unwrap();
    let next = get(&sim, &format!("call?limit=1000&createdAtLe={oldest}"));
    assert_eq!(ids(&next)[0], ids(&first)[99]);
    assert_eq!(next.as_array().unwrap().len(), 151);
    assert_eq!(get(&sim, &format!("call?limit=1000&createdAtLt={oldest}")).as_array().unwrap().len(), 150);
    assert_eq!(get(&sim, &format!("call?limit=1000&createdAtGt={oldest}")).as_array().unwrap().len(), 99);
    assert_eq!(ask(&sim, Method::GET, "vapi/call?limit=1001", TOKEN, "").0, 400);
}

#[test]
fn presigned_addresses_are_others_each_time() {
    let sim = filled(30);
    let signature = |call: &Value| call["artifact"]["presignedMonoUrl"].to_string();
    let first = get(&sim, "call");
    std::thread::sleep(std::time::Duration::from_millis(3));
    let second = get(&sim, "call");
    let with = first.as_array().unwrap().iter().position(|call| call["artifact"].is_object()).unwrap();
    assert_ne!(signature(&first[with]), signature(&second[with]));
}

#[test]
fn a_call_takes_the_place_of_one_with_its_id() {
    let sim = sim();
    let call = |status: &str| json!({"id": "x", "createdAt": "2026-10-27T10:00:00.000Z", "status": status});
    sim.vapi().put(vec![call("queued")]);
    sim.vapi().put(vec![call("ended")]);
    let page = get(&sim, "call");
    assert_eq!((ids(&page).len(), &page[0]["status"]), (1, &json!("ended")));
}

#[test]
fn without_the_key_nothing_is_told() {
    let sim = filled(3);
    assert_eq!(ask(&sim, Method::GET, "vapi/call", "public-key", "").0, 401);
    assert_eq!(ask(&sim, Method::GET, "vapi/call/none", TOKEN, "").0, 404);
}
