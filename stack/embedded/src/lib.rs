//! Prometheus without a server, for a machine that has only cargo.
//!
//! So far it reads what a service exposes: [`exposition`].
#![warn(missing_docs)]

pub mod exposition;
pub mod labels;
pub mod promql;
pub mod store;
