//! A dialler's calls arrive from a real MariaDB, through every stage of their lives, and nothing there waits for it.

use integration::cluster::Cluster;
use integration::dialler::{Dialler, MariaDb};
use integration::tenant::{words, Tenant};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// In New York clocks are set back at 06:00 UTC on this day.
const FROM: i64 = 1_762_056_000; // 2025-11-02 04:00 UTC
/// In winter.
const LATER: i64 = 1_763_200_000;
const ZONE: &str = "America/New_York";

fn tenant(dialler: &Dialler) -> Tenant {
    let cluster = Cluster::shared();
    let database = cluster.database();
    let mut db = cluster.connect(&database);
    let setup = dialler.setup(ZONE);
    db.batch_execute(&setup).unwrap_or_else(|error| panic!("{setup}: {}", words(&error)));
    Tenant { db, database, cluster }
}

fn range(from: i64, to: i64) -> String {
    format!("[{} UTC,{} UTC)", time(from), time(to))
}

fn time(epoch: i64) -> String {
    chrono::DateTime::from_timestamp(epoch, 0).expect("a time").format("%Y-%m-%d %H:%M:%S").to_string()
}

/// What a clock in New York shows.
fn wall(epoch: i64) -> String {
    time(epoch - if epoch < 1_762_063_200 { 4 } else { 5 } * 3600)
}

/// All calls of the dialler, live and archived, as lines; an archived copy of a live or rewritten call is none.
fn truth(dialler: &Dialler) -> BTreeSet<String> {
    let columns = "lead_id, start_epoch, coalesce(end_epoch, ''), coalesce(status, ''), coalesce(phone_number, ''), coalesce(user, '')";
    let log = format!(
        "SELECT concat_ws('|', concat('log:', uniqueid), {columns}) FROM vicidial_log
         UNION SELECT concat_ws('|', concat('log:', uniqueid), {columns}) FROM vicidial_log_archive a
         WHERE NOT EXISTS (SELECT 1 FROM vicidial_log l
            WHERE l.lead_id = a.lead_id AND l.start_epoch = a.start_epoch AND l.phone_number = a.phone_number)"
    );
    let closer = format!(
        "SELECT concat_ws('|', concat('closer:', closecallid), {columns}) FROM vicidial_closer_log
         UNION SELECT concat_ws('|', concat('closer:', closecallid), {columns}) FROM vicidial_closer_log_archive
         WHERE closecallid NOT IN (SELECT closecallid FROM vicidial_closer_log)"
    );
    dialler.rows(&log).into_iter().chain(dialler.rows(&closer)).collect()
}

fn stored(tenant: &mut Tenant) -> BTreeSet<String> {
    let sql = "SELECT concat_ws('|', t.id, t.contact_id, EXTRACT(epoch FROM t.fired)::bigint,
                   coalesce(EXTRACT(epoch FROM c.ended)::bigint::text, ''), coalesce(c.result, ''), coalesce(t.phone, ''),
                   coalesce(t.actor, ''))
               FROM dialfire.transactions t LEFT JOIN dialfire.connections c ON c.tenant = t.tenant AND c.id = t.id";
    tenant.db.query(sql, &[]).expect("calls").iter().map(|row| row.get(0)).collect()
}

fn assert_same(tenant: &mut Tenant, dialler: &Dialler) -> usize {
    let (truth, stored) = (truth(dialler), stored(tenant));
    let missing: Vec<_> = truth.difference(&stored).collect();
    let alien: Vec<_> = stored.difference(&truth).collect();
    assert!(missing.is_empty() && alien.is_empty(), "missing {missing:#?}, not at the dialler {alien:#?}");
    truth.len()
}

