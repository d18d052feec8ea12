use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics]
#[instrument_metrics]
async fn index() -> &'static str {
    "hello"
}

fn main() {
    drop(index());
}
