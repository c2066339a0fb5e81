//! `df_audit_views`: what is wrong with each view of a schema, and how many rows it loses today.

use std::time::Duration;

use super::catalog::{self, View};
use super::count::{Count, Counter};
use super::fallback;
use super::inflated;
use super::level::{Fix, Level};
use super::place::{self, Place};
use super::text_dates;
use crate::error::{quote_literal, Failure};
use crate::pg::query_tree::{self, Query};

pub struct Finding {
    pub view: String,
    pub finding: &'static str,
    pub severity: &'static str,
    pub detail: String,
    pub rows_lost: Option<i64>,
    pub hint: String,
}

pub fn schema(schema: &str, limit: Duration) -> Result<Vec<Finding>, Failure> {
    let views = catalog::views_of(schema)?;
    let listed = |oid| views.iter().any(|view| view.oid == oid);
    let mut found = Vec::new();
    for view in &views {
        let Some(root) = query_tree::of_view(view.oid) else { continue };
        let counter = Counter::of(view, limit);
        for place in place::places(root, &listed)? {
            if let Some(level) = Level::of(place.query, None)? {
                let mut audit = Audit { view, place: &place, level: &level, counter: &counter, found: &mut found };
                audit.joins();
                audit.keys();
                audit.fallbacks();
                audit.text_dates();
                audit.inflated()?;
            }
        }
    }
    Ok(found)
}

struct Audit<'a> {
    view: &'a View,
    place: &'a Place,
    level: &'a Level,
    counter: &'a Counter,
    found: &'a mut Vec<Finding>,
}

