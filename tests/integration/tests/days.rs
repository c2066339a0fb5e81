//! Days of Europe/Nicosia hold the calls between their own midnights, also where they have 23 or 25 hours.

use integration::rows::assert_truth_of;
use integration::simulator::Simulator;
use integration::tenant::Tenant;
use serde_json::json;

/// A day, its first instant, and the first of the day after.
type Day = [&'static str; 3];

const AUTUMN: [Day; 3] = [
    ["2025-10-25", "2025-10-24T21:00:00.000Z", "2025-10-25T21:00:00.000Z"],
    ["2025-10-26", "2025-10-25T21:00:00.000Z", "2025-10-26T22:00:00.000Z"],
    ["2025-10-27", "2025-10-26T22:00:00.000Z", "2025-10-27T22:00:00.000Z"],
];
const SPRING: [Day; 3] = [
    ["2025-03-29", "2025-03-28T22:00:00.000Z", "2025-03-29T22:00:00.000Z"],
    ["2025-03-30", "2025-03-29T22:00:00.000Z", "2025-03-30T21:00:00.000Z"],
    ["2025-03-31", "2025-03-30T21:00:00.000Z", "2025-03-31T21:00:00.000Z"],
];

#[test]
fn the_day_of_25_hours_and_its_neighbours_hold_exactly_their_calls() {
    each_holds_its_own("2025-10-28T12:00:00Z", AUTUMN);
}

#[test]
fn the_day_of_23_hours_and_its_neighbours_hold_exactly_their_calls() {
    each_holds_its_own("2025-04-01T12:00:00Z", SPRING);
}

/// Whether the vendor takes its bounds as inclusive is not documented.
fn each_holds_its_own(anchor: &str, days: [Day; 3]) {
    let simulator = Simulator::with(&["--anchor", anchor, "--days", "5", "--calls-per-day", "80"]);
    for bounds in
        [["inclusive", "exclusive"], ["inclusive", "inclusive"], ["exclusive", "inclusive"], ["exclusive", "exclusive"]]
    {
        simulator.post("bounds", json!({"from": bounds[0], "to": bounds[1]}));
        let mut tenant = Tenant::of(&simulator);
        let mut stored = 0;
        for day in days {
            let truth = simulator.truth("", day[1], day[2]);
            let run = tenant.sync(day[0]);
            run.expect("success");
            let calls = ["transactions", "inbound"].map(|what| truth[what].as_i64().unwrap());
            assert_eq!(run.inserted, calls[0] + calls[1], "{day:?} {bounds:?} {run:?}");
            stored += calls[0];
            assert_eq!(tenant.count("transactions"), stored, "{day:?} {bounds:?}: more than that day");
            // A contact's row tells of all its time, not of the window's.
            assert_truth_of(&mut tenant, &simulator, [day[1], day[2]], &["contacts"]);
            let of_day = format!("SELECT count(*) FROM dialfire.transactions WHERE day = '{}'", day[0]);
            assert_eq!(tenant.one::<i64>(&of_day, &[]), calls[0], "{day:?}");
            for edge in [format!("'{}'", day[1]), format!("'{}'::timestamptz - interval '1 ms'", day[2])] {
                let at =
                    format!("SELECT count(*) FROM dialfire.transactions WHERE fired = {edge} AND day = '{}'", day[0]);
                assert!(tenant.one::<i64>(&at, &[]) > 0, "{day:?} {bounds:?}: no call at {edge}");
            }
        }
        let covered: i64 = tenant.one(
            &format!("SELECT count(*) FROM dialfire.coverage WHERE covered = '{{[{},{})}}'", days[0][1], days[2][2]),
            &[],
        );
        assert_eq!(covered, 3, "three days of each campaign are one piece");
    }
}
