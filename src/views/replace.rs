//! Replacing a view by a better one, and `df_unharden_view`, which takes it back.

use pgrx::pg_sys::Oid;
use pgrx::prelude::*;

use super::catalog::{self, View};
use crate::error::Failure;
use crate::pg::query_tree;
use crate::pg::role::{self, AsOwner};
use crate::pg::transaction::{attempt, message};

pub fn unharden(oid: Oid) -> Result<String, Failure> {
    let view = catalog::view(oid)?;
    if !role::has_rights_of(view.owner) {
        return Err(Failure::NotOwnerOfView { view: view.name, owner: view.owner_name });
    }
    let kept = Spi::get_three_with_args::<String, String, String>(
        "SELECT old_statement, old_definition, new_definition FROM dialfire.hardened_views WHERE view = $1",
        &[view.name.as_str().into()],
    );
    let (Some(statement), Some(old), Some(new)) = kept.unwrap_or_default() else {
        return Err(Failure::NotHardened(view.name));
    };
    if catalog::definition(oid)? != new {
        return Err(Failure::ChangedSince(view.name));
    }
    Spi::run(&statement)?;
    // What Postgres prints is not always what it prints when it has read that: a list of varchar, for one.
    if catalog::definition(oid)? != old {
        let tree = Spi::get_one_with_args::<String>(
            "SELECT old_tree FROM dialfire.hardened_views WHERE view = $1 AND old_version = $2",
            &[view.name.as_str().into(), version().into()],
        )?;
        let restored = attempt(|| tree.is_some_and(|tree| query_tree::restore(oid, &tree, select_of(&old))));
        if !restored.unwrap_or(false) || catalog::definition(oid)? != old {
            pgrx::notice!("view {} is restored, though Postgres prints its definition otherwise now", view.name);
        }
    }
    let _owner = AsOwner::begin()?;
    Spi::run_with_args("DELETE FROM dialfire.hardened_views WHERE view = $1", &[view.name.as_str().into()])?;
    Ok(statement)
}

pub fn replace(view: &View, statement: &str, old: &str, changes: &[String]) -> Result<(), Failure> {
    query_tree::lock(view.oid);
    if catalog::definition(view.oid)? != old {
        return Err(Failure::CannotHarden {
            view: view.name.clone(),
            why: "Somebody replaced it in the meantime.".to_owned(),
            hint: "Try again.".to_owned(),
        });
    }
    let tree = catalog::tree(view.oid)?;
    Spi::run(statement)?;
    let new = catalog::definition(view.oid)?;
    // The owner may lack a right on a column that was not read so far.
    let readable = attempt(|| {
        let _owner = AsOwner::of_view(view.owner);
        Spi::run(&format!("SELECT FROM {} LIMIT 0", view.name))
    });
    if let Err(error) = readable {
        return Err(Failure::CannotHarden {
            view: view.name.clone(),
            why: format!("Its owner could not read it any more: {}.", message(&error)),
            hint: format!("Grant {} the right, and try again.", view.owner_name),
        });
    }
    let caller = role::name(role::caller());
    let _owner = AsOwner::begin()?;
    Spi::run_with_args(
        "INSERT INTO dialfire.hardened_views AS h
             (view, hardened_by, changes, old_statement, old_definition, old_tree, old_version, new_definition)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT ON CONSTRAINT hardened_views_pkey DO UPDATE SET
             hardened_at = now(), hardened_by = excluded.hardened_by, new_definition = excluded.new_definition,
             changes = CASE WHEN h.new_definition = excluded.old_definition THEN h.changes || excluded.changes
                            ELSE excluded.changes END,
             -- Hardened twice, it goes back to where it was before the first time.
             old_statement = CASE WHEN h.new_definition = excluded.old_definition THEN h.old_statement
                                  ELSE excluded.old_statement END,
             old_tree = CASE WHEN h.new_definition = excluded.old_definition THEN h.old_tree ELSE excluded.old_tree END,
             old_version = CASE WHEN h.new_definition = excluded.old_definition THEN h.old_version
                                ELSE excluded.old_version END,
             old_definition = CASE WHEN h.new_definition = excluded.old_definition THEN h.old_definition
                                   ELSE excluded.old_definition END",
        &[
            view.name.as_str().into(),
            caller.into(),
            changes.to_vec().into(),
            self::statement(view, old).into(),
            old.into(),
            tree.into(),
            version().into(),
            new.into(),
        ],
    )?;
    Ok(())
}

/// Options that are not named would be reset.
pub fn statement(view: &View, select: &str) -> String {
    let options = if view.options.is_empty() { String::new() } else { format!(" WITH ({})", view.options.join(", ")) };
    format!("CREATE OR REPLACE VIEW {}{options} AS\n{};", view.name, select_of(select))
}

/// A definition as pg_get_viewdef prints it, without what ends it.
fn select_of(definition: &str) -> &str {
    definition.trim_end().trim_end_matches(';')
}

/// Trees are of the major version that wrote them.
fn version() -> i32 {
    pgrx::pg_sys::PG_VERSION_NUM as i32 / 10_000
}
