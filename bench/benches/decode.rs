//! The pure parts: JSON of contacts into rows, by criterion.

use calls::row::Reject;
use calls::vendor::dialfire::reread;
use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use std::fmt::Write;

/// A contact with so many transactions, each of a leg with a recording, with the fields that the vendor sends.
fn contact(transactions: usize) -> String {
    let mut log = String::new();
    for at in 0..transactions {
        let comma = if at > 0 { "," } else { "" };
        let fired = format!("2026-11-01T{:02}:{:02}:00.000Z", at / 60 % 24, at % 60);
        let _ = write!(
            log,
            r#"{comma}{{"type":"update","task_id":"B2CX7FMS8QTB9K3P","task":"anrufen_stufe","status":"open","status_detail":"$none",
            "fired":"{fired}","trigger":"agent","actor":"agent","user":"USER01","user_loginName":"a.meier","user_branch":"Zentrale",
            "user_tenantAlias":"acme","pause_time_sec":3,"edit_time_sec":21.5,"wrapup_time_sec":8,"wait_time_sec":12,"isHI":true,
            "revoked":false,"result":"connect","id":"6EU52ECUGEJPHEJV","ref":"AP-1","phone":"+4930123456","timezone":"Europe/Berlin",
            "created_date":"{fired}","entry_date":"{fired}","data":{{}},"sequence_nr":{at},"next_sequence_nr":{at},
            "version":"RDX7L9CT4HCQZDFQ","connections":[{{"id":"c{at}","call_uuid":"u{at}","global_call_uuid":"g{at}",
            "task_id":"B2CX7FMS8QTB9K3P","phone":"+4930123456","user":"USER01","actor":"agent","isThirdPartyConnection":"false",
            "dialerdomain":"dialer1.example.com","fired":"{fired}","started":"{fired}","initiated":"{fired}","call_initiated":"{fired}",
            "connected":"{fired}","call_connected":"{fired}","disconnected":"{fired}","call_disconnected":"{fired}","ended":"{fired}",
            "duration":61000,"hangup_party":"agent","remote_number":"4930123456","line_number":"498912345678","technology":"sip",
            "result":"connect","code":200,"recordings":[{{"location":"https://vault.example.com/vr/PR_{at}.mp3",
            "filename":"PR_{at}.mp3","started":"{fired}","stopped":"{fired}"}}]}}]}}"#
        );
    }
    format!(
        r#"{{"$id":"6EU52ECUGEJPHEJV","$ref":"AP-1","$version":"RDX7L9CT4HCQZDFQ","$md5":"d41d8cd98f00b204e9800998ecf8427e",
        "$campaign_id":"3F767KEPW4V73JZS","$task_id":"B2CX7FMS8QTB9K3P","$task":"anrufen_stufe","$status":"open","$phone":"+4930123456",
        "$timezone":"Europe/Berlin","$created_date":"2026-11-01T08:00:00.000Z","$entry_date":"","firma":"Muster GmbH","notiz":"",
        "AP_Vorname":"Anna","AP_Nachname":"Meier","strasse":"Weg 1","plz":"10115","ort":"Berlin","mitarbeiter":12,
        "$task_log":[{{"transactions":[{log}],"task_name":"anrufen_stufe"}}]}}"#
    )
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("contact to rows");
    for transactions in [1, 4, 100] {
        let payload = contact(transactions);
        group.throughput(Throughput::Bytes(payload.len() as u64));
        // Reading a quarantined contact again is what a sync does with one that has just arrived.
        let record = Reject {
            kind: "contact",
            key: None,
            campaign_id: Some("3F767KEPW4V73JZS".into()),
            contact_id: Some("6EU52ECUGEJPHEJV".into()),
            event_md5: None,
            fired: None,
            reason: "",
            field: String::new(),
            detail: String::new(),
            payload,
        };
        let batch = reread(&record, None, chrono_tz::Europe::Nicosia);
        let rows = [batch.transactions.len(), batch.connections.len(), batch.recordings.len(), batch.rejects.len()];
        assert_eq!(rows, [transactions, transactions, transactions, 0]);
        group.bench_function(format!("{transactions} transactions"), |bencher| {
            bencher.iter(|| reread(&record, None, chrono_tz::Europe::Nicosia));
        });
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
