//! Numbers that Postgres's headers give and pgrx does not bind.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn the_first_timer_of_ones_own_has_the_number_that_the_headers_of_this_major_give_it() {
        let dir = Spi::get_one::<String>("SELECT setting FROM pg_config WHERE name = 'INCLUDEDIR-SERVER'");
        let header = std::fs::read_to_string(dir.unwrap().unwrap() + "/utils/timeout.h").unwrap();
        let (_, list) = header.split_once("typedef enum TimeoutId").unwrap();
        let names = list.lines().map(str::trim).filter(|line| line.ends_with(',') && !line.starts_with('/'));
        let number = names.map(|name| name.trim_end_matches(',')).position(|name| name == "USER_TIMEOUT");
        assert_eq!(number, Some(crate::pg::deadline::USER_TIMEOUT as usize));
    }
}
