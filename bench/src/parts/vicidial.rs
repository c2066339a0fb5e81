//! A dialler's calls from a real MariaDB: against INSERT … SELECT from the same foreign tables, and again unchanged.

use crate::ground::{Database, Ground};
use crate::measure::{self, cost, of, Cost};
use crate::parts::resync::Touched;
use crate::report::Section;
use crate::series::Series;
use crate::Size;
use integration::dialler::Dialler;
use std::process::Command;

pub const ZONE: &str = "America/New_York";
const FROM: i64 = 1_763_200_000;
const DAYS: i64 = 14;
/// The tables that a sync of a dialler fills with calls.
const FILLED: [&str; 3] = ["transactions", "connections", "recordings"];

pub fn measure(ground: &Ground, size: &Size, section: &mut Section) {
    if let Some(missing) = missing(ground) {
        return section.say(format!("Not run: {missing}"));
    }
    let dialler = Dialler::shared();
    fill(&dialler, i64::from(size.dialler_calls));
    let maria = dialler.server;
    let (mut floor, mut first, mut again, mut untouched) = (Vec::new(), Vec::new(), Vec::new(), Touched::default());
    let mut stored = Vec::new();
    for round in 0..size.runs.min(3) {
        // Turn about: what the first of a round finds in a cache is the second's in the next.
        for is_floor in if round % 2 == 0 { [true, false] } else { [false, true] } {
            let mut database = ground.fresh("bench");
            database.exec(&dialler.setup(ZONE));
            measure::quiet(&database, maria, size.patience);
            let seconds = if is_floor {
                let like = |table| format!("CREATE TABLE floor.{table} (LIKE dialfire.{table} INCLUDING ALL);");
                database.exec(&format!("CREATE SCHEMA floor; {}", FILLED.map(like).concat()));
                floor.push(
                    cost(&mut database, maria, |database| database.exec(&format!("BEGIN; {}; COMMIT", plain()))).1,
                );
                stored.push(rows(&mut database, "floor"));
                floor.last()
            } else {
                let (_, load) = cost(&mut database, maria, sync);
                stored.push(rows(&mut database, "dialfire"));
                let (run, nothing) = untouched.watch(&mut database, |database| cost(database, maria, sync));
                assert_eq!((run.inserted, run.updated), (0, 0), "an unchanged sync: {run:?}");
                assert_eq!(run.unchanged, i64::from(size.dialler_calls), "an unchanged sync: {run:?}");
                again.push(nothing);
                first.push(load);
                first.last()
            };
            let name = if is_floor { "INSERT … SELECT" } else { "df_sync" };
            eprintln!("    round {}: {name}: {:.2} s", round + 1, seconds.map_or(0.0, |cost| cost.seconds));
        }
    }
    ground.drop("bench");
    stored.dedup();
    assert_eq!(stored.len(), 1, "both have stored the same");
    report(size.dialler_calls, &stored[0], [&floor, &first, &again], &untouched, section);
}

/// What of a dialler's is not installed, if something is.
pub fn missing(ground: &Ground) -> Option<&'static str> {
    let is_there = |command: &str| Command::new(command).arg("--version").output().is_ok();
    let offers = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'mysql_fdw')";
    if is_there("mariadb-install-db") && ground.connect("postgres").one::<bool>(offers) {
        return None;
    }
    eprintln!("    not run: MariaDB or mysql_fdw is not installed");
    Some("MariaDB or mysql_fdw is not installed (Debian: mariadb-server, postgresql-15-mysql-fdw).")
}

fn sync(database: &mut Database) -> integration::tenant::Run {
    database.sync(&range())
}

/// All of the time that is filled.
pub fn range() -> String {
    format!("[{},{})", at(FROM - 60), at(FROM + DAYS * 86_400 + 60))
}

