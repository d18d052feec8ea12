#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod access;
mod endpoint;
mod families;
mod heap;
mod labels;
mod measurement;
mod memory;
mod metrics;
mod middleware;
mod samples;
mod scope;
mod series;
mod site;

pub use access::{Access, AccessError};
pub use endpoint::Endpoint;
pub use heap::CountingAllocator;
/// ```
/// use actix_web::{Responder, get, web};
/// use instrument_metrics::instrument_metrics;
///
/// #[get("/memos/{id}")]
/// #[instrument_metrics]
/// async fn get_memo(id: web::Path<u64>) -> impl Responder {
///     format!("memo {id}")
/// }
/// ```
pub use instrument_metrics_macros::instrument_metrics;
pub use measurement::Metered;
pub use memory::ProcessMemory;
pub use metrics::{BuildError, Builder, Metrics};
pub use middleware::{Middleware, MiddlewareService};
/// The `prometheus` crate that this one registers in: use it for your own metrics, so that both
/// stand on one page.
pub use prometheus;

/// What the attribute's expansion calls; not for direct use, and free to change.
#[doc(hidden)]
pub mod __private {
    pub use crate::measurement::{Measured, measure};
    pub use crate::site::{Site, buckets};
}
