//! Measuring by hand: count each request, time it, and know how many are in flight.

use std::sync::LazyLock;
use std::time::Instant;

use prometheus::{
    HistogramVec, IntCounterVec, IntGaugeVec, register_histogram_vec, register_int_counter_vec,
    register_int_gauge_vec,
};

static REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "http_requests_total",
        "HTTP requests that were answered.",
        &["handler", "method", "route", "status"]
    )
    .expect("a name used once")
});

static DURATION: LazyLock<HistogramVec> = LazyLock::new(|| {
    register_histogram_vec!(
        "http_request_duration_seconds",
        "Time from the handler's start to the head of its response, in seconds.",
        &["handler", "method", "route"]
    )
    .expect("a name used once")
});

static IN_FLIGHT: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    register_int_gauge_vec!(
        "http_requests_in_flight",
        "HTTP requests that a handler is working on now.",
        &["handler"]
    )
    .expect("a name used once")
});

/// A request on its way. Dropped, it leaves the gauge.
pub struct Measured {
    handler: &'static str,
    method: &'static str,
    route: &'static str,
    started: Instant,
}

/// A request enters a handler.
pub fn start(handler: &'static str, method: &'static str, route: &'static str) -> Measured {
    IN_FLIGHT.with_label_values(&[handler]).inc();
    Measured { handler, method, route, started: Instant::now() }
}

impl Measured {
    /// The handler knows its answer.
    pub fn answered(self, status: u16) {
        let &Self { handler, method, route, started } = &self;
        let seconds = started.elapsed().as_secs_f64();
        DURATION.with_label_values(&[handler, method, route]).observe(seconds);
        let status = status.to_string();
        REQUESTS.with_label_values(&[handler, method, route, &status]).inc();
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        IN_FLIGHT.with_label_values(&[self.handler]).dec();
    }
}
