//! Eight tenants at once, and whether they wait for each other.

use crate::ground::{vendor, Database, Ground};
use crate::report::Section;
use crate::series::Series;
use crate::Size;
use integration::simulator::{Simulator, ALL};
use integration::tenant::words;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const TENANTS: usize = 8;

pub fn measure(ground: &Ground, size: &Size, section: &mut Section) {
    let calls = size.calls / TENANTS as u32;
    let vendor = vendor(calls);
    let mut waits: BTreeMap<String, u64> = BTreeMap::new();
    let (mut alone, mut together, mut samples) = (Series::default(), Series::default(), 0);
    // The first round warms up the vendor.
    for round in 0..=size.runs {
        let mut database = prepare(ground, &vendor);
        let one = timed(|| sync(&mut database, 0));
        let mut database = prepare(ground, &vendor);
        database.exec("CHECKPOINT");
        let all = timed(|| {
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                let watcher = scope.spawn(|| watch(ground, &done));
                let syncs: Vec<_> = (0..TENANTS)
                    .map(|tenant| scope.spawn(move || sync(&mut ground.connect("bench"), tenant)))
                    .collect();
                syncs.into_iter().for_each(|sync| sync.join().expect("a sync"));
                done.store(true, Relaxed);
                let (looks, seen) = watcher.join().expect("the watcher");
                samples += looks;
                for (wait, times) in seen {
                    *waits.entry(wait).or_default() += times;
                }
            });
        });
        eprintln!("    {one:.2} s alone, {all:.2} s for {TENANTS}");
        if round > 0 {
            alone.push(f64::from(calls) / one);
            together.push(f64::from(calls) * TENANTS as f64 / all);
        }
    }
    ground.drop("bench");
    let ratio = together.over(&alone);
    section.verdict("6 8 tenants at once", "≥ one tenant's throughput", format!("{ratio:.2} ×"), ratio.median() >= 1.0);
    // A table grows under a lock that any server of one's own knows too, held for a page at a time.
    let (growing, waiting): (Vec<_>, Vec<_>) = waits.iter().partition(|(wait, _)| wait.starts_with("extend"));
    let [growing, waiting] = [growing, waiting].map(|waits| waits.into_iter().map(|(_, times)| times).sum::<u64>());
    section.verdict("6 waits for rows, tables or locks of another tenant", "0", waiting, waiting == 0);
    section.verdict("6 waits for a table that another one makes longer", "0", growing, growing == 0);
    section.say(format!(
        "{calls} calls a tenant: {alone:.0} calls/s alone, {together:.0} calls/s of all together. Waits for locks \
         (`pg_locks` not granted), seen in {samples} looks 5 ms apart: {}.",
        match waits.is_empty() {
            true => "none".to_owned(),
            false => waits.iter().map(|(wait, times)| format!("{times} × {wait}")).collect::<Vec<_>>().join(", "),
        }
    ));
}

fn prepare(ground: &Ground, vendor: &Simulator) -> Database {
    let mut database = ground.fresh("bench");
    for tenant in 0..TENANTS {
        database.exec(&format!(
            "CREATE SERVER t{tenant} FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account '9c6d0163',
                timezone 'Europe/Nicosia', base_url '{}');
             CREATE USER MAPPING FOR CURRENT_USER SERVER t{tenant} OPTIONS (token 'tenant-secret-token')",
            vendor.base_url
        ));
    }
    database
}

fn sync(database: &mut Database, tenant: usize) {
    let sql = "SELECT status, message FROM df_sync($1, $2)";
    let row = database.db.query_one(sql, &[&format!("t{tenant}"), &ALL]).unwrap_or_else(|e| panic!("{}", words(&e)));
    assert_eq!(row.get::<_, String>(0), "success", "{}", row.get::<_, String>(1));
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// How often it looked, and which locks were waited for.
fn watch(ground: &Ground, done: &AtomicBool) -> (u64, BTreeMap<String, u64>) {
    let mut database = ground.connect("bench");
    let (mut looks, mut seen) = (0, BTreeMap::new());
    let sql = "SELECT format('%s%s', l.locktype, ' of ' || l.relation::regclass) FROM pg_locks l WHERE NOT l.granted";
    let statement = database.db.prepare(sql).expect("pg_locks");
    while !done.load(Relaxed) {
        looks += 1;
        for row in database.db.query(&statement, &[]).expect("pg_locks") {
            *seen.entry(row.get::<_, String>(0)).or_default() += 1;
        }
        thread::sleep(Duration::from_millis(5));
    }
    (looks, seen)
}
