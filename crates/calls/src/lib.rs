//! Call records of call-centre vendors: fetched, paged, typed and normalised. No Postgres in here.

pub mod client;
pub mod error;
pub mod range;
pub mod secret;
