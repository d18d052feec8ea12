//! The attribute of the [`instrument-metrics`](https://docs.rs/instrument-metrics) crate.
//!
//! Depend on that crate, not on this one: the code that the attribute writes calls its runtime.
#![warn(missing_docs)]

mod expand;
mod handler;
mod refuse;

use proc_macro::TokenStream;

/// Measures an actix-web handler: requests, durations, requests in flight, aborted requests.
///
/// Put it above or below the route attribute, or on a plain `async fn` that is given to
/// `.to(handler)`. It takes no arguments. What it measures, and under which names, is said in the
/// documentation of the `instrument-metrics` crate.
///
/// # What it refuses
///
/// A function that is not `async`, a method with `self`, anything that is not a function, and
/// arguments. The item itself is always given back, so that nothing else turns red.
#[proc_macro_attribute]
pub fn instrument_metrics(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::instrument_metrics(&arguments.into(), item.into()).into()
}
