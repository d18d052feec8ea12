//! What is scraped: the compose stack's own configuration, with the addresses of this machine.

use std::net::SocketAddr;

use url::Url;

/// The configuration of the compose stack.
const CONFIGURATION: &str = include_str!("../../prometheus/prometheus.yml");

/// A Prometheus configuration, and where Prometheus itself is in it.
pub struct Targets(String);

impl Targets {
    /// The memo-service, and a service of the learner's beside it.
    pub fn memo_service(address: SocketAddr) -> Self {
        let configuration = CONFIGURATION
            .replace("memo-service:8080", &address.to_string())
            // Without Docker, a lesson's service is another port of this machine.
            .replace("host.docker.internal:8080", "127.0.0.1:8082");
        Self(configuration)
    }

    /// One service, by its address or by that of its metrics.
    pub fn service(url: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "--service {url}: {why}; write it as http://127.0.0.1:8082 or with the path of its metrics"
            )
        };
        let parsed = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        if parsed.scheme() != "http" {
            return Err(wrong("only http can be scraped here"));
        }
        let host = parsed.host_str().ok_or_else(|| wrong("it has no host"))?;
        let port = parsed.port_or_known_default().unwrap_or(80);
        let path = if parsed.path() == "/" { "/metrics" } else { parsed.path() };
        let (global, _) =
            CONFIGURATION.split_once("scrape_configs:").unwrap_or((CONFIGURATION, ""));
        // JSON strings are YAML strings.
        let (target, path) = (serde_json::json!(format!("{host}:{port}")), serde_json::json!(path));
        Ok(Self(format!(
            "{global}scrape_configs:\n  - job_name: your-service\n    metrics_path: {path}\n    \
             static_configs:\n      - targets: [{target}]\n"
        )))
    }

    /// The configuration for a Prometheus that answers there.
    pub fn for_prometheus(&self, address: SocketAddr) -> String {
        self.0.replace("localhost:9090", &address.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(configuration: &str) -> Vec<&str> {
        let lines = configuration.lines();
        lines.filter_map(|line| line.trim().strip_prefix("- targets: ")).collect()
    }

    #[test]
    fn every_address_of_the_compose_stack_is_replaced() {
        let configuration = Targets::memo_service("127.0.0.1:1".parse().unwrap())
            .for_prometheus("127.0.0.1:2".parse().unwrap());
        assert_eq!(
            targets(&configuration),
            [r#"["127.0.0.1:2"]"#, r#"["127.0.0.1:1"]"#, r#"["127.0.0.1:8082"]"#]
        );
    }

    #[test]
    fn a_service_is_named_by_its_address() {
        let of = |url: &str| Targets::service(url).map(|targets| targets.0);
        let configuration = of("http://127.0.0.1:8082").unwrap();
        assert_eq!(targets(&configuration), [r#"["127.0.0.1:8082"]"#]);
        assert!(configuration.contains("metrics_path: \"/metrics\"\n"), "{configuration}");
        assert!(configuration.contains("scrape_interval: 5s"), "{configuration}");
        assert!(of("http://[::1]:9/internal/metrics").unwrap().contains("\"/internal/metrics\""));
        for wrong in ["127.0.0.1:8082", "https://example.org", "not a url"] {
            assert!(
                of(wrong).unwrap_err().contains("write it as http://127.0.0.1:8082"),
                "{wrong}"
            );
        }
    }
}