#[test]
fn a_diallers_day_minute_by_minute_ends_as_the_dialler_has_it() {
    let dialler = Dialler::shared();
    let mut tenant = tenant(&dialler);
    let mut seen_live = false;
    // Every four minutes, so that the hour that comes twice passes within the test.
    for minute in 0..40_i64 {
        let now = FROM + minute * 240;
        let (shown, lead) = (wall(now), 1000 + minute);
        let mut sql = format!(
            // Routed, and answered by nobody yet; a second call that rang out.
            "INSERT INTO vicidial_log (uniqueid, lead_id, campaign_id, call_date, start_epoch, status, phone_number, user, processed)
             VALUES ('{now}.1', {lead}, 'TEST', '{shown}', {now}, 'QUEUE', '555{lead}', 'VDAD', 'N');
             INSERT INTO vicidial_log (uniqueid, lead_id, campaign_id, call_date, start_epoch, end_epoch, length_in_sec, status,
                phone_number, user) VALUES ('{now}.2', {lead}2, 'TEST', '{shown}', {now}, {now}, 21, 'NA', '556{lead}', 'VDAD');
             INSERT INTO vicidial_log (uniqueid, lead_id, campaign_id, call_date, start_epoch, status, phone_number, user, comments)
             VALUES ('{now}.3', {lead}3, 'TEST', '{shown}', {now}, 'INCALL', '557{lead}', '6666', 'MANUAL');
             INSERT INTO vicidial_closer_log (lead_id, campaign_id, call_date, start_epoch, status, phone_number, user, uniqueid)
             VALUES ({lead}4, 'INGROUP', '{shown}', {now}, 'QUEUE', '558{lead}', 'VDCL', '{now}.4');"
        );
        if minute >= 1 {
            // An agent takes it, and it is recorded; the manual call ends under another id.
            let then = now - 240;
            sql += &format!(
                "UPDATE vicidial_log SET user = '6666', status = 'INCALL', comments = 'AUTO' WHERE uniqueid = '{then}.1';
                 INSERT INTO recording_log (start_time, start_epoch, filename, lead_id, user, vicidial_id)
                 VALUES ('{shown}', {then}, 'REC{then}', {lead}, '6666', '{then}.1');
                 UPDATE vicidial_log SET end_epoch = {now}, length_in_sec = 240, status = 'DISPO', uniqueid = '{}.99'
                 WHERE uniqueid LIKE '{then}%' AND comments = 'MANUAL';
                 UPDATE vicidial_closer_log SET user = '7777', status = 'INCALL', queue_seconds = 12.5 WHERE uniqueid = '{then}.4';",
                then + 5
            );
        }
        if minute >= 2 {
            let then = now - 480;
            // Hang-up; of every tenth call it is lost.
            if minute % 10 != 0 {
                sql += &format!("UPDATE vicidial_log SET end_epoch = {now}, length_in_sec = 480, term_reason = 'CALLER', status = 'DISPO'
                                 WHERE uniqueid = '{then}.1';");
            }
            sql += &format!(
                "UPDATE vicidial_closer_log SET end_epoch = {now}, length_in_sec = 480, status = 'SALE' WHERE uniqueid = '{then}.4';
                 UPDATE recording_log SET end_epoch = {now} WHERE filename = 'REC{then}';"
            );
        }
        if minute >= 3 {
            let then = now - 720;
            sql += &format!(
                "UPDATE vicidial_log SET status = 'SALE' WHERE uniqueid = '{then}.1' AND end_epoch IS NOT NULL;
                 UPDATE vicidial_log SET status = 'MYSALE' WHERE uniqueid = '{}.99';
                 UPDATE recording_log SET location = concat('http://10.0.0.9/RECORDINGS/', filename, '.mp3') WHERE filename = 'REC{then}';",
                then + 5
            );
        }
        if minute == 20 {
            // The archive takes all, calls in the middle too, and what is old is deleted.
            sql += &format!(
                "INSERT IGNORE INTO vicidial_log_archive SELECT * FROM vicidial_log;
                 DELETE FROM vicidial_log WHERE start_epoch < {0};
                 INSERT IGNORE INTO vicidial_closer_log_archive SELECT * FROM vicidial_closer_log;
                 DELETE FROM vicidial_closer_log WHERE start_epoch < {0};",
                now - 1800
            );
        }
        if minute == 30 {
            // A manager changes his mind about an old call.
            sql += &format!(
                "UPDATE vicidial_log SET status = 'NI' WHERE status = 'SALE' AND start_epoch < {};",
                now - 1200
            );
        }
        dialler.exec(&sql);
        tenant.sync(&range(now - 300, now + 60)).expect("success");
        let live = tenant
            .one::<i64>("SELECT count(*) FROM dialfire.calls WHERE status = 'in_progress' AND ended_at IS NULL", &[]);
        seen_live |= live > 0;
    }
    assert!(seen_live, "calls are seen while they last");
    let now = FROM + 40 * 240;
    // What the look-back and the daily reading do.
    tenant.sync(&range(FROM - 600, now)).expect("success");
    assert_same(&mut tenant, &dialler);
    let sum =
        "SELECT md5(string_agg(id, ',' ORDER BY id COLLATE \"C\")) FROM dialfire.transactions WHERE id LIKE 'log:%'";
    let sum: String = tenant.one(sum, &[]);
    let truth = dialler.one(
        "SET SESSION group_concat_max_len = 1000000; SELECT md5(group_concat(id ORDER BY BINARY id)) FROM (
         SELECT concat('log:', uniqueid) AS id FROM vicidial_log UNION SELECT concat('log:', uniqueid) FROM vicidial_log_archive a
         WHERE NOT EXISTS (SELECT 1 FROM vicidial_log l WHERE l.lead_id = a.lead_id AND l.start_epoch = a.start_epoch)) t",
    );
    assert_eq!(sum, truth, "checksum");
    let again = tenant.sync(&range(FROM - 600, now));
    again.expect("success");
    assert_eq!((again.inserted, again.updated), (0, 0), "{again:?}");
    // Recordings came with their addresses, under the id that the call has by now.
    let located = "SELECT count(*) FROM dialfire.calls WHERE recording_location LIKE 'http://10.0.0.9/%'";
    let wanted: i64 =
        dialler.one("SELECT count(*) FROM recording_log WHERE location IS NOT NULL").parse().expect("a number");
    assert_eq!(tenant.one::<i64>(located, &[]), wanted);
    // A lost hang-up is shown.
    let stuck: i64 = tenant.one("SELECT count(*) FROM dialfire.stuck_calls", &[]);
    let open: i64 = dialler.one("SELECT (SELECT count(*) FROM vicidial_log WHERE end_epoch IS NULL) + (SELECT count(*) FROM vicidial_closer_log WHERE end_epoch IS NULL)").parse().expect("a number");
    assert!(stuck >= open && open > 0, "{stuck} stuck, {open} open");
    // Both passes of the hour that the clock showed twice.
    let twice = "SELECT count(DISTINCT fired) FROM dialfire.transactions
                 WHERE fired >= '2025-11-02 05:00+00' AND fired < '2025-11-02 07:00+00' AND direction = 'outbound'";
    assert_eq!(tenant.one::<i64>(twice, &[]), 25);
    let names = "SELECT string_agg(login || ' ' || coalesce(name, '?'), ', ' ORDER BY login) FROM dialfire.agents";
    assert_eq!(tenant.one::<String>(names, &[]), "6666 Ada Agent, 7777 Bob Agent");
    assert!(tenant.one::<i64>("SELECT count(*) FROM dialfire.transactions WHERE status = 'success'", &[]) > 0);
    let secrets = "SELECT count(*) FROM dialfire.agents a WHERE a::text LIKE '%dialler-%'";
    assert_eq!(tenant.one::<i64>(secrets, &[]), 0);
}

