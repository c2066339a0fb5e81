use super::*;
use std::thread;

const MS: Duration = Duration::from_millis(1);

fn gate(concurrency: usize) -> Gate {
    Gate::new(concurrency, Duration::ZERO)
}

fn enter(gate: &Gate) -> Permit<'_> {
    gate.enter(&mut LONG.clone()).unwrap()
}

#[test]
fn one_moments_429s_halve_once() {
    let gate = gate(8);
    let burst: Vec<_> = (0..4).map(|_| enter(&gate)).collect();
    burst.iter().for_each(|permit| permit.learn(429));
    assert_eq!(gate.allowed(), 4);
    drop(burst);
    for expected in [2, 1, 1] {
        enter(&gate).learn(429);
        assert_eq!(gate.allowed(), expected);
    }
}

#[test]
fn a_run_of_clean_answers_allows_one_more() {
    let gate = gate(2);
    enter(&gate).learn(429);
    (0..49).for_each(|_| enter(&gate).learn(200));
    enter(&gate).learn(500);
    assert_eq!(gate.allowed(), 1);
    enter(&gate).learn(200);
    assert_eq!(gate.allowed(), 2);
    (0..200).for_each(|_| enter(&gate).learn(200));
    assert_eq!(gate.allowed(), 2, "never more than the setting");
}

#[test]
fn a_permit_is_waited_for_and_costs_no_budget() {
    let gate = gate(1);
    let first = enter(&gate);
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            let mut budget = MS;
            let start = Instant::now();
            drop(gate.enter(&mut budget).unwrap());
            (start.elapsed(), budget)
        });
        thread::sleep(50 * MS);
        drop(first);
        let (waited, budget) = second.join().unwrap();
        assert!(waited >= 30 * MS, "{waited:?}");
        assert_eq!(budget, MS);
    });
}

#[test]
fn a_pause_holds_everybody_and_is_charged() {
    let gate = gate(2);
    gate.pause(100 * MS);
    gate.pause(10 * MS);
    let start = Instant::now();
    let mut budget = 500 * MS;
    drop(gate.enter(&mut budget).unwrap());
    assert!(start.elapsed() >= 99 * MS);
    assert!(budget <= 401 * MS, "{budget:?}");
}

#[test]
fn a_pause_beyond_the_budget_fails_at_once() {
    let gate = gate(1);
    gate.pause(3600 * 1000 * MS);
    let start = Instant::now();
    let error = gate.enter(&mut (5 * MS)).err().unwrap();
    assert!(matches!(error, Error::WaitBudget { left, .. } if left == 5 * MS), "{error:?}");
    assert!(start.elapsed() < 100 * MS);
}

#[test]
fn starts_keep_the_pace_over_all_threads() {
    let gate = Gate::new(4, 20 * MS);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..3).for_each(|_| drop(enter(&gate))));
        }
    });
    assert!(start.elapsed() >= 11 * 20 * MS, "{:?}", start.elapsed());
}

#[test]
fn closing_wakes_every_kind_of_sleep() {
    let (full, paused, paced, asleep) = (gate(1), gate(1), Gate::new(1, LONG), gate(1));
    let permit = enter(&full);
    paused.pause(LONG / 2);
    drop(enter(&paced));
    thread::scope(|scope| {
        let waits = [&full, &paused, &paced]
            .map(|gate| scope.spawn(|| gate.enter(&mut LONG.clone()).err()))
            .into_iter()
            .chain([scope.spawn(|| asleep.sleep(LONG, &mut LONG.clone()).err())])
            .collect::<Vec<_>>();
        thread::sleep(50 * MS);
        let start = Instant::now();
        [&full, &paused, &paced, &asleep].iter().for_each(|gate| gate.close());
        for wait in waits {
            assert_eq!(wait.join().unwrap(), Some(Error::Canceled));
        }
        assert!(start.elapsed() < 100 * MS, "{:?}", start.elapsed());
    });
    drop(permit);
}
