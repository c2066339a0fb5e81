//! The validator, as CREATE SERVER and CREATE USER MAPPING call it.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn every_default_is_a_value_that_may_be_set() {
        let refused = Spi::connect_mut(|client| {
            let rows = client.select(
                "SELECT option, default_value, COALESCE(split_part(vendor, ', ', 1), 'dialfire')
                 FROM df_options() WHERE default_value IS NOT NULL AND place = 'server'",
                None,
                &[],
            )?;
            let defaults: Vec<[String; 3]> = rows
                .map(|row| {
                    Ok([
                        row.get(1)?.unwrap_or_default(),
                        row.get(2)?.unwrap_or_default(),
                        row.get(3)?.unwrap_or_default(),
                    ])
                })
                .collect::<Result<_, pgrx::spi::Error>>()?;
            assert!(defaults.len() > 5);
            for [option, value, vendor] in defaults {
                let required = if vendor == "vicidial" { "schema 's', timezone 'UTC'" } else { "account 'a'" };
                client.update(
                    &format!(
                        "CREATE SERVER \"{vendor} {option}\" FOREIGN DATA WRAPPER dialfire_sync
                         OPTIONS (vendor '{vendor}', {required}, {option} '{value}')"
                    ),
                    None,
                    &[],
                )?;
            }
            Ok::<_, pgrx::spi::Error>(())
        });
        assert!(refused.is_ok(), "{refused:?}");
    }

    #[pg_test(error = "invalid value for option \"timezone\": \"Mars/Olympus\"")]
    fn a_zone_that_is_none_is_refused() {
        Spi::run(
            "CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync
             OPTIONS (vendor 'dialfire', account 'a', timezone 'Mars/Olympus')",
        )
        .unwrap();
    }

    #[pg_test(error = "invalid value for option \"token\": \"[secret]\"")]
    fn a_secret_does_not_stand_in_the_error() {
        Spi::run("CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account 'a')")
            .unwrap();
        Spi::run("CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token 'two words')").unwrap();
    }
}
