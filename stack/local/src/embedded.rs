//! The Prometheus that is built in, where there is none on this machine.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use embedded_prometheus::api::Api;
use embedded_prometheus::config::Config;
use embedded_prometheus::promql::Limits;
use embedded_prometheus::rules::{self, Evaluator, Group};
use embedded_prometheus::scrape::{Scraper, Shared};
use embedded_prometheus::store::{Retention, Store};

use crate::targets::Targets;

/// Where the configuration's rule files are.
const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../prometheus");

/// The groups of all rule files; a name may have a `*`.
fn rule_groups(config: &Config, folder: &Path) -> Result<Vec<Group>, String> {
    let mut groups = Vec::new();
    for pattern in &config.rule_files {
        let wanted = folder.join(pattern);
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", wanted.display());
        let (before, after) = match wanted.file_name().and_then(|name| name.to_str()) {
            Some(name) => name.split_once('*').unwrap_or((name, "")),
            None => return Err(failed(&"it is no file")),
        };
        let exact = !pattern.contains('*');
        let entries =
            fs::read_dir(wanted.parent().unwrap_or(folder)).map_err(|error| failed(&error))?;
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if exact { name == before } else { name.starts_with(before) && name.ends_with(after) }
        });
        files.sort();
        if files.is_empty() {
            return Err(failed(&"there is no such file"));
        }
        for file in files {
            let text = fs::read_to_string(&file)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            let read =
                rules::read(&text).map_err(|error| format!("{}: {error}", file.display()))?;
            groups.extend(read);
        }
    }
    Ok(groups)
}

/// Scrapes, and evaluates rules, until it is dropped.
pub struct Embedded {
    api: Api,
}

impl Embedded {
    pub fn start(targets: &Targets) -> Result<Self, String> {
        let nowhere = "127.0.0.1:0".parse().map_err(|error| format!("{error}"))?;
        let config = Config::read(&targets.for_prometheus(nowhere))
            .map_err(|error| format!("stack/prometheus/prometheus.yml: {error}"))?;
        let store = Shared::new(Store::new(Retention::default()));
        // There is no Prometheus to scrape.
        let targets =
            config.targets().into_iter().filter(|target| target.labels.get("job") != "prometheus");
        let groups = rule_groups(&config, Path::new(CONFIGURATION))?;
        let scraper = Scraper::start(targets, &store);
        let limits = Limits::default();
        let rules = Evaluator::start(groups, &store, config.evaluation_interval(), limits);
        Ok(Self {
            api: Api {
                store,
                scraper: Some(Arc::new(scraper)),
                rules: Some(Arc::new(rules)),
                limits,
            },
        })
    }

    pub fn api(&self) -> Api {
        self.api.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_files_are_found_beside_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let group = |name: &str| {
            format!("groups: [{{name: {name}, rules: [{{alert: A, expr: up == 0}}]}}]")
        };
        fs::write(folder.path().join("a.rules.yml"), group("a")).unwrap();
        fs::write(folder.path().join("b.rules.yml"), group("b")).unwrap();
        fs::write(folder.path().join("other.yml"), "no: rules").unwrap();
        let groups = |files: &str| {
            let config = Config::read(&format!("rule_files: [{files}]")).unwrap();
            rule_groups(&config, folder.path())
        };
        let names = |files| {
            groups(files).unwrap().iter().map(|group| group.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("\"*.rules.yml\""), ["a", "b"]);
        assert_eq!(names("b.rules.yml"), ["b"]);
        assert!(groups("c.rules.yml").unwrap_err().contains("c.rules.yml: there is no such file"));
        assert!(groups("other.yml").unwrap_err().contains("other.yml: "));
    }
}
