use ring::signature::{Ed25519KeyPair, KeyPair};

use super::*;

/// A pair of keys of ours, and the signature that openssl made of this body with the private one.
const OUR_RSA: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAhsX5wJHesUfzNjeO8hMBjkkv2ayQMiTqWD70j6i3+qTunJIb8k09qwGpTmXawYWTqil6m8KzYrSurtE3UATUns1SvDbznSZM/dMIIw/XGtAWP+XkR8jj6eSJzS8QHoWVKSNgx3FZXzxX6nlz9MhiyJk2gblsXVzjpvDyX0qi9NgaY7Gt1qcLtKQrKnfbF58WgMDnvM6xgkD7J7HmjhcLTRHpuCiCplnI2HMgcpVaiRJw/gFuKkzGF0M+2JgX4OckLMpztX1JtE6n1Cu4t3kwRB6N7dFzm2pfNdouAr1WAZMDNuq27akq4AG7YettVDFA7e9nJiZXbaa5AJ6digcxxQIDAQAB";
const SIGNED: &[u8] = include_bytes!("signed_webhook.json");
const SIGNATURE: &str = "LVUEG/aqMdOhfD23PFSo3Sk47BMB5avglqq9+giY6wnHm+dgzuLs6GlE7QQpduJiL9KV3CqpmXpRDnUzJcmtPleA3TGo6Rpv2wXjCEWTUn/SJ6F+rVgNn7aQcE3PgadOUDxIvQrSdN/LNCv0PYPdcg74kbBZX4Yi7zZh2xdcHw/WPLgynaHygzQygP8tV6RJTMQmq3wbdwGSa74HCPN/MQi/c6xCEdecjvgaXjvLDCOkGUtOU+8qxUDbGrG838FvONP5jHad+4fXC++nQW7Cob5beYN0M4tgaPVO3wTNSkiNIWdRBOxjBXNO9RelWm1xd4GLQUNL0k1VG7Slh2r3gg==";

fn ed25519() -> (Keys, Ed25519KeyPair) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let header = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let spki = BASE64_STANDARD.encode([&header[..], pair.public_key().as_ref()].concat());
    (Keys::default().with(&spki).unwrap(), pair)
}

fn headers<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<&'a str> {
    |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

#[test]
fn the_vendors_own_keys_are_read() {
    let keys = Keys::default();
    assert_eq!((keys.ed25519.len(), keys.rsa.len()), (32, 526), "32 bytes, and an RSA key of 4096 bits");
}

#[test]
fn an_ed25519_signature_covers_every_byte_of_the_body() {
    let (keys, pair) = ed25519();
    let signature = BASE64_STANDARD.encode(pair.sign(SIGNED));
    let signed = [("x-ghl-signature", signature.as_str())];
    assert_eq!(keys.verify(headers(&signed), SIGNED), Ok(()));
    let mut body = SIGNED.to_vec();
    body.push(b' ');
    assert_eq!(keys.verify(headers(&signed), &body), Err(Untrusted::Forged("X-GHL-Signature")));
    assert_eq!(Keys::default().verify(headers(&signed), SIGNED), Err(Untrusted::Forged("X-GHL-Signature")));
}

#[test]
fn the_older_rsa_signature_is_checked_where_it_stands_alone() {
    let keys = Keys::default().with(OUR_RSA).unwrap();
    let old = [("x-wh-signature", SIGNATURE)];
    assert_eq!(keys.verify(headers(&old), SIGNED), Ok(()));
    assert_eq!(keys.verify(headers(&old), b"{}"), Err(Untrusted::Forged("X-WH-Signature")));
    let empty = [("x-wh-signature", SIGNATURE), ("x-ghl-signature", " ")];
    assert_eq!(keys.verify(headers(&empty), SIGNED), Ok(()), "an empty one is none");
    let both = [("x-wh-signature", SIGNATURE), ("x-ghl-signature", "AAAA")];
    assert_eq!(keys.verify(headers(&both), SIGNED), Err(Untrusted::Forged("X-GHL-Signature")), "the newer decides");
}

#[test]
fn what_is_not_signed_is_not_believed() {
    assert_eq!(Keys::default().verify(headers(&[]), SIGNED), Err(Untrusted::Unsigned));
    let odd = [("x-ghl-signature", "not base64 !")];
    assert_eq!(Keys::default().verify(headers(&odd), SIGNED), Err(Untrusted::Forged("X-GHL-Signature")));
}

#[test]
fn a_key_that_is_none_is_refused() {
    for text in ["", "AAAA", "MCowBQYDK2VwAyEA"] {
        assert_eq!(Keys::default().with(text), None, "{text}");
    }
}
