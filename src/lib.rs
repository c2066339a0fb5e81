//! dialfire_sync: calls of call-centre vendors, fetched, proven complete and kept fresh inside PostgreSQL.
#![deny(unsafe_code)]

use pgrx::prelude::*;

#[macro_use]
mod vendor;
mod vicidial;

mod adopt;
mod adopt_steps;
mod agents;
mod alerts;
mod append;
mod backfill;
mod check;
mod clean_up;
mod compare;
mod coverage;
mod dashboard;
mod days;
mod diagnose;
mod diagnosis;
mod error;
mod fetch;
mod follow;
mod ingest;
mod ledger;
mod legs;
mod lookup;
mod months;
mod notify;
mod oauth;
mod old_tables;
mod options;
mod pg;
mod raw;
mod reconcile;
mod rejects;
mod repair;
mod schedule;
mod settings;
mod stats;
mod store;
mod sync;
mod tenant;
mod tracking;
mod usable;
mod vault;
mod views;
mod voice;
mod worker;

pgrx::pg_module_magic!(name, version);

extension_sql_file!("../sql/00_schema.sql", name = "schema", bootstrap);
extension_sql_file!("../sql/10_tables.sql", name = "tables", requires = ["schema"]);
extension_sql_file!("../sql/11_table_comments.sql", name = "table_comments", requires = ["tables"]);
extension_sql_file!("../sql/12_voice_calls.sql", name = "voice_calls", requires = ["tables"]);
extension_sql_file!("../sql/13_vapi_statuses.sql", name = "vapi_statuses", requires = ["voice_calls"]);
extension_sql_file!("../sql/14_vicidial.sql", name = "vicidial_tables", requires = ["table_comments"]);
extension_sql_file!("../sql/15_legs.sql", name = "legs", requires = ["vicidial_tables"]);
extension_sql_file!("../sql/20_ledger.sql", name = "ledger", requires = ["legs"]);
extension_sql_file!("../sql/21_schedules.sql", name = "schedules", requires = ["ledger"]);
extension_sql_file!("../sql/22_stats.sql", name = "stats", requires = ["schedules", "vapi_statuses"]);
extension_sql_file!("../sql/23_alerts.sql", name = "alerts", requires = ["vapi_statuses"]);
extension_sql_file!("../sql/24_webhooks.sql", name = "webhooks", requires = ["alerts"]);
extension_sql_file!("../sql/25_thresholds.sql", name = "thresholds", requires = ["stats", "webhooks"]);
extension_sql_file!("../sql/26_tokens.sql", name = "tokens", requires = ["thresholds"]);
extension_sql_file!("../sql/27_months.sql", name = "months", requires = ["tokens"]);
extension_sql_file!("../sql/30_tenant.sql", name = "tenant", requires = ["months", options::df_validator]);
extension_sql_file!("../sql/40_views.sql", name = "views", requires = ["tenant"]);
extension_sql_file!("../sql/41_health.sql", name = "health", requires = ["views"]);
extension_sql_file!("../sql/42_kpis.sql", name = "kpis", requires = ["health"]);
extension_sql_file!("../sql/43_refresh.sql", name = "refresh", requires = ["kpis"]);
extension_sql_file!("../sql/44_verify.sql", name = "verify", requires = ["refresh", stats::df_range]);
extension_sql_file!("../sql/45_hardened_views.sql", name = "hardened_views", requires = ["verify"]);
extension_sql_file!("../sql/46_sync_logs.sql", name = "sync_logs", requires = ["verify", clean_up::df_cleanup]);
extension_sql_file!(
    "../sql/50_functions.sql",
    name = "functions",
    requires = [
        "verify",
        diagnose::df_diagnose,
        diagnose::df_diagnose_calls,
        repair::df_repair,
        raw::df_normalize,
        raw::df_fetch,
        sync::df_sync,
        ingest::df_ingest
    ]
);
extension_sql_file!(
    "../sql/51_vicidial.sql",
    name = "vicidial",
    requires = ["functions", vicidial::setup::df_vicidial_columns, vicidial::setup::df_astguiclient]
);
extension_sql_file!(
    "../sql/46_dashboard.sql",
    name = "dashboard",
    requires = ["hardened_views", dashboard::df_find_calls]
);
extension_sql_file!("../sql/60_distribute.sql", name = "distribute", requires = ["dashboard", usable::df_may_see]);
extension_sql_file!(
    "../sql/61_partition.sql",
    name = "partition",
    requires = ["distribute", pg::extension::as_extension]
);
extension_sql_file!("../sql/47_dashboard_users.sql", name = "dashboard_users", requires = ["dashboard"]);
extension_sql_file!(
    "../sql/48_dashboard_pages.sql",
    name = "dashboard_pages",
    requires = ["dashboard_users", "functions"]
);
extension_sql_file!("../sql/90_grants.sql", name = "grants", finalize);

#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    settings::register();
    if pg::process::is_preloading() {
        worker::register();
    }
}

#[cfg(any(test, feature = "pg_test"))]
mod tests;

/// What pgrx's test framework asks for.
#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec!["shared_preload_libraries = 'dialfire_sync'"]
    }
}
