//! `/metrics`: what it answers, and whom.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::Read;
use std::rc::Rc;

use actix_web::http::{Method, StatusCode, header};
use actix_web::test::TestRequest;
use actix_web::{App, test};
use flate2::read::GzDecoder;
use instrument_metrics::Access;
use instrument_metrics::prometheus::IntGauge;
use instrument_metrics::prometheus::core::{Collector, Desc};
use instrument_metrics::prometheus::proto::MetricFamily;

use crate::{metrics_of_this_test, requests, status};

#[actix_web::test]
async fn a_scrape_gets_the_text_format_with_the_learners_own_metrics_and_the_memory() {
    let metrics = metrics_of_this_test();
    let memos = IntGauge::new("memos", "Memos that are stored now.").unwrap();
    metrics.registry().register(Box::new(memos.clone())).unwrap();
    memos.set(3);
    let app = test::init_service(App::new().service(metrics.endpoint("/metrics"))).await;
    let response = test::call_service(&app, TestRequest::get().uri("/metrics").to_request()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers().get(header::CONTENT_TYPE).unwrap(),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let page = test::read_body(response).await;
    let page = std::str::from_utf8(&page).unwrap();
    assert!(page.contains("\nmemos 3\n"), "{page}");
    for family in ["process_resident_memory_bytes", "process_virtual_memory_bytes"] {
        let sample = page.lines().find_map(|line| line.strip_prefix(family)?.strip_prefix(' '));
        let bytes: f64 = sample.unwrap_or_else(|| panic!("no {family} in {page}")).parse().unwrap();
        assert!(bytes > 1e6, "{family} is {bytes}: not in bytes?");
    }
}

#[actix_web::test]
async fn strangers_are_refused_whatever_their_headers_say() {
    let metrics = metrics_of_this_test();
    let app = test::init_service(App::new().service(metrics.endpoint("/metrics"))).await;
    let from = |peer: &str| {
        let peer = peer.parse().unwrap();
        TestRequest::get().uri("/metrics").peer_addr(peer)
    };
    assert_eq!(status(&app, from("127.0.0.1:5000")).await, 200);
    assert_eq!(status(&app, from("172.18.0.3:5000")).await, 200);
    assert_eq!(status(&app, from("[::ffff:192.168.1.9]:5000")).await, 200);
    assert_eq!(status(&app, from("203.0.113.9:5000")).await, 403);
    let spoofed = from("203.0.113.9:5000")
        .insert_header(("x-forwarded-for", "127.0.0.1"))
        .insert_header(("forwarded", "for=127.0.0.1"));
    let refused = test::call_service(&app, spoofed.to_request()).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let sentence = test::read_body(refused).await;
    assert_eq!(
        sentence,
        "These metrics are not for the network that you come from, 203.0.113.9.\n"
    );
}

#[actix_web::test]
async fn head_is_answered_and_scrapes_are_not_counted() {
    let metrics = metrics_of_this_test();
    let app = App::new().wrap(metrics.middleware()).service(metrics.endpoint("/metrics"));
    let app = test::init_service(app).await;
    assert_eq!(status(&app, TestRequest::get().uri("/metrics")).await, 200);
    assert_eq!(
        status(&app, TestRequest::default().method(Method::HEAD).uri("/metrics")).await,
        200
    );
    assert_eq!(status(&app, TestRequest::post().uri("/metrics")).await, 405);
    let stranger = "203.0.113.9:5000".parse().unwrap();
    let refused = TestRequest::get().uri("/metrics").peer_addr(stranger);
    assert_eq!(status(&app, refused).await, 403);
    assert_eq!(
        requests(&metrics),
        [
            r#"{handler="",method="GET",route="/metrics",status="403"} 1"#,
            r#"{handler="",method="POST",route="/metrics",status="405"} 1"#,
        ]
    );
}

#[actix_web::test]
async fn what_has_to_be_asked_for_is_asked_before_each_scrape_of_somebody_who_may_look() {
    let metrics = metrics_of_this_test();
    let asked = Rc::new(Cell::new(0));
    let counter = Rc::clone(&asked);
    let endpoint = metrics.endpoint("/metrics").before_scrape(move || {
        let counter = Rc::clone(&counter);
        async move { counter.set(counter.get() + 1) }
    });
    let app = test::init_service(App::new().service(endpoint)).await;
    status(&app, TestRequest::get().uri("/metrics")).await;
    status(&app, TestRequest::get().uri("/metrics")).await;
    let stranger = "203.0.113.9:5000".parse().unwrap();
    status(&app, TestRequest::get().uri("/metrics").peer_addr(stranger)).await;
    assert_eq!(asked.get(), 2);
}

#[actix_web::test]
async fn a_client_that_takes_gzip_gets_it_and_the_same_page() {
    let metrics = metrics_of_this_test();
    let app = test::init_service(App::new().service(metrics.endpoint("/metrics"))).await;
    let table = [
        (None, false),
        (Some("gzip"), true),
        (Some("gzip;q=0.5, deflate"), true),
        (Some("br, zstd, gzip"), true),
        (Some("*"), false),
        (Some("identity"), false),
        (Some("br"), false),
        (Some("gzip;q=0"), false),
        (Some("*;q=0"), false),
        (Some("identity, gzip;q=0.5"), false),
        (Some("nonsense;;;q"), false),
    ];
    for (accepted, zipped) in table {
        let mut request = TestRequest::get().uri("/metrics");
        if let Some(accepted) = accepted {
            request = request.insert_header((header::ACCEPT_ENCODING, accepted));
        }
        let response = test::call_service(&app, request.to_request()).await;
        let encoding = response.headers().get(header::CONTENT_ENCODING);
        assert_eq!(encoding.is_some_and(|encoding| encoding == "gzip"), zipped, "{accepted:?}");
        assert_eq!(response.headers().get(header::VARY).unwrap(), "accept-encoding");
        let body = test::read_body(response).await;
        let mut page = String::new();
        if zipped {
            GzDecoder::new(&body[..]).read_to_string(&mut page).unwrap();
        } else {
            page.push_str(std::str::from_utf8(&body).unwrap());
        }
        assert!(page.contains("\nprocess_resident_memory_bytes "), "{accepted:?}: {page}");
    }
}

#[actix_web::test]
async fn who_has_no_token_is_told_to_bring_one() {
    let metrics = metrics_of_this_test();
    let access = Access::private_networks().bearer_token("c2VjcmV0").unwrap();
    let endpoint = metrics.endpoint("/metrics").access(access);
    let app = test::init_service(App::new().wrap(metrics.middleware()).service(endpoint)).await;
    let scrape = || TestRequest::get().uri("/metrics");

    let refused = test::call_service(&app, scrape().to_request()).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers().get(header::WWW_AUTHENTICATE).unwrap(), "Bearer");
    assert_eq!(
        test::read_body(refused).await,
        "These metrics need a token: send the right one as `Authorization: Bearer <token>`.\n"
    );
    let with_token = scrape().insert_header((header::AUTHORIZATION, "Bearer c2VjcmV0"));
    assert_eq!(status(&app, with_token).await, 200);
    // Refused scrapes are worth knowing of.
    assert_eq!(
        requests(&metrics),
        [r#"{handler="",method="GET",route="/metrics",status="401"} 1"#]
    );
}

/// A collector whose family has no name: it can be registered and gathered, but not written.
struct Nameless(Desc);

impl Collector for Nameless {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut family = IntGauge::new("nameless", "x").unwrap().collect().remove(0);
        family.set_name(String::new());
        vec![family]
    }
}

#[actix_web::test]
async fn a_metric_that_cannot_be_written_is_a_500_and_never_half_a_page() {
    let metrics = metrics_of_this_test();
    let desc = Desc::new("nameless".into(), "x".into(), vec![], HashMap::new()).unwrap();
    metrics.registry().register(Box::new(Nameless(desc))).unwrap();
    let app = test::init_service(App::new().service(metrics.endpoint("/metrics"))).await;
    let scrape = TestRequest::get().uri("/metrics").to_request();
    let response = test::call_service(&app, scrape).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = test::read_body(response).await;
    let body = std::str::from_utf8(&body).unwrap();
    assert!(body.starts_with("The registry holds a metric that cannot be written: "), "{body}");
    assert!(!body.contains("process_resident_memory_bytes"), "{body}");
}
