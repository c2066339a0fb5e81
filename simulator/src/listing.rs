//! Listings: windows, pages and the cursors between them.

use crate::answer::Page;
use crate::api::Call;
use crate::data::Key;
use crate::sim::Sim;

const MOST_ROWS: usize = 1000;

/// Begins a page: how many rows, after which one.
pub fn page(sim: &Sim, call: &Call) -> Result<(usize, Page), u16> {
    let limit = call.query.get("limit").map_or(Ok(100), |limit| limit.parse::<usize>());
    let limit = limit.ok().filter(|limit| *limit > 0).ok_or(400u16)?.min(MOST_ROWS);
    let scope = call.listing();
    let begin = match call.query.get("cursor").filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => sim.cursors().find(cursor, &scope).ok_or(400u16)?,
        None => None,
    };
    let items = Vec::with_capacity(limit.min(MOST_ROWS));
    Ok((limit, Page { items, count: None, begin, next: None, scope, cursor: None, empty_at_end: true }))
}

/// Takes rows until the page is full; the cursor says that there are more.
pub fn fill<T>(
    page: &mut Page,
    limit: usize,
    rows: impl Iterator<Item = T>,
    key: impl Fn(&T) -> Key,
    write: impl Fn(&mut String, T),
) {
    let mut last = None;
    for row in rows {
        if page.items.len() >= limit {
            page.next = last;
            return;
        }
        last = Some(key(&row));
        let mut item = String::with_capacity(120);
        write(&mut item, row);
        page.items.push(item);
    }
}

/// The slice of rows, sorted by key, that lie in the request's window and after its cursor.
pub fn window<'a, T>(
    sim: &Sim,
    call: &Call,
    begin: Option<Key>,
    rows: &'a [T],
    key: impl Fn(&T) -> Key,
) -> Result<&'a [T], u16> {
    let settings = sim.settings();
    let from = call.instant("from")?.map_or(i64::MIN, |at| at + i64::from(!settings.from_inclusive));
    let to = call.instant("to")?.map_or(i64::MAX, |at| at + i64::from(settings.to_inclusive));
    let first = rows.partition_point(|row| key(row).0 < from || begin.is_some_and(|begin| key(row) <= begin));
    let last = rows.partition_point(|row| key(row).0 < to);
    Ok(&rows[first.min(last)..last])
}

impl Call {
    /// The request without its cursor, limit and token.
    fn listing(&self) -> String {
        let kept = |(key, _): &(&String, &String)| !["cursor", "limit", "access_token"].contains(&key.as_str());
        let mut query: Vec<_> = self.query.iter().filter(kept).map(|(key, value)| format!("{key}={value}")).collect();
        query.sort();
        format!("{}?{}", self.path, query.join("&"))
    }
}
