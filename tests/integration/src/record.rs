//! Records of the vendor's, for tests that bend them.

use serde_json::{json, Value};

/// The day on which bent records lie; no simulator of the tests has calls of its own then.
pub const DAY: &str = "2025-10-10";

pub fn contact(id: &str, transactions: Value) -> Value {
    json!({"$id": id, "$ref": "R-1", "$phone": "+491234567890", "$status": "open", "$status_detail": "$none",
        "$task_log": [{"transactions": transactions, "status": "open", "task_name": "anrufen_stufe"}]})
}

/// `clock` is a time of day, in UTC.
pub fn transaction(clock: &str) -> Value {
    json!({"type": "update", "task": "anrufen_stufe", "status": "open", "status_detail": "$none",
        "fired": format!("{DAY}T{clock}Z"), "user": "u-anna", "user_loginName": "Anna.Test", "isHI": true, "sequence_nr": 0})
}

/// The same record with one more or another field.
pub fn with(mut record: Value, field: &str, value: Value) -> Value {
    record[field] = value;
    record
}

pub fn without(mut record: Value, field: &str) -> Value {
    record.as_object_mut().expect("an object").remove(field);
    record
}

pub fn call(id: &str, clock: &str) -> Value {
    json!({"id": id, "line_id": "LINE1", "calling_number": "+491", "called_number": "+492", "user": "",
        "call_time": format!("{DAY}T{clock}Z"), "connect_time": "", "hangup_time": format!("{DAY}T{clock}Z"),
        "state": "abandoned", "disposition": "hangup", "dispatch_error": false})
}
