//! Which login belongs to a user id, whatever the order in which we learn it.

#[pgrx::pg_schema]
mod tests {
    use calls::row::Agent;
    use chrono::{DateTime, TimeDelta};
    use pgrx::prelude::*;

    use crate::store::{agents, lacks_login};

    /// `None` for the list of users, else the hour of an event.
    fn agent(login: &str, hour: Option<i64>) -> Agent {
        Agent {
            id: "U1".to_owned(),
            login: login.to_owned(),
            branch: None,
            name: None,
            seen: hour.map(|hour| DateTime::UNIX_EPOCH + TimeDelta::hours(hour)),
        }
    }

    /// The login after learning one after the other, and after learning all at once: in every order of three.
    fn learned(known: [Agent; 3]) -> Vec<String> {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let mut logins = Vec::new();
        for order in orders {
            for at_once in [true, false] {
                let mut news = order.map(|at| vec![known[at].clone()]).to_vec();
                if at_once {
                    news = vec![news.concat()];
                }
                news.into_iter().for_each(|news| agents("t", news).unwrap());
                logins.extend(Spi::get_one::<String>("DELETE FROM dialfire.agents RETURNING login").unwrap());
            }
        }
        logins
    }

    #[pg_test]
    fn among_events_the_newest_counts() {
        let logins = learned([agent("Anna.Alt", Some(1)), agent("Anna.Neu", Some(3)), agent("Anna.Mitte", Some(2))]);
        assert_eq!(logins, ["Anna.Neu"; 12]);
    }

    #[pg_test]
    fn the_list_of_users_outranks_events() {
        let logins = learned([agent("Anna.Alt", Some(1)), agent("Anna.Liste", None), agent("Anna.Neu", Some(3))]);
        assert_eq!(logins, ["Anna.Liste"; 12]);
    }

    #[pg_test]
    fn learning_the_same_again_writes_nothing() {
        let place = "SELECT ctid || ' ' || xmax FROM dialfire.agents";
        for hour in [Some(1), None] {
            agents("t", vec![agent("Anna", hour)]).unwrap();
            let before = Spi::get_one::<String>(place).unwrap();
            agents("t", vec![agent("Anna", hour)]).unwrap();
            assert_eq!(Spi::get_one::<String>(place).unwrap(), before);
        }
    }

    #[pg_test]
    fn a_login_is_lacking_until_it_is_learned() {
        let users = || vec!["U1".to_owned()];
        assert!(lacks_login("t", users()).unwrap());
        agents("t", vec![agent("Anna", Some(1))]).unwrap();
        assert!(!lacks_login("t", users()).unwrap());
        assert!(lacks_login("u", users()).unwrap());
    }
}
