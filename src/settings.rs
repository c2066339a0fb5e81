//! The `dialfire_sync.*` settings of the server.

use std::ffi::CString;

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

/// The vendors' own hosts; loopback is not among them, so that a tenant cannot be pointed at the server's neighbours.
static ALLOWED_HOSTS: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"api.dialfire.com,services.leadconnectorhq.com,api.vapi.ai"));

static MAX_WORKERS: GucSetting<i32> = GucSetting::<i32>::new(4);
static RETENTION_DAYS: GucSetting<i32> = GucSetting::<i32>::new(90);
static RETENTION_ROWS: GucSetting<i32> = GucSetting::<i32>::new(100_000);

pub fn register() {
    GucRegistry::define_int_guc(
        c"dialfire_sync.max_workers",
        c"Jobs that run at once in a database.",
        c"Each takes one of max_worker_processes.",
        &MAX_WORKERS,
        1,
        64,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"dialfire_sync.retention_days",
        c"Days that runs, HTTP log lines, resolved rejects, webhooks and alerts are kept.",
        c"df_cleanup and the job clean_up remove what is older.",
        &RETENTION_DAYS,
        1,
        36_500,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"dialfire_sync.retention_rows",
        c"Runs, HTTP log lines and resolved rejects that are kept of a tenant.",
        c"df_cleanup and the job clean_up remove the oldest beyond it.",
        &RETENTION_ROWS,
        1,
        i32::MAX,
        GucContext::Suset,
        GucFlags::default(),
    );
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

pub fn max_workers() -> i32 {
    MAX_WORKERS.get()
}

pub fn retention_days() -> i32 {
    RETENTION_DAYS.get()
}

pub fn retention_rows() -> i32 {
    RETENTION_ROWS.get()
}
