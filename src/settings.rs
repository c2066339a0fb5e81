//! The `dialfire_sync.*` settings of the server.

use std::ffi::CString;

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

/// The vendors' own hosts; loopback is not among them, so that a tenant cannot be pointed at the server's neighbours.
static ALLOWED_HOSTS: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"api.dialfire.com"));

pub fn register() {
    GucRegistry::define_string_guc(
        c"dialfire_sync.allowed_hosts",
        c"Host names that tenants may be fetched from.",
        c"Comma-separated. Other hosts are refused before a connection is made.",
        &ALLOWED_HOSTS,
        GucContext::Suset,
        GucFlags::default(),
    );
}

pub fn allowed_hosts() -> Vec<String> {
    let hosts = ALLOWED_HOSTS.get().map(|hosts| hosts.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    hosts.split(',').map(str::trim).filter(|host| !host.is_empty()).map(str::to_owned).collect()
}
