use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics(skip(inflight, http_requests_total, memory))]
async fn get_user() -> &'static str {
    "user"
}

fn main() {
    let _ = get_user();
}
