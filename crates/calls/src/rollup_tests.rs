use super::*;

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 11, 10).unwrap()
}

fn transaction(id: &str, login: Option<&str>) -> Transaction {
    Transaction {
        id: id.to_owned(),
        campaign_id: Some("k".to_owned()),
        day: Some(day()),
        fired: Some("2025-11-10T10:00:00Z".parse().unwrap()),
        is_human: Some(true),
        status: Some("success".to_owned()),
        user_login: login.map(str::to_owned),
        wait_time_sec: Some(0.1),
        ..Transaction::default()
    }
}

fn leg(id: &str, transaction_id: &str, result: &str) -> Connection {
    Connection {
        id: id.to_owned(),
        transaction_id: Some(transaction_id.to_owned()),
        result: Some(result.to_owned()),
        duration_ms: Some(5000),
        ..Connection::default()
    }
}

fn words() -> Words {
    let mut words = Words::default();
    for (campaign, word, status) in
        [("", "connect", "completed"), ("", "mailbox", "voicemail"), ("other", "mailbox", "completed")]
    {
        words.learn(campaign.to_owned(), word.to_owned(), status.to_owned());
    }
    words
}

fn added(rollup: Rollup) -> Vec<(Place, Tally)> {
    rollup.into_added(&BTreeSet::new()).collect()
}

#[test]
fn a_transaction_counts_once_whatever_its_legs() {
    let mut rollup = Rollup::default();
    let legs = [leg("a", "1", "CONNECT"), leg("b", "1", "connect"), leg("c", "2", "mailbox"), leg("d", "1", "mailbox")];
    let heard =
        Recording { connection_id: Some("b".to_owned()), location: Some("x".to_owned()), ..Recording::default() };
    let (one, two) = (transaction("1", None), transaction("2", None));
    rollup.add(&[&one, &two], &legs.iter().collect::<Vec<_>>(), &[&heard], &words());
    let [(_, tally)] = &added(rollup)[..] else { panic!("one place") };
    assert_eq!((tally.attempts, tally.human, tally.missing_login, tally.conversions), (2, 2, 2, 2));
    assert_eq!((tally.with_leg, tally.connects, tally.voicemails, tally.recorded), (2, 1, 1, 1));
    assert_eq!((tally.talk_ms, tally.talks, tally.waits, tally.wait_us), (10_000, 2, 2, 200_000.0));
}

#[test]
fn agents_and_inbound_calls_have_their_own_places() {
    let mut rollup = Rollup::default();
    let (anna, nobody) = (transaction("1", Some("anna")), transaction("2", None));
    let call = InboundCall {
        campaign_id: Some("k".to_owned()),
        day: Some(day()),
        started: Some("2025-11-10T09:00:00Z".parse().unwrap()),
        ..InboundCall::default()
    };
    rollup.add(&[&anna, &nobody], &[], &[], &words());
    rollup.add_inbound(&[&call]);
    let places = added(rollup);
    let of = |login: &str| &places.iter().find(|(place, _)| place.agent_login == login).unwrap().1;
    assert_eq!(places.len(), 2);
    assert_eq!((of("anna").attempts, of("anna").missing_login, of("anna").inbound), (1, 0, 0));
    assert_eq!((of("").attempts, of("").missing_login, of("").inbound, of("").inbound_answered), (1, 1, 1, 0));
    assert_eq!(of("").first_at, call.started);
    assert_eq!(of("").last_at, nobody.fired);
}

#[test]
fn days_that_are_computed_are_not_added_and_words_beyond_ascii_are_left_to_the_database() {
    let mut rollup = Rollup::default();
    rollup.add(&[&transaction("1", None)], &[&leg("a", "1", "ÄRGER")], &[], &words());
    assert_eq!(rollup.uncounted, BTreeSet::from([day()]));
    assert_eq!(rollup.into_added(&BTreeSet::from([day()])).count(), 0);
}

#[test]
fn a_campaign_may_mean_something_else_and_an_inbound_call_is_no_attempt() {
    let mut rollup = Rollup::default();
    let other = Transaction { campaign_id: Some("other".to_owned()), ..transaction("1", None) };
    let inbound = Transaction { direction: Some("inbound".to_owned()), ..transaction("2", None) };
    rollup.add(&[&other, &inbound], &[&leg("a", "1", "mailbox"), &leg("b", "2", "connect")], &[], &words());
    let [(_, inbound), (_, other)] = &added(rollup)[..] else { panic!("two places") };
    assert_eq!((other.attempts, other.connects, other.voicemails, other.inbound), (1, 1, 0, 0));
    assert_eq!((inbound.attempts, inbound.connects, inbound.with_leg, inbound.conversions), (0, 0, 0, 0));
    assert_eq!((inbound.inbound, inbound.inbound_answered, inbound.talks), (1, 1, 1));
}

fn of(transactions: &[&Transaction], connections: &[&Connection]) -> Rollup {
    let mut rollup = Rollup::default();
    rollup.add(transactions, connections, &[], &words());
    rollup
}

#[test]
fn what_a_call_has_become_is_added_and_what_it_was_is_taken_away() {
    let (call, other) = (transaction("1", Some("anna")), transaction("2", Some("anna")));
    let mut rollup = of(&[&call, &other], &[]);
    rollup.shift(of(&[&call], &[]), of(&[&call], &[&leg("a", "1", "connect")]));
    assert_eq!(rollup.uncounted, BTreeSet::new());
    assert_eq!(added(rollup), added(of(&[&call, &other], &[&leg("a", "1", "connect")])));
}

#[test]
fn where_the_first_or_last_call_of_a_place_has_left_it_the_day_is_counted_again() {
    let call = transaction("1", Some("anna"));
    let test = Transaction { is_test: Some(true), ..call.clone() };
    let moved = Transaction { user_login: Some("uwe".to_owned()), ..call.clone() };
    for now in [test, moved] {
        let mut rollup = Rollup::default();
        rollup.shift(of(&[&call], &[]), of(&[&now], &[]));
        assert_eq!(rollup.uncounted, BTreeSet::from([day()]));
    }
}
