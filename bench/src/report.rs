//! RESULTS.md: an overview of the promises, and a section a part. A part that runs again replaces its section only;
//! sections with other titles, such as those of an earlier state, are kept behind them.

use crate::ground::Ground;
use std::collections::BTreeMap;
use std::{env, fs};

const VERDICTS: &str = "| goal | bound | measured | verdict |";
const INTRODUCTION: &str =
    "# Results of `make bench`\n\nWritten by `make bench`; [docs/performance.md](../docs/performance.md) \
    says how to read them. Medians, with the smallest and the largest of the runs in brackets.\n";

#[derive(Default)]
pub struct Section {
    pub title: &'static str,
    verdicts: Vec<String>,
    blocks: Vec<String>,
}

impl Section {
    pub fn new(title: &'static str) -> Section {
        Section { title, ..Section::default() }
    }

    /// A promise, with its number, bound and what was measured.
    pub fn verdict(&mut self, goal: &str, bound: &str, measured: impl ToString, met: bool) {
        let verdict = if met { "met" } else { "**missed**" };
        self.verdicts.push(format!("| {goal} | {bound} | {} | {verdict} |", measured.to_string()));
    }

    pub fn say(&mut self, text: impl ToString) {
        self.blocks.push(text.to_string());
    }

    pub fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) {
        let line = |cells: Vec<&str>| format!("| {} |", cells.join(" | "));
        let mut lines = vec![line(head.to_vec()), line(head.iter().map(|_| "---").collect())];
        lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
        self.blocks.push(lines.join("\n"));
    }

    fn markdown(&self, machine: &str) -> String {
        let mut out = format!("## {}\n\n{machine}\n", self.title);
        if !self.verdicts.is_empty() {
            out += &format!("\n{VERDICTS}\n| --- | --- | --- | --- |\n{}\n", self.verdicts.join("\n"));
        }
        for block in &self.blocks {
            out += &format!("\n{block}\n");
        }
        out
    }
}

pub struct Report {
    path: String,
    machine: String,
    order: Vec<&'static str>,
    sections: BTreeMap<String, String>,
}

impl Report {
    pub fn open(ground: &Ground, order: Vec<&'static str>) -> Report {
        let path = env::var("BENCH_RESULTS").unwrap_or_else(|_| "bench/RESULTS.md".to_owned());
        let known = fs::read_to_string(&path).unwrap_or_default();
        let parts = known.split("\n## ").skip(1).filter(|part| !part.starts_with("Overview"));
        let sections =
            parts.filter_map(|part| Some((part.lines().next()?.to_owned(), format!("## {}\n", part.trim()))));
        Report { path, machine: machine(ground), order, sections: sections.collect() }
    }

    /// Prints a section and writes the file anew.
    pub fn put(&mut self, section: Section) {
        let markdown = section.markdown(&self.machine);
        println!("{markdown}");
        self.sections.insert(section.title.to_owned(), markdown);
        let mut sections: Vec<&String> = self.order.iter().filter_map(|title| self.sections.get(*title)).collect();
        let verdicts: Vec<&str> = sections.iter().flat_map(|section| verdicts(section)).collect();
        let others = self.sections.iter().filter(|(title, _)| !self.order.contains(&title.as_str()));
        sections.extend(others.map(|(_, section)| section));
        let overview = format!("## Overview\n\n{VERDICTS}\n| --- | --- | --- | --- |\n{}\n", verdicts.join("\n"));
        let all: Vec<&str> =
            [INTRODUCTION, &overview].into_iter().chain(sections.into_iter().map(String::as_str)).collect();
        fs::write(&self.path, all.join("\n")).unwrap_or_else(|error| panic!("{}: {error}", self.path));
    }
}

fn verdicts(section: &str) -> impl Iterator<Item = &str> {
    section.lines().skip_while(|line| *line != VERDICTS).skip(2).take_while(|line| line.starts_with('|'))
}

/// When and on what it was measured.
fn machine(ground: &Ground) -> String {
    let mut db = ground.connect("postgres");
    let server: String = db.one("SELECT split_part(version(), ' (', 1)");
    let settings: String = db.one(
        "SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name) FROM pg_settings WHERE name IN
            ('fsync', 'synchronous_commit', 'shared_buffers', 'max_wal_size', 'autovacuum', 'wal_level')",
    );
    let extension: String = db.one("SELECT default_version FROM pg_available_extensions WHERE name = 'dialfire_sync'");
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let memory: f64 = field(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{}; dialfire_sync {extension} ({}), {server}; {cores} cores ({}), {:.0} GiB; {settings}.",
        chrono::Utc::now().format("%Y-%m-%d %H:%M UTC"),
        env::var("BENCH_COMMIT").unwrap_or_else(|_| "unknown commit".to_owned()),
        field(&read("/proc/cpuinfo"), "model name"),
        memory / 1048576.0,
    )
}
