//! What `df_setup_vicidial` asks: which columns are read, and where a dialler's own file says its database is.

use calls::vendor::vicidial::{Campaign, Config, LogRow, Recording, Status, Table, User};
use pgrx::prelude::*;

/// The tables that are read, with the columns of each that are.
pub fn columns() -> Vec<(&'static str, &'static [&'static str])> {
    let calls = Table::ALL.into_iter().flat_map(|table| [table.name(), table.archive()]);
    calls
        .map(|table| (table, LogRow::COLUMNS))
        .chain([
            ("recording_log", Recording::COLUMNS),
            ("vicidial_users", User::COLUMNS),
            ("vicidial_campaigns", Campaign::COLUMNS),
            ("vicidial_statuses", Status::COLUMNS),
            ("vicidial_campaign_statuses", Status::COLUMNS),
        ])
        .collect()
}

#[pg_extern(immutable, parallel_safe)]
fn df_vicidial_columns() -> TableIterator<'static, (name!(table_name, &'static str), name!(column_name, &'static str))>
{
    let all = columns().into_iter().flat_map(|(table, columns)| columns.iter().map(move |column| (table, *column)));
    TableIterator::new(all)
}

/// Host, port, database, user and password of an astguiclient.conf.
#[pg_extern(immutable, parallel_safe)]
fn df_astguiclient(
    file: &str,
) -> TableIterator<
    'static,
    (
        name!(host, Option<String>),
        name!(port, Option<String>),
        name!(dbname, Option<String>),
        name!(username, Option<String>),
        name!(password, Option<String>),
    ),
> {
    let config = Config::read(file);
    let password = config.password.map(|password| password.expose().to_owned());
    TableIterator::once((config.server, config.port, config.database, config.user, password))
}
