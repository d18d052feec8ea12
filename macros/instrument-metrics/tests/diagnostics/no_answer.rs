#[get("/")]
#[instrument_metrics]
async fn handler() -> String {
    String::new();
}
