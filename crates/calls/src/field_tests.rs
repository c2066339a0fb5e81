use serde_json::value::RawValue;

use super::*;

fn raw(json: &str) -> &RawValue {
    serde_json::from_str(json).unwrap()
}

#[test]
fn numbers_and_texts_stand_in_for_each_other() {
    assert_eq!(integer("n", raw("\"12\"")), Ok(Some(12)));
    assert_eq!(integer("n", raw("12.6")), Ok(Some(13)));
    assert_eq!(double("n", raw("\" 1.5 \"")), Ok(Some(1.5)));
    assert_eq!(text("t", raw("4917")).unwrap().as_deref(), Some("4917"));
    assert_eq!(flag("f", raw("\"1\"")), Ok(Some(true)));
    assert_eq!(flag("f", raw("0")), Ok(Some(false)));
}

#[test]
fn unset_is_none() {
    for json in ["null", "\"\"", "\"  \""] {
        assert_eq!(text("t", raw(json)).unwrap(), None);
        assert_eq!(integer("t", raw(json)).unwrap(), None);
        assert_eq!(instant("t", raw(json)).unwrap(), None);
        assert_eq!(flag("t", raw(json)).unwrap(), None);
    }
}

#[test]
fn bad_values_name_field_and_reason() {
    let reason = |r: Result<Option<i64>, Fault>| r.unwrap_err().reason;
    assert_eq!(reason(integer("n", raw("\"n/a\""))), "bad_number");
    assert_eq!(reason(integer("n", raw("1e300"))), "number_out_of_range");
    assert_eq!(double("n", raw("1e999")).unwrap_err().reason, "bad_number");
    assert_eq!(text("t", raw(r#""a\u0000b""#)).unwrap_err().reason, "nul_character");
    assert_eq!(text("t", raw(r#""\ud800""#)).unwrap_err().reason, "bad_string");
    assert_eq!(text("t", raw("{}")).unwrap_err().reason, "not_a_text");
    assert_eq!(instant("t", raw("\"2026-11-01T10:00:00\"")).unwrap_err().reason, "timestamp_without_zone");
    assert_eq!(key("t", raw(&format!("\"{}\"", "x".repeat(201)))).unwrap_err().reason, "key_too_long");
}

#[test]
fn one_bad_value_leaves_its_siblings_readable() {
    let object = raw(r#"{"good":"x","bad":"\ud800","deep":{"a":["\u0000"]}}"#);
    let fields = fields("o", object).unwrap();
    assert_eq!(fields.len(), 3);
    assert_eq!(text("good", fields[0].1).unwrap().as_deref(), Some("x"));
    assert!(json("bad", fields[1].1).is_err());
    assert_eq!(json("deep", fields[2].1).unwrap_err().reason, "nul_character");
}

#[test]
fn jsonb_is_spared_what_it_refuses() {
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(json("d", raw(&deep)).unwrap_err().reason, "bad_json");
    assert_eq!(json("d", raw("1e999999")).unwrap_err().reason, "bad_json");
    assert_eq!(json("d", raw(r#"{"a":[1,{"\u0000":2}]}"#)).unwrap_err().reason, "nul_character");
    assert_eq!(json("d", raw(r#"[{"a":"b\u0000c"},"\n"]"#)).unwrap_err().reason, "nul_character");
    assert_eq!(json("d", raw(r#"["\u0000","\ud800"]"#)).unwrap_err().reason, "bad_json");
    let sound =
        r#"{"a":[null,true,-1,1.5,18446744073709551615,123456789012345678901234567890,"b\n\u00e9",{"c\t":[]}]}"#;
    assert_eq!(json("d", raw(sound)), Ok(sound));
}

#[test]
fn extra_keeps_what_has_no_column() {
    let mut extra = Extra::default();
    extra.add("empty", raw("\"\"")).unwrap();
    extra.add("a\"b", raw("[1,2]")).unwrap();
    extra.add("c", raw("\"d\"")).unwrap();
    assert_eq!(extra.finish().unwrap().0, r#"{"a\"b":[1,2],"c":"d"}"#);
    assert!(Extra::default().finish().is_none());
}
