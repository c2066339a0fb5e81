//! COPY from memory, as a subscription's first copy does it: defaults, constraints, indexes and triggers included.

use std::cell::RefCell;
use std::ffi::{c_int, c_void, CString};

use pgrx::pg_sys;

/// What COPY has still to read. Its callback has no argument to say so.
struct Feed {
    data: *const u8,
    left: usize,
}

thread_local! {
    static FEED: RefCell<Feed> = const { RefCell::new(Feed { data: std::ptr::null(), left: 0 }) };
}

/// Whether text needs no conversion on its way: COPY takes it to be in the client's encoding.
pub fn takes_utf8() -> bool {
    // SAFETY: both read a variable of this backend.
    unsafe {
        let utf8 = pg_sys::pg_enc::PG_UTF8 as c_int;
        pg_sys::pg_get_client_encoding() == utf8 && pg_sys::GetDatabaseEncoding() == utf8
    }
}

/// Appends binary tuples to a table of the schema `dialfire`.
pub fn append<'a>(table: &str, columns: impl IntoIterator<Item = &'a str>, data: &[u8]) {
    let table = CString::new(table).unwrap_or_default();
    FEED.set(Feed { data: data.as_ptr(), left: data.len() });
    // SAFETY: main thread inside a transaction. An error unwinds before `data` is freed, and the next call feeds anew.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"dialfire".as_ptr(), false);
        let id = pg_sys::get_relname_relid(table.as_ptr(), schema);
        let relation = pg_sys::table_open(id, pg_sys::RowExclusiveLock as i32);
        let state = pg_sys::make_parsestate(std::ptr::null_mut());
        let lock = pg_sys::RowExclusiveLock as i32;
        pg_sys::addRangeTableEntryForRelation(state, relation, lock, std::ptr::null_mut(), false, false);
        let mut names = std::ptr::null_mut();
        for column in columns {
            names = pg_sys::lappend(names, string(column).cast());
        }
        let format = pg_sys::makeDefElem(pg_sys::pstrdup(c"format".as_ptr()), string("binary").cast(), -1);
        let options = pg_sys::lappend(std::ptr::null_mut(), format.cast());
        let copy = pg_sys::BeginCopyFrom(
            state,
            relation,
            std::ptr::null_mut(),
            std::ptr::null(),
            false,
            Some(feed),
            names,
            options,
        );
        pg_sys::CopyFrom(copy);
        pg_sys::EndCopyFrom(copy);
        pg_sys::free_parsestate(state);
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        pg_sys::CommandCounterIncrement();
    }
}

unsafe fn string(text: &str) -> *mut pg_sys::String {
    let text = CString::new(text).unwrap_or_default();
    // SAFETY: pstrdup copies the text into the current memory context, where the node lives too.
    unsafe { pg_sys::makeString(pg_sys::pstrdup(text.as_ptr())) }
}

unsafe extern "C-unwind" fn feed(buffer: *mut c_void, _least: c_int, most: c_int) -> c_int {
    FEED.with_borrow_mut(|feed| {
        let length = feed.left.min(most as usize);
        // SAFETY: COPY's buffer has room for `most` bytes, and `length` of ours are left.
        unsafe {
            std::ptr::copy_nonoverlapping(feed.data, buffer.cast(), length);
            feed.data = feed.data.add(length);
        }
        feed.left -= length;
        length as c_int
    })
}
