//! Heap by handler, in a program whose allocator counts: to the byte.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::thread;

use actix_web::dev::Service;
use actix_web::test::TestRequest;
use actix_web::{App, HttpResponse, Responder, test, web};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use instrument_metrics::prometheus::{Registry, TextEncoder};
use instrument_metrics::{CountingAllocator, Metrics, instrument_metrics};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

/// Waits for one poll, and allocates nothing.
async fn once() {
    let mut first = true;
    std::future::poll_fn(
        |_| if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) },
    )
    .await;
}

fn metrics_of_this_test() -> Metrics {
    Metrics::builder().registry(Registry::new()).build().unwrap()
}

/// Bytes that a handler's requests hold now, and that were ever allocated in it.
fn heap(metrics: &Metrics, handler: &str) -> (i64, i64) {
    let page = TextEncoder::new().encode_to_string(&metrics.registry().gather()).unwrap();
    let value = |family: &str| {
        let series = format!("{family}{{handler=\"{handler}\"}} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&series));
        value.unwrap_or_else(|| panic!("no {series}in\n{page}")).parse().unwrap()
    };
    (value("http_handler_heap_bytes"), value("http_handler_allocated_bytes_total"))
}

#[instrument_metrics]
async fn holds() -> HttpResponse {
    let kept = Vec::<u8>::with_capacity(1_000);
    once().await;
    let more = Vec::<u8>::with_capacity(10_000);
    once().await;
    drop(kept);
    once().await;
    let mut grown = Vec::<u8>::with_capacity(100);
    grown.reserve_exact(300);
    once().await;
    grown.shrink_to(50);
    once().await;
    drop((more, grown));
    HttpResponse::NoContent().finish()
}

#[actix_web::test]
async fn what_a_request_holds_is_counted_poll_by_poll() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(holds));
    let app = test::init_service(app).await;
    let mut call = pin!(app.call(TestRequest::get().uri("/").to_request()));
    for expected in [
        (1_000, 1_000),
        (11_000, 11_000),
        (10_000, 11_000),
        // Grown from 100 to 300: 200 more.
        (10_300, 11_300),
        (10_050, 11_300),
    ] {
        assert!(call.as_mut().now_or_never().is_none());
        // What is allocated between the polls is nobody's.
        drop(Vec::<u8>::with_capacity(77));
        assert_eq!(heap(&metrics, "holds"), expected);
    }
    assert!(call.now_or_never().is_some());
    assert_eq!(heap(&metrics, "holds").0, 0);
}

#[instrument_metrics]
async fn is_left() -> &'static str {
    let _kept = Vec::<u8>::with_capacity(5_000);
    std::future::pending().await
}

#[actix_web::test]
async fn two_requests_add_up_and_what_a_cancelled_one_held_is_given_back() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(is_left));
    let app = test::init_service(app).await;
    let request = || TestRequest::get().uri("/").to_request();
    let (mut one, mut other) = (Box::pin(app.call(request())), Box::pin(app.call(request())));
    assert!(one.as_mut().now_or_never().is_none());
    assert!(other.as_mut().now_or_never().is_none());
    assert_eq!(heap(&metrics, "is_left"), (10_000, 10_000));
    drop(one);
    assert_eq!(heap(&metrics, "is_left"), (5_000, 10_000));
    drop(other);
    assert_eq!(heap(&metrics, "is_left"), (0, 10_000));
}

#[instrument_metrics]
async fn panics() -> &'static str {
    let _lost = Vec::<u8>::with_capacity(3_000);
    once().await;
    let _more = Vec::<u8>::with_capacity(400_000);
    // Without a message, so that nothing is allocated to say it.
    std::panic::resume_unwind(Box::new(()))
}

#[actix_web::test]
async fn what_a_panic_left_is_given_back_and_what_it_allocated_is_counted() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(panics));
    let app = test::init_service(app).await;
    let mut call = Box::pin(app.call(TestRequest::get().uri("/").to_request()));
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(heap(&metrics, "panics"), (3_000, 3_000));
    let last = std::panic::AssertUnwindSafe(async { call.await.map(|_| ()) });
    assert!(last.catch_unwind().await.is_err());
    let (held, allocated) = heap(&metrics, "panics");
    assert_eq!(held, 0);
    // The panic itself allocates some bytes, too.
    assert!((403_000..404_000).contains(&allocated), "{allocated}");
}

