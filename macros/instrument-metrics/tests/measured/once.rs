//! Every request is counted once, whoever answers it.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::TestRequest;
use actix_web::{App, Error, HttpResponse, Responder, error, get, test, web};
use instrument_metrics::instrument_metrics;

use crate::{aborted, metrics_of_this_test, requests, samples, status};

#[get("/memos/{id}")]
#[instrument_metrics]
async fn measured(id: web::Path<u64>) -> impl Responder {
    id.to_string()
}

async fn plain() -> impl Responder {
    HttpResponse::ImATeapot()
}

/// Refuses with an error, before the handler or after it.
async fn refuse(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let (before, after) =
        (request.query_string().contains("before"), request.query_string().contains("after"));
    if before {
        return Err(error::ErrorUnauthorized("who are you?"));
    }
    if request.query_string().contains("login") {
        let login = HttpResponse::SeeOther().insert_header(("location", "/login")).finish();
        return Err(error::InternalError::from_response("who are you?", login).into());
    }
    let response = next.call(request).await?;
    if after {
        return Err(error::ErrorBadGateway("too late"));
    }
    Ok(response)
}

#[actix_web::test]
async fn what_no_annotated_handler_answers_is_the_middlewares() {
    let metrics = metrics_of_this_test();
    let app = App::new()
        .wrap(from_fn(refuse))
        .wrap(metrics.middleware())
        .service(measured)
        .route("/plain", web::get().to(plain))
        .service(web::resource("/post-only").route(web::post().to(plain)));
    let app = test::init_service(app).await;

    let table = [
        (
            "/memos/1",
            200,
            r#"{handler="measured",method="GET",route="/memos/{id}",status="200"} 1"#,
        ),
        ("/memos/x", 404, r#"{handler="",method="GET",route="/memos/{id}",status="404"} 1"#),
        ("/plain", 418, r#"{handler="",method="GET",route="/plain",status="418"} 1"#),
        ("/post-only", 405, r#"{handler="",method="GET",route="/post-only",status="405"} 1"#),
        ("/nowhere", 404, r#"{handler="",method="GET",route="<unmatched>",status="404"} 1"#),
        ("/plain?before", 401, r#"{handler="",method="GET",route="/plain",status="401"} 1"#),
        ("/plain?after", 502, r#"{handler="",method="GET",route="/plain",status="502"} 1"#),
    ];
    for (uri, expected, sample) in table {
        assert_eq!(status(&app, TestRequest::get().uri(uri)).await, expected, "{uri}");
        assert!(
            requests(&metrics).iter().any(|line| line == sample),
            "{uri}: {sample} is not in {:#?}",
            requests(&metrics)
        );
    }
    assert_eq!(requests(&metrics).len(), table.len(), "{:#?}", requests(&metrics));
    let durations = samples(&metrics, "http_request_duration_seconds_count");
    let observed: u64 =
        durations.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(observed, table.len() as u64);
}

#[actix_web::test]
async fn a_handler_that_answered_is_not_counted_again_when_a_middleware_refuses_afterwards() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(from_fn(refuse)).wrap(metrics.middleware()).service(measured);
    let app = test::init_service(app).await;
    assert_eq!(status(&app, TestRequest::get().uri("/memos/1?after")).await, 502);
    assert_eq!(
        requests(&metrics),
        [r#"{handler="measured",method="GET",route="/memos/{id}",status="200"} 1"#]
    );
}

#[actix_web::test]
async fn an_error_that_holds_its_response_ready_still_answers_with_it() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(from_fn(refuse)).wrap(metrics.middleware()).service(measured);
    let app = test::init_service(app).await;
    let request = TestRequest::get().uri("/memos/1?login").to_request();
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
