//! What a handler finds out about the middleware around it.
//!
//! A handler's wrapper is called with what actix extracted, and nothing else: it knows neither
//! which [`Metrics`] its app measures with nor that a middleware waits to count what no handler
//! did. The middleware says both here, for as long as it polls the service inside it. A request is
//! polled by one thread at a time, so a thread-local variable that is set and reset around each
//! poll belongs to that one request.

use std::cell::RefCell;
use std::mem;
use std::ptr;

use actix_web::dev::RequestHead;
use actix_web::{HttpMessage, HttpRequest};

use crate::families::Answer;
use crate::metrics::Metrics;

thread_local! {
    static CURRENT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// One request inside one middleware.
pub struct Scope {
    metrics: Metrics,
    request: RequestId,
    answer: Option<Answer>,
    counted: bool,
    aborted: bool,
}

/// Tells requests apart that are under way at the same time: where the request's head lies in
/// memory. A handler may call a service with a request of its own.
#[derive(Clone, Copy, PartialEq)]
pub struct RequestId(usize);

impl RequestId {
    pub fn of(head: &RequestHead) -> Self {
        Self(ptr::from_ref(head).addr())
    }
}

impl Scope {
    pub fn new(metrics: Metrics, request: RequestId) -> Self {
        Self { metrics, request, answer: None, counted: false, aborted: false }
    }

    /// What is known at the end, for the middleware to count.
    pub fn into_outcome(self) -> Outcome {
        match self.answer {
            _ if self.counted => Outcome::Counted,
            Some(answer) => Outcome::Answered { answer, aborted: self.aborted },
            None if self.aborted => Outcome::Counted,
            None => Outcome::Unknown,
        }
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub fn request(&self) -> RequestId {
        self.request
    }
}

/// What has become of a request inside a middleware.
pub enum Outcome {
    /// A handler has answered; `aborted` where another one was aborted, and counted.
    Answered { answer: Answer, aborted: bool },
    /// It needs no counting any more.
    Counted,
    /// No annotated handler has done anything.
    Unknown,
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

/// Tells the middleware around the running code, if it measures this request into `metrics`, that
/// it needs no counting any more.
pub fn mark_counted(metrics: &Metrics, request: RequestId) {
    with_scope_of(metrics, |scope| scope.counted |= scope.request == request);
}

/// Tells it that a handler has counted an abort. Another handler may still answer: the one that
/// called it.
pub fn mark_aborted(metrics: &Metrics) {
    with_scope_of(metrics, |scope| scope.aborted = true);
}

/// Gives the answer to the middleware around, if it measures this request into `metrics`: it may
/// still become another one there. Else it is counted.
pub fn hand_over(metrics: &Metrics, request: RequestId, answer: Answer) {
    let mut answer = Some(answer);
    with_scope_of(metrics, |scope| {
        if scope.request == request
            && let Some(answer) = answer.take()
        {
            scope.answer.get_or_insert(answer);
        }
    });
    if let Some(answer) = answer {
        metrics.families().answered(answer);
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
        metrics.families().answered(answer());
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
