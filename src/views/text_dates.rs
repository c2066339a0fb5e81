//! Dates and times that are kept as text.

use std::collections::BTreeMap;

use super::facts;
use super::level::Level;
use crate::pg::query_tree::{Expr, Kind, Var};

pub struct TextDate {
    pub finding: &'static str,
    pub detail: String,
    pub hint: String,
}

pub fn find(level: &Level) -> Vec<TextDate> {
    let mut found: BTreeMap<(&'static str, String), TextDate> = BTreeMap::new();
    let targets = level.tree.targets();
    let everywhere = targets.iter().map(|target| target.expr).chain(level.conditions()).chain(level.tree.having());
    for part in everywhere.flat_map(Expr::all) {
        for (finding, var) in [("text_date_cast", cast(part)), ("text_date_compare", comparison(level, part))] {
            let Some(column) = var.and_then(|var| name(level, var)) else { continue };
            found.entry((finding, column.clone())).or_insert_with(|| {
                let text = level.tree.text(part);
                if finding == "text_date_cast" {
                    TextDate { finding, detail: cast_detail(part, &column, &text), hint: cast_hint(&column) }
                } else {
                    TextDate {
                        finding,
                        detail: format!(
                            "{text} compares {column} letter by letter, as it is text: a day is cut in UTC, and another \
                             spelling of the same instant is another value"
                        ),
                        hint: cast_hint(&column),
                    }
                }
            });
        }
    }
    found.into_values().collect()
}

/// Columns of the view that are text and hold dates or times.
pub fn columns(level: &Level) -> Vec<String> {
    let targets = level.tree.targets().into_iter().filter(|target| !target.junk && facts::is_text(target.expr.ty()));
    let dates = targets
        .filter(|target| target.expr.var().is_some_and(|var| is_text_date(level, var)) || is_printed_date(target.expr));
    dates.map(|target| target.name).collect()
}

fn cast_hint(column: &str) -> String {
    format!("df_adopt(tenant, schema) takes the table over with {column} as timestamptz; dialfire.calls shows it")
}

fn cast_detail(part: Expr, column: &str, text: &str) -> String {
    let drops_zone = part.ty() == pgrx::pg_sys::TIMESTAMPOID || part.ty() == pgrx::pg_sys::DATEOID;
    let zone = if drops_zone { ", and the zone is dropped: hours and days are those of UTC" } else { "" };
    format!("{text} casts the text of {column}: one value that is no date makes the whole view fail{zone}")
}

fn name(level: &Level, var: Var) -> Option<String> {
    Some(format!("{}.{}", level.alias(var.rel), level.column_name(var)?))
}

fn is_text_date(level: &Level, var: Var) -> bool {
    level.column_name(var).is_some_and(facts::names_a_date) && level.column(var).is_some_and(|c| facts::is_text(c.ty()))
}

/// The text column that this casts to a date or time.
fn cast(part: Expr) -> Option<Var> {
    let is_cast = match part.kind() {
        Kind::Cast => facts::is_instant(part.ty()),
        Kind::Function { name, builtin } => {
            builtin && ["to_date", "to_timestamp", "date", "timestamp", "timestamptz"].contains(&name.as_str())
        }
        _ => false,
    };
    let argument = *part.children().first().filter(|_| is_cast)?;
    if !matches!(argument.kind(), Kind::Other) && facts::is_text(argument.ty()) {
        argument.all().into_iter().find_map(Expr::var)
    } else {
        None
    }
}

/// The text column that this compares with a date, or cuts one out of.
fn comparison(level: &Level, part: Expr) -> Option<Var> {
    let text_date = |expr: &Expr| expr.var().filter(|var| is_text_date(level, *var));
    let text_var = |expr: &Expr| {
        let var = expr.var()?;
        facts::is_text(level.column(var)?.ty()).then_some(var)
    };
    let sides = part.children();
    match part.kind() {
        Kind::Operator(name) if ["=", "<>", "<", "<=", ">", ">=", "~~", "~~*"].contains(&name.as_str()) => {
            let [left, right] = sides[..] else { return None };
            for (one, other) in [(left, right), (right, left)] {
                let found =
                    match other.relations().is_empty() && matches!(other.kind(), Kind::Constant(_) | Kind::Relabel) {
                        true if facts::is_date_constant(other) => text_var(&one),
                        // A guard such as <> ''.
                        true => None,
                        false => text_date(&one),
                    };
                // Two texts of one origin are equal where the instants are.
                if found.is_some() && !(name == "=" && other.var().is_some()) {
                    return found;
                }
            }
            None
        }
        Kind::Function { name, builtin: true } => {
            let cuts = ["left", "substr", "substring", "split_part"].contains(&name.as_str());
            sides.first().filter(|_| cuts).and_then(text_date)
        }
        _ => None,
    }
}

fn is_printed_date(expr: Expr) -> bool {
    match expr.kind() {
        Kind::Function { name, builtin: true } if name == "to_char" => {
            expr.children().first().is_some_and(|value| facts::is_instant(value.ty()))
        }
        Kind::Relabel => expr.children().first().is_some_and(|child| is_printed_date(*child)),
        _ => false,
    }
}
