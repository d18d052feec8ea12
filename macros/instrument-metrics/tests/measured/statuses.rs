//! The status is what the client gets, from every return type that actix accepts.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, Responder, ResponseError, error, test, web,
};
use instrument_metrics::instrument_metrics;

use crate::{assert_nobody_in_flight, metrics_of_this_test, requests, status};

#[derive(Debug)]
struct Teapot;

impl fmt::Display for Teapot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("short and stout")
    }
}

impl ResponseError for Teapot {
    fn status_code(&self) -> StatusCode {
        StatusCode::IM_A_TEAPOT
    }
}

struct Accepted;

impl Responder for Accepted {
    type Body = BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Accepted().finish()
    }
}

#[instrument_metrics]
async fn text() -> &'static str {
    "200"
}
#[instrument_metrics]
async fn opaque() -> impl Responder {
    HttpResponse::Created()
}
#[instrument_metrics]
async fn moved() -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("location", "/")).finish()
}
#[instrument_metrics]
async fn unit() -> Result<(), Error> {
    Ok(())
}
#[instrument_metrics]
async fn none() -> Option<&'static str> {
    None
}
#[instrument_metrics]
async fn with_status() -> (String, StatusCode) {
    (String::new(), StatusCode::IM_USED)
}
#[instrument_metrics]
async fn own_error() -> Result<impl Responder, Teapot> {
    let answer: Result<&'static str, Teapot> = Err(Teapot);
    answer
}
#[instrument_metrics]
async fn question_mark() -> Result<String, Error> {
    let number: u8 = "many".parse().map_err(error::ErrorBadRequest)?;
    Ok(number.to_string())
}
#[instrument_metrics]
async fn internal() -> Result<String, Error> {
    Err(error::ErrorInternalServerError("no"))
}
#[instrument_metrics]
async fn own_responder() -> Accepted {
    Accepted
}
#[instrument_metrics]
async fn unchanged() -> HttpResponse {
    HttpResponse::NotModified().finish()
}

#[actix_web::test]
async fn every_return_type_has_its_real_status() {
    let metrics = metrics_of_this_test();
    let app = App::new()
        .wrap(metrics.middleware())
        .route("/text", web::get().to(text))
        .route("/opaque", web::get().to(opaque))
        .route("/moved", web::get().to(moved))
        .route("/unit", web::get().to(unit))
        .route("/none", web::get().to(none))
        .route("/with_status", web::get().to(with_status))
        .route("/own_error", web::get().to(own_error))
        .route("/question_mark", web::get().to(question_mark))
        .route("/internal", web::get().to(internal))
        .route("/own_responder", web::get().to(own_responder))
        .route("/unchanged", web::get().to(unchanged));
    let app = test::init_service(app).await;

    let table = [
        ("internal", 500),
        ("moved", 303),
        ("none", 404),
        ("opaque", 201),
        ("own_error", 418),
        ("own_responder", 202),
        ("question_mark", 400),
        ("text", 200),
        ("unchanged", 304),
        ("unit", 204),
        ("with_status", 226),
    ];
    for (handler, expected) in table {
        let uri = format!("/{handler}");
        assert_eq!(status(&app, TestRequest::get().uri(&uri)).await, expected, "{handler}");
    }
    let expected: Vec<_> = table
        .iter()
        .map(|(handler, status)| {
            format!(
                r#"{{handler="{handler}",method="GET",route="/{handler}",status="{status}"}} 1"#
            )
        })
        .collect();
    assert_eq!(requests(&metrics), expected);
    assert_nobody_in_flight(&metrics);
}
