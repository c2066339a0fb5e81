use super::*;

#[test]
fn no_statement_is_without_a_bound() {
    let at = NaiveDateTime::default();
    let keys = vec!["1.2".to_owned()];
    let rows = |which| Job::Rows { table: Table::Log, archive: false, which, limit: 11 };
    let jobs = [
        rows(Which::In(Wall { from: at, to: at })),
        rows(Which::At(at, "1.2".to_owned())),
        rows(Which::Undated(
            Window { from: chrono::DateTime::UNIX_EPOCH, to: chrono::DateTime::UNIX_EPOCH },
            String::new(),
        )),
        rows(Which::Keys(keys.clone())),
        Job::Present { table: Table::Closer, archive: true, keys: keys.clone() },
        Job::Recordings { keys },
    ];
    for job in jobs {
        let sql = job.condition();
        assert!(sql.starts_with("WHERE ") && (sql.ends_with("LIMIT 11") || sql.contains(" IN (")), "{sql}");
    }
}

#[test]
fn a_key_cannot_leave_its_quotes() {
    assert!(
        is_plain("1763300000.42") && is_plain("912") && !is_plain("1' OR '1'='1") && !is_plain("1\\") && !is_plain("")
    );
    assert_eq!(quote("1\\' OR 1=1 -- "), "'1OR11--'");
}
