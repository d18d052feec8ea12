//! Reads `prometheus.yml`: the part of it that is understood here. What is not is named, with its
//! line.
//!
//! ```
//! use embedded_prometheus::config::Config;
//!
//! let config = Config::read(
//!     "scrape_configs:\n  - job_name: api\n    static_configs: [{targets: [\"127.0.0.1:8080\"]}]\n",
//! )?;
//! assert_eq!(config.targets()[0].url, "http://127.0.0.1:8080/metrics");
//! # Ok::<(), embedded_prometheus::config::ConfigError>(())
//! ```

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny};

use crate::labels::Labels;

/// What Prometheus is told in `prometheus.yml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    global: Global,
    /// Files with rules, relative to the configuration.
    pub rule_files: Vec<String>,
    scrape_configs: Vec<ScrapeConfig>,
    /// Alerts are shown here, and sent to nobody.
    #[serde(rename = "alerting")]
    _alerting: IgnoredAny,
}

/// The configuration is none that is understood here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Global {
    evaluation_interval: Option<Span>,
    external_labels: BTreeMap<String, String>,
    scrape_interval: Option<Span>,
    scrape_timeout: Option<Span>,
    sample_limit: Option<usize>,
    label_limit: Option<usize>,
    label_name_length_limit: Option<usize>,
    label_value_length_limit: Option<usize>,
    body_size_limit: Option<Size>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScrapeConfig {
    job_name: String,
    scrape_interval: Option<Span>,
    scrape_timeout: Option<Span>,
    #[serde(default = "default_path")]
    metrics_path: String,
    #[serde(default)]
    scheme: Scheme,
    #[serde(default)]
    honor_labels: bool,
    authorization: Option<Authorization>,
    sample_limit: Option<usize>,
    label_limit: Option<usize>,
    label_name_length_limit: Option<usize>,
    label_value_length_limit: Option<usize>,
    body_size_limit: Option<Size>,
    #[serde(default)]
    static_configs: Vec<StaticConfig>,
}

fn default_path() -> String {
    "/metrics".to_owned()
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scheme {
    #[default]
    Http,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Authorization {
    credentials: String,
}

/// Without the secret.
impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authorization")
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct StaticConfig {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// A duration as Prometheus writes it: `15s`, `1m30s`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "0s" || text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        promql_parser::util::parse_duration(&text).map(Self).map_err(|_| {
            D::Error::custom(format!("{text:?} is no duration: write it as 15s or 1m30s"))
        })
    }
}

/// A size in bytes, as Prometheus writes it: `10MB`, of 1,024 each.
#[derive(Debug, Clone, Copy)]
struct Size(u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
        let unit = match &text[end..] {
            "" | "B" => Some(1),
            "KB" | "KiB" => Some(1 << 10),
            "MB" | "MiB" => Some(1 << 20),
            "GB" | "GiB" => Some(1 << 30),
            _ => None,
        };
        let size = text[..end].parse::<u64>().ok().zip(unit);
        size.and_then(|(number, unit)| number.checked_mul(unit))
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no size: write it as 10MB")))
    }
}

/// Where samples come from, and how many of them may.
#[derive(Debug, Clone)]
pub struct Target {
    /// The labels that all of its series have: `job`, `instance` and those of the configuration.
    pub labels: Labels,
    /// What is fetched.
    pub url: String,
    /// How often.
    pub interval: Duration,
    /// How long it may take.
    pub timeout: Duration,
    /// Whether its own `job` and `instance` labels win.
    pub honor_labels: bool,
    /// What it may send.
    pub limits: ScrapeLimits,
    pub(crate) credentials: Option<String>,
}

/// What a target may send; what exceeds it is refused as a whole. 0 is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScrapeLimits {
    /// Samples of a page.
    pub samples: usize,
    /// Labels of a series.
    pub labels: usize,
    /// Bytes of a label's name.
    pub label_name: usize,
    /// Bytes of a label's value.
    pub label_value: usize,
    /// Bytes of a page.
    pub body: u64,
}

