//! Text as the bytes that it is made of: what a foreign server sends need not be in the database's encoding.

use pgrx::pg_sys;
use pgrx::prelude::*;

pub struct Bytes(pub Vec<u8>);

impl FromDatum for Bytes {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Bytes> {
        if is_null {
            return None;
        }
        // SAFETY: pgrx calls this with a datum of a type that `is_compatible_with` accepts, which is a varlena; the bytes
        // are copied before anything can free it.
        unsafe {
            let text = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
            Some(Bytes(pgrx::varlena::varlena_to_byte_slice(text).to_vec()))
        }
    }
}

impl IntoDatum for Bytes {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        self.0.into_datum()
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TEXTOID
    }

    fn is_compatible_with(other: pg_sys::Oid) -> bool {
        matches!(other, pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID)
    }
}
