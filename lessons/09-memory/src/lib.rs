//! Lesson 09: memory. The lesson is in README.md.

use std::sync::LazyLock;

use actix_web::{HttpResponse, Responder, get, web};
use instrument_metrics::ProcessMemory;
use prometheus::{IntGaugeVec, TEXT_FORMAT, TextEncoder, register_int_gauge_vec};

static MEMORY: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    register_int_gauge_vec!("app_memory_usage_bytes", "Memory of this process.", &["type"])
        .expect("a name used once")
});

/// Reads the memory and sets the gauge.
fn measure_memory() {
    let Some(memory) = ProcessMemory::read() else { return };
    let megabytes = i64::try_from(memory.resident_bytes / 1_000_000).unwrap_or(i64::MAX);
    MEMORY.with_label_values(&["rss"]).set(megabytes);
    // TODO: and `memory.virtual_bytes`, as the type "vms".
}

#[get("/")]
async fn index() -> impl Responder {
    // Every request looks at the memory, so the gauge is always current. Is it?
    measure_memory();
    "Hello!\n"
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
    app.service(index).service(metrics);
}
