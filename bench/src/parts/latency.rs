//! A vendor that takes 50 ms to answer, and one that says 429.

use crate::ground::{vendor, Ground};
use crate::measure::{cost, of, Cost};
use crate::report::Section;
use crate::series::Series;
use crate::Size;
use integration::simulator::{Simulator, ALL};
use serde_json::json;
use std::thread;
use std::time::Duration;

const LATENCY: f64 = 0.05;
/// Requests a second that the tenant is limited to, and that the vendor bears.
const LIMIT: u64 = 40;
const BEARABLE: u64 = 20;

pub fn measure(ground: &Ground, size: &Size, section: &mut Section) {
    let whole = vendor(size.calls);
    let mut database = ground.connect("postgres");
    database.exec("CREATE EXTENSION IF NOT EXISTS dialfire_sync");
    let concurrency: String = database.one("SELECT default_value FROM df_options() WHERE option = 'concurrency'");
    database.exec("DROP EXTENSION dialfire_sync");
    let concurrency: f64 = concurrency.parse().expect("a number");
    let slow = |vendor: &Simulator| vendor.fault("latency", "", json!({"value": (LATENCY * 1000.0) as u64}));

    slow(&whole);
    let costs: Vec<Cost> = (0..size.runs).map(|_| load(ground, &whole, "")).collect();
    drop(whole);
    let share: Series = costs.iter().map(|c| c.requests * LATENCY / concurrency / c.seconds * 100.0).collect();
    section.verdict(
        "4 50 ms a request",
        "≥ 90 % of requests × latency ÷ concurrency",
        format!("{share:.1} %"),
        share.median() >= 90.0,
    );

    let vendor = vendor(size.calls / 5);
    let mut highest = Series::default();
    let mut refused = Series::default();
    for _ in 0..size.runs {
        vendor.post("rate_limit", json!({"per_second": LIMIT}));
        load(ground, &vendor, &format!("max_requests_per_second '{LIMIT}'"));
        let seen = vendor.get("requests");
        highest.push(seen["max_per_second"].as_f64().unwrap_or(f64::NAN));
        refused.push(seen["rate_limit_violations"].as_f64().unwrap_or(f64::NAN));
    }
    let bound = format!("≤ {LIMIT} requests in any second");
    section.verdict(
        "4 the tenant's own limit",
        &bound,
        format!("{highest:.0}; {refused:.0} refused"),
        highest.max() <= LIMIT as f64,
    );

    slow(&vendor);
    vendor.post("rate_limit", json!({"per_second": BEARABLE}));
    let later = thread::scope(|scope| {
        let half = scope.spawn(|| {
            thread::sleep(Duration::from_secs(4));
            vendor.forget_requests();
        });
        let cost = load(ground, &vendor, "");
        let _ = half.join();
        (cost, vendor.get("requests"))
    });
    vendor.heal();
    vendor.post("rate_limit", json!({"per_second": null}));
    let in_flight = later.1["max_concurrent"].as_f64().unwrap_or(f64::NAN);
    let refused = later.1["rate_limit_violations"].as_f64().unwrap_or(f64::NAN);
    let requests = later.1["total"].as_f64().unwrap_or(f64::NAN);
    section.verdict(
        "4 a vendor that says 429",
        &format!("fewer in flight than {concurrency}"),
        format!("{in_flight:.0}"),
        in_flight < concurrency,
    );
    section.say(format!(
        "{} calls; {:.0} requests, {concurrency} in flight by default: {:.2} s of at least {:.2} s. The vendor then bears {BEARABLE} \
         requests a second and answers the others with 429: the whole sync took {:.1} s and succeeded; of its {requests:.0} requests \
         after the first four seconds {refused:.0} were refused.",
        size.calls,
        of(&costs, |c| c.requests).median(),
        of(&costs, |c| c.seconds),
        of(&costs, |c| c.requests * LATENCY / concurrency).median(),
        later.0.seconds,
    ));
    ground.drop("bench");
}

fn load(ground: &Ground, vendor: &Simulator, options: &str) -> Cost {
    let mut database = ground.fresh("bench");
    database.tenant(vendor, options);
    let (_, cost) = cost(&mut database, vendor, |database| database.sync(ALL));
    eprintln!("    {:.2} s, {:.0} requests", cost.seconds, cost.requests);
    cost
}
