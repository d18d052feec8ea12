//! The page as a whole.

use actix_web::test::TestRequest;
use actix_web::{App, Responder, get, web};
use instrument_metrics::prometheus::{Registry, TextEncoder};
use instrument_metrics::{BuildError, Metrics, instrument_metrics};

use crate::status;

#[get("/memos/{id}")]
#[instrument_metrics]
async fn get_memo(id: web::Path<u64>) -> impl Responder {
    id.to_string()
}

#[actix_web::test]
async fn the_page_of_a_measured_service() {
    let metrics = Metrics::builder().registry(Registry::new()).namespace("memo").build().unwrap();
    let app =
        actix_web::test::init_service(App::new().wrap(metrics.middleware()).service(get_memo))
            .await;
    for uri in ["/memos/1", "/memos/2", "/memos/none"] {
        status(&app, TestRequest::get().uri(uri)).await;
    }
    let page = TextEncoder::new().encode_to_string(&metrics.registry().gather()).unwrap();
    // How long it took is another number each time; only the last bucket has all for sure.
    let varies = |series: &str| {
        ["_duration_seconds_sum", "process_"].iter().any(|name| series.contains(name))
            || (series.contains("_bucket") && !series.contains("+Inf"))
    };
    let page: Vec<_> = page
        .lines()
        .map(|line| match line.rsplit_once(' ') {
            Some((series, _)) if !line.starts_with('#') && varies(series) => {
                format!("{series} [measured]")
            }
            _ => line.to_owned(),
        })
        .collect();
    insta::assert_snapshot!(page.join("\n"));
}

#[test]
fn a_namespace_that_makes_no_metric_name_is_refused_with_a_sentence() {
    for wrong in ["", "7up", "my-app", "größe", "a b", "a:b", "memo_"] {
        let error = Metrics::builder().registry(Registry::new()).namespace(wrong).build();
        let Err(error @ BuildError::Namespace(_)) = error else { panic!("{wrong:?} was taken") };
        assert_eq!(
            error.to_string(),
            format!(
                "the namespace {wrong:?} makes no metric name: use letters, digits and `_`, with no digit first and no `_` at the end"
            )
        );
    }
}

#[test]
fn one_registry_takes_the_families_once() {
    let registry = Registry::new();
    let _first = Metrics::builder().registry(registry.clone()).build().unwrap();
    let second = Metrics::builder().registry(registry).build();
    assert!(matches!(second, Err(BuildError::Registry(_))));
}
