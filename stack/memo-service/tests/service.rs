//! The service as its clients and Prometheus see it.

use actix_http::Request;
use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{self, TestRequest};
use actix_web::{App, Error};
use memo_service::{Config, MemoService};
use serde_json::{Value, json};

fn config(database_url: &str) -> Config {
    let variables = [
        ("DATABASE_URL", database_url),
        ("MODEL_SECONDS", "0.01-0.02"),
        ("MODEL_FAILURE_RATE", "0"),
    ];
    let lookup = |name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    Config::from_variables(lookup).unwrap()
}

async fn start(config: &Config) -> MemoService {
    MemoService::start(config).await.expect("the service starts")
}

async fn app(
    service: &MemoService,
) -> impl Service<Request, Response = ServiceResponse<BoxBody>, Error = Error> {
    let app =
        App::new().wrap(service.metrics().middleware()).configure(|app| service.configure(app));
    test::init_service(app).await
}

async fn ask(
    app: &impl Service<Request, Response = ServiceResponse<BoxBody>, Error = Error>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let request = TestRequest::default().method(method).uri(path);
    let request = match body {
        Some(body) => request.set_json(body),
        None => request,
    };
    let response = test::call_service(app, request.to_request()).await;
    let status = response.status();
    let body = test::read_body(response).await;
    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| text()))
}

/// The value of one series on the page.
fn sample(page: &str, series: &str) -> Option<f64> {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().expect("a sample ends with a number"))
}

#[actix_web::test]
async fn memos_are_stored_listed_read_and_deleted() {
    let service = start(&config("sqlite::memory:")).await;
    let app = app(&service).await;
    let memo = json!({"title": "milk", "body": "two litres"});
    let (status, stored) = ask(&app, Method::POST, "/memos", Some(memo)).await;
    assert_eq!((status, &stored["title"]), (StatusCode::CREATED, &json!("milk")));
    ask(&app, Method::POST, "/memos", Some(json!({"title": "bread"}))).await;

    let (_, listed) = ask(&app, Method::GET, "/memos?limit=1", None).await;
    assert_eq!(listed[0]["title"], "bread");
    let path = format!("/memos/{}", stored["id"]);
    assert_eq!(ask(&app, Method::GET, &path, None).await, (StatusCode::OK, stored));
    assert_eq!(ask(&app, Method::DELETE, &path, None).await.0, StatusCode::NO_CONTENT);
    let (status, refusal) = ask(&app, Method::GET, &path, None).await;
    assert_eq!((status, refusal), (StatusCode::NOT_FOUND, json!({"error": "There is no memo 1."})));
    let (_, deleted) = ask(&app, Method::DELETE, "/memos", None).await;
    assert_eq!(deleted, json!({"deleted": 1}));
}

#[actix_web::test]
async fn bad_input_gets_a_sentence_in_json() {
    let service = start(&config("sqlite::memory:")).await;
    let app = app(&service).await;
    let long = "x".repeat(70_000);
    let table = [
        (Method::POST, "/memos", Some(json!({"title": ""})), 400, "The title has 0 characters"),
        (Method::POST, "/memos", Some(json!({"body": "x"})), 400, "missing field `title`"),
        (Method::POST, "/memos", Some(json!({"title": "x", "body": long})), 413, "up to 64 KiB"),
        (Method::POST, "/memos", Some(json!({"title": "a\u{0}b"})), 400, "U+0000"),
        (Method::GET, "/memos/seven", None, 400, "The path cannot be read"),
        (Method::GET, "/memos?limit=0", None, 400, "limit=0 is out of range"),
        (Method::GET, "/memos?limit=x", None, 400, "The query cannot be read"),
        (Method::GET, "/fail?status=200", None, 400, "status=200 is no error"),
        (Method::GET, "/fail?rate=2", None, 400, "rate=2 is no share"),
        (Method::GET, "/fail?rate=NaN", None, 400, "rate=NaN is no share"),
        (Method::POST, "/ai/summary", Some(json!({"text": "  "})), 400, "no word in the text"),
        (Method::POST, "/memos", None, 415, "has to be JSON"),
        (Method::GET, "/nowhere", None, 404, "nothing at /nowhere"),
        (Method::PUT, "/memos", None, 405, "PUT is not for this path"),
        (Method::DELETE, "/memos/1/more", None, 404, "nothing at /memos/1/more"),
    ];
    for (method, path, body, status, words) in table {
        let (answered, refusal) = ask(&app, method.clone(), path, body).await;
        assert_eq!(answered.as_u16(), status, "{method} {path}: {refusal}");
        let sentence = refusal["error"].as_str().unwrap_or_else(|| panic!("{path}: {refusal}"));
        assert!(sentence.contains(words), "{method} {path}: {sentence}");
    }
}

#[actix_web::test]
async fn fail_fails_as_asked() {
    let service = start(&config("sqlite::memory:")).await;
    let app = app(&service).await;
    assert_eq!(ask(&app, Method::GET, "/fail", None).await.0, 500);
    assert_eq!(ask(&app, Method::GET, "/fail?status=429", None).await.0, 429);
    assert_eq!(ask(&app, Method::GET, "/fail?rate=0", None).await.0, 200);
}

