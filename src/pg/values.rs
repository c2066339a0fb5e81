//! Values that statements return, leaving nothing behind.
//!
//! pgrx copies what it reads into the parent of the current memory context: read where SPI returned, each array would stay
//! until the end of the transaction.

use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi;

use super::memory::briefly;

/// One value that is only read. [`one`] would take a transaction id for it, and the commit would write WAL.
pub fn read<T: FromDatum + IntoDatum>(sql: &str, args: &[DatumWithOid]) -> spi::Result<Option<T>> {
    Spi::connect(|client| {
        let row = client.select(sql, Some(1), args)?.first();
        briefly(|| row.get_one())
    })
}

/// The first column of the first row.
pub fn one<T: FromDatum + IntoDatum>(sql: &str, args: &[DatumWithOid]) -> spi::Result<Option<T>> {
    Spi::connect_mut(|client| {
        let row = client.update(sql, Some(1), args)?.first();
        briefly(|| row.get_one())
    })
}
