use super::*;

const BODY: &[u8] = br#"{"message":{"type":"status-update","note":"Z\u00fcrich"}}"#;
const NOW: i64 = 1_763_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn tag(algorithm: hmac::Algorithm, key: &[u8], payload: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), payload).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn plain() -> Hmac {
    Hmac {
        algorithm: "sha256".to_owned(),
        header: "X-Signature".to_owned(),
        timestamp_header: "x-timestamp".to_owned(),
        message_id_header: "svix-id".to_owned(),
        payload_format: "{timestamp}.{body}".to_owned(),
        prefix: String::new(),
        is_base64: false,
        secret_is_base64: false,
        url: String::new(),
        tolerance: TimeDelta::minutes(5),
    }
}

fn check(auth: Auth, headers: &[(&str, &str)], body: &[u8]) -> Result<(), Untrusted> {
    let find = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    verify(&auth, Some(&Secret::new("the-secret")), find, body, now())
}

#[test]
fn a_known_signature_fits() {
    // RFC 4231, test case 2.
    let hmac = Hmac { payload_format: "{body}".to_owned(), ..plain() };
    let signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let find = |name: &str| (name == "x-signature").then_some(signature);
    assert_eq!(
        verify(&Auth::Hmac(hmac), Some(&Secret::new("Jefe")), find, b"what do ya want for nothing?", now()),
        Ok(())
    );
}

#[test]
fn the_secret_is_taken_from_either_header_with_or_without_bearer() {
    let auth = || Auth::Bearer { header: None };
    assert_eq!(check(auth(), &[("authorization", "Bearer the-secret")], BODY), Ok(()));
    assert_eq!(check(auth(), &[("authorization", "bearer the-secret")], BODY), Ok(()));
    assert_eq!(check(auth(), &[("x-vapi-secret", "the-secret")], BODY), Ok(()));
    let wrong = Untrusted::WrongSecret("Authorization".to_owned());
    assert_eq!(check(auth(), &[("authorization", "Bearer the-secre")], BODY), Err(wrong.clone()));
    assert_eq!(check(auth(), &[("authorization", "")], BODY), Err(wrong));
    assert!(matches!(check(auth(), &[], BODY), Err(Untrusted::NoHeader(_))));
    let own = Auth::Bearer { header: Some("X-Hook".to_owned()) };
    assert_eq!(check(own.clone(), &[("x-hook", "the-secret")], BODY), Ok(()));
    assert!(matches!(check(own, &[("authorization", "Bearer the-secret")], BODY), Err(Untrusted::NoHeader(_))));
}

#[test]
fn the_default_signature_covers_timestamp_and_body() {
    let stamp = NOW.to_string();
    let payload = [stamp.as_bytes(), b".", BODY].concat();
    let signature = hex(&tag(hmac::HMAC_SHA256, b"the-secret", &payload));
    let headers = [("x-signature", signature.as_str()), ("x-timestamp", stamp.as_str())];
    assert_eq!(check(Auth::Hmac(plain()), &headers, BODY), Ok(()));
    let changed = BODY.iter().map(|byte| if *byte == b'Z' { b'z' } else { *byte }).collect::<Vec<_>>();
    assert!(matches!(check(Auth::Hmac(plain()), &headers, &changed), Err(Untrusted::Forged(_))));
    let later = [("x-signature", signature.as_str()), ("x-timestamp", "1763000001")];
    assert!(matches!(check(Auth::Hmac(plain()), &later, BODY), Err(Untrusted::Forged(_))));
    assert!(matches!(check(Auth::Hmac(plain()), &headers[..1], BODY), Err(Untrusted::NoHeader(_))));
}

#[test]
fn an_old_delivery_is_no_new_one() {
    for (stamp, fits) in [
        ((NOW - 299).to_string(), true),
        (((NOW - 299) * 1000).to_string(), true),
        ((NOW - 301).to_string(), false),
        ((NOW + 301).to_string(), false),
    ] {
        let payload = [stamp.as_bytes(), b".", BODY].concat();
        let signature = hex(&tag(hmac::HMAC_SHA256, b"the-secret", &payload));
        let answer = check(Auth::Hmac(plain()), &[("x-signature", &signature), ("x-timestamp", &stamp)], BODY);
        assert_eq!(answer.is_ok(), fits, "{stamp}: {answer:?}");
    }
}

#[test]
fn every_documented_setting_counts() {
    let github = Hmac {
        payload_format: "{body}".to_owned(),
        prefix: "sha1=".to_owned(),
        algorithm: "sha1".to_owned(),
        ..plain()
    };
    let signature = format!("sha1={}", hex(&tag(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"the-secret", BODY)));
    assert_eq!(check(Auth::Hmac(github), &[("x-signature", &signature)], BODY), Ok(()));

    let svix = Hmac {
        payload_format: "{svix-id}.{timestamp}.{body}".to_owned(),
        prefix: "v1,".to_owned(),
        is_base64: true,
        algorithm: "sha512".to_owned(),
        header: "svix-signature".to_owned(),
        ..plain()
    };
    let stamp = NOW.to_string();
    let payload = [b"msg_1.".as_slice(), stamp.as_bytes(), b".", BODY].concat();
    let signature = format!("v1,AAAA v1,{}", BASE64_STANDARD.encode(tag(hmac::HMAC_SHA512, b"the-secret", &payload)));
    let headers = [("svix-signature", signature.as_str()), ("x-timestamp", &stamp), ("svix-id", "msg_1")];
    assert_eq!(check(Auth::Hmac(svix), &headers, BODY), Ok(()));

    let full = Hmac {
        payload_format: "{method}:{url}:{body}".to_owned(),
        url: "https://example.com/hook".to_owned(),
        secret_is_base64: true,
        ..plain()
    };
    let signature =
        hex(&tag(hmac::HMAC_SHA256, b"key", &[b"POST:https://example.com/hook:".as_slice(), BODY].concat()));
    let find = |name: &str| (name == "x-signature").then_some(signature.as_str());
    assert_eq!(verify(&Auth::Hmac(full), Some(&Secret::new("a2V5")), find, BODY, now()), Ok(()));
}

#[test]
fn without_a_secret_nothing_is_believed_unless_nobody_asks() {
    let find = |_: &str| None;
    assert_eq!(verify(&Auth::Bearer { header: None }, None, find, BODY, now()), Err(Untrusted::NoSecret));
    assert_eq!(verify(&Auth::None, None, find, BODY, now()), Ok(()));
}
