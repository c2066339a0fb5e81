//! Dialfire's HTTP API on loopback, with data from a seed and faults on demand, for demo, tests and benchmarks.
//!
//! ```sh
//! simulator --port 8901 --days 14 --calls-per-day 300 --anchor 2026-11-21T12:00:00Z
//! curl -H 'Authorization: Bearer tenant-secret-token' http://127.0.0.1:8901/api/tenants/9c6d0163/campaigns/
//! curl -d '{"kind": "retry_after_seconds", "path": "contacts/transactions", "value": 3, "times": 1}' \
//!     http://127.0.0.1:8901/_control/faults
//! ```

mod answer;
mod api;
mod change;
mod control;
mod data;
mod fault;
mod generate;
mod highlevel;
mod listing;
mod log;
mod person;
mod render;
mod report;
mod rng;
mod sim;
#[cfg(test)]
mod testing;
mod text;
mod truth;
mod vapi;

use clap::Parser;
use data::Plan;
use std::io::{Read, Write};
use std::sync::Arc;

#[derive(Parser)]
#[command(about = "Dialfire's HTTP API on loopback, with data from a seed and faults on demand")]
struct Arguments {
    /// 0 takes a free one; the first line of output tells which
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[arg(long, default_value_t = 42)]
    seed: u64,
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=3660))]
    days: u32,
    /// Transactions a day, over all campaigns
    #[arg(long, default_value_t = 300)]
    calls_per_day: u32,
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    agents: u16,
    /// Not counting the one without API access
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    campaigns: u16,
    /// Share of the transactions without a user
    #[arg(long, default_value_t = 0.1)]
    non_human: f64,
    /// Share of the recordings without a location yet
    #[arg(long, default_value_t = 0.05)]
    late_recordings: f64,
    /// Phone legs of a call on average, up to 2 [default: a third of the calls has none, a few have two]
    #[arg(long, value_parser = share::<2>)]
    legs: Option<f64>,
    /// Share of all legs with a recording [default: most of the calls that were talked]
    #[arg(long, value_parser = share::<1>)]
    recorded: Option<f64>,
    /// Calls that have not ended yet
    #[arg(long, default_value_t = 3)]
    in_progress: u32,
    /// Of the working hours, and of the midnights at which calls lie exactly
    #[arg(long, default_value = "Europe/Nicosia")]
    timezone: chrono_tz::Tz,
    /// The vendor's now, the end of all data [default: now]
    #[arg(long, value_parser = |text: &str| text::parse_time(text).ok_or("not an instant like 2026-11-21T12:00:00Z"))]
    anchor: Option<i64>,
    #[arg(long, default_value = "9c6d0163")]
    tenant: String,
    #[arg(long, default_value = "tenant-secret-token")]
    tenant_token: String,
    /// Keep each contact's JSON after it was first asked for: the vendor then costs next to nothing, but memory
    #[arg(long)]
    keep_rendered: bool,
    /// End when standard input ends
    #[arg(long)]
    exit_with_stdin: bool,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    if arguments.exit_with_stdin {
        std::thread::spawn(|| {
            let mut stdin = std::io::stdin().lock();
            while matches!(stdin.read(&mut [0; 64]), Ok(1..)) {}
            std::process::exit(0);
        });
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let port = listener.local_addr()?.port();
    let plan = plan(arguments);
    let (days, anchor) = (plan.days, plan.anchor);
    let sim = Arc::new(sim::Sim::new(plan, port));
    sim.highlevel().fill(days, anchor);
    println!("simulator listening on http://127.0.0.1:{port}/api");
    std::io::stdout().flush()?;
    sim::run(sim, listener).await
}

fn share<const MOST: u32>(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=f64::from(MOST)).contains(number));
    number.ok_or_else(|| format!("not a number from 0 to {MOST}"))
}

fn plan(arguments: Arguments) -> Plan {
    Plan {
        seed: arguments.seed,
        days: arguments.days,
        calls_per_day: arguments.calls_per_day,
        agents: arguments.agents,
        campaigns: arguments.campaigns,
        non_human: arguments.non_human,
        late_recordings: arguments.late_recordings,
        legs: arguments.legs,
        recorded: arguments.recorded,
        keep_rendered: arguments.keep_rendered,
        in_progress: arguments.in_progress,
        timezone: arguments.timezone,
        anchor: arguments.anchor.unwrap_or_else(|| chrono::Utc::now().timestamp_millis()),
        tenant: arguments.tenant,
        tenant_token: arguments.tenant_token,
    }
}
