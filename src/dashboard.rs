//! Finding calls by any part of a number or name, by an index that row security alone would not let be used.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi;

use crate::error::Failure;
use crate::pg::role::{self, AsOwner};
use crate::tenant::Tenant;

/// Ids of the newest calls that fit, newest first; all calls where there is nothing to search for.
#[pg_extern]
fn df_find_calls(
    tenant: &str,
    search: Option<&str>,
    include_test: default!(bool, false),
    most: default!(i32, 50),
) -> Result<Vec<String>, ErrorReport> {
    Ok(find(tenant, search.unwrap_or_default(), include_test, most)?)
}

/// As the index `contacts_search` has it.
const CONTACT_NAME: &str =
    "lower(COALESCE(c.fields ->> 'name', '') || ' ' || COALESCE(c.fields ->> 'AP_Vorname', '') || ' '
    || COALESCE(c.fields ->> 'AP_Nachname', '') || ' ' || COALESCE(c.fields ->> 'firma', ''))";
/// Contacts of a name that are looked up one by one; of more it is faster to look at the newest calls.
const CONTACTS: usize = 500;

fn find(tenant: &str, search: &str, include_test: bool, most: i32) -> Result<Vec<String>, Failure> {
    Tenant::zone_of(tenant, role::caller())?;
    let _owner = AsOwner::begin()?;
    let search = search.trim().to_lowercase();
    let wanted = match (digits(&search), search.is_empty()) {
        (Some(digits), _) => Wanted::Number(digits),
        (None, true) => Wanted::Any,
        (None, false) => Wanted::name(tenant, search)?,
    };
    let sql = format!(
        "SELECT array_agg(q.id ORDER BY q.at DESC, q.id) FROM (
            SELECT DISTINCT id, at FROM ({}) AS found(id, at) ORDER BY at DESC, id LIMIT $4) q",
        wanted.parts().join(" UNION ALL ")
    );
    let [pattern, beginning] = wanted.patterns();
    let (agents, contacts, phones) = match wanted {
        Wanted::Name { agents, contacts, phones, .. } => (agents, contacts, phones),
        _ => (Vec::new(), Vec::new(), Vec::new()),
    };
    let found = Spi::get_one_with_args::<Vec<Option<String>>>(
        &sql,
        &[
            tenant.into(),
            pattern.into(),
            include_test.into(),
            i64::from(most.max(0)).into(),
            beginning.into(),
            agents.into(),
            contacts.into(),
            phones.into(),
        ],
    )?;
    Ok(found.unwrap_or_default().into_iter().flatten().collect())
}

enum Wanted {
    Any,
    /// Digits, anywhere in a number.
    Number(String),
    /// Part of the name of a caller or agent; with the agents and the contacts whose names fit.
    Name {
        text: String,
        agents: Vec<String>,
        contacts: Vec<String>,
        phones: Vec<String>,
    },
}

impl Wanted {
    fn name(tenant: &str, text: String) -> spi::Result<Wanted> {
        let asked = Wanted::Name { text, agents: Vec::new(), contacts: Vec::new(), phones: Vec::new() };
        let [pattern, beginning] = asked.patterns();
        let fits = |column| asked.fits(column);
        let known = format!(
            "SELECT (SELECT array_agg(a.id) FROM dialfire.agents a WHERE a.tenant = $1 AND ({} OR {})),
                array_agg(c.id), array_agg(c.phone)
             FROM (SELECT c.id, c.phone FROM dialfire.contacts c WHERE c.tenant = $1 AND {} LIMIT $4) c",
            fits("lower(a.login)"),
            fits("lower(a.name)"),
            fits(CONTACT_NAME),
        );
        let args = [tenant.into(), pattern.into(), true.into(), (CONTACTS as i64 + 1).into(), beginning.into()];
        let (agents, contacts, phones) =
            Spi::get_three_with_args::<Vec<Option<String>>, Vec<Option<String>>, Vec<Option<String>>>(&known, &args)?;
        let all = |texts: Option<Vec<Option<String>>>| texts.unwrap_or_default().into_iter().flatten().collect();
        let Wanted::Name { text, .. } = asked else { return Ok(asked) };
        Ok(Wanted::Name { text, agents: all(agents), contacts: all(contacts), phones: all(phones) })
    }

    /// No index knows where one or two characters stand: of a name they must begin a word, and numbers are looked
    /// through from the newest call on, where one with such digits is soon found.
    fn is_short(&self) -> bool {
        match self {
            Wanted::Any => false,
            Wanted::Number(text) | Wanted::Name { text, .. } => text.chars().count() < 3,
        }
    }

    fn patterns(&self) -> [String; 2] {
        match self {
            Wanted::Any => ["%".to_owned(), String::new()],
            Wanted::Name { text, .. } if self.is_short() => [format!("% {}%", like(text)), format!("{}%", like(text))],
            Wanted::Number(text) | Wanted::Name { text, .. } => [format!("%{}%", like(text)), String::new()],
        }
    }

