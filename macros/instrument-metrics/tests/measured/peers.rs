//! Where other libraries measure wrongly, each with the sentence that a dashboard would tell, and
//! this one does not. Found by running them: autometrics 3.0, actix-web-prom 0.10.

use std::pin::pin;

use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::TestRequest;
use actix_web::{App, Error, HttpResponse, Responder, error, get, test, web};
use futures_util::FutureExt;
use instrument_metrics::instrument_metrics;

use crate::{aborted, assert_nobody_in_flight, metrics_of_this_test, requests, samples, status};

#[instrument_metrics]
async fn hangs() -> &'static str {
    std::future::pending().await
}

/// autometrics: "three requests are in flight", for ever, after three clients went away.
#[actix_web::test]
async fn the_gauge_comes_back_after_a_cancellation() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(hangs));
    let app = test::init_service(app).await;
    for _ in 0..3 {
        let mut call = pin!(app.call(TestRequest::get().uri("/").to_request()));
        assert!(call.as_mut().now_or_never().is_none());
    }
    assert_nobody_in_flight(&metrics);
    assert_eq!(aborted(&metrics), [r#"{handler="hangs",reason="cancelled"} 3"#]);
}

#[instrument_metrics]
async fn fails() -> HttpResponse {
    HttpResponse::InternalServerError().finish()
}

/// autometrics: a 500 that a handler returns by value has an empty result, and is no error.
#[actix_web::test]
async fn a_500_by_value_is_an_error() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(fails));
    let app = test::init_service(app).await;
    status(&app, TestRequest::get().uri("/")).await;
    assert_eq!(requests(&metrics), [r#"{handler="fails",method="GET",route="/",status="500"} 1"#]);
}

/// autometrics: does not compile under `use prometheus::*`, whose `Result` has one parameter.
mod under_a_glob {
    #[allow(unused_imports, reason = "that nothing of it is needed is the point")]
    use instrument_metrics::prometheus::*;

    #[instrument_metrics::instrument_metrics]
    pub async fn compiles() -> &'static str {
        "fine"
    }
}

#[actix_web::test]
async fn a_glob_import_of_prometheus_breaks_nothing() {
    let request = TestRequest::default().to_http_request();
    assert_eq!(under_a_glob::compiles().await.respond_to(&request).status(), 200);
}

#[get("/memos/{id}")]
#[instrument_metrics]
async fn get_memo(id: web::Path<u64>) -> impl Responder {
    id.to_string()
}

/// actix-web-prom: one series for each path that a scanner tries.
#[actix_web::test]
async fn paths_that_nobody_serves_are_one_series() {
    let metrics = metrics_of_this_test();
    let app = test::init_service(App::new().wrap(metrics.middleware()).service(get_memo)).await;
    for number in 0..100 {
        status(&app, TestRequest::get().uri(&format!("/wp-admin/{number}"))).await;
    }
    let unmatched = r#"{handler="",method="GET",route="<unmatched>",status="404"} 100"#;
    assert_eq!(requests(&metrics), [unmatched]);
}

/// actix-web-prom: one series for each method that a client makes up.
#[actix_web::test]
async fn methods_that_nobody_knows_are_one_series() {
    let metrics = metrics_of_this_test();
    let app = test::init_service(App::new().wrap(metrics.middleware()).service(get_memo)).await;
    for number in 0..100 {
        let method = format!("BREW{number}").parse().unwrap();
        status(&app, TestRequest::default().method(method).uri("/memos/1")).await;
    }
    let other = r#"{handler="",method="_OTHER",route="/memos/{id}",status="404"} 100"#;
    assert_eq!(requests(&metrics), [other]);
}

async fn refuses(_: ServiceRequest, _: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    Err(error::ErrorUnauthorized("who are you?"))
}

/// actix-web-prom: what an inner middleware refuses with an error was never there.
#[actix_web::test]
async fn an_error_of_an_inner_middleware_is_counted() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(from_fn(refuses)).wrap(metrics.middleware()).service(get_memo);
    let app = test::init_service(app).await;
    status(&app, TestRequest::get().uri("/memos/1")).await;
    let refused = r#"{handler="",method="GET",route="/memos/{id}",status="401"} 1"#;
    assert_eq!(requests(&metrics), [refused]);
}

/// All of them: a panic is no series at all.
#[actix_web::test]
async fn a_panic_is_counted() {
    #[instrument_metrics]
    async fn panics() -> String {
        panic!("on purpose")
    }
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(panics));
    let app = test::init_service(app).await;
    let request = TestRequest::get().uri("/").to_request();
    let call = std::panic::AssertUnwindSafe(async { app.call(request).await.map(|_| ()) });
    assert!(call.catch_unwind().await.is_err());
    assert_eq!(aborted(&metrics), [r#"{handler="panics",reason="panic"} 1"#]);
}

/// The `prometheus` crate's own vectors: ("1", "11") and ("11", "1") are one series there.
#[actix_web::test]
async fn label_values_that_look_alike_when_joined_are_two_series() {
    let metrics = metrics_of_this_test();
    let app = App::new()
        .wrap(metrics.middleware())
        .service(web::scope("/1").service(get_memo))
        .service(web::scope("/11").service(get_memo));
    let app = test::init_service(app).await;
    for uri in ["/1/memos/1", "/11/memos/1"] {
        status(&app, TestRequest::get().uri(uri)).await;
    }
    assert_eq!(samples(&metrics, "http_requests_total").len(), 2);
}
