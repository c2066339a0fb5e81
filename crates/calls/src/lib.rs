//! Call records of call-centre vendors: fetched, paged, typed and normalised. No Postgres in here.

pub mod client;
pub mod copy;
pub mod error;
pub mod field;
pub mod instant;
pub mod json;
pub mod main_leg;
pub mod phone;
pub mod pool;
pub mod range;
pub mod rollup;
pub mod row;
pub mod secret;
pub mod steps;
pub mod vendor;
