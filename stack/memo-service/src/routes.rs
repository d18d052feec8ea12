//! The handlers. Each carries `#[instrument_metrics]`, and nothing else about metrics.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, Responder, delete, get, post, web};
use instrument_metrics::instrument_metrics;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::answers::{ErrorBody, Refusal};
use crate::memos::{Memo, Memos, NewMemo};
use crate::model::{Model, Summary};

pub fn configure(app: &mut web::ServiceConfig) {
    app.service(index)
        .service(health)
        .service(random_sleep)
        .service(fail)
        .service(list_memos)
        .service(create_memo)
        .service(delete_memos)
        .service(get_memo)
        .service(delete_memo)
        .service(summarize);
}

/// Where everything is.
#[derive(Serialize, ToSchema)]
pub struct Index {
    service: &'static str,
    version: &'static str,
    docs: &'static str,
    health: &'static str,
    metrics: &'static str,
}

/// Says what this service is and where to look.
#[utoipa::path(responses((status = 200, body = Index)))]
#[get("/")]
#[instrument_metrics]
async fn index() -> impl Responder {
    web::Json(Index {
        service: "memo-service",
        version: env!("CARGO_PKG_VERSION"),
        docs: "/docs/",
        health: "/health",
        metrics: "/metrics",
    })
}

/// Whether the service can work.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or what is wrong.
    database: String,
}

/// Asks the database.
#[utoipa::path(responses(
    (status = 200, body = Health),
    (status = 503, body = Health, description = "The database does not answer."),
))]
#[get("/health")]
#[instrument_metrics]
async fn health(memos: web::Data<Memos>) -> impl Responder {
    match memos.answers().await {
        Ok(()) => (web::Json(Health { database: "ok".to_owned() }), StatusCode::OK),
        Err(why) => {
            log::warn!("unhealthy: the database: {why}");
            let database = "does not answer".to_owned();
            (web::Json(Health { database }), StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// How long it slept.
#[derive(Serialize, ToSchema)]
pub struct Slept {
    milliseconds: u64,
}

/// Sleeps for 100 to 500 milliseconds.
#[utoipa::path(responses((status = 200, body = Slept)))]
#[get("/random_sleep")]
#[instrument_metrics]
async fn random_sleep() -> impl Responder {
    let milliseconds = rand::random_range(100..=500);
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    web::Json(Slept { milliseconds })
}

/// How to fail.
#[derive(Deserialize, IntoParams)]
pub struct Failure {
    /// The status, 400 to 599. Default: 500.
    #[param(minimum = 400, maximum = 599)]
    status: Option<u16>,
    /// The share of requests that fail, 0 to 1. Default: 1.
    #[param(minimum = 0, maximum = 1)]
    rate: Option<f64>,
}

/// Fails with the status that the query names, as often as it says.
#[utoipa::path(params(Failure), responses(
    (status = 200, description = "This time it did not fail."),
    (status = 400, body = ErrorBody, description = "The query makes no sense."),
    (status = "4XX", body = ErrorBody),
    (status = "5XX", body = ErrorBody),
))]
#[get("/fail")]
#[instrument_metrics]
async fn fail(failure: web::Query<Failure>) -> Result<&'static str, Refusal> {
    let status = failure.status.unwrap_or(500);
    let rate = failure.rate.unwrap_or(1.0);
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|status| status.is_client_error() || status.is_server_error())
        .ok_or_else(|| {
            Refusal::Invalid(format!("status={status} is no error: take 400 to 599."))
        })?;
    if !(0.0..=1.0).contains(&rate) {
        return Err(Refusal::Invalid(format!("rate={rate} is no share: take 0 to 1.")));
    }
    if rand::random_bool(rate) {
        return Err(Refusal::AsAsked(status));
    }
    Ok("This time it did not fail.\n")
}

/// Which memos.
#[derive(Deserialize, IntoParams)]
pub struct Page {
    /// How many at most, 1 to 1,000. Default: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Lists the newest memos first.
#[utoipa::path(params(Page), responses(
    (status = 200, body = [Memo]),
    (status = 400, body = ErrorBody),
    (status = 503, body = ErrorBody),
))]
#[get("/memos")]
#[instrument_metrics]
async fn list_memos(
    memos: web::Data<Memos>,
    page: web::Query<Page>,
) -> Result<impl Responder, Refusal> {
    let limit = page.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(Refusal::Invalid(format!("limit={limit} is out of range: take 1 to 1000.")));
    }
    Ok(web::Json(memos.newest(limit).await?))
}

