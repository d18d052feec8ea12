#[get("/")]
#[instrument_metrics]
async fn handler() -> Strin {
    String::new()
}
