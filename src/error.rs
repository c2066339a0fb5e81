//! Errors for the person who typed the statement. What a vendor does wrong is no error: it goes to the ledger.

use calls::range::RangeError;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("extension dialfire_sync is not created in this database")]
    NoExtension,
    #[error("the objects of dialfire_sync are of version {version}, its library of {}", env!("CARGO_PKG_VERSION"))]
    OldObjects { version: String },
    #[error("tenant \"{0}\" does not exist")]
    UnknownTenant(String),
    #[error("server \"{0}\" is not a tenant of dialfire_sync")]
    NotATenant(String),
    #[error("tenant \"{0}\" is not a tenant of Dialfire")]
    NotOfDialfire(String),
    #[error("{}", which(usable))]
    WhichTenant { schema: String, usable: Vec<String> },
    #[error("schema \"{schema}\" does not exist")]
    NoSchema { schema: String, others: Vec<String> },
    #[error("permission denied for schema \"{schema}\"")]
    SchemaDenied { schema: String, role: String },
    #[error("schema \"{schema}\" holds no tables of the vendor's client")]
    NoOldTables { schema: String, why: String, others: Vec<String> },
    #[error("permission denied for table {relation}")]
    TableDenied { relation: String, schema: String, role: String },
    #[error("permission denied for tenant \"{tenant}\"")]
    NoUsage { tenant: String, role: String },
    #[error("no user mapping of tenant \"{tenant}\" for role \"{role}\"")]
    NoMapping { tenant: String, role: String },
    #[error("no token for tenant \"{tenant}\"")]
    NoToken { tenant: String, wanted: &'static str, add: &'static str },
    #[error("{option} of tenant \"{tenant}\" cannot be read")]
    TokenFile { tenant: String, option: &'static str, cause: String },
    #[error("{option} of tenant \"{tenant}\" cannot be read")]
    Vault { tenant: String, option: String, code: PgSqlErrorCode, why: String, hint: String },
    #[error("option \"{option}\" is missing")]
    MissingOption { option: String, hint: String },
    #[error("invalid option \"{option}\"")]
    UnknownOption { option: String, known: String, hint: String },
    #[error("invalid value for option \"{option}\": \"{value}\"")]
    BadOption { option: String, value: String, why: String, hint: String },
    #[error("permission denied to set option \"{option}\"")]
    SuperuserOption { option: String },
    #[error("the vendor cannot be asked for all time")]
    NoRange,
    #[error("{0}")]
    Range(#[from] RangeError),
    #[error("the refresh token of tenant \"{tenant}\" is lost")]
    TokenLost { tenant: String, why: String },
    #[error("unknown threshold \"{0}\"")]
    UnknownRule(String),
    #[error("tenant \"{tenant}\" has no agent \"{agent}\", or several of that name")]
    UnknownAgent { tenant: String, agent: String },
    #[error("unknown vendor \"{0}\"")]
    UnknownVendor(String),
    #[error("invalid payload")]
    Payload { why: String },
    #[error("source \"{source_id}\" of tenant \"{tenant}\" is being synced already")]
    Busy { tenant: String, source_id: String, by: String, pid: i32 },
    #[error("cannot ask the vendor of tenant \"{tenant}\": {error}")]
    Vendor { tenant: String, error: calls::error::Error },
    #[error("the procedure commits as it goes and cannot run inside a transaction block")]
    InsideTransaction,
    #[error("cannot fetch or store on a standby")]
    Standby,
    #[error("invalid step \"{0}\"")]
    Step(String),
    #[error("invalid step of {0} rows")]
    StepRows(i64),
    #[error("invalid interval \"{0}\" between runs")]
    Every(String),
    #[error("unknown job \"{0}\"")]
    UnknownJob(String),
    #[error("the vendor of tenant \"{tenant}\" sends no webhooks")]
    NoWebhooks { tenant: String },
    #[error("invalid mapping")]
    Mapping { why: String },
    #[error("role \"{role}\", the owner of the job, does not exist any more")]
    NoOwner { role: String },
    #[error("the job took longer than its max_runtime")]
    TooLong,
    #[error("schema \"{0}\" does not exist")]
    UnknownSchema(String),
    #[error("view \"{0}\" does not exist")]
    UnknownView(String),
    #[error("{0} is not a view")]
    NotAView(String),
    #[error("view {0} belongs to an extension")]
    ViewOfExtension(String),
    #[error("permission denied to replace view {view}")]
    NotOwnerOfView { view: String, owner: String },
    #[error("cannot harden view {view}")]
    CannotHarden { view: String, why: String, hint: String },
    #[error("invalid fallback for \"{column}\"")]
    Fallback { column: String, why: String },
    #[error("cannot keep the rows of \"{relation}\"")]
    Keep { relation: String, known: String },
    #[error("view {0} has not been hardened")]
    NotHardened(String),
    #[error("view {0} has changed since it was hardened")]
    ChangedSince(String),
    #[error("no background worker could be started")]
    NoSlot,
    #[error("cannot start helper threads")]
    Threads(#[from] std::io::Error),
    #[error("{0}")]
    Spi(#[from] pgrx::spi::Error),
}

impl Failure {
    fn code(&self) -> PgSqlErrorCode {
        use calls::error::Error;
        use PgSqlErrorCode::*;
        match self {
            Failure::NoExtension | Failure::OldObjects { .. } => ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Failure::NoWebhooks { .. } => ERRCODE_FEATURE_NOT_SUPPORTED,
            Failure::Mapping { .. } => ERRCODE_INVALID_PARAMETER_VALUE,
            Failure::UnknownTenant(_) => ERRCODE_UNDEFINED_OBJECT,
            Failure::NotATenant(_) | Failure::NotOfDialfire(_) => ERRCODE_WRONG_OBJECT_TYPE,
            Failure::WhichTenant { .. } => ERRCODE_AMBIGUOUS_PARAMETER,
            Failure::NoSchema { .. } => ERRCODE_INVALID_SCHEMA_NAME,
            Failure::NoOldTables { .. } => ERRCODE_UNDEFINED_TABLE,
            Failure::SchemaDenied { .. } | Failure::TableDenied { .. } => ERRCODE_INSUFFICIENT_PRIVILEGE,
            Failure::NoUsage { .. } | Failure::SuperuserOption { .. } => ERRCODE_INSUFFICIENT_PRIVILEGE,
            Failure::NoMapping { .. } | Failure::NoToken { .. } | Failure::TokenLost { .. } => {
                ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            }
            Failure::TokenFile { .. } => ERRCODE_UNDEFINED_FILE,
            Failure::Vault { code, .. } => *code,
            Failure::MissingOption { .. } => ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED,
            Failure::UnknownOption { .. } => ERRCODE_FDW_INVALID_OPTION_NAME,
            Failure::BadOption { .. } | Failure::UnknownVendor(_) => ERRCODE_INVALID_PARAMETER_VALUE,
            Failure::Range(RangeError::Unparsable { .. }) => ERRCODE_INVALID_DATETIME_FORMAT,
            Failure::NoRange | Failure::Range(_) => ERRCODE_INVALID_PARAMETER_VALUE,
            Failure::UnknownRule(_) => ERRCODE_INVALID_PARAMETER_VALUE,
            Failure::Payload { .. } => ERRCODE_INVALID_TEXT_REPRESENTATION,
            Failure::Busy { .. } => ERRCODE_OBJECT_IN_USE,
            Failure::Vendor { error, .. } => match error {
                Error::HostNotAllowed { .. } | Error::Redirect { .. } => ERRCODE_INSUFFICIENT_PRIVILEGE,
                Error::Setting { .. } => ERRCODE_INVALID_PARAMETER_VALUE,
                Error::Status { status: 401 | 403, .. } => ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
                Error::TooLarge { .. } => ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                Error::Answer { .. } => ERRCODE_PROTOCOL_VIOLATION,
                _ => ERRCODE_CONNECTION_FAILURE,
            },
            Failure::Standby => ERRCODE_READ_ONLY_SQL_TRANSACTION,
            Failure::InsideTransaction => ERRCODE_INVALID_TRANSACTION_TERMINATION,
            Failure::Step(_) | Failure::StepRows(_) | Failure::Every(_) | Failure::UnknownJob(_) => {
                ERRCODE_INVALID_PARAMETER_VALUE
            }
            Failure::NoOwner { .. } | Failure::UnknownAgent { .. } => ERRCODE_UNDEFINED_OBJECT,
            Failure::TooLong => ERRCODE_QUERY_CANCELED,
            Failure::UnknownSchema(_) => ERRCODE_INVALID_SCHEMA_NAME,
            Failure::UnknownView(_) => ERRCODE_UNDEFINED_TABLE,
            Failure::NotAView(_) | Failure::ViewOfExtension(_) => ERRCODE_WRONG_OBJECT_TYPE,
            Failure::NotOwnerOfView { .. } => ERRCODE_INSUFFICIENT_PRIVILEGE,
            Failure::CannotHarden { .. } => ERRCODE_FEATURE_NOT_SUPPORTED,
            Failure::Fallback { .. } | Failure::Keep { .. } => ERRCODE_INVALID_PARAMETER_VALUE,
            Failure::NotHardened(_) | Failure::ChangedSince(_) => ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Failure::NoSlot => ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
            Failure::Threads(_) => ERRCODE_INSUFFICIENT_RESOURCES,
            Failure::Spi(_) => ERRCODE_INTERNAL_ERROR,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Failure::WhichTenant { usable, .. } if !usable.is_empty() => {
                Some(format!("You may use: {}.", usable.join(", ")))
            }
            Failure::SchemaDenied { role, .. } => Some(format!("Role \"{role}\" lacks USAGE on it.")),
            Failure::TableDenied { role, .. } => Some(format!("Role \"{role}\" lacks SELECT on it.")),
            Failure::NoOldTables { why, .. } => Some(why.clone()),
            Failure::NoUsage { role, .. } => Some(format!("Role \"{role}\" lacks USAGE on the foreign server.")),
            Failure::NoMapping { role, tenant } => {
                Some(format!("Neither \"{role}\" nor PUBLIC has one on server \"{tenant}\"."))
            }
            Failure::NoToken { wanted, .. } => Some(format!("The user mapping has {wanted}.")),
            Failure::TokenFile { cause, .. } => Some(cause.clone()),
            Failure::TokenLost { why, .. } => Some(format!("{why}.")),
            Failure::UnknownOption { known, .. } => Some(format!("Valid options here are: {known}.")),
            Failure::BadOption { why, .. } | Failure::Payload { why } | Failure::Mapping { why } => Some(why.clone()),
            Failure::Vault { why, .. } => Some(why.clone()),
            Failure::SuperuserOption { .. } => Some("It reaches files or hosts on behalf of the server.".to_owned()),
            Failure::Busy { by, pid, .. } => Some(format!("Process {pid} runs it, {by}.")),
            Failure::ViewOfExtension(_) => Some("What comes with an extension is not yours to change.".to_owned()),
            Failure::NotOwnerOfView { owner, .. } => Some(format!("It belongs to \"{owner}\".")),
            Failure::CannotHarden { why, .. } | Failure::Fallback { why, .. } => Some(why.clone()),
            Failure::Keep { known, .. } => Some(format!("Rows could be kept of: {known}.")),
            Failure::ChangedSince(_) => Some("Its definition is not the one that df_harden_view gave it.".to_owned()),
            Failure::Threads(cause) => Some(cause.to_string()),
            _ => None,
        }
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Failure::NoExtension => Some("Run CREATE EXTENSION dialfire_sync.".to_owned()),
            Failure::OldObjects { .. } => Some("Run ALTER EXTENSION dialfire_sync UPDATE.".to_owned()),
            Failure::UnknownTenant(name) => Some(format!(
                "SELECT * FROM dialfire.tenants lists them; a new one: CREATE SERVER {} FOREIGN DATA WRAPPER \
                 dialfire_sync OPTIONS (vendor 'dialfire', account '…', timezone '…').",
                quote(name)
            )),
            Failure::WhichTenant { usable, .. } if usable.is_empty() => Some(
                "A tenant is a server: CREATE SERVER … FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', \
                 account '…', timezone '…')."
                    .to_owned(),
            ),
            Failure::WhichTenant { schema, usable } => {
                let text = |text: &str| text.replace('\'', "''");
                Some(format!("Name it: SELECT * FROM df_adopt('{}', '{}').", text(schema), text(&usable[0])))
            }
            Failure::NoSchema { others, .. } | Failure::NoOldTables { others, .. } => Some(match others.is_empty() {
                true => {
                    "Name the schema into which the vendor's client wrote, and prefix => '…' if its tables have one."
                        .to_owned()
                }
                false => format!("Schemas with such tables: {}.", others.join(", ")),
            }),
            Failure::SchemaDenied { schema, role } => {
                Some(format!("GRANT USAGE ON SCHEMA {} TO {}.", quote(schema), quote(role)))
            }
            Failure::TableDenied { schema, role, .. } => {
                Some(format!("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}.", quote(schema), quote(role)))
            }
            Failure::NotATenant(_) | Failure::NotOfDialfire(_) => {
                Some("SELECT * FROM dialfire.tenants lists the tenants.".to_owned())
            }
            Failure::NoUsage { tenant, role } => {
                Some(format!("GRANT USAGE ON FOREIGN SERVER {} TO {}.", quote(tenant), quote(role)))
            }
            Failure::NoMapping { tenant, .. } => {
                Some(format!("CREATE USER MAPPING FOR CURRENT_USER SERVER {} OPTIONS (token '…').", quote(tenant)))
            }
            Failure::NoToken { tenant, add, .. } => {
                Some(format!("ALTER USER MAPPING FOR CURRENT_USER SERVER {} OPTIONS (ADD {add} '…').", quote(tenant)))
            }
            Failure::TokenFile { .. } => {
                Some("The file must be readable by the operating system user of the server.".to_owned())
            }
            Failure::MissingOption { hint, .. }
            | Failure::BadOption { hint, .. }
            | Failure::Vault { hint, .. }
            | Failure::UnknownOption { hint, .. } => Some(hint.clone()),
            Failure::SuperuserOption { .. } => Some("Ask a superuser to set it.".to_owned()),
            Failure::NoRange => Some("Name a range, such as 'last 14 days'.".to_owned()),
            Failure::Range(error) => Some(sentence(error.hint())),
            Failure::TokenLost { tenant, .. } => Some(format!(
                "Authorise the app again at the vendor, then ALTER USER MAPPING FOR CURRENT_USER SERVER {} OPTIONS (SET \
                 refresh_token '…').",
                quote(tenant)
            )),
            Failure::UnknownRule(_) => {
                Some("Thresholds are skip_rate, success_rate, skip_spike and stale_sync.".to_owned())
            }
            Failure::UnknownAgent { tenant, .. } => Some(format!(
                "SELECT * FROM df_fetch_agents('{}') asks the vendor for all and lists their ids.",
                tenant.replace('\'', "''")
            )),
            Failure::UnknownVendor(_) => Some(crate::options::KNOWN_VENDORS.to_owned()),
            Failure::Payload { .. } => Some("Pass the record as the vendor sent it, as JSON.".to_owned()),
            Failure::Busy { pid, .. } => Some(format!("Wait for it, or end it with SELECT pg_cancel_backend({pid}).")),
            Failure::Vendor { error, tenant } => error.hint_for(tenant).map(|hint| sentence(&hint)),
            Failure::Standby => Some(
                "Connect to the primary. Here views, df_verify, df_why and all that only reads answer, as of what has arrived."
                    .to_owned(),
            ),
            Failure::InsideTransaction => {
                Some("CALL it on its own, with autocommit on and not from a function.".to_owned())
            }
            Failure::StepRows(_) => Some("Write how many rows a step may have, such as 50000.".to_owned()),
            Failure::Step(_) => {
                Some("Write an interval of at least a minute, such as '1 day' or '6 hours'.".to_owned())
            }
            Failure::Mapping { .. } => Some(
                "Write {\"tenant\": \"…\", \"filter\": {\"org_id\": \"…\"}} and the columns that differ: id, call_id, phone, \
                 called_at, outcome, metadata, name, direction."
                    .to_owned(),
            ),
            Failure::NoWebhooks { .. } => Some("df_sync and df_schedule fetch its calls.".to_owned()),
            Failure::UnknownJob(_) => Some("Jobs are sync, look_back, reconcile, refresh and clean_up.".to_owned()),
            Failure::NoOwner { .. } => Some("SELECT df_schedule(…) again as the role that shall own it.".to_owned()),
            Failure::TooLong => Some(
                "What it had committed is kept, and the next run goes on; raise max_runtime in dialfire.schedules."
                    .to_owned(),
            ),
            Failure::UnknownSchema(_) => Some("\\dn lists the schemas; write the name without quotes.".to_owned()),
            Failure::UnknownView(_) => Some("Write schema.view, as in 'public.agent_data'.".to_owned()),
            Failure::NotAView(_) => Some("SELECT * FROM df_audit_views('public') lists views to harden.".to_owned()),
            Failure::ViewOfExtension(_) => Some("Make a view of your own over it.".to_owned()),
            Failure::NotOwnerOfView { owner, .. } => {
                Some(format!("\"{owner}\" may; df_harden_view without apply shows what there is to run."))
            }
            Failure::CannotHarden { hint, .. } => Some(hint.clone()),
            Failure::Fallback { .. } => Some(
                "Write fallbacks => '{\"column\": \"alias.column\"}', or an array of several in their order."
                    .to_owned(),
            ),
            Failure::Keep { .. } => Some("Name one of them, by its alias, or leave keep out.".to_owned()),
            Failure::NotHardened(_) => {
                Some("SELECT view, hardened_at FROM dialfire.hardened_views lists those that were.".to_owned())
            }
            Failure::ChangedSince(_) => Some(
                "SELECT old_statement FROM dialfire.hardened_views shows the old one; run what you need of it."
                    .to_owned(),
            ),
            Failure::NoSlot => Some("Raise max_worker_processes and restart the server.".to_owned()),
            Failure::Every(_) => Some("Write an interval of at least 10 seconds, such as '1 minute'.".to_owned()),
            _ => None,
        }
    }
}

impl From<Failure> for ErrorReport {
    fn from(failure: Failure) -> ErrorReport {
        let mut report = ErrorReport::new(failure.code(), failure.to_string(), "");
        if let Some(detail) = failure.detail() {
            report = report.set_detail(detail);
        }
        if let Some(hint) = failure.hint() {
            report = report.set_hint(hint);
        }
        report
    }
}

fn which(usable: &[String]) -> &'static str {
    match usable.is_empty() {
        true => "there is no tenant of Dialfire that you may use",
        false => "there is more than one tenant of Dialfire",
    }
}

/// As `quote_identifier` does, so that a hint can be pasted.
pub fn quote(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// As `quote_literal` does.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// Postgres's hints are sentences.
fn sentence(hint: &str) -> String {
    let mut chars = hint.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let rest = chars.as_str();
    format!("{first}{rest}{}", if rest.ends_with('.') { "" } else { "." })
}
