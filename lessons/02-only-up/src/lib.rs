//! Lesson 02: only up. The lesson is in README.md.

use std::sync::LazyLock;

use actix_web::{HttpResponse, Responder, get, post, web};
use prometheus::{IntGauge, TEXT_FORMAT, TextEncoder, register_int_gauge};

/// How many requests came since the last look, so that the graph shows the traffic and not an
/// endless slope. Clever?
static REQUESTS: LazyLock<IntGauge> = LazyLock::new(|| {
    register_int_gauge!("http_requests_total", "Requests since the last scrape.")
        .expect("a name used once")
});

#[get("/memos")]
async fn list_memos() -> impl Responder {
    REQUESTS.inc();
    web::Json(["milk", "bread"])
}

#[post("/memos")]
async fn create_memo() -> impl Responder {
    // TODO: this is a request, too.
    HttpResponse::Created()
}

#[get("/metrics")]
async fn metrics() -> impl Responder {
    let page = TextEncoder::new().encode_to_string(&prometheus::gather());
    REQUESTS.set(0);
    match page {
        Ok(page) => HttpResponse::Ok().content_type(TEXT_FORMAT).body(page),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

/// The routes of this service.
pub fn routes(app: &mut web::ServiceConfig) {
    app.service(list_memos).service(create_memo).service(metrics);
}
