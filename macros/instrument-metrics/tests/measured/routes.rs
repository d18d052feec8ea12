//! The route label is the matched pattern, scopes included, and never what a client made up.

use actix_web::test::TestRequest;
use actix_web::{App, Responder, get, test, web};
use instrument_metrics::{Metrics, instrument_metrics, prometheus::Registry};

use crate::{metrics_of_this_test, requests, samples, status};

#[get("/memos/{id}")]
#[instrument_metrics]
async fn below(id: web::Path<u64>) -> impl Responder {
    id.to_string()
}

#[actix_web::test]
async fn one_handler_in_two_scopes_has_two_routes() {
    let metrics = metrics_of_this_test();
    let app = App::new()
        .wrap(metrics.middleware())
        .service(web::scope("/a").service(below))
        .service(web::scope("/b").service(below));
    let app = test::init_service(app).await;
    for uri in ["/a/memos/1", "/b/memos/1", "/a/memos/2"] {
        status(&app, TestRequest::get().uri(uri)).await;
    }
    assert_eq!(
        requests(&metrics),
        [
            r#"{handler="below",method="GET",route="/a/memos/{id}",status="200"} 2"#,
            r#"{handler="below",method="GET",route="/b/memos/{id}",status="200"} 1"#,
        ]
    );
}

#[actix_web::test]
async fn a_thousand_paths_and_methods_that_nobody_serves_are_two_series() {
    let metrics = metrics_of_this_test();
    let app = test::init_service(App::new().wrap(metrics.middleware()).service(below)).await;
    for number in 0..500 {
        let path = format!("/wp-admin/{number}");
        assert_eq!(status(&app, TestRequest::get().uri(&path)).await, 404);
        let method = format!("BREW{number}").parse().unwrap();
        assert_eq!(status(&app, TestRequest::default().method(method).uri(&path)).await, 404);
    }
    assert_eq!(
        requests(&metrics),
        [
            r#"{handler="",method="GET",route="<unmatched>",status="404"} 500"#,
            r#"{handler="",method="_OTHER",route="<unmatched>",status="404"} 500"#,
        ]
    );
}

#[actix_web::test]
async fn what_exceeds_the_cap_is_folded_and_counted_and_keeps_its_status() {
    let metrics = Metrics::builder().registry(Registry::new()).max_series(2).build().unwrap();
    let mut app = App::new().wrap(metrics.middleware());
    for number in 0..5 {
        app = app.service(web::scope(&format!("/{number}")).service(below));
    }
    let app = test::init_service(app).await;
    for number in 0..5 {
        status(&app, TestRequest::get().uri(&format!("/{number}/memos/1"))).await;
    }
    status(&app, TestRequest::get().uri("/4/memos/many")).await;
    assert_eq!(
        requests(&metrics),
        [
            r#"{handler="<overflow>",method="GET",route="<overflow>",status="200"} 3"#,
            r#"{handler="<overflow>",method="GET",route="<overflow>",status="404"} 1"#,
            r#"{handler="below",method="GET",route="/0/memos/{id}",status="200"} 1"#,
            r#"{handler="below",method="GET",route="/1/memos/{id}",status="200"} 1"#,
        ]
    );
    assert_eq!(
        samples(&metrics, "metrics_series_dropped_total"),
        [
            r#"metrics_series_dropped_total{family="http_request_duration_seconds"} 4"#,
            r#"metrics_series_dropped_total{family="http_requests_total"} 4"#,
        ]
    );
}
