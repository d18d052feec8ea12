use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics(name = "get_user", skip(heap, heap), name = "user")]
async fn get_user() -> &'static str {
    "user"
}

fn main() {
    let _ = get_user();
}
