//! The attribute of the [`instrument-metrics`](https://docs.rs/instrument-metrics) crate.
//!
//! Depend on that crate, not on this one: the code that the attribute writes calls its runtime.
#![warn(missing_docs)]

#[cfg(test)]
mod arbitrary;
mod buckets;
mod expand;
mod handler;
mod impl_block;
mod lints;
mod mistakes;
mod options;
mod promql;
mod refuse;
mod suggest;

use proc_macro::TokenStream;

/// Measures an actix-web handler: requests, durations, requests in flight, aborted requests.
///
/// Put it above or below the route attribute, on a plain `async fn` that is given to
/// `.to(handler)`, or on an `impl` block. What it measures, and under which names, is said in the
/// documentation of the `instrument-metrics` crate; every example here needs nothing but that
/// crate and actix-web.
///
/// # Options
///
/// All are optional, in any order, each at most once:
///
/// - `name = "get_user"`: the `handler` label. Default: the function's name.
/// - `labels(team = "accounts", tier = "gold")`: fixed labels of this handler's series.
/// - `buckets = [0.005, 0.05, 0.5]`: the bounds of its duration histogram, in seconds, ascending;
///   or a path to a `const` array or slice of `f64`. Default: those of the `Metrics`.
/// - `skip(in_flight)`: families to leave out, of `requests`, `duration`, `in_flight`, `aborted`
///   and `heap`.
/// - `crate = my_facade::metrics`: where the `instrument-metrics` crate is found, if not under its
///   own name.
///
/// ```text
/// #[get("/users/{id}")]
/// #[instrument_metrics(name = "get_user", labels(team = "accounts"), buckets = [0.01, 0.1, 1.0])]
/// async fn get(id: web::Path<u64>) -> Result<web::Json<User>, UserError> { … }
/// ```
///
/// # On an `impl` block
///
/// Every `async fn` without `self` that returns something is measured; the options, but `name`,
/// hold for all of them. `#[skip_metrics]` leaves a function out, and a function with an
/// `#[instrument_metrics]` of its own has just the options that stand there.
///
/// ```text
/// #[instrument_metrics(labels(team = "accounts"))]
/// impl Users {
///     async fn get(id: web::Path<u64>) -> Result<web::Json<User>, UserError> { … }
///
///     #[instrument_metrics(name = "users_list")]
///     async fn list() -> web::Json<Vec<User>> { … }
///
///     #[skip_metrics]
///     async fn load(id: u64) -> Result<User, UserError> { … }
/// }
/// ```
///
/// # What it refuses
///
/// A function that is not `async`, a method with `self`, a trait's `impl`, anything else that is
/// no function, and options that Prometheus would refuse or misread: all mistakes in one compile,
/// each at its place. The item itself is always given back, so that nothing else turns red.
///
/// # In the editor
///
/// The handler's documentation ends with its PromQL for rate, error ratio and 95th percentile,
/// ready to paste. Where the attribute stands below the route attribute, the route attribute has
/// taken the documentation already: put it above to see them.
#[proc_macro_attribute]
pub fn instrument_metrics(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::instrument_metrics(arguments.into(), item.into()).into()
}
