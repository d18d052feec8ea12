//! Lesson 07: one attribute. The lesson is in README.md.

mod by_hand;

use std::sync::{Mutex, PoisonError};

use actix_web::{HttpResponse, Responder, get, post, web};
use prometheus::{TEXT_FORMAT, TextEncoder};

static MEMOS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[get("/memos")]
async fn list_memos() -> impl Responder {
    let measured = by_hand::start("list_memos", "GET", "/memos");
    let memos = MEMOS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    measured.answered(200);
    web::Json(memos)
}

#[post("/memos")]
async fn create_memo(memo: String) -> impl Responder {
    let measured = by_hand::start("create_memo", "POST", "/memos");
    MEMOS.lock().unwrap_or_else(PoisonError::into_inner).push(memo);
    measured.answered(201);
    HttpResponse::Created()
}

/// A memo by its number, or 404.
#[get("/memos/{number}")]
async fn get_memo(number: web::Path<usize>) -> Option<String> {
    // TODO: somebody forgot to measure this one. And it has two answers: 200 and 404.
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