impl Audit<'_> {
    fn report(&mut self, finding: &'static str, severity: &'static str, detail: &str, lost: Option<i64>, hint: String) {
        let place = &self.place.label;
        let detail = if place.is_empty() { detail.to_owned() } else { format!("{place}: {detail}") };
        self.found.push(Finding { view: self.view.name.clone(), finding, severity, detail, rows_lost: lost, hint });
    }

    /// What to type for something that `df_harden_view` mends.
    fn harden(&self) -> String {
        if !self.place.mendable {
            return format!("mend {} by hand: more rows of it could change other rows of the view", self.place.label);
        }
        if self.view.materialized && self.place.view.is_none() {
            return "create the materialized view anew with this mended: it cannot be replaced in place".to_owned();
        }
        let name = quote_literal(self.place.view.as_ref().unwrap_or(&self.view.name));
        format!("SELECT * FROM df_harden_view({name}) shows the mended view, apply => true replaces it")
    }

    fn joins(&mut self) {
        let all = self.count(self.level.mended(None));
        let lost = |audit: &Self, fix: Fix| -> Count {
            Ok((all.clone()? - audit.count(audit.level.mended(Some(fix)))?).max(0))
        };
        // Where several hide rows together, none of them alone is to blame for all.
        let together = match (self.level.fixes().len(), &all) {
            (2.., Ok(rows)) => self.count(self.level.tree).map(|today| (rows - today).max(0)).ok(),
            _ => None,
        };
        let said = |lost: &Count| match together {
            Some(rows) if lost.as_ref().is_ok_and(|lost| *lost != rows) => {
                format!("{}; all that is wrong here hides {rows}", said(lost))
            }
            _ => said(lost),
        };
        let keep = self.level.alias(self.level.keep);
        for softened in &self.level.softened {
            let lost = lost(self, Fix::Join(softened.join));
            let arm = self.level.aliases(&softened.arm);
            let finding = if softened.comma { "comma_join" } else { "inner_join" };
            let join = if softened.comma { "the comma joins as an inner join does and" } else { "the inner join" };
            let detail = format!("{join} drops rows of {keep} that meet none of {arm}{}", said(&lost));
            let hint = self.harden();
            self.report(finding, severity(&lost), &detail, lost.ok(), hint);
        }
        for moved in self.level.moves.iter().filter(|moved| moved.undoes) {
            let lost = lost(self, Fix::Filter(moved.filter));
            let relation = self.level.alias(moved.relation);
            let detail = format!(
                "the condition {} in WHERE fails where {relation} is missing and so undoes its outer join{}",
                moved.text,
                said(&lost)
            );
            let hint = self.harden();
            self.report("left_join_undone", severity(&lost), &detail, lost.ok(), hint);
        }
        for stuck in &self.level.stuck {
            let hint = "rewrite this part by hand".to_owned();
            self.report("left_join_undone", "warning", &format!("{stuck}; df_harden_view leaves it alone"), None, hint);
        }
    }

    fn keys(&mut self) {
        for key in &self.level.keys {
            let (weak, strong) = (self.level.alias(key.weak.rel), self.level.alias(key.strong.rel));
            let (arm, column) = (self.level.alias(key.arm), &key.column);
            let without = self.level.mended(Some(Fix::Key(key.join)));
            let lacking = match (self.level.column(key.weak), self.level.column(key.strong)) {
                (Some(weak), Some(strong)) => self.alone(without).and_then(|q| self.counter.lacking(q, weak, strong)),
                _ => continue,
            };
            let detail = format!(
                "{arm} is joined by {weak}.{column}, which is null wherever {weak} is missing, though {strong}.{column} \
                 says it{}",
                match &lacking {
                    Ok(rows) => format!(": {rows} rows lack their {arm} today"),
                    Err(reason) => format!("; not counted: {reason}"),
                }
            );
            let hint = self.harden();
            self.report("nullable_key", severity(&lacking), &detail, None, hint);
        }
    }

    fn fallbacks(&mut self) {
        if !self.place.mendable {
            return;
        }
        for fallback in fallback::known(self.level) {
            let (noun, column) = (fallback.noun, fallback.column.clone());
            let others: Vec<String> = fallback.strong.iter().filter_map(|var| self.qualified(*var)).collect();
            let weak = self.qualified(fallback.weak).unwrap_or_default();
            let first = others.first().cloned().unwrap_or_default();
            let (name, choice) = (
                quote_literal(self.place.view.as_ref().unwrap_or(&self.view.name)),
                serde_json::json!({ &column: first }).to_string(),
            );
            let choice = quote_literal(&choice);
            match fallback::proven(self.level, fallback, self.counter) {
                Ok(fallback) => {
                    let strong: Vec<_> = fallback.strong.iter().filter_map(|var| self.level.column(*var)).collect();
                    let either = strong.split_first().and_then(|(first, rest)| first.or(rest));
                    let (Some(weak_expr), Some(either)) = (self.level.column(fallback.weak), either) else { continue };
                    let lacking = self
                        .alone(self.level.mended(None))
                        .and_then(|query| self.counter.lacking(query, weak_expr, either));
                    let names: Vec<_> = fallback.strong.iter().filter_map(|var| self.qualified(*var)).collect();
                    let detail = format!(
                        "column {column} says no {noun} where {weak} is null, though {} may know it{}",
                        names.join(" or "),
                        match &lacking {
                            Ok(rows) => format!(": in {rows} of the rows today"),
                            Err(reason) => format!("; not counted: {reason}"),
                        }
                    );
                    let hint = self.harden();
                    self.report("missing_fallback", severity(&lacking), &detail, None, hint);
                }
                Err(reason) => {
                    let detail = format!("column {column} says no {noun} where {weak} is null ({reason})");
                    let hint = format!("if you know better: df_harden_view({name}, fallbacks => {choice})");
                    self.report("missing_fallback", "note", &detail, None, hint);
                }
            }
        }
    }

    fn text_dates(&mut self) {
        for found in text_dates::find(self.level) {
            self.report(found.finding, "warning", &found.detail, None, found.hint);
        }
        let columns = text_dates::columns(self.level);
        if self.place.label.is_empty() && !columns.is_empty() {
            let (columns, are) = (columns.join(", "), if columns.len() == 1 { "is" } else { "are" });
            let detail = format!("{columns} {are} text that holds dates or times: whoever filters must cast it");
            let hint =
                "types cannot change while others depend on the view; dialfire.calls and dialfire.agent_data have \
                        typed columns";
            self.report("text_timestamp", "note", &detail, None, hint.to_owned());
        }
    }

    fn inflated(&mut self) -> Result<(), Failure> {
        for found in inflated::find(self.level)? {
            let (counted, by) = (self.level.alias(found.counted), self.level.alias(found.by));
            let detail = format!(
                "{} counts a row of {counted} once for every row of {by} that it meets: no unique index says that there is \
                 at most one",
                found.aggregate
            );
            let hint = format!(
                "count(DISTINCT {counted}.<key>), or join {by} as a sub-query with one row for each {counted}; \
                 df_harden_view does not guess which"
            );
            self.report("inflated_count", "warning", &detail, None, hint);
        }
        Ok(())
    }

    fn qualified(&self, var: query_tree::Var) -> Option<String> {
        Some(format!("{}.{}", self.level.alias(var.rel), self.level.column_name(var)?))
    }

    fn count(&self, query: Query) -> Count {
        self.counter.rows(self.alone(query)?)
    }

    /// The query such that it runs without the one around it.
    fn alone(&self, query: Query) -> Result<Query, String> {
        if query.is_correlated() {
            return Err("it reads from the query around it".to_owned());
        }
        Ok(match self.place.outer {
            Some((outer, far)) if query.ctes().is_empty() => query.with_ctes_of(outer, far),
            _ => query,
        })
    }
}

fn severity(count: &Count) -> &'static str {
    match count {
        Ok(rows) if *rows > 0 => "error",
        _ => "warning",
    }
}

fn said(lost: &Count) -> String {
    match lost {
        Ok(0) => ": none today, but nothing forbids it".to_owned(),
        Ok(1) => ": 1 row today".to_owned(),
        Ok(rows) => format!(": {rows} rows today"),
        Err(reason) => format!("; not counted: {reason}"),
    }
}
