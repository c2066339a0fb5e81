//! Statements whose objects belong to the extension, as if its script made them: dropped with it, and dumped as it says.

use std::panic::AssertUnwindSafe;

use pgrx::pg_sys;
use pgrx::prelude::*;
use pgrx::PgTryBuilder;

/// Runs statements as a part of the extension's script, with the rights of the caller.
#[pg_extern(sql = "CREATE FUNCTION dialfire.as_extension(statements text) RETURNS void STRICT \
           LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';")]
fn as_extension(statements: &str) {
    // SAFETY: variables of this backend, put back whatever happens.
    unsafe {
        let before = (pg_sys::creating_extension, pg_sys::CurrentExtensionObject);
        pg_sys::CurrentExtensionObject = pg_sys::get_extension_oid(c"dialfire_sync".as_ptr(), false);
        pg_sys::creating_extension = true;
        PgTryBuilder::new(AssertUnwindSafe(|| Spi::run(statements)))
            .finally(move || (pg_sys::creating_extension, pg_sys::CurrentExtensionObject) = before)
            .execute()
            .unwrap_or_else(|error| error!("{error}"));
    }
}

/// What kind of relation a table of the schema `dialfire` is, by the catalogue's letter; nothing is asked of SPI.
pub fn kind_of(table: &std::ffi::CStr) -> u8 {
    // SAFETY: syscache look-ups on the main thread, inside a transaction; a missing one is InvalidOid, whose kind is 0.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"dialfire".as_ptr(), true);
        pg_sys::get_rel_relkind(pg_sys::get_relname_relid(table.as_ptr(), schema)) as u8
    }
}

/// Whether a table of the schema `dialfire` has a column; nothing is asked of SPI.
pub fn has_column(table: &std::ffi::CStr, column: &std::ffi::CStr) -> bool {
    // SAFETY: syscache look-ups on the main thread, inside a transaction; of a missing table there is no column.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"dialfire".as_ptr(), true);
        let relation = pg_sys::get_relname_relid(table.as_ptr(), schema);
        pg_sys::get_attnum(relation, column.as_ptr()) != pg_sys::InvalidAttrNumber as i16
    }
}
