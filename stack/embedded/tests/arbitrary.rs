//! Whatever stands on a page or in a query: an answer or an error, never a panic, and never more
//! than the limits allow.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use embedded_prometheus::labels::Labels;
use embedded_prometheus::promql::{self, Limits};
use embedded_prometheus::store::{Retention, Sample, Store};
use embedded_prometheus::{config, exposition, rules, template};
use proptest::prelude::*;
use proptest::sample::select;

static STORE: LazyLock<Store> = LazyLock::new(|| {
    let mut store = Store::new(Retention::default());
    for name in ["up", "a_total", "b_bucket"] {
        for (growth, value) in (1_i64..).zip(["1", "0.5", "+Inf", "x"]) {
            let labels: Labels =
                [("__name__", name), ("job", "api"), ("le", value)].into_iter().collect();
            for step in 0..40 {
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                let value = if step == 20 { f64::NAN } else { (step * growth) as f64 };
                store.push(&labels, Sample { time: step * 15_000, value }).unwrap();
            }
        }
    }
    store
});

/// Pieces that queries are made of.
const PIECES: &[&str] = &[
    "up",
    "a_total",
    "b_bucket",
    "{job=\"api\"}",
    "{le=~\".+\"}",
    "{",
    "}",
    "(",
    ")",
    "[5m]",
    "[1m:10s]",
    "[",
    "]",
    "offset 1m",
    "offset -1m",
    "@ 100",
    "@ start()",
    "@ end()",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "==",
    "!=",
    ">",
    "<=",
    "bool",
    "and",
    "or",
    "unless",
    "on(job)",
    "ignoring(le)",
    "group_left",
    "group_right(job)",
    "sum",
    "avg",
    "topk",
    "quantile",
    "count_values",
    "stddev",
    "by (job)",
    "without (le)",
    "rate",
    "increase",
    "irate",
    "delta",
    "deriv",
    "predict_linear",
    "avg_over_time",
    "quantile_over_time",
    "absent",
    "absent_over_time",
    "histogram_quantile",
    "histogram_fraction",
    "label_replace",
    "label_join",
    "clamp",
    "round",
    "scalar",
    "vector",
    "time",
    "timestamp",
    "sort",
    "year",
    "1",
    "0.5",
    "-1",
    "1e300",
    "NaN",
    "Inf",
    "0x1F",
    "\"x\"",
    "\"$1\"",
    "\"(.*)\"",
    ",",
    "'",
    "atan2",
    "abs",
    "minute",
    "5m",
    "1e9",
    "# comment\n",
];

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(select(PIECES), 0..14).prop_map(|pieces| pieces.join(" ")),
        any::<String>(),
        well_formed(),
    ]
}

/// Expressions that mostly can be evaluated.
fn well_formed() -> impl Strategy<Value = String> {
    let leaf = select(
        &["up", "a_total", "b_bucket", "1", "NaN", "time()", "up offset 1m", "vector(2)"][..],
    )
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 30, 3, |inner| {
        let windowed = select(
            &[
                "rate",
                "increase",
                "delta",
                "deriv",
                "changes",
                "resets",
                "avg_over_time",
                "stddev_over_time",
                "absent_over_time",
                "last_over_time",
                "irate",
            ][..],
        );
        let aggregate = select(
            &[
                "sum",
                "avg by (le)",
                "max without (job)",
                "topk by (job) (2, ",
                "quantile(0.9, ",
                "count_values(\"v\", ",
                "stdvar",
            ][..],
        );
        let operator = select(
            &[
                "+",
                "/",
                "%",
                "^",
                ">",
                "== bool",
                "and",
                "or",
                "unless on(le)",
                "* on(job, le) group_left",
                "- ignoring(le)",
            ][..],
        );
        prop_oneof![
            (windowed, inner.clone())
                .prop_map(|(function, inner)| format!("{function}(({inner})[2m:20s])")),
            (aggregate, inner.clone()).prop_map(|(name, inner)| {
                if name.ends_with(", ") {
                    format!("{name}{inner})")
                } else {
                    format!("{name} ({inner})")
                }
            }),
            (inner.clone(), operator, inner.clone())
                .prop_map(|(left, operator, right)| format!("({left}) {operator} ({right})")),
            inner.clone().prop_map(|inner| format!("histogram_quantile(0.5, {inner})")),
            inner.prop_map(|inner| format!("-({inner})")),
        ]
    })
}

fn limits() -> Limits {
    Limits { samples: 200_000, time: Duration::from_millis(500), ..Limits::default() }
}

proptest! {
    #[test]
    fn any_query_is_answered_or_refused(query in query(), time in -10_000_i64..900_000) {
        if let Ok(query) = promql::parse(&query) {
            let before = Instant::now();
            let _ = promql::instant(&STORE, &query, time, &limits());
            let _ = promql::range(&STORE, &query, time, time + 300_000, 7_000, &limits());
            prop_assert!(before.elapsed() < Duration::from_secs(10));
        }
    }

    #[test]
    fn any_page_is_read_or_refused(page in prop_oneof![
        any::<String>(),
        "([a-z_]{1,5}(\\{[a-z]=\"[^\n]{0,5}\"\\})? (1|NaN|[+-]Inf|x)( [0-9]{1,20})?\n|# (HELP|TYPE|EOF|UNIT)?[ a-z]{0,12}\n){0,6}",
    ]) {
        match exposition::read(&page) {
            Ok(read) => prop_assert!(read.samples.len() <= page.len()),
            Err(error) => prop_assert!(error.to_string().starts_with("line ")),
        }
    }

    #[test]
    fn any_file_is_read_or_refused(text in prop_oneof![
        any::<String>(),
        "(groups|scrape_configs|global|rules|- alert|  expr|  for|- job_name)?: ?[\\[{a-z0-9\"'}\\]]{0,10}\n",
    ]) {
        let _ = config::Config::read(&text);
        let _ = rules::read(&text);
        let _ = template::Template::read(&text);
    }
}

#[test]
fn deep_queries_are_answered_or_refused() {
    for text in [
        format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("1{}", " + 1".repeat(5_000)),
        format!("{}1", "-".repeat(5_000)),
        format!("{}up{}", "sum(".repeat(3_000), ")".repeat(3_000)),
        format!("{}up{}", "max_over_time(".repeat(300), "[1m:10s])".repeat(300)),
    ] {
        if let Ok(query) = promql::parse(&text) {
            let _ = promql::instant(&STORE, &query, 300_000, &limits());
        }
    }
    for text in [
        format!("{}1{}", "(".repeat(100), ")".repeat(100)),
        format!("1{}", " + 1".repeat(500)),
        format!("{}1", "-".repeat(500)),
        format!("up{{job=\"{}\"}}", "(+".repeat(600)),
    ] {
        let query = promql::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        promql::instant(&STORE, &query, 300_000, &limits()).unwrap();
    }
}
