use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics]
async fn index(#[cfg(unix)] name: String) -> String {
    name
}

fn main() {
    drop(index(String::new()));
}
