//! `/etc/astguiclient.conf`, read as VICIdial's own scripts read it.

use crate::secret::Secret;

/// Where the dialler's database is, as far as the file says.
#[derive(Debug, Default)]
pub struct Config {
    pub server: Option<String>,
    pub database: Option<String>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub port: Option<String>,
}

impl Config {
    /// Blanks and `>` are dropped wherever they stand, `#` and `;` begin a comment, and the value is what follows the last
    /// `=` of a line that begins with the key: `VARDB_server => localhost`.
    pub fn read(text: &str) -> Config {
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| {
                let line: String = line.chars().take_while(|c| !matches!(c, '#' | ';')).collect();
                let line: String = line.chars().filter(|c| !matches!(c, ' ' | '>' | '\t' | '\r')).collect();
                line.starts_with(key).then(|| line.rsplit('=').next().unwrap_or_default().to_owned())
            });
            lines.next_back().filter(|value| !value.is_empty())
        };
        Config {
            server: value("VARDB_server"),
            database: value("VARDB_database"),
            user: value("VARDB_user"),
            password: value("VARDB_pass").map(Secret::new),
            port: value("VARDB_port"),
        }
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
