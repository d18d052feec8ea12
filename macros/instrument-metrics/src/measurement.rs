//! One request in one annotated handler, from the call to the head of the response.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, Responder};
use pin_project_lite::pin_project;

use crate::families::{Abort, InHandler};
use crate::metrics::Metrics;
use crate::scope::Answer;
use crate::site::Site;
use crate::{labels, scope};

/// A request on its way. Dropped unfinished, it counts as aborted.
struct Measurement {
    metrics: Metrics,
    site: &'static Site,
    started: Instant,
    finished: bool,
    inside: InHandler,
}

impl Measurement {
    fn start(site: &'static Site) -> Self {
        let metrics = scope::current_metrics();
        let inside = metrics.families().enter(site);
        Self { metrics, site, started: Instant::now(), finished: false, inside }
    }

    /// Does a part of the handler's work, whose heap is the handler's.
    fn during<T>(&mut self, work: impl FnOnce() -> T) -> T {
        match &mut self.inside.heap {
            Some(heap) => heap.during(work),
            None => work(),
        }
    }

    fn finish(mut self, request: &HttpRequest, status: u16) {
        let duration = self.started.elapsed();
        self.finished = true;
        scope::answered(&self.metrics, request, || Answer {
            site: self.site,
            route: labels::route(request.match_pattern()),
            method: labels::method(request.method()),
            status,
            duration,
        });
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        if !self.finished {
            self.inside.aborted(Abort::of_this_drop());
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
        // `None` once the handler is done.
        measurement: Option<Measurement>,
        #[pin]
        handler: F,
    }
}

impl<F: Future> Future for Measured<F> {
    type Output = Metered<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(mut measurement) = this.measurement.take() else {
            unreachable!("a handler's future is not polled after it is done");
        };
        match measurement.during(|| this.handler.poll(cx)) {
            Poll::Ready(answer) => Poll::Ready(Metered { answer, measurement }),
            Poll::Pending => {
                *this.measurement = Some(measurement);
                Poll::Pending
            }
        }
    }
}

/// What a handler answered; measured when actix turns it into a response, because only then the
/// real status, the method and the matched route are known.
#[must_use = "an answer that never becomes a response counts as a cancelled request"]
pub struct Metered<R> {
    answer: R,
    measurement: Measurement,
}

impl<R: Responder> Responder for Metered<R> {
    type Body = R::Body;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<Self::Body> {
        let Self { answer, mut measurement } = self;
        let response = measurement.during(|| answer.respond_to(request));
        measurement.finish(request, response.status().as_u16());
        response
    }
}