#[test]
fn bad_values_are_told_and_lose_no_call() {
    let dialler = Dialler::shared();
    let mut tenant = tenant(&dialler);
    let row = |key: &str, date: &str, start: &str, more: &str, values: &str| {
        format!(
            "INSERT INTO vicidial_log (uniqueid, lead_id, campaign_id, call_date, start_epoch, status, phone_number{more})
             VALUES ('{key}', 1, 'TEST', {date}, {start}, 'SALE', '{key}'{values});"
        )
    };
    let shown = format!("'{}'", wall(FROM));
    let start = FROM.to_string();
    dialler.exec("ALTER TABLE vicidial_log MODIFY comments varbinary(255)");
    dialler.exec(
        &[
            row("1.zero", "'0000-00-00 00:00:00'", &start, "", ""),
            row("1.null", "NULL", &start, "", ""),
            row("1.none", "NULL", "NULL", "", ""),
            row("1.enum", &shown, &start, ", term_reason", ", 'CALLMENUXFER'"),
            row("1.utf8", &shown, &start, ", comments", ", x'ff80fe41'"),
            row("1.minus", &shown, &start, ", length_in_sec, end_epoch", &format!(", -5, {start}")),
            row("1.absurd", &shown, &start, ", length_in_sec, end_epoch", &format!(", 2147483647, {}", FROM + 60)),
            row("1.far", &shown, "4294967295", "", ""),
            row("1.good", &shown, &start, ", length_in_sec, end_epoch", &format!(", 60, {}", FROM + 60)),
        ]
        .concat(),
    );
    let run = tenant.sync(&range(FROM - 3600, FROM + 3600));
    run.expect("partial").says("rejected");
    let ids: Vec<String> =
        tenant.one("SELECT array_agg(substr(id, 7) ORDER BY id COLLATE \"C\") FROM dialfire.transactions", &[]);
    assert_eq!(ids, ["absurd", "enum", "far", "good", "minus", "null", "utf8", "zero"]);
    let rejects: Vec<String> = tenant.one(
        "SELECT array_agg(DISTINCT substr(key, 7) || ' ' || reason || ' ' || field) FROM dialfire.rejects_open",
        &[],
    );
    assert_eq!(
        rejects,
        [
            "absurd number_out_of_range length_in_sec",
            "far timestamp_out_of_range start_epoch",
            "minus number_out_of_range length_in_sec",
            "none missing_field start_epoch",
            "utf8 bad_string comments"
        ]
    );
    let readable: bool = tenant.one("SELECT bool_and(lower(payload::text) IS NOT NULL) FROM dialfire.rejects", &[]);
    assert!(readable);
    let fired: bool =
        tenant.one("SELECT bool_and(fired = to_timestamp($1::bigint)) FROM dialfire.transactions", &[&FROM]);
    assert!(fired, "the epoch says when, else the clock on the wall");
}

