//! What a piece of work costs: time, CPU, WAL, memory, requests.

use crate::ground::Database;
use crate::series::Series;
use integration::dialler::MariaDb;
use integration::simulator::Simulator;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Ticks of the CPU's clock a second; the same on every Linux that matters.
const TICKS: f64 = 100.0;

#[derive(Clone, Default)]
pub struct Cost {
    pub seconds: f64,
    pub wal: f64,
    /// Growth of the backend's anonymous memory over what it had before, MiB.
    pub memory: f64,
    /// CPU seconds of the backend, its helper threads included.
    pub backend: f64,
    pub vendor: f64,
    pub requests: f64,
    pub bytes: f64,
    /// CPU of processes that have nothing to do with it, of the whole machine.
    pub foreign: f64,
}

/// Who is asked by what is measured.
pub trait Vendor {
    fn pid(&self) -> u32;
    fn forget(&self) {}
    /// Requests so far, and bytes of the answers.
    fn answered(&self) -> [f64; 2];
}

impl Vendor for Simulator {
    fn pid(&self) -> u32 {
        Simulator::pid(self)
    }

    fn forget(&self) {
        self.forget_requests();
    }

    fn answered(&self) -> [f64; 2] {
        let requests = self.get("requests");
        ["total", "bytes"].map(|count| requests[count].as_f64().unwrap_or(f64::NAN))
    }
}

impl Vendor for MariaDb {
    fn pid(&self) -> u32 {
        MariaDb::pid(self)
    }

    /// Statements and the bytes that it has sent.
    fn answered(&self) -> [f64; 2] {
        let status = self.query("", "SHOW GLOBAL STATUS WHERE variable_name IN ('Com_stmt_execute', 'Bytes_sent')");
        let of = |name: &str| status.iter().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        ["Com_stmt_execute", "Bytes_sent"].map(|name| of(name).unwrap_or(f64::NAN))
    }
}

/// Does some work on a connection and says what it cost.
pub fn cost<T>(database: &mut Database, vendor: &impl Vendor, work: impl FnOnce(&mut Database) -> T) -> (T, Cost) {
    // Otherwise the one that comes first after a checkpoint pays for the full pages of the others.
    database.exec("CHECKPOINT");
    vendor.forget();
    let asked = vendor.answered();
    let pid = database.pid;
    let idle = anonymous(pid);
    let wal = database.wal();
    let (backend, sim) = (cpu(pid as u32), cpu(vendor.pid()));
    let machine = Machine::now(pid, vendor);
    let start = Instant::now();
    let (result, peak) = watch(pid, || work(database));
    let seconds = start.elapsed().as_secs_f64();
    let answered = vendor.answered();
    let cost = Cost {
        seconds,
        foreign: machine.foreign_since(pid, vendor),
        backend: cpu(pid as u32) - backend,
        vendor: cpu(vendor.pid()) - sim,
        wal: (database.wal() - wal) as f64,
        memory: (peak - idle) as f64 / 1024.0,
        requests: answered[0] - asked[0],
        bytes: answered[1] - asked[1],
    };
    (result, cost)
}

pub fn of(costs: &[Cost], what: impl Fn(&Cost) -> f64) -> Series {
    costs.iter().map(what).collect()
}

impl Database {
    /// Bytes of WAL that the server has written since its beginning.
    pub fn wal(&mut self) -> i64 {
        self.one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
    }
}

/// The largest anonymous memory of a process while something is done, KiB.
fn watch<T>(pid: i32, work: impl FnOnce() -> T) -> (T, i64) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak = 0;
            while !done.load(Relaxed) {
                peak = peak.max(anonymous(pid));
                thread::sleep(Duration::from_millis(5));
            }
            peak.max(anonymous(pid))
        });
        let ending = Ending(&done);
        let result = work();
        drop(ending);
        (result, watcher.join().unwrap_or(0))
    })
}

/// Says so when the work has ended, in a panic too: otherwise nobody would ever hear of it.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Anonymous memory of a process, KiB: what it has for itself, without shared buffers.
fn anonymous(pid: i32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

/// The numbers of /proc/PID/stat after the command's name, beginning with the parent's id.
fn stat(pid: u32) -> Vec<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().unwrap_or("").split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect()
}

/// CPU seconds of a process with all its threads.
pub fn cpu(pid: u32) -> f64 {
    let stat = stat(pid);
    (stat.get(10).unwrap_or(&0.0) + stat.get(11).unwrap_or(&0.0)) / TICKS
}

/// The CPU time of the whole machine, and of those who are measured.
pub struct Machine {
    busy: f64,
    all: f64,
    ours: f64,
}

impl Machine {
    pub fn now(backend: i32, vendor: &impl Vendor) -> Machine {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = stat.lines().next().unwrap_or("");
        let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal
        let all: f64 = ticks.iter().take(8).sum();
        let idle: f64 = ticks.iter().skip(3).take(2).sum();
        Machine { busy: (all - idle) / TICKS, all: all / TICKS, ours: ours(backend, vendor) }
    }

    /// Of the machine's time since then, what others took.
    pub fn foreign_since(&self, backend: i32, vendor: &impl Vendor) -> f64 {
        let now = Machine::now(backend, vendor);
        ((now.busy - self.busy) - (now.ours - self.ours)).max(0.0) / (now.all - self.all).max(f64::MIN_POSITIVE)
    }
}

/// CPU seconds of this process, the server and the vendor, with all that they started, ended ones included.
fn ours(backend: i32, vendor: &impl Vendor) -> f64 {
    let server = stat(backend as u32).first().copied().unwrap_or(0.0) as u32;
    let roots = HashSet::from([std::process::id(), server, vendor.pid()]);
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats: HashMap<u32, Vec<f64>> =
        pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(|pid| (pid, stat(pid))).collect();
    let is_ours = |mut pid: u32| loop {
        match stats.get(&pid).and_then(|stat| stat.first()) {
            _ if roots.contains(&pid) => return true,
            Some(parent) if *parent as u32 != pid => pid = *parent as u32,
            _ => return false,
        }
    };
    let spent = |stat: &Vec<f64>| stat.iter().skip(10).take(4).sum::<f64>() / TICKS;
    stats.iter().filter(|(pid, _)| is_ours(**pid)).map(|(_, stat)| spent(stat)).sum()
}

/// Waits until others leave the machine alone, but no longer than so many seconds.
pub fn quiet(database: &Database, vendor: &impl Vendor, patience: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(patience) {
        let machine = Machine::now(database.pid, vendor);
        thread::sleep(Duration::from_millis(500));
        if machine.foreign_since(database.pid, vendor) < 0.1 {
            return;
        }
    }
}
