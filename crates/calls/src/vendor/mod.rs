//! The vendors: each speaks its own API and ends in the rows of [`crate::row`].

pub mod dialfire;