#[test]
fn what_goes_wrong_at_the_dialler_is_a_row_and_the_next_run_goes_on() {
    let server = MariaDb::start();
    let dialler = Dialler::on(&server);
    dialler.fill(3000, LATER);
    let mut tenant = tenant(&dialler);
    let all = range(LATER - 60, LATER + 7200);
    // A column that is gone.
    dialler.exec("ALTER TABLE vicidial_log DROP alt_dial");
    let run = tenant.sync(&all);
    run.expect("partial").says("Unknown column").says("df_setup_vicidial");
    let check =
        "SELECT string_agg(step || ' ' || status || ' ' || detail, '; ') FROM df_check('acme') WHERE status = 'failed'";
    assert!(tenant.one::<String>(check, &[]).contains("columns failed the dialler has no more: vicidial_log.alt_dial"));
    tenant.exec(&format!("SELECT df_setup_vicidial('acme', server => 'dialler', database => '{}')", dialler.database));
    // A table that has crashed, by the flag that MariaDB sets itself.
    dialler.exec("FLUSH TABLES");
    let file = server.file(&format!("{}/vicidial_log.MYI", dialler.database));
    let mut bytes = std::fs::read(&file).expect("the index file");
    bytes[26] |= 2;
    std::fs::write(&file, bytes).expect("the index file");
    tenant.sync(&all).expect("partial").says("marked as crashed").says("REPAIR TABLE");
    let told: i64 = tenant.one("SELECT count(*) FROM dialfire.error_log_view e WHERE e::text LIKE '%crashed%'", &[]);
    assert!(told > 0);
    dialler.exec("REPAIR TABLE vicidial_log");
    // MariaDB goes in the middle of a run.
    let killed = std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(150));
            server.kill();
        });
        tenant.exec("ALTER SERVER acme OPTIONS (ADD page_size '20')");
        let run = tenant.sync(&all);
        killer.join().expect("no panic");
        run
    });
    println!("MariaDB killed: {} {}", killed.status, killed.message);
    let down = tenant.sync(&all);
    down.expect("failed").says("the next run goes on");
    assert_eq!(
        tenant.one::<i64>("SELECT count(*) FROM dialfire.coverage WHERE source = 'vicidial_log'", &[]),
        i64::from(killed.status == "success")
    );
    server.up();
    dialler.exec("REPAIR TABLE vicidial_log");
    tenant.exec("ALTER SERVER acme OPTIONS (SET page_size '1000')");
    tenant.sync(&all).expect("success");
    assert_eq!(assert_same(&mut tenant, &dialler), 3000);
}

