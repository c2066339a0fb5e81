//! Where in a view there are SELECTs to look at: the view itself, sub-queries, WITH queries, branches of UNION, and views below.

use pgrx::pg_sys::Oid;

use super::catalog;
use super::level::Level;
use crate::error::Failure;
use crate::pg::query_tree::{self, Query, RelKind};

pub struct Place {
    pub query: Query,
    /// The nearest query around it that has WITH queries, which it may read, and how far out that is.
    pub outer: Option<(Query, i32)>,
    /// Where it is, for people; empty for the view itself.
    pub label: String,
    /// Whether mending it adds rows to its view and does nothing else.
    pub mendable: bool,
    /// The view below that it belongs to, if it is not the one that is looked at.
    pub view: Option<String>,
}

const DEEPEST: usize = 12;

/// Every SELECT of a view. Views below are looked into unless `listed` says that they get rows of their own.
pub fn places(root: Query, listed: &dyn Fn(Oid) -> bool) -> Result<Vec<Place>, Failure> {
    let mut found = Vec::new();
    let top = Place { query: root, outer: None, label: String::new(), mendable: true, view: None };
    visit(top, 0, listed, &mut found)?;
    Ok(found)
}

fn visit(place: Place, depth: usize, listed: &dyn Fn(Oid) -> bool, found: &mut Vec<Place>) -> Result<(), Failure> {
    let Place { query, mendable, ref label, ref view, .. } = place;
    let traits = query.traits();
    if depth > DEEPEST || !traits.select {
        return Ok(());
    }
    let inside = |what: String| if label.is_empty() { what } else { format!("{what} of {label}") };
    let outer = match query.ctes().is_empty() {
        true => place.outer.map(|(outer, far)| (outer, far + 1)),
        false => Some((query, 1)),
    };
    let under = |query: Query, what: String, mendable: bool| Place {
        query,
        outer,
        label: inside(what),
        mendable,
        view: view.clone(),
    };
    let mut below = Vec::new();
    if traits.set_operation {
        for (at, index) in query.branches().into_iter().enumerate() {
            if let Some(RelKind::SubQuery(branch)) = query.relation(index).map(|relation| relation.kind) {
                let what = format!("branch {} of the set operation", at + 1);
                below.push(under(branch, what, mendable && traits.only_unions));
            }
        }
    }
    let keep = Level::of(query, None)?.map(|level| level.keep);
    let monotone = mendable && obstacle(query).is_none();
    for index in query.from().iter().flat_map(query_tree::From::leaves) {
        let Some(relation) = query.relation(index) else { continue };
        let mendable = monotone && Some(index) == keep;
        match relation.kind {
            RelKind::SubQuery(sub) => {
                below.push(under(sub, format!("sub-query {}", relation.alias), mendable));
            }
            RelKind::Table(view, 'v') if !listed(view) && catalog::is_somebodys(view)? => {
                if let Some(sub) = query_tree::of_view(view) {
                    let name = catalog::name_of(view)?;
                    let label = inside(format!("view {name}"));
                    below.push(Place { query: sub, outer: None, label, mendable: true, view: Some(name) });
                }
            }
            _ => (),
        }
    }
    let kept = if monotone { kept_ctes(query, keep)? } else { Vec::new() };
    for cte in query.ctes() {
        let mendable = kept.contains(&cte.name) && cte.uses == 1;
        // The rows of a recursive one come from itself.
        if !cte.recursive {
            below.push(under(cte.query, format!("WITH query {}", cte.name), mendable));
        }
    }
    if !traits.set_operation {
        found.push(place);
    }
    below.into_iter().try_for_each(|place| visit(place, depth + 1, listed, found))
}

/// The WITH queries that the rows of a query come from, the one below after the one above.
pub fn kept_ctes(query: Query, keep: Option<i32>) -> Result<Vec<String>, Failure> {
    let ctes = query.ctes();
    let mut names: Vec<String> = Vec::new();
    let mut next = keep.and_then(|keep| query.relation(keep)).and_then(|relation| match relation.kind {
        RelKind::Cte(name, 0) => Some(name),
        _ => None,
    });
    while let Some(name) = next.take().filter(|name| !names.contains(name)) {
        if let Some(cte) = ctes.iter().find(|cte| cte.name == name) {
            if obstacle(cte.query).is_none() && !cte.query.traits().set_operation {
                let keep = Level::of(cte.query, None)?.map(|level| level.keep);
                next = keep.and_then(|keep| cte.query.relation(keep)).and_then(|relation| match relation.kind {
                    RelKind::Cte(name, 1) => Some(name),
                    _ => None,
                });
            }
        }
        names.push(name);
    }
    Ok(names)
}

/// Why more rows would change those that are there.
pub fn obstacle(query: Query) -> Option<&'static str> {
    let traits = query.traits();
    if traits.limited {
        Some("LIMIT or OFFSET would return other rows than today")
    } else if traits.locks_rows {
        Some("FOR UPDATE cannot lock rows that are missing")
    } else if !traits.select {
        Some("it is no SELECT")
    } else {
        None
    }
}
