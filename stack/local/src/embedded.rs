//! The Prometheus that is built in, where there is none on this machine.

use std::sync::Arc;

use embedded_prometheus::api::Api;
use embedded_prometheus::config::Config;
use embedded_prometheus::scrape::{Scraper, Shared};
use embedded_prometheus::store::{Retention, Store};

use crate::targets::Targets;

/// Scrapes until it is dropped.
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
        let scraper = Scraper::start(targets, &store);
        Ok(Self { api: Api { store, scraper: Some(Arc::new(scraper)), ..Api::default() } })
    }

    pub fn api(&self) -> Api {
        self.api.clone()
    }
}
