#[get("/")]
#[instrument_metrics]
async fn handler() -> String {
    7
}
