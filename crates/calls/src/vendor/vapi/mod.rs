//! Vapi: one list of calls of an organisation, newest first and without a cursor, and webhooks about single calls.
//!
//! What a list, a single call and a webhook say of a call is put together column by column, each with the vendor's time
//! of it, so that the row is the same whatever came first.

mod call;
mod check;
mod message;
mod request;
mod response;
mod seam;
mod signature;
mod walk;

pub use call::{Attempt, Brief, Take, VoiceCall};
pub use message::{read as read_message, Event, Refused};
pub use request::{Access, Job, Outcome, Source, Vapi};
pub use response::{normalise, reject_message, SOURCE};
pub use signature::{verify, Auth, Hmac, Untrusted};
pub use walk::{Span, Walk};
