use super::super::stub::{get, say, Act, Stub};
use super::super::Client;
use super::*;
use rustls::pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::{path::Path, sync::Arc, thread};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client/testdata").join(name)
}

fn settings(base: String) -> Settings {
    Settings { base, allowed_hosts: vec!["127.0.0.1".to_owned()], ..Settings::default() }
}

fn refusal(change: impl FnOnce(&mut Settings)) -> String {
    let mut settings = settings("https://127.0.0.1".to_owned());
    change(&mut settings);
    match Client::new(settings).err() {
        Some(Error::Setting { what }) => what,
        other => panic!("{other:?}"),
    }
}

/// Speaks TLS to one client, if that trusts it, and gives it one answer.
fn secure_vendor() -> (String, thread::JoinHandle<()>) {
    let chain = CertificateDer::pem_file_iter(data("loopback.pem")).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(data("loopback_key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
        if tls.read(&mut [0; 4096]).is_ok() {
            tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        }
    });
    (base, thread)
}

#[test]
fn the_ca_file_decides_whom_to_trust() {
    for (ca_file, is_trusted) in [(Some(data("ca.pem")), true), (None, false)] {
        let (base, vendor) = secure_vendor();
        let (answer, lines) = Client::new(Settings { ca_file, ..settings(base) }).unwrap().send(&get("/x"));
        match is_trusted {
            true => assert_eq!(answer.unwrap().body, b"{}"),
            false => assert!(answer.unwrap_err().to_string().contains("certificate")),
        }
        assert_eq!(lines.len(), 1, "a bad certificate is not asked again");
        vendor.join().unwrap();
    }
}

#[test]
fn a_proxy_is_asked_for_the_vendor_by_name() {
    let proxy = Stub::new(|nth, _| match nth {
        0 => Act::Say(b"HTTP/1.1 200 OK\r\n\r\n".into()),
        _ => say(200, "", "{}"),
    });
    let mut settings = settings("http://127.0.0.1:1/api".to_owned());
    settings.proxy = Some(format!("http://me:geheim@127.0.0.1:{}", proxy.port));
    assert!(!format!("{settings:?}").contains("geheim"));
    Client::new(settings).unwrap().send(&get("/x")).0.unwrap();
    let seen = proxy.seen();
    assert!(seen[0].starts_with("CONNECT 127.0.0.1:1 "), "{seen:?}");
    assert!(seen[0].to_lowercase().contains("proxy-authorization: basic bwu6z2vozwlt"), "{seen:?}");
    assert!(seen[1].starts_with("GET /api/x "), "{seen:?}");
    assert!(!seen[1].to_lowercase().contains("proxy-authorization"), "{seen:?}");
}

#[test]
fn bad_settings_are_refused() {
    for proxy in ["socks5://me:geheim@127.0.0.1:1", "127.0.0.1:1", "http://", "http://me:geheim@:x"] {
        let what = refusal(|settings| settings.proxy = Some(proxy.to_owned()));
        assert!(what.contains("proxy") && !what.contains("geheim"), "{what}");
    }
    for pace in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
        assert!(refusal(|settings| settings.max_per_second = Some(pace)).contains("a second"));
    }
    assert!(refusal(|settings| settings.user_agent = "a\r\nb".to_owned()).contains("user agent"));
    assert!(refusal(|settings| settings.ca_file = Some(data("none.pem"))).contains("none.pem"));
    assert!(refusal(|settings| settings.ca_file = Some(data("loopback_key.pem"))).contains("no certificate"));
}
