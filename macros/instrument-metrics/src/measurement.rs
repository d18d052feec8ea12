//! One request in one annotated handler, from the call to the head of the response.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, Responder};
use pin_project_lite::pin_project;

use crate::families::{Abort, InFlight, Request};
use crate::metrics::Metrics;
use crate::{labels, scope};

/// Where the attribute stands: one for each annotated handler.
pub struct Site {
    handler: &'static str,
}

impl Site {
    /// A site whose `handler` label is this.
    #[must_use]
    pub const fn new(handler: &'static str) -> Self {
        Self { handler }
    }
}

/// A request on its way. Dropped unfinished, it counts as aborted.
struct Measurement {
    metrics: Metrics,
    handler: &'static str,
    started: Instant,
    finished: bool,
    _in_flight: InFlight,
}

impl Measurement {
    fn start(site: &'static Site) -> Self {
        let metrics = scope::current_metrics();
        let in_flight = metrics.families().enter(site.handler);
        Self {
            metrics,
            handler: site.handler,
            started: Instant::now(),
            finished: false,
            _in_flight: in_flight,
        }
    }

    fn finish(mut self, request: &HttpRequest, status: u16) {
        let duration = self.started.elapsed();
        self.finished = true;
        if !scope::claim_answer(&self.metrics, request) {
            return;
        }
        let request = Request {
            handler: self.handler,
            route: labels::route(request.match_pattern()),
            method: labels::method(request.method()),
        };
        self.metrics.families().answered(request, status, duration);
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        if !self.finished {
            self.metrics.families().aborted(self.handler, Abort::of_this_drop());
            scope::mark_aborted(&self.metrics);
        }
    }
}

/// Measures `handler`, which has not begun yet.
pub fn measure<F: Future>(site: &'static Site, handler: F) -> Measured<F> {
    Measured { measurement: Some(Measurement::start(site)), handler }
}

pin_project! {
    /// The handler's future and its measurement; a cancelled request drops both.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct Measured<F> {
        measurement: Option<Measurement>,
        #[pin]
        handler: F,
    }
}

impl<F: Future> Future for Measured<F> {
    type Output = Metered<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.handler.poll(cx));
        let measurement = this.measurement.take();
        Poll::Ready(Metered { answer, measurement })
    }
}

/// What a handler answered; measured when actix turns it into a response, because only then the
/// real status, the method and the matched route are known.
#[must_use = "an answer that never becomes a response counts as a cancelled request"]
pub struct Metered<R> {
    answer: R,
    measurement: Option<Measurement>,
}

impl<R: Responder> Responder for Metered<R> {
    type Body = R::Body;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<Self::Body> {
        let response = self.answer.respond_to(request);
        if let Some(measurement) = self.measurement {
            measurement.finish(request, response.status().as_u16());
        }
        response
    }
}
