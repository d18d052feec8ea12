//! One request in one annotated handler, from the call to the head of the response.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, Responder};
use pin_project_lite::pin_project;

use crate::families::{Abort, Answer, InHandler};
use crate::metrics::Metrics;
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

/// What an annotated handler answers: its own answer and the measurement of the request.
///
/// actix-web turns it into a response, and only then the real status, the method and the matched
/// route are known: then the request is measured. Dropped before that, it counts as cancelled. So a
/// function that other code calls for its value wants no attribute or, in a block that has one,
/// `#[skip_metrics]`.
#[must_use = "an answer that never becomes a response counts as a cancelled request"]
pub struct Metered<R> {
    answer: R,
    measurement: Measurement,
}

impl<R> Metered<R> {
    /// The handler's own answer, for a unit test that looks at it. Such a call is no request: it
    /// counts as nothing.
    ///
    /// ```
    /// use actix_web::web;
    /// use instrument_metrics::instrument_metrics;
    ///
    /// #[instrument_metrics]
    /// async fn half(number: web::Path<u32>) -> Result<String, actix_web::Error> {
    ///     Ok((*number / 2).to_string())
    /// }
    ///
    /// # #[actix_web::main]
    /// # async fn main() {
    /// assert_eq!(half(web::Path::from(8)).await.into_inner().unwrap(), "4");
    /// # }
    /// ```
    pub fn into_inner(mut self) -> R {
        self.measurement.finished = true;
        self.answer
    }
}

impl<R: fmt::Debug> fmt::Debug for Metered<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metered").field(&self.answer).finish()
    }
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
