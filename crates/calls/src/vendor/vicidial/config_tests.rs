use super::*;

#[test]
fn the_file_is_read_as_the_dialler_reads_it() {
    let config = Config::read(
        "# astguiclient.conf - configuration\r\n\
         PATHhome => /usr/share/astguiclient\r\n\
         VARDB_server => 10.0.0.5 ; the replica\r\n\
         VARDB_database => asterisk\n\
         VARDB_user=>cron\n\
         \tVARDB_pass => a=b1234 # not theirs\n\
         VARDB_custom_user => custom\n\
         VARDB_port => 3307\n",
    );
    assert_eq!(config.server.as_deref(), Some("10.0.0.5"));
    assert_eq!(config.database.as_deref(), Some("asterisk"));
    assert_eq!(config.user.as_deref(), Some("cron"));
    assert_eq!(config.password.as_ref().map(Secret::expose), Some("b1234"), "up to the last = everything goes");
    assert_eq!(config.port.as_deref(), Some("3307"));
}

#[test]
fn what_is_missing_or_empty_is_unknown() {
    let config = Config::read("VARDB_server =>\nVARDB_database => asterisk\n#VARDB_user => cron\n");
    assert!(config.server.is_none() && config.user.is_none() && config.port.is_none() && config.password.is_none());
    assert!(!format!("{:?}", Config::read("VARDB_pass => hidden")).contains("hidden"));
}
