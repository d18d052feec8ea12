//! Every request is counted once, whoever answers it.

use std::panic::AssertUnwindSafe;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::TestRequest;
use actix_web::{App, Error, HttpRequest, HttpResponse, Responder, error, get, test, web};
use futures_util::FutureExt;
use instrument_metrics::{Metrics, instrument_metrics};

use crate::{aborted, metrics_of_this_test, requests, status};

#[get("/memos/{id}")]
#[instrument_metrics]
async fn measured(id: web::Path<u64>) -> impl Responder {
    id.to_string()
}

/// Refuses with an error that holds its response ready, and hands it out once.
async fn refuse(_: ServiceRequest, _: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    let login = HttpResponse::SeeOther().insert_header(("location", "/login")).finish();
    Err(error::InternalError::from_response("who are you?", login).into())
}

#[actix_web::test]
async fn an_error_that_holds_its_response_ready_still_answers_with_it() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(from_fn(refuse)).wrap(metrics.middleware()).service(measured);
    let app = test::init_service(app).await;
    let request = TestRequest::get().uri("/memos/1").to_request();
    let Err(error) = test::try_call_service(&app, request).await else { panic!("not refused") };
    let response = error.error_response();
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers().get("location").unwrap(), "/login");
    assert_eq!(
        requests(&metrics),
        [r#"{handler="",method="GET",route="/memos/{id}",status="303"} 1"#]
    );
}

#[instrument_metrics]
async fn asks_another() -> impl Responder {
    asked().await
}

#[instrument_metrics]
async fn asked() -> &'static str {
    "an answer"
}

#[actix_web::test]
async fn a_handler_that_answers_with_another_ones_answer_counts_once() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(asks_another));
    let app = test::init_service(app).await;
    assert_eq!(status(&app, TestRequest::get().uri("/")).await, 200);
    assert_eq!(requests(&metrics), [r#"{handler="asked",method="GET",route="/",status="200"} 1"#]);
}

#[instrument_metrics]
async fn changes_its_mind() -> impl Responder {
    drop(asked().await);
    HttpResponse::NoContent()
}

#[actix_web::test]
async fn an_answer_that_is_dropped_does_not_hide_the_one_that_is_given() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(changes_its_mind));
    let app = test::init_service(app).await;
    assert_eq!(status(&app, TestRequest::get().uri("/")).await, 204);
    assert_eq!(
        requests(&metrics),
        [r#"{handler="changes_its_mind",method="GET",route="/",status="204"} 1"#]
    );
    assert_eq!(aborted(&metrics), [r#"{handler="asked",reason="cancelled"} 1"#]);
}

#[actix_web::test]
async fn a_middleware_inside_a_middleware_counts_nothing_twice() {
    let metrics = metrics_of_this_test();
    let scope = web::scope("/in").wrap(metrics.middleware()).service(measured);
    let app = App::new().wrap(metrics.middleware()).service(scope);
    let app = test::init_service(app).await;
    for uri in ["/in/memos/1", "/in/nowhere", "/nowhere"] {
        status(&app, TestRequest::get().uri(uri)).await;
    }
    assert_eq!(
        requests(&metrics),
        [
            r#"{handler="",method="GET",route="<unmatched>",status="404"} 2"#,
            r#"{handler="measured",method="GET",route="/in/memos/{id}",status="200"} 1"#,
        ]
    );
}

#[actix_web::test]
async fn two_apps_of_one_process_measure_apart() {
    let (one, other) = (metrics_of_this_test(), metrics_of_this_test());
    let first = test::init_service(App::new().wrap(one.middleware()).service(measured)).await;
    let second = test::init_service(App::new().wrap(other.middleware()).service(measured)).await;
    status(&first, TestRequest::get().uri("/memos/1")).await;
    status(&second, TestRequest::get().uri("/memos/1")).await;
    status(&second, TestRequest::get().uri("/memos/1")).await;
    let line = r#"{handler="measured",method="GET",route="/memos/{id}",status="200"}"#;
    assert_eq!(requests(&one), [format!("{line} 1")]);
    assert_eq!(requests(&other), [format!("{line} 2")]);
}

#[instrument_metrics]
async fn answers_and_panics(request: HttpRequest) -> HttpResponse {
    drop(asked().await.respond_to(&request));
    panic!("after another handler's answer")
}

#[actix_web::test]
async fn a_handler_that_panics_after_anothers_answer_is_one_abort() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(answers_and_panics));
    let app = test::init_service(app).await;
    let call = status(&app, TestRequest::get().uri("/"));
    assert!(AssertUnwindSafe(call).catch_unwind().await.is_err());
    assert_eq!(aborted(&metrics), [r#"{handler="answers_and_panics",reason="panic"} 1"#]);
    assert_eq!(requests(&metrics), Vec::<String>::new());
}

#[instrument_metrics]
async fn asks_a_service(metrics: web::Data<Metrics>) -> impl Responder {
    let inner = App::new().wrap(metrics.middleware()).service(measured);
    let inner = test::init_service(inner).await;
    test::call_service(&inner, TestRequest::get().uri("/memos/1").to_request()).await;
    HttpResponse::Accepted()
}

#[actix_web::test]
async fn a_request_that_a_handler_makes_itself_is_another_one() {
    let metrics = metrics_of_this_test();
    let app = App::new()
        .app_data(web::Data::new(metrics.clone()))
        .wrap(metrics.middleware())
        .route("/", web::get().to(asks_a_service));
    let app = test::init_service(app).await;
    assert_eq!(status(&app, TestRequest::get().uri("/")).await, 202);
    assert_eq!(
        requests(&metrics),
        [
            r#"{handler="asks_a_service",method="GET",route="/",status="202"} 1"#,
            r#"{handler="measured",method="GET",route="/memos/{id}",status="200"} 1"#,
        ]
    );
}

async fn makes_it_a_502(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    next.call(request).await?;
    Err(error::ErrorBadGateway("too late"))
}

#[actix_web::test]
async fn between_two_middlewares_of_the_same_metrics_the_last_status_counts() {
    let metrics = metrics_of_this_test();
    let scope = web::scope("/in")
        .wrap(metrics.middleware())
        .service(measured)
        .route("/plain", web::get().to(HttpResponse::Ok));
    let scope = web::scope("").wrap(from_fn(makes_it_a_502)).service(scope);
    let app = test::init_service(App::new().wrap(metrics.middleware()).service(scope)).await;
    for uri in ["/in/memos/1", "/in/plain"] {
        assert_eq!(status(&app, TestRequest::get().uri(uri)).await, 502);
    }
    assert_eq!(
        requests(&metrics),
        [
            r#"{handler="",method="GET",route="/in/plain",status="502"} 1"#,
            r#"{handler="measured",method="GET",route="/in/memos/{id}",status="502"} 1"#,
        ]
    );
}
