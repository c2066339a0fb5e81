//! Fifty tenants on one machine: nobody falls behind, and a scheduler with nothing to do writes nothing.

use crate::cpu;
use crate::place::Place;
use crate::simulator::Simulator;
use std::time::{Duration, Instant};

const TENANTS: u32 = 50;
/// A little more than what the scheduler lets pass between two looks for dead runs and thresholds.
const BETWEEN_LOOKS: Duration = Duration::from_secs(32);

/// Schedules them and watches for so long; none may begin an interval late.
pub fn keep_up(every: Duration, watch: Duration) {
    let simulator = Simulator::with(&["--days", "1", "--calls-per-day", "20", "--campaigns", "1"]);
    let mut place = Place::own("checkpoint_timeout = '1h'\nbgwriter_delay = '10s'\nautovacuum = off\n");
    place.process("scheduler");
    place.exec("CHECKPOINT");
    let idle = usage(&mut place, Duration::from_secs(5));
    println!("idle scheduler and launcher: {:.0} ms CPU and {} bytes of WAL in 5 s", idle.cpu * 1000.0, idle.wal);
    // Even a commit of nothing would be WAL, and bring the wraparound nearer.
    assert_eq!(idle.transactions, 0, "transaction ids that an idle scheduler has taken");
    let looks = usage(&mut place, BETWEEN_LOOKS);
    assert_eq!(looks.transactions, 0, "transaction ids that it has taken to look for dead runs and thresholds");
    // The server itself logs its running transactions now and then.
    assert!(idle.wal < 512, "an idle scheduler wrote {} bytes of WAL", idle.wal);
    assert!(idle.cpu < 0.5, "{} s", idle.cpu);
    for tenant in 0..TENANTS {
        place.tenant(&format!("tenant_{tenant}"), &simulator.base_url, "");
    }
    place.exec(&format!("SELECT df_schedule(tenant, '{} seconds', 'sync') FROM dialfire.tenants", every.as_secs()));
    place.until(
        Duration::from_secs(90),
        "SELECT bool_and(last_status = 'success') FROM dialfire.schedules",
        "SELECT tenant, last_status, last_message FROM dialfire.schedules WHERE last_status IS DISTINCT FROM 'success'",
    );
    let since: String = place.one("SELECT clock_timestamp()::text", &[]);
    let start = Instant::now();
    let mut worst: f64 = 0.0;
    let machine = Machine::now();
    while start.elapsed() < watch {
        let late =
            "SELECT COALESCE(max(EXTRACT(epoch FROM clock_timestamp() - next_run)), 0)::float8 FROM dialfire.schedules";
        worst = worst.max(place.one(late, &[]));
        std::thread::sleep(Duration::from_millis(200));
    }
    let busy = machine.busy_since();
    let runs = format!("SELECT count(*) FROM dialfire.runs WHERE status = 'success' AND started_at > '{since}'");
    let runs: i64 = place.one(&runs, &[]);
    println!(
        "{TENANTS} tenants every {every:?} for {watch:?}: {runs} runs, the latest began {worst:.1} s late; machine {:.0} % busy",
        busy * 100.0
    );
    assert!(worst < every.as_secs_f64(), "more than an interval late: {worst} s");
    // From the end of one run to the beginning of the next it is an interval and up to a second, and the run itself.
    let wanted = f64::from(TENANTS) * watch.as_secs_f64() / every.as_secs_f64();
    assert!(runs as f64 >= wanted / 2.0, "{runs} runs of {wanted}");
    let bad = "SELECT count(*) FROM dialfire.runs WHERE status NOT IN ('success', 'in_progress')";
    assert_eq!(place.one::<i64>(bad, &[]), 0);
}

struct Usage {
    cpu: f64,
    wal: i64,
    transactions: i64,
}

/// CPU seconds of the launcher and this database's scheduler, bytes of WAL, and transaction ids.
fn usage(place: &mut Place, time: Duration) -> Usage {
    let pids = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'dialfire_sync launcher'
        OR backend_type = 'dialfire_sync scheduler' AND datname = current_database()";
    let pids: Vec<i32> = place.db.query(pids, &[]).expect("pids").iter().map(|row| row.get(0)).collect();
    let taken = || pids.iter().map(|pid| cpu(*pid)).sum::<f64>();
    let wal = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
    let ids = "SELECT txid_snapshot_xmax(txid_current_snapshot())";
    let before = (taken(), place.one::<i64>(wal, &[]), place.one::<i64>(ids, &[]));
    std::thread::sleep(time);
    Usage {
        cpu: taken() - before.0,
        wal: place.one::<i64>(wal, &[]) - before.1,
        transactions: place.one::<i64>(ids, &[]) - before.2,
    }
}

/// Busy and idle ticks of all processors.
struct Machine {
    busy: f64,
    all: f64,
}

impl Machine {
    fn now() -> Machine {
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let ticks: Vec<f64> = stat
            .lines()
            .next()
            .unwrap_or("")
            .split_whitespace()
            .skip(1)
            .filter_map(|field| field.parse().ok())
            .collect();
        let all: f64 = ticks.iter().sum();
        Machine { busy: all - ticks.get(3).unwrap_or(&0.0) - ticks.get(4).unwrap_or(&0.0), all }
    }

    fn busy_since(&self) -> f64 {
        let now = Machine::now();
        (now.busy - self.busy) / (now.all - self.all).max(1.0)
    }
}
