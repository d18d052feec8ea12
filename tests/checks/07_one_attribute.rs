//! Lesson 07 wants `#[instrument_metrics]` on each handler in place of the code by hand: the same
//! page, and what the code by hand had no line for.
//!
//! Technique: the attribute, beside the route's.
//! More: <https://doc.rust-lang.org/reference/procedural-macros.html#attribute-macros>

use actix_web::test::TestRequest;
use course::{Failure, Service, step};

#[actix_web::test]
async fn one_attribute() {
    let service = Service::new(lesson_07::routes).await;
    service.get("/memos").await;
    service.ask(TestRequest::post().uri("/memos").set_payload("milk")).await;
    service.get("/memos/0").await;
    service.get("/memos/7").await;
    service.get("/memos/8").await;

    step("every handler is on the page");
    let scrape = service.scrape().await;
    let page = scrape.exposition();
    for handler in ["list_memos", "create_memo", "get_memo"] {
        let is_its = |label| label == Some(handler);
        if page.samples_of("http_requests_total").any(|sample| is_its(sample.label("handler"))) {
            continue;
        }
        Failure::new(format!("`{handler}` was called, and no line of the page says so."))
            .means("What is not measured looks like what nobody uses: no traffic, and no errors.")
            .next(
                "Put `#[instrument_metrics]` on each handler, and take by_hand.rs and its calls out \
                 in the same step. While one handler has the attribute and another is measured by \
                 hand, both register the same names, and what comes second is not on the page.",
            )
            .show("The page", &scrape.shown())
            .raise()
    }

    step("the page reads as the code by hand made it");
    scrape.expect_samples(
        "07_one_attribute",
        &["http_requests_total", "http_request_duration_seconds_count", "http_requests_in_flight"],
        "Every dashboard and alert that was built on the code by hand has to go on working: names, \
         labels and numbers stay as they were.",
    );

    step("a request that never gets an answer will leave a trace");
    let aborted = [("handler", "get_memo"), ("reason", "cancelled")];
    if page.value("http_requests_aborted_total", &aborted).is_none() {
        Failure::new(
            "There is no `http_requests_aborted_total{handler=\"get_memo\",…}` on the page.",
        )
        .means(
            "When a client goes away, or a handler panics, no counter moves: the request has \
                 never been.",
        )
        .next("Let the attribute measure all three handlers; it counts these, too.")
        .show("The page", &scrape.shown())
        .raise()
    }
}
