//! The promises of the extension, each kept on a real server against a simulated vendor.

mod adopt;
mod backfill;
mod bad_input;
mod dashboard;
mod days;
mod diagnose;
mod errors;
mod extremes;
mod faults;
mod hang;
mod health;
mod highlevel;
mod late;
mod lifecycle;
mod limits;
mod logins;
mod losses;
mod refresh;
mod schedule;
mod secrets;
mod security;
mod sync;
mod vapi;
mod vicidial;
mod webhooks;
mod worker;