/// A page that is larger is refused, whatever the configuration says.
const LARGEST_BODY: u64 = 64 << 20;

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] where it is none, or asks for what is not supported here: the sentence says
    /// what, and in which line.
    pub fn read(yaml: &str) -> Result<Self, ConfigError> {
        let config: Self =
            serde_saphyr::from_str(yaml).map_err(|error| ConfigError(error.to_string()))?;
        let mut jobs = HashSet::new();
        for scrape in &config.scrape_configs {
            let job = &scrape.job_name;
            if !jobs.insert(job) {
                return Err(ConfigError(format!(
                    "two scrape configurations have the job_name {job:?}"
                )));
            }
            let (interval, timeout) = config.times(scrape);
            if timeout > interval {
                return Err(ConfigError(format!(
                    "the scrape_timeout of {job:?} is longer than its scrape_interval"
                )));
            }
        }
        Ok(config)
    }

    /// How often rules are evaluated.
    #[must_use]
    pub fn evaluation_interval(&self) -> Duration {
        self.global.evaluation_interval.map_or(Duration::from_mins(1), |span| span.0)
    }

    /// The labels that alerts get on their way out.
    #[must_use]
    pub fn external_labels(&self) -> Labels {
        self.global.external_labels.clone().into_iter().collect()
    }

    /// All that is to be scraped.
    #[must_use]
    pub fn targets(&self) -> Vec<Target> {
        let of_one = |scrape: &ScrapeConfig| {
            let groups = scrape.static_configs.iter();
            let targets =
                groups.flat_map(|group| group.targets.iter().map(move |target| (group, target)));
            targets.map(|(group, target)| self.target(scrape, group, target)).collect::<Vec<_>>()
        };
        self.scrape_configs.iter().flat_map(of_one).collect()
    }

    fn target(&self, scrape: &ScrapeConfig, group: &StaticConfig, address: &str) -> Target {
        let global = &self.global;
        let own = [("job", scrape.job_name.as_str()), ("instance", address)];
        let others = group.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let limit = |own: Option<usize>, global: Option<usize>| own.or(global).unwrap_or(0);
        let (interval, timeout) = self.times(scrape);
        let Scheme::Http = scrape.scheme;
        Target {
            labels: own.into_iter().chain(others).collect(),
            url: format!("http://{address}{}", scrape.metrics_path),
            interval,
            timeout,
            honor_labels: scrape.honor_labels,
            limits: ScrapeLimits {
                samples: limit(scrape.sample_limit, global.sample_limit),
                labels: limit(scrape.label_limit, global.label_limit),
                label_name: limit(scrape.label_name_length_limit, global.label_name_length_limit),
                label_value: limit(
                    scrape.label_value_length_limit,
                    global.label_value_length_limit,
                ),
                body: match scrape.body_size_limit.or(global.body_size_limit) {
                    None | Some(Size(0)) => LARGEST_BODY,
                    Some(Size(bytes)) => bytes.min(LARGEST_BODY),
                },
            },
            credentials: scrape
                .authorization
                .as_ref()
                .map(|authorization| authorization.credentials.clone()),
        }
    }

    /// Interval and timeout.
    fn times(&self, scrape: &ScrapeConfig) -> (Duration, Duration) {
        let or = |own: Option<Span>, global: Option<Span>| own.or(global).map(|span| span.0);
        let interval = or(scrape.scrape_interval, self.global.scrape_interval);
        let interval =
            interval.filter(|interval| !interval.is_zero()).unwrap_or(Duration::from_mins(1));
        let timeout = or(scrape.scrape_timeout, self.global.scrape_timeout);
        (interval, timeout.unwrap_or(Duration::from_secs(10).min(interval)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stacks_own_configuration_is_understood() {
        let config = Config::read(include_str!("../../prometheus/prometheus.yml")).unwrap();
        let targets = config.targets();
        let memos =
            targets.iter().find(|target| target.labels.get("job") == "memo-service").unwrap();
        assert_eq!(memos.url, "http://memo-service:8080/metrics");
        assert_eq!(
            (memos.interval, memos.timeout),
            (Duration::from_secs(5), Duration::from_secs(4))
        );
        assert_eq!(memos.limits.samples, 20_000);
        assert_eq!(memos.limits.body, 10 << 20);
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line() {
        let table = [
            ("global:\n  scrape_intervall: 5s\n", "scrape_intervall", "line 2"),
            (
                "scrape_configs:\n  - job_name: a\n    kubernetes_sd_configs: []\n",
                "kubernetes_sd_configs",
                "line 3",
            ),
            ("remote_write: []\n", "remote_write", "line 1"),
            ("global:\n  scrape_interval: soon\n", "\"soon\" is no duration", "line 2"),
            ("global: {body_size_limit: 10XB}\n", "\"10XB\" is no size", "line 1"),
            ("scrape_configs:\n  - job_name: a\n    scheme: https\n", "https", "line 3"),
            ("scrape_configs: [\n", "unclosed", "line 1"),
        ];
        for (yaml, what, line) in table {
            let error = Config::read(yaml).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains(line), "{yaml}: {error}");
        }
        let twice = "scrape_configs:\n  - job_name: a\n  - job_name: a\n";
        assert_eq!(
            Config::read(twice).unwrap_err().to_string(),
            "two scrape configurations have the job_name \"a\""
        );
    }
}
