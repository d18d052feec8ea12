//! What the attribute's options and the builder's change on the page.

use actix_web::test::TestRequest;
use actix_web::{App, web};
use instrument_metrics::prometheus::{Registry, TextEncoder};
use instrument_metrics::{BuildError, Metrics, instrument_metrics};

use crate::{metrics_of_this_test, requests, samples, status};

/// Where somebody has put the runtime under another name.
mod my_facade {
    pub use instrument_metrics as metrics;
}

const SLOW: [f64; 2] = [1.0, 60.0];
const SLOWER: &[f64] = &[10.0, 600.0];

#[instrument_metrics(
    name = "get_user",
    labels(team = "accounts", app = "a \"quoted\" \\ name\nin two lines, größer"),
    buckets = [0.25, 1],
    crate = my_facade::metrics
)]
async fn get() -> &'static str {
    "all options"
}

#[instrument_metrics(buckets = SLOW)]
async fn slow() -> &'static str {
    "an array"
}

#[instrument_metrics(buckets = self::SLOWER)]
async fn slower() -> &'static str {
    "a slice"
}

#[instrument_metrics]
async fn ordinary() -> &'static str {
    "none"
}

#[instrument_metrics(skip(in_flight, aborted, duration, heap))]
async fn counted_only() -> &'static str {
    "requests"
}

#[instrument_metrics(skip(requests))]
async fn not_counted() -> &'static str {
    "everything but requests"
}

async fn visit(metrics: &Metrics) {
    let app = App::new()
        .wrap(metrics.middleware())
        .route("/get", web::get().to(get))
        .route("/slow", web::get().to(slow))
        .route("/slower", web::get().to(slower))
        .route("/ordinary", web::get().to(ordinary))
        .route("/counted_only", web::get().to(counted_only))
        .route("/not_counted", web::get().to(not_counted));
    let app = actix_web::test::init_service(app).await;
    for path in ["get", "slow", "slower", "ordinary", "counted_only", "not_counted"] {
        assert_eq!(status(&app, TestRequest::get().uri(&format!("/{path}"))).await, 200);
    }
}

/// The bounds of a handler's histogram, as the page writes them.
fn bounds(metrics: &Metrics, handler: &str) -> Vec<String> {
    let buckets = samples(metrics, "http_request_duration_seconds_bucket");
    let of_handler = format!("handler=\"{handler}\"");
    let buckets = buckets.iter().filter(|sample| sample.contains(&of_handler));
    buckets
        .map(|sample| sample.split("le=\"").nth(1).unwrap().split('"').next().unwrap().into())
        .collect()
}

