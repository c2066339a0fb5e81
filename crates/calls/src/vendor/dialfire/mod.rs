//! Dialfire: campaigns of a tenant, their event feeds, and contacts with everything nested below.
//!
//! The event feed only says *that* something happened; the calls stand in the contacts. So a window is fetched in two
//! steps: every page of its events, then the contacts of those events that are not stored yet.

mod announced;
mod check;
mod checksum;
mod contact;
mod event;
mod leg;
mod reconcile;
mod request;
mod response;
mod seam;
mod table;
mod transaction;
mod walk;

pub use contact::Take;
pub use event::Event;
pub use reconcile::Reconcile;
pub use request::{Access, Dialfire, Job, Outcome, Source};
pub use response::{normalise, reread};
pub(super) use response::{parse, reject};
pub use table::{is_derived, Line, Parent, Reader, Table};
pub use transaction::Wanted;
pub use walk::{Aside, Known, Stored, Walk};
