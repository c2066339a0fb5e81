//! Statuses with their flags: what a code says about the lead.

use std::collections::HashMap;

use super::record::Status;
use crate::row::Disposition;

/// Codes of a call that somebody still works on.
const INTERIM: [&str; 6] = ["PU", "INCALL", "QUEUE", "DISPO", "NEW", "INBND"];

pub fn is_interim(status: Option<&str>) -> bool {
    status.is_none_or(|status| status.is_empty() || INTERIM.iter().any(|code| code.eq_ignore_ascii_case(status)))
}

/// What the flags of each status make of a lead. A campaign's own status comes before the system's of the same code.
#[derive(Debug, Default)]
pub struct Outcomes(HashMap<(String, String), &'static str>);

impl Outcomes {
    pub fn of(statuses: &[Status]) -> Outcomes {
        let known = statuses.iter().filter_map(|status| {
            let code = status.status.as_deref()?.to_ascii_uppercase();
            Some(((status.campaign_id.clone().unwrap_or_default(), code), outcome(status)?))
        });
        Outcomes(known.collect())
    }

    pub fn get(&self, campaign_id: &str, code: &str) -> Option<&'static str> {
        let code = code.to_ascii_uppercase();
        let key = (campaign_id.to_owned(), code);
        self.0.get(&key).or_else(|| self.0.get(&(String::new(), key.1))).copied()
    }
}

fn is_set(flag: &Option<String>) -> bool {
    flag.as_deref() == Some("Y")
}

fn outcome(status: &Status) -> Option<&'static str> {
    Some(match () {
        () if is_set(&status.sale) => "success",
        () if is_set(&status.not_interested) || is_set(&status.dnc) => "declined",
        () if is_set(&status.unworkable) => "failed",
        () if is_interim(status.status.as_deref()) => return None,
        () => "open",
    })
}

/// A status as a row of `dispositions`; `None` without a code.
pub fn disposition(status: &Status) -> Option<Disposition> {
    let code = status.status.clone().filter(|code| !code.is_empty())?;
    let flag = |value: &Option<String>| match value.as_deref() {
        Some("Y") => Some(true),
        Some("N") => Some(false),
        _ => None,
    };
    let campaign_id = status.campaign_id.clone().unwrap_or_default();
    Some(Disposition {
        id: format!("{campaign_id}/{code}"),
        campaign_id: Some(campaign_id),
        code: Some(code),
        title: status.status_name.clone(),
        category: status.category.clone(),
        selectable: flag(&status.selectable),
        human_answered: flag(&status.human_answered),
        sale: flag(&status.sale),
        dnc: flag(&status.dnc),
        customer_contact: flag(&status.customer_contact),
        not_interested: flag(&status.not_interested),
        unworkable: flag(&status.unworkable),
        scheduled_callback: flag(&status.scheduled_callback),
        completed: flag(&status.completed),
        answering_machine: flag(&status.answering_machine),
        min_sec: status.min_sec.as_deref().and_then(|seconds| seconds.parse().ok()),
        max_sec: status.max_sec.as_deref().and_then(|seconds| seconds.parse().ok()),
    })
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
