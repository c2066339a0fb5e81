//! Rows as the dialler keeps them, column by column as text.

use serde_json::{Map, Value};

macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name {
            $(pub $field: Option<String>,)*
            /// Columns whose bytes are no UTF-8; they hold U+FFFD in place of what cannot be read.
            pub broken: Vec<&'static str>,
        }

        impl $name {
            pub const COLUMNS: &'static [&'static str] = &[$(stringify!($field),)*];

            /// The values of a row in the order of `COLUMNS`; bytes as MariaDB sent them.
            pub fn read(cells: &[Option<&[u8]>]) -> $name {
                let mut broken = Vec::new();
                let mut cells = cells.iter().copied();
                $(let $field = cells.next().flatten().map(|bytes| text(bytes, stringify!($field), &mut broken));)*
                $name { $($field,)* broken }
            }

            pub fn from_json(object: &Map<String, Value>) -> $name {
                let cell = |name: &str| match object.get(name) {
                    None | Some(Value::Null) => None,
                    Some(Value::String(text)) => Some(text.clone()),
                    Some(other) => Some(other.to_string()),
                };
                $name { $($field: cell(stringify!($field)),)* broken: Vec::new() }
            }

            pub fn cells(&self) -> impl Iterator<Item = Option<&str>> {
                [$(self.$field.as_deref(),)*].into_iter()
            }

            pub fn to_json(&self) -> Value {
                let mut object = Map::new();
                $(if let Some(value) = &self.$field {
                    object.insert(stringify!($field).to_owned(), Value::from(value.as_str()));
                })*
                Value::Object(object)
            }
        }
    };
}

record!(
    /// A row of `vicidial_log` or `vicidial_closer_log`; each leaves out what the other has.
    LogRow {
        uniqueid,
        closecallid,
        lead_id,
        list_id,
        campaign_id,
        call_date,
        start_epoch,
        end_epoch,
        length_in_sec,
        status,
        phone_code,
        phone_number,
        user,
        user_group,
        term_reason,
        comments,
        alt_dial,
        called_count,
        queue_seconds,
        xfercallid,
        agent_only,
        queue_position,
    }
);

record!(
    /// A row of `recording_log`.
    Recording {
        recording_id,
        vicidial_id,
        lead_id,
        user,
        server_ip,
        extension,
        start_time,
        start_epoch,
        end_epoch,
        length_in_sec,
        filename,
        location,
    }
);

record!(
    /// A row of `vicidial_users`: never a password.
    User {
        user,
        full_name,
        user_group,
        active,
    }
);

record!(
    /// A row of `vicidial_campaigns`.
    Campaign {
        campaign_id,
        campaign_name,
        active,
    }
);

record!(
    /// A row of `vicidial_statuses`, or of `vicidial_campaign_statuses` with its campaign.
    Status {
        campaign_id,
        status,
        status_name,
        category,
        selectable,
        human_answered,
        sale,
        dnc,
        customer_contact,
        not_interested,
        unworkable,
        scheduled_callback,
        completed,
        answering_machine,
        min_sec,
        max_sec,
    }
);

fn text(bytes: &[u8], column: &'static str, broken: &mut Vec<&'static str>) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => {
            broken.push(column);
            String::from_utf8_lossy(bytes).replace('\0', "\u{FFFD}")
        }
    }
}
