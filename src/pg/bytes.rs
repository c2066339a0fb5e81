//! Text as the bytes that it is made of: what a foreign server sends need not be in the database's encoding.

use std::ffi::CString;

use pgrx::pg_sys;
use pgrx::prelude::*;
use pgrx::spi;

/// Runs a SELECT and hands over each of its rows. What is not of type text is absent.
pub fn each(sql: &str, mut take: impl FnMut(&[Option<&[u8]>])) -> spi::Result<()> {
    let sql = CString::new(sql).unwrap_or_default();
    Spi::connect(|_| {
        // SAFETY: connected to SPI. The statement ends with a table of its rows, which lives until it is freed here, and
        // `take` cannot keep what it is given.
        unsafe {
            let code = pg_sys::SPI_execute(sql.as_ptr(), true, 0);
            Spi::check_status(code)?;
            let table = pg_sys::SPI_tuptable.as_ref().ok_or(spi::Error::NoTupleTable)?;
            let columns = (*table.tupdesc).natts;
            let is_text = |number| pg_sys::SPI_gettypeid(table.tupdesc, number) == pg_sys::TEXTOID;
            let is_text: Vec<bool> = (1..=columns).map(is_text).collect();
            let (mut values, mut nulls) = (vec![pg_sys::Datum::null(); is_text.len()], vec![false; is_text.len()]);
            let mut cells = Vec::with_capacity(is_text.len());
            for at in 0..table.numvals as usize {
                let tuple = *table.vals.add(at);
                pg_sys::heap_deform_tuple(tuple, table.tupdesc, values.as_mut_ptr(), nulls.as_mut_ptr());
                cells.clear();
                cells.extend(values.iter().zip(&nulls).zip(&is_text).map(|((value, is_null), is_text)| {
                    (*is_text && !is_null).then(|| {
                        let text = pg_sys::pg_detoast_datum_packed(value.cast_mut_ptr());
                        pgrx::varlena::varlena_to_byte_slice(text)
                    })
                }));
                take(&cells);
            }
            pg_sys::SPI_freetuptable(pg_sys::SPI_tuptable);
            Ok(())
        }
    })
}
