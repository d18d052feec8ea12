use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics]
#[skip_metrics]
async fn get_user() -> &'static str {
    "user"
}

fn main() {
    let _ = get_user();
}
