//! An annotated handler measures with no builder and no middleware at all, into the default
//! registry of the `prometheus` crate. One test, because that registry belongs to the process.

use actix_web::test::TestRequest;
use actix_web::{App, Responder, get, test};
use instrument_metrics::{BuildError, Metrics, instrument_metrics, prometheus};

#[get("/")]
#[instrument_metrics]
async fn index() -> impl Responder {
    "hello"
}

#[actix_web::test]
async fn a_handler_alone_measures_into_the_default_registry() {
    let app = test::init_service(App::new().service(index)).await;
    for _ in 0..2 {
        test::call_service(&app, TestRequest::get().uri("/").to_request()).await;
    }
    let page = prometheus::TextEncoder::new().encode_to_string(&prometheus::gather()).unwrap();
    for line in [
        r#"http_requests_total{handler="index",method="GET",route="/",status="200"} 2"#,
        r#"http_request_duration_seconds_count{handler="index",method="GET",route="/"} 2"#,
        r#"http_requests_in_flight{handler="index"} 0"#,
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
    assert!(page.contains("\nprocess_resident_memory_bytes "), "{page}");

    // Too late: what was measured so far would be lost from the page.
    let late = Metrics::builder().namespace("memo").build();
    assert!(matches!(late, Err(BuildError::AlreadyBuilt)));
}
