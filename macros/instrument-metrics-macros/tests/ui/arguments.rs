use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics(name = "home", labels(team = "web"))]
async fn index() -> &'static str {
    "hello"
}

fn main() {
    drop(index());
}
