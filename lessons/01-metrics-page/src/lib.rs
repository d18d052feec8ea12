//! Lesson 01: a page that Prometheus can read. The lesson is in README.md.

use std::sync::LazyLock;

use actix_web::{Responder, get, web};
use prometheus::{IntCounter, register_int_counter};

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

// TODO: a handler for GET /metrics. It answers with everything that is in the registry.

/// The routes of this service.
pub fn routes(app: &mut web::ServiceConfig) {
    app.service(index);
    // TODO: your handler, too.
}
