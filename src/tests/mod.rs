//! Tests that must run inside PostgreSQL.

mod agents;
mod coverage;
mod stats;
mod store;
mod validator;
mod views;
