//! Prometheus without a server, for a machine that has only cargo.
//!
//! So far it reads what a service exposes: [`exposition`].
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
