#[instrument_metrics]
async fn handler(text: &str, other: &str) -> &str {
    text
}
