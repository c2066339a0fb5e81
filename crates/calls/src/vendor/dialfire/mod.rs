//! Dialfire: campaigns of a tenant, their event feeds, and contacts with everything nested below.
//!
//! The event feed only says *that* something happened; the calls stand in the contacts. So a window is fetched in two
//! steps: every page of its events, then the contacts of those events that are not stored yet.

mod check;
mod contact;
mod event;
mod reconcile;
mod request;
mod response;
mod walk;

pub use check::{check, Check};
pub use contact::{Take, Wanted};
pub use event::Event;
pub use reconcile::Reconcile;
pub use request::{Access, Dialfire, Job, Listed, Outcome, Reply, Source};
pub use response::{normalise, reread, Normalised};
pub use walk::{Counts, Known, Path, Stored, Walk};