#[actix_web::test]
async fn the_page_shows_memos_connections_and_model_calls() {
    let service = start(&config("sqlite::memory:")).await;
    let app = app(&service).await;
    for title in ["one", "two", "three"] {
        ask(&app, Method::POST, "/memos", Some(json!({"title": title}))).await;
    }
    let text = json!({"text": "a text of some six words"});
    let (status, summary) = ask(&app, Method::POST, "/ai/summary", Some(text)).await;
    assert_eq!((status, &summary["input_tokens"]), (StatusCode::OK, &json!(8)));

    // The pool takes a connection back in a task of its own.
    actix_web::rt::time::sleep(std::time::Duration::from_millis(50)).await;
    let (_, page) = ask(&app, Method::GET, "/metrics", None).await;
    let page = page.as_str().unwrap();
    let value = |series| sample(page, series).unwrap_or_else(|| panic!("no {series} on\n{page}"));
    let near = |series, expected: f64| {
        let value = value(series);
        assert!((value - expected).abs() < 1e-9, "{series} is {value}, not {expected}");
    };
    near("memos", 3.0);
    near(r#"db_pool_connections{state="idle"}"#, 1.0);
    near(r#"db_pool_connections{state="in_use"}"#, 0.0);
    near(r#"model_calls_total{model="simulated-1",outcome="ok"}"#, 1.0);
    near(r#"model_calls_total{model="simulated-1",outcome="failed"}"#, 0.0);
    near(r#"model_tokens_total{direction="input",model="simulated-1"}"#, 8.0);
    near(r#"model_call_duration_seconds_count{model="simulated-1"}"#, 1.0);
    near(r#"model_cost_dollars_total{model="simulated-1"}"#, 8.0 * 3e-6 + 8.0 * 15e-6);
    near(
        r#"http_requests_total{handler="create_memo",method="POST",route="/memos",status="201"}"#,
        3.0,
    );
    assert!(!page.contains("six words"), "a prompt is no label");
}

#[actix_web::test]
async fn a_model_that_fails_is_a_502_and_its_tokens_are_paid_for() {
    let config = Config { model_failure_rate: 1.0, ..config("sqlite::memory:") };
    let service = start(&config).await;
    let app = app(&service).await;
    let (status, _) = ask(&app, Method::POST, "/ai/summary", Some(json!({"text": "x"}))).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    let (_, page) = ask(&app, Method::GET, "/metrics", None).await;
    let page = page.as_str().unwrap();
    let failed = r#"model_calls_total{model="simulated-1",outcome="failed"}"#;
    assert_eq!(sample(page, failed), Some(1.0));
    assert!(sample(page, r#"model_cost_dollars_total{model="simulated-1"}"#) > Some(0.0));
}

#[actix_web::test]
async fn without_its_database_the_service_says_so_and_keeps_its_page() {
    let service = start(&config("sqlite::memory:")).await;
    let app = app(&service).await;
    assert_eq!(ask(&app, Method::GET, "/health", None).await.0, 200);
    service.close().await;
    let (status, health) = ask(&app, Method::GET, "/health", None).await;
    assert_eq!((status.as_u16(), &health["database"]), (503, &json!("does not answer")));
    assert_eq!(ask(&app, Method::GET, "/memos", None).await.0, 503);
    let (status, page) = ask(&app, Method::GET, "/metrics", None).await;
    assert_eq!(status, 200);
    assert!(sample(page.as_str().unwrap(), "memos").is_some_and(f64::is_nan), "{page}");
}

#[actix_web::test]
async fn memos_outlive_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&format!("sqlite://{}/memos.db?mode=rwc", folder.path().display()));
    let service = start(&config).await;
    ask(&app(&service).await, Method::POST, "/memos", Some(json!({"title": "kept"}))).await;
    service.close().await;
    let again = start(&config).await;
    let (_, listed) = ask(&app(&again).await, Method::GET, "/memos", None).await;
    assert_eq!(listed[0]["title"], "kept");
}

#[actix_web::test]
async fn a_database_that_is_not_there_stops_the_start_with_a_sentence() {
    let Err(error) = MemoService::start(&config("sqlite:///no/such/folder/memos.db")).await else {
        panic!("started without a database");
    };
    let sentence = error.to_string();
    assert!(sentence.contains("sqlite:///no/such/folder/memos.db"), "{sentence}");
    assert!(sentence.ends_with("Is DATABASE_URL right, and the database running?"), "{sentence}");
}

#[actix_web::test]
async fn the_description_names_every_route_and_the_page_shows_it() {
    let service = start(&config("sqlite::memory:")).await;
    let app = app(&service).await;
    let (_, description) = ask(&app, Method::GET, "/openapi.json", None).await;
    let mut paths: Vec<_> =
        description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        ["/", "/ai/summary", "/fail", "/health", "/memos", "/memos/{id}", "/random_sleep"]
    );
    assert_eq!(ask(&app, Method::GET, "/docs", None).await.0, 307);
    let (status, page) = ask(&app, Method::GET, "/docs/", None).await;
    assert_eq!(status, 200);
    assert!(page.as_str().unwrap().contains("swagger-ui"), "{page}");
}

#[actix_web::test]
#[ignore = "needs PostgreSQL: a database of which TEST_DATABASE_URL has the address"]
async fn postgresql_does_what_sqlite_does() {
    let url = std::env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL=postgres://…");
    let service = start(&config(&url)).await;
    let app = app(&service).await;
    ask(&app, Method::DELETE, "/memos", None).await;
    let memo = json!({"title": "milk", "body": "zwei Liter — 두 리터"});
    let (status, stored) = ask(&app, Method::POST, "/memos", Some(memo)).await;
    assert_eq!(status, StatusCode::CREATED, "{stored}");
    let path = format!("/memos/{}", stored["id"]);
    assert_eq!(ask(&app, Method::GET, &path, None).await, (StatusCode::OK, stored));
    assert_eq!(ask(&app, Method::GET, "/health", None).await.0, 200);
    let (_, page) = ask(&app, Method::GET, "/metrics", None).await;
    assert_eq!(sample(page.as_str().unwrap(), "memos"), Some(1.0), "{page}");
    let (_, deleted) = ask(&app, Method::DELETE, "/memos", None).await;
    assert_eq!(deleted, json!({"deleted": 1}));
}
