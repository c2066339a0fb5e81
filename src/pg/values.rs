//! Values that statements return, leaving nothing behind.
//!
//! pgrx copies what it reads into the parent of the current memory context: read where SPI returned, each array would stay
//! until the end of the transaction.

use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::{self, SpiTupleTable};

use super::memory::briefly;

/// One value that is only read. [`one`] would take a transaction id for it, and the commit would write WAL.
pub fn read<T: FromDatum + IntoDatum>(sql: &str, args: &[DatumWithOid]) -> spi::Result<Option<T>> {
    Spi::connect(|client| {
        let row = client.select(sql, Some(1), args)?.first();
        briefly(|| row.get_one())
    })
}

/// Rows at once, where there may be very many.
const PART: i64 = 2_000;

/// Hands over the rows of a SELECT part by part, so that they need no more memory than one.
pub fn parts(
    sql: &str,
    args: &[DatumWithOid],
    mut take: impl FnMut(SpiTupleTable<'_>) -> spi::Result<()>,
) -> spi::Result<()> {
    let mut cursor = Spi::connect(|client| Ok::<_, spi::Error>(client.try_open_cursor(sql, args)?.detach_into_name()))?;
    loop {
        // A connection a part: what a cursor has fetched stays until its connection ends.
        let next = briefly(|| {
            Spi::connect(|client| {
                let mut open = client.find_cursor(&cursor)?;
                let rows = open.fetch(PART)?;
                if rows.is_empty() {
                    return Ok(None);
                }
                briefly(|| take(rows))?;
                Ok::<_, spi::Error>(Some(open.detach_into_name()))
            })
        })?;
        let Some(next) = next else { return Ok(()) };
        cursor = next;
    }
}

/// The first column of the first row.
pub fn one<T: FromDatum + IntoDatum>(sql: &str, args: &[DatumWithOid]) -> spi::Result<Option<T>> {
    Spi::connect_mut(|client| {
        let row = client.update(sql, Some(1), args)?.first();
        briefly(|| row.get_one())
    })
}
