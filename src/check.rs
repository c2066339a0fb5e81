//! `df_check`: the test from the host that fetches.

use std::sync::Arc;
use std::time::Duration;

use calls::client::Client;
use calls::error::Error;
use calls::pool::Pool;
use calls::vendor::Check;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Failure;
use crate::fetch::Fetched;
use crate::pg::bell::Bell;
use crate::pg::role::{self, AsOwner};
use crate::pg::thread;
use crate::tenant::Tenant;
use crate::vendor::Access;
use crate::vicidial;

const LONGEST_WAIT: Duration = Duration::from_secs(10);

#[pg_extern]
fn df_check(
    tenant: &str,
) -> Result<
    TableIterator<
        'static,
        (
            name!(step, String),
            name!(status, &'static str),
            name!(detail, String),
            name!(hint, Option<String>),
            name!(duration_ms, f64),
        ),
    >,
    ErrorReport,
> {
    let caller = role::caller();
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let mut checks = vec![Check {
        step: "user mapping".to_owned(),
        status: "ok",
        detail: format!("role \"{}\"", tenant.role),
        hint: None,
        duration: Duration::ZERO,
    }];
    match &tenant.access {
        Access::Vicidial(access) => checks.extend(vicidial::check::check(&tenant, access)?),
        _ => checks.extend(http(&tenant)?),
    }
    checks.push(worker()?);
    Ok(TableIterator::new(
        checks
            .into_iter()
            .map(|c| (c.step, c.status, c.detail, c.hint, (c.duration.as_secs_f64() * 10_000.0).round() / 10.0)),
    ))
}

/// Of vendors that are asked by HTTP.
fn http(tenant: &Tenant) -> Result<Vec<Check>, Failure> {
    Ok(match Client::new(tenant.http.clone()) {
        Ok(client) => {
            let client = Arc::new(client);
            let checks = with_vendor!(&tenant.access, V, access => ask::<V>(tenant, access, client))?;
            [vec![passed("allowed hosts", tenant.http.base.clone())], checks].concat()
        }
        Err(error) => vec![failed("allowed hosts", &error)],
    })
}

fn worker() -> Result<Check, Failure> {
    let hint = "SELECT df_start_worker(), and put dialfire_sync into shared_preload_libraries";
    Ok(match Spi::get_one::<i32>("SELECT dialfire.scheduler_pid()")? {
        Some(pid) => passed("worker", format!("the scheduler of this database runs, process {pid}")),
        None => Check {
            step: "worker".to_owned(),
            status: "warning",
            detail: "no scheduler runs; only what is called by hand is fetched".to_owned(),
            hint: Some(hint.to_owned()),
            duration: Duration::ZERO,
        },
    })
}

fn passed(step: &str, detail: String) -> Check {
    Check { step: step.to_owned(), status: "ok", detail, hint: None, duration: Duration::ZERO }
}

fn failed(step: &str, error: &Error) -> Check {
    let hint = error.hint().map(str::to_owned);
    Check { step: step.to_owned(), status: "failed", detail: error.to_string(), hint, duration: Duration::ZERO }
}

/// Shuts the client down when the backend leaves, however it leaves.
struct Ending(Arc<Client>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

fn ask<V: Fetched>(tenant: &Tenant, access: &V::Access, client: Arc<Client>) -> Result<Vec<Check>, Failure> {
    let _ending = Ending(client.clone());
    let access = match V::authorise(tenant, access.clone()) {
        Ok(access) => access,
        Err(failure) => {
            let (detail, hint) = (failure.to_string(), failure.hint());
            return Ok(vec![Check {
                step: "token".to_owned(),
                status: "failed",
                detail,
                hint,
                duration: Duration::ZERO,
            }]);
        }
    };
    let bell = Bell::new()?;
    let http = tenant.http.clone();
    let run = move |_: &()| V::check(&client, &access, &http);
    let mut pool = Pool::start(1, &thread::spawn, run, bell.ringer())?;
    pool.submit(());
    loop {
        match pool.take() {
            Some(((), checks)) => return Ok(checks),
            None => bell.wait(LONGEST_WAIT),
        }
    }
}
