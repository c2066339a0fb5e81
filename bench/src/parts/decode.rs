//! JSON into rows, without server and vendor, by criterion.

use crate::ground::Ground;
use crate::report::Section;
use crate::Size;
use std::process::Command;

pub fn measure(_: &Ground, _: &Size, section: &mut Section) {
    let mut cargo = Command::new("cargo");
    cargo.args(["bench", "--quiet", "-p", "bench", "--bench", "decode", "--", "--noplot"]);
    let output = cargo.args(["--warm-up-time", "1", "--measurement-time", "3"]).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    let wanted = |line: &&str| line.contains("time:") || line.contains("thrpt:") || line.starts_with("contact");
    let lines: Vec<&str> = said.lines().filter(wanted).map(str::trim_end).collect();
    section.say(
        "A contact's JSON to the rows of its transactions, legs and recordings, on one core (`cargo bench -p bench`):",
    );
    section.say(format!("```\n{}\n```", lines.join("\n")));
}
