use super::*;

#[test]
fn reads_the_vendors_own_example() {
    let event =
        Event::parse("2018-10-17T08:07:46.468Z0217|cf44c921a79577858dea5a5b89e9f219|6EU52ECUGEJPHEJV|6,166").unwrap();
    assert_eq!(event.fired.timestamp_millis() % 1000, 468);
    assert_eq!(event.md5, "cf44c921a79577858dea5a5b89e9f219");
    assert_eq!(event.contact_id, "6EU52ECUGEJPHEJV");
    assert_eq!((event.log_index, event.transaction_index), (6, 166));
}

#[test]
fn refuses_what_is_not_an_event() {
    for line in [
        "",
        "|||",
        "2018-10-17T08:07:46.468Z|md5|contact",
        "2018-10-17T08:07:46.468Z|md5||0,0",
        "2018-10-17T08:07:46.468Z|md5|contact|x,0",
        "2018-10-17T08:07:46.468Z|md5|contact|0",
    ] {
        assert!(Event::parse(line).is_err(), "{line}");
    }
    assert_eq!(Event::parse("2018-10-17T08:07:46|m|c|0,0").unwrap_err().reason, "timestamp_without_zone");
}
