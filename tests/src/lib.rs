//! What the checks of the lessons share: a service to ask as Prometheus asks it, and failures that
//! say what a reader of the metrics would see.
//!
//! A check is one test, because what it measures belongs to the process. It goes [`step`] by step:
//! asks a [`Service`] with [`Service::get`] or [`Service::scrape`], and says what it wants with the
//! methods of [`Scrape`]. What fails, fails with a [`Failure`].
#![warn(missing_docs)]

mod failure;
mod service;
mod snapshot;

pub use embedded_prometheus::exposition::Kind;
pub use failure::{Failure, step};
pub use service::{Answer, Scrape, Service};
