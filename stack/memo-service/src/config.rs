//! The service's configuration: environment variables, each with a default.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// What the service is told from outside.
#[derive(Clone, PartialEq)]
pub struct Config {
    /// `MEMO_ADDRESS`: where it answers. Default: `127.0.0.1:8080`.
    pub address: SocketAddr,
    /// `DATABASE_URL`: `sqlite:…` or `postgres://…`. Default: the file `memos.db` in the working
    /// directory.
    pub database_url: String,
    /// `MEMO_POOL_SIZE`: connections to the database at most. Default: 5.
    pub pool_size: u32,
    /// `MODEL_SECONDS`: how long a call to the simulated model takes. Default: `1-4`.
    pub model_seconds: RangeInclusive<f64>,
    /// `MODEL_FAILURE_RATE`: the share of these calls that fail. Default: 0.1.
    pub model_failure_rate: f64,
}

impl fmt::Debug for Config {
    /// Without the database's URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("address", &self.address)
            .field("pool_size", &self.pool_size)
            .field("model_seconds", &self.model_seconds)
            .field("model_failure_rate", &self.model_failure_rate)
            .finish_non_exhaustive()
    }
}

/// An environment variable that cannot be used, and what it should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{variable}={value:?} cannot be used: {expected}")]
pub struct ConfigError {
    variable: &'static str,
    value: String,
    expected: &'static str,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    ///
    /// The first variable whose value cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// Reads the variables that `lookup` knows. An empty variable counts as not set, as compose
    /// files set them.
    ///
    /// ```
    /// use memo_service::Config;
    ///
    /// let config = Config::from_variables(|name| {
    ///     (name == "MEMO_ADDRESS").then(|| "127.0.0.1:9000".to_owned())
    /// })?;
    /// assert_eq!(config.address.port(), 9000);
    /// # Ok::<(), memo_service::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first variable whose value cannot be used.
    pub fn from_variables(
        lookup: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        let read = Variables { set: &set };
        Ok(Self {
            address: read.parsed(
                "MEMO_ADDRESS",
                "127.0.0.1:8080",
                "write an IP address and a port, such as 127.0.0.1:8080",
                |_| true,
            )?,
            database_url: read.parsed(
                "DATABASE_URL",
                "sqlite://memos.db?mode=rwc",
                "write sqlite://FILE?mode=rwc or postgres://USER:PASSWORD@HOST/DATABASE",
                |url: &String| {
                    ["sqlite:", "postgres:", "postgresql:"].iter().any(|kind| url.starts_with(kind))
                },
            )?,
            pool_size: read.parsed(
                "MEMO_POOL_SIZE",
                "5",
                "write a number of connections from 1 to 1000",
                |size| (1..=1000).contains(size),
            )?,
            model_seconds: read
                .parsed(
                    "MODEL_SECONDS",
                    "1-4",
                    "write the shortest and the longest time in seconds, such as 1-4, up to 3600",
                    |Span(span)| {
                        *span.start() >= 0.0 && span.start() <= span.end() && *span.end() <= 3600.0
                    },
                )?
                .0,
            model_failure_rate: read.parsed(
                "MODEL_FAILURE_RATE",
                "0.1",
                "write a share from 0 to 1",
                |rate| (0.0..=1.0).contains(rate),
            )?,
        })
    }
}

struct Variables<'a> {
    set: &'a dyn Fn(&'static str) -> Option<String>,
}

impl Variables<'_> {
    fn parsed<T: FromStr>(
        &self,
        variable: &'static str,
        default: &str,
        expected: &'static str,
        is_valid: impl Fn(&T) -> bool,
    ) -> Result<T, ConfigError> {
        let value = (self.set)(variable).unwrap_or_else(|| default.to_owned());
        match value.parse() {
            Ok(parsed) if is_valid(&parsed) => Ok(parsed),
            // A database URL may hold a password, which has no place in a log.
            _ if variable == "DATABASE_URL" => {
                let scheme = value.split_once(':').map_or("", |(scheme, _)| scheme);
                Err(ConfigError { variable, value: format!("{scheme}:…"), expected })
            }
            _ => Err(ConfigError { variable, value, expected }),
        }
    }
}

/// `1-4`.
struct Span(RangeInclusive<f64>);

impl FromStr for Span {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (shortest, longest) = text.split_once('-').ok_or(())?;
        let seconds = |text: &str| text.trim().parse().map_err(drop);
        Ok(Self(seconds(shortest)?..=seconds(longest)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variable: &'static str, value: &str) -> Result<Config, ConfigError> {
        Config::from_variables(|name| (name == variable).then(|| value.to_owned()))
    }

    #[test]
    fn everything_has_a_default() {
        let config = Config::from_variables(|_| None).unwrap();
        assert_eq!(config.address.to_string(), "127.0.0.1:8080");
        assert_eq!(config.database_url, "sqlite://memos.db?mode=rwc");
        assert_eq!(config.model_seconds, 1.0..=4.0);
        assert_eq!(with("MEMO_POOL_SIZE", "").unwrap(), config);
    }

    #[test]
    fn a_value_that_cannot_be_used_is_told_with_what_it_should_be() {
        let table = [
            ("MEMO_ADDRESS", "8080"),
            ("MEMO_ADDRESS", "localhost:8080"),
            ("DATABASE_URL", "mysql://root:secret@host/memos"),
            ("MEMO_POOL_SIZE", "0"),
            ("MEMO_POOL_SIZE", "many"),
            ("MODEL_SECONDS", "4-1"),
            ("MODEL_SECONDS", "2"),
            ("MODEL_SECONDS", "NaN-NaN"),
            ("MODEL_SECONDS", "0-inf"),
            ("MODEL_FAILURE_RATE", "10%"),
            ("MODEL_FAILURE_RATE", "1.5"),
            ("MODEL_FAILURE_RATE", "NaN"),
        ];
        for (variable, value) in table {
            let sentence = with(variable, value).expect_err(value).to_string();
            assert!(sentence.starts_with(variable), "{sentence}");
            assert!(sentence.contains("cannot be used: write "), "{sentence}");
            assert!(!sentence.contains("secret"), "{sentence}");
        }
    }
}