fn at(epoch: i64) -> String {
    chrono::DateTime::from_timestamp(epoch, 0).expect("a time").format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Two weeks of a dialler: four calls a lead, one in five inbound, half with an agent and most of those recorded; the
/// oldest 30 % of the outbound ones are archived.
pub fn fill(dialler: &Dialler, calls: i64) {
    let (inbound, outbound) = (calls / 5, calls - calls / 5);
    let common = |calls: i64| {
        format!(
            "SELECT seq, {FROM} + seq * {DAYS} * 86400 DIV {calls} AS start, 10 + seq * 7919 % 290 AS length,
                seq * 2654435761 % {} AS lead, elt(1 + seq % 8, 'SALE', 'NA', 'A', 'NI', 'NA', 'B', 'CALLBK', 'NA') AS status,
                if(seq % 2, 'VDAD', concat('agent', seq % 60)) AS user
             FROM seq_1_to_{calls}",
            calls / 4 + 1
        )
    };
    dialler.exec(&format!(
        "INSERT INTO vicidial_log (uniqueid, lead_id, list_id, campaign_id, call_date, start_epoch, end_epoch, length_in_sec,
            status, phone_code, phone_number, user, comments, processed, user_group, term_reason, called_count)
         SELECT concat(start, '.', seq), lead, 101, concat('CAMP', seq % 5), '1970-01-01' + INTERVAL start - 5 * 3600 SECOND,
            start, start + length, length, status, '1', concat('555', 1000000 + lead), user, 'AUTO', 'N', 'AGENTS', 'CALLER', 1
         FROM ({}) c;
         INSERT INTO vicidial_log_archive SELECT * FROM vicidial_log WHERE start_epoch < {archived};
         DELETE FROM vicidial_log WHERE start_epoch < {archived};
         INSERT INTO vicidial_closer_log (lead_id, list_id, campaign_id, call_date, start_epoch, end_epoch, length_in_sec,
            status, phone_code, phone_number, user, comments, processed, queue_seconds, user_group, term_reason, uniqueid,
            queue_position, called_count)
         SELECT lead, 999, concat('GROUP', seq % 3), '1970-01-01' + INTERVAL start - 5 * 3600 SECOND, start, start + length,
            length, status, '1', concat('556', 1000000 + lead), if(user = 'VDAD', 'VDCL', user), 'AUTO', 'N', 4.5, 'AGENTS',
            'CALLER', concat(start, '.9', seq), 1, 1
         FROM ({}) c",
        common(outbound),
        common(inbound),
        archived = FROM + DAYS * 86_400 * 3 / 10,
    ));
    for (table, key) in
        [("vicidial_log_archive", "uniqueid"), ("vicidial_log", "uniqueid"), ("vicidial_closer_log", "closecallid")]
    {
        dialler.exec(&format!(
            "INSERT INTO recording_log (channel, server_ip, extension, start_time, start_epoch, end_time, end_epoch, length_in_sec,
                filename, location, lead_id, user, vicidial_id)
             SELECT 'SIP/1', '10.0.0.9', '8309', call_date, start_epoch, call_date + INTERVAL length_in_sec SECOND, end_epoch,
                length_in_sec, concat('REC', {key}), concat('http://10.0.0.9/RECORDINGS/REC', {key}, '.mp3'), lead_id, user, {key}
             FROM {table} WHERE user LIKE 'agent%' AND length_in_sec > 60"
        ));
    }
}

/// What somebody would write by hand who wants the same rows in the same columns: one statement for each table that is
/// filled from each that is read.
fn plain() -> String {
    let person = "CASE WHEN \"user\" NOT IN ('VDAD', 'VDCL') THEN \"user\" END";
    let started = "to_timestamp(start_epoch::bigint)";
    let mut statements = Vec::new();
    for (table, prefix, key, direction) in [
        ("vicidial_log", "log:", "uniqueid", "outbound"),
        ("vicidial_log_archive", "log:", "uniqueid", "outbound"),
        ("vicidial_closer_log", "closer:", "closecallid", "inbound"),
        ("vicidial_closer_log_archive", "closer:", "closecallid", "inbound"),
    ] {
        let own = match direction {
            "outbound" => ["alt_dial"].as_slice(),
            _ => &["queue_seconds", "xfercallid", "agent_only", "queue_position"],
        };
        let extra: Vec<String> = ["list_id", "phone_code", "comments", "called_count"]
            .iter()
            .chain(own)
            .map(|column| format!("'{column}', NULLIF({column}, '')"))
            .collect();
        statements.push(format!(
            "INSERT INTO floor.transactions (tenant, id, campaign_id, contact_id, fired, day, event_md5, event_type, direction,
                status, status_detail, is_human, user_id, user_login, user_branch, actor, phone, extra)
             SELECT 'acme', '{prefix}' || {key}, campaign_id, lead_id, {started}, ({started} AT TIME ZONE '{ZONE}')::date,
                md5(concat_ws('|', l.*)), 'call', '{direction}',
                CASE status WHEN 'SALE' THEN 'success' WHEN 'NI' THEN 'declined' WHEN 'DNC' THEN 'declined' WHEN 'NA' THEN 'open'
                            WHEN 'A' THEN 'open' WHEN 'B' THEN 'open' END,
                status, \"user\" NOT IN ('VDAD', 'VDCL'), {person}, {person}, user_group, \"user\", phone_number,
                jsonb_strip_nulls(jsonb_build_object({}))
             FROM acme.{table} l",
            extra.join(", ")
        ));
        let (connected, talked) = match direction {
            "outbound" => ("NULL::timestamptz".to_owned(), "length_in_sec::bigint * 1000".to_owned()),
            _ => (
                format!(
                    "CASE WHEN {person} IS NOT NULL THEN {started} + queue_seconds::float8 * interval '1 second' END"
                ),
                format!(
                    "length_in_sec::bigint * 1000
                     - CASE WHEN {person} IS NOT NULL THEN (queue_seconds::numeric * 1000)::bigint ELSE 0 END"
                ),
            ),
        };
        statements.push(format!(
            "INSERT INTO floor.connections (tenant, id, transaction_id, contact_id, call_uuid, user_id, phone, result,
                hangup_party, fired, started, connected, ended, duration_ms, day)
             SELECT 'acme', '{prefix}' || {key}, '{prefix}' || {key}, lead_id, uniqueid, {person}, phone_number, status,
                term_reason, {started}, {started}, {connected}, to_timestamp(end_epoch::bigint), {talked},
                ({started} AT TIME ZONE '{ZONE}')::date
             FROM acme.{table}"
        ));
    }
    let call = "CASE WHEN vicidial_id LIKE '%.%' THEN 'log:' ELSE 'closer:' END || vicidial_id";
    statements.push(format!(
        "INSERT INTO floor.recordings (tenant, id, connection_id, transaction_id, contact_id, started, stopped, filename,
            location, extra, day)
         SELECT 'acme', 'rec:' || recording_id, {call}, {call}, lead_id, {started}, to_timestamp(end_epoch::bigint), filename,
            location, jsonb_build_object('server_ip', server_ip, 'extension', extension, 'user', \"user\", 'vicidial_id', vicidial_id),
            ({started} AT TIME ZONE '{ZONE}')::date
         FROM acme.recording_log"
    ));
    statements.join("; ")
}

