//! Tests that must run inside PostgreSQL.

mod agents;
mod coverage;
mod store;
mod validator;
