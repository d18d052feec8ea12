//! Lesson 02: only up. The lesson is in README.md.

use std::sync::LazyLock;

use actix_web::{HttpResponse, Responder, get, post, web};
use prometheus::{IntCounter, TEXT_FORMAT, TextEncoder, register_int_counter};

static REQUESTS: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!("http_requests_total", "HTTP requests that were answered.")
        .expect("a name used once")
});

#[get("/memos")]
async fn list_memos() -> impl Responder {
    REQUESTS.inc();
    web::Json(["milk", "bread"])
}

#[post("/memos")]
async fn create_memo() -> impl Responder {
    REQUESTS.inc();
    HttpResponse::Created()
}

#[get("/metrics")]
async fn metrics() -> impl Responder {
    match TextEncoder::new().encode_to_string(&prometheus::gather()) {
        Ok(page) => HttpResponse::Ok().content_type(TEXT_FORMAT).body(page),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

/// The routes of this service.
pub fn routes(app: &mut web::ServiceConfig) {
    app.service(list_memos).service(create_memo).service(metrics);
}