    fn fits(&self, column: &str) -> String {
        match self {
            Wanted::Any => "true".to_owned(),
            Wanted::Name { .. } if self.is_short() => format!("({column} LIKE $2 OR {column} LIKE $5)"),
            _ => format!("{column} LIKE $2"),
        }
    }

    /// The newest calls of each source that fit, each source for itself, so that each is read by its own index.
    fn parts(&self) -> Vec<String> {
        let voice = "SELECT v.id, v.created_at AS at FROM dialfire.voice_calls v
            WHERE v.tenant = $1 AND ($3 OR v.is_test IS NOT TRUE)";
        let newest_voice = "ORDER BY v.created_at DESC LIMIT $4";
        let events = "SELECT t.id, t.fired AS at FROM dialfire.transactions t
            WHERE t.tenant = $1 AND ($3 OR t.is_test IS NOT TRUE)";
        let newest_event = "ORDER BY t.day DESC, t.fired DESC LIMIT $4";
        let inbound = "SELECT i.id, i.started FROM dialfire.inbound_calls i WHERE i.tenant = $1";
        let newest_inbound = "ORDER BY i.day DESC, i.started DESC LIMIT $4";
        let number = |column: &str| self.fits(&format!("regexp_replace({column}, '[^0-9]', '', 'g')"));
        let leg = format!(
            "COALESCE(c.phone, c.remote_number) IS NOT NULL AND {}",
            number("COALESCE(c.phone, c.remote_number)")
        );
        match self {
            Wanted::Any => vec![
                format!("({voice} {newest_voice})"),
                format!("({events} {newest_event})"),
                format!("({inbound} {newest_inbound})"),
            ],
            Wanted::Number(_) => vec![
                format!("({voice} AND {} {newest_voice})", self.fits("v.search")),
                format!("({events} AND t.phone IS NOT NULL AND {} {newest_event})", number("t.phone")),
                match self.is_short() {
                    true => format!(
                        "({events} AND EXISTS (SELECT FROM dialfire.connections c
                            WHERE c.tenant = t.tenant AND c.transaction_id = t.id AND {leg} OFFSET 0) {newest_event})"
                    ),
                    false => format!(
                        "(SELECT t.id, t.fired FROM dialfire.connections c
                          JOIN dialfire.transactions t ON t.tenant = c.tenant AND t.id = c.transaction_id
                          WHERE c.tenant = $1 AND {leg} AND ($3 OR t.is_test IS NOT TRUE) ORDER BY t.fired DESC LIMIT $4)"
                    ),
                },
                format!("({inbound} AND i.remote_number IS NOT NULL AND {} {newest_inbound})", number("i.remote_number")),
            ],
            Wanted::Name { agents, contacts, .. } => {
                let mut parts = vec![format!("({voice} AND {} {newest_voice})", self.fits("v.search"))];
                if !agents.is_empty() {
                    parts.push(format!(
                        "(SELECT c.* FROM unnest($6::text[]) a(id),
                          LATERAL ({voice} AND v.assistant_id = a.id {newest_voice}) c ORDER BY c.at DESC LIMIT $4)"
                    ));
                    parts.push(format!("({events} AND t.user_id = ANY ($6) {newest_event})"));
                    parts.push(format!("({inbound} AND i.user_id = ANY ($6) {newest_inbound})"));
                }
                match contacts.len() {
                    0 => {}
                    n if n <= CONTACTS => {
                        parts.push(format!(
                            "(SELECT c.* FROM unnest($8::text[]) k(phone),
                              LATERAL ({voice} AND v.customer_e164 = k.phone {newest_voice}) c ORDER BY c.at DESC LIMIT $4)"
                        ));
                        parts.push(format!(
                            "(SELECT c.* FROM unnest($7::text[]) k(id),
                              LATERAL ({events} AND t.contact_id = k.id ORDER BY t.fired DESC LIMIT $4) c ORDER BY c.at DESC LIMIT $4)"
                        ));
                    }
                    _ => {
                        let named = self.fits(CONTACT_NAME);
                        parts.push(format!(
                            "({voice} AND EXISTS (SELECT FROM dialfire.contacts c WHERE c.tenant = v.tenant
                                AND c.phone = v.customer_e164 AND {named} OFFSET 0) {newest_voice})"
                        ));
                        parts.push(format!(
                            "({events} AND EXISTS (SELECT FROM dialfire.contacts c WHERE c.tenant = t.tenant
                                AND c.id = t.contact_id AND {named} OFFSET 0) {newest_event})"
                        ));
                    }
                }
                parts
            }
        }
    }
}

/// The digits of what looks like part of a number, without what is written differently at home and abroad.
fn digits(search: &str) -> Option<String> {
    let is_number = search.chars().all(|c| c.is_ascii_digit() || " +-./()".contains(c));
    let digits: String = search.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    let bare = match digits.trim_start_matches('0') {
        "" => digits.as_str(),
        bare => bare,
    };
    (is_number && !bare.is_empty()).then(|| bare.to_owned())
}

/// Quotes what LIKE would read as more than text.
fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
