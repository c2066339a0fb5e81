use super::*;

fn redactor(secret: &str) -> Redactor {
    Redactor::default().with([secret.to_owned()])
}

#[test]
fn plain_and_percent_encoded_forms_go() {
    let redactor = redactor("a+b/c==");
    let text = redactor.text("GET /x?access_token=a%2Bb%2Fc%3D%3D said a+b/c==!");
    assert_eq!(text, "GET /x?access_token=[secret] said [secret]!");
}

#[test]
fn an_empty_secret_hides_nothing() {
    assert_eq!(redactor("").text("abc"), "abc");
}

#[test]
fn an_excerpt_never_ends_within_a_secret() {
    let body = format!("{}geheimgeheim", "x".repeat(195));
    let excerpt = redactor("geheimgeheim").excerpt(body.as_bytes(), 200);
    assert_eq!(excerpt, format!("{}[secr", "x".repeat(195)));
}

#[test]
fn an_excerpt_is_one_line_of_whole_characters() {
    let excerpt = redactor("geheim").excerpt(b" \xff\r\n\0\xc3\xa4\xc3\xa4 ", 5);
    assert_eq!(excerpt, "\u{fffd}   ä");
}

#[test]
fn credentials_are_known_by_name() {
    for name in ["access_token", "_token_", "X-Api-Key", "Authorization", "client_secret"] {
        assert!(is_confidential(name, "12345678"), "{name}");
    }
    assert!(!is_confidential("Version", "2021-07-28"));
    assert!(!is_confidential("key", "1"));
}
