//! What the attribute and the middleware measure, request by request, through actix's own test
//! server and, where only that tells, through a socket.

#![deny(unfulfilled_lint_expectations)]
// Plain handlers that are given to actix are no mistake to clippy; annotated ones must be none.
#![warn(clippy::unused_async)]

mod endings;
mod endpoint;
mod exposition;
mod forms;
mod once;
mod options;
mod peers;
mod routes;

use actix_http::Request;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::{Error, test};
use instrument_metrics::Metrics;
use instrument_metrics::prometheus::{Registry, TextEncoder};

/// Metrics that no other test of this process sees.
fn metrics_of_this_test() -> Metrics {
    Metrics::builder().registry(Registry::new()).build().expect("a new registry takes the families")
}

/// All samples of a family, `name{labels} value`, without HELP and TYPE.
fn samples(metrics: &Metrics, family: &str) -> Vec<String> {
    let page = TextEncoder::new().encode_to_string(&metrics.registry().gather()).unwrap();
    let samples = page.lines().filter(|line| line.starts_with(&format!("{family}{{")));
    samples.map(str::to_owned).collect()
}

/// `http_requests_total` without its name.
fn requests(metrics: &Metrics) -> Vec<String> {
    let samples = samples(metrics, "http_requests_total");
    samples.iter().map(|sample| sample.replace("http_requests_total", "")).collect()
}

/// What `http_requests_aborted_total` has counted, without its name and without its zeros.
fn aborted(metrics: &Metrics) -> Vec<String> {
    let samples = samples(metrics, "http_requests_aborted_total");
    let counted = samples.iter().filter(|sample| !sample.ends_with(" 0"));
    counted.map(|sample| sample.replace("http_requests_aborted_total", "")).collect()
}

#[track_caller]
fn assert_nobody_in_flight(metrics: &Metrics) {
    for sample in samples(metrics, "http_requests_in_flight") {
        assert!(sample.ends_with(" 0"), "still in flight: {sample}");
    }
}

/// The status of one request.
async fn status<S, B>(app: &S, request: test::TestRequest) -> u16
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    match test::try_call_service(app, request.to_request()).await {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.error_response().status().as_u16(),
    }
}
