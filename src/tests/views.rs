//! Views of the user's own: what is found in them, and that mending them brings rows back and changes nothing else.

#[pgrx::pg_schema]
mod tests {
    use std::collections::BTreeSet;

    use pgrx::prelude::*;

    const LEGACY: &str = include_str!("legacy.sql");

    fn one<T: FromDatum + IntoDatum>(sql: &str) -> T {
        Spi::get_one::<T>(sql).unwrap().unwrap()
    }

    fn make(view: &str, select: &str) {
        Spi::run(&format!("SET LOCAL search_path = legacy, public; CREATE VIEW legacy.{view} AS {select}")).unwrap();
        Spi::run("SET LOCAL search_path = public").unwrap();
    }

    /// What the audit says of one view, `finding` or `finding: rows lost`.
    fn findings(view: &str) -> BTreeSet<String> {
        Spi::connect(|client| {
            let sql = format!(
                "SELECT finding || COALESCE(': ' || rows_lost, '') AS said FROM df_audit_views('legacy')
                 WHERE view = 'legacy.{view}'"
            );
            client.select(&sql, None, &[]).unwrap().map(|row| row["said"].value().unwrap().unwrap()).collect()
        })
    }

    fn definition(view: &str) -> String {
        one(&format!("SELECT pg_get_viewdef('legacy.{view}'::regclass)"))
    }

    fn columns(view: &str) -> String {
        one(&format!(
            "SELECT string_agg(concat_ws(' ', attname, atttypid, atttypmod, attcollation), ',' ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = 'legacy.{view}'::regclass"
        ))
    }

    /// Hardens a view that others depend on, and takes it back: returns the rows before and after.
    fn hardened(view: &str) -> (i64, i64) {
        let (before, was) = (definition(view), columns(view));
        let count = format!("SELECT count(*) FROM legacy.{view}");
        Spi::run(&format!(
            "CREATE VIEW legacy.dependant AS SELECT * FROM legacy.{view};
             CREATE TEMP TABLE old_rows AS SELECT legacy.said(to_jsonb(v)) AS row FROM legacy.{view} v"
        ))
        .unwrap();
        let rows_before: i64 = one(&count);
        let said: (Option<i64>, Option<i64>) = Spi::get_two(&format!(
            "SELECT rows_before, rows_after FROM df_harden_view('legacy.{view}', apply => true) WHERE applied"
        ))
        .unwrap();
        let rows_after: i64 = one(&count);
        assert_eq!(said, (Some(rows_before), Some(rows_after)), "{view}");
        assert_eq!(columns(view), was, "{view}");
        assert_eq!(one::<i64>("SELECT count(*) FROM legacy.dependant"), rows_after, "{view}");
        // What a row said it still says, as often as before; where it said nothing it may now.
        let changed: i64 = one(&format!(
            "SELECT count(*) FROM (SELECT row, count(*) AS times FROM old_rows GROUP BY row) o
             WHERE (SELECT count(*) FROM legacy.{view} v WHERE to_jsonb(v) @> o.row) < o.times"
        ));
        assert_eq!(changed, 0, "{view} has other rows than before");
        assert_eq!(findings(view).into_iter().filter(|said| is_mended(said)).collect::<Vec<_>>(), Vec::<String>::new());
        Spi::run(&format!("SELECT df_unharden_view('legacy.{view}')")).unwrap();
        assert_eq!(definition(view), before, "{view}");
        assert_eq!(one::<i64>(&count), rows_before, "{view}");
        Spi::run("DROP VIEW legacy.dependant; DROP TABLE old_rows").unwrap();
        (rows_before, rows_after)
    }

    /// What no view may have any more once it is hardened.
    fn is_mended(finding: &str) -> bool {
        ["inner_join", "comma_join", "left_join_undone", "nullable_key"].iter().any(|code| finding.starts_with(code))
    }

    /// A view, what the audit must say of its joins, and its rows before and after.
    fn check(view: &str, select: &str, expected: &[&str], rows: (i64, i64)) {
        make(view, select);
        let said: Vec<String> = findings(view).into_iter().filter(|said| is_mended(said)).collect();
        assert_eq!(said, expected, "{view}");
        assert_eq!(hardened(view), rows, "{view}");
    }

