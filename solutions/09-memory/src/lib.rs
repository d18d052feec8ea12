//! Lesson 09: memory. The lesson is in README.md.

use std::sync::LazyLock;

use actix_web::{HttpResponse, Responder, get, web};
use instrument_metrics::{ProcessMemory, instrument_metrics};
use prometheus::{IntGaugeVec, TEXT_FORMAT, TextEncoder, register_int_gauge_vec};

static MEMORY: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    register_int_gauge_vec!("app_memory_usage_bytes", "Memory of this process.", &["type"])
        .expect("a name used once")
});

/// Reads the memory and sets the gauge.
fn measure_memory() {
    let Some(memory) = ProcessMemory::read() else { return };
    let set = |kind, bytes| {
        MEMORY.with_label_values(&[kind]).set(i64::try_from(bytes).unwrap_or(i64::MAX));
    };
    set("rss", memory.resident_bytes);
    set("vms", memory.virtual_bytes);
}

#[get("/")]
#[instrument_metrics]
async fn index() -> impl Responder {
    "Hello!\n"
}

#[get("/metrics")]
async fn metrics() -> impl Responder {
    measure_memory();
    match TextEncoder::new().encode_to_string(&prometheus::gather()) {
        Ok(page) => HttpResponse::Ok().content_type(TEXT_FORMAT).body(page),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

/// The routes of this service.
pub fn routes(app: &mut web::ServiceConfig) {
    app.service(index).service(metrics);
}
