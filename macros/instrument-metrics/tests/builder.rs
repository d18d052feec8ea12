//! A builder without a registry of its own sets up the process: handlers outside any middleware
//! measure with it. One test, because it is the process's.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::TestRequest;
use actix_web::{App, Responder, get, rt, test};
use instrument_metrics::{BuildError, Metrics, instrument_metrics};

#[get("/")]
#[instrument_metrics]
async fn index() -> impl Responder {
    "hello"
}

#[actix_web::test]
async fn what_is_built_first_measures_handlers_without_a_middleware() {
    let metrics = Metrics::builder().namespace("memo").build().unwrap();
    assert!(matches!(Metrics::builder().build(), Err(BuildError::AlreadyBuilt)));

    let app = App::new().service(metrics.endpoint("/metrics")).service(index);
    let app = test::init_service(app).await;
    test::call_service(&app, TestRequest::get().uri("/").to_request()).await;

    // The rest of the request is a task of its own: the middleware polls no handler.
    let spawning = from_fn(async |request: ServiceRequest, next: Next<BoxBody>| {
        rt::spawn(next.call(request)).await.expect("the task ends")
    });
    let spawned = App::new().wrap(spawning).wrap(metrics.middleware()).service(index);
    let spawned = test::init_service(spawned).await;
    test::call_service(&spawned, TestRequest::get().uri("/").to_request()).await;
    let scrape = TestRequest::get().uri("/metrics").to_request();
    let page = test::call_and_read_body(&app, scrape).await;
    let page = std::str::from_utf8(&page).unwrap();
    let line = r#"memo_http_requests_total{handler="index",method="GET",route="/",status="200"} 2"#;
    assert!(page.contains(line), "{page}");
    assert!(!page.contains(r#"requests_total{handler="""#), "counted twice: {page}");
}
