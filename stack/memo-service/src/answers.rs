//! What a client gets when something is wrong: always JSON, always a sentence.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::error::{JsonPayloadError, ResponseError};
use actix_web::http::StatusCode;
use actix_web::{Error, HttpRequest, HttpResponse, Responder, web};
use serde::Serialize;
use utoipa::ToSchema;

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What is wrong, as a sentence.
    pub error: String,
}

/// Why a request was not granted.
#[derive(Debug)]
pub enum Refusal {
    /// The client's input cannot be used: 400.
    Invalid(String),
    /// There is no memo of this number: 404.
    NoSuchMemo(i64),
    /// Nothing is here: 404.
    NoSuchPage(String),
    /// Something is here, but not for this method: 405.
    WrongMethod(String),
    /// More bytes than the route takes: 413.
    TooLarge(String),
    /// No JSON, or not said to be: 415.
    NotJson,
    /// The database did not answer, or refused: 503.
    Database,
    /// The language model failed: 502.
    Model,
    /// Asked for: any error status.
    AsAsked(StatusCode),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(sentence) | Self::TooLarge(sentence) => f.write_str(sentence),
            Self::NoSuchPage(path) => write!(f, "There is nothing at {path}; see /docs/."),
            Self::WrongMethod(method) => write!(f, "{method} is not for this path; see /docs/."),
            Self::NotJson => {
                f.write_str("The body has to be JSON, with `Content-Type: application/json`.")
            }
            Self::NoSuchMemo(id) => write!(f, "There is no memo {id}."),
            // What exactly is for the log: it may name hosts and tables.
            Self::Database => f.write_str("The database does not answer; try again later."),
            Self::Model => f.write_str("The language model failed; try again."),
            Self::AsAsked(status) => write!(f, "You asked for {status}."),
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        log::error!("the database: {error}");
        Self::Database
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NoSuchMemo(_) | Self::NoSuchPage(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Database => StatusCode::SERVICE_UNAVAILABLE,
            Self::Model => StatusCode::BAD_GATEWAY,
            Self::AsAsked(status) => *status,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(ErrorBody { error: self.to_string() })
    }
}

fn invalid(place: &str, error: &dyn fmt::Display) -> Error {
    Refusal::Invalid(format!("The {place} cannot be read: {error}.")).into()
}

pub fn json_errors() -> web::JsonConfig {
    web::JsonConfig::default().limit(64 * 1024).error_handler(|error, _| match error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            Refusal::TooLarge("The body may have up to 64 KiB.".to_owned()).into()
        }
        JsonPayloadError::ContentType => Refusal::NotJson.into(),
        error => invalid("body", &error),
    })
}

/// Answers what no route does.
pub async fn no_route(request: HttpRequest) -> Refusal {
    // A route is matched by its path and its method; the pattern, by the path alone.
    match request.match_pattern() {
        Some(_) => Refusal::WrongMethod(request.method().to_string()),
        None => Refusal::NoSuchPage(request.path().to_owned()),
    }
}

impl Responder for Refusal {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

pub fn path_errors() -> web::PathConfig {
    web::PathConfig::default().error_handler(|error, _| invalid("path", &error))
}

pub fn query_errors() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, _| invalid("query", &error))
}
