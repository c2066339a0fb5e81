//! Access tokens that are got by refresh tokens, each of which is good only once.
//!
//! A process of its own asks for the new pair and commits it before anybody uses it: the transaction of the caller may
//! still be rolled back, and with it the only token that the vendor takes.

use std::sync::Arc;
use std::time::Duration;

use calls::client::Client;
use calls::error::Error;
use calls::pool::Pool;
use calls::secret::Secret;
use calls::vendor::highlevel::oauth::{self, App, Tokens};
use calls::vendor::Reply;
use pgrx::bgworkers::{BackgroundWorker, BackgroundWorkerBuilder, BgWorkerStartTime};
use pgrx::pg_sys;
use pgrx::prelude::*;
use pgrx::spi;

use crate::error::Failure;
use crate::pg::bell::Bell;
use crate::pg::process;
use crate::pg::role::{self, AsOwner};
use crate::pg::thread;
use crate::pg::transaction::Transactions;
use crate::tenant::{Secrets, Tenant};
use crate::worker::LIBRARY;

const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// An app and the refresh token that the user mapping gives.
#[derive(Clone)]
pub struct Grant {
    pub app: App,
    pub given: Secret,
}

impl Grant {
    pub fn of(client_id: Option<String>, secrets: &Secrets) -> Option<Grant> {
        let (client_id, client_secret) = (client_id?, secrets.client_secret.clone()?);
        let given = secrets.refresh_token.clone().filter(|_| secrets.token.is_none())?;
        Some(Grant { app: App { client_id, client_secret }, given })
    }
}

/// What is stored of a refresh token.
struct Stored {
    refresh: Secret,
    access: Option<Secret>,
    state: String,
    message: String,
}

/// An access token that is good for a while yet.
pub fn token(tenant: &Tenant, grant: &Grant) -> Result<Secret, Failure> {
    if let Some(token) = usable(tenant, stored(tenant, grant)?)? {
        return Ok(token);
    }
    let worker = BackgroundWorkerBuilder::new("dialfire_sync token")
        .set_type("dialfire_sync token")
        .set_library(LIBRARY)
        .set_function("dialfire_token_main")
        .set_start_time(BgWorkerStartTime::RecoveryFinished)
        .set_argument(Some(pg_sys::Datum::from(process::database())))
        // A name has at most 63 bytes, so both fit into the worker's 128.
        .set_extra(&format!("{} {}", role::find(&tenant.role).unwrap_or(pg_sys::InvalidOid).to_u32(), tenant.name))
        .enable_spi_access()
        .set_notify_pid(process::pid())
        .load_dynamic()
        .map_err(|_| Failure::NoSlot)?;
    let _ = worker.wait_for_shutdown();
    let found = stored(tenant, grant)?;
    let why = found.as_ref().map_or_else(|| "it was not asked".to_owned(), |stored| stored.message.clone());
    let error = Error::answer(format!("no access token: {why}"));
    usable(tenant, found)?.ok_or_else(|| Failure::Vendor { tenant: tenant.name.clone(), error })
}

fn usable(tenant: &Tenant, found: Option<Stored>) -> Result<Option<Secret>, Failure> {
    match found {
        Some(stored) if stored.state == "lost" => {
            Err(Failure::TokenLost { tenant: tenant.name.clone(), why: stored.message })
        }
        found => Ok(found.and_then(|stored| stored.access)),
    }
}

fn fingerprint(grant: &Grant) -> spi::Result<String> {
    Ok(Spi::get_one_with_args::<String>("SELECT md5($1)", &[grant.given.expose().into()])?.unwrap_or_default())
}

/// `access` only where it is good for ten minutes yet.
fn stored(tenant: &Tenant, grant: &Grant) -> spi::Result<Option<Stored>> {
    let fingerprint = fingerprint(grant)?;
    // Not as a query of a snapshot: what the process has just committed must be seen.
    Spi::connect_mut(|client| {
        let rows = client.update(
            "SELECT refresh_token, CASE WHEN expires_at > clock_timestamp() + interval '10 minutes' THEN access_token END,
                state, COALESCE(message, '') FROM dialfire.oauth_tokens WHERE tenant = $1 AND fingerprint = $2",
            Some(1),
            &[tenant.name.as_str().into(), fingerprint.into()],
        )?;
        let row = rows.into_iter().next();
        row.map(|row| {
            Ok(Stored {
                refresh: Secret::new(row.get::<String>(1)?.unwrap_or_default()),
                access: row.get::<String>(2)?.map(Secret::new),
                state: row.get(3)?.unwrap_or_default(),
                message: row.get(4)?.unwrap_or_default(),
            })
        })
        .transpose()
    })
}