    #[pg_test]
    fn the_legacy_agent_data_gets_its_contacts_logins_and_starts() {
        Spi::run(LEGACY).unwrap();
        let said = findings("agent_data");
        for finding in ["nullable_key", "missing_fallback", "text_date_cast", "text_timestamp"] {
            assert!(said.contains(finding), "{finding} is missing in {said:?}");
        }
        assert_eq!(hardened("agent_data"), (7, 7));
        Spi::run("SELECT * FROM df_harden_view('legacy.agent_data', apply => true)").unwrap();
        let facts: String =
            one("SELECT string_agg(concat_ws(' ', transaction_id, transactions_user_login, contacts_campaign_id,
                                         recordings_start_time, recordings_started IS NOT NULL), ', '
                               ORDER BY transaction_id, connections_phone) FROM legacy.agent_data");
        assert_eq!(
            facts,
            "T1 Anna.Müller K1 10:00 t, T2 Anna.Müller K1 10:01 f, T3 Uwe.Wolf K2 10:02 t, T3 Uwe.Wolf K2 10:02 f, \
             T4 K2 10:03 f, T5 Anna.Müller 23:30 f, T6 Uwe.Wolf K1 10:05 f"
        );
    }

    #[pg_test]
    fn a_start_or_contact_of_the_leg_falls_back_on_the_call() {
        Spi::run(LEGACY).unwrap();
        make(
            "starts",
            "SELECT t.id, c.started AS call_started, c.started AS connections_started, r.contact_id AS contact,
                    left(r.started, 10) AS day, c.started IS NULL AS unanswered
             FROM transactions t LEFT JOIN connections c ON c.transaction_id = t.id
             LEFT JOIN recordings r ON r.connection_id = c.id",
        );
        assert_eq!(hardened("starts"), (7, 7));
        Spi::run("SELECT * FROM df_harden_view('legacy.starts', apply => true)").unwrap();
        let said: String =
            one("SELECT string_agg(concat_ws(' ', call_started, connections_started, contact, day, unanswered), ', ')
             FROM legacy.starts WHERE id = 'T4'");
        assert_eq!(said, "2026-11-05T10:03:00.000Z C2 2026-11-05 t");
    }

    #[pg_test]
    fn ids_do_not_pass_for_logins() {
        Spi::run(LEGACY).unwrap();
        Spi::run(r#"UPDATE legacy.connections SET "user" = 'U1' WHERE id = 'L1'"#).unwrap();
        Spi::run("SELECT * FROM df_harden_view('legacy.agent_data', apply => true)").unwrap();
        let said: String = one("SELECT array_to_string(not_mended, ' ') FROM df_harden_view('legacy.agent_data')");
        assert!(said.contains("c.user differs from the login in 1 rows that have both"), "{said}");
        assert!(one::<bool>(
            "SELECT bool_and(transactions_user_login IS NULL) FROM legacy.agent_data WHERE transaction_id = 'T3'"
        ));
    }

    #[pg_test]
    fn rows_that_joins_drop_are_counted_and_come_back() {
        Spi::run(LEGACY).unwrap();
        check(
            "chain",
            r#"SELECT t.id, c.id AS leg, r.location, co.firma FROM transactions t
               JOIN connections c ON c.transaction_id = t.id JOIN recordings r ON r.connection_id = c.id
               JOIN contacts co ON co."$id" = r.contact_id"#,
            &["inner_join: 1", "inner_join: 2", "inner_join: 5", "nullable_key"],
            (2, 7),
        );
        check(
            "commas",
            "SELECT t.id, c.duration FROM connections c, transactions t, recordings r
             WHERE c.transaction_id = t.id AND r.connection_id = c.id AND t.fired IS NOT NULL",
            &["comma_join: 2", "comma_join: 5"],
            (2, 7),
        );
        check(
            "undone",
            "SELECT t.id, c.duration FROM transactions t LEFT JOIN connections c ON c.transaction_id = t.id
             WHERE c.duration > 0",
            &["left_join_undone: 3"],
            (4, 7),
        );
        check(
            "filtered",
            "SELECT t.id, c.duration FROM transactions t JOIN connections c ON c.transaction_id = t.id
             WHERE c.result = 'connect' AND t.status <> 'declined'",
            &["inner_join: 2"],
            (3, 5),
        );
        check(
            "backwards",
            "SELECT r.location, c.duration, t.id FROM recordings r JOIN connections c ON c.id = r.connection_id
             JOIN transactions t ON t.id = c.transaction_id",
            &["inner_join: 1", "inner_join: 2"],
            (2, 7),
        );
        check(
            "contacts_first",
            r#"SELECT co.firma, t.id FROM contacts co JOIN transactions t ON t.contact_id = co."$id""#,
            &["inner_join: 1"],
            (5, 6),
        );
        check(
            "nested",
            "SELECT t.id, r.location FROM transactions t
             JOIN (connections c JOIN recordings r ON r.connection_id = c.id) ON c.transaction_id = t.id",
            &["inner_join: 1", "inner_join: 2"],
            (2, 7),
        );
    }

    #[pg_test]
    fn joins_are_mended_however_they_are_written() {
        Spi::run(LEGACY).unwrap();
        check(
            "merged",
            "SELECT transaction_id, duration, contact_id FROM (SELECT id AS transaction_id, contact_id FROM transactions) x
             JOIN (SELECT transaction_id, contact_id, duration FROM connections) y USING (transaction_id, contact_id)
             WHERE duration > 0",
            &["inner_join: 3"],
            (4, 7),
        );
        check(
            "natural_join",
            "SELECT * FROM (SELECT id AS transaction_id FROM transactions) x
             NATURAL JOIN (SELECT transaction_id, phone FROM connections) y",
            &["inner_join: 2"],
            (5, 7),
        );
        check(
            "alias_of_join",
            "SELECT j.tid, j.duration FROM (transactions t(tid) JOIN connections c(cid) ON c.transaction_id = t.tid) AS j
             WHERE j.duration > 1000",
            &["inner_join: 3"],
            (4, 7),
        );
        check(
            "lateral_join",
            "SELECT t.id, l.phone FROM transactions t CROSS JOIN LATERAL
             (SELECT c.phone FROM connections c WHERE c.transaction_id = t.id ORDER BY c.started LIMIT 1) l",
            &["inner_join: 2"],
            (4, 6),
        );
        check(
            "lateral_comma",
            "SELECT t.id, part FROM transactions t, regexp_split_to_table(t.status_detail, ',') part",
            &["comma_join: 6"],
            (0, 6),
        );
        check(
            "distinct_on_own",
            "SELECT DISTINCT ON (t.id) t.id, c.phone FROM transactions t JOIN connections c ON c.transaction_id = t.id
             ORDER BY t.id, c.started",
            &["inner_join: 2"],
            (4, 6),
        );
        check(
            "numbered_own",
            "SELECT t.id, c.phone, row_number() OVER (PARTITION BY t.id ORDER BY c.started) AS leg
             FROM transactions t JOIN connections c ON c.transaction_id = t.id",
            &["inner_join: 2"],
            (5, 7),
        );
    }

    #[pg_test]
    fn a_query_that_reads_the_one_around_it_is_looked_into() {
        Spi::run(LEGACY).unwrap();
        make(
            "correlated",
            "SELECT t.id, l.phone FROM transactions t LEFT JOIN LATERAL (
                 SELECT c.phone FROM connections c LEFT JOIN recordings r ON r.connection_id = c.id
                 WHERE c.transaction_id = t.id AND r.started > t.fired) l ON true",
        );
        assert!(findings("correlated").contains("left_join_undone"));
        assert_eq!(one::<i32>("SELECT cardinality(changes) FROM df_harden_view('legacy.correlated')"), 0);
    }

    #[pg_test]
    fn what_the_rows_come_from_is_mended_inside() {
        Spi::run(LEGACY).unwrap();
        check(
            "with_queries",
            "WITH legs AS (SELECT t.id, c.id AS leg FROM transactions t JOIN connections c ON c.transaction_id = t.id),
                  recorded AS (SELECT l.id, r.location FROM legs l JOIN recordings r ON r.connection_id = l.leg)
             SELECT * FROM recorded",
            &["inner_join: 2", "inner_join: 3"],
            (2, 7),
        );
        check(
            "sub_query",
            "SELECT s.id FROM (SELECT t.id, t.contact_id FROM transactions t JOIN connections c ON c.transaction_id = t.id) s
             LEFT JOIN contacts co ON s.contact_id = co.\"$id\"",
            &["inner_join: 2"],
            (5, 7),
        );
        check(
            "branches",
            "SELECT t.id, 'leg' AS what FROM transactions t JOIN connections c ON c.transaction_id = t.id
             UNION ALL
             SELECT t.id, 'contact' FROM transactions t, contacts co WHERE co.\"$id\" = t.contact_id",
            &["comma_join: 1", "inner_join: 2"],
            (10, 13),
        );
    }

    #[pg_test]
    fn a_kpi_over_joins_becomes_right() {
        Spi::run(LEGACY).unwrap();
        make(
            "kpi",
            r#"SELECT t."user_loginName" AS login, count(DISTINCT t.id) AS calls, count(c.id) AS legs
               FROM transactions t JOIN connections c ON c.transaction_id = t.id GROUP BY 1"#,
        );
        let said = |_: ()| -> String {
            one("SELECT string_agg(concat_ws(' ', login, calls, legs), ', ' ORDER BY login) FROM legacy.kpi")
        };
        assert_eq!(said(()), "Anna.Müller 2 2, Uwe.Wolf 1 1, 1 2");
        Spi::run("SELECT * FROM df_harden_view('legacy.kpi', apply => true)").unwrap();
        assert_eq!(said(()), "Anna.Müller 3 2, Uwe.Wolf 2 3, 1 0");
    }

    #[pg_test]
    fn counts_that_a_join_inflates_are_found() {
        Spi::run(LEGACY).unwrap();
        make(
            "inflated",
            "SELECT count(*) AS calls FROM transactions t LEFT JOIN connections c ON c.transaction_id = t.id",
        );
        assert_eq!(findings("inflated"), BTreeSet::from(["inflated_count".to_owned()]));
        make(
            "inflated_sum",
            "SELECT sum(c.duration) AS talked FROM transactions t LEFT JOIN connections c ON c.transaction_id = t.id
             LEFT JOIN recordings r ON r.connection_id = c.id",
        );
        assert_eq!(findings("inflated_sum"), BTreeSet::from(["inflated_count".to_owned()]));
    }

    #[pg_test]
    fn dates_kept_as_text_are_found() {
        Spi::run(LEGACY).unwrap();
        for (view, condition, finding) in [
            ("compared", "fired >= '2026-11-05'", "text_date_compare"),
            ("ranged", "fired BETWEEN '2026-11-05' AND '2026-11-06'", "text_date_compare"),
            ("matched", "fired LIKE '2026-11-05%'", "text_date_compare"),
            ("cut", "left(fired, 10) = '2026-11-05'", "text_date_compare"),
            ("printed", "fired > to_char(now(), 'YYYY-MM-DD')", "text_date_compare"),
            ("cast_to_date", "fired::date = '2026-11-05'", "text_date_cast"),
            ("by_function", "to_date(fired, 'YYYY-MM-DD') = '2026-11-05'", "text_date_cast"),
            ("cast_to_zone", "fired::timestamptz > now()", "text_date_cast"),
        ] {
            make(view, &format!("SELECT id FROM transactions WHERE {condition}"));
            assert_eq!(findings(view), BTreeSet::from([finding.to_owned()]), "{view}");
        }
        make("shown", "SELECT id, fired FROM transactions");
        assert_eq!(findings("shown"), BTreeSet::from(["text_timestamp".to_owned()]));
    }

    #[pg_test]
    fn right_views_are_left_in_peace() {
        Spi::run(LEGACY).unwrap();
        Spi::run(
            "CREATE TABLE legacy.teams (id int PRIMARY KEY, name text, active boolean);
             CREATE TABLE legacy.agents (id int PRIMARY KEY, team_id int NOT NULL REFERENCES legacy.teams, joined timestamptz)",
        )
        .unwrap();
        for (view, select) in [
            ("fallbacks", r#"SELECT t.id, COALESCE(t."user_loginName", c."user") AS login, c.duration,
                             COALESCE(r.started, c.started, t.fired)::timestamptz(0) IS NULL AS never_started
                             FROM transactions t LEFT JOIN connections c ON c.transaction_id = t.id
                             LEFT JOIN recordings r ON r.connection_id = c.id"#),
            ("foreign_key", "SELECT a.id, s.name FROM agents a JOIN teams s ON s.id = a.team_id"),
            ("foreign_key_comma", "SELECT a.id, s.name FROM agents a, teams s WHERE s.id = a.team_id AND s.active"),
            ("foreign_key_using", "SELECT a.id, name FROM agents a JOIN teams s(team_id) USING (team_id) WHERE s.active"),
            ("exists", "SELECT t.id FROM transactions t WHERE EXISTS (
                        SELECT FROM connections c JOIN recordings r ON r.connection_id = c.id WHERE c.transaction_id = t.id)"),
            ("anti_join", "SELECT t.id FROM transactions t LEFT JOIN connections c ON c.transaction_id = t.id WHERE c.id IS NULL"),
            ("null_safe", "SELECT t.id FROM transactions t LEFT JOIN connections c ON c.transaction_id = t.id
                           WHERE COALESCE(c.duration, 0) = 0 OR c.id IS NULL"),
            ("counted_once", "SELECT count(DISTINCT t.id) AS calls, max(c.duration) AS longest
                              FROM transactions t LEFT JOIN connections c ON c.transaction_id = t.id"),
            ("counted_before", "SELECT count(*) AS calls, sum(c.legs) AS legs FROM transactions t LEFT JOIN (
                                SELECT transaction_id, count(*) AS legs FROM connections GROUP BY 1) c ON c.transaction_id = t.id"),
            ("every_with_every", "SELECT t.id, v.n FROM transactions t JOIN (VALUES (1), (2)) v(n) ON true"),
            ("one_row", "SELECT t.id, p.calls FROM transactions t, (SELECT count(*) AS calls FROM transactions) p"),
            ("typed", "SELECT id, joined, joined::date AS day FROM agents WHERE joined > '2026-11-05'"),
            ("guarded", "SELECT id FROM transactions WHERE fired <> '' AND fired IS NOT NULL"),
        ] {
            make(view, select);
            let said: Vec<String> = findings(view).into_iter().filter(|said| view != "fallbacks" || said != "text_date_cast").collect();
            assert_eq!(said, Vec::<String>::new(), "{view}");
            let changes: i32 = one(&format!("SELECT cardinality(changes) FROM df_harden_view('legacy.{view}')"));
            assert_eq!(changes, 0, "{view}");
        }
    }

    #[pg_test]
    fn what_cannot_be_mended_safely_is_refused_with_the_reason() {
        Spi::run(LEGACY).unwrap();
        Spi::run(
            "CREATE FUNCTION legacy.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
             DECLARE detail text;
             BEGIN
                 EXECUTE statement;
                 RETURN 'accepted';
             EXCEPTION WHEN OTHERS THEN
                 GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
                 RETURN SQLSTATE || ' ' || detail;
             END $$",
        )
        .unwrap();
        let joined = "FROM transactions t JOIN connections c ON c.transaction_id = t.id";
        for (view, select, reason) in [
            ("cut_off", format!("SELECT t.id {joined} LIMIT 3"), "LIMIT or OFFSET"),
            ("ranked", format!("SELECT t.id, rank() OVER (ORDER BY t.fired) {joined}"), "Window functions"),
            ("picked", format!("SELECT DISTINCT ON (t.status) t.id, t.status {joined}"), "DISTINCT ON"),
            (
                "picked_leg",
                format!(
                    "SELECT DISTINCT ON (t.id) t.id, c.id AS leg {joined} JOIN recordings r ON r.connection_id = c.id"
                ),
                "DISTINCT ON",
            ),
            (
                "subtracted",
                format!("SELECT t.id FROM transactions t EXCEPT SELECT t.id {joined}"),
                "INTERSECT or EXCEPT",
            ),
            ("locked", format!("SELECT t.id {joined} FOR UPDATE"), "FOR UPDATE"),
            (
                "across",
                "SELECT t.id FROM transactions t LEFT JOIN connections c ON c.transaction_id = t.id
                        LEFT JOIN recordings r ON r.connection_id = c.id WHERE c.started < COALESCE(r.started, 'z')"
                    .to_owned(),
                "belongs to no single join",
            ),
        ] {
            make(view, &select);
            let before = definition(view);
            let said: String = one(&format!(
                "SELECT legacy.refusal('SELECT * FROM df_harden_view(''legacy.{view}'', apply => true)')"
            ));
            assert!(said.starts_with("0A000") && said.contains(reason), "{view}: {said}");
            assert_eq!(definition(view), before);
        }
    }

    #[pg_test]
    fn hardening_twice_goes_back_to_the_beginning() {
        Spi::run(LEGACY).unwrap();
        make(
            "twice",
            "SELECT t.id, r.stopped AS ended FROM transactions t JOIN connections c ON c.transaction_id = t.id
                       LEFT JOIN recordings r ON r.connection_id = c.id",
        );
        let before = definition("twice");
        Spi::run("SELECT * FROM df_harden_view('legacy.twice', apply => true)").unwrap();
        Spi::run(
            r#"SELECT * FROM df_harden_view('legacy.twice', apply => true, fallbacks => '{"ended": ["c.started"]}')"#,
        )
        .unwrap();
        assert!(definition("twice").contains("COALESCE(r.stopped, c.started) AS ended"));
        assert_eq!(one::<i32>("SELECT cardinality(changes) FROM dialfire.hardened_views"), 2);
        Spi::run("SELECT df_unharden_view('legacy.twice')").unwrap();
        assert_eq!(definition("twice"), before);
        assert_eq!(one::<i64>("SELECT count(*) FROM dialfire.hardened_views"), 0);
    }

    #[pg_test]
    fn whoever_names_the_kept_relation_keeps_its_rows() {
        Spi::run(LEGACY).unwrap();
        make(
            "kept",
            "SELECT c.id AS leg, r.id AS recording FROM connections c JOIN recordings r ON r.connection_id = c.id",
        );
        let rows = |keep: &str| -> String {
            one(&format!("SELECT rows_after || definition FROM df_harden_view('legacy.kept', keep => '{keep}')"))
        };
        assert!(rows("c").starts_with('5') && rows("c").contains("LEFT JOIN"));
        assert!(rows("r").starts_with('2') && rows("r").contains("RIGHT JOIN"));
    }

    /// Joins of every kind in every order, with any conditions: what was there stays, and what is kept comes back.
    #[pg_test]
    fn no_random_view_loses_or_changes_a_row() {
        Spi::run(LEGACY).unwrap();
        let mut seed = 20_261_105_u64;
        let mut pick = move |n: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % n
        };
        let mut mended = 0;
        for round in 0..120 {
            let order =
                [["t", "c", "r", "co"], ["c", "r", "t", "co"], ["r", "c", "t", "co"], ["co", "t", "c", "r"]][pick(4)];
            let table = |alias: &str| match alias {
                "t" => "transactions t",
                "c" => "connections c",
                "r" => "recordings r",
                _ => "contacts co",
            };
            let condition = |have: &[&str], alias: &str| -> Option<&str> {
                let has = |name: &str| have.contains(&name);
                match alias {
                    "t" if has("c") => Some("t.id = c.transaction_id"),
                    "t" => Some(r#"t.contact_id = co."$id""#),
                    "c" if has("t") => Some("c.transaction_id = t.id"),
                    "c" => Some("c.id = r.connection_id"),
                    "r" => Some("r.connection_id = c.id"),
                    _ if has("t") => Some(r#"co."$id" = t.contact_id"#),
                    _ => None,
                }
            };
            let used = 2 + pick(3);
            let mut from = table(order[0]).to_owned();
            let mut filters = vec!["true".to_owned()];
            for at in 1..used {
                let Some(on) = condition(&order[..at], order[at]) else { continue };
                match pick(5) {
                    0 => from = format!("{from} LEFT JOIN {} ON {on}", table(order[at])),
                    1 => from = format!("{from} RIGHT JOIN {} ON {on}", table(order[at])),
                    2 => {
                        from = format!("{from} CROSS JOIN {}", table(order[at]));
                        filters.push(on.to_owned());
                    }
                    _ => from = format!("{from} JOIN {} ON {on}", table(order[at])),
                }
            }
            for filter in [
                "c.duration > 15000",
                "r.location LIKE 'https%'",
                "t.status <> 'declined'",
                "c.result IN ('connect', 'busy')",
            ] {
                if order[..used].contains(&filter.split('.').next().unwrap()) && pick(3) == 0 {
                    filters.push(filter.to_owned());
                }
            }
            let columns: Vec<String> = order[..used]
                .iter()
                .map(
                    |alias| {
                        if *alias == "co" {
                            r#"co."$id" AS co"#.to_owned()
                        } else {
                            format!("{alias}.id AS {alias}")
                        }
                    },
                )
                .collect();
            let view = format!("random_{round}");
            make(&view, &format!("SELECT {} FROM {from} WHERE {}", columns.join(", "), filters.join(" AND ")));
            let lost = findings(&view).into_iter().any(|said| said.contains(": ") && !said.ends_with(": 0"));
            let changes: i32 = one(&format!("SELECT cardinality(changes) FROM df_harden_view('legacy.{view}')"));
            if changes > 0 {
                let (before, after) = hardened(&view);
                assert_eq!(lost, after > before, "{view}: {}", definition(&view));
                mended += 1;
            }
        }
        assert!(mended > 50, "only {mended} of the views had anything to mend");
    }
}
