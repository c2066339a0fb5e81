use super::*;

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn asked(lines: &[(&'static str, &str)]) -> Option<Duration> {
    retry_after(&headers(lines))
}

#[test]
fn retry_after_in_seconds() {
    assert_eq!(asked(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
    assert_eq!(asked(&[("retry-after", " 0 ")]), Some(Duration::ZERO));
    assert_eq!(asked(&[("retry-after", "999999999")]), Some(DAY));
    for nonsense in ["", "-1", "soon", "NaN", "inf"] {
        assert_eq!(asked(&[("retry-after", nonsense)]), None, "{nonsense}");
    }
    assert_eq!(asked(&[]), None);
}

#[test]
fn retry_after_as_a_date_counts_from_the_vendors_clock() {
    let at = ("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT");
    assert_eq!(asked(&[at, ("date", "Fri, 31 Dec 1999 23:59:29 GMT")]), Some(Duration::from_secs(30)));
    assert_eq!(asked(&[at]), Some(Duration::ZERO));
    let soon = (Utc::now() + Duration::from_secs(60)).to_rfc2822();
    let wait = asked(&[("retry-after", &soon)]).unwrap();
    assert!((Duration::from_secs(55)..=Duration::from_secs(60)).contains(&wait), "{wait:?}");
}

#[test]
fn backoff_doubles_up_to_its_cap_and_varies() {
    for (nth, whole) in [(1, 250), (2, 500), (3, 1000), (6, 8000), (7, 8000), (u32::MAX, 8000)] {
        let whole = Duration::from_millis(whole);
        let waits: Vec<_> = (0..50).map(|_| backoff(nth)).collect();
        assert!(waits.iter().all(|wait| (whole / 2..=whole).contains(wait)), "{nth}: {waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]), "no jitter");
    }
}

#[test]
fn patience_ends_with_the_attempts_or_the_budget() {
    let mut patience = Patience::new(2, Duration::from_secs(120));
    assert!(patience.fail(None).is_some());
    assert_eq!(patience.attempt(), 2);
    assert_eq!(patience.fail(None), None);
    let mut patience = Patience::new(5, Duration::from_secs(3));
    assert_eq!(patience.fail(Some(Duration::from_secs(2))), Some(Duration::from_secs(2)));
    assert_eq!(patience.fail(Some(Duration::from_secs(4))), None);
}
