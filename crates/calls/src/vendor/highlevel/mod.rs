//! HighLevel Voice AI: the call logs of a location page by page, its agents, and the messages that know direction and
//! status.
//!
//! A call log says neither who called whom nor how it ended: that stands in the message of the conversation to which the
//! call belongs. So a window is read in two steps: the messages of its calls, where the token may read them, then the logs.

mod call;
mod check;
mod message;
pub mod oauth;
mod request;
mod seam;
mod signature;
mod walk;
pub mod webhook;

pub use message::Told;
pub use request::{Access, HighLevel, Job, Location, Outcome};
pub use signature::{Keys, Untrusted};
pub use walk::Walk;
