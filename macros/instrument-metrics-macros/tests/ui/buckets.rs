use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics(buckets = [0.5, 0.05, 0.5, -1, 0, f64::INFINITY, f64::NAN, "1s"])]
async fn wrong() -> &'static str {
    "user"
}

#[instrument_metrics(buckets = [])]
async fn none() -> &'static str {
    "user"
}

#[instrument_metrics(buckets = vec![0.1])]
async fn no_array() -> &'static str {
    "user"
}

fn main() {
    let _ = (wrong(), none(), no_array());
}
