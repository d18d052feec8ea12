//! Lesson 07: one attribute. The lesson is in README.md.

use std::sync::{Mutex, PoisonError};

use actix_web::{HttpResponse, Responder, get, post, web};
use instrument_metrics::instrument_metrics;
use prometheus::{TEXT_FORMAT, TextEncoder};

static MEMOS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[get("/memos")]
#[instrument_metrics]
async fn list_memos() -> impl Responder {
    let memos = MEMOS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    web::Json(memos)
}

#[post("/memos")]
#[instrument_metrics]
async fn create_memo(memo: String) -> impl Responder {
    MEMOS.lock().unwrap_or_else(PoisonError::into_inner).push(memo);
    HttpResponse::Created()
}

/// A memo by its number, or 404.
#[get("/memos/{number}")]
#[instrument_metrics]
async fn get_memo(number: web::Path<usize>) -> Option<String> {
    MEMOS.lock().unwrap_or_else(PoisonError::into_inner).get(*number).cloned()
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
    app.service(list_memos).service(create_memo).service(get_memo).service(metrics);
}
