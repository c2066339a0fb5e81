//! One file a promise.

pub mod decode;
pub mod diagnose;
pub mod first_load;
pub mod growth;
pub mod idle;
pub mod latency;
pub mod memory;
pub mod profile;
pub mod resync;
pub mod tenants;
pub mod vicidial;