/// Stores a memo.
#[utoipa::path(responses(
    (status = 201, body = Memo, headers(("location" = String, description = "The memo's own path."))),
    (status = 400, body = ErrorBody),
    (status = 413, body = ErrorBody),
    (status = 415, body = ErrorBody),
    (status = 503, body = ErrorBody),
))]
#[post("/memos")]
#[instrument_metrics]
async fn create_memo(
    memos: web::Data<Memos>,
    memo: web::Json<NewMemo>,
) -> Result<impl Responder, Refusal> {
    let title = memo.title.chars().count();
    if !(1..=200).contains(&title) {
        return Err(Refusal::Invalid(format!("The title has {title} characters: take 1 to 200.")));
    }
    let body = memo.body.chars().count();
    if body > 10_000 {
        return Err(Refusal::Invalid(format!("The body has {body} characters: take up to 10000.")));
    }
    if memo.title.contains('\0') || memo.body.contains('\0') {
        return Err(Refusal::Invalid("A memo cannot hold the character U+0000.".to_owned()));
    }
    let memo = memos.create(&memo).await?;
    let location = format!("/memos/{}", memo.id);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(memo))
}

/// How many memos are gone.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    deleted: u64,
}

/// Deletes all memos.
#[utoipa::path(responses((status = 200, body = Deleted), (status = 503, body = ErrorBody)))]
#[delete("/memos")]
#[instrument_metrics]
async fn delete_memos(memos: web::Data<Memos>) -> Result<impl Responder, Refusal> {
    Ok(web::Json(Deleted { deleted: memos.delete_all().await? }))
}

/// Reads a memo.
#[utoipa::path(params(("id" = i64, Path, description = "The memo's number.")), responses(
    (status = 200, body = Memo),
    (status = 400, body = ErrorBody),
    (status = 404, body = ErrorBody),
    (status = 503, body = ErrorBody),
))]
#[get("/memos/{id}")]
#[instrument_metrics]
async fn get_memo(memos: web::Data<Memos>, id: web::Path<i64>) -> Result<impl Responder, Refusal> {
    let memo = memos.get(*id).await?.ok_or(Refusal::NoSuchMemo(*id))?;
    Ok(web::Json(memo))
}

/// Deletes a memo.
#[utoipa::path(params(("id" = i64, Path, description = "The memo's number.")), responses(
    (status = 204, description = "It is gone."),
    (status = 400, body = ErrorBody),
    (status = 404, body = ErrorBody),
    (status = 503, body = ErrorBody),
))]
#[delete("/memos/{id}")]
#[instrument_metrics]
async fn delete_memo(
    memos: web::Data<Memos>,
    id: web::Path<i64>,
) -> Result<impl Responder, Refusal> {
    if !memos.delete(*id).await? {
        return Err(Refusal::NoSuchMemo(*id));
    }
    Ok(HttpResponse::NoContent())
}

/// What to summarize.
#[derive(Deserialize, ToSchema)]
pub struct Text {
    /// At least one word.
    text: String,
}

/// Has the (simulated) language model summarize a text: slow, sometimes failing, never free.
#[utoipa::path(responses(
    (status = 200, body = Summary),
    (status = 400, body = ErrorBody),
    (status = 413, body = ErrorBody),
    (status = 415, body = ErrorBody),
    (status = 502, body = ErrorBody, description = "The model failed."),
))]
#[post("/ai/summary")]
#[instrument_metrics]
async fn summarize(
    model: web::Data<Model>,
    text: web::Json<Text>,
) -> Result<impl Responder, Refusal> {
    if text.text.trim().is_empty() {
        return Err(Refusal::Invalid("There is no word in the text.".to_owned()));
    }
    let summary = model.summarize(&text.text).await.map_err(|_| Refusal::Model)?;
    Ok(web::Json(summary))
}