// The postmaster finds it by its name.
#[allow(unsafe_code)]
#[no_mangle]
#[pg_guard]
pub extern "C-unwind" fn dialfire_token_main(argument: pg_sys::Datum) {
    let database = pg_sys::Oid::from(argument.value() as u32);
    let what = BackgroundWorker::get_extra().to_owned();
    process::begin();
    process::connect(database);
    let Some((role, tenant)) = what.split_once(' ') else { return };
    let caller = pg_sys::Oid::from(role.parse::<u32>().unwrap_or_default());
    process::show("dialfire_sync token", &format!("token of {tenant}"), true);
    let transactions = Transactions::of_worker();
    let begun = match begin(tenant, caller) {
        Ok(Some(begun)) => begun,
        Ok(None) => return,
        Err(error) => return warning!("dialfire_sync: token of {tenant}: {error}"),
    };
    // From here on a broken rotation shows.
    transactions.commit();
    let outcome = ask(&begun).unwrap_or_else(|failure| Err(Error::answer(failure.to_string())));
    if let Err(error) = end(&begun, outcome) {
        warning!("dialfire_sync: token of {tenant}: {error}");
    }
}

struct Begun {
    tenant: Tenant,
    grant: Grant,
    refresh: Secret,
    was_rotating: bool,
}

/// Takes the token for itself and notes that it is about to be used; `None` where another process was faster.
fn begin(tenant: &str, caller: pg_sys::Oid) -> Result<Option<Begun>, Failure> {
    let _owner = AsOwner::begin()?;
    let tenant = Tenant::load(tenant, caller)?;
    let Some(grant) = tenant.grant.clone() else { return Ok(None) };
    // To the end of the process: nobody else may present the same token.
    Spi::run_with_args(
        "SELECT pg_advisory_lock(hashtextextended($1, 0))",
        &[format!("dialfire_sync token {}", fingerprint(&grant)?).into()],
    )?;
    let found = stored(&tenant, &grant)?;
    if found.as_ref().is_some_and(|stored| stored.access.is_some() || stored.state == "lost") {
        return Ok(None);
    }
    let was_rotating = found.as_ref().is_some_and(|stored| stored.state == "rotating");
    let refresh = found.map_or_else(|| grant.given.clone(), |stored| stored.refresh);
    Spi::run_with_args(
        "INSERT INTO dialfire.oauth_tokens (tenant, fingerprint, refresh_token) VALUES ($1, $2, $3)
         ON CONFLICT (tenant, fingerprint) DO UPDATE SET state = 'rotating', changed_at = clock_timestamp()",
        &[tenant.name.as_str().into(), fingerprint(&grant)?.into(), refresh.expose().into()],
    )?;
    Ok(Some(Begun { tenant, grant, refresh, was_rotating }))
}

fn ask(begun: &Begun) -> Result<Result<Tokens, Error>, Failure> {
    let client = match Client::new(begun.tenant.http.clone()) {
        Ok(client) => Arc::new(client),
        Err(error) => return Ok(Err(error)),
    };
    let bell = Bell::new()?;
    let (app, refresh, asking) = (begun.grant.app.clone(), begun.refresh.clone(), client.clone());
    let run = move |_: &()| oauth::refresh(&asking, &app, &refresh);
    let mut pool: Pool<(), Reply<Tokens>> = Pool::start(1, &thread::spawn, run, bell.ringer())?;
    pool.submit(());
    loop {
        match pool.take() {
            Some(((), reply)) => return Ok(reply.outcome),
            None => bell.wait(LONGEST_WAIT),
        }
    }
}

fn end(begun: &Begun, outcome: Result<Tokens, Error>) -> Result<(), Failure> {
    let _owner = AsOwner::begin()?;
    let key = fingerprint(&begun.grant)?;
    let tenant = begun.tenant.name.as_str();
    match outcome {
        Ok(tokens) => Spi::run_with_args(
            "UPDATE dialfire.oauth_tokens SET refresh_token = $3, access_token = $4, state = 'good', message = NULL,
                expires_at = clock_timestamp() + make_interval(secs => $5), changed_at = clock_timestamp()
             WHERE tenant = $1 AND fingerprint = $2",
            &[
                tenant.into(),
                key.into(),
                tokens.refresh.expose().into(),
                tokens.access.expose().into(),
                (tokens.lives.num_seconds() as f64).into(),
            ],
        )?,
        Err(error) => {
            let is_lost = matches!(error, Error::Status { status: 400 | 401 | 403, .. });
            let mut message = begun.refresh.redact(&error.to_string());
            if is_lost && begun.was_rotating {
                message = format!("an earlier answer with the next token did not arrive; now {message}");
            }
            // Without an answer the vendor may have used the token up or not: the next attempt tells.
            Spi::run_with_args(
                "UPDATE dialfire.oauth_tokens SET state = CASE WHEN $3 THEN 'lost' ELSE state END, message = $4,
                    changed_at = clock_timestamp() WHERE tenant = $1 AND fingerprint = $2",
                &[tenant.into(), key.into(), is_lost.into(), message.into()],
            )?;
        }
    }
    Ok(())
}