#[actix_web::test]
async fn name_and_labels_are_on_all_series_of_the_handler_and_of_no_other() {
    let metrics = metrics_of_this_test();
    visit(&metrics).await;
    let labels = r#"app="a \"quoted\" \\ name\nin two lines, größer",handler="get_user""#;
    let team = r#"team="accounts""#;
    for (family, sample) in [
        (
            "http_requests_total",
            format!(r#"{{{labels},method="GET",route="/get",status="200",{team}}} 1"#),
        ),
        (
            "http_request_duration_seconds_count",
            format!(r#"{{{labels},method="GET",route="/get",{team}}} 1"#),
        ),
        ("http_requests_in_flight", format!("{{{labels},{team}}} 0")),
        ("http_requests_aborted_total", format!(r#"{{{labels},reason="panic",{team}}} 0"#)),
    ] {
        let expected = format!("{family}{sample}");
        let found = samples(&metrics, family);
        assert!(found.contains(&expected), "{expected} is not in {found:#?}");
    }
    let ordinary = r#"{handler="ordinary",method="GET",route="/ordinary",status="200"} 1"#;
    assert!(requests(&metrics).iter().any(|line| line == ordinary));
}

#[actix_web::test]
async fn each_handler_has_its_own_bounds_or_those_of_the_metrics() {
    let metrics = metrics_of_this_test();
    visit(&metrics).await;
    assert_eq!(bounds(&metrics, "get_user"), ["0.25", "1", "+Inf"]);
    assert_eq!(bounds(&metrics, "slow"), ["1", "60", "+Inf"]);
    assert_eq!(bounds(&metrics, "slower"), ["10", "600", "+Inf"]);
    assert_eq!(bounds(&metrics, "ordinary").len(), 12);

    let metrics = Metrics::builder().registry(Registry::new()).buckets([0.1, 0.5]).build().unwrap();
    visit(&metrics).await;
    assert_eq!(bounds(&metrics, "ordinary"), ["0.1", "0.5", "+Inf"]);
    assert_eq!(bounds(&metrics, "slow"), ["1", "60", "+Inf"]);
}

#[actix_web::test]
async fn what_is_folded_together_has_the_bounds_of_the_metrics() {
    let metrics = Metrics::builder().registry(Registry::new()).max_series(1).build().unwrap();
    visit(&metrics).await;
    assert_eq!(bounds(&metrics, "<overflow>").len(), 12);
    let folded = r#"{handler="<overflow>",method="GET",route="<overflow>",status="200"} 4"#;
    assert_eq!(requests(&metrics)[0], folded);
    assert_eq!(requests(&metrics).len(), 2);
}

#[actix_web::test]
async fn a_family_that_is_skipped_has_no_series_of_the_handler() {
    let metrics = metrics_of_this_test();
    visit(&metrics).await;
    let families = [
        ("http_requests_total", "requests"),
        ("http_request_duration_seconds_count", "duration"),
        ("http_requests_in_flight", "in_flight"),
        ("http_requests_aborted_total", "aborted"),
    ];
    let of = |handler: &str| {
        let of_handler = format!("handler=\"{handler}\"");
        let has = |family| samples(&metrics, family).iter().any(|line| line.contains(&of_handler));
        let families = families.iter().filter(|(family, _)| has(family));
        families.map(|(_, name)| *name).collect::<Vec<_>>()
    };
    assert_eq!(of("ordinary"), ["requests", "duration", "in_flight", "aborted"]);
    assert_eq!(of("counted_only"), ["requests"]);
    assert_eq!(of("not_counted"), ["duration", "in_flight", "aborted"]);
    // Left out by the handler, and not counted by the middleware instead.
    assert!(requests(&metrics).iter().all(|line| !line.contains("handler=\"\"")));
}

#[actix_web::test]
async fn const_labels_and_the_build_are_on_the_page() {
    let metrics = Metrics::builder()
        .registry(Registry::new())
        .namespace("shop")
        .const_label("region", "eu \"west\"")
        .const_label("team", "platform")
        .build_info("1.2.3", "abc123")
        .build()
        .unwrap();
    visit(&metrics).await;
    let page = TextEncoder::new().encode_to_string(&metrics.registry().gather()).unwrap();
    for line in [
        r#"shop_build_info{region="eu \"west\"",revision="abc123",team="platform",version="1.2.3"} 1"#,
        r#"shop_http_requests_total{handler="ordinary",method="GET",region="eu \"west\"",route="/ordinary",status="200",team="platform"} 1"#,
        r#"shop_http_requests_in_flight{handler="ordinary",region="eu \"west\"",team="platform"} 0"#,
        r#"metrics_series_dropped_total{family="shop_http_requests_total",region="eu \"west\"",team="platform"} 0"#,
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
    assert!(page.contains("\nprocess_resident_memory_bytes{region="), "{page}");
    // A handler's own label is taken before that of all.
    let own = page.lines().find(|line| line.contains("handler=\"get_user\"")).unwrap();
    assert!(own.contains(r#"team="accounts""#) && !own.contains("platform"), "{own}");
}

#[test]
fn what_prometheus_would_not_take_is_refused_with_a_sentence() {
    let builder = || Metrics::builder().registry(Registry::new());
    let table = [
        (
            builder().const_label("status", "x"),
            r#""status" cannot be a label of all series: a family has a label of this name"#,
        ),
        (
            builder().const_label("job", "x"),
            r#""job" cannot be a label of all series: Prometheus sets it for each target that it scrapes"#,
        ),
        (
            builder().const_label("__x", "x"),
            r#""__x" cannot be a label of all series: names that begin with `__` are Prometheus's own"#,
        ),
        (
            builder().const_label("", "x"),
            r#""" cannot be a label of all series: a name begins with a letter or `_`"#,
        ),
        (
            builder().const_label("1st", "x"),
            r#""1st" cannot be a label of all series: a name begins with a letter or `_`"#,
        ),
        (
            builder().const_label("my-app", "x"),
            r#""my-app" cannot be a label of all series: a name has only the letters a to z, digits and `_`"#,
        ),
        (
            builder().const_label("a", "x").const_label("a", "y"),
            r#""a" cannot be a label of all series: it is given twice"#,
        ),
        (
            builder().buckets([]),
            "the buckets [] make no histogram: give at least one bound, each a finite number of seconds, more than 0, and more than the one before",
        ),
    ];
    for (builder, sentence) in table {
        assert_eq!(builder.build().unwrap_err().to_string(), sentence);
    }
    for wrong in [
        vec![0.5, 0.1],
        vec![0.1, 0.1],
        vec![0.0],
        vec![-1.0],
        vec![1.0, f64::INFINITY],
        vec![f64::NAN],
    ] {
        let error = builder().buckets(wrong.clone()).build();
        assert!(matches!(error, Err(BuildError::Buckets(_))), "{wrong:?} was taken");
    }
}

#[test]
fn a_build_that_fails_leaves_nothing_in_the_registry() {
    let registry = Registry::new();
    let other = instrument_metrics::prometheus::IntGauge::new("build_info", "Of another.").unwrap();
    registry.register(Box::new(other)).unwrap();
    let builder = Metrics::builder().registry(registry);
    let failed = builder.clone().build_info("1", "a").build();
    assert!(matches!(failed, Err(BuildError::Registry(_))));
    builder.build().unwrap();
}

#[instrument_metrics(name = "same", labels(region = "eu"))]
async fn with_the_label_of_all() -> &'static str {
    "one"
}

#[instrument_metrics(name = "same")]
async fn without_it() -> &'static str {
    "other"
}

/// Prometheus refuses a page that has a series twice.
#[actix_web::test]
async fn a_label_that_all_series_have_makes_no_series_of_its_own() {
    let metrics =
        Metrics::builder().registry(Registry::new()).const_label("region", "eu").build().unwrap();
    let app = App::new()
        .wrap(metrics.middleware())
        .route("/{id}", web::get().to(with_the_label_of_all))
        .route("/{id}/other", web::get().to(without_it));
    let app = actix_web::test::init_service(app).await;
    for uri in ["/1", "/1/other"] {
        assert_eq!(status(&app, TestRequest::get().uri(uri)).await, 200);
    }
    let in_flight = samples(&metrics, "http_requests_in_flight");
    assert_eq!(in_flight, [r#"http_requests_in_flight{handler="same",region="eu"} 0"#]);
    assert_eq!(requests(&metrics).len(), 2);
}
