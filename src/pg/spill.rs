//! Records that wait on disk, in a temporary file of Postgres's: counted by `temp_file_limit`, and gone with the statement.

use pgrx::pg_sys;
use pgrx::pg_sys::BufFile;

/// There is no Drop: what is not read to its end is closed by Postgres, maybe before it would be dropped.
pub struct Spill {
    file: *mut BufFile,
    records: u64,
}

impl Default for Spill {
    /// The current memory context must live as long as the records.
    fn default() -> Spill {
        // SAFETY: main thread inside a statement, whose resource owner closes the file.
        Spill { file: unsafe { pg_sys::BufFileCreateTemp(false) }, records: 0 }
    }
}

impl Spill {
    pub fn push(&mut self, record: &[u8]) {
        let length = (record.len() as u32).to_ne_bytes();
        for part in [&length[..], record] {
            // SAFETY: the file is open, and reads `part` only.
            unsafe { pg_sys::BufFileWrite(self.file, part.as_ptr().cast_mut().cast(), part.len()) };
        }
        self.records += 1;
    }

    /// The records in their order.
    pub fn read(self) -> impl Iterator<Item = Vec<u8>> {
        // SAFETY: the beginning is inside of the file; what is still in its buffer is written first.
        unsafe { pg_sys::BufFileSeek(self.file, 0, 0, libc::SEEK_SET) };
        let file = self.file;
        (0..self.records).map(move |_| {
            let length = take(file, size_of::<u32>());
            let length = length.try_into().map(u32::from_ne_bytes).unwrap_or_default();
            take(file, length as usize)
        })
    }
}

fn take(file: *mut BufFile, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    // SAFETY: the statement that wrote the file is the one that reads it, so it is open; `bytes` has room for the length.
    let read = unsafe { pg_sys::BufFileRead(file, bytes.as_mut_ptr().cast(), length) };
    assert_eq!(read, length, "the temporary file is short");
    bytes
}