#[test]
fn no_statement_reads_a_whole_table_and_nobody_waits_long() {
    let server = MariaDb::start();
    let dialler = Dialler::on(&server);
    dialler.fill(40_000, LATER);
    dialler.exec(
        "INSERT INTO vicidial_log_archive SELECT * FROM vicidial_log LIMIT 20000;
         INSERT INTO vicidial_closer_log (lead_id, campaign_id, call_date, start_epoch, end_epoch, status, phone_number, user, uniqueid)
         SELECT lead_id, 'INGROUP', call_date, start_epoch, end_epoch, status, phone_number, user, uniqueid FROM vicidial_log;
         INSERT INTO vicidial_closer_log_archive SELECT * FROM vicidial_closer_log;
         INSERT INTO recording_log (start_epoch, lead_id, user, vicidial_id) SELECT start_epoch, lead_id, user, uniqueid FROM vicidial_log;
         ANALYZE TABLE vicidial_log, vicidial_log_archive, vicidial_closer_log, vicidial_closer_log_archive, recording_log;
         DELIMITER //
         CREATE PROCEDURE insert_for(seconds double) BEGIN
            DECLARE begun, at datetime(6); DECLARE n, longest bigint DEFAULT 0;
            SET begun = sysdate(6);
            WHILE timestampdiff(MICROSECOND, begun, sysdate(6)) < seconds * 1e6 DO
                SET at = sysdate(6), n = n + 1;
                INSERT INTO vicidial_log (uniqueid, lead_id, call_date, start_epoch, status) VALUES (concat('9.', n), 1, '2025-12-01', 1764565200, 'NEW');
                SET longest = greatest(longest, timestampdiff(MICROSECOND, at, sysdate(6)));
            END WHILE;
            SELECT n, longest;
         END//",
    );
    let mut tenant = tenant(&dialler);
    server.query("", "SET GLOBAL general_log = ON");
    tenant.sync(&range(LATER + 20_000, LATER + 23_600)).expect("success");
    tenant.exec(
        "UPDATE dialfire.connections SET ended = NULL WHERE id IN (SELECT id FROM dialfire.connections LIMIT 20)",
    );
    // A rewritten id, and the calls of the day before that have no end.
    dialler.exec(&format!("UPDATE vicidial_log SET uniqueid = '8.8' WHERE start_epoch = {}", LATER + 21_000));
    tenant.sync(&range(LATER + 20_500, LATER + 24_000)).expect("success");
    tenant
        .db
        .query("SELECT * FROM df_fetch('acme', $1::text)", &[&range(LATER + 20_000, LATER + 20_060)])
        .expect("records");
    server.query("", "SET GLOBAL general_log = OFF");
    let statements = server.query(
        "mysql",
        "SELECT DISTINCT replace(argument, '\\n', ' ') FROM general_log WHERE command_type = 'Execute' AND user_host LIKE '%reader%'
         AND argument LIKE '%FROM `asterisk%'",
    );
    let lists = ["vicidial_users", "vicidial_campaigns", "vicidial_statuses", "vicidial_campaign_statuses"];
    let (mut explained, mut kinds) = (0, BTreeSet::new());
    for statement in &statements {
        // Read whole, once a run: a few rows each, and none of them a call.
        if lists.iter().any(|table| statement.contains(&format!("`{table}`"))) {
            continue;
        }
        for line in dialler.rows(&format!("EXPLAIN {statement}")) {
            let fields: Vec<&str> = line.split('\t').collect();
            let (kind, key, rows) = (fields[3], fields[5], fields[8]);
            assert!(!["ALL", "index"].contains(&kind) || fields[9].contains("Impossible"), "{statement}\n{line}");
            assert!(rows.parse::<u64>().map_or(true, |rows| rows < 10_000), "{statement}\n{line}");
            kinds.insert(format!("{kind} by {key}"));
            explained += 1;
        }
    }
    println!("{explained} statements explained: {kinds:?}");
    assert!(explained > 20);
    // How long an insert of the dialler's waits at most, alone and while all is read.
    let longest = |dialler: &Dialler| -> f64 {
        let line = dialler.one("CALL insert_for(3)");
        dialler.exec("DELETE FROM vicidial_log WHERE uniqueid LIKE '9.%'");
        line.split('\t').nth(1).and_then(|us| us.parse::<f64>().ok()).expect("a number") / 1000.0
    };
    let alone = longest(&dialler);
    let began = Instant::now();
    let during = std::thread::scope(|scope| {
        let inserts = scope.spawn(|| longest(&dialler));
        tenant.sync(&range(LATER, LATER + 20_000)).expect("success");
        inserts.join().expect("no panic")
    });
    println!(
        "longest insert: {alone:.1} ms alone, {during:.1} ms while 80,000 rows are read in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    assert!(during < 1000.0, "{during} ms");
}

#[test]
fn the_wrong_zone_is_refused_and_the_schedule_reads_on() {
    let dialler = Dialler::shared();
    let now = chrono::Utc::now().timestamp();
    let mut tenant = tenant(&dialler);
    dialler.exec(&format!(
        "INSERT INTO vicidial_log (uniqueid, lead_id, campaign_id, call_date, start_epoch, end_epoch, length_in_sec, status, phone_number)
         SELECT concat({now} - seq, '.1'), seq, 'TEST', '1970-01-01' + INTERVAL {now} - seq + 3600 SECOND, {now} - seq, {now} - seq, 0, 'NA', '5'
         FROM seq_10_to_60"
    ));
    let today = "SELECT status || ': ' || detail FROM df_check('acme') WHERE step = 'time zone'";
    let said = tenant.one::<String>(today, &[]);
    assert!(said.starts_with("failed: ") && said.contains("call_date is +"), "{said}");
    tenant.exec("ALTER SERVER acme OPTIONS (SET timezone 'Etc/GMT-1', ADD start_date '2026-01-01')");
    let run = tenant.sync("last 2 hours");
    run.expect("success");
    assert_eq!(run.inserted, 51);
    assert_eq!(tenant.one::<String>(today, &[]).split(':').next(), Some("ok"));
    tenant.exec("CALL df_reconcile('acme')");
    tenant.exec("SELECT df_schedule('acme', '1 minute')");
    tenant.exec("ALTER SERVER acme OPTIONS (SET start_date '2099-01-01')");
    tenant.exec("CALL df_run_due()");
    let kinds: Vec<String> =
        tenant.one("SELECT array_agg(DISTINCT kind ORDER BY kind) FROM dialfire.runs WHERE status = 'success'", &[]);
    for kind in ["look_back", "manual", "reconcile"] {
        assert!(kinds.iter().any(|k| k == kind), "{kinds:?}");
    }
}

#[test]
fn a_call_result_is_answered_as_the_brief_says_and_the_sync_knows_better() {
    let dialler = Dialler::shared();
    let mut tenant = tenant(&dialler);
    let start = LATER;
    let body = serde_json::json!({"uniqueid": format!("{start}.123"), "leadId": "12345", "campaignId": "TEST",
        "phoneNumber": "5551234567", "disposition": "SALE", "duration": 45, "agentId": "agent001", "timestamp": start});
    let send = |tenant: &mut Tenant, body: &str, headers: &str| -> (i32, String, serde_json::Value) {
        let sql = "SELECT http_status, outcome, response FROM df_ingest('acme', $1::text, $2::text::jsonb)";
        let row = tenant.db.query_one(sql, &[&body, &headers]).unwrap_or_else(|error| panic!("{}", words(&error)));
        (row.get(0), row.get(1), row.get(2))
    };
    let id = format!("log:{start}.123");
    let answer = serde_json::json!({"success": true, "message": "Call result recorded",
        "data": {"recordId": id, "uniqueid": format!("{start}.123"), "disposition": "SALE"}});
    let (status, outcome, response) = send(&mut tenant, &body.to_string(), "{}");
    assert_eq!((status, outcome.as_str(), &response), (200, "stored", &answer));
    let (status, outcome, response) = send(&mut tenant, &body.to_string(), "{}");
    assert_eq!((status, outcome.as_str(), &response), (200, "duplicate", &answer));
    let call = "SELECT status || ' ' || agent_login || ' ' || duration_ms FROM dialfire.calls WHERE call_id = $1";
    assert_eq!(tenant.one::<String>(call, &[&id]), "completed agent001 45000");
    // The dialler's own row replaces it, and a late result in the middle of the call does not take it back.
    dialler.exec(&format!(
        "INSERT INTO vicidial_log (uniqueid, lead_id, campaign_id, call_date, start_epoch, end_epoch, length_in_sec, status, phone_number, user)
         VALUES ('{start}.123', 12345, 'TEST', '{}', {start}, {}, 47, 'NI', '5551234567', '6666')", wall(start), start + 47));
    tenant.sync(&range(start - 60, start + 60)).expect("success").expect_counts(0, 1, 0);
    let late = body.to_string().replace("SALE", "INCALL");
    assert_eq!(send(&mut tenant, &late, "{}").0, 200);
    assert_eq!(tenant.one::<String>("SELECT vendor_status FROM dialfire.calls WHERE call_id = $1", &[&id]), "NI");
    // What is no call result is told, and kept.
    assert_eq!(send(&mut tenant, "[1]", "{}").0, 400);
    let (status, outcome, response) = send(&mut tenant, r#"{"leadId": 1, "disposition": "SALE"}"#, "{}");
    assert_eq!((status, outcome.as_str(), response["success"].as_bool()), (422, "rejected", Some(false)));
    assert_eq!(tenant.one::<i64>("SELECT count(*) FROM dialfire.rejects_open", &[]), 1);
    tenant.exec("CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token 'key-of-the-api')");
    assert_eq!(send(&mut tenant, &body.to_string(), r#"{"x-api-key": "another"}"#).0, 401);
    assert_eq!(send(&mut tenant, &body.to_string(), r#"{"X-Api-Key": "key-of-the-api"}"#).0, 200);
}

#[test]
fn a_dialler_is_diagnosed_and_mended_too() {
    let dialler = Dialler::shared();
    let mut tenant = tenant(&dialler);
    let row = |n: i64, status: &str| {
        format!(
            "INSERT INTO vicidial_log (uniqueid, lead_id, campaign_id, call_date, start_epoch, end_epoch, length_in_sec, status, phone_number, user)
             VALUES ('{}.1', {n}, 'TEST', '{}', {}, {}, 60, '{status}', '555{n}', '6666');",
            FROM + n, wall(FROM + n), FROM + n, FROM + n + 60
        )
    };
    dialler.exec(&(0..20).map(|n| row(n * 30, "SALE")).collect::<String>());
    let range = range(FROM - 60, FROM + 3600);
    tenant.sync(&range).expect("success").expect_counts(20, 0, 0);
    let numbers = |tenant: &mut Tenant| -> Vec<i64> {
        let report: serde_json::Value = tenant.one("SELECT df_diagnose('acme', $1::text)", &[&range]);
        let of = |name: &str| report["summary"][name].as_i64().unwrap_or(-1);
        ["vicidialTotal", "databaseTotal", "matching", "missingInDatabase", "extraInDatabase", "changed"]
            .map(of)
            .to_vec()
    };
    assert_eq!(numbers(&mut tenant), [20, 20, 20, 0, 0, 0]);
    // One comes late, one is rewritten, one goes.
    dialler.exec(&row(15, "NI"));
    dialler.exec(&format!("UPDATE vicidial_log SET status = 'DNC' WHERE uniqueid = '{}.1'", FROM + 30));
    dialler.exec(&format!("DELETE FROM vicidial_log WHERE uniqueid = '{}.1'", FROM + 60));
    assert_eq!(numbers(&mut tenant), [20, 20, 18, 1, 1, 1]);
    let told: Vec<String> = tenant.one(
        "SELECT array_agg(concat_ws(' ', call_id, status, reason) ORDER BY reason) FROM df_diagnose_calls('acme', $1::text)",
        &[&range],
    );
    let line = |n: i64, told: &str| format!("log:{}.1 {told}", FROM + n);
    assert_eq!(
        told,
        [
            line(30, "changed changed_since"),
            line(60, "only_database deleted_at_vendor"),
            line(15, "only_vendor late_arrival")
        ]
    );
    let mended: String = tenant.one(
        "SELECT concat_ws(' ', status, found, inserted, updated, marked_gone, left_over) FROM df_repair('acme', $1::text)",
        &[&range],
    );
    assert_eq!(mended, "success 3 1 1 1 0");
    assert_eq!(numbers(&mut tenant), [20, 20, 20, 0, 0, 0]);
}

#[test]
fn a_code_means_what_the_tenant_or_the_campaign_says() {
    let dialler = Dialler::shared();
    let mut tenant = tenant(&dialler);
    let row = |key: u32, campaign: &str, code: &str| {
        format!(
            "INSERT INTO vicidial_log (uniqueid, lead_id, campaign_id, call_date, start_epoch, end_epoch, status, phone_number)
             VALUES ('1.{key}', {key}, '{campaign}', '{}', {LATER}, {LATER}, '{code}', '5');",
            wall(LATER)
        )
    };
    let codes = ["A", "B", "AA", "NA", "DROP", "DNC", "HUC17", "PU", "ODD", "Sale"];
    let rows: String = codes.iter().zip(1..).map(|(code, key)| row(key, "TEST", code)).collect();
    dialler.exec(&(rows + &row(50, "OTHER", "ODD")));
    tenant.sync(&range(LATER - 60, LATER + 60)).expect("success");
    let said =
        "SELECT string_agg(vendor_status || ' ' || status, ', ' ORDER BY length(call_id), call_id) FROM dialfire.calls";
    assert_eq!(
        tenant.one::<String>(said, &[]),
        "A voicemail, B busy, AA voicemail, NA no_answer, DROP abandoned, DNC completed, HUC17 failed, PU in_progress, \
         ODD unknown, Sale completed, ODD unknown"
    );
    tenant.exec(
        "INSERT INTO dialfire.call_statuses (vendor, vendor_status, status, tenant, campaign_id) VALUES
        ('vicidial', 'odd', 'completed', 'acme', ''), ('vicidial', 'ODD', 'busy', 'acme', 'OTHER')",
    );
    let odd = "SELECT string_agg(campaign_id || ' ' || status, ', ' ORDER BY campaign_id) FROM dialfire.calls WHERE vendor_status = 'ODD'";
    assert_eq!(tenant.one::<String>(odd, &[]), "OTHER busy, TEST completed");
    let gone: String = tenant.one(
        "SELECT string_agg(source || ' ' || removed, ', ' ORDER BY source) FROM df_reset_coverage('acme', $1)",
        &[&range(LATER - 30, LATER + 30)],
    );
    assert_eq!(gone, "vicidial_closer_log 00:01:00, vicidial_log 00:01:00");
}

/// The blocks of docs/vicidial.md in their order, with the places of this test for those of the text.
#[test]
fn the_documentation_is_what_works() {
    let dialler = Dialler::shared();
    let now = chrono::Utc::now().timestamp();
    dialler.fill(100, now - 2000);
    let cluster = Cluster::shared();
    let database = cluster.database();
    let config = std::env::temp_dir().join(format!("astguiclient-{}.conf", std::process::id()));
    std::fs::write(
        &config,
        format!(
            "# a dialler's\nPATHhome => /usr/share/astguiclient\nVARDB_server => 127.0.0.1 ; the replica\nVARDB_database => {}\n\
             VARDB_user => reports\nVARDB_pass => secret\nVARDB_port => {}\n",
            dialler.database, dialler.server.port
        ),
    )
    .expect("a file");
    let text = include_str!("../../../docs/vicidial.md")
        .replace("10.0.0.7", "localhost")
        .replace("10.0.0.5", "127.0.0.1")
        .replace("'3306'", &format!("'{}'", dialler.server.port))
        .replace("asterisk.*", &format!("{}.*", dialler.database))
        .replace("'asterisk'", &format!("'{}'", dialler.database))
        .replace("/etc/astguiclient.conf'", &format!("{}'", config.display()));
    let (mut kind, mut block, mut blocks) = ("", String::new(), 0);
    for line in text.lines() {
        match (kind, line) {
            ("", "```mysql" | "```sql") => kind = if line == "```sql" { "sql" } else { "mysql" },
            ("", _) => {}
            (_, "```") => {
                if kind == "mysql" {
                    dialler.exec(&block);
                } else {
                    let errors = cluster.restore(&database, &format!("SET client_min_messages = warning; {block}"));
                    assert_eq!(errors, "", "{block}");
                }
                (kind, blocks) = ("", blocks + 1);
                block.clear();
            }
            _ => block += &format!("{line}\n"),
        }
    }
    let _ = std::fs::remove_file(&config);
    assert_eq!(blocks, 7);
    let mut db = cluster.connect(&database);
    let calls: i64 =
        db.query_one("SELECT count(*) FROM dialfire.calls WHERE tenant = 'acme'", &[]).expect("calls").get(0);
    assert_eq!(calls, 101, "those of the dialler and the one that was sent");
    let log = cluster.log();
    assert!(!log.contains("'secret'"), "a password stands in the log");
    drop(db);
    cluster.drop_database(&database);
}
