//! VICIdial: the dialler's tables as foreign tables, read by statements that cannot hold it up.

pub mod check;
mod read;
pub mod setup;
mod tables;

use calls::vendor::vicidial::{Access, Vicidial};

use crate::error::Failure;
use crate::fetch::{Fetched, Here};
use crate::tenant::Tenant;

pub use read::{Cells, Dialler};

impl Fetched for Vicidial {
    fn here(tenant: &Tenant, access: &Access) -> Result<Option<Here<Vicidial>>, Failure> {
        let dialler = Dialler::open(tenant, access)?;
        Ok(Some(Box::new(move |job| dialler.run(job))))
    }
}
