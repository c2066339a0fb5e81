//! Finding calls by any part of a number or name, by an index that row security alone would not let be used.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

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

fn find(tenant: &str, search: &str, include_test: bool, most: i32) -> Result<Vec<String>, Failure> {
    Tenant::zone_of(tenant, role::caller())?;
    let _owner = AsOwner::begin()?;
    let search = search.trim().to_lowercase();
    let by_number = digits(&search);
    let pattern = format!("%{}%", like(by_number.as_deref().unwrap_or(&search)));
    let names = by_number.is_none() && !search.is_empty();
    // Each source for itself, so that each is read by its own index.
    let voice = "SELECT v.id, v.created_at AS at FROM dialfire.voice_calls v
        WHERE v.tenant = $1 AND ($3 OR v.is_test IS NOT TRUE)";
    let mut parts = vec![format!("({voice} AND v.search LIKE $2 ORDER BY v.created_at DESC LIMIT $4)")];
    if names {
        parts.push(format!(
            "({voice} AND v.assistant_id = ANY (ARRAY(SELECT a.id FROM dialfire.agents a
                WHERE a.tenant = $1 AND lower(concat_ws(' ', a.login, a.name)) LIKE $2)) OFFSET 0)"
        ));
        parts.push(format!(
            "({voice} AND v.customer_e164 = ANY (ARRAY(SELECT c.phone FROM dialfire.contacts c
                WHERE c.tenant = $1 AND lower(c.fields ->> 'name') LIKE $2)) OFFSET 0)"
        ));
    }
    let number = "regexp_replace(concat_ws(' ', t.phone), '[^0-9]', '', 'g') LIKE $2";
    let login = "lower(concat_ws(' ', t.user_login, a.login)) LIKE $2";
    let fits = if by_number.is_some() { number } else { login };
    parts.push(format!(
        "(SELECT t.id, t.fired FROM dialfire.transactions t LEFT JOIN dialfire.agents a ON a.tenant = t.tenant AND a.id = t.user_id
          WHERE t.tenant = $1 AND ($3 OR t.is_test IS NOT TRUE) AND {fits} ORDER BY t.fired DESC LIMIT $4)"
    ));
    let sql = format!(
        "SELECT array_agg(q.id ORDER BY q.at DESC, q.id) FROM (
            SELECT DISTINCT id, at FROM ({}) AS found(id, at) ORDER BY at DESC, id LIMIT $4) q",
        parts.join(" UNION ALL ")
    );
    let found = Spi::get_one_with_args::<Vec<Option<String>>>(
        &sql,
        &[tenant.into(), pattern.as_str().into(), include_test.into(), i64::from(most.max(0)).into()],
    )?;
    Ok(found.unwrap_or_default().into_iter().flatten().collect())
}

/// The digits of what looks like part of a number, without what is written differently at home and abroad.
fn digits(search: &str) -> Option<String> {
    let is_number = search.chars().all(|c| c.is_ascii_digit() || " +-./()".contains(c));
    let digits: String = search.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    let bare = digits.trim_start_matches('0');
    (is_number && bare.len() >= 2).then(|| bare.to_owned())
}

/// Quotes what LIKE would read as more than text.
fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
