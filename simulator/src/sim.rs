//! The running simulator: its state, and the way of a request through log, rate limit, faults and endpoints.

use crate::answer::{Answer, Cursors};
use crate::api::Call;
use crate::data::{Plan, World};
use crate::fault::{self, Faults};
use crate::log::{Log, Visit};
use crate::report::Reports;
use crate::vapi::Vapi;
use crate::{control, highlevel, truth};
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::Response;
use axum::serve::ListenerExt;
use axum::Router;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;
use tokio::net::TcpListener;

const MOST_BODY: usize = 256 << 20;

pub struct Sim {
    world: RwLock<World>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    cursors: Mutex<Cursors>,
    reports: Mutex<Reports>,
    settings: Mutex<Settings>,
    highlevel: Mutex<highlevel::Location>,
    vapi: Mutex<Vapi>,
    anchor: i64,
    begun: Instant,
    pub port: u16,
}

#[derive(Clone, Copy)]
pub struct Settings {
    pub shift: i64,
    pub from_inclusive: bool,
    pub to_inclusive: bool,
    pub users_hidden: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sim {
    pub fn new(plan: Plan, port: u16) -> Self {
        Self {
            faults: Mutex::new(Faults::new(plan.seed)),
            log: Mutex::default(),
            cursors: Mutex::new(Cursors::new(plan.seed)),
            reports: Mutex::new(Reports::new(plan.seed)),
            settings: Mutex::new(Settings { shift: 0, from_inclusive: true, to_inclusive: false, users_hidden: false }),
            highlevel: Mutex::default(),
            vapi: Mutex::default(),
            anchor: plan.anchor,
            begun: Instant::now(),
            world: RwLock::new(World::new(plan)),
            port,
        }
    }

    /// The vendor's now: the anchor, the time since the start, and the shift that was asked for.
    pub fn now(&self) -> i64 {
        self.anchor + self.begun.elapsed().as_millis() as i64 + self.settings().shift
    }

    pub fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn world_mut(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn settings(&self) -> Settings {
        *lock(&self.settings)
    }

    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.settings));
    }

    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub fn highlevel(&self) -> MutexGuard<'_, highlevel::Location> {
        lock(&self.highlevel)
    }

    pub fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    pub fn cursors(&self) -> MutexGuard<'_, Cursors> {
        lock(&self.cursors)
    }

    pub fn vapi(&self) -> MutexGuard<'_, Vapi> {
        lock(&self.vapi)
    }

    pub fn reports(&self) -> MutexGuard<'_, Reports> {
        lock(&self.reports)
    }
}

/// Serves the vendor's API and the control endpoints until the process ends.
pub async fn run(sim: Arc<Sim>, listener: TcpListener) -> std::io::Result<()> {
    let counted = sim.clone();
    let listener = listener.tap_io(move |io| {
        let _ = io.set_nodelay(true);
        counted.log().connections += 1;
    });
    let router = Router::new()
        .merge(control::router())
        .merge(truth::router())
        .merge(highlevel::router())
        .fallback(serve)
        .layer(DefaultBodyLimit::disable())
        .with_state(sim);
    axum::serve(listener, router).await
}

async fn serve(State(sim): State<Arc<Sim>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MOST_BODY).await.unwrap_or_default().to_vec();
    let call = Call::new(parts.method, parts.uri, parts.headers, body);
    let mut visit = Visit::begin(&sim, &call);
    let admitted = sim.log().admit();
    let response = if admitted {
        let chosen = sim.faults().choose(&call);
        fault::respond(&sim, &call, chosen).await
    } else {
        fault::send(&sim, Answer::refuse(429).with("retry-after", "1"))
    };
    visit.end(response.status().as_u16(), response.body().size_hint().lower());
    response
}
