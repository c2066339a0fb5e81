use super::*;

fn granted(body: &str) -> Result<(String, String, i64), Error> {
    let tokens = read(body.as_bytes(), &Secret::new("used".to_owned()))?;
    Ok((tokens.access.expose().to_owned(), tokens.refresh.expose().to_owned(), tokens.lives.num_seconds()))
}

#[test]
fn a_token_that_was_granted_is_not_lost_for_how_its_life_is_written() {
    for (expires, seconds) in
        [("86399", 86_399), ("\"86399\"", 86_399), ("86399.0", 86_399), ("null", 3_600), ("\"a day\"", 3_600)]
    {
        let body = format!(
            r#"{{"access_token":"a","token_type":"Bearer","expires_in":{expires},"refresh_token":"r","scope":"x"}}"#
        );
        assert_eq!(granted(&body).unwrap(), ("a".to_owned(), "r".to_owned(), seconds), "{body}");
    }
    assert_eq!(granted(r#"{"access_token":"a"}"#).unwrap(), ("a".to_owned(), "used".to_owned(), 3_600));
    assert!(granted(r#"{"refresh_token":"r"}"#).is_err());
}
