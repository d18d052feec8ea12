//! Requests that never get an answer: counted with their reason, and out of the gauge.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::dev::Service;
use actix_web::test::TestRequest;
use actix_web::{App, HttpServer, Responder, rt, test, web};
use futures_util::FutureExt;
use instrument_metrics::instrument_metrics;

use crate::{aborted, assert_nobody_in_flight, metrics_of_this_test, requests, samples, status};

#[instrument_metrics]
async fn panics_at_once() -> String {
    panic!("at once")
}

#[instrument_metrics]
async fn panics_later() -> String {
    rt::task::yield_now().await;
    panic!("later")
}

#[instrument_metrics]
async fn hangs() -> &'static str {
    rt::time::sleep(Duration::from_secs(3600)).await;
    "at last"
}

async fn plain_panic() -> String {
    panic!("nobody measures this handler")
}

async fn plain_hang() -> &'static str {
    rt::time::sleep(Duration::from_secs(3600)).await;
    "at last"
}

#[actix_web::test]
async fn a_panic_is_counted_and_leaves_the_gauge() {
    let metrics = metrics_of_this_test();
    let app = App::new()
        .wrap(metrics.middleware())
        .route("/once", web::get().to(panics_at_once))
        .route("/later", web::get().to(panics_later))
        .route("/plain", web::get().to(plain_panic));
    let app = test::init_service(app).await;
    for uri in ["/once", "/later", "/plain"] {
        let call = status(&app, TestRequest::get().uri(uri));
        assert!(AssertUnwindSafe(call).catch_unwind().await.is_err(), "{uri} did not panic");
    }
    assert_eq!(
        aborted(&metrics),
        [
            r#"{handler="",reason="panic"} 1"#,
            r#"{handler="panics_at_once",reason="panic"} 1"#,
            r#"{handler="panics_later",reason="panic"} 1"#,
        ]
    );
    assert_eq!(requests(&metrics), Vec::<String>::new());
    assert_nobody_in_flight(&metrics);
}

#[actix_web::test]
async fn a_cancelled_request_is_counted_and_leaves_the_gauge() {
    let metrics = metrics_of_this_test();
    let app = App::new()
        .wrap(metrics.middleware())
        .route("/measured", web::get().to(hangs))
        .route("/plain", web::get().to(plain_hang));
    let app = test::init_service(app).await;
    for uri in ["/measured", "/plain"] {
        let call = app.call(TestRequest::get().uri(uri).to_request());
        let outcome = rt::time::timeout(Duration::from_millis(20), call).await;
        assert!(outcome.is_err(), "{uri} answered");
    }
    // Called, but never polled: no handler has begun.
    drop(app.call(TestRequest::get().uri("/measured").to_request()));
    assert_eq!(
        aborted(&metrics),
        [r#"{handler="",reason="cancelled"} 2"#, r#"{handler="hangs",reason="cancelled"} 1"#]
    );
    assert_eq!(requests(&metrics), Vec::<String>::new());
    assert_nobody_in_flight(&metrics);
}

#[actix_web::test]
async fn the_gauge_shows_a_request_while_it_runs() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(hangs));
    let app = test::init_service(app).await;
    let call = app.call(TestRequest::get().uri("/").to_request());
    let mut call = std::pin::pin!(call);
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(
        samples(&metrics, "http_requests_in_flight"),
        [r#"http_requests_in_flight{handler="hangs"} 1"#]
    );
}

#[instrument_metrics]
async fn hello() -> impl Responder {
    "hello"
}

#[actix_web::test]
async fn on_a_real_server_a_panic_closes_the_connection_and_the_next_request_is_fine() {
    let metrics = metrics_of_this_test();
    let app_metrics = metrics.clone();
    let server = HttpServer::new(move || {
        App::new()
            .wrap(app_metrics.middleware())
            .route("/panic", web::get().to(panics_later))
            .route("/hello", web::get().to(hello))
    })
    .workers(1)
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    rt::spawn(server);

    let get = move |path: &'static str| {
        rt::task::spawn_blocking(move || {
            use std::io::{Read, Write};
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        })
    };
    let panicked = get("/panic").await.unwrap().unwrap_or_default();
    assert_eq!(panicked, "");
    let answered = get("/hello").await.unwrap().unwrap();
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    handle.stop(true).await;

    assert_eq!(aborted(&metrics), [r#"{handler="panics_later",reason="panic"} 1"#]);
    assert_eq!(
        requests(&metrics),
        [r#"{handler="hello",method="GET",route="/hello",status="200"} 1"#]
    );
    assert_nobody_in_flight(&metrics);
}
