//! Prometheus without a server, for a machine that has only cargo.
//!
//! | module | what it does |
//! |---|---|
//! | [`exposition`] | reads the page that a service shows |
//! | [`config`] | reads `prometheus.yml`: what is to be scraped |
//! | [`scrape`] | fetches the pages of targets, again and again |
//! | [`store`], [`labels`] | keep series in memory, found by their labels |
//! | [`promql`] | answers queries as Prometheus 3.5 does |
//! | [`rules`], [`template`] | record series, and tell which alerts fire |
//! | [`api`] | the HTTP API, for Grafana, `promtool` and a page of one's own |
//!
//! It is no database: no disk, bounded memory, one machine. It knows no native histograms, no
//! relabeling and no service discovery, and sends alerts to nobody.
#![warn(missing_docs)]

pub mod api;
pub mod config;
pub mod exposition;
pub mod labels;
pub mod promql;
pub mod rules;
pub mod scrape;
pub mod store;
pub mod template;
