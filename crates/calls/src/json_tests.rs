use super::*;

const CONTACT: &str =
    r#" {"$id" : "a\"b", "empty":{}, "none":[],"log":[ {"n":[1, -2.5e3,true , null,"é{]"]}, 7 ],"":"\\"} "#;

/// All that is in a value, by both ways of reading.
fn walk<'a, R: Raw<'a>>(raw: R, out: &mut Vec<String>) {
    out.push(raw.get().to_owned());
    match raw.get().as_bytes()[0] {
        b'{' => raw.fields().unwrap().into_iter().for_each(|(key, value)| {
            out.push(key.into_owned());
            walk(value, out);
        }),
        b'[' => raw.items().unwrap().into_iter().for_each(|item| walk(item, out)),
        _ => {}
    }
}

#[test]
fn a_document_is_what_serde_reads() {
    for text in [CONTACT, "[]", "{}", "7", "\"x\"", "null", "[[[]],{\"a\":[{}]}]", r#"{"a":"\\\"","b":["\\"]}"#] {
        let document = Document::new(text.as_bytes()).unwrap();
        let (mut scanned, mut read) = (Vec::new(), Vec::new());
        walk(document.root(), &mut scanned);
        walk(serde_json::from_str::<&RawValue>(text).unwrap(), &mut read);
        assert_eq!(scanned, read, "{text}");
    }
}

#[test]
fn what_is_no_json_is_no_document() {
    for text in [&b""[..], b" ", b"[1,]", b"{\"a\" 1}", b"\"a", b"[1] 2", b"nul", b"\"\xff\"", b"\"\x01\"", b"\"\\x\""]
    {
        assert!(Document::new(text).is_err(), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn a_field_is_found_by_its_name() {
    let document = Document::new(CONTACT.as_bytes()).unwrap();
    assert_eq!(document.root().field("log").map(Raw::get), Some(r#"[ {"n":[1, -2.5e3,true , null,"é{]"]}, 7 ]"#));
    assert!(document.root().field("n").is_none());
}

#[test]
fn another_shape_is_told_in_the_same_words() {
    for text in ["7", "{}", "[]", "\"a\"", "null"] {
        let document = Document::new(text.as_bytes()).unwrap();
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        let told = |result: Result<()>| result.err().map(|error| error.to_string());
        assert_eq!(told(document.root().fields().map(drop)), told(raw.fields().map(drop)), "{text}");
        assert_eq!(told(document.root().items().map(drop)), told(raw.items().map(drop)), "{text}");
    }
}