#[instrument_metrics]
async fn calls() -> String {
    let mine = Vec::<u8>::with_capacity(1_000);
    let answer = is_called().await;
    once().await;
    drop((mine, answer));
    String::new()
}

#[instrument_metrics]
async fn is_called() -> HttpResponse {
    let _mine = Vec::<u8>::with_capacity(70_000);
    once().await;
    HttpResponse::Ok().finish()
}

#[actix_web::test]
async fn what_a_called_handler_allocates_is_not_the_callers() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(calls));
    let app = test::init_service(app).await;
    let called = || Box::pin(app.call(TestRequest::get().uri("/").to_request()));
    // The first request makes the series of `is_called`, while `calls` runs.
    assert!(called().now_or_never().is_none());
    let before = heap(&metrics, "calls").1;
    let mut call = called();
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(heap(&metrics, "is_called"), (70_000, 140_000));
    assert_eq!(heap(&metrics, "calls"), (1_000, before + 1_000));
}

#[instrument_metrics]
async fn takes(body: web::Bytes) -> HttpResponse {
    drop(body);
    once().await;
    HttpResponse::NoContent().finish()
}

#[actix_web::test]
async fn freeing_what_came_before_the_handler_makes_no_negative_bytes() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::post().to(takes));
    let app = test::init_service(app).await;
    let request = TestRequest::post().uri("/").set_payload(vec![0u8; 20_000]).to_request();
    let mut call = pin!(app.call(request));
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(heap(&metrics, "takes"), (0, 0));
}

#[derive(serde::Serialize)]
struct Long(String);

#[instrument_metrics]
async fn serializes() -> web::Json<Long> {
    web::Json(Long("x".repeat(50_000)))
}

#[actix_web::test]
async fn writing_the_answer_is_the_handlers_too() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(serializes));
    let app = test::init_service(app).await;
    test::call_service(&app, TestRequest::get().uri("/").to_request()).await;
    let (held, allocated) = heap(&metrics, "serializes");
    assert_eq!(held, 0);
    assert!(allocated >= 100_000, "{allocated}: the text and its JSON");
}

#[instrument_metrics(skip(heap))]
async fn skips() -> impl Responder {
    "x".repeat(1_000)
}

#[actix_web::test]
async fn a_handler_may_leave_heap_out() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).route("/", web::get().to(skips));
    let app = test::init_service(app).await;
    test::call_service(&app, TestRequest::get().uri("/").to_request()).await;
    let page = TextEncoder::new().encode_to_string(&metrics.registry().gather()).unwrap();
    assert!(!page.contains("http_handler_"), "{page}");
}

#[instrument_metrics]
async fn travels() -> &'static str {
    let one = vec![0u8; 1_000];
    once().await;
    let two = vec![0u8; 20_000];
    once().await;
    drop(one);
    once().await;
    drop(two);
    "arrived"
}

/// The handler alone, with no app: into the metrics of the process, by threads in turn.
#[std::prelude::v1::test]
fn a_request_may_go_from_thread_to_thread() {
    type Polled = (bool, BoxFuture<'static, ()>);
    let mut travelling: BoxFuture<'static, ()> = Box::pin(async {
        let _ = travels().await;
    });
    let of_the_process = || {
        let page = TextEncoder::new().encode_to_string(&instrument_metrics::prometheus::gather());
        let line = page.unwrap();
        let line = line.lines().find(|line| line.contains("heap_bytes{handler=\"travels\"}"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<i64>().ok())
    };
    for expected in [1_000, 21_000, 20_000] {
        let poll = move || -> Polled {
            let mut future = travelling;
            let pending = Pin::new(&mut future).now_or_never().is_none();
            (pending, future)
        };
        let (pending, future) = thread::spawn(poll).join().unwrap();
        assert!(pending);
        travelling = future;
        assert_eq!(of_the_process(), Some(expected));
    }
    assert!(thread::spawn(|| travelling.now_or_never().is_some()).join().unwrap());
    assert_eq!(of_the_process(), Some(0));
}
