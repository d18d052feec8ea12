//! What a handler finds out about the middleware around it.
//!
//! A handler's wrapper is called with what actix extracted, and nothing else: it knows neither
//! which [`Metrics`] its app measures with nor that a middleware waits to count what no handler
//! did. The middleware says both here, for as long as it polls the service inside it. A request is
//! polled by one thread at a time, so a thread-local variable that is set and reset around each
//! poll belongs to that one request.

use std::cell::RefCell;
use std::mem;

use crate::metrics::Metrics;

thread_local! {
    static CURRENT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// One request inside one middleware.
pub struct Scope {
    metrics: Metrics,
    counted: bool,
}

impl Scope {
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, counted: false }
    }

    /// Whether an annotated handler has counted this request.
    pub fn counted(&self) -> bool {
        self.counted
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

/// The scope in `slot` is the current one until this is dropped, also by a panic.
pub struct Entered<'a> {
    slot: &'a mut Option<Scope>,
}

impl<'a> Entered<'a> {
    pub fn new(slot: &'a mut Option<Scope>) -> Self {
        swap(slot);
        Self { slot }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        swap(self.slot);
    }
}

fn swap(slot: &mut Option<Scope>) {
    // While a thread ends, its variables are gone; then there is no request to measure either.
    let _ = CURRENT.try_with(|current| mem::swap(&mut *current.borrow_mut(), slot));
}

/// The metrics of the middleware around the running code; without one, those of the process.
pub fn current_metrics() -> Metrics {
    let here =
        CURRENT.try_with(|current| current.borrow().as_ref().map(|scope| scope.metrics.clone()));
    here.ok().flatten().unwrap_or_else(|| Metrics::of_the_process().clone())
}

/// Tells the middleware around the running code, if it measures into `metrics`, that this request
/// is counted.
pub fn mark_counted(metrics: &Metrics) {
    let _ = CURRENT.try_with(|current| {
        if let Some(scope) = current.borrow_mut().as_mut()
            && scope.metrics.is_same(metrics)
        {
            scope.counted = true;
        }
    });
}