/// How many rows both have filled, and a checksum of every tenth; only that of a row at the dialler is each one's own, and the
/// recording that a leg names is the sync's alone.
fn rows(database: &mut Database, schema: &str) -> Vec<(i64, String)> {
    let of = |table| {
        let sql = format!(
            "SELECT count(*) || ' ' || sum(hashtextextended((to_jsonb(t) - '{{event_md5,stored_at,changed_at,recording_id,recording_location}}'::text[])::text, 0)::numeric)
                 FILTER (WHERE hashtext(id) % 10 = 0)
             FROM {schema}.{table} t"
        );
        let said: String = database.one(&sql);
        let (count, sum) = said.split_once(' ').expect("two words");
        (count.parse().expect("a number"), sum.to_owned())
    };
    FILLED.map(of).into()
}

fn report(calls: u32, stored: &[(i64, String)], costs: [&[Cost]; 3], untouched: &Touched, section: &mut Section) {
    let [floor, first, again] = costs;
    let seconds = |costs: &[Cost]| of(costs, |c| c.seconds);
    let over = seconds(first).over(&seconds(floor));
    section.verdict(
        "8 a dialler's first load",
        "≤ 1.5 × INSERT … SELECT from its foreign tables",
        format!("{over:.2} ×"),
        over.median() <= 1.5,
    );
    let mut none =
        |what: &str, series: &Series| section.verdict(what, "0", format!("{series:.0}"), series.max() == 0.0);
    none("8 rows that an unchanged re-sync writes", &untouched.written);
    none("8 rows that it locks", &untouched.locked);
    none("8 WAL of the tables of calls, bytes", &untouched.wal);
    let counts: Vec<String> = FILLED.iter().zip(stored).map(|(table, (rows, _))| format!("{rows} {table}")).collect();
    let rows: i64 = stored.iter().map(|(rows, _)| rows).sum();
    section.say(format!("{calls} calls of a dialler, {}; {} rounds, turn about.", counts.join(", "), floor.len()));
    let row = |name: &str, costs: &[Cost]| {
        vec![
            name.to_owned(),
            format!("{:.2}", seconds(costs)),
            format!("{:.0}", of(costs, |c| rows as f64 / c.seconds)),
            format!("{:.2}", of(costs, |c| c.backend)),
            format!("{:.2}", of(costs, |c| c.vendor)),
            format!("{:.1}", of(costs, |c| c.wal / 1e6)),
            format!("{:.0}", of(costs, |c| c.memory)),
            format!("{:.0}", of(costs, |c| c.requests)),
            format!("{:.0}", of(costs, |c| c.foreign * 100.0).median()),
        ]
    };
    let head =
        ["load", "s", "rows/s", "CPU s: backend", "MariaDB", "WAL MB", "memory MB", "statements", "foreign CPU %"];
    section.table(
        &head,
        vec![row("INSERT … SELECT", floor), row("df_sync", first), row("df_sync again, unchanged", again)],
    );
    section.say(
        "INSERT … SELECT fills the same columns, but the recording in its leg, with the same values into tables made by `LIKE … INCLUDING ALL`, one statement for \
         each table that is filled from each foreign table, all in one transaction; counts and checksums of the rows are compared. \
         It reads each table of calls twice and without limit, so that MariaDB holds the whole of it. The sync reads slices of \
         `page_size` rows, asks for recordings by key, and keeps coverage, ledger and `daily_stats` too.",
    );
}
