use chrono::{DateTime, TimeDelta, Utc};

use super::MainLegs;
use crate::row::{Connection, Recording};

fn at(minute: i64) -> Option<DateTime<Utc>> {
    Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(minute))
}

fn leg(id: &str, change: fn(&mut Connection)) -> Connection {
    let mut leg = Connection { id: id.to_owned(), transaction_id: Some("T".to_owned()), ..Connection::default() };
    change(&mut leg);
    leg
}

fn recording(id: &str, location: Option<&str>, minute: Option<i64>) -> Recording {
    Recording {
        id: id.to_owned(),
        connection_id: Some("L".to_owned()),
        location: location.map(str::to_owned),
        started: minute.and_then(at),
        ..Recording::default()
    }
}

#[test]
fn the_answered_leg_tells_else_the_first_and_third_parties_last() {
    // From the one that tells, if all are there, to the last.
    let legs = [
        leg("z", |l| l.result = Some("connect".to_owned())),
        leg("y", |l| (l.started, l.fired) = (at(1), at(9))),
        leg("x", |l| l.fired = at(2)),
        leg("b", |_| {}),
        leg("c", |_| {}),
        leg("a", |l| (l.parent_connection_id, l.result) = (Some("z".to_owned()), Some("connect".to_owned()))),
    ];
    for from in 0..legs.len() {
        let mut left: Vec<&Connection> = legs[from..].iter().collect();
        for _ in 0..left.len() {
            left.rotate_left(1);
            let main = MainLegs::of(&left, &[]);
            let told: Vec<&str> = left.iter().filter(|leg| main.has(leg)).map(|leg| leg.id.as_str()).collect();
            assert_eq!(told, [legs[from].id.as_str()]);
        }
    }
}

#[test]
fn legs_of_other_calls_and_of_none_tell_by_themselves() {
    let (one, other) = (leg("1", |_| {}), leg("2", |l| l.transaction_id = Some("U".to_owned())));
    let none = leg("3", |l| l.transaction_id = None);
    let main = MainLegs::of(&[&one, &other, &none], &[]);
    assert!(main.has(&one) && main.has(&other) && main.has(&none));
}

#[test]
fn a_recording_with_an_address_comes_first_then_the_earlier_one() {
    let of = [
        recording("d", Some("https://vault/d.mp3"), Some(2)),
        recording("e", Some("https://vault/e.mp3"), None),
        recording("a", None, Some(1)),
        recording("b", None, None),
        recording("c", None, None),
    ];
    let owner = leg("L", |_| {});
    for from in 0..of.len() {
        let mut left: Vec<&Recording> = of[from..].iter().collect();
        for _ in 0..left.len() {
            left.rotate_left(1);
            let main = MainLegs::of(&[&owner], &left);
            assert_eq!(main.recording_of(&owner).map(|r| r.id.as_str()), Some(of[from].id.as_str()));
        }
    }
    assert!(MainLegs::of(&[&owner], &[]).recording_of(&leg("other", |_| {})).is_none());
}
