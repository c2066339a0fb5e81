//! Tests that must run inside PostgreSQL.

mod agents;
mod coverage;
mod deadline;
mod lookup;
mod memory;
mod stats;
mod store;
mod validator;
mod views;
