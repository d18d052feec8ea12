//! What a handler finds out about the middleware around it.
//!
//! A handler's wrapper is called with what actix extracted, and nothing else: it knows neither
//! which [`Metrics`] its app measures with nor that a middleware waits to count what no handler
//! did. The middleware says both here, for as long as it polls the service inside it. A request is
//! polled by one thread at a time, so a thread-local variable that is set and reset around each
//! poll belongs to that one request.

use std::cell::RefCell;
use std::mem;
use std::time::Duration;

use actix_web::{HttpMessage, HttpRequest};

use crate::metrics::Metrics;
use crate::site::Site;

thread_local! {
    static CURRENT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// One request inside one middleware.
pub struct Scope {
    metrics: Metrics,
    answer: Option<Answer>,
    counted: bool,
    aborted: bool,
}

impl Scope {
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, answer: None, counted: false, aborted: false }
    }

    /// What an annotated handler has answered; the middleware counts it, with the status that it
    /// has in the end.
    pub fn take_answer(&mut self) -> Option<Answer> {
        self.answer.take()
    }

    /// Whether this request needs no counting any more.
    pub fn counted(&self) -> bool {
        self.counted || self.aborted
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
/// needs no counting any more.
pub fn mark_counted(metrics: &Metrics) {
    with_scope_of(metrics, |scope| scope.counted = true);
}

/// Tells it that a handler has counted an abort. Another handler may still answer: the one that
/// called it.
pub fn mark_aborted(metrics: &Metrics) {
    with_scope_of(metrics, |scope| scope.aborted = true);
}

/// What an annotated handler has answered.
pub struct Answer {
    pub site: &'static Site,
    pub route: String,
    pub method: &'static str,
    pub status: u16,
    pub duration: Duration,
}

impl Answer {
    /// Counts it.
    pub fn count(self, metrics: &Metrics) {
        let Self { site, route, method, status, duration } = self;
        metrics.families().answered_by(site, route, method, status, duration);
    }
}

/// In the extensions of a request that was counted outside any scope: in an app without the
/// middleware, or in a task that an inner middleware has spawned.
struct Counted;

/// Leaves a handler's answer to the middleware around it or, where there is none, counts it. It
/// happens once for each request: a handler may call another one, and both of them answer.
pub fn answered(metrics: &Metrics, request: &HttpRequest, answer: impl FnOnce() -> Answer) {
    let mut answer = Some(answer);
    let in_scope = with_scope_of(metrics, |scope| {
        if let Some(answer) = answer.take()
            && scope.answer.is_none()
            && !scope.counted
        {
            scope.answer = Some(answer());
        }
    });
    if in_scope.is_none()
        && let Some(answer) = answer
        // The marker has no size, so that it costs no allocation.
        && request.extensions_mut().insert(Counted).is_none()
    {
        answer().count(metrics);
    }
}

/// Whether a handler has counted this request outside any scope, into the metrics of the process.
pub fn was_counted_elsewhere(metrics: &Metrics, request: &HttpRequest) -> bool {
    metrics.are_of_the_process() && request.extensions().contains::<Counted>()
}

fn with_scope_of<T>(metrics: &Metrics, act: impl FnOnce(&mut Scope) -> T) -> Option<T> {
    let done = CURRENT.try_with(|current| {
        let mut current = current.borrow_mut();
        current.as_mut().filter(|scope| scope.metrics.is_same(metrics)).map(act)
    });
    done.ok().flatten()
}
