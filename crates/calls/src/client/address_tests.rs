use super::*;

fn base(text: &str) -> Result<Base, Error> {
    let allowed = ["api.vendor.test", "127.0.0.1", "::1", "localhost"].map(str::to_owned);
    Base::new(text, &allowed)
}

fn uri(path: &str, query: &[(&str, &str)]) -> Result<String, Error> {
    let query: Vec<_> = query.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Ok(base("https://api.vendor.test/api/")?.uri(path, &query)?.to_string())
}

#[test]
fn only_https_or_loopback() {
    for good in ["https://api.vendor.test/api", "https://API.vendor.test", "http://127.0.0.1:80/", "http://[::1]:8080"]
    {
        assert!(base(good).is_ok(), "{good}");
    }
    for bad in ["http://api.vendor.test", "ftp://127.0.0.1", "api.vendor.test", "/api", "", "https://", "https://[::1"]
    {
        assert!(matches!(base(bad), Err(Error::Setting { .. })), "{bad}");
    }
}

#[test]
fn a_password_in_the_base_is_refused_and_not_repeated() {
    let error = base("https://user:geheim@api.vendor.test").err().unwrap();
    assert!(matches!(error, Error::Setting { .. }));
    assert!(!error.to_string().contains("geheim"));
}

#[test]
fn a_host_that_is_not_listed_is_refused() {
    let error = base("https://api.vendor.test.evil.test/api").err().unwrap();
    assert_eq!(error, Error::HostNotAllowed { host: "api.vendor.test.evil.test".to_owned() });
}

#[test]
fn path_and_query_are_joined_below_the_base() {
    let query = [("from", "2026-11-01T00:00:00.5"), ("tasks", "a,b&c=d#ä")];
    let text = uri("/campaigns/A1/contacts/", &query).unwrap();
    let expected = "https://api.vendor.test/api/campaigns/A1/contacts/\
                    ?from=2026-11-01T00%3A00%3A00.5&tasks=a%2Cb%26c%3Dd%23%C3%A4";
    assert_eq!(text, expected);
}

#[test]
fn a_segment_cannot_leave_its_place() {
    assert_eq!(segment("a/b?c#d e%\r\n"), "a%2Fb%3Fc%23d%20e%25%0D%0A");
    for bad in ["", "x", "/a b", "/a?b", "/a#b", "/a\\b", "/a\r\nHost: x", "/ä", "/a/../b", "/.", "/%2e%2E/x"] {
        assert!(matches!(uri(bad, &[]), Err(Error::Setting { .. })), "{bad:?}");
    }
    assert_eq!(uri(&format!("/{}", segment("@evil.test")), &[]).unwrap(), "https://api.vendor.test/api/%40evil.test");
}

#[test]
fn a_location_is_followed_within_the_origin_only() {
    let here: Uri = "https://api.vendor.test/api/list?x=1".parse().unwrap();
    let to = |location| follow(&here, location).map(|uri| uri.to_string());
    for (location, expected) in [
        ("/job/1", "https://api.vendor.test/job/1"),
        ("job/1?u=http://x", "https://api.vendor.test/api/job/1?u=http://x"),
        ("?page=2", "https://api.vendor.test/api/list?page=2"),
        ("//API.vendor.test/a", "https://API.vendor.test/a"),
        ("https://api.vendor.test:443/a", "https://api.vendor.test:443/a"),
    ] {
        assert_eq!(to(location).as_deref(), Some(expected), "{location}");
    }
    for location in [
        "http://api.vendor.test/a",
        "https://api.vendor.test:444/a",
        "https://evil.test/a",
        "//evil.test/a",
        "https://api.vendor.test@evil.test/a",
        "https://me@api.vendor.test/a",
        "javascript://api.vendor.test/a",
        "https://",
        "/a b",
    ] {
        assert_eq!(to(location), None, "{location}");
    }
}
