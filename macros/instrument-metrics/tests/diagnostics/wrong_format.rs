#[get("/")]
#[instrument_metrics]
async fn handler() -> String {
    format!("{} {}", 1)
}
