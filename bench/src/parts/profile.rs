//! Where a first load spends its time, by `perf`, where the machine has it.

use crate::ground::Ground;
use crate::report::Section;
use crate::Size;
use integration::simulator::ALL;
use std::process::{Command, Stdio};
use std::{env, fs};

pub fn measure(ground: &Ground, size: &Size, section: &mut Section) {
    let file =
        format!("{}/perf.data", env::var("BENCH_FOLDER").unwrap_or_else(|_| env::temp_dir().display().to_string()));
    let vendor = size.vendor();
    let mut database = ground.fresh("bench");
    database.tenant(&vendor, "");
    database.sync(ALL);
    let mut database = ground.fresh("bench");
    database.tenant(&vendor, "");
    let mut record = Command::new("perf");
    record.args(["record", "-q", "-F", "997", "-g", "-o", &file, "-p", &database.pid.to_string()]);
    let recorder = record.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let Ok(mut recorder) = recorder else {
        return section.say("`perf` is not installed; Debian has it in linux-perf.");
    };
    // It has to attach first.
    std::thread::sleep(std::time::Duration::from_millis(500));
    database.sync(ALL);
    // perf ends with the process that it watches.
    drop(database);
    let status = recorder.wait();
    let report = |arguments: &[&str]| perf(&file, arguments);
    let Some(threads) = report(&["--no-children", "-g", "none", "--sort", "pid,dso"]) else {
        return section.say(format!("`perf` has recorded nothing: {status:?}."));
    };
    section.say("CPU of the backend's threads in a first load by library:");
    section.say(format!("```\n{}\n```", top(&threads, 12)));
    section.say("By function:");
    let functions = report(&["--no-children", "-g", "none", "--sort", "dso,symbol"]).unwrap_or_default();
    section.say(format!("```\n{}\n```", top(&functions, 40)));
    section.say("By function with all that it calls:");
    let callers = report(&["--children", "-g", "none", "--sort", "dso,symbol"]).unwrap_or_default();
    section.say(format!("```\n{}\n```", top(&callers, 50)));
    let _ = fs::remove_file(&file);
    ground.drop("bench");
}

fn perf(file: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new("perf").args(["report", "--stdio", "-i", file]).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The first lines that are no comments and name something, cut to a readable width. A stripped server has names only
/// for what it exports.
fn top(report: &str, lines: usize) -> String {
    let wanted = report.lines().map(str::trim_end).filter(|line| {
        !line.is_empty() && !line.starts_with('#') && !line.contains(" 0x0000") && !line.contains("[unknown]")
    });
    let cut = |line: &str| line.chars().take(130).collect::<String>().trim_end().to_owned();
    wanted.take(lines).map(cut).collect::<Vec<_>>().join("\n")
}
