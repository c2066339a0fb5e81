//! What may stand in for a missing login or start.

use super::count::Counter;
use super::facts::{self, Shape};
use super::level::Level;
use crate::pg::query_tree::{Expr, Kind, Query, Var};

/// A column of the view that is missing where another could say it.
pub struct Fallback {
    pub noun: &'static str,
    pub column: String,
    pub weak: Var,
    pub strong: Vec<Var>,
}

/// The fallbacks that follow from the tables' shapes.
pub fn known(level: &Level) -> Vec<Fallback> {
    let mut found = Vec::new();
    let connections = level.of_shape(Shape::Connections);
    let events = level.of_shape(Shape::Events);
    let at = |relation: Option<i32>, name: &str| relation.and_then(|relation| level.find(relation, name));
    let login = facts::LOGINS.iter().find_map(|name| at(events, name));
    if let Some(weak) = login {
        let strong = [at(connections, "user"), at(events, "user")].into_iter().flatten().collect();
        add(level, "login", weak, strong, |_, _| true, &mut found);
    }
    let recordings = level.of_shape(Shape::Recordings);
    // A plain column of the recording or the leg says when that began; what is made of it says when the call did.
    for (relation, other, own) in [(recordings, connections, "recording"), (connections, recordings, "connection")] {
        if let Some(weak) = at(relation.filter(|relation| *relation != level.keep), "started") {
            let strong = [at(other, "started"), at(events, "fired")].into_iter().flatten().collect();
            add(level, "start", weak, strong, |name, bare| !(bare && name.starts_with(own)), &mut found);
        }
    }
    for relation in [connections, recordings] {
        if let Some(weak) = at(relation.filter(|relation| *relation != level.keep), "contact_id") {
            let strong = [connections.filter(|_| relation == recordings), events];
            let strong = strong.into_iter().filter_map(|strong| at(strong, "contact_id")).collect();
            add(level, "contact", weak, strong, |_, _| true, &mut found);
        }
    }
    found
}

fn add(
    level: &Level,
    noun: &'static str,
    weak: Var,
    strong: Vec<Var>,
    wanted: impl Fn(&str, bool) -> bool,
    found: &mut Vec<Fallback>,
) {
    let ty = level.column(weak).map(Expr::ty);
    let strong: Vec<Var> = strong.into_iter().filter(|var| level.column(*var).map(Expr::ty) == ty).collect();
    if strong.is_empty() {
        return;
    }
    for target in level.tree.targets() {
        let bare = target.expr.var() == Some(weak);
        if !target.junk && wanted(&target.name, bare) && passes_on(target.expr, weak) {
            found.push(Fallback { noun, column: target.name, weak, strong: strong.clone() });
        }
    }
}

/// Whether the value of the expression is made of the column's, and nothing catches its absence.
fn passes_on(expr: Expr, weak: Var) -> bool {
    expr.var() == Some(weak) || is_transparent(expr) && expr.children().iter().any(|child| passes_on(*child, weak))
}

/// A test for null, a CASE, an aggregate or COALESCE means the absence; what is left merely hands it on.
fn is_transparent(expr: Expr) -> bool {
    match expr.kind() {
        Kind::Relabel | Kind::Cast => true,
        Kind::Function { .. } | Kind::Operator(_) => expr.ty() != pgrx::pg_sys::BOOLOID,
        _ => false,
    }
}

/// Puts COALESCE where the column is handed on, in the columns of the view that lack it.
pub fn apply(level: &Level, query: Query, fallbacks: &[Fallback]) {
    for fallback in fallbacks {
        let strong: Vec<Expr> = fallback.strong.iter().filter_map(|var| level.column(*var)).collect();
        query.replace_in_output(&mut |name, expr| {
            // What has no name is only grouped or sorted by.
            let meant = name == fallback.column || name.is_empty() && fallback.noun == "login";
            if meant && expr.is_column(fallback.weak) {
                expr.or(&strong)
            } else if meant && is_transparent(expr) {
                None
            } else {
                Some(expr)
            }
        });
    }
}

/// The columns that hold logins. In many databases `user` holds ids that are nobody's login: where rows that have both
/// disagree, an id would pass for a login.
pub fn proven(level: &Level, fallback: Fallback, counter: &Counter) -> Result<Fallback, String> {
    if fallback.noun != "login" {
        return Ok(fallback);
    }
    let mended = level.mended(None);
    let mut strong = Vec::new();
    let mut reasons = Vec::new();
    for var in &fallback.strong {
        let name = format!("{}.{}", level.alias(var.rel), level.column_name(*var).unwrap_or_default());
        let (Some(weak), Some(other)) = (level.column(fallback.weak), level.column(*var)) else { continue };
        match counter.agreement(mended, weak, other) {
            Ok((same, 0)) if same > 0 => strong.push(*var),
            Ok((0, 0)) => reasons.push(format!("no row has both the login and {name}")),
            Ok((_, others)) => {
                reasons.push(format!("{name} differs from the login in {others} rows that have both, so it is an id"))
            }
            Err(reason) => reasons.push(format!("{name} was not compared with the login: {reason}")),
        }
    }
    if strong.is_empty() {
        Err(reasons.join("; "))
    } else {
        Ok(Fallback { strong, ..fallback })
    }
}
