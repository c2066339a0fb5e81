//! Who asks, and working as the owner of the extension.
//!
//! SECURITY DEFINER would hide the caller behind the owner, and a procedure that commits may not be one. So the entry
//! points run as the caller and change over themselves, as a matview refresh does.

use std::ffi::CStr;

use pgrx::pg_sys;

use crate::error::Failure;

/// The role whose rights and user mapping count.
pub fn caller() -> pg_sys::Oid {
    // SAFETY: reads a variable of this backend.
    unsafe { pg_sys::GetUserId() }
}

pub fn is_superuser() -> bool {
    // SAFETY: a syscache lookup on the main thread, inside a transaction.
    unsafe { pg_sys::superuser() }
}

pub fn name(role: pg_sys::Oid) -> String {
    // SAFETY: returns a palloc'd C string; with `noerr` false it raises an error instead of returning null.
    unsafe { CStr::from_ptr(pg_sys::GetUserNameFromId(role, false)).to_string_lossy().into_owned() }
}

/// The role of that name, if it still exists.
pub fn find(name: &str) -> Option<pg_sys::Oid> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: a syscache lookup on the main thread, inside a transaction; with `missing_ok` it raises no error.
    let role = unsafe { pg_sys::get_role_oid(name.as_ptr(), true) };
    (role != pg_sys::InvalidOid).then_some(role)
}

/// Whether the caller has the rights of a role, as its member or as superuser.
pub fn has_rights_of(role: pg_sys::Oid) -> bool {
    // SAFETY: as `find`.
    unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), role) }
}

/// Whether `caller` is `owner` or a member of it.
pub fn may_act_for(caller: &str, owner: &str) -> bool {
    match (find(caller), find(owner)) {
        // SAFETY: as `find`.
        (Some(caller), Some(owner)) => unsafe { pg_sys::is_member_of_role(caller, owner) },
        _ => false,
    }
}

/// From here to the end of the scope another role works, with nothing of the caller's in the search path.
pub struct AsOwner {
    user: pg_sys::Oid,
    context: i32,
    nest_level: i32,
}

impl AsOwner {
    /// The extension's owner. His statements are short and come by the hundred: compiling one takes longer than running it, and
    /// the compiler's memory stays with the backend.
    pub fn begin() -> Result<AsOwner, Failure> {
        let owner = AsOwner::change(extension_owner()?, pg_sys::SECURITY_LOCAL_USERID_CHANGE);
        set(c"jit", c"off");
        Ok(owner)
    }

    /// The owner of somebody's view, or the reader of somebody's foreign tables, whose functions may do no more to this session than a matview refresh lets them.
    pub fn of_view(owner: pg_sys::Oid) -> AsOwner {
        AsOwner::change(owner, pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION)
    }

    /// Still the caller: only names are found, and printed, as if nobody had a search path.
    pub fn nobody_else() -> AsOwner {
        AsOwner::change(caller(), 0)
    }

    fn change(role: pg_sys::Oid, context: u32) -> AsOwner {
        let mut before = AsOwner { user: pg_sys::InvalidOid, context: 0, nest_level: 0 };
        // SAFETY: main thread inside a transaction; restored by Drop, or by Postgres itself when the transaction or
        // subtransaction aborts.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut before.user, &mut before.context);
            pg_sys::SetUserIdAndSecContext(role, before.context | context as i32);
            before.nest_level = pg_sys::NewGUCNestLevel();
        }
        set(c"search_path", c"pg_catalog, pg_temp");
        before
    }
}

/// Until the nest level that was opened last ends.
fn set(setting: &CStr, value: &CStr) {
    // SAFETY: main thread inside a transaction, inside of the nest level of an `AsOwner`; both are copied.
    unsafe {
        pg_sys::set_config_option(
            setting.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
    }
}

impl Drop for AsOwner {
    fn drop(&mut self) {
        // An error on its way out ends in an abort, which restores both.
        if std::thread::panicking() {
            return;
        }
        // SAFETY: undoes what `begin` did, in reverse order, at the nest level that it opened.
        unsafe {
            pg_sys::AtEOXact_GUC(false, self.nest_level);
            pg_sys::SetUserIdAndSecContext(self.user, self.context);
        }
    }
}

/// Objects of this version and later can be served; see "Changing what is installed" in CONTRIBUTING.md.
const OLDEST_OBJECTS: [u32; 3] = [0, 1, 0];

fn extension_owner() -> Result<pg_sys::Oid, Failure> {
    // Operators are qualified: this runs before the search path is pinned.
    let sql =
        "SELECT extowner, extversion FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'dialfire_sync'";
    let found: pgrx::spi::Result<_> = pgrx::Spi::connect(|client| client.select(sql, Some(1), &[])?.first().get_two());
    let Ok((Some(owner), Some(version))) = found else { return Err(Failure::NoExtension) };
    let version: String = version;
    let numbers: Vec<u32> = version.split('.').map_while(|number| number.parse().ok()).collect();
    if numbers[..] < OLDEST_OBJECTS[..] {
        return Err(Failure::OldObjects { version });
    }
    Ok(owner)
}
