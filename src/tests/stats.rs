//! The rollup is what the calls say, whatever came in whatever order.

#[pgrx::pg_schema]
mod tests {
    use std::collections::BTreeMap;

    use calls::row::{Agent, Batch, Connection, InboundCall, Recording, Transaction};
    use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
    use pgrx::prelude::*;

    use crate::append::{newcomers, By};
    use crate::pg::snapshot::Snapshot;
    use crate::stats::News;
    use crate::store;

    /// Small and always the same for a seed: the high bits of Knuth's MMIX generator.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % limit
        }

        fn one<T: Copy>(&mut self, of: &[T]) -> T {
            of[self.below(of.len())]
        }

        fn text(&mut self, of: &[Option<&str>]) -> Option<String> {
            self.one(of).map(str::to_owned)
        }

        /// Tenths, which binary fractions cannot hold: their sum in another order would be another.
        fn seconds(&mut self) -> Option<f64> {
            self.one(&[true, true, false]).then(|| self.below(600) as f64 / 10.0)
        }
    }

    fn instant(day: usize, minute: usize) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + day as i64) + TimeDelta::minutes(minute as i64)
    }

    fn day(day: usize) -> Option<NaiveDate> {
        Some(instant(day, 0).date_naive())
    }

    fn leg(dice: &mut Dice, transaction: &str, contact: usize) -> Connection {
        Connection {
            id: format!("{transaction} leg {}", dice.below(3)),
            transaction_id: Some(transaction.to_owned()),
            contact_id: Some(format!("C{contact}")),
            result: dice.text(&[None, Some("connect"), Some("Connect"), Some("norespons"), Some("answeringmachine")]),
            duration_ms: dice.one(&[None, Some(0), Some(61_234)]),
            ..Connection::default()
        }
    }

    fn recording(dice: &mut Dice, leg: &Connection) -> Recording {
        Recording {
            id: format!("{} recording {}", leg.id, dice.below(2)),
            connection_id: Some(leg.id.clone()),
            transaction_id: leg.transaction_id.clone(),
            contact_id: leg.contact_id.clone(),
            location: dice.text(&[None, Some("https://vault/1.mp3")]),
            ..Recording::default()
        }
    }

    /// One version of a call with some of its legs: as it is, as it was, or with what comes late.
    fn call(dice: &mut Dice) -> Batch {
        let (at, number) = (dice.below(4), dice.below(8));
        let id = format!("T{at}{number}");
        // Now and then the vendor corrects the instant of a call.
        let at = at + dice.one(&[0, 0, 0, 0, 0, 1]);
        let mut news = Batch {
            transactions: vec![Transaction {
                id: id.clone(),
                campaign_id: dice.text(&[Some("K1"), Some("K2")]),
                contact_id: Some(format!("C{number}")),
                fired: Some(instant(at, number)),
                day: day(at),
                event_md5: dice.text(&[None, Some("one"), Some("other")]),
                status: dice.text(&[Some("open"), Some("success")]),
                is_test: dice.one(&[None, None, Some(false), Some(true)]),
                is_human: Some(dice.one(&[true, true, false])),
                user_id: dice.text(&[None, Some("U1"), Some("U2")]),
                user_login: dice.text(&[None, Some("Anna"), Some("Uwe")]),
                wait_time_sec: dice.seconds(),
                pause_time_sec: dice.seconds(),
                wrapup_time_sec: dice.seconds(),
                ..Transaction::default()
            }],
            ..Batch::default()
        };
        for _ in 0..dice.below(3) {
            let leg = leg(dice, &id, number);
            if dice.below(2) == 0 {
                news.recordings.push(recording(dice, &leg));
            }
            news.connections.push(leg);
        }
        news
    }

    /// A leg that comes before its call, or without it.
    fn stray(dice: &mut Dice) -> Batch {
        let (at, number) = (dice.below(4), dice.below(8));
        let leg = leg(dice, &format!("T{at}{number}"), number);
        let recordings = vec![recording(dice, &leg)];
        Batch { connections: vec![leg], recordings, ..Batch::default() }
    }

    fn inbound(dice: &mut Dice) -> Batch {
        let (at, number) = (dice.below(4), dice.below(4));
        let started = instant(at, 500 + number);
        let call = InboundCall {
            id: format!("I{at}{number}"),
            campaign_id: dice.text(&[Some("K1"), Some("K2")]),
            user_id: dice.text(&[None, Some("U1"), Some("U3")]),
            started: Some(started),
            day: day(at),
            connected: dice.one(&[None, Some(started)]),
            ..InboundCall::default()
        };
        Batch { inbound_calls: vec![call], ..Batch::default() }
    }

    fn agent(dice: &mut Dice) -> Batch {
        let agent = Agent {
            id: dice.one(&["U1", "U2", "U3"]).to_owned(),
            login: dice.one(&["Anna", "Uwe"]).to_owned(),
            branch: None,
            name: None,
            seen: Some(instant(0, dice.below(9))),
        };
        Batch { agents: vec![agent], ..Batch::default() }
    }

    /// What comes next: mostly one record, sometimes many at once.
    fn news(dice: &mut Dice) -> Batch {
        let mut all = Batch::default();
        for _ in 0..dice.one(&[1, 1, 1, 12]) {
            all.append(match dice.below(8) {
                0 => agent(dice),
                1 => inbound(dice),
                2 => stray(dice),
                _ => call(dice),
            });
        }
        all
    }

    fn arrives(tenant: &str, by: By, mut batch: Batch) {
        let mut news = News::default();
        newcomers(tenant, by, &mut batch, &mut news).unwrap();
        let before = if by == By::Contact { Snapshot::now() } else { None };
        let (_, written) = store::batch(tenant, batch, false).unwrap();
        news.take(tenant, before, written).unwrap();
        news.keep(tenant).unwrap();
    }

    /// Tests run at the same time, so each has a tenant of its own and no lock on a whole table.
    fn forget(tenant: &str) {
        for table in ["transactions", "connections", "recordings", "inbound_calls", "agents", "daily_stats"] {
            Spi::run_with_args(&format!("DELETE FROM dialfire.{table} WHERE tenant = $1"), &[tenant.into()]).unwrap();
        }
    }

    /// What is kept and not computed, and what is computed and not kept.
    fn difference(tenant: &str) -> (i64, i64) {
        let (kept, computed) = (
            "SELECT to_jsonb(d) - 'changed_at' FROM dialfire.daily_stats d WHERE tenant = $1",
            "SELECT to_jsonb(d) - 'changed_at' FROM dialfire.stats_of($1, ARRAY(
                SELECT day FROM dialfire.transactions WHERE tenant = $1
                UNION SELECT day FROM dialfire.inbound_calls WHERE tenant = $1
                UNION SELECT day FROM dialfire.daily_stats WHERE tenant = $1)) d",
        );
        let count = |a: &str, b: &str| {
            let sql = format!("SELECT count(*) FROM ({a} EXCEPT {b}) d");
            Spi::get_one_with_args::<i64>(&sql, &[tenant.into()]).unwrap().unwrap()
        };
        (count(kept, computed), count(computed, kept))
    }

    /// Legs and recordings that are not on the day of their call, and those that wait for it on a day.
    fn astray(tenant: &str) -> i64 {
        let sql = "SELECT count(*) FROM (SELECT tenant, transaction_id, day FROM dialfire.connections
                UNION ALL SELECT tenant, transaction_id, day FROM dialfire.recordings) r
             LEFT JOIN dialfire.transactions t ON t.tenant = r.tenant AND t.id = r.transaction_id
             WHERE r.tenant = $1 AND r.day <> COALESCE(t.day, 'infinity')";
        Spi::get_one_with_args(sql, &[tenant.into()]).unwrap().unwrap()
    }

    /// Calls of which the view shows another leg or recording than the first one.
    fn misread(tenant: &str) -> i64 {
        let sql = "SELECT count(*) FROM dialfire.calls c WHERE c.tenant = $1 AND c.call_id LIKE 'T%'
             AND (c.connection_id, c.recording_id)::text <> (
                SELECT (l.id, r.id)::text FROM (SELECT) one
                LEFT JOIN LATERAL (
                    SELECT * FROM dialfire.connections l WHERE l.tenant = $1 AND l.transaction_id = c.call_id
                    ORDER BY l.result IS DISTINCT FROM 'connect', l.id LIMIT 1) l ON true
                LEFT JOIN LATERAL (
                    SELECT * FROM dialfire.recordings r WHERE r.tenant = $1 AND r.connection_id = l.id
                    ORDER BY r.location IS NULL, r.id LIMIT 1) r ON true)";
        Spi::get_one_with_args(sql, &[tenant.into()]).unwrap().unwrap()
    }

    #[pg_test]
    fn after_any_order_of_news_kept_is_computed() {
        for (seed, by) in (1..=4).zip([By::Contact, By::Call].repeat(2)) {
            let mut dice = Dice(seed);
            for step in 1..=150 {
                arrives("any", by, news(&mut dice));
                assert_eq!(astray("any"), 0, "seed {seed}, {by:?}, step {step}");
                assert!(step % 10 != 0 || misread("any") == 0, "seed {seed}, {by:?}, step {step}");
                assert!(
                    step % 10 != 0 || difference("any") == (0, 0),
                    "seed {seed}, {by:?}, step {step}: {:?}",
                    difference("any")
                );
            }
            let rows = Spi::get_one::<i64>("SELECT count(*) FROM dialfire.daily_stats WHERE tenant = 'any'").unwrap();
            assert!(rows > Some(20), "{rows:?} rows prove nothing");
            forget("any");
        }
    }

    #[pg_test]
    fn the_order_of_the_same_news_does_not_matter() {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for order in 1..=5 {
            // Each call once, so that no later version of it depends on the order.
            let mut dice = Dice(9);
            let mut all: Vec<Batch> = (0..40).map(|_| call(&mut dice)).collect();
            all.sort_by(|a, b| a.transactions[0].id.cmp(&b.transactions[0].id));
            all.dedup_by(|a, b| a.transactions[0].id == b.transactions[0].id);
            let mut shuffle = Dice(order);
            while !all.is_empty() {
                arrives("order", By::Contact, all.swap_remove(shuffle.below(all.len())));
            }
            let rows = Spi::get_one::<String>(
                "SELECT string_agg((to_jsonb(d) - 'changed_at')::text, ' ' ORDER BY day, campaign_id, agent_id, agent_login)
                 FROM dialfire.daily_stats d WHERE tenant = 'order'",
            );
            *sums.entry(rows.unwrap().unwrap()).or_default() += 1;
            forget("order");
        }
        assert_eq!(sums.into_values().collect::<Vec<_>>(), [5]);
    }

    #[pg_test]
    fn a_leg_that_was_rejected_counts_once_it_can_be_read() {
        Spi::run(
            r#"CREATE SERVER leg FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account 'a');
               CREATE USER MAPPING FOR CURRENT_USER SERVER leg OPTIONS (token 'abc');
               INSERT INTO dialfire.rejects (tenant, kind, key, contact_id, fired, reason, payload, fingerprint) VALUES
                   ('leg', 'connection', 'T00', 'C', '2024-10-04 00:00+00', 'bad_number',
                    '{"id": "L", "result": "connect", "duration": 5000, "fired": "2024-10-04T00:00:00Z"}', 'f')"#,
        )
        .unwrap();
        let transaction = Transaction {
            id: "T00".to_owned(),
            campaign_id: Some("K1".to_owned()),
            contact_id: Some("C".to_owned()),
            fired: Some(instant(0, 0)),
            day: day(0),
            is_human: Some(true),
            ..Transaction::default()
        };
        arrives("leg", By::Contact, Batch { transactions: vec![transaction], ..Batch::default() });
        assert_eq!(Spi::get_one::<i64>("SELECT resolved FROM df_retry_rejects('leg')"), Ok(Some(1)));
        assert_eq!(Spi::get_one::<i64>("SELECT connects FROM dialfire.daily_stats WHERE tenant = 'leg'"), Ok(Some(1)));
        assert_eq!(difference("leg"), (0, 0));
    }
}
