//! Records that wait on disk, in a temporary file of Postgres's: in `temp_tablespaces`, within `temp_file_limit`, and gone with
//! the transaction.

use calls::vendor::Aside;
use pgrx::pg_sys;
use pgrx::pg_sys::BufFile;

/// There is no Drop: what is not read to its end is closed by Postgres, maybe before it would be dropped. Of a file that is open
/// when its transaction commits Postgres warns, so one without records is not made.
pub struct Spill {
    file: *mut BufFile,
    records: u64,
}

impl Default for Spill {
    fn default() -> Spill {
        Spill { file: std::ptr::null_mut(), records: 0 }
    }
}

fn create() -> *mut BufFile {
    // SAFETY: main thread inside a transaction, which the file and its memory live as long as; both are put back.
    unsafe {
        let owner = pg_sys::CurrentResourceOwner;
        let context = pg_sys::MemoryContextSwitchTo(pg_sys::TopTransactionContext);
        pg_sys::CurrentResourceOwner = pg_sys::TopTransactionResourceOwner;
        pg_sys::PrepareTempTablespaces();
        let file = pg_sys::BufFileCreateTemp(false);
        pg_sys::CurrentResourceOwner = owner;
        pg_sys::MemoryContextSwitchTo(context);
        file
    }
}

impl Spill {
    pub fn push(&mut self, record: &[u8]) {
        if self.file.is_null() {
            self.file = create();
        }
        let length = (record.len() as u32).to_ne_bytes();
        for part in [&length[..], record] {
            // SAFETY: the file is open, and reads `part` only.
            unsafe { pg_sys::BufFileWrite(self.file, part.as_ptr().cast_mut().cast(), part.len()) };
        }
        self.records += 1;
    }

    /// The records in their order.
    pub fn read(self) -> Records {
        if self.records > 0 {
            // SAFETY: the file is open, its beginning is inside of it; what is still in its buffer is written first.
            unsafe { pg_sys::BufFileSeek(self.file, 0, 0, libc::SEEK_SET) };
        }
        Records { file: self.file, left: self.records }
    }
}

pub struct Records {
    file: *mut BufFile,
    left: u64,
}

impl Iterator for Records {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.left = self.left.checked_sub(1)?;
        let length = take(self.file, size_of::<u32>());
        let length = length.try_into().map(u32::from_ne_bytes).unwrap_or_default();
        let record = take(self.file, length as usize);
        if self.left == 0 {
            // SAFETY: the file is open, and nothing asks for it any more.
            unsafe { pg_sys::BufFileClose(self.file) };
        }
        Some(record)
    }
}

fn take(file: *mut BufFile, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    // SAFETY: the transaction that wrote the file is the one that reads it, so it is open; `bytes` has room for the length.
    let read = unsafe { pg_sys::BufFileRead(file, bytes.as_mut_ptr().cast(), length) };
    assert_eq!(read, length, "the temporary file is short");
    bytes
}

impl Aside for Spill {
    fn write(&mut self, bytes: &[u8]) {
        self.push(bytes);
    }

    fn read(self: Box<Spill>) -> Vec<u8> {
        let bytes = Spill::read(*self).flatten().collect();
        // What was held before has left holes, which would grow with each part that is read back.
        #[cfg(target_env = "gnu")]
        // SAFETY: it gives free memory back to the system, and touches no other.
        unsafe {
            libc::malloc_trim(0)
        };
        bytes
    }
}
