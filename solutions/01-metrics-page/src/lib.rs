//! Lesson 01: a page that Prometheus can read. The lesson is in README.md.

use std::sync::LazyLock;

use actix_web::{HttpResponse, Responder, get, web};
use prometheus::{IntCounter, TEXT_FORMAT, TextEncoder, register_int_counter};

/// A counter, made when it is first used. `register_…!` puts it into the registry, the list of
/// everything that this process counts.
static VISITS: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!("visits_total", "Visits of the front page.").expect("a name used once")
});

/// The front page counts its visits.
#[get("/")]
async fn index() -> impl Responder {
    VISITS.inc();
    "Hello! Somebody counts you.\n"
}

/// The page that Prometheus reads.
#[get("/metrics")]
async fn metrics() -> impl Responder {
    match TextEncoder::new().encode_to_string(&prometheus::gather()) {
        Ok(page) => HttpResponse::Ok().content_type(TEXT_FORMAT).body(page),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

/// The routes of this service.
pub fn routes(app: &mut web::ServiceConfig) {
    app.service(index);
    app.service(metrics);
}
