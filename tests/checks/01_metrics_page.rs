//! Lesson 01 wants a page at /metrics that Prometheus can read: an answer with 200, the text
//! format's Content-Type, lines that parse, and the numbers of this moment.
//!
//! Technique: `prometheus::gather()` lists the registry, `TextEncoder` writes it down.
//! More: <https://prometheus.io/docs/instrumenting/exposition_formats/>

use course::{Failure, Kind, Service, step};

#[actix_web::test]
async fn a_page_that_prometheus_can_read() {
    let service = Service::new(lesson_01::routes).await;

    step("Prometheus finds a page at /metrics");
    service.scrape().await.page();

    step("the page says which format it is in");
    service.scrape().await.expect_text_format();

    step("the counter of visits is on the page");
    service.get("/").await;
    let scrape = service.scrape().await;
    scrape.expect_kind("visits_total", Kind::Counter);
    let before = scrape.value("visits_total", &[]);

    step("each scrape shows the numbers of that moment");
    for _ in 0..3 {
        service.get("/").await;
    }
    let scrape = service.scrape().await;
    let after = scrape.value("visits_total", &[]);
    if after != before + 3.0 {
        Failure::new(format!(
            "`visits_total` was {before}. Three visits later the page says {after}."
        ))
        .means("What the page says is not what happened, so no dashboard built on it is right.")
        .next(
            "Call `prometheus::gather()` inside the handler, anew for each request, and let only \
             the front page count visits.",
        )
        .show("The page", &scrape.shown())
        .raise()
    }
}
