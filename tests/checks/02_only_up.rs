//! Lesson 02 wants a counter of requests: it only goes up, everybody who looks sees the same, and
//! each request counts, whichever handler answers it.
//!
//! Technique: `IntCounter::inc` in the handler, and nothing else anywhere.
//! More: <https://prometheus.io/docs/concepts/metric_types/#counter>

use actix_web::test::TestRequest;
use course::{Failure, Kind, Service, step};

#[actix_web::test]
async fn only_up() {
    let service = Service::new(lesson_02::routes).await;

    step("two readers see the same number");
    for _ in 0..3 {
        service.get("/memos").await;
    }
    let first = service.scrape().await.value("http_requests_total", &[]);
    let scrape = service.scrape().await;
    let second = scrape.value("http_requests_total", &[]);
    if second > first {
        Failure::new(format!(
            "The first scrape says {first}. A second one, right after it, says {second}."
        ))
        .means("Prometheus counts itself: without any visitor, your service looks busy.")
        .next("Count in the handlers of the memos, and not in the one of /metrics.")
        .show("The second page", &scrape.shown())
        .raise()
    }
    if second < first {
        Failure::new(format!(
            "After three requests the first scrape says {first}. A second one, right after it, \
             says {second}."
        ))
        .means(
            "Whoever looks first takes the requests away from everybody else: a second Prometheus, \
             or you with curl, and the dashboard is wrong.",
        )
        .next(
            "Do not set the number back. Let it only go up; Prometheus works out the rate from two \
             scrapes.",
        )
        .show("The second page", &scrape.shown())
        .raise()
    }

    step("the page says that it is a counter");
    scrape.expect_kind("http_requests_total", Kind::Counter);

    step("three GET requests count three");
    if second != 3.0 {
        Failure::new(format!("Three requests came, and the page says {second}."))
            .means("The rate on the dashboard is off by the same factor.")
            .next("Count once in each handler, and nowhere else.")
            .show("The page", &scrape.shown())
            .raise()
    }

    step("POST requests count, too");
    service.ask(TestRequest::post().uri("/memos")).await;
    service.ask(TestRequest::post().uri("/memos")).await;
    let scrape = service.scrape().await;
    let all = scrape.value("http_requests_total", &[]);
    if all > 5.0 {
        Failure::new(format!("Three GET and two POST requests came, and the page says {all}."))
            .means("The rate on the dashboard is higher than the traffic.")
            .next("Something is counted twice: `create_memo` counts one for each request.")
            .show("The page", &scrape.shown())
            .raise()
    }
    if all < 5.0 {
        Failure::new(format!("Three GET and two POST requests came, and the page says {all}."))
            .means("Traffic that nobody counts is on no dashboard, and in no alert.")
            .next("Count in `create_memo` as well.")
            .show("The page", &scrape.shown())
            .raise()
    }

    step("the page reads as the snapshot does");
    scrape.expect_page(
        "02_only_up",
        &["http_requests_total"],
        "Name, HELP and TYPE are what a colleague sees who never saw your code: in Grafana's \
         metric browser, and in the answer to curl.",
    );
}
