//! The vendors' APIs on loopback.

fn main() {}
